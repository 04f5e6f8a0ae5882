"""Sessions: what is saved and who may read it, logins with all that Instagram may want, what must not leak."""

import json
import os
import pickle
import stat
import sys
import traceback
from http.cookiejar import CookieJar
from types import SimpleNamespace

import pytest
import requests

from photosearch.errors import Cancelled, LibraryError, SourceError
from photosearch.records import Watch
from photosearch.sources.instagram import access
from tests.fake_instagram import (
    COOKIES,
    LOGIN_REDIRECT,
    PLEASE_WAIT,
    UNSEEN,
    VIEWER_QUERY,
    Answer,
    Fault,
    Witness,
    let_time_pass,
    stand_in,
)

PASSWORD = "s3cret word"  # noqa: S105


@pytest.fixture
def passing(monkeypatch):
    return let_time_pass(monkeypatch)


@pytest.fixture
def instagram(monkeypatch, passing):
    return stand_in(monkeypatch)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "library" / "instagram"


@pytest.fixture
def log_in(instagram, passing, folder):
    """Logs in as me: `log_in(codes=["123"])`."""

    def step(user: str = "me", password: str = PASSWORD, codes=(), watch: Watch = UNSEEN) -> str:
        given = iter(codes)
        return access.log_in(folder, user, password, lambda: next(given), watch, passing.clock)

    return step


def mode(path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# What is kept


def test_a_login_is_saved_for_its_owner_alone(log_in, folder):
    assert log_in() == "me"
    path = folder / "session-me"
    assert (mode(folder), mode(path)) == (0o700, 0o600)
    kept = json.loads(path.read_text())
    assert kept["cookies"]["sessionid"] == "sid-me"
    assert PASSWORD not in path.read_text()
    assert access.users(folder) == ["me"]


def test_the_file_is_nobody_elses_from_its_first_byte(log_in, folder, monkeypatch):
    """Whatever the umask, and however the folder was before."""
    modes = set()
    really = os.fsync

    def fsync(number: int) -> None:
        status = os.fstat(number)
        if stat.S_ISREG(status.st_mode):  # its folder is synced, too
            modes.add(stat.S_IMODE(status.st_mode))
        really(number)

    monkeypatch.setattr(os, "fsync", fsync)
    folder.mkdir(parents=True, mode=0o755)
    before = os.umask(0)
    try:
        log_in()
    finally:
        os.umask(before)
    assert modes == {0o600}
    assert mode(folder) == 0o700
    assert [path.name for path in folder.iterdir()] == ["session-me"]


def test_a_saved_session_is_used(log_in, instagram, folder, passing):
    log_in()
    access.check_session(folder, "Me", clock=passing.clock)
    assert instagram.count(VIEWER_QUERY) == 1


def test_a_session_is_forgotten(log_in, folder):
    log_in()
    assert access.forget(folder, "me")
    assert not access.forget(folder, "me")
    assert access.users(folder) == []
    assert list(folder.iterdir()) == []


def test_no_folder_no_users(folder):
    assert access.users(folder) == []
    assert not access.forget(folder, "me")


@pytest.mark.parametrize("user", ["../me", "a/b", "", "me\n\nx", "x" * 31])
def test_a_user_is_no_path(folder, user):
    for use in (access.forget, access.check_session):
        with pytest.raises(SourceError, match="cannot be the name"):
            use(folder, user)


def test_a_missing_session_names_those_that_are_there(log_in, folder):
    with pytest.raises(SourceError, match="Save one"):
        access.check_session(folder, "you")
    log_in()
    with pytest.raises(SourceError, match="Choose one of me"):
        access.check_session(folder, "you")


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"\x80\x04}.", b'{"cookies": {"sessionid": 5}}', b'{"cookies": {"sessionid": "x"}}', b"\xff", b"[1]"],
)
def test_a_damaged_session_is_told(folder, content):
    folder.mkdir(parents=True)
    (folder / "session-me").write_bytes(content)
    with pytest.raises(SourceError, match=r"damaged. Forget it"):
        access.check_session(folder, "me")


def test_a_session_that_others_can_read_is_hidden_again(log_in, folder, passing):
    log_in()
    (folder / "session-me").chmod(0o644)
    access.check_session(folder, "me", clock=passing.clock)
    assert mode(folder / "session-me") == 0o600


def test_a_session_that_has_ended(log_in, instagram, folder, passing):
    log_in()
    instagram.sessions.clear()
    with pytest.raises(SourceError, match="has ended"):
        access.check_session(folder, "me", clock=passing.clock)


@pytest.mark.parametrize(
    ("what", "says"),
    [
        (requests.exceptions.ConnectionError("down"), "cannot be reached"),
        (PLEASE_WAIT, "401"),
        (LOGIN_REDIRECT, "does not say whether .* It is kept"),
        (Answer("<html>"), "does not understand"),
    ],
)
def test_a_session_that_cannot_be_checked_has_not_ended_for_that(log_in, instagram, folder, passing, what, says):
    log_in()
    instagram.faults = [Fault("graphql", what), Fault("GET /", what)]
    with pytest.raises(SourceError, match=says):
        access.check_session(folder, "me", clock=passing.clock)


