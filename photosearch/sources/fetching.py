"""Pictures from the network: with limits, retries, and no way into the machine's own network."""

from __future__ import annotations

import math
import random
import re
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from urllib.parse import urljoin

import httpcore2
import httpx2

from photosearch import __version__
from photosearch.errors import PhotoError, TryLater
from photosearch.sources.addresses import check_url, is_public
from photosearch.sources.source import Resources

CONNECT_S, READ_S = 10.0, 20.0
WHOLE_S = 60.0  # for one photo, so that a server that drips bytes comes to an end
N_TRIES = 3
BACK_OFF_S = 0.5  # before the second try; twice as long before each further one
MOST_WAIT_S = 30.0  # of what a server asks for by Retry-After
MOST_REDIRECTS = 5
_MOST_DIGITS = 18  # of a length that is looked at
MOST_CONNECTIONS = 16
KEPT_S = 5.0  # a connection that nothing is asked over
_HEADERS = {
    "User-Agent": f"photosearch/{__version__}",
    "Accept": "image/*,*/*;q=0.5",
    "Accept-Encoding": "identity",  # a picture is packed already
}
_GONE = (403, 404, 410)
_BUSY = (408, 425, 429, 500, 502, 503, 504)
_PACKED = {"gzip", "x-gzip", "deflate"}
_ETAG = re.compile(r"[!-~]{1,1000}")  # what can be stored and sent back; not every server puts it in quotes


class LinkExpired(PhotoError):
    """The server does not give the picture under this address (any more)."""


class _TryAgain(Exception):
    """It may go better a moment later; holds the reason, and how long the server asks to wait."""

    def __init__(self, reason: str, wait_s: float = 0.0) -> None:
        super().__init__(reason)
        self.wait_s = wait_s


@dataclass(frozen=True)
class Fetched:
    """A server's answer."""

    data: bytes
    etag: str | None


class _Deadline(threading.local):
    """When the question that this thread asks has to be answered, on the monotonic clock."""

    ends = math.inf

    def clip(self, timeout: float | None, late: type[Exception]) -> float | None:
        """A time limit that ends no later; raises `late` when the time is over."""
        left = self.ends - time.monotonic()
        if left <= 0:
            raise late("the time is over")
        return timeout if left == math.inf else left if timeout is None else min(timeout, left)


class _Stream(httpcore2.NetworkStream):
    """A connection that keeps the deadline: a limit for each read is none for a server that drips its headers."""

    def __init__(self, inner: httpcore2.NetworkStream, deadline: _Deadline) -> None:
        self._inner = inner
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._deadline.clip(timeout, httpcore2.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, self._deadline.clip(timeout, httpcore2.WriteTimeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        limit = self._deadline.clip(timeout, httpcore2.ConnectTimeout)
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, limit), self._deadline)

    def get_extra_info(self, info: str) -> object:
        return self._inner.get_extra_info(info)


class _Backend(httpcore2.NetworkBackend):
    """Makes connections, to public addresses only: checked here, after names and redirects."""

    def __init__(self, deadline: _Deadline, *, allow_private: bool) -> None:
        self._inner = httpcore2.SyncBackend()
        self._deadline = deadline
        self._allow_private = allow_private

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        ends = time.monotonic() + (math.inf if timeout is None else timeout)  # for all addresses together
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise httpcore2.ConnectError("the server's name is not known") from error
        addresses = list(dict.fromkeys(str(info[4][0]) for info in found))
        if not self._allow_private:
            addresses = [address for address in addresses if is_public(address)]
            if not addresses:
                raise PhotoError(
                    "the address leads into this machine's own network; PHOTOSEARCH_ALLOW_PRIVATE=1 allows that"
                )
        failed: Exception = httpcore2.ConnectTimeout("the time is over")
        for n_left, address in zip(range(len(addresses), 0, -1), addresses, strict=True):
            left = self._deadline.clip(ends - time.monotonic(), httpcore2.ConnectTimeout) or 0.0
            if left <= 0:
                break
            try:
                limit = None if left == math.inf else left / n_left  # the last one gets what is left
                stream = self._inner.connect_tcp(address, port, limit, local_address, socket_options)
                return _Stream(stream, self._deadline)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failed = error
        raise failed


