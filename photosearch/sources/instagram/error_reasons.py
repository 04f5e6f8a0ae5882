"""The causes of refusals that errors of instaloader and requests show: the second part of the table of `reasons`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import requests
from instaloader import exceptions

from photosearch.sources.instagram.reasons import ANSWERS, COMMAND, GO_ON, GUARDED, SAVE_AGAIN, Problem, Reach


@dataclass(frozen=True)
class ErrorRow:
    """A refusal that an error of instaloader or requests shows, by its class and its text."""

    problem: Problem
    classes: tuple[type[Exception], ...]
    text: str = ""  # a pattern for the error's text; empty: any text


_UPDATE = f"Update it ({COMMAND}) and try again"

LOGIN_REQUIRED = Problem(
    "`LoginRequiredException`: a redirect to the login page",
    "Instagram shows {about} only to users who are logged in.",
    "Use your own export; or save a session and name its user, which may get that account banned.",
)
LOGGED_OUT = Problem(
    "with a session: a redirect to the login page",
    "Instagram has ended the session that was used for {about}, or answers only after a login.",
    "Wait some hours, log in at instagram.com in a browser, and save the session again.",
)
TOO_MANY = Problem(
    "`TooManyRequestsException`: 429",
    "Instagram answered 429 (too many requests) to a request for {about}.",
    f"Wait some hours, close other programs that read Instagram, and run it again: {GO_ON}.",
)
NETWORK = Problem(
    "`ConnectionError` (requests): no answer",
    "Instagram cannot be reached for {about}.",
    f"Check the network and run it again: {GO_ON}.",
)
UNEXPECTED = Problem(
    "`KeyError` and the like: an answer that is built otherwise",
    "instaloader {version} does not understand Instagram's answer to a request for {about}.",
    f"{_UPDATE}; Instagram may have changed.",
    Reach.POST,
)

_LOGIN = (exceptions.LoginException,)
_REQUEST = (
    exceptions.ConnectionException,
    exceptions.AbortDownloadException,
    exceptions.QueryReturnedBadRequestException,
)

# The first row whose class and text fit is taken; the rows without a text are those of whole classes, nearest first.
ERRORS: tuple[ErrorRow, ...] = (
    ErrorRow(
        Problem(
            "`LoginException`: the user does not exist",
            "Instagram does not know the user in {about}.",
            "Check the spelling and try again.",
        ),
        _LOGIN,
        "does not exist",
    ),
    ErrorRow(
        Problem(
            "`BadCredentialsException`: 2FA error",
            "Instagram does not accept this two-factor code for {about}.",
            "Wait for the next code and try again.",
        ),
        _LOGIN,
        "2FA error",
    ),
    ErrorRow(
        Problem(
            "400, `checkpoint_required` or `challenge_required`",
            "Instagram wants the account confirmed before it answers requests for {about} (checkpoint).",
            f"Log in at instagram.com in a browser, do what it asks for, {SAVE_AGAIN}.",
        ),
        (*_LOGIN, *_REQUEST),
        "checkpoint|challenge",
    ),
    ErrorRow(
        Problem(
            "400, `feedback_required`",
            "Instagram restricts requests for {about} for a while (feedback required).",
            "Stop for a day, and check the account in a browser.",
        ),
        _REQUEST,
        "feedback_required",
    ),
    ErrorRow(
        LOGGED_OUT,
        _REQUEST,
        "redirected to login page",
    ),
    ErrorRow(
        Problem(
            "with a session: a start page without `fb_dtsg`",
            "The session that was used for {about} has ended.",
            "Log in at instagram.com in a browser, and save the session again.",
        ),
        (exceptions.BadResponseException,),
        "token fb_dtsg",
    ),
    ErrorRow(
        Problem(
            "401, “please wait a few minutes”",
            "Instagram answered 401 (please wait a few minutes) to a request for {about};"
            " often instaloader ({version}) is older than Instagram's last change.",
            f"Wait an hour; if it stays so, update instaloader ({COMMAND}).",
        ),
        _REQUEST,
        "401 unauthorized|please wait a few minutes",
    ),
    ErrorRow(TOO_MANY, _REQUEST, r"\b429\b"),
    ErrorRow(
        Problem(
            "with a session: 403",
            "Instagram forbids requests for {about} (403).",
            "Stop for a day, check the account in a browser, and save the session again.",
        ),
        (exceptions.ConnectionException,),
        r"\b403 Forbidden",
    ),
    ErrorRow(
        Problem(
            "`ProfileNotExistsException`, with similar names",
            "Instagram has no {about}: {detail}.",
            "Check the spelling and try again.",
        ),
        (exceptions.ProfileNotExistsException,),
        "most similar",
    ),
    ErrorRow(
        Problem(
            "`ProfileNotExistsException`, although a search finds it",
            "Instagram has {about}, but does not show it.",
            "Try again later, or with another session.",
        ),
        (exceptions.ProfileNotExistsException,),
        "seems to exist",
    ),
    ErrorRow(
        Problem(
            "a page that says that the profile is private",
            "Instagram keeps {about} private: only users who follow it see its posts.",
            "Use the session of a user who follows it.",
        ),
        (exceptions.LoginRequiredException,),
        "private profile",
    ),
    ErrorRow(
        Problem(
            "an answer without the post",
            "Instagram does not show {about}.",
            "It may have been deleted; check it in a browser.",
            Reach.POST,
            may_pass=False,
        ),
        (exceptions.BadResponseException,),
        "fetching post metadata failed|unknown media_type",
    ),
    ErrorRow(
        Problem(
            "`BadCredentialsException`",
            "Instagram does not accept this password for {about}.",
            "Check the password and try again.",
        ),
        (exceptions.BadCredentialsException,),
    ),
    ErrorRow(
        Problem(
            "`TwoFactorAuthRequiredException`",
            "Instagram asks for a two-factor code for {about}.",
            "Enter the code from your authenticator app or text message.",
        ),
        (exceptions.TwoFactorAuthRequiredException,),
    ),
    ErrorRow(
        Problem(
            "`LoginException`",
            "Instagram refused {about}: {detail}.",
            f"Log in at instagram.com in a browser, {SAVE_AGAIN}.",
        ),
        _LOGIN,
    ),
    ErrorRow(LOGIN_REQUIRED, (exceptions.LoginRequiredException,)),
    ErrorRow(
        Problem(
            "`ProfileNotExistsException`: 404, or a page without a profile",
            "Instagram has no {about}, or shows it only to users who are logged in.",
            "Check the spelling; if it is right, try again with a saved session.",
        ),
        (exceptions.ProfileNotExistsException,),
    ),
    ErrorRow(
        Problem(
            "`ProfileHasNoPicsException` (not raised any more)",
            "There are no pictures in {about}.",
            "Choose another profile.",
        ),
        (exceptions.ProfileHasNoPicsException,),
    ),
    ErrorRow(
        Problem(
            "`PrivateProfileNotFollowedException`",
            "Instagram keeps {about} private, and the user who is logged in does not follow it.",
            "Use the session of a user who follows it.",
        ),
        (exceptions.PrivateProfileNotFollowedException,),
    ),
    ErrorRow(TOO_MANY, (exceptions.TooManyRequestsException,)),
    ErrorRow(
        Problem(
            "`QueryReturnedNotFoundException`: 404",
            "Instagram does not find {about} (404).",
            "It may have been deleted; check it in a browser.",
            Reach.POST,
            may_pass=False,
        ),
        (exceptions.QueryReturnedNotFoundException,),
    ),
    ErrorRow(
        Problem(
            "`QueryReturnedBadRequestException`: 400",
            "Instagram refused a request of instaloader {version} for {about} as a bad request (400).",
            f"{_UPDATE}; if it is up to date, wait some hours.",
            Reach.REQUEST,
        ),
        (exceptions.QueryReturnedBadRequestException,),
    ),
    ErrorRow(
        Problem(
            "`QueryReturnedForbiddenException`: 403 to a file",
            "Instagram forbids {about} (403).",
            "Try again later, or with a saved session.",
            Reach.POST,
        ),
        (exceptions.QueryReturnedForbiddenException,),
    ),
    ErrorRow(
        Problem(
            "`BadResponseException`",
            "Instagram's page for {about} lacks what instaloader {version} looks for: {detail}.",
            f"{_UPDATE}, or use a saved session.",
            Reach.REQUEST,
        ),
        (exceptions.BadResponseException,),
    ),
    ErrorRow(
        Problem(
            "`PostChangedException`",
            "Instagram gives another post in place of {about}.",
            "Run it again.",
            Reach.POST,
        ),
        (exceptions.PostChangedException,),
    ),
    ErrorRow(
        Problem(
            "`InvalidArgumentException`",
            "instaloader {version} cannot use a value it was given for {about}: {detail}.",
            "Check what you typed; if it is right, report this error.",
            Reach.POST,
        ),
        (exceptions.InvalidArgumentException,),
    ),
    ErrorRow(
        Problem(
            "`IPhoneSupportDisabledException`",
            "instaloader {version} tried to read {about} as an iPhone does, which is switched off.",
            "Report this error.",
        ),
        (exceptions.IPhoneSupportDisabledException,),
    ),
    ErrorRow(
        Problem(
            "`AbortDownloadException`",
            "Instagram refuses to answer requests for {about}: {detail}.",
            "Open instagram.com in a browser and see what it asks for.",
        ),
        (exceptions.AbortDownloadException,),
    ),
    ErrorRow(
        Problem(
            "`ConnectionException`: another status, such as 500",
            "Instagram did not answer a request for {about}: {detail}.",
            f"Try again later: {GO_ON}.",
        ),
        (exceptions.ConnectionException,),
    ),
    ErrorRow(
        Problem("`InstaloaderException`: any other error", "Reading {about} failed: {detail}.", f"{_UPDATE}."),
        (exceptions.InstaloaderException,),
    ),
    ErrorRow(
        Problem(
            "`JSONDecodeError` (requests): a web page instead of data",
            "Instagram answered with a web page where data should be, and instaloader {version} does not understand"
            " it, for {about}.",
            f"Open instagram.com in a browser and see what it asks for. {_UPDATE}.",
            Reach.POST,
        ),
        (requests.exceptions.JSONDecodeError,),
    ),
    ErrorRow(
        Problem(
            "`Timeout` (requests): no whole answer within a minute",
            "Instagram took too long to answer for {about}.",
            f"Try again later: {GO_ON}.",
        ),
        (requests.exceptions.Timeout,),
    ),
    ErrorRow(NETWORK, (requests.exceptions.ConnectionError,)),
    ErrorRow(
        Problem(
            "`RequestException` (requests): any other error of the network",
            "The request to Instagram for {about} failed: {detail}.",
            "Check the network and its proxy, and run it again.",
        ),
        (requests.exceptions.RequestException,),
    ),
    ErrorRow(UNEXPECTED, (LookupError, TypeError, ValueError, AttributeError, AssertionError)),
)


def problems() -> list[Problem]:
    """Return every cause once, in the order of the table."""
    rows: Iterable[Problem] = (
        *(row.problem for row in ANSWERS),
        *GUARDED,
        *(row.problem for row in ERRORS),
    )
    return list(dict.fromkeys(rows))
