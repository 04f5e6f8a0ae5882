"""The gate: middleware that every request and WebSocket passes before Streamlit or the API sees it."""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from photosearch.access import pages
from photosearch.access.tokens import Token, Tokens
from photosearch.access.visits import Visit, is_allowed_host, is_same_origin, parse_origin
from photosearch.errors import PhotosearchError

log = logging.getLogger(__name__)
HEALTH = "/_stcore/health"  # says that the server runs, and nothing else; containers and proxies ask for it
POLICY_VIOLATION = 1008  # the WebSocket's code
_HEADERS = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin"}
_NOT_ELSEWHERE = {"X-Frame-Options": "SAMEORIGIN", "Cross-Origin-Opener-Policy": "same-origin"}
_FRAMES = "frame-ancestors 'self'"


class Login(Protocol):
    """A way to log in."""

    @property
    def paths(self) -> Collection[str]:
        """The paths that visitors reach before they are logged in."""

    def lets_in(self, visit: Visit) -> bool:
        """Tell whether the request comes from somebody who is logged in."""

    def ask(self, visit: Visit) -> Response:
        """Return the page that asks to log in."""

    async def answer(self, visit: Visit, receive: Receive) -> Response | None:
        """Answer a request to one of `paths`; None: the server itself answers."""


@dataclass(frozen=True)
class Rules:
    """Who may see what."""

    api_prefix: str  # the path below which tokens are valid and answers are JSON
    login: Login | None = None  # None: there is no lock
    tokens: Tokens | None = None
    is_open: bool = False  # without a lock: whether visitors from other machines see all
    hosts: frozenset[str] = frozenset()  # by which this server may be called, besides its addresses
    any_host: bool = False  # of the public demo, whose names its host gives and which holds nothing private
    api_origins: frozenset[str] = frozenset()  # of other sites whose pages may read the API; "*": all


