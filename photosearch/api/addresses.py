"""Where things are on the server, for the pages that point there."""

from __future__ import annotations

PREFIX = "/api"  # where `app.py` mounts the API
MAX_SIZE_PX = 1600


def image_address(photo_id: str, sha256: str, size_px: int | None = None) -> str:
    """Where a photo's picture is served; another picture has another address, so that it can be kept for long.

    Without a size it is the thumbnail; with one, up to `MAX_SIZE_PX`, a picture no larger than that.
    """
    size = "" if size_px is None else f"&size={size_px}"
    return f"{PREFIX}/v1/photos/{photo_id}/image?v={sha256[:12]}{size}"
