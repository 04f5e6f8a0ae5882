"""What the server does beside showing pages: warm up, serve the HTTP API, stop runs at the end."""

from __future__ import annotations

import contextlib
import gc
import logging
import socket
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.routing import BaseRoute, Mount

from photosearch import __version__
from photosearch.api import PREFIX, make_api
from photosearch.errors import PhotosearchError, SettingsError
from photosearch.settings import read_settings
from photosearch.ui import state
from photosearch.ui.library import downloads
from photosearch.ui.server_log import start_log

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
    """Open the library and its log, warm up in a thread; at the end stop the run at work."""
    send_at_once()
    try:
        start_log(state.workspace().settings.library_dir)
        log.info("photosearch %s starts.", __version__)
        begin()
        threading.Thread(target=_warm, name="warm", daemon=True).start()
    except PhotosearchError as error:
        log.error("%s", error)  # every page says it too
    yield
    log.info("photosearch ends.")
    downloads.maker().cancel()
    state.runs().leave(SHUTDOWN_PATIENCE_S)


def begin() -> None:
    """Resume the task that an earlier server did not finish, or prepare the demo collection where that is missing."""
    workspace, runs = state.workspace(), state.runs()
    if not workspace.settings.demo and runs.go_on_after_restart():
        return
    if workspace.needs_demo():
        runs.start("Captioning the demo photos", workspace.prepare_demo)


def send_at_once() -> None:
    """Have all listening sockets' connections send what is written at once (TCP_NODELAY, which they take over).

    Streamlit's socket does not say that it is TCP, so that asyncio leaves Nagle's algorithm on: nearly every answer
    would wait 40 ms for the browser to acknowledge its head (https://github.com/Kludex/uvicorn/issues/3149).
    """
    for one in gc.get_objects():
        if issubclass(type(one), socket.socket) and one.family in (socket.AF_INET, socket.AF_INET6):
            with contextlib.suppress(OSError):  # it is closed
                if one.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _warm() -> None:
    try:
        state.workspace().warm_up()
        gc.collect()
        gc.freeze()  # models, indexes and modules stay: looking through them again and again takes time from answers
    except PhotosearchError as error:
        log.error("%s", error)
