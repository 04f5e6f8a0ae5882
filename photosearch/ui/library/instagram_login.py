"""Forms to log in to Instagram: with a browser's session, a session file, or a password."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import streamlit as st

from photosearch.errors import PhotosearchError
from photosearch.sources.instagram import access
from photosearch.sources.instagram.profile import LOGIN_WARNING
from photosearch.ui.text import plain

_LOGIN = "instagram-login"  # in the session's state: a login that waits for its two-factor code


def show_login(folder: Path, users: Sequence[str]) -> None:
    """Offer to save a session in one of three ways, and to delete those that are saved.

    Args:
        folder: where sessions are saved.
        users: whose sessions are saved there.
    """
    for user in users:
        if st.button(f"Delete the session of {plain(user)}", key=f"forget-{user}"):
            access.forget(folder, user)
            st.rerun()
    st.warning(LOGIN_WARNING)
    st.caption(
        "The session is saved in a file that only you can read. The password is sent to Instagram only and not saved."
    )
    with st.form("login-browser", border=False):
        browser = st.selectbox("Use the login of a browser", access.BROWSERS)
        if st.form_submit_button("Use it"):
            _log_in(lambda: access.from_browser(folder, str(browser)))
    with st.form("login-file", border=False):
        path = st.text_input("Or use a session file of instaloader", placeholder="~/.config/instaloader/session-you")
        if st.form_submit_button("Use it"):
            _log_in(lambda: access.import_session(folder, Path(path.strip()).expanduser()))
    if _LOGIN in st.session_state:
        _enter_code(st.session_state[_LOGIN])
        return
    with st.form("login-password", border=False, clear_on_submit=True):
        user = st.text_input("Or log in: user name", max_chars=100)
        password = st.text_input("Password", type="password", max_chars=200)
        if st.form_submit_button("Log in"):
            _log_in(lambda: _give_password(folder, user, password))


def _give_password(folder: Path, user: str, password: str) -> access.Saved:
    """Log in with a password; return the session. Where Instagram wants a code, draw the page with its form."""
    login = access.Login(folder, user)
    refused = login.give_password(password)
    if login.wants_code:  # the code is valid for this login only, so it must be kept
        st.session_state[_LOGIN] = login
        st.rerun()
    login.close()
    if refused is not None:
        raise refused
    return access.Saved(login.user)


def _enter_code(login: access.Login) -> None:
    """Show the second step of a login: the form for its two-factor code."""
    with st.form("login-code", border=False, clear_on_submit=True):
        code = st.text_input(f"Two-factor code for {plain(login.user)}, from your app or a message", max_chars=20)
        is_given, is_cancelled = st.form_submit_button("Log in"), st.form_submit_button("Cancel the login")
    is_given = is_given and bool(code.strip())
    refused = login.give_code(code) if is_given else None
    if refused is not None and login.wants_code:
        st.error(plain(str(refused)))
    elif is_given or is_cancelled:
        del st.session_state[_LOGIN]
        login.close()
        if refused is None:
            if is_given:
                st.toast(f"Logged in as {plain(login.user)}.")
            st.rerun()
        st.error(plain(str(refused)))


def _log_in(log_in: Callable[[], access.Saved]) -> None:
    """Call `log_in`, which saves a session, and say how it ended."""
    try:
        saved = log_in()
    except PhotosearchError as error:
        st.error(plain(str(error)))
    else:
        st.success(f"Logged in as {plain(saved.user)}.")
        if saved.note:
            st.warning(plain(saved.note))
