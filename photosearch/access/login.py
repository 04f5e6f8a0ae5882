"""Logging in with the password, and out: the two addresses /login and /logout."""

from __future__ import annotations

import asyncio
import logging
import math
from urllib.parse import parse_qs

from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.types import Receive

from photosearch.access import pages
from photosearch.access.sessions import COOKIE, LIFETIME_S, Sessions
from photosearch.access.throttle import Throttle
from photosearch.access.visits import Visit

LOGIN, LOGOUT = "/login", "/logout"
MAX_FORM_BYTES = 8_000
FORM_PATIENCE_S = 10.0
log = logging.getLogger(__name__)


class PasswordLogin:
    """Lets visitors in who give the password; their browser keeps a session's cookie."""

    paths = (LOGIN, LOGOUT)

    def __init__(self, sessions: Sessions, throttle: Throttle | None = None) -> None:
        self._sessions = sessions
        self._throttle = throttle or Throttle()

    def lets_in(self, visit: Visit) -> bool:
        """Tell whether a request has the cookie of a session."""
        return self._sessions.is_valid(visit.cookies.get(COOKIE, ""))

    def ask(self, visit: Visit) -> Response:
        """Return the page that asks for the password, and leads to where the visitor wanted to go."""
        query = visit.scope.get("query_string", b"").decode("latin-1")
        target = f"{visit.path}?{query}" if query else visit.path
        return pages.login_form(401, LOGIN, target if visit.method == "GET" else "/")

    async def answer(self, visit: Visit, receive: Receive) -> Response:
        """Answer a request to one of `paths`."""
        if visit.method not in ("GET", "HEAD", "POST"):
            return pages.refusal(405, "This cannot be done here", "Open the page in a browser.")
        if visit.path == LOGOUT:
            return self._log_out(visit) if visit.method == "POST" else pages.logout_form(LOGOUT)
        if visit.method != "POST":
            return pages.login_form(200, LOGIN, "/")
        wait_s = self._throttle.wait_s(visit.client)
        if wait_s:
            return self._ask_to_wait(wait_s, "/")
        form = await _read_form(visit, receive)
        if form is None:
            return pages.refusal(400, "This form cannot be read", "Open the page again, and log in there.")
        return self._try(visit, form.get("password", ""), inner_path(form.get("next", "/")))

    def _try(self, visit: Visit, password: str, target: str) -> Response:
        wait_s = self._throttle.wait_s(visit.client)  # other tries may have come while this form was read
        if wait_s:
            return self._ask_to_wait(wait_s, target)
        if not self._sessions.is_password(password):
            self._throttle.count_wrong(visit.client)
            log.warning("A wrong password was given from %s.", visit.client or "an unknown address")
            return pages.login_form(401, LOGIN, target, "This is not the password. Try again.")
        self._throttle.forget(visit.client)
        response = RedirectResponse(target, 303, {"Cache-Control": "no-store"})
        response.set_cookie(
            COOKIE,
            self._sessions.new_cookie(),
            max_age=LIFETIME_S,
            httponly=True,
            secure=visit.is_secure,
            samesite="lax",
        )
        return response

    def _ask_to_wait(self, wait_s: float, target: str) -> Response:
        seconds = math.ceil(wait_s)
        return pages.login_form(
            429, LOGIN, target, f"There were too many wrong tries. Wait {seconds} seconds, then try again.", seconds
        )

    def _log_out(self, visit: Visit) -> Response:
        response = RedirectResponse("/", 303, {"Cache-Control": "no-store", "Clear-Site-Data": '"cache"'})
        response.delete_cookie(COOKIE, httponly=True, secure=visit.is_secure, samesite="lax")
        return response


def inner_path(target: str) -> str:
    """Return a path of this server to go on at; "/" instead of all that could lead elsewhere."""
    is_inner = target.startswith("/") and not target.startswith(("//", "/\\")) and target.isprintable()
    return target if is_inner and "\\" not in target else "/"


async def _read_form(visit: Visit, receive: Receive) -> dict[str, str] | None:
    """Read a short form; None where it is too long, takes too long to come, or is no form."""
    body = b""
    try:
        async with asyncio.timeout(FORM_PATIENCE_S):
            async for chunk in Request(visit.scope, receive).stream():
                body += chunk
                if len(body) > MAX_FORM_BYTES:
                    return None
        fields = parse_qs(body.decode("ascii"), keep_blank_values=True, errors="replace", max_num_fields=10)
    except (TimeoutError, ClientDisconnect, ValueError):
        return None
    return {name: values[0] for name, values in fields.items()}
