"""Export files for download: where they are stored, how they are served, when they are deleted."""

from __future__ import annotations

import re
import secrets
import shutil
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import streamlit as st
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from photosearch.export.exporter import ExportKind, file_name
from photosearch.files import PART, make_folder
from photosearch.pipeline.background import BackgroundRun
from photosearch.records import Report, Watch
from photosearch.workspace import Workspace

LIFETIME_S = 24 * 3600
_TOKEN = re.compile(r"[0-9a-f]{32}")


def new_path(workspace: Workspace, collection: str, kind: ExportKind) -> Path:
    """Return the next file's path, in a folder whose name cannot be guessed; delete files that are a day old."""
    folder = _folder(workspace)
    for old in folder.iterdir() if folder.is_dir() else ():
        if old.is_dir() and time.time() - old.stat().st_mtime > LIFETIME_S:
            shutil.rmtree(old, ignore_errors=True)
    path = folder / secrets.token_hex(16) / file_name(collection, kind)
    make_folder(path.parent)
    return path


class ExportMaker:
    """The background work that makes export files, one at a time, and the last file made."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.run: BackgroundRun | None = None
        self.path: Path | None = None

    def start(self, workspace: Workspace, kind: ExportKind, collection: str, query: str) -> bool:
        """Start to export a collection, or what a query finds in it; return False while another file is being made."""
        with self._lock:
            if self.run is not None and self.run.snapshot.is_running:
                return False
            path = new_path(workspace, collection, kind)

            def work(watch: Watch) -> Report:
                return workspace.export(kind, collection, path, query=query, watch=watch)

            self.path = path
            self.run = BackgroundRun(path.name, work)
            self.run.start()
            return True

    def cancel(self) -> None:
        """Stop making the current file."""
        if self.run is not None:
            self.run.cancel()

    def dismiss(self) -> None:
        """Delete the last file made."""
        with self._lock:
            if self.path is not None and self.run is not None and not self.run.snapshot.is_running:
                shutil.rmtree(self.path.parent, ignore_errors=True)
                self.run = self.path = None


@st.cache_resource(show_spinner=False)
def maker() -> ExportMaker:
    """Return the server's only export maker."""
    return ExportMaker()


def address(path: Path) -> str:
    """Return the address at which a file is served."""
    return f"/downloads/{path.parent.name}"


def routes(workspace: Callable[[], Workspace]) -> list[Route]:
    """Return the route that serves the files; `workspace` is called at each request."""
    return [Route("/downloads/{token}", partial(_send, workspace), methods=["GET"])]


def _send(workspace: Callable[[], Workspace], request: Request) -> Response:
    token = request.path_params["token"]
    folder = _folder(workspace()) / token
    if _TOKEN.fullmatch(token) and not workspace().settings.demo and _is_kept(folder):
        for path in folder.iterdir():
            if path.suffix != PART:
                return FileResponse(path, filename=path.name, headers={"Cache-Control": "no-store"})
    return JSONResponse({"message": "This file was deleted. Make it again on the Library page."}, 404)


def _is_kept(folder: Path) -> bool:
    """Return whether there is a file that was made less than a day ago; an older one is deleted by the next export."""
    return folder.is_dir() and time.time() - folder.stat().st_mtime <= LIFETIME_S


def _folder(workspace: Workspace) -> Path:
    return workspace.library.folder / "exports"
