"""What the server does beside showing pages: warm up, serve pictures, stop runs at the end."""

from __future__ import annotations

import logging
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.routing import Route

from photosearch.api import photo_routes
from photosearch.errors import PhotosearchError
from photosearch.ui import state

log = logging.getLogger(__name__)
SHUTDOWN_PATIENCE_S = 20  # a batch takes a few seconds


def routes() -> list[Route]:
    """The HTTP routes beside the pages."""
    return photo_routes(state.workspace)


@asynccontextmanager
async def lifespan(_app: Any) -> AsyncIterator[None]:
    """Open the library, warm up in a thread; at the end stop the run at work."""
    try:
        state.begin()
        threading.Thread(target=_warm, name="warm", daemon=True).start()
    except PhotosearchError as error:
        log.error("%s", error)  # every page says it too
    yield
    run = state.runs().latest
    if run is not None:
        run.cancel()
        run.wait(SHUTDOWN_PATIENCE_S)


def _warm() -> None:
    try:
        state.warm()
    except PhotosearchError as error:
        log.error("%s", error)
