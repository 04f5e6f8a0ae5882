"""The answer with a photo's picture: the thumbnail, or a larger picture made from the photo itself."""

from __future__ import annotations

import logging

from starlette.responses import Response

from photosearch import images
from photosearch.errors import PhotoError, PhotoNotFound
from photosearch.library import Pending
from photosearch.sources.originals import find_listed, make_rendition
from photosearch.workspace import Workspace

log = logging.getLogger(__name__)
LIFETIME_S = 7 * 24 * 3600  # browsers may cache a picture for so long when its address holds its hash
SHORT_LIFETIME_S = 60  # and for so long when the picture may change
_TYPE = "image/jpeg"


def picture_answer(workspace: Workspace, photo_id: str, size_px: int, version: str) -> Response:
    """Answer with a photo's picture as JPEG.

    Args:
        workspace: where the photo is.
        photo_id: the photo's id.
        size_px: the longer side at most; a thumbnail's size or less gives the thumbnail.
        version: the start of the picture's SHA-256 as given in the address, or "".

    Raises:
        PhotoNotFound: there is no such photo, or it has no picture.
    """
    photo = find_listed(workspace.library, photo_id)
    if photo.sha256 is None:
        raise PhotoNotFound(f'Photo "{photo_id}" has no picture yet: it has not been read.')
    is_lasting = bool(version) and photo.sha256.startswith(version)
    thumbnail = workspace.library.files.thumbnail_path(photo.sha256)
    if size_px > images.THUMBNAIL_SIDE_PX or not thumbnail.is_file():
        if rendition := _rendition(workspace, photo, size_px):
            return Response(rendition, media_type=_TYPE, headers=_cache_header(is_lasting))
        is_lasting = is_lasting and size_px <= images.THUMBNAIL_SIDE_PX  # later the photo may be readable again
    try:
        return Response(thumbnail.read_bytes(), media_type=_TYPE, headers=_cache_header(is_lasting))
    except FileNotFoundError as error:
        raise PhotoNotFound(f'Photo "{photo_id}" has no picture: the photo and its thumbnail are missing.') from error


def _rendition(workspace: Workspace, photo: Pending, size_px: int) -> bytes | None:
    try:
        return make_rendition(workspace.library, workspace.settings, photo, size_px)
    except PhotoError as error:
        log.info("photo %s has no picture of %d px: %s", photo.id, size_px, error)
        return None


def _cache_header(is_lasting: bool) -> dict[str, str]:
    return {"Cache-Control": f"private, max-age={LIFETIME_S if is_lasting else SHORT_LIFETIME_S}"}
