"""HTTP routes, reading only."""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from photosearch.errors import PhotoNotFound
from photosearch.workspace import Workspace

THUMBNAIL_LIFETIME_S = 7 * 24 * 3600


def image_address(photo_id: str, sha256: str) -> str:
    """Where a photo's thumbnail is served; another picture has another address, so that it can be kept for long."""
    return f"/api/v1/photos/{photo_id}/image?v={sha256[:12]}"


def photo_routes(workspace: Callable[[], Workspace]) -> list[Route]:
    """The routes over the workspace that is asked for anew at each request."""

    def image(request: Request) -> Response:
        photo_id = request.path_params["photo_id"]
        try:
            photo = workspace().library.photo(photo_id)
        except PhotoNotFound as error:
            return JSONResponse({"message": str(error)}, status_code=404)
        path = workspace().library.files.thumbnail_path(photo.sha256) if photo.sha256 else None
        if path is None or not path.is_file():
            return JSONResponse({"message": f'Photo "{photo_id}" has no picture yet.'}, status_code=404)
        headers = {"Cache-Control": f"private, max-age={THUMBNAIL_LIFETIME_S}", "X-Content-Type-Options": "nosniff"}
        return FileResponse(path, media_type="image/jpeg", headers=headers)

    return [Route("/api/v1/photos/{photo_id}/image", image, methods=["GET"])]
