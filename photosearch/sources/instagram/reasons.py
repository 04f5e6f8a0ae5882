"""The causes of refusals that an answer of Instagram itself shows: what was seen, what it means, what to do.

Messages are made of these rows and of those in `error_reasons`, and `docs/instagram-messages.md` shows the same rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto


class Reach(Enum):
    """How much a refusal affects."""

    POST = auto()  # one post: the next one may be answered
    REQUEST = auto()  # one request: repeating it fails again
    ALL = auto()  # every request, for now


@dataclass(frozen=True)
class Problem:
    """One cause of a refusal; fact and advice may hold {about}, {detail} and {version}."""

    seen: str  # what came back, as the table in the docs says it
    fact: str
    advice: str
    reach: Reach = Reach.ALL
    may_pass: bool = True  # whether a later request may succeed


@dataclass(frozen=True)
class AnswerRow:
    """A refusal that the answer itself shows, before instaloader reads it; an empty condition is always met."""

    problem: Problem
    statuses: tuple[int, ...] = ()
    redirect: str = ""  # a pattern for the path of the address that the answer leads to
    path: str = ""  # a pattern for the path of the request
    body: str = ""  # a pattern for the text of the answer
    logged_in: bool | None = None  # whether a session was sent with the request
    is_first: bool | None = None  # whether Instagram gave no good answer yet


# Parts of several rows.
COMMAND = "pip install --upgrade instaloader"
GO_ON = "it goes on where it stopped"
SAVE_AGAIN = "then save the session from that browser"

SUSPENDED = Problem(
    "a redirect to `/accounts/suspended/`",
    "Instagram has suspended the account that was used for {about}.",
    "Open instagram.com in a browser and do what it asks for; your export can be asked for there, too.",
)
CONFIRM = Problem(
    "a redirect to `/challenge/`, `/auth_platform/`, `/consent/` or the like",
    "Instagram wants something confirmed in a browser before it answers requests for {about} ({detail}).",
    f"Log in at instagram.com in a browser, do what it asks for, {SAVE_AGAIN}.",
)
CIRCLE = Problem(
    "redirects that lead in a circle",
    "Instagram answers requests for {about} with redirects that do not end ({detail}).",
    "Open instagram.com in a browser and see what it asks for; try again later.",
)
ELSEWHERE = Problem(
    "a redirect to another site",
    "The answer to a request for {about} leads to another site ({detail}), to which nothing was sent.",
    "Log in to the network if it has a start page, check the proxy, and run it again.",
)
OTHER_BROWSER = Problem(
    "400, “useragent mismatch”",
    "Instagram does not accept the session for {about}, since it comes from another browser (useragent mismatch).",
    "Log in at instagram.com again, and save the session from the same browser.",
)
FORBIDDEN_OPEN = Problem(
    "403 to a query without login",
    "Instagram shows {about} only to users who are logged in (403).",
    "Use your own export; or save a session and name its user, which may get that account banned.",
)
FIRST_429 = Problem(
    "429 to the very first request",
    "Instagram answered 429 (too many requests) to the very first request for {about}: it judges the network, and"
    " waiting may not help.",
    "Use your own export, or try from another network.",
)
HIDDEN_PAGE = Problem(
    "with a session: the profile's public page leads to the login page, and the search does not answer",
    "Instagram does not show the page of {about} to this network without a login, by which a profile is found.",
    "Try again some hours later or from another network; use your export for your own account.",
)
DATA_FOR_PAGE = Problem(
    "JSON instead of a page",
    "Instagram answered with data where the page of {about} should be.",
    f"Try again later; if it stays so, update instaloader ({COMMAND}).",
)
TOO_LARGE = Problem(
    "an answer of more than 50 MB",
    "The answer to a request for {about} is larger than any of Instagram's, and was not read to its end.",
    "Check the network and its proxy, and run it again.",
)
BUDGET = Problem(
    "more requests than `--max-requests` allows",
    "Reading {about} has used all {detail} requests of this run.",
    f"Run it again some hours later ({GO_ON}), or allow more with --max-requests.",
)
REPEATED = Problem(
    "the same posts again and again",
    "Instagram gives the same posts of {about} again and again.",
    f"Try again later: {GO_ON}.",
)

# The first row whose conditions are all met is taken.
ANSWERS: tuple[AnswerRow, ...] = (
    AnswerRow(SUSPENDED, redirect="/accounts/suspended"),
    AnswerRow(CONFIRM, redirect="/challenge|/auth_platform|/consent|/accounts/(confirm|convert|privacy|scraping)"),
    AnswerRow(OTHER_BROWSER, (400,), body="useragent mismatch"),
    AnswerRow(FORBIDDEN_OPEN, (403,), path="graphql", logged_in=False),
    AnswerRow(FIRST_429, (429,), is_first=True),
    AnswerRow(DATA_FOR_PAGE, (200,), path=r"^/([A-Za-z0-9._]+/)?$", body=r"^\s*[{\[]"),
)
GUARDED = (CIRCLE, ELSEWHERE, TOO_LARGE, BUDGET, REPEATED, HIDDEN_PAGE)  # not noticed by one answer alone
