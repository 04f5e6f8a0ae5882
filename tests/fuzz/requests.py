"""Any Host, Origin, cookie, token, form and upload: nothing passes the gate without the right, nothing raises."""

from __future__ import annotations

import asyncio
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from hypothesis import strategies as st
from starlette.types import Message, Receive, Scope, Send

from photosearch.access.gate import HEALTH, Gate, Rules
from photosearch.access.login import LOGIN, PasswordLogin
from photosearch.access.sessions import COOKIE, Sessions
from photosearch.access.tokens import Tokens
from photosearch.ui.upload_limits import MAX_SESSION_BYTES, UploadLimits

PASSWORD = "a password for the fuzz"  # noqa: S105
OURS = re.compile(
    r"(localhost|([a-z0-9_-]+\.)+localhost|127\.\d+\.\d+\.\d+|\[[0:]*:(ffff:(127\.\d+\.\d+\.\d+|7f[0-9a-f]{2}:[0-9a-f]+)|0*1)\])\.?(:\d+)?",
    re.I,
)
PIECES = [
    "localhost",
    "127.0.0.1",
    "[::1]",
    ":8501",
    ":",
    ".",
    "@",
    "/",
    "evil.example",
    "http://",
    "https://",
    "null",
    "%00",
    "#",
    "?",
    " ",
    ",",
    "\\",
    "[",
    "]",
    "0x7f.1",
]
TEXT = st.lists(
    st.one_of(st.sampled_from(PIECES), st.text(st.characters(max_codepoint=255), max_size=6)), max_size=6
).map("".join)
PATHS = [
    "/",
    "/api",
    "/api/v1/search",
    "//api/v1/search",
    "/media/1",
    LOGIN,
    "/logout",
    HEALTH,
    "/_stcore/stream",
    "/_stcore/upload_file/a/b",
    "/API/v1",
]


@dataclass(frozen=True)
class Request:
    """A request as an attacker might send it."""

    kind: str  # "http" or "websocket"
    method: str
    path: str
    hosts: tuple[str, ...]
    origins: tuple[str, ...]
    others: tuple[tuple[str, str], ...]
    body: bytes
    client: str

    def scope(self) -> Scope:
        """Return it as servers hand it on."""
        headers = [
            *(("host", host) for host in self.hosts),
            *(("origin", origin) for origin in self.origins),
            *self.others,
        ]
        return {
            "type": self.kind,
            "method": self.method,
            "path": self.path,
            "query_string": b"",
            "scheme": "http",
            "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers],
            "client": (self.client, 1),
            "server": ("127.0.0.1", 8501),
        }


NAMES = st.sampled_from(
    "cookie authorization x-forwarded-for x-real-ip via content-length sec-fetch-site sec-fetch-mode".split()
)
VALUES = st.one_of(
    TEXT,
    TEXT.map(lambda text: f"{COOKIE}={text}"),
    TEXT.map(lambda text: f"Bearer {text}"),
    st.sampled_from(["same-site", "cross-site", "cors", "no-cors", "1" * 30]),
)
REQUESTS = st.builds(
    Request,
    st.sampled_from(["http", "http", "websocket"]),
    st.sampled_from(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "X"]),
    st.one_of(
        st.sampled_from(PATHS),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=20).map(lambda text: f"/{text}"),
    ),
    st.lists(st.one_of(st.sampled_from(["localhost:8501", "127.0.0.1"]), TEXT), max_size=2).map(tuple),
    st.lists(st.one_of(st.sampled_from(["http://localhost:8501", "null"]), TEXT), max_size=2).map(tuple),
    st.lists(st.tuples(NAMES, VALUES), max_size=3).map(tuple),
    st.one_of(st.binary(max_size=200), TEXT.map(lambda text: f"password={text}&next={text}".encode())),
    st.sampled_from(["127.0.0.1", "::1", "203.0.113.7", "", "unix"]),
)


class Passing:
    """Check that sends a request through the gate, locked and not."""

    def __init__(self) -> None:
        folder = Path(tempfile.mkdtemp())
        login = PasswordLogin(Sessions(folder, PASSWORD))
        self._reached: list[Scope] = []
        self._open = Gate(UploadLimits(self._tell, dict), Rules("/api"))
        self._locked = Gate(self._tell, Rules("/api", login, Tokens(folder)))
        self.n_reached = 0
        self._runner = asyncio.Runner()

    async def _tell(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._reached.append(scope)
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b""})

    def __call__(self, request: Request) -> None:
        """Send it; raises `AssertionError` when it reaches the server and may not."""
        sent = self._send(self._open, request)
        assert sent or self._reached
        if self._reached:
            self.n_reached += 1
            assert len(request.hosts) == 1, request
            assert OURS.fullmatch(request.hosts[0]), request.hosts
            assert len(request.origins) <= 1
            assert all(_host(origin) == _host(f"http://{request.hosts[0]}") for origin in request.origins), request
            is_local = request.client in ("127.0.0.1", "::1")
            forwarded = {name for name, _ in request.others} & {"x-forwarded-for", "x-real-ip", "via"}
            assert (is_local and not forwarded) or request.path == HEALTH, request
        self._send(self._locked, request)
        assert all(scope["path"] == HEALTH for scope in self._reached), request

    def _send(self, app: Gate, request: Request) -> list[Message]:
        self._reached.clear()
        sent: list[Message] = []
        parts: list[Message] = [{"type": "http.request", "body": request.body, "more_body": False}]

        async def receive() -> Message:
            return parts.pop() if parts else {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            sent.append(message)

        self._runner.run(app(request.scope(), receive, send))
        return sent


def _host(origin: str) -> str:
    """Return an origin's host with its port, as compared."""
    scheme, _, host = origin.lower().partition("://")
    name, _, port = host.rpartition(":") if re.search(r":\d+$", host) else (host, "", "")
    return f"{name.rstrip('.')}:{int(port or (443 if scheme == 'https' else 80))}"


@dataclass(frozen=True)
class Upload:
    """A file of a session, as a visitor of the demo sends it."""

    session: str
    file: str
    n_bytes: int
    who: str


FEW = st.sampled_from("abc")
UPLOADS = st.lists(st.builds(Upload, FEW, FEW, st.integers(0, 2 * MAX_SESSION_BYTES), FEW), max_size=12)


class Uploading:
    """Check that sends uploads, of which the server may never hold too many bytes."""

    def __call__(self, uploads: list[Upload]) -> None:
        """Send them; raises `AssertionError` when a session holds more than it may."""
        held: dict[str, dict[str, int]] = {}

        async def keep(scope: Scope, receive: Receive, send: Send) -> None:
            *_, session, file = scope["path"].split("/")
            held.setdefault(session, {})[file] = int(dict(scope["headers"])[b"content-length"])

        limits = UploadLimits(keep, lambda: held)
        for upload in uploads:
            path = f"/_stcore/upload_file/{upload.session}/{upload.file}"
            headers = [(b"content-length", str(upload.n_bytes).encode())]
            scope = {"type": "http", "method": "PUT", "path": path, "headers": headers, "client": (upload.who, 1)}
            asyncio.run(limits(scope, _nothing, _forget))
            assert all(sum(files.values()) <= MAX_SESSION_BYTES for files in held.values()), held


async def _nothing() -> Message:
    return {"type": "http.disconnect"}


async def _forget(message: Message) -> None:
    """Take a message, and do nothing with it."""
