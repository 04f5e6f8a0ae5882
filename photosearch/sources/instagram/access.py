"""Logins to Instagram and their sessions, saved as `session-USER` in the library's folder for Instagram.

A session is a few cookies that act as a login, so only the file's owner may read it. Passwords are never saved.
"""

from __future__ import annotations

import importlib
import io
import os
import pickle
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from photosearch.errors import Cancelled, PhotosearchError, SourceError
from photosearch.records import UNWATCHED, Watch
from photosearch.sources.instagram.files import read_json, write_private
from photosearch.sources.instagram.names import is_user_name, user_name

if TYPE_CHECKING:
    from photosearch.sources.instagram.connection import Connection
    from photosearch.sources.instagram.pace import Clock

BROWSERS = ("brave", "chrome", "chromium", "edge", "firefox", "librewolf", "opera", "opera_gx", "safari", "vivaldi")
_PREFIX = "session-"
_LOGIN_COOKIES = ("sessionid", "ds_user_id", "csrftoken")  # a session without one of these is not a login
_MAX_SESSION_BYTES = 100_000
_MODE_OF_OTHERS = 0o077  # the bits that let others than the owner use a file
_MAX_CODES = 3  # two-factor codes that one login may try


@dataclass(frozen=True)
class Saved:
    """A session that was copied from elsewhere and saved."""

    user: str  # Instagram's name for the user; the user's number where Instagram did not say it
    note: str = ""  # a sentence that people should read; empty: there is none


def users(folder: Path) -> list[str]:
    """Return the names of the users whose sessions are saved, in alphabetical order."""
    return sorted(path.name.removeprefix(_PREFIX) for path in folder.glob(f"{_PREFIX}*") if path.is_file())


def forget(folder: Path, user: str) -> bool:
    """Delete a user's saved session and return whether there was one."""
    path = _path(folder, user)
    was_saved = path.is_file()
    path.unlink(missing_ok=True)
    _pace_path(folder, user).unlink(missing_ok=True)
    return was_saved


def connect(
    folder: Path,
    login: str | None,
    watch: Watch = UNWATCHED,
    clock: Clock | None = None,
    max_requests: int | None = None,
) -> Connection:
    """Return a connection to Instagram, with a saved session or without a login; send no request yet.

    Args:
        folder: the library's folder for Instagram.
        login: the user whose saved session is used; None reads without a login.
        watch: receives the progress of waits, and can cancel them.
        clock: None uses the system's clock.
        max_requests: the most requests that the connection sends; None: the default.

    Raises:
        SourceError: the session is not saved, or its file is damaged.
    """
    from photosearch.sources.instagram.connection import Connection
    from photosearch.sources.instagram.transport import MAX_REQUESTS, Limits

    connection = Connection(watch, clock, Limits(max_requests or MAX_REQUESTS))
    if login is not None:
        connection.load_session(user_name(login), _load(folder, login))
        connection.keep_pace(_pace_path(folder, login))
    return connection


def check_session(folder: Path, user: str, watch: Watch = UNWATCHED, clock: Clock | None = None) -> None:
    """Ask Instagram whether a saved session is still valid.

    Raises:
        SourceError: the session has ended, is not saved, or Instagram cannot be reached.
    """
    with closing(connect(folder, user, watch, clock)) as connection:
        user_found, is_answered = _user_of_session(connection)
    if not is_answered:
        raise SourceError(
            f'Instagram does not say whether the session of user "{user}" is still valid. It is kept: try it, and save'
            " it again if it is refused."
        )
    if user_found is None:
        raise SourceError(
            f'The session of Instagram user "{user}" has ended. Log in at instagram.com in a browser, and save the'
            " session again."
        )


