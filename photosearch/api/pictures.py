"""The answer with a photo's picture: the thumbnail, or a larger picture made from the photo itself."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial

from starlette.responses import Response

from photosearch.api.pool import Pool
from photosearch.errors import PhotoError, PhotoNotFound
from photosearch.library import Pending
from photosearch.pictures import images
from photosearch.sources.originals import N_AT_ONCE, find_listed, make_rendition
from photosearch.workspace import Workspace

log = logging.getLogger(__name__)
LIFETIME_S = 7 * 24 * 3600  # browsers may cache a picture for so long when its address holds its hash
SHORT_LIFETIME_S = 60  # and for so long when the picture may change
PATIENCE_S = 20.0  # a picture that takes longer is answered by an error
N_THUMBNAILS_AT_ONCE = 8
_TYPE = "image/jpeg"


class Pictures:
    """Answers with pictures. Thumbnails and originals have threads apart, since originals lie on any drive."""

    def __init__(self, get_workspace: Callable[[], Workspace]) -> None:
        self._workspace = get_workspace
        self._thumbnails = Pool("thumbnails", N_THUMBNAILS_AT_ONCE, PATIENCE_S)
        self._originals = Pool("originals", N_AT_ONCE, PATIENCE_S)

    async def answer(self, photo_id: str, size_px: int, version: str) -> Response:
        """Answer with a photo's picture as JPEG.

        Args:
            photo_id: the photo's id.
            size_px: the longer side at most; a thumbnail's size or less gives the thumbnail.
            version: the start of the picture's SHA-256 as given in the address, or "".

        Raises:
            PhotoNotFound: there is no such photo, or it has no picture.
            LibraryError: the picture cannot be read in time.
        """
        photo, thumbnail = await self._thumbnails.run(partial(self._find, photo_id))
        is_lasting = bool(version) and (photo.sha256 or "").startswith(version)
        if size_px > images.THUMBNAIL_SIDE_PX or thumbnail is None:
            rendition = await self._originals.run(partial(self._rendition, photo, size_px))
            if rendition is not None:
                return _jpeg(rendition, is_lasting=is_lasting)
            is_lasting = is_lasting and size_px <= images.THUMBNAIL_SIDE_PX  # later the photo may be readable again
        if thumbnail is None:
            raise PhotoNotFound(f'Photo "{photo_id}" has no picture: the photo and its thumbnail are missing.')
        return _jpeg(thumbnail, is_lasting=is_lasting)

    def _find(self, photo_id: str) -> tuple[Pending, bytes | None]:
        """Return a photo that was read once, and its thumbnail."""
        library = self._workspace().library
        photo = find_listed(library, photo_id)
        if photo.sha256 is None:
            raise PhotoNotFound(f'Photo "{photo_id}" has no picture yet: it has not been read.')
        return photo, library.files.read_thumbnail(photo.sha256)

    def _rendition(self, photo: Pending, size_px: int) -> bytes | None:
        workspace = self._workspace()
        try:
            return make_rendition(workspace.library, workspace.settings, photo, size_px)
        except PhotoError as error:
            log.info("photo %s has no picture of %d px: %s", photo.id, size_px, error)
            return None


def _jpeg(data: bytes, *, is_lasting: bool) -> Response:
    lifetime_s = LIFETIME_S if is_lasting else SHORT_LIFETIME_S
    return Response(data, media_type=_TYPE, headers={"Cache-Control": f"private, max-age={lifetime_s}"})