def test_a_library_that_cannot_be_written(log_in, folder):
    folder.parent.write_text("a file")
    with pytest.raises(LibraryError, match="cannot be written"):
        log_in()


# Logging in


def test_a_wrong_password(log_in, folder):
    with pytest.raises(SourceError, match=r"does not accept this password.*Check the password"):
        log_in(password="wrong")  # noqa: S106
    assert access.users(folder) == []


def test_an_unknown_user(log_in):
    with pytest.raises(SourceError, match="does not know the user"):
        log_in("nobody")


def test_a_two_factor_code(log_in, instagram, folder):
    instagram.codes = {"me": "123456"}
    assert log_in(codes=["123 456\n"]) == "me"
    assert access.users(folder) == ["me"]


def test_a_mistyped_code_is_asked_for_again(log_in, instagram):
    instagram.codes = {"me": "123456"}
    assert log_in(codes=["1", "2", "123456"]) == "me"


def test_three_wrong_codes_are_enough(log_in, instagram, folder):
    instagram.codes = {"me": "123456"}
    with pytest.raises(SourceError, match="does not accept this two-factor code"):
        log_in(codes=["1", "2", "3", "123456"])
    assert access.users(folder) == []


def test_a_login_waits_for_its_code(instagram, passing, folder):
    """The code that Instagram sends belongs to this login; another one would make it worthless."""
    instagram.codes = {"me": "123456"}
    login = access.Login(folder, "Me", UNSEEN, passing.clock)
    assert "two-factor code" in str(login.give_password(PASSWORD))
    assert login.wants_code
    assert "does not accept this two-factor code" in str(login.give_code("1"))
    assert login.wants_code
    assert login.give_code("123 456") is None
    login.close()
    assert (login.wants_code, access.users(folder)) == (False, ["me"])
    assert instagram.count("POST /api/v1/web/accounts/login/ajax/") == 1


def test_no_code_is_asked_for_without_need(log_in):
    assert log_in(codes=[]) == "me"


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ({"status": "fail", "checkpoint_url": "/challenge/1/", "message": "checkpoint_required"}, "checkpoint"),
        ({"status": "fail", "message": "Sorry, there was a problem"}, "Sorry, there was a problem.*in a browser"),
        ({"status": "ok"}, "blocked IP"),
        ({"status": "ok", "authenticated": True}, "does not understand"),
        ("<html>", "refused the login"),
        ({}, "does not understand"),
    ],
)
def test_a_login_that_instagram_refuses(log_in, instagram, folder, answer, says):
    instagram.login_answer = answer
    with pytest.raises(SourceError, match=says):
        log_in()
    assert access.users(folder) == []


@pytest.mark.parametrize("where", ["GET /", "login/ajax"])
def test_a_network_that_is_down(log_in, instagram, where):
    instagram.faults = [Fault(where, requests.exceptions.ConnectionError("down"))]
    with pytest.raises(SourceError, match="cannot be reached"):
        log_in()


def test_the_pause_in_a_login_can_be_ended(log_in, instagram):
    with pytest.raises(Cancelled):
        log_in(watch=Witness(lambda: bool(instagram.asked)).watch)
    assert not instagram.count("login")


@pytest.mark.parametrize(
    "fault",
    [
        Answer({"status": "fail", "message": "no"}),
        Answer("<html>"),
        Answer({"status": "ok", "authenticated": True}),
        requests.exceptions.ConnectionError("down", request=SimpleNamespace(body=PASSWORD)),
        requests.exceptions.ReadTimeout("slow", request=SimpleNamespace(body=PASSWORD)),
    ],
)
def test_no_error_holds_the_password(log_in, instagram, fault, caplog, capfd):
    """Neither in its words, nor in what it chains, nor in the variables of its frames."""
    caplog.set_level(0)
    instagram.faults = [Fault("login/ajax", fault)]
    with pytest.raises(SourceError) as caught:
        log_in()
    error = caught.value
    assert error.__cause__ is None
    assert error.__context__ is None
    of_ours = [
        frame for frame, _ in traceback.walk_tb(error.__traceback__) if "photosearch" in frame.f_code.co_filename
    ]
    ours = [frame for frame in of_ours if "tests" not in frame.f_code.co_filename]
    assert ours
    shown = [repr(frame.f_locals) for frame in ours]
    assert not [text for text in (str(error), caplog.text, *capfd.readouterr(), *shown) if PASSWORD in text]


# Sessions from elsewhere


def session_file(tmp_path, content: object, protocol: int = 4):
    path = tmp_path / "session-me"
    path.write_bytes(pickle.dumps(content, protocol))
    path.chmod(0o600)
    return path


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_session_file_of_instaloader_is_taken(instagram, folder, passing, tmp_path, protocol):
    path = session_file(tmp_path, COOKIES, protocol)
    assert access.import_session(folder, path, clock=passing.clock).user == "me"
    assert json.loads((folder / "session-me").read_text())["cookies"] == COOKIES


