"""Messages for refusals by Instagram and the network, made of the tables in `reasons` and `error_reasons`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import instaloader
import requests
from instaloader import exceptions

from photosearch.errors import SourceError
from photosearch.sources.instagram.error_reasons import ERRORS, UNEXPECTED
from photosearch.sources.instagram.reasons import Problem

_MAX_DETAIL_CHARS = 200
_ADDRESS = re.compile(r"\s*(when accessing )?https?://\S+")


class InstagramProblem(SourceError):
    """A refusal by Instagram or by the network."""

    def __init__(self, message: str, problem: Problem) -> None:
        super().__init__(message)
        self.problem = problem


class Refusal(exceptions.AbortDownloadException):
    """A refusal that the table names by the answer; of this class, since instaloader ends at it without a retry."""

    def __init__(self, problem: Problem, detail: str = "") -> None:
        super().__init__(detail)
        self.problem = problem


def problem_of(error: Exception) -> Problem:
    """Return the problem of the most exact row for an error of instaloader or requests."""
    if isinstance(error, Refusal):
        return error.problem
    text = _ADDRESS.sub("", str(error))  # an address may hold a profile called like an error
    for row in ERRORS:
        if row.text and isinstance(error, row.classes) and re.search(row.text, text, re.IGNORECASE):
            return row.problem
    cause = error.__cause__
    # After its last retry instaloader raises this class itself, and only the cause says what failed.
    if type(error) is exceptions.ConnectionException and isinstance(cause, Exception):
        return problem_of(cause)
    by_class = {kind: row.problem for row in ERRORS if not row.text for kind in row.classes}
    return next((by_class[kind] for kind in type(error).__mro__ if kind in by_class), UNEXPECTED)


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
