"""Sessions: who is logged in to Instagram, kept in the library's folder for Instagram as `session-USER`.

A session is a few cookies. Whoever holds them is logged in, so nobody else may read the file. Passwords are not kept.
"""

from __future__ import annotations

import importlib
import io
import pickle
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from photosearch.errors import Cancelled, PhotosearchError, SourceError
from photosearch.records import UNWATCHED, Watch
from photosearch.sources.instagram.files import read_json, write_private
from photosearch.sources.instagram.names import user_name

if TYPE_CHECKING:
    from photosearch.sources.instagram.connection import Connection
    from photosearch.sources.instagram.pace import Clock

BROWSERS = ("brave", "chrome", "chromium", "edge", "firefox", "librewolf", "opera", "opera_gx", "safari", "vivaldi")
_PREFIX = "session-"
_NEEDED = ("sessionid", "ds_user_id", "csrftoken")  # without these nobody is logged in
_MAX_SESSION_BYTES = 100_000
_MAX_CODES = 3  # two-factor codes that are asked for


def users(folder: Path) -> list[str]:
    """The users whose sessions are saved."""
    return sorted(path.name.removeprefix(_PREFIX) for path in folder.glob(f"{_PREFIX}*") if path.is_file())


def forget(folder: Path, user: str) -> bool:
    """Delete a user's session; returns whether there was one."""
    path = _path(folder, user)
    there = path.is_file()
    path.unlink(missing_ok=True)
    return there


def connect(folder: Path, login: str | None, watch: Watch = UNWATCHED, clock: Clock | None = None) -> Connection:
    """A connection to Instagram.

    Args:
        folder: the library's own for Instagram.
        login: the user whose saved session is used; None for nobody's.
        watch: told of waits, and asked whether to go on.
        clock: None for the real one.

    Raises:
        SourceError: there is no such session, or its file is damaged.
    """
    from photosearch.sources.instagram.connection import Connection

    connection = Connection(watch, clock)
    if login is not None:
        connection.load_session(user_name(login), _load(folder, login))
    return connection


def check_session(folder: Path, user: str, watch: Watch = UNWATCHED, clock: Clock | None = None) -> None:
    """Ask Instagram whether a saved session still holds.

    Raises:
        SourceError: it does not, or Instagram cannot be asked.
    """
    with closing(connect(folder, user, watch, clock)) as connection:
        holds = _who(connection) is not None
    if not holds:
        raise SourceError(
            f'The session of Instagram user "{user}" has ended. Log in at instagram.com in a browser, and save the'
            " session again."
        )