@pytest.mark.parametrize(("bits", "is_warned"), [(0o600, False), (0o644, True)])
def test_a_session_file_that_others_can_read(instagram, folder, passing, tmp_path, bits, is_warned):
    path = session_file(tmp_path, COOKIES)
    path.chmod(bits)
    assert ("chmod 600" in access.import_session(folder, path, clock=passing.clock).note) == is_warned


def test_instagram_says_whose_session_it_is(instagram, folder, passing, tmp_path):
    instagram.sessions = {"sid-me": "somebody.else"}
    assert access.import_session(folder, session_file(tmp_path, COOKIES), clock=passing.clock).user == "somebody.else"
    assert access.users(folder) == ["somebody.else"]


class Evil:
    def __reduce__(self):
        return exec, ("raise SystemExit('it was run')",)


class Colour:
    pass


@pytest.mark.parametrize(
    "content",
    [Evil(), {"sessionid": Evil()}, Colour(), {1: "x"}, ["x"], "x", {}, {"sessionid": "x"}, {**COOKIES, "b": 5}],
)
def test_nothing_in_a_session_file_is_run(instagram, folder, tmp_path, content):
    with pytest.raises(SourceError, match="not a session file"):
        access.import_session(folder, session_file(tmp_path, content))
    assert not instagram.asked


@pytest.mark.parametrize(
    "data",
    [b"", b"x", b"\x80\x04", b"\x80\x02\x82\x01.", b"Pname\n.", b"cos\nsystem\n.", b"r\xff\xff\xff\x7f.", b"(" * 90000],
)
def test_a_damaged_session_file(folder, tmp_path, data):
    path = tmp_path / "session-me"
    path.write_bytes(data)
    with pytest.raises(SourceError, match="not a session file"):
        access.import_session(folder, path)


def test_a_huge_or_missing_session_file(folder, tmp_path):
    huge = tmp_path / "huge"
    huge.write_bytes(pickle.dumps({**COOKIES, "more": "x" * 200_000}))
    with pytest.raises(SourceError, match="not a session file"):
        access.import_session(folder, huge)
    with pytest.raises(SourceError, match="cannot be read"):
        access.import_session(folder, tmp_path / "missing")


def test_an_imported_session_that_has_ended_is_not_saved(instagram, folder, passing, tmp_path):
    instagram.sessions.clear()
    with pytest.raises(SourceError, match="has ended"):
        access.import_session(folder, session_file(tmp_path, COOKIES), clock=passing.clock)
    assert access.users(folder) == []


class BrowserCookieError(Exception):
    pass


def browser_with(jar) -> SimpleNamespace:
    def firefox(domain_name: str):
        if isinstance(jar, Exception):
            raise jar
        return jar

    return SimpleNamespace(firefox=firefox, BrowserCookieError=BrowserCookieError)


def cookie(name: str, value: str, domain: str = ".instagram.com") -> SimpleNamespace:
    return SimpleNamespace(name=name, value=value, domain=domain)


def test_a_session_from_a_browser(instagram, folder, passing, monkeypatch):
    jar = [cookie(*item) for item in COOKIES.items()]
    foreign = [cookie("sessionid", "stolen", "notinstagram.com"), cookie("x", "y", "instagram.com.evil.example")]
    monkeypatch.setitem(sys.modules, "browser_cookie3", browser_with([*jar, *foreign]))
    assert access.from_browser(folder, "firefox", clock=passing.clock) == access.Saved("me")
    assert json.loads((folder / "session-me").read_text())["cookies"] == COOKIES


@pytest.mark.parametrize("jar", [CookieJar(), [cookie("csrftoken", "x")], [cookie("sessionid", "x", "example.com")]])
def test_nobody_is_logged_in_in_the_browser(folder, monkeypatch, jar):
    monkeypatch.setitem(sys.modules, "browser_cookie3", browser_with(jar))
    with pytest.raises(SourceError, match="Nobody is logged in"):
        access.from_browser(folder, "firefox")


@pytest.mark.parametrize("error", [BrowserCookieError("locked"), PermissionError("locked"), ValueError("locked")])
def test_cookies_that_cannot_be_read(folder, monkeypatch, error):
    monkeypatch.setitem(sys.modules, "browser_cookie3", browser_with(error))
    with pytest.raises(SourceError, match=r"firefox cannot be read: locked. Close the browser"):
        access.from_browser(folder, "firefox")


def test_browser_cookies_need_a_package(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "browser_cookie3", None)
    with pytest.raises(SourceError, match=r'pip install "instaloader\[browser-cookie3\]"'):
        access.from_browser(folder, "firefox")


def test_an_unknown_browser(folder):
    with pytest.raises(SourceError, match="Choose one of brave, chrome"):
        access.from_browser(folder, "netscape")
