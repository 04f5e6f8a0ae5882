"""The way each request to Instagram takes: counted, bounded in time and size, ended by a cancel, its answer judged.

instaloader follows redirects and retries in loops of its own. All of them pass here, so all of them end.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter

from photosearch.errors import Cancelled
from photosearch.records import Watch
from photosearch.sources.instagram.problems import Refusal
from photosearch.sources.instagram.reasons import (
    ANSWERS,
    BUDGET,
    CIRCLE,
    ELSEWHERE,
    TOO_LARGE,
    AnswerRow,
    Problem,
)

MAX_REQUESTS = 2_000  # of one run, unless another number is chosen
MAX_REDIRECTS = 5  # one after the other; Instagram's own chains have one or two
_HOST = re.compile(r"([\w-]+\.)*instagram\.com", re.ASCII)
_STEP_S = 0.2  # between two looks at the watch while an answer is on its way
_CHUNK_BYTES = 1 << 16
_BODY_CHARS = 5_000  # of an answer's text in which a reason is looked for


@dataclass(frozen=True)
class Limits:
    """Bounds for one request, and for all requests of a connection together."""

    max_requests: int = MAX_REQUESTS
    whole_s: float = 60.0  # for one answer, so that a server that sends a byte now and then does not hold the run
    max_bytes: int = 50_000_000  # of one answer, unpacked; a profile's page has about one million


class Guard:
    """Counts the requests of one connection and judges their answers; for one thread at a time."""

    def __init__(self, watch: Watch, limits: Limits, is_logged_in: Callable[[], bool]) -> None:
        self.limits = limits
        self.n_requests = 0
        self._watch = watch
        self._is_logged_in = is_logged_in
        self._n_redirects = 0  # since the latest answer that was none
        self._n_good = 0

    def send(self, request: requests.PreparedRequest, send: Callable[[], requests.Response]) -> requests.Response:
        """Send a request and return its answer, read to the end.

        Raises:
            Cancelled: the watch was cancelled, even while the answer is on its way.
            Refusal: the number of requests is used up, or the answer is one of those in the table.
            requests.exceptions.Timeout: the answer was not complete in time.
        """
        self._check_cancelled()
        if self.n_requests >= self.limits.max_requests:
            raise Refusal(BUDGET, f"{self.limits.max_requests:,}")
        self.n_requests += 1
        response = self._wait_for(_Exchange(send, self.limits.max_bytes))
        self._check_redirect(request, response)
        problem = self._refused(request, response)
        if problem is not None:
            raise Refusal(problem, urlsplit(response.headers.get("location", "")).path)
        if not response.is_redirect:
            self._n_redirects = 0
            self._n_good += response.status_code == 200
        return response

    def _wait_for(self, exchange: _Exchange) -> requests.Response:
        ends = time.monotonic() + self.limits.whole_s
        exchange.start()
        try:
            while not exchange.is_over.wait(_STEP_S):
                self._check_cancelled()
                if time.monotonic() >= ends:
                    raise requests.exceptions.ReadTimeout("the answer was not complete in time")
        except BaseException:
            exchange.abandon()
            raise
        return exchange.result()

    def _check_cancelled(self) -> None:
        if self._watch.is_cancelled():
            raise Cancelled("Reading Instagram was cancelled; what was done is kept. Run it again to go on.")

    def _check_redirect(self, request: requests.PreparedRequest, response: requests.Response) -> None:
        if not response.is_redirect:
            return
        target = urlsplit(urljoin(request.url or "", response.headers["location"]))
        if target.scheme != "https" or not _HOST.fullmatch((target.hostname or "").lower()):
            raise Refusal(ELSEWHERE, target.hostname or "an address without a host")
        self._n_redirects += 1
        if self._n_redirects > MAX_REDIRECTS:
            raise Refusal(CIRCLE, target.path)

    def _refused(self, request: requests.PreparedRequest, response: requests.Response) -> Problem | None:
        """Return the first row that the answer meets."""
        facts = _Facts(
            response.status_code,
            urlsplit(response.headers.get("location", "")).path if response.is_redirect else "",
            urlsplit(request.url or "").path,
            response.content[:_BODY_CHARS].decode("utf-8", "replace"),
            self._is_logged_in(),
            not self._n_good,
        )
        return next((row.problem for row in ANSWERS if facts.meet(row)), None)


@dataclass(frozen=True)
class _Facts:
    """What an answer shows; its fields are those of the conditions in a row of the table."""

    status: int
    redirect: str
    path: str
    body: str
    logged_in: bool
    is_first: bool

    def meet(self, row: AnswerRow) -> bool:
        """Return whether all conditions of a row are met."""
        patterns = ((row.redirect, self.redirect), (row.path, self.path), (row.body, self.body))
        flags = ((row.logged_in, self.logged_in), (row.is_first, self.is_first))
        return (
            (not row.statuses or self.status in row.statuses)
            and all(not pattern or re.search(pattern, text) for pattern, text in patterns)
            and all(flag is None or flag == value for flag, value in flags)
        )


class _Exchange:
    """One request in a thread of its own: a blocked socket cannot be told to stop, but it can be left."""

    def __init__(self, send: Callable[[], requests.Response], max_bytes: int) -> None:
        self.is_over = threading.Event()
        self._send = send
        self._max_bytes = max_bytes
        self._response: requests.Response | None = None
        self._error: BaseException | None = None
        self._is_abandoned = False

    def start(self) -> None:
        """Send the request in the background."""
        threading.Thread(target=self._run, name="instagram-request", daemon=True).start()

    def abandon(self) -> None:
        """Let the thread end at the next bytes it receives, or at its socket's timeout."""
        self._is_abandoned = True

    def result(self) -> requests.Response:
        """Return the answer of an exchange that is over, or raise what ended it."""
        if self._error is not None:
            raise self._error
        if self._response is None:
            raise requests.exceptions.ConnectionError("there is no answer")
        return self._response

    def _run(self) -> None:
        try:
            response = self._send()
            self._read(response)
            self._response = response
        except BaseException as error:  # noqa: BLE001  # the waiting thread raises it
            self._error = error
        finally:
            self.is_over.set()

    def _read(self, response: requests.Response) -> None:
        chunks: list[bytes] = []
        n_bytes = 0
        try:
            # `read1` returns what has come, where `read` and `iter_content` wait until the chunk is full.
            while chunk := response.raw.read1(_CHUNK_BYTES, decode_content=True):
                n_bytes += len(chunk)
                if n_bytes > self._max_bytes:
                    raise Refusal(TOO_LARGE)
                if self._is_abandoned:
                    return
                chunks.append(chunk)
        except urllib3.exceptions.HTTPError as error:
            raise requests.exceptions.ConnectionError(f"the answer broke off: {error}") from error
        finally:
            response.close()
        response._content, response._content_consumed = b"".join(chunks), True


class GuardedAdapter(HTTPAdapter):
    """The adapter that all sessions of a connection send through."""

    def __init__(self, guard: Guard) -> None:
        super().__init__()
        self._guard = guard

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        """Send a request through the guard."""
        send = super().send
        return self._guard.send(request, lambda: send(request, *args, **{**options, "stream": True}))