class _Transport(httpx2.HTTPTransport):
    """httpx's own transport over connections of ours."""

    def __init__(self, deadline: _Deadline, *, allow_private: bool) -> None:
        context = httpx2.create_ssl_context()
        super().__init__(verify=context)
        self._pool = httpcore2.ConnectionPool(  # it takes no backend of one's own
            ssl_context=context,
            max_connections=MOST_CONNECTIONS,
            max_keepalive_connections=MOST_CONNECTIONS,
            keepalive_expiry=KEPT_S,
            network_backend=_Backend(deadline, allow_private=allow_private),
        )


class Fetcher:
    """Fetches pictures; use from any thread. Proxies of the environment are not used: they would look names up."""

    def __init__(
        self,
        *,
        allow_private: bool = False,
        read_s: float = READ_S,
        whole_s: float = WHOLE_S,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`read_s` is how long a server may say nothing, `whole_s` what one photo may take."""
        self._whole_s = whole_s
        self._read_s = read_s
        self._sleep = sleep
        self._deadline = _Deadline()
        self._transport = _Transport(self._deadline, allow_private=allow_private)

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def fetch(self, url: str, *, etag: str | None = None, max_bytes: int) -> Fetched | None:
        """Fetch a picture's bytes.

        Args:
            url: its address.
            etag: of the bytes that are known.
            max_bytes: what is larger is refused.

        Returns:
            None when the server says that the bytes are those of the `etag`.

        Raises:
            LinkExpired: the server refuses, or has nothing there (403, 404, 410).
            TryLater: the network or the server fails, which may pass.
            PhotoError: it cannot be had, with the reason; the address is not repeated.
        """
        ends = time.monotonic() + self._whole_s
        for n_try in range(N_TRIES):
            try:
                return self._follow(url, etag, max_bytes, ends)
            except _TryAgain as error:
                last = n_try == N_TRIES - 1
                wait_s = max(error.wait_s, BACK_OFF_S * 2**n_try * random.uniform(0.75, 1.25))  # noqa: S311
                if last or time.monotonic() + wait_s > ends or error.wait_s > MOST_WAIT_S:
                    tries = "1 try" if n_try == 0 else f"{n_try + 1} tries"
                    raise TryLater(f"{error} ({tries})") from None
                self._sleep(wait_s)
        raise AssertionError("the last try returns or raises")

    def _follow(self, url: str, etag: str | None, max_bytes: int, ends: float) -> Fetched | None:
        for _ in range(MOST_REDIRECTS + 1):
            check_url(url)
            found = self._ask(url, etag, max_bytes, ends)
            if not isinstance(found, str):
                return found
            url = found
        raise PhotoError(f"the address leads on more than {MOST_REDIRECTS} times")

    def _ask(self, url: str, etag: str | None, max_bytes: int, ends: float) -> Fetched | str | None:
        """One question; a text is where the answer sends us.

        Asked of the transport: a client would keep cookies, write addresses to the log and read redirects itself.
        """
        left = ends - time.monotonic()
        if left <= 0:
            raise self._too_long()
        timeout = httpx2.Timeout(min(self._read_s, left), connect=min(CONNECT_S, left))
        headers = {**_HEADERS, "If-None-Match": etag} if etag and _ETAG.fullmatch(etag) else _HEADERS
        self._deadline.ends = ends
        try:
            request = httpx2.Request("GET", url, headers=headers, extensions={"timeout": timeout.as_dict()})
            with closing(self._transport.handle_request(request)) as answer:
                if answer.status_code == 304 and "If-None-Match" in headers:
                    return None
                if answer.has_redirect_location:
                    return _joined(url, answer.headers["Location"])
                _check_status(answer)
                data = _unpacked(self._read(answer, max_bytes), answer, max_bytes)
                _check_picture(data, answer)
                kept = answer.headers.get("ETag", "")
                return Fetched(data, kept if _ETAG.fullmatch(kept) else None)
        except httpx2.TimeoutException:
            if time.monotonic() >= ends:
                raise self._too_long() from None
            raise _TryAgain("the server does not answer") from None
        except httpx2.InvalidURL:
            raise PhotoError("the address is damaged") from None  # the cause may quote it
        except httpx2.HTTPError as error:
            said = str(error) if isinstance(error, httpx2.ConnectError) else type(error).__name__
            raise _TryAgain(f"the server cannot be reached: {said}") from None

    def _too_long(self) -> TryLater:
        return TryLater(f"the server took longer than {self._whole_s:g} s")

    def _read(self, answer: httpx2.Response, max_bytes: int) -> bytes:
        declared = answer.headers.get("Content-Length", "")
        if declared.isdecimal() and int(declared[:_MOST_DIGITS]) > max_bytes:
            raise _too_large(max_bytes)
        chunks, n_bytes = [], 0
        for chunk in answer.iter_raw():
            chunks.append(chunk)
            n_bytes += len(chunk)
            if n_bytes > max_bytes:
                raise _too_large(max_bytes)
        return b"".join(chunks)


def open_fetcher(resources: Resources) -> Fetcher:
    """Return a fetcher to be shared by all that is read in a run."""
    return Fetcher(allow_private=resources.settings.allow_private)


def _too_large(max_bytes: int) -> PhotoError:
    return PhotoError(f"the file is larger than {max_bytes // 1_000_000} MB")


def _joined(url: str, location: str) -> str:
    """Where a redirect leads."""
    try:
        return urljoin(url, location.strip().replace(" ", "%20"))  # not every server quotes what it should
    except ValueError:
        raise PhotoError("the address leads on to a damaged one") from None


def _check_status(answer: httpx2.Response) -> None:
    code = answer.status_code
    if code in _GONE:
        raise LinkExpired(f"the server does not give it (status {code}); the link may have expired")
    if code in _BUSY:
        raise _TryAgain(f"the server answers with status {code}", _asked_wait_s(answer.headers.get("Retry-After")))
    if code == 401 or code >= 500:
        raise TryLater(f"the server answers with status {code}")
    if code != 200:
        raise PhotoError(f"the server answers with status {code}")


def _asked_wait_s(text: str | None) -> float:
    """What `Retry-After` asks for: seconds, or a date (RFC 9110, 10.2.3)."""
    if not text:
        return 0.0
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, OverflowError):
        return 0.0


def _unpacked(data: bytes, answer: httpx2.Response, max_bytes: int) -> bytes:
    """A body that was packed though nobody asked for it; never more than the limit is unpacked."""
    packed = answer.headers.get("Content-Encoding", "identity").strip().lower()
    if packed in ("", "identity"):
        return data
    if packed not in _PACKED:
        raise PhotoError("the server packs it in a way that is not known")
    unpacker = zlib.decompressobj(wbits=47)  # gzip or zlib, by its head
    try:
        unpacked = unpacker.decompress(data, max_bytes + 1)
    except zlib.error as error:
        raise PhotoError("the server's answer is damaged") from error
    if len(unpacked) > max_bytes:
        raise _too_large(max_bytes)
    if data and not unpacker.eof:
        raise PhotoError("the server's answer is damaged")
    return unpacked


def _check_picture(data: bytes, answer: httpx2.Response) -> None:
    if not data:
        raise PhotoError("the server's answer is empty")
    start = data[:200].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if answer.headers.get("Content-Type", "").lower().startswith("text/html") or start.startswith(
        (b"<!doctype html", b"<html")
    ):
        raise PhotoError("the address leads to a web page, not to a picture")
