"""What the server does beside showing pages: warm up, serve the HTTP API, stop runs at the end."""

from __future__ import annotations

import logging
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.routing import BaseRoute, Mount

from photosearch.api import PREFIX, make_api
from photosearch.errors import PhotosearchError, SettingsError
from photosearch.settings import read_settings
from photosearch.ui import downloads, state

log = logging.getLogger(__name__)
SHUTDOWN_PATIENCE_S = 20  # a batch takes a few seconds


def routes() -> list[BaseRoute]:
    """The HTTP routes beside the pages: the API, and files that were made to be taken away."""
    try:
        settings = read_settings()
        api = make_api(state.workspace, public=settings.demo, cors_origins=settings.cors_origins)
    except SettingsError:  # every page and every answer of the API says it
        api = make_api(state.workspace, public=True)
    return [Mount(PREFIX, app=api), *downloads.routes(state.workspace)]


@asynccontextmanager
async def lifespan(_app: Any) -> AsyncIterator[None]:
    """Open the library, warm up in a thread; at the end stop the run at work."""
    try:
        state.begin()
        threading.Thread(target=_warm, name="warm", daemon=True).start()
    except PhotosearchError as error:
        log.error("%s", error)  # every page says it too
    yield
    downloads.maker().cancel()
    state.runs().leave(SHUTDOWN_PATIENCE_S)


def _warm() -> None:
    try:
        state.warm()
    except PhotosearchError as error:
        log.error("%s", error)