def import_session(folder: Path, path: Path, watch: Watch = UNWATCHED, clock: Clock | None = None) -> Saved:
    """Copy a session from a file that instaloader wrote; the user is the one whom Instagram names for it.

    Raises:
        SourceError: the file holds no session, the session has ended, or Instagram cannot be reached.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_SESSION_BYTES + 1)
            is_open = bool(os.fstat(file.fileno()).st_mode & _MODE_OF_OTHERS)
    except OSError as error:
        raise SourceError(f'Session file "{path}" cannot be read: {error.strerror}. Check the path.') from error
    cookies = _cookies(_unpickle(data, path))
    if len(data) > _MAX_SESSION_BYTES or cookies is None:
        raise _no_session(path)
    saved = _adopt(folder, cookies, f'The session in "{path}"', path.name.removeprefix(_PREFIX), watch, clock)
    if is_open and os.name == "posix":
        warning = f'Other users of this machine can read "{path}" and so log in as you: delete it, or use chmod 600.'
        saved = replace(saved, note=f"{saved.note} {warning}".strip())
    return saved


def from_browser(folder: Path, browser: str, watch: Watch = UNWATCHED, clock: Clock | None = None) -> Saved:
    """Copy the session of the user who is logged in to instagram.com in a browser on this machine.

    Raises:
        SourceError: nobody is logged in there, its cookies cannot be read, or Instagram cannot be reached.
    """
    if browser not in BROWSERS:
        raise SourceError(f'Browser "{browser}" is not supported. Choose one of {", ".join(BROWSERS)}.')
    try:
        browser_cookies = importlib.import_module("browser_cookie3")
    except ImportError as error:
        raise SourceError(
            "The cookies of browsers cannot be read: browser_cookie3 is not installed. Install it with pip install"
            ' "instaloader[browser-cookie3]".'
        ) from error
    try:
        jar = list(getattr(browser_cookies, browser)(domain_name="instagram.com"))
    except (browser_cookies.BrowserCookieError, OSError, sqlite3.Error, ValueError, RuntimeError) as error:
        raise SourceError(
            f"The cookies of {browser} cannot be read: {error}. Close the browser and try again, or try another one."
        ) from error
    instagram_cookies = [cookie for cookie in jar if f".{cookie.domain}".endswith(".instagram.com")]
    cookies = _cookies({cookie.name: cookie.value for cookie in instagram_cookies})
    if cookies is None:
        raise SourceError(
            f"Nobody is logged in to Instagram in {browser}. Log in at instagram.com there and try again."
        )
    return _adopt(folder, cookies, f"The session in {browser}", "", watch, clock)


def log_in(
    folder: Path,
    user: str,
    password: str,
    two_factor: Callable[[], str],
    watch: Watch = UNWATCHED,
    clock: Clock | None = None,
) -> str:
    """Log in, save the session and return the user. The password goes to Instagram and is not saved.

    Args:
        folder: the library's folder for Instagram.
        user: the user's name, not an e-mail address.
        password: the user's password.
        two_factor: returns a two-factor code; called up to three times if Instagram asks for one.
        watch: receives the progress of waits, and can cancel them.
        clock: None uses the system's clock.

    Raises:
        SourceError: Instagram refuses the login; the message says what to do.
        LibraryError: the session cannot be saved.
        Cancelled: `watch` cancelled it.
    """
    with closing(Login(folder, user, watch, clock)) as login:
        refusal = login.give_password(password)
        del password  # so that no traceback from here on shows it
        while refusal is not None and login.wants_code:
            refusal = login.give_code(two_factor())
        if refusal is not None:
            raise refusal
        return login.user


class Login:
    """A login in up to two steps: the password, then a two-factor code that is valid for this login only.

    A refusal is returned instead of raised, so that no traceback holds the password or the code.
    """

    def __init__(self, folder: Path, user: str, watch: Watch = UNWATCHED, clock: Clock | None = None) -> None:
        """Prepare a login without a request; raise `SourceError` if `user` cannot be the name of a user."""
        self.user = user_name(user)
        self._folder = folder
        self._connection = connect(folder, None, watch, clock)
        self._about = f'the login of "{self.user}"'
        self._n_codes = 0

    @property
    def wants_code(self) -> bool:
        """Return whether Instagram asks for a two-factor code and fewer than three were given."""
        return bool(self._connection.two_factor_auth_pending) and self._n_codes < _MAX_CODES

    def give_password(self, password: str) -> PhotosearchError | None:
        """Log in with the password; save the session unless Instagram refuses or asks for a code.

        Returns:
            Why Instagram refuses, its request for a two-factor code included; None if the session was saved.

        Raises:
            LibraryError: the session cannot be saved.
        """
        refusal = _refusal(self._about, self._connection.login, self.user, password)
        del password  # so that no traceback from here on shows it
        return refusal or self._save()

    def give_code(self, code: str) -> PhotosearchError | None:
        """Finish the login with a two-factor code; return and raise as `give_password` does."""
        self._n_codes += 1
        return _refusal(self._about, self._connection.two_factor_login, "".join(code.split())) or self._save()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _save(self) -> PhotosearchError | None:
        _save(self._folder, self.user, self._connection.save_session())
        return None


def _refusal(about: str, step: Callable[..., object], *secrets: str) -> PhotosearchError | None:
    """Take one step of a login and return why it was refused, None if it was not.

    The error returned is a new one: the one raised leads to the request and to frames that hold the password.
    """
    from photosearch.sources.instagram.problems import instagram_errors

    try:
        with instagram_errors(about):
            step(*secrets)
    except SourceError as error:
        return SourceError(str(error))
    except Cancelled as error:
        return Cancelled(str(error))
    return None


def _adopt(
    folder: Path, cookies: dict[str, str], subject: str, file_user: str, watch: Watch, clock: Clock | None
) -> Saved:
    """Save a session from elsewhere under the name that Instagram gives for it.

    Instagram redirects this question for some sessions that are good, so a session is saved even then: under the name
    of its file, or else under the user's number.
    """
    with closing(connect(folder, None, watch, clock)) as connection:
        connection.load_session(cookies["ds_user_id"], cookies)
        user, is_answered = _user_of_session(connection)
    if is_answered and user is None:
        raise SourceError(
            f"{subject} has ended. Log in at instagram.com in a browser, then save the session from that browser."
        )
    if user is not None:
        saved = Saved(user_name(user))
    else:
        name = user_name(file_user if is_user_name(file_user) else cookies["ds_user_id"])
        saved = Saved(name, f'Instagram did not say whose session it is; it is saved as "{name}" and will be tried.')
    _save(folder, saved.user, cookies)
    return saved


def _user_of_session(connection: Connection) -> tuple[str | None, bool]:
    """Ask Instagram whose session the connection has.

    instaloader's `test_login` is not used: it also returns None if the network is down or Instagram does not answer.

    Returns:
        The user, None if the session has ended or Instagram does not say it; and whether Instagram answered.
    """
    from instaloader import Profile

    from photosearch.sources.instagram.error_reasons import LOGGED_OUT
    from photosearch.sources.instagram.problems import InstagramProblem, instagram_errors

    with instagram_errors("the saved session"):
        number = connection.user_id
    questions = [lambda: Profile.own_profile(connection)]
    if number and number.isdigit():
        questions.append(lambda: Profile.from_id(connection, int(number)))
    for question in questions:
        try:
            with instagram_errors("the saved session"):
                try:
                    return question().username, True
                except (TypeError, AssertionError):  # instaloader reads on although Instagram named no user
                    return None, True
        except InstagramProblem as error:
            if error.problem is not LOGGED_OUT:
                raise
    return None, False


def _path(folder: Path, user: str) -> Path:
    return folder / f"{_PREFIX}{user_name(user)}"


def _pace_path(folder: Path, user: str) -> Path:
    """Return the path of the record of a user's latest requests."""
    return folder / f"pace-{user_name(user)}.json"


