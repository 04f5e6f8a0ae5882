"""Fetching pictures over HTTP, with limits on time and size, and with retries."""

from __future__ import annotations

import random
import re
import time
import zlib
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from urllib.parse import urljoin

import httpx2

from photosearch import __version__
from photosearch.errors import PhotoError, TryLater
from photosearch.pictures.formats import format_of
from photosearch.sources.addresses import check_url
from photosearch.sources.budget import expect_bytes
from photosearch.sources.connections import Deadline, Transport
from photosearch.sources.source import Resources

CONNECT_S, READ_S = 10.0, 20.0
WHOLE_S = 60.0  # for one photo with all its tries; it also stops a server that sends bytes slowly without end
N_TRIES = 3
BACK_OFF_S = 0.5  # before the second try; twice as long before each further one
MAX_WAIT_S = 30.0  # the longest `Retry-After` that is obeyed
MAX_REDIRECTS = 5
_LENGTH_DIGITS = 18  # of `Content-Length`; converting a longer text may take long or fail
_HEADERS = {
    "User-Agent": f"photosearch/{__version__}",
    "Accept": "image/*,*/*;q=0.5",
    "Accept-Encoding": "identity",  # pictures are compressed already
}
_GONE = (403, 404, 410)
_BUSY = (408, 425, 429, 500, 502, 503, 504)
_PACKED = {"gzip", "x-gzip", "deflate"}
_ETAG = re.compile(r"[!-~]{1,1000}")  # can be stored and sent back; some servers leave out the quotes


class LinkExpired(PhotoError):
    """The server refuses to give the picture, or no longer has it at this address."""


class _TryAgain(Exception):
    """A failure that a retry may mend, with its reason and the seconds that the server asks to wait."""

    def __init__(self, reason: str, wait_s: float = 0.0) -> None:
        super().__init__(reason)
        self.wait_s = wait_s


@dataclass(frozen=True)
class Fetched:
    """A fetched picture's bytes, with the ETag that the server gave them."""

    data: bytes
    etag: str | None


class Fetcher:
    """Fetches pictures; use from any thread.

    Proxies named in the environment are not used: they would resolve names, and the check of addresses would be void.
    """

    def __init__(
        self,
        *,
        allow_private: bool = False,
        read_s: float = READ_S,
        whole_s: float = WHOLE_S,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Open no connection yet.

        Args:
            allow_private: whether addresses in private networks may be fetched from.
            read_s: how long a server may send nothing.
            whole_s: how long one photo may take, retries included.
            sleep: waits before a retry.
        """
        self._whole_s = whole_s
        self._read_s = read_s
        self._sleep = sleep
        self._deadline = Deadline()
        self._transport = Transport(self._deadline, allow_private=allow_private)

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def fetch(self, url: str, *, etag: str | None = None, max_bytes: int) -> Fetched | None:
        """Fetch a picture's bytes.

        Args:
            url: the picture's address.
            etag: the ETag of the bytes that are already known; None: fetch in any case.
            max_bytes: the largest size; a larger picture is refused.

        Returns:
            The bytes and their ETag; None when the server says that the bytes have not changed since `etag`.

        Raises:
            LinkExpired: the server refuses, or has nothing there (403, 404, 410).
            TryLater: the network or the server fails, which may pass.
            PhotoError: the picture cannot be fetched; the message gives the reason and leaves out the address.
        """
        ends = time.monotonic() + self._whole_s
        for n_try in range(N_TRIES):
            try:
                return self._follow(url, etag, max_bytes, ends)
            except _TryAgain as error:
                is_last = n_try == N_TRIES - 1
                wait_s = max(error.wait_s, BACK_OFF_S * 2**n_try * random.uniform(0.75, 1.25))  # noqa: S311
                if is_last or time.monotonic() + wait_s > ends or error.wait_s > MAX_WAIT_S:
                    tries = "1 try" if n_try == 0 else f"{n_try + 1} tries"
                    raise TryLater(f"{error} ({tries})") from None
                self._sleep(wait_s)
        raise AssertionError("the last try returns or raises")

    def _follow(self, url: str, etag: str | None, max_bytes: int, ends: float) -> Fetched | None:
        for _ in range(MAX_REDIRECTS + 1):
            check_url(url)
            answer = self._request(url, etag, max_bytes, ends)
            if not isinstance(answer, str):
                return answer
            url = answer
        raise PhotoError(f"the address leads on more than {MAX_REDIRECTS} times")

    def _request(self, url: str, etag: str | None, max_bytes: int, ends: float) -> Fetched | str | None:
        """Send one request; return the picture, None where it is unchanged, or the address of a redirect.

        It goes to the transport directly: a client would keep cookies, log addresses and follow redirects itself.
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
                new_etag = answer.headers.get("ETag", "")
                return Fetched(data, new_etag if _ETAG.fullmatch(new_etag) else None)
        except httpx2.TimeoutException:
            if time.monotonic() >= ends:
                raise self._too_long() from None
            raise _TryAgain("the server does not answer") from None
        except httpx2.InvalidURL:
            raise PhotoError("the address is damaged") from None  # the cause may quote the address
        except httpx2.HTTPError as error:
            reason = str(error) if isinstance(error, httpx2.ConnectError) else type(error).__name__
            raise _TryAgain(f"the server cannot be reached: {reason}") from None

    def _too_long(self) -> TryLater:
        return TryLater(f"the server took longer than {self._whole_s:g} s")

    def _read(self, answer: httpx2.Response, max_bytes: int) -> bytes:
        declared = answer.headers.get("Content-Length", "")
        if declared.isdecimal() and int(declared[:_LENGTH_DIGITS]) > max_bytes:
            raise _too_large(max_bytes)
        chunks, n_bytes = [], 0
        for chunk in answer.iter_raw():
            chunks.append(chunk)
            n_bytes += len(chunk)
            if n_bytes > max_bytes:
                raise _too_large(max_bytes)
            expect_bytes(n_bytes)
        return b"".join(chunks)


def open_fetcher(resources: Resources) -> Fetcher:
    """Return a fetcher for all photos that are read in one run."""
    return Fetcher(allow_private=resources.settings.allow_private)


def _too_large(max_bytes: int) -> PhotoError:
    return PhotoError(f"the file is larger than {max_bytes // 1_000_000} MB")


def _joined(url: str, location: str) -> str:
    """Return the address that a redirect leads to."""
    try:
        return urljoin(url, location.strip().replace(" ", "%20"))  # some servers leave blanks unescaped
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
    """Return the seconds that `Retry-After` asks for; it holds seconds or a date (RFC 9110, 10.2.3)."""
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
    """Unpack a body that the server compressed unasked, to `max_bytes` at most; a picture's bytes are not packed."""
    packed = answer.headers.get("Content-Encoding", "identity").strip().lower()
    if packed in ("", "identity") or format_of(data) is not None:
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
    """Raise `PhotoError` for a web page; what the bytes say comes before what the server says of them."""
    if not data:
        raise PhotoError("the server's answer is empty")
    if format_of(data) is not None:
        return
    start = data[:200].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    is_said = answer.headers.get("Content-Type", "").lower().startswith(("text/html", "application/xhtml"))
    if is_said or start.startswith((b"<!doctype html", b"<html")):
        raise PhotoError("the address leads to a web page, not to a picture")
