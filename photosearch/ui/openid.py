"""Logging in by OpenID Connect: Streamlit's `st.login` does it, `secrets.toml` sets it up; see the README."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from urllib.parse import urlsplit

from starlette.responses import RedirectResponse, Response
from starlette.types import Receive
from streamlit.auth_util import get_secrets_auth_section
from streamlit.errors import Error as StreamlitError
from streamlit.user_info import AUTH_LOGIN_ENDPOINT, AUTH_LOGOUT_ENDPOINT, generate_login_redirect_url
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME
from streamlit.web.server.starlette.starlette_websocket import _get_signed_cookie_with_chunks

from photosearch.access import pages
from photosearch.access.login import LOGOUT
from photosearch.access.visits import Visit

CALLBACK = "/oauth2callback"  # where the provider sends its visitors back to
log = logging.getLogger(__name__)


class OpenIdLogin:
    """Lets in whom the provider knows and the settings name."""

    paths = (AUTH_LOGIN_ENDPOINT, AUTH_LOGOUT_ENDPOINT, CALLBACK, LOGOUT)

    def __init__(self, users: tuple[str, ...]) -> None:
        """Take the people who may see: e-mail addresses, "*@example.org" for all of a domain, "*" for all."""
        self._users = users

    def lets_in(self, visit: Visit) -> bool:
        """Tell whether a request has the cookie of somebody who may see."""
        user = read_user(visit)
        return user is not None and is_invited(user, self._users)

    def ask(self, visit: Visit) -> Response:
        """Return the page with a link to each provider's log-in."""
        user = read_user(visit)
        if user is not None:
            email = str(user.get("email", "This account, which tells no e-mail address,"))
            problem = f"{email} is not invited. Log in as somebody else, or have PHOTOSEARCH_USERS changed."
            return pages.openid_login([("Log out", LOGOUT)], problem)
        return log_in_page()

    async def answer(self, visit: Visit, receive: Receive) -> Response | None:  # noqa: ARG002 - as `Login` has it
        """Leave all to Streamlit, but for our own address of logging out."""
        return RedirectResponse(AUTH_LOGOUT_ENDPOINT, 303) if visit.path == LOGOUT else None


def log_in_page(status: int = 401, problem: str = "") -> Response:
    """Return the page with a link to each provider's log-in, and what went wrong with the last one."""
    try:
        links = [(label, generate_login_redirect_url(key)) for key, label in _providers().items()]
    except StreamlitError as error:
        log.error("OpenID Connect: %s", error)
        links = []
    if not links:
        return pages.refusal(
            503, "Nobody can log in at the moment", "The [auth] section of secrets.toml names no provider."
        )
    return pages.openid_login(links, problem, status)


def is_set_up() -> bool:
    """Tell whether secrets.toml has an [auth] section."""
    return bool(get_secrets_auth_section())


def callback_host() -> str:
    """Return the host to which the provider sends visitors back, as secrets.toml has it; "" where it has none."""
    return urlsplit(str(get_secrets_auth_section().get("redirect_uri", ""))).hostname or ""


def is_invited(user: Mapping[str, object], users: tuple[str, ...]) -> bool:
    """Tell whether a user, as the provider describes one, is among those who may see; an unproven address is none."""
    if "*" in users:
        return True
    email = str(user.get("email", "")).lower()
    if not email or user.get("email_verified", True) is not True:
        return False
    return email in users or f"*@{email.rpartition('@')[2]}" in users


def read_user(visit: Visit) -> dict[str, object] | None:
    """Return what Streamlit's signed cookie says of the visitor; None where nobody is logged in."""
    try:
        content = _get_signed_cookie_with_chunks(visit.cookies, USER_COOKIE_NAME)
        user = json.loads(content) if content else None
    except ValueError:
        return None
    return user if isinstance(user, dict) and user.get("is_logged_in") is True else None


def _providers() -> dict[str, str]:
    """Return the providers of secrets.toml: what Streamlit calls each, and what the link to it says."""
    section = get_secrets_auth_section()
    named = {
        key: f"Log in with {key}"
        for key, value in section.items()
        if isinstance(value, Mapping) and "client_id" in value
    }
    return {**({"default": "Log in"} if "client_id" in section else {}), **named}
