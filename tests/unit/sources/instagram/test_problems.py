"""Messages for what Instagram refuses."""

import inspect
import json
from pathlib import Path

import pytest
import requests
from instaloader import __version__, exceptions

from photosearch.errors import SourceError
from photosearch.sources.instagram.error_reasons import ERRORS, TOO_MANY, UNEXPECTED, problems
from photosearch.sources.instagram.problems import InstagramProblem, explain, instagram_errors, problem_of
from photosearch.sources.instagram.reasons import Problem, Reach

DOCS = Path(__file__).resolve().parents[4] / "docs" / "instagram-messages.md"
INSTALOADER_ERRORS = [
    error for _, error in inspect.getmembers(exceptions, inspect.isclass) if issubclass(error, Exception)
]
ABOUT = 'profile "sea"'


def table() -> list[str]:
    """Return the rows of the table as the docs must show them."""
    words = {"about": 'profile "NAME"', "detail": "…", "version": "4.16"}
    return [
        f"| {problem.fact.format(**words)} | {problem.advice.format(**words)} | {problem.seen} |"
        for problem in problems()
    ]


def test_the_docs_show_the_very_table_that_messages_are_made_of():
    shown = [line for line in DOCS.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    first = shown.index("| what is said | what to do | what came back |") + 2  # below the line of dashes
    assert shown[first : first + len(table())] == table()


@pytest.mark.parametrize("error", INSTALOADER_ERRORS, ids=lambda error: error.__name__)
def test_every_exception_of_instaloader_has_a_row(error):
    assert any(error in row.classes for row in ERRORS), "a new version of instaloader: say what this means"
    assert error.__name__ in "".join(problem.seen for problem in problems())


@pytest.mark.parametrize("problem", problems(), ids=lambda p: p.fact)
def test_every_problem_says_what_happened_to_what_and_what_to_do(problem: Problem):
    words = {"about": ABOUT, "detail": "so it is", "version": __version__}
    fact, advice = problem.fact.format(**words), problem.advice.format(**words)
    assert ABOUT in fact
    assert fact.endswith(".")
    assert advice.endswith(".")
    assert advice[0].isupper()
    assert len(fact + advice) < 330


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (exceptions.LoginRequiredException("Redirected to login page. Use --login."), "only to users who"),
        (exceptions.LoginRequiredException("Login required to access the posts of private profile sea."), "private"),
        (exceptions.BadCredentialsException("Login error: Wrong password."), "does not accept this password"),
        (exceptions.BadCredentialsException("2FA error: Please check the code"), "two-factor code"),
        (exceptions.TwoFactorAuthRequiredException("Login error: two-factor"), "asks for a two-factor code"),
        (exceptions.LoginException("Login: Checkpoint required. Point your browser to /challenge/1"), "checkpoint"),
        (exceptions.LoginException("Login error: User sea does not exist."), "does not know the user"),
        (exceptions.LoginException("Login error: Unexpected response"), "refused profile"),
        (exceptions.AbortDownloadException('400 - "fail" status, message "challenge_required"'), "checkpoint"),
        (exceptions.AbortDownloadException('400 - "fail" status, message "feedback_required"'), "Stop for a day"),
        (exceptions.AbortDownloadException("Redirected to login page. You've been logged out"), "ended the session"),
        (exceptions.AbortDownloadException("Query responded with 500"), "refuses to answer"),
        (exceptions.ConnectionException('401 Unauthorized, message "Please wait a few minutes"'), "401"),
        (exceptions.ConnectionException("429 Too Many Requests when accessing https://x.example/"), "429"),
        (exceptions.TooManyRequestsException("429"), "429"),
        (exceptions.ConnectionException("Connection aborted"), "Connection aborted"),
        (exceptions.ProfileNotExistsException("Profile se does not exist.\nThe most similar is: sea."), "is: sea"),
        (exceptions.ProfileNotExistsException("Profile se does not exist."), "Check the spelling; if it is right"),
        (exceptions.ProfileNotExistsException("Profile se seems to exist, but"), "Try again later"),
        (exceptions.PrivateProfileNotFollowedException("Profile sea is private"), "does not follow it"),
        (exceptions.QueryReturnedNotFoundException("404"), "404"),
        (exceptions.QueryReturnedBadRequestException("400 Bad Request"), "instaloader " + __version__),
        (exceptions.QueryReturnedForbiddenException("403"), "403"),
        (exceptions.BadResponseException("Fetching Post metadata failed."), "may have been deleted"),
        (exceptions.BadResponseException("The start page did not contain the token lsd."), "the token lsd"),
        (exceptions.PostChangedException(), "another post"),
        (exceptions.InvalidArgumentException("Wrong shortcode"), "Wrong shortcode"),
        (exceptions.IPhoneSupportDisabledException("off"), "iPhone"),
        (exceptions.InstaloaderException(), "InstaloaderException"),
        (requests.exceptions.ConnectionError("Name or service not known"), "cannot be reached"),
        (requests.exceptions.SSLError("certificate"), "cannot be reached"),
        (requests.exceptions.ReadTimeout("read"), "too long"),
        (requests.exceptions.TooManyRedirects("30"), "network and its proxy"),
        (requests.exceptions.JSONDecodeError("x", "y", 0), "a web page where data should be"),
        (json.JSONDecodeError("x", "y", 0), "does not understand"),
        (KeyError("edges"), "does not understand"),
        (AssertionError(), "does not understand"),
    ],
)  # fmt: skip
def test_an_error_is_said_in_words(error, says):
    with pytest.raises(SourceError) as caught, instagram_errors(ABOUT):
        raise error
    assert says in str(caught.value)
    assert ABOUT in str(caught.value)
    assert caught.value.__cause__ is error


def test_what_was_tried_often_enough_is_what_failed_the_last_time():
    tried = exceptions.ConnectionException("JSON Query to api/graphql: failed")
    tried.__cause__ = exceptions.TooManyRequestsException("slow down")
    assert problem_of(tried) is TOO_MANY
    tried.__cause__ = requests.exceptions.ConnectionError("down")
    assert "cannot be reached" in str(explain(tried, ABOUT))


def test_a_profile_that_is_called_like_an_error_is_not_one():
    at = "https://www.instagram.com/checkpoint_429_challenge/"
    said = str(explain(exceptions.ConnectionException(f"500 Server Error when accessing {at}"), ABOUT))
    assert "did not answer" in said
    assert "checkpoint" not in said
    assert problem_of(exceptions.ProfileNotExistsException("Profile challenge does not exist.")).fact.startswith(
        "Instagram has no"
    )


def test_what_instagram_says_is_kept_short_and_on_one_line():
    said = str(explain(exceptions.ConnectionException("word\n" * 1000), ABOUT))
    assert "\n" not in said
    assert len(said) < 400


def test_braces_in_an_answer_are_text():
    assert '{"a": {about}}' in str(explain(exceptions.ConnectionException('{"a": {about}}'), ABOUT))


def test_an_unknown_error_of_ours_is_left_alone():
    with pytest.raises(ZeroDivisionError), instagram_errors(ABOUT):
        raise ZeroDivisionError


def test_reach_tells_a_lost_post_from_a_closed_door():
    gone = explain(exceptions.BadResponseException("Fetching Post metadata failed."), "post")
    assert isinstance(gone, InstagramProblem)
    assert gone.problem.reach is Reach.POST
    assert UNEXPECTED.reach is Reach.POST
    assert TOO_MANY.reach is Reach.ALL