class Gate:
    """Middleware that lets a request through, or answers it; every answer gets the headers that browsers heed."""

    def __init__(self, app: ASGIApp, rules: Rules) -> None:
        self._app = app
        self._rules = rules

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through or answer it."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        visit = Visit(scope)
        refused = self._refuse_place(visit)
        answer = refused or await self._refuse_visitor(visit, receive)
        if answer is None:
            await self._app(_for_streamlit(visit), receive, self._marked(visit, send))
        elif visit.is_websocket:
            await send({"type": "websocket.close", "code": POLICY_VIOLATION, "reason": ""})
        else:
            await answer(scope, receive, self._marked(visit, send))

    def _refuse_place(self, visit: Visit) -> Response | None:
        """Refuse a request that is addressed to a foreign host, or that a page of another site sent."""
        rules = self._rules
        if rules.any_host:
            return None
        if not is_allowed_host(visit, rules.hosts):
            return self._refuse(
                visit,
                421,
                "This server has another name",
                "The address names a host that this photosearch does not know. If it is right, set"
                " PHOTOSEARCH_ALLOWED_HOSTS to its name where photosearch runs, and start it again.",
            )
        if self._is_from_elsewhere(visit):
            return self._refuse(
                visit,
                403,
                "This request came from another site",
                "Open photosearch itself. Pages of other sites may read its API where PHOTOSEARCH_CORS_ORIGINS lists"
                " them; a proxy must hand on the Host header as it came.",
            )
        return None

    def _is_from_elsewhere(self, visit: Visit) -> bool:
        is_api_reading = self._is_api(visit) and visit.changes_nothing and not visit.is_websocket
        if visit.origin is None:
            return visit.is_sent_by_another_site and not (is_api_reading and self._rules.api_origins)
        if is_api_reading and self._rules.api_origins & {"*", visit.origin}:
            return False
        origin = parse_origin(visit.origin)
        return origin is None or not is_same_origin(visit, *origin)

    async def _refuse_visitor(self, visit: Visit, receive: Receive) -> Response | None:
        """Refuse a visitor who may not see the photos, or send what logs one in; None: the visitor may pass."""
        login = self._rules.login
        if login is not None and visit.path in login.paths and not visit.is_websocket:
            return await login.answer(visit, receive)
        token = self._token(visit) if self._is_api(visit) else None
        if token is not None:
            if visit.changes_nothing or token.may_write:
                return None
            return pages.message(403, "This API token may only read. Create one with --write.")
        if visit.path == HEALTH and visit.method in ("GET", "HEAD") and not visit.is_websocket:
            return None
        if login is None:
            if self._rules.is_open or visit.is_from_this_machine:
                return None
            return pages.message(403, pages.NO_LOCK) if self._is_api(visit) else pages.how_to_lock()
        if login.lets_in(visit) or self._is_preflight(visit):
            return None
        return self._ask_for_token(visit) if self._is_api(visit) else login.ask(visit)

    def _token(self, visit: Visit) -> Token | None:
        """Return the API token that a request of the API was sent with; None where there is none, or it is unknown."""
        kind, _, text = visit.header("authorization").partition(" ")
        if kind.lower() != "bearer" or self._rules.tokens is None:
            return None
        try:
            return self._rules.tokens.find(text.strip())
        except PhotosearchError as error:
            log.error("%s", error)
            return None

    def _ask_for_token(self, visit: Visit) -> Response:
        if "authorization" in visit.headers:
            text = 'This API token is not known. "photosearch token list" shows those that are.'
            return pages.message(401, text, {"WWW-Authenticate": 'Bearer error="invalid_token"'})
        text = "Log in on the page first, or send an API token: Authorization: Bearer TOKEN."
        return pages.message(401, text, {"WWW-Authenticate": "Bearer"})

    def _is_api(self, visit: Visit) -> bool:
        return visit.path == self._rules.api_prefix or visit.path.startswith(f"{self._rules.api_prefix}/")

    def _is_preflight(self, visit: Visit) -> bool:
        """Tell whether a browser asks if a page of a known site may send a request, which it does without cookies."""
        is_question = visit.method == "OPTIONS" and "access-control-request-method" in visit.headers
        return is_question and self._is_api(visit) and bool(self._rules.api_origins & {"*", visit.origin or ""})

    def _refuse(self, visit: Visit, status: int, title: str, text: str) -> Response:
        return pages.message(status, f"{title}. {text}") if self._is_api(visit) else pages.refusal(status, title, text)

    def _marked(self, visit: Visit, send: Send) -> Send:
        """Return a `send` that adds the headers by which browsers keep other sites away."""

        async def send_marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._mark(visit, MutableHeaders(scope=message))
            await send(message)

        return send_marked

    def _mark(self, visit: Visit, headers: MutableHeaders) -> None:
        for name, value in _HEADERS.items():
            headers[name] = value
        if self._rules.any_host:  # the public demo is shown inside of its host's page
            return
        for name, value in _NOT_ELSEWHERE.items():
            headers[name] = value
        policy = headers.get("Content-Security-Policy")
        headers["Content-Security-Policy"] = f"{policy}; {_FRAMES}" if policy else _FRAMES
        is_shared = self._is_api(visit) and self._rules.api_origins
        headers["Cross-Origin-Resource-Policy"] = "cross-origin" if is_shared else "same-origin"


def _for_streamlit(visit: Visit) -> Scope:
    """Return a WebSocket's request with the host that its origin names, which the gate found to be right.

    Streamlit compares the two as text, and asks an outside address for this machine's own where they differ.
    """
    if not visit.is_websocket or visit.origin is None:
        return visit.scope
    host = visit.origin.partition("://")[2].encode("latin-1", "replace")
    kept = [(name, value) for name, value in visit.scope["headers"] if name.lower() != b"host"]
    return {**visit.scope, "headers": [*kept, (b"host", host)]}
