"""What people and the log are told when a log-in by OpenID Connect fails: one line, which Streamlit itself lacks."""

from __future__ import annotations

import logging
from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.user_info import AUTH_LOGIN_ENDPOINT
from streamlit.web.server.starlette import starlette_auth_routes
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME

from photosearch.access.visits import Visit
from photosearch.ui.openid import CALLBACK, log_in_page, read_user

NO_ANSWER = "The service that knows the accounts does not answer as it should. Try again in some minutes."
NOT_CONFIRMED = "The service that knows the accounts did not confirm this log-in. Try again."
MAX_LINE_CHARS = 300
_BEGINS_COOKIE = f"{USER_COOKIE_NAME}="


class OpenIdAnswers:
    """Middleware that puts the page with the log-in, and what went wrong, in place of Streamlit's answer to a failure.

    Streamlit answers "Authentication error" as plain text, or leads back without a word.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        logging.getLogger(starlette_auth_routes.__name__).addFilter(one_line)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, and hand on what comes back unless a log-in failed."""
        path = scope["path"] if scope["type"] == "http" else ""
        if path not in (AUTH_LOGIN_ENDPOINT, CALLBACK):
            await self._app(scope, receive, send)
            return
        kept: list[Message] = []

        async def keep(message: Message) -> None:
            kept.append(message)

        await self._app(scope, receive, keep)
        start = next((message for message in kept if message["type"] == "http.response.start"), None)
        if start is None or not _has_failed(Visit(scope), start):
            for message in kept:
                await send(message)
            return
        status, problem = (502, NO_ANSWER) if path == AUTH_LOGIN_ENDPOINT else (401, NOT_CONFIRMED)
        page = log_in_page(status, problem)
        for cookie in Headers(raw=start["headers"]).getlist("set-cookie"):
            page.headers.append("set-cookie", cookie)
        await page(scope, receive, send)


def _has_failed(visit: Visit, start: Message) -> bool:
    """Tell from the head of Streamlit's answer whether a log-in failed; else there is a cookie that says who it is."""
    if visit.path == AUTH_LOGIN_ENDPOINT:
        return int(start["status"]) >= 400
    if not {"code", "error"} & parse_qs(visit.scope["query_string"].decode("latin-1")).keys():
        return False  # the provider sends back who logged out, too
    cookies = [text for text in Headers(raw=start["headers"]).getlist("set-cookie") if text.startswith(_BEGINS_COOKIE)]
    if not cookies:  # nothing was changed, as when somebody goes back in the browser
        return read_user(visit) is None
    return all("max-age=0" in text.lower() for text in cookies)


def one_line(record: logging.LogRecord) -> bool:
    """Make a record of Streamlit's log-in one line, without calls and without what a visitor or the provider sent."""
    if record.exc_info and record.exc_info[0] is not None:
        name = record.exc_info[0].__name__
        record.msg = (
            f"OpenID Connect: a log-in failed, since the provider did not answer as it should ({name})."
            " See whether this machine reaches it, and whether server_metadata_url in secrets.toml is right."
        )
        record.args, record.exc_info, record.exc_text = (), None, None
        return True
    text = "".join(c if c.isprintable() else " " for c in record.getMessage())
    record.msg, record.args = text[:MAX_LINE_CHARS], ()
    return True
