"""Every row of the table through instaloader itself: what is said, that it ends, and that a cancel ends it sooner."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import pytest
import requests

from photosearch.errors import Cancelled, SourceError
from photosearch.records import Watch
from photosearch.sources.instagram import access, reasons
from photosearch.sources.instagram import error_reasons as errors
from photosearch.sources.instagram.problems import InstagramProblem
from photosearch.sources.instagram.reasons import Problem
from photosearch.sources.instagram.transport import MAX_REDIRECTS
from tests.fake_instagram import (
    CHECKPOINT,
    COOKIES,
    LOGIN_REDIRECT,
    NOON,
    PLEASE_WAIT,
    POST_QUERY,
    POSTS_QUERY,
    TOO_MANY,
    VIEWER_QUERY,
    Answer,
    FakeInstagram,
    FakePost,
    Fault,
    Slide,
    Witness,
    keys,
    let_time_pass,
    posts,
    redirect,
    source_maker,
    stand_in,
)

LOGIN_PATH = "login/ajax"
PASSWORD = "s3cret word"  # noqa: S105
# Rows of classes that instaloader 4.16 does not raise on our way, or that only a mistake of ours could raise.
UNREACHED = (
    "ProfileHasNoPicsException",
    "QueryReturnedForbiddenException",
    "InvalidArgumentException",
    "IPhoneSupportDisabledException",
    "AbortDownloadException",
    "InstaloaderException",
)


@dataclass
class Case:
    """What comes back from Instagram, and the words that must be in the message."""

    says: str
    faults: list[Fault] = field(default_factory=list)
    login: str | None = None  # list with this session
    password: str | None = None  # log in with this password instead
    code: str | None = None
    max_requests: int | None = None
    prepare: Callable[[FakeInstagram], object] = lambda _: None


def fault(where: str, what: Answer | Exception, **more: int) -> list[Fault]:
    return [Fault(where, what, **more)]


def refused(message: str, status: int = 400) -> Answer:
    return Answer({"status": "fail", "message": message}, status)


def set_to(name: str, value: object) -> Callable[[FakeInstagram], object]:
    return lambda instagram: setattr(instagram, name, value)


def repeat_posts(instagram: FakeInstagram) -> None:
    """Make the pages of posts a circle: what follows the last one is the first one again."""
    really = instagram._slice

    def page(name: str, after: str | None, *, codes: bool = False) -> dict:
        found = really(name, None if after == "P6" else after, codes=codes)
        return {**found, "page_info": {"has_next_page": True, "end_cursor": found["page_info"]["end_cursor"]}}

    instagram.profiles["sea"] = posts(6)
    instagram._slice = page


OTHER_POST = Answer({"data": {"xdt_api__v1__media__shortcode__web_info": {"items": [posts(99)[-1].medium()]}}})
WITH_SESSION = partial(Case, login="me")
CASES = [
    Case("suspended the account", fault("/sea/", redirect("/accounts/suspended/"))),
    WITH_SESSION("suspended the account", fault(POSTS_QUERY, redirect("/accounts/suspended/?next=x"))),
    WITH_SESSION("something confirmed in a browser", fault(POSTS_QUERY, redirect("/challenge/action/1/"))),
    WITH_SESSION("something confirmed in a browser", fault("GET /", redirect("/auth_platform/codeentry/?apc=x"))),
    Case("something confirmed in a browser", fault(LOGIN_PATH, redirect("/challenge/")), password=PASSWORD),
    Case("judges the network", fault("/sea/", TOO_MANY)),
    WITH_SESSION("useragent mismatch", fault(POSTS_QUERY, refused("useragent mismatch"))),
    Case("only to users who are logged in (403)", fault(POST_QUERY, refused("x", 403))),
    WITH_SESSION("forbids requests", fault(POSTS_QUERY, refused("x", 403))),
    Case("data where the page", fault("/sea/", Answer({"status": "ok"}))),
    WITH_SESSION("redirects that do not end", fault("api/graphql", redirect("/api/graphql/"))),
    WITH_SESSION("leads to another site", fault(POSTS_QUERY, redirect("https://example.com/"))),
    Case("larger than any", fault("/sea/", Answer("x" * 51_000_000))),
    Case("used all 3 requests", max_requests=3),
    WITH_SESSION("again and again", prepare=repeat_posts),
    WITH_SESSION("does not show the page", fault("/sea/", LOGIN_REDIRECT)),
    Case("only to users who are logged in.", fault("/sea/", LOGIN_REDIRECT)),
    WITH_SESSION("ended the session", fault(POSTS_QUERY, LOGIN_REDIRECT)),
    WITH_SESSION("has ended. Log in", prepare=set_to("has_ended_session", True)),
    WITH_SESSION("wants the account confirmed", fault(POSTS_QUERY, CHECKPOINT)),
    WITH_SESSION("feedback required", fault(POSTS_QUERY, refused("feedback_required"))),
    Case("please wait a few minutes", fault(POST_QUERY, PLEASE_WAIT)),
    Case("429 (too many requests) to a request", fault(POST_QUERY, TOO_MANY)),
    WITH_SESSION(
        "similar profiles are", prepare=lambda i: (set_to("lost", {"sea"})(i), i.similar.extend(["seas", "se"]))
    ),
    WITH_SESSION("but does not show it", prepare=lambda i: (set_to("lost", {"sea"})(i), i.similar.append("sea"))),
    Case('keeps profile "sea" private: only', prepare=set_to("private", {"sea"})),
    WITH_SESSION("does not follow it", prepare=set_to("private", {"sea"})),
    Case("Instagram does not show", fault(POST_QUERY, Answer({"data": {}}))),
    Case("has no profile", fault("/sea/", Answer("<html>", 404))),
    WITH_SESSION("as a bad request (400)", fault(POSTS_QUERY, refused("x"))),
    WITH_SESSION("does not find profile", [Fault(POSTS_QUERY, Answer("", 404))]),
    Case("lacks what instaloader", fault("GET /", Answer("<html>"), after=2)),
    WITH_SESSION("did not answer a request", fault(POSTS_QUERY, Answer("", 500))),
    WITH_SESSION("a web page where data should be", fault(POSTS_QUERY, Answer("<html>"))),
    WITH_SESSION("took too long", fault(POSTS_QUERY, requests.exceptions.ReadTimeout("slow"))),
    WITH_SESSION("cannot be reached", fault(POSTS_QUERY, requests.exceptions.ConnectionError("down"))),
    WITH_SESSION("Check the network and its proxy", fault(POSTS_QUERY, requests.exceptions.ChunkedEncodingError("x"))),
    WITH_SESSION("does not understand Instagram's answer", fault(POSTS_QUERY, Answer({"data": {"x": 1}}))),
    Case("another post in place", fault(POST_QUERY, OTHER_POST)),
    Case("does not know the user", password=PASSWORD, prepare=set_to("passwords", {})),
    Case("does not accept this password", password="wrong"),  # noqa: S106
    Case("two-factor code for", password=PASSWORD, prepare=set_to("codes", {"me": "1"})),
    Case("does not accept this two-factor", password=PASSWORD, code="2", prepare=set_to("codes", {"me": "1"})),
    Case("refused the login", fault(LOGIN_PATH, refused("Sorry")), password=PASSWORD),
]
IDS = [f"{number}-{case.says}" for number, case in enumerate(CASES)]


@pytest.fixture
def passing(monkeypatch):
    return let_time_pass(monkeypatch)


@pytest.fixture
def instagram(monkeypatch, passing):
    return stand_in(monkeypatch)


@pytest.fixture
def run(instagram, passing, tmp_path):
    """Do what a case asks for; raise as a user would meet it."""
    source = source_maker(tmp_path, passing)

    def step(case: Case, watch: Watch) -> None:
        instagram.profiles["sea"] = posts(8)
        case.prepare(instagram)
        instagram.faults = [Fault(f.where, f.what, f.times, f.after) for f in case.faults]
        if case.password is None:
            options = {"login": case.login} if case.login else {}
            list(source(**options, max_requests=case.max_requests).listings({}, watch))
            return
        login = access.Login(tmp_path, "me", watch, passing.clock)
        refusal = login.give_password(case.password)
        if case.code is not None:
            refusal = login.give_code(case.code)
        if refusal is not None:
            raise refusal

    return step


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_the_reason_that_instagram_gave_is_the_reason_that_is_said(run, instagram, passing, case):
    with pytest.raises(SourceError) as caught:
        run(case, Watch())
    assert case.says in str(caught.value)
    assert len(instagram.asked) < 60
    assert passing.seconds < 1000 + 3_600


@pytest.mark.parametrize("case", CASES, ids=IDS)
@pytest.mark.parametrize("n", [1, 2, 3])
def test_a_cancel_in_the_middle_ends_it_before_the_next_request(run, instagram, case, n):
    try:
        run(case, Witness(lambda: len(instagram.asked) >= n).watch)
    except Cancelled:
        assert len(instagram.asked) == n
    except SourceError:
        assert len(instagram.asked) <= n  # the reason came before the cancel was heard
    else:
        pytest.fail("it went on")


def test_every_row_is_reached(run, instagram, monkeypatch):
    reached: list[Problem] = []
    really = InstagramProblem.__init__

    def note(error: InstagramProblem, message: str, problem: Problem) -> None:
        reached.append(problem)
        really(error, message, problem)

    monkeypatch.setattr(InstagramProblem, "__init__", note)
    for case in CASES:
        instagram.__init__()
        instagram.__dict__.pop("_slice", None)
        with pytest.raises(SourceError):
            run(case, Watch())
    missing = [problem.seen for problem in errors.problems() if problem not in reached]
    assert not [seen for seen in missing if not any(name in seen for name in UNREACHED)]


def test_a_redirect_to_itself_is_asked_a_few_times(run, instagram):
    """Without the bound, 2,600 requests went out in six seconds."""
    with pytest.raises(SourceError):
        run(WITH_SESSION("", fault("api/graphql", redirect("/api/graphql/"))), Watch())
    assert instagram.count("GET /api/graphql/") == MAX_REDIRECTS


def test_nothing_goes_to_another_host(run, instagram):
    for code in (302, 307, 308):
        away = Answer(status=code, headers={"location": "https://instagram.com.example/"})
        with pytest.raises(SourceError, match=r"another site \(instagram.com.example\)"):
            run(Case("", fault(LOGIN_PATH, away), password=PASSWORD), Watch())
    assert instagram.count("login/ajax") == 3
    assert len(instagram.asked) == 6


@pytest.mark.parametrize(
    ("what", "says"),
    [(TOO_MANY, "429"), (LOGIN_REDIRECT, "page of profile"), (Answer("", 404), "has no profile")],
)
def test_the_retired_search_hides_no_reason(run, instagram, what, says):
    instagram.has_search = False
    with pytest.raises(SourceError, match=says):
        run(WITH_SESSION("", fault("/sea/", what)), Watch())
    assert instagram.count("topsearch") == 1


def test_the_budget_of_a_run_is_kept_and_the_next_run_goes_on(instagram, passing, tmp_path):
    instagram.profiles["sea"] = posts(9)
    source = source_maker(tmp_path, passing)
    taken: list[str] = []
    ends: list[str] = []
    for _ in range(8):
        try:
            for item in source(max_requests=6).listings(dict.fromkeys(taken), Watch()):
                taken.append(item.source_key)
        except SourceError as error:
            ends.append(str(error))
        else:
            break
    assert ends
    assert all("used all 6 requests" in end for end in ends)
    assert sorted(set(taken)) == sorted(f"P{n}/1" for n in range(1, 10))


# The check of a login


def test_a_redirected_check_asks_in_another_way(instagram, passing, tmp_path):
    instagram.faults = fault(VIEWER_QUERY, LOGIN_REDIRECT)
    assert access._adopt(tmp_path, COOKIES, "The session", "", Watch(), passing.clock) == access.Saved("me")


@pytest.mark.parametrize(("file_user", "user"), [("me", "me"), ("", "7"), ("no user!", "7")])
def test_a_session_whose_check_is_redirected_is_kept(instagram, passing, tmp_path, file_user, user):
    instagram.faults = [Fault("graphql", LOGIN_REDIRECT), Fault("GET /", LOGIN_REDIRECT)]
    saved = access._adopt(tmp_path, COOKIES, "The session", file_user, Watch(), passing.clock)
    assert saved.user == user
    assert "will be tried" in saved.note
    assert access.users(tmp_path) == [user]
    instagram.faults = []
    instagram.profiles["sea"] = [FakePost("A", NOON, [Slide("1")])]
    (tmp_path / f"session-{user}").rename(tmp_path / "session-me")
    assert keys(source_maker(tmp_path, passing)(login="me")) == ["A/1"]


def test_an_answer_row_needs_a_condition():
    for row in reasons.ANSWERS:
        assert row.statuses or row.redirect
