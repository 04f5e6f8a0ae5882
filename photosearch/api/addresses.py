"""Addresses of the API, for pages that link to it."""

from __future__ import annotations

PREFIX = "/api"  # where `app.py` mounts the API
MAX_SIZE_PX = 1600


def image_address(photo_id: str, sha256: str, size_px: int | None = None) -> str:
    """Return the address of a photo's picture, without scheme and host.

    A changed picture has another address, so that browsers can cache each one for long.

    Args:
        photo_id: the photo's id.
        sha256: the picture's hash.
        size_px: the longer side, up to `MAX_SIZE_PX`; None: the thumbnail.
    """
    size = "" if size_px is None else f"&size={size_px}"
    return f"{PREFIX}/v1/photos/{photo_id}/image?v={sha256[:12]}{size}"
