"""Messages for refusals by Instagram and the network: what happened, and what to do. See docs/instagram.md."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum, auto

import instaloader
import requests
from instaloader import exceptions

from photosearch.errors import SourceError

_MAX_DETAIL_CHARS = 200
_ADDRESS = re.compile(r"\s*(when accessing )?https?://\S+")


class Reach(Enum):
    """How much a refusal affects."""

    POST = auto()  # one post: the next one may be answered
    REQUEST = auto()  # one request: repeating it fails again
    ALL = auto()  # every request, for now


@dataclass(frozen=True)
class Problem:
    """One kind of refusal; its texts may hold {about}, {detail} and {version}."""

    fact: str
    advice: str
    reach: Reach = Reach.ALL
    may_pass: bool = True  # whether a later request may succeed


class InstagramProblem(SourceError):
    """A refusal by Instagram or by the network."""

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
    "Instagram answered 429 (too many requests) to a request for {about}.",
    "Wait some hours, close other programs that read Instagram, and run it again: it goes on where it stopped.",
)
NETWORK = Problem(
    "Instagram cannot be reached for {about}.",
    "Check the network and run it again: it goes on where it stopped.",
)
UNEXPECTED = Problem(
    "instaloader {version} does not understand Instagram's answer to a request for {about}.",
    f"{_UPDATE}; Instagram may have changed.",
    Reach.POST,
)

BY_TYPE: Mapping[type[Exception], Problem] = {
    exceptions.LoginRequiredException: LOGIN_REQUIRED,
    exceptions.BadCredentialsException: Problem(
        "Instagram does not accept this password for {about}.", "Check the password and try again."
    ),
    exceptions.TwoFactorAuthRequiredException: Problem(
        "Instagram asks for a two-factor code for {about}.",
        "Enter the code from your authenticator app or text message.",
    ),
    exceptions.LoginException: Problem(
        "Instagram refused {about}: {detail}.",
        "Log in at instagram.com in a browser, then save the session from that browser.",
    ),
    exceptions.ProfileNotExistsException: Problem(
        "Instagram has no {about}, or shows it only to users who are logged in.",
        "Check the spelling; if it is right, try again with a saved session.",
    ),
    exceptions.ProfileHasNoPicsException: Problem("There are no pictures in {about}.", "Choose another profile."),
    exceptions.PrivateProfileNotFollowedException: Problem(
        "Instagram keeps {about} private, and the user who is logged in does not follow it.",
        "Use the session of a user who follows it.",
    ),
    exceptions.TooManyRequestsException: TOO_MANY,
    exceptions.QueryReturnedNotFoundException: Problem(
        "Instagram does not find {about} (404).",
        "It may have been deleted; check it in a browser.",
        Reach.POST,
        may_pass=False,
    ),
    exceptions.QueryReturnedBadRequestException: Problem(
        "Instagram refused a request of instaloader {version} for {about} as a bad request (400).",
        f"{_UPDATE}; if it is up to date, wait some hours.",
        Reach.REQUEST,
    ),
    exceptions.QueryReturnedForbiddenException: Problem(
        "Instagram forbids {about} (403).", "Try again later, or with a saved session.", Reach.POST
    ),
    exceptions.BadResponseException: Problem(
        "Instagram's page for {about} lacks what instaloader {version} looks for: {detail}.",
        f"{_UPDATE}, or use a saved session.",
        Reach.REQUEST,
    ),
    exceptions.PostChangedException: Problem(
        "Instagram gives another post in place of {about}.", "Run it again.", Reach.POST
    ),
    exceptions.InvalidArgumentException: Problem(
        "instaloader {version} cannot use a value it was given for {about}: {detail}.",
        "Check what you typed; if it is right, report this error.",
        Reach.POST,
    ),
    exceptions.IPhoneSupportDisabledException: Problem(
        "instaloader {version} tried to read {about} as an iPhone does, which is switched off.", "Report this error."
    ),
    exceptions.AbortDownloadException: Problem(
        "Instagram refuses to answer requests for {about}: {detail}.",
        "Open instagram.com in a browser and see what it asks for.",
    ),
    exceptions.ConnectionException: Problem(
        "Instagram did not answer a request for {about}: {detail}.",
        "Try again later: it goes on where it stopped.",
    ),
    exceptions.InstaloaderException: Problem("Reading {about} failed: {detail}.", f"{_UPDATE}."),
    requests.exceptions.JSONDecodeError: UNEXPECTED,
    requests.exceptions.Timeout: Problem(
        "Instagram took too long to answer for {about}.", "Try again later: it goes on where it stopped."
    ),
    requests.exceptions.ConnectionError: NETWORK,
    requests.exceptions.RequestException: Problem(
        "The request to Instagram for {about} failed: {detail}.", "Check the network and its proxy, and run it again."
    ),
    LookupError: UNEXPECTED,
    TypeError: UNEXPECTED,
    ValueError: UNEXPECTED,
    AttributeError: UNEXPECTED,
    AssertionError: UNEXPECTED,
}  # an error whose class is not listed gets the problem of its nearest listed base class

_LOGIN_ERRORS = (exceptions.LoginException,)
_REQUEST_ERRORS = (
    exceptions.ConnectionException,
    exceptions.AbortDownloadException,
    exceptions.QueryReturnedBadRequestException,
)

BY_TEXT: tuple[tuple[tuple[type[Exception], ...], str, Problem], ...] = (
    (
        _LOGIN_ERRORS,
        "does not exist",
        Problem("Instagram does not know the user in {about}.", "Check the spelling and try again."),
    ),
    (
        _LOGIN_ERRORS,
        "2FA error",
        Problem("Instagram does not accept this two-factor code for {about}.", "Wait for the next code and try again."),
    ),
    (
        (*_LOGIN_ERRORS, *_REQUEST_ERRORS),
        "checkpoint|challenge",
        Problem(
            "Instagram wants the account confirmed before it answers requests for {about} (checkpoint).",
            "Log in at instagram.com in a browser, do what it asks for, then save the session from that browser.",
        ),
    ),
    (
        _REQUEST_ERRORS,
        "feedback_required",
        Problem(
            "Instagram restricts requests for {about} for a while (feedback required).",
            "Stop for a day, and check the account in a browser.",
        ),
    ),
    (
        _REQUEST_ERRORS,
        "redirected to login page",
        Problem(
            "Instagram has ended the session that was used for {about}, or answers only after a login.",
            "Wait some hours, log in at instagram.com in a browser, and save the session again.",
        ),
    ),
    (
        _REQUEST_ERRORS,
        "401 unauthorized|please wait a few minutes",
        Problem(
            "Instagram answered 401 (please wait a few minutes) to a request for {about};"
            " often instaloader ({version}) is older than Instagram's last change.",
            f"Wait an hour; if it stays so, update instaloader ({_COMMAND}).",
        ),
    ),
    (_REQUEST_ERRORS, r"\b429\b", TOO_MANY),
    (
        (exceptions.ProfileNotExistsException,),
        "most similar",
        Problem("Instagram has no {about}: {detail}.", "Check the spelling and try again."),
    ),
    (
        (exceptions.ProfileNotExistsException,),
        "seems to exist",
        Problem("Instagram has {about}, but does not show it.", "Try again later, or with another session."),
    ),
    (
        (exceptions.LoginRequiredException,),
        "private profile",
        Problem(
            "Instagram keeps {about} private: only users who follow it see its posts.",
            "Use the session of a user who follows it.",
        ),
    ),
    (
        (exceptions.BadResponseException,),
        "fetching post metadata failed|unknown media_type",
        Problem(
            "Instagram does not show {about}.",
            "It may have been deleted; check it in a browser.",
            Reach.POST,
            may_pass=False,
        ),
    ),
)  # the first entry that matches is more exact than the class of the error


def problem_of(error: Exception) -> Problem:
    """Return the most exact problem for an error of instaloader or requests."""
    text = _ADDRESS.sub("", str(error))  # an address may hold a profile called like an error
    for types, pattern, problem in BY_TEXT:
        if isinstance(error, types) and re.search(pattern, text, re.IGNORECASE):
            return problem
    cause = error.__cause__
    # After its last retry instaloader raises this class itself, and only the cause says what failed.
    if type(error) is exceptions.ConnectionException and isinstance(cause, Exception):
        return problem_of(cause)
    return next((BY_TYPE[kind] for kind in type(error).__mro__ if kind in BY_TYPE), UNEXPECTED)


def explain(error: Exception, about: str) -> InstagramProblem:
    """Return an error with a message that people understand.

    Args:
        error: an error of instaloader or requests.
        about: what was requested, such as `profile "natgeo"`.
    """
    problem = problem_of(error)
    detail = " ".join(_ADDRESS.sub("", str(error)).split()).rstrip(".")[:_MAX_DETAIL_CHARS] or type(error).__name__
    values = {"about": about, "detail": detail, "version": instaloader.__version__}
    return InstagramProblem(f"{problem.fact.format(**values)} {problem.advice.format(**values)}", problem)


_MAPPED = (
    exceptions.InstaloaderException,
    exceptions.AbortDownloadException,
    requests.exceptions.RequestException,
    LookupError,  # this and the following: instaloader reads an answer whose structure has changed
    TypeError,
    ValueError,
    AttributeError,
    AssertionError,
)


@contextmanager
def instagram_errors(about: str) -> Iterator[None]:
    """Turn errors of instaloader and requests into an `InstagramProblem`.

    Only calls of instaloader belong in the block: it also turns `ValueError` and the like, which our mistakes raise.
    """
    try:
        yield
    except _MAPPED as error:
        raise explain(error, about) from error