def import_session(folder: Path, path: Path, watch: Watch = UNWATCHED, clock: Clock | None = None) -> str:
    """Save the session in a file that instaloader wrote; returns its user, whom Instagram names.

    Raises:
        SourceError: the file holds no session, it has ended, or Instagram cannot be asked.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_SESSION_BYTES + 1)
    except OSError as error:
        raise SourceError(f'Session file "{path}" cannot be read: {error.strerror}. Check the path.') from error
    cookies = _cookies(_unpickle(data, path))
    if len(data) > _MAX_SESSION_BYTES or cookies is None:
        raise _no_session(path)
    return _adopt(folder, cookies, f'The session in "{path}"', watch, clock)


def from_browser(folder: Path, browser: str, watch: Watch = UNWATCHED, clock: Clock | None = None) -> str:
    """Save the session of whoever is logged in to instagram.com in a browser on this machine; returns the user.

    Raises:
        SourceError: nobody is logged in there, its cookies cannot be read, or Instagram cannot be asked.
    """
    if browser not in BROWSERS:
        raise SourceError(f'Browser "{browser}" is not known. Choose one of {", ".join(BROWSERS)}.')
    try:
        reading = importlib.import_module("browser_cookie3")
    except ImportError as error:
        raise SourceError(
            "Cookies of browsers cannot be read: browser_cookie3 is missing. Install it with pip install"
            ' "instaloader[browser-cookie3]".'
        ) from error
    try:
        jar = list(getattr(reading, browser)(domain_name="instagram.com"))
    except (reading.BrowserCookieError, OSError, sqlite3.Error, ValueError, RuntimeError) as error:
        raise SourceError(
            f"The cookies of {browser} cannot be read: {error}. Close the browser and try again, or try another one."
        ) from error
    ours = [cookie for cookie in jar if f".{cookie.domain}".endswith(".instagram.com")]
    cookies = _cookies({cookie.name: cookie.value for cookie in ours})
    if cookies is None:
        raise SourceError(
            f"Nobody is logged in to Instagram in {browser}. Log in at instagram.com there and try again."
        )
    return _adopt(folder, cookies, f"The session in {browser}", watch, clock)


def log_in(
    folder: Path,
    user: str,
    password: str,
    two_factor: Callable[[], str],
    watch: Watch = UNWATCHED,
    clock: Clock | None = None,
) -> str:
    """Log in and save the session; returns the user. The password is given to Instagram and kept nowhere.

    Args:
        folder: the library's own for Instagram.
        user: the name, not an e-mail address.
        password: the user's.
        two_factor: asked for the code where Instagram wants one, up to three times.
        watch: told of waits, and asked whether to go on.
        clock: None for the real one.

    Raises:
        SourceError: Instagram refuses; the message says what to do.
        Cancelled: the one who watches ended it.
    """
    with closing(Login(folder, user, watch, clock)) as login:
        refused = login.give_password(password)
        del password  # no traceback from here on shows it
        while refused is not None and login.wants_code:
            refused = login.give_code(two_factor())
        if refused is not None:
            raise refused
        return login.user


class Login:
    """A login on its way. Instagram may want a code after the password, which belongs to this very login.

    What it refuses is returned, not raised: no traceback holds what was given.
    """

    def __init__(self, folder: Path, user: str, watch: Watch = UNWATCHED, clock: Clock | None = None) -> None:
        """Asks nothing yet; raises `SourceError` where the name can be none."""
        self.user = user_name(user)
        self._folder = folder
        self._connection = connect(folder, None, watch, clock)
        self._about = f'the login of "{self.user}"'
        self._n_codes = 0

    @property
    def wants_code(self) -> bool:
        """Whether a two-factor code is to be given; three may be."""
        return bool(self._connection.two_factor_auth_pending) and self._n_codes < _MAX_CODES

    def give_password(self, password: str) -> PhotosearchError | None:
        """Log in, and save the session where no code is wanted; raises `LibraryError` where it cannot be saved."""
        refused = _refusal(self._about, self._connection.login, self.user, password)
        del password
        return refused or self._save()

    def give_code(self, code: str) -> PhotosearchError | None:
        """The second step, in the same way."""
        self._n_codes += 1
        return _refusal(self._about, self._connection.two_factor_login, "".join(code.split())) or self._save()

    def close(self) -> None:
        """Let go of the connection."""
        self._connection.close()

    def _save(self) -> PhotosearchError | None:
        _save(self._folder, self.user, self._connection.save_session())
        return None


def _refusal(about: str, step: Callable[..., object], *secrets: str) -> PhotosearchError | None:
    """Take one step of a login; what it returns is words alone: no request and no frame that holds the password."""
    from photosearch.sources.instagram.problems import instagram_errors

    try:
        with instagram_errors(about):
            step(*secrets)
    except SourceError as error:
        return SourceError(str(error))
    except Cancelled as error:
        return Cancelled(str(error))
    return None


def _adopt(folder: Path, cookies: dict[str, str], subject: str, watch: Watch, clock: Clock | None) -> str:
    with closing(connect(folder, None, watch, clock)) as connection:
        connection.load_session(cookies["ds_user_id"], cookies)
        user = _who(connection)
    if user is None:
        raise SourceError(f"{subject} has ended. Log in at instagram.com in a browser and take it from there.")
    name = user_name(user)
    _save(folder, name, cookies)
    return name


def _who(connection: Connection) -> str | None:
    """The user whom Instagram takes us for, None where it takes us for nobody.

    instaloader's `test_login` says None, too, when the network is down or Instagram does not answer.
    """
    from instaloader import Profile

    from photosearch.sources.instagram.problems import instagram_errors

    with instagram_errors("the saved session"):
        try:
            return Profile.own_profile(connection).username
        except (TypeError, AssertionError):  # Instagram names nobody, and instaloader goes on reading
            return None


def _path(folder: Path, user: str) -> Path:
    return folder / f"{_PREFIX}{user_name(user)}"


def _save(folder: Path, user: str, cookies: dict[str, str]) -> None:
    write_private(_path(folder, user), {"cookies": cookies})


def _load(folder: Path, user: str) -> dict[str, str]:
    path = _path(folder, user)
    if not path.exists():
        there = ", ".join(users(folder))
        raise SourceError(
            f'No session of Instagram user "{user}" is saved. '
            + (f"Choose one of {there}, or save one." if there else "Save one, or go on without a login.")
        )
    match read_json(path):
        case {"cookies": saved} if (cookies := _cookies(saved)) is not None:
            return cookies
    raise SourceError(f'The session of Instagram user "{user}" is damaged. Forget it and save it again.')


def _cookies(found: object) -> dict[str, str] | None:
    """Cookies that log somebody in, None for anything else."""
    if not isinstance(found, dict) or not all(isinstance(part, str) for item in found.items() for part in item):
        return None
    return found if all(found.get(name) for name in _NEEDED) else None


class _Plain(pickle._Unpickler):
    """Makes nothing but plain containers, text and numbers; Python's own machine, whose memo cannot be made huge."""

    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError(f"it names {module}.{name}")

    def persistent_load(self, pid: Any) -> Any:  # noqa: ARG002
        raise pickle.UnpicklingError("it refers to something outside")

    def get_extension(self, code: int) -> Any:  # noqa: ARG002
        raise pickle.UnpicklingError("it asks for an extension")


def _unpickle(data: bytes, path: Path) -> object:
    """What a pickle of plain values holds; raises `SourceError` where it names anything that could be run."""
    try:
        return _Plain(io.BytesIO(data)).load()
    except Exception as error:  # a damaged pickle fails in as many ways as there are instructions
        raise _no_session(path) from error


def _no_session(path: Path) -> SourceError:
    return SourceError(
        f'"{path}" is no session file of instaloader. Give the file session-USER from its folder, or take the'
        " session from a browser."
    )
