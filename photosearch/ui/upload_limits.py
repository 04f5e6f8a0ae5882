"""Limits of what visitors of the public demo upload, kept by the server: for a file, a session, a visitor, and all."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit.runtime import get_instance
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager

from photosearch.access import pages
from photosearch.access.visits import Visit
from photosearch.ui.uploaded_picture import MAX_UPLOAD_MB

MB = 1_000_000
FRAMING_BYTES = 100_000  # what a form adds to the file that it carries
MAX_FILE_BYTES = MAX_UPLOAD_MB * 1024 * 1024 + FRAMING_BYTES
MAX_SESSION_BYTES = 2 * MAX_FILE_BYTES  # the Search and the Inspect page take one picture each
MAX_VISITOR_BYTES = 4 * MAX_FILE_BYTES
MAX_ALL_BYTES = 300 * MB
_UPLOAD = re.compile(r".*/_stcore/upload_file/([^/]+)/([^/]+)")
Held = Mapping[str, Mapping[str, int]]  # bytes by session and file


def held_by_streamlit() -> Held:
    """Return the sizes of the files that Streamlit keeps in memory; a file goes when its session or widget does."""
    manager = get_instance().uploaded_file_mgr
    if not isinstance(manager, MemoryUploadedFileManager):
        return {}
    sessions = dict(manager.file_storage)
    return {
        session: {name: len(file.data) for name, file in dict(files).items()} for session, files in sessions.items()
    }


class UploadLimits:
    """Middleware that refuses an upload before it is read where it, or what is held already, is too much."""

    def __init__(self, app: ASGIApp, held: Callable[[], Held] = held_by_streamlit) -> None:
        self._app = app
        self._held = held
        self._arriving: dict[tuple[str, str], int] = {}
        self._visitor_of: dict[str, str] = {}  # by session

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse an upload, or let it and everything else through."""
        upload = _UPLOAD.fullmatch(scope["path"]) if scope["type"] == "http" and scope["method"] == "PUT" else None
        if upload is None:
            await self._app(scope, receive, send)
            return
        visit = Visit(scope)
        place, length = (upload[1], upload[2]), visit.header("content-length")
        if not length.isdecimal():
            await pages.message(411, "Send the length of the file with it.")(scope, receive, send)
            return
        refusal = self._refuse(place, visitor(visit), int(length))
        if refusal is not None:
            await pages.message(413, refusal)(scope, receive, send)
            return
        self._arriving[place] = int(length)
        try:
            await self._app(scope, receive, send)
        finally:
            self._arriving.pop(place, None)

    def _refuse(self, place: tuple[str, str], who: str, n_bytes: int) -> str | None:
        """Return why an upload is refused; None where it is not."""
        if n_bytes > MAX_FILE_BYTES:
            return f"A picture may have at most {MAX_UPLOAD_MB} MB. Choose a smaller one."
        if place in self._arriving:
            return "This file is being uploaded already."
        session, _ = place
        sizes = {(s, f): size for s, files in self._held().items() for f, size in files.items()} | self._arriving
        known = {s for s, _ in sizes}
        self._visitor_of = {s: v for s, v in self._visitor_of.items() if s in known} | {session: who}
        sizes.pop(place, None)  # it is replaced
        of_session = sum(size for (s, _), size in sizes.items() if s == session)
        of_visitor = sum(size for (s, _), size in sizes.items() if self._visitor_of.get(s) == who)
        if of_session + n_bytes > MAX_SESSION_BYTES or of_visitor + n_bytes > MAX_VISITOR_BYTES:
            return "You have uploaded other pictures. Remove one, or load the page again, and try once more."
        if sum(sizes.values()) + n_bytes > MAX_ALL_BYTES:
            return "Many visitors try pictures at the moment. Try again in some minutes."
        return None


def visitor(visit: Visit) -> str:
    """Return the visitor's address; behind the proxies of a public host, the one that the nearest of them saw.

    Without a proxy a visitor can make this up, and is then held by the limit of all visitors together.
    """
    return visit.header("x-forwarded-for").rpartition(",")[2].strip() or visit.client
