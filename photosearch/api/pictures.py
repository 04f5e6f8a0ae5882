"""A photo's picture as an answer: its thumbnail, or a larger one made from the photo itself."""

from __future__ import annotations

import logging

from starlette.responses import Response

from photosearch import images
from photosearch.errors import PhotoError, PhotoNotFound
from photosearch.library import Pending
from photosearch.sources.originals import find_listed, make_rendition
from photosearch.workspace import Workspace

log = logging.getLogger(__name__)
LIFETIME_S = 7 * 24 * 3600  # of a picture whose address says which one it is
SHORT_LIFETIME_S = 60  # of one that may be another soon
_TYPE = "image/jpeg"


def picture_answer(workspace: Workspace, photo_id: str, size_px: int, version: str) -> Response:
    """The picture, no larger than `size_px`; `version` is the start of its SHA-256, where the address has it.

    Raises:
        PhotoNotFound: there is no such photo, or it has no picture yet.
    """
    photo = find_listed(workspace.library, photo_id)
    if photo.sha256 is None:
        raise PhotoNotFound(f'Photo "{photo_id}" has no picture yet.')
    lasting = bool(version) and photo.sha256.startswith(version)
    thumbnail = workspace.library.files.thumbnail_path(photo.sha256)
    if size_px > images.THUMBNAIL_SIDE_PX or not thumbnail.is_file():
        if made := _rendition(workspace, photo, size_px):
            return Response(made, media_type=_TYPE, headers=_keep(lasting))
        lasting = lasting and size_px <= images.THUMBNAIL_SIDE_PX  # the photo may be there again soon
    try:
        return Response(thumbnail.read_bytes(), media_type=_TYPE, headers=_keep(lasting))
    except FileNotFoundError as error:
        raise PhotoNotFound(f'Photo "{photo_id}" has no picture any more.') from error


def _rendition(workspace: Workspace, photo: Pending, size_px: int) -> bytes | None:
    try:
        return make_rendition(workspace.library, workspace.settings, photo, size_px)
    except PhotoError as error:
        log.info("photo %s has no picture of %d px: %s", photo.id, size_px, error)
        return None


def _keep(lasting: bool) -> dict[str, str]:
    return {"Cache-Control": f"private, max-age={LIFETIME_S if lasting else SHORT_LIFETIME_S}"}