def _save(folder: Path, user: str, cookies: dict[str, str]) -> None:
    write_private(_path(folder, user), {"cookies": cookies})


def _load(folder: Path, user: str) -> dict[str, str]:
    path = _path(folder, user)
    if path.exists() and path.stat().st_mode & _MODE_OF_OTHERS:
        path.chmod(0o600)  # for instance after a copy from another disk
    if not path.exists():
        saved_users = ", ".join(users(folder))
        raise SourceError(
            f'No session of Instagram user "{user}" is saved. '
            + (f"Choose one of {saved_users}, or save one." if saved_users else "Save one, or go on without a login.")
        )
    match read_json(path):
        case {"cookies": saved} if (cookies := _cookies(saved)) is not None:
            return cookies
    raise SourceError(f'The session of Instagram user "{user}" is damaged. Forget it and save it again.')


def _cookies(value: object) -> dict[str, str] | None:
    """Return `value` if it is the cookies of a login, else None."""
    if not isinstance(value, dict) or not all(isinstance(part, str) for item in value.items() for part in item):
        return None
    return value if all(value.get(name) for name in _LOGIN_COOKIES) else None


class _PlainUnpickler(pickle._Unpickler):
    """An unpickler of plain containers, text and numbers that refuses everything else.

    It is the one written in Python, since a file can make the memo of the one written in C huge.
    """

    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError(f"it names {module}.{name}")

    def persistent_load(self, pid: Any) -> Any:  # noqa: ARG002
        raise pickle.UnpicklingError("it refers to something outside")

    def get_extension(self, code: int) -> Any:  # noqa: ARG002
        raise pickle.UnpicklingError("it asks for an extension")


def _unpickle(data: bytes, path: Path) -> object:
    """Return the plain values in a pickle; raise `SourceError` if it names anything that could be run."""
    try:
        return _PlainUnpickler(io.BytesIO(data)).load()
    except Exception as error:  # each instruction of a damaged pickle fails in its own way
        raise _no_session(path) from error


def _no_session(path: Path) -> SourceError:
    return SourceError(
        f'"{path}" is not a session file of instaloader. Choose the file session-USER from instaloader\'s folder, or'
        " save the session of a browser instead."
    )
