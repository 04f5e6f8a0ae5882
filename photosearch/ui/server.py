"""What the server does besides showing pages: warm up, serve the HTTP API and export files, stop runs at the end."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import socket
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Mount

from photosearch import __version__
from photosearch.access.gate import Gate, Login, Rules
from photosearch.access.login import PasswordLogin
from photosearch.access.sessions import Sessions
from photosearch.access.tokens import Tokens
from photosearch.access.visits import own_names
from photosearch.api import PREFIX, make_api
from photosearch.errors import PhotosearchError, SettingsError
from photosearch.library.memory import share_memory
from photosearch.settings import Settings, read_settings
from photosearch.ui import openid, state
from photosearch.ui.connections import allow_connections, close_half_open
from photosearch.ui.library import downloads
from photosearch.ui.openid_answers import OpenIdAnswers
from photosearch.ui.server_log import start_log
from photosearch.ui.upload_limits import UploadLimits

log = logging.getLogger(__name__)
SHUTDOWN_PATIENCE_S = 20  # a run stops after its batch, which takes a few seconds


def routes() -> list[BaseRoute]:
    """Return the HTTP routes besides the pages: the API, and the export files."""
    try:
        settings = read_settings()
        api = make_api(state.workspace, public=settings.demo, cors_origins=settings.cors_origins)
    except SettingsError:  # every page and every answer of the API shows this error
        api = make_api(state.workspace, public=True)
    return [Mount(PREFIX, app=api), *downloads.routes(state.workspace)]


def guard() -> list[Middleware]:
    """Return the middleware in front of all routes: who may see what, as the settings say."""
    try:
        settings = read_settings()
    except SettingsError as error:  # shown on this machine only
        log.error("%s", error)
        return [Middleware(Gate, rules=Rules(PREFIX))]
    limits = [Middleware(UploadLimits)] if settings.demo else []
    answers = [Middleware(OpenIdAnswers)] if openid.is_set_up() else []
    return [Middleware(Gate, rules=rules(settings)), *limits, *answers]


def rules(settings: Settings) -> Rules:
    """Return who may see what."""
    login: Login | None = None
    names = own_names().union(settings.allowed_hosts)
    if openid.is_set_up():  # one lock is enough, and this one knows people
        login = openid.OpenIdLogin(settings.users)
        names |= {openid.callback_host()}
    elif settings.password:
        login = PasswordLogin(Sessions(settings.library_dir, settings.password))
    return Rules(
        PREFIX,
        login,
        Tokens(settings.library_dir),
        is_open=settings.open_to_all or settings.demo,
        hosts=names - {""},
        any_host=settings.demo,
        api_origins=frozenset(settings.cors_origins),
    )


@asynccontextmanager
async def lifespan(_app: Any) -> AsyncIterator[None]:
    """Open the library and its log, and warm up in a thread; when the server ends, stop the current run."""
    share_memory()
    send_at_once()
    closing = asyncio.create_task(close_half_open(max_connections=allow_connections()))
    try:
        start_log(state.workspace().settings.library_dir)
        log.info("photosearch %s starts.", __version__)
        begin()
        threading.Thread(target=_warm, name="warm", daemon=True).start()
    except PhotosearchError as error:
        log.error("%s", error)  # every page shows this error, too
    yield
    closing.cancel()
    log.info("photosearch ends.")
    downloads.maker().cancel()
    with contextlib.suppress(PhotosearchError):  # where the library cannot be opened there is no run
        state.runs().leave(SHUTDOWN_PATIENCE_S)


def begin() -> None:
    """Resume the task that an earlier server did not finish, or prepare the demo collection where that is missing."""
    workspace, runs = state.workspace(), state.runs()
    if not workspace.settings.demo and runs.go_on_after_restart():
        return
    if workspace.needs_demo():
        runs.start("Captioning the demo photos", workspace.prepare_demo)


def send_at_once() -> None:
    """Set TCP_NODELAY on all listening sockets, so that their connections, which inherit it, send without delay.

    Streamlit creates its socket without naming TCP as the protocol, so asyncio leaves Nagle's algorithm on: nearly
    every answer would wait 40 ms for the browser to acknowledge its head
    (https://github.com/Kludex/uvicorn/issues/3149).
    """
    for candidate in gc.get_objects():
        if issubclass(type(candidate), socket.socket) and candidate.family in (socket.AF_INET, socket.AF_INET6):
            with contextlib.suppress(OSError):  # the socket may be closed
                if candidate.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                    candidate.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _warm() -> None:
    try:
        state.workspace().warm_up()
        gc.collect()
        gc.freeze()  # models and indexes stay for good; collecting garbage among them would delay answers
    except PhotosearchError as error:
        log.error("%s", error)
