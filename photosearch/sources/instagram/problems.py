"""What Instagram and the network refuse, said to people: what happened, and what to do. See docs/instagram.md."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum, auto

import instaloader
import requests
from instaloader import exceptions as theirs

from photosearch.errors import SourceError

_SAID_CHARS = 200
_ADDRESS = re.compile(r"\s*(when accessing )?https?://\S+")


class Reach(Enum):
    """What else would be refused as well."""

    POST = auto()  # nothing: the next post may be answered
    QUESTION = auto()  # the same question, whenever it is asked again
    ALL = auto()  # everything, for now


@dataclass(frozen=True)
class Problem:
    """One kind of refusal; its words may hold {about}, {said} and {version}."""

    fact: str
    advice: str
    reach: Reach = Reach.ALL
    may_pass: bool = True  # whether asking later may help


class InstagramProblem(SourceError):
    """Instagram, or the network before it, refuses something."""

    def __init__(self, message: str, problem: Problem) -> None:
        super().__init__(message)
        self.problem = problem


_COMMAND = "pip install --upgrade instaloader"
_UPDATE = f"Update it ({_COMMAND}) and try again"

LOGIN_REQUIRED = Problem(
    "Instagram shows {about} only to users who are logged in.",
    "Save a session and name its user, or use your own export.",
)
TOO_MANY = Problem(
    "Instagram answered 429, too many requests, to the question for {about}.",
    "Wait some hours, close other programs that read Instagram, and run it again: it goes on where it stopped.",
)
NETWORK = Problem(
    "Instagram cannot be reached for {about}.",
    "Check the network and run it again: it goes on where it stopped.",
)
UNEXPECTED = Problem(
    "Instagram answered the question for {about} in a way that instaloader {version} does not understand.",
    f"{_UPDATE}; Instagram may have changed.",
    Reach.POST,
)

BY_TYPE: Mapping[type[Exception], Problem] = {
    theirs.LoginRequiredException: LOGIN_REQUIRED,
    theirs.BadCredentialsException: Problem(
        "Instagram does not take this password for {about}.", "Check the password and try again."
    ),
    theirs.TwoFactorAuthRequiredException: Problem(
        "Instagram wants a two-factor code for {about}.", "Give the code that your app or a message shows."
    ),
    theirs.LoginException: Problem(
        "Instagram refused {about}: {said}.",
        "Log in at instagram.com in a browser, and take the session from there.",
    ),
    theirs.ProfileNotExistsException: Problem(
        "Instagram has no {about}, or shows it only to users who are logged in.",
        "Check the spelling; if it is right, try again with a saved session.",
    ),
    theirs.ProfileHasNoPicsException: Problem("There are no pictures in {about}.", "Choose another profile."),
    theirs.PrivateProfileNotFollowedException: Problem(
        "Instagram keeps {about} private, and the user who is logged in does not follow it.",
        "Use the session of a user who follows it.",
    ),
    theirs.TooManyRequestsException: TOO_MANY,
    theirs.QueryReturnedNotFoundException: Problem(
        "Instagram does not find {about} (404).",
        "It may have been deleted; check it in a browser.",
        Reach.POST,
        may_pass=False,
    ),
    theirs.QueryReturnedBadRequestException: Problem(
        "Instagram refused the question for {about} as a bad request (400), as instaloader {version} put it.",
        f"{_UPDATE}; if it is up to date, wait some hours.",
        Reach.QUESTION,
    ),
    theirs.QueryReturnedForbiddenException: Problem(
        "Instagram forbids {about} (403).", "Try again later, or with a saved session.", Reach.POST
    ),
    theirs.BadResponseException: Problem(
        "Instagram's page for {about} lacks what instaloader {version} looks for: {said}.",
        f"{_UPDATE}, or use a saved session.",
        Reach.QUESTION,
    ),
    theirs.PostChangedException: Problem(
        "Instagram gives another post in the place of {about}.", "Run it again.", Reach.POST
    ),
    theirs.InvalidArgumentException: Problem(
        "instaloader {version} cannot use what it was given for {about}: {said}.",
        "Check what was typed; if it is right, report it.",
        Reach.POST,
    ),
    theirs.IPhoneSupportDisabledException: Problem(
        "instaloader {version} wanted to ask as an iPhone for {about}, which is switched off.", "Report it."
    ),
    theirs.AbortDownloadException: Problem(
        "Instagram refuses to answer for {about}: {said}.", "Open instagram.com in a browser and see what it asks for."
    ),
    theirs.ConnectionException: Problem(
        "Instagram did not answer the question for {about}: {said}.",
        "Try again later: it goes on where it stopped.",
    ),
    theirs.InstaloaderException: Problem("Reading {about} failed: {said}.", f"{_UPDATE}."),
    requests.exceptions.JSONDecodeError: UNEXPECTED,
    requests.exceptions.Timeout: Problem(
        "Instagram took too long to answer for {about}.", "Try again later: it goes on where it stopped."
    ),
    requests.exceptions.ConnectionError: NETWORK,
    requests.exceptions.RequestException: Problem(
        "The question to Instagram for {about} failed: {said}.", "Check the network and its proxy, and run it again."
    ),
    LookupError: UNEXPECTED,
    TypeError: UNEXPECTED,
    ValueError: UNEXPECTED,
    AttributeError: UNEXPECTED,
    AssertionError: UNEXPECTED,
}  # an error is what its own class says, or the nearest one above

_LOGGING_IN = (theirs.LoginException,)
_ASKING = (theirs.ConnectionException, theirs.AbortDownloadException, theirs.QueryReturnedBadRequestException)

BY_TEXT: tuple[tuple[tuple[type[Exception], ...], str, Problem], ...] = (
    (
        _LOGGING_IN,
        "does not exist",
        Problem("Instagram does not know the user in {about}.", "Check the spelling and try again."),
    ),
    (
        _LOGGING_IN,
        "2FA error",
        Problem("Instagram does not take this two-factor code for {about}.", "Wait for the next code and try again."),
    ),
    (
        (*_LOGGING_IN, *_ASKING),
        "checkpoint|challenge",
        Problem(
            "Instagram wants the user to be confirmed before it answers for {about} (checkpoint).",
            "Log in at instagram.com in a browser, do what it asks for, then take the session from there.",
        ),
    ),
    (
        _ASKING,
        "feedback_required",
        Problem(
            "Instagram holds back its answers for {about} (feedback required).",
            "Stop for a day, and look into the account in a browser.",
        ),
    ),
    (
        _ASKING,
        "redirected to login page",
        Problem(
            "Instagram has ended the session that was used for {about}, or answers only after a login.",
            "Wait some hours, log in at instagram.com in a browser, and save the session again.",
        ),
    ),
    (
        _ASKING,
        "401 unauthorized|please wait a few minutes",
        Problem(
            "Instagram answered 401, please wait a few minutes, to the question for {about};"
            " often instaloader ({version}) is older than Instagram's last change.",
            f"Wait an hour; if it stays so, update instaloader ({_COMMAND}).",
        ),
    ),
    (_ASKING, r"\b429\b", TOO_MANY),
    (
        (theirs.ProfileNotExistsException,),
        "most similar",
        Problem("Instagram has no {about}: {said}.", "Check the spelling and try again."),
    ),
    (
        (theirs.ProfileNotExistsException,),
        "seems to exist",
        Problem("Instagram has {about}, but does not show it.", "Try again later, or with another session."),
    ),
    (
        (theirs.LoginRequiredException,),
        "private profile",
        Problem(
            "Instagram keeps {about} private: only users who follow it see its posts.",
            "Use the session of a user who follows it.",
        ),
    ),
    (
        (theirs.BadResponseException,),
        "fetching post metadata failed|unknown media_type",
        Problem(
            "Instagram does not show {about}.",
            "It may have been deleted; check it in a browser.",
            Reach.POST,
            may_pass=False,
        ),
    ),
)  # the first that fits says more than the class


def problem_of(error: Exception) -> Problem:
    """The most that is known of an error of instaloader or requests."""
    said = _ADDRESS.sub("", str(error))
    for types, pattern, problem in BY_TEXT:
        if isinstance(error, types) and re.search(pattern, said, re.IGNORECASE):
            return problem
    cause = error.__cause__
    if type(error) is theirs.ConnectionException and isinstance(cause, Exception):  # it says only: tried often enough
        return problem_of(cause)
    return next((BY_TYPE[kind] for kind in type(error).__mro__ if kind in BY_TYPE), UNEXPECTED)


def explain(error: Exception, about: str) -> InstagramProblem:
    """An error in words for people.

    Args:
        error: of instaloader or requests.
        about: what was asked for: `profile "natgeo"`.
    """
    problem = problem_of(error)
    said = " ".join(_ADDRESS.sub("", str(error)).split()).rstrip(".")[:_SAID_CHARS] or type(error).__name__
    words = {"about": about, "said": said, "version": instaloader.__version__}
    return InstagramProblem(f"{problem.fact.format(**words)} {problem.advice.format(**words)}", problem)


_MAPPED = (
    theirs.InstaloaderException,
    theirs.AbortDownloadException,
    requests.exceptions.RequestException,
    LookupError,  # these: instaloader reads an answer that is not built as it was
    TypeError,
    ValueError,
    AttributeError,
    AssertionError,
)


@contextmanager
def instagram_errors(about: str) -> Iterator[None]:
    """Whatever instaloader raises becomes an `InstagramProblem`; hold nothing but instaloader's work in it."""
    try:
        yield
    except _MAPPED as error:
        raise explain(error, about) from error
