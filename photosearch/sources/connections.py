"""HTTP connections that keep a deadline and lead to the public network only."""

from __future__ import annotations

import math
import socket
import ssl
import threading
import time
from collections.abc import Iterable

import httpcore2
import httpx2

from photosearch.errors import PhotoError
from photosearch.sources.addresses import is_public

MAX_CONNECTIONS = 16
IDLE_S = 5.0  # after which an unused connection is closed


class Deadline(threading.local):
    """The time by which this thread's request must be answered, on the monotonic clock."""

    ends = math.inf

    def clip(self, timeout: float | None, late: type[Exception]) -> float | None:
        """Return `timeout`, shortened to end by the deadline; raise `late` when the deadline has passed."""
        left = self.ends - time.monotonic()
        if left <= 0:
            raise late("the time is over")
        return timeout if left == math.inf else left if timeout is None else min(timeout, left)


class _Stream(httpcore2.NetworkStream):
    """A connection that keeps the deadline; a limit for each read would not stop a server that sends headers slowly."""

    def __init__(self, inner: httpcore2.NetworkStream, deadline: Deadline) -> None:
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
    """Makes connections; checks that addresses are public here, after names are resolved and redirects followed."""

    def __init__(self, deadline: Deadline, *, allow_private: bool) -> None:
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
        ends = time.monotonic() + (math.inf if timeout is None else timeout)  # all addresses share the time limit
        try:
            resolved = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise httpcore2.ConnectError("the server's name is not known") from error
        addresses = list(dict.fromkeys(str(info[4][0]) for info in resolved))
        if not self._allow_private:
            addresses = [address for address in addresses if is_public(address)]
            if not addresses:
                raise PhotoError(
                    "the address leads into this machine's own network; PHOTOSEARCH_ALLOW_PRIVATE=1 allows that"
                )
        last_error: Exception = httpcore2.ConnectTimeout("the time is over")
        for n_left, address in zip(range(len(addresses), 0, -1), addresses, strict=True):
            left = self._deadline.clip(ends - time.monotonic(), httpcore2.ConnectTimeout) or 0.0
            if left <= 0:
                break
            try:
                limit = None if left == math.inf else left / n_left  # the last address gets all the time left
                stream = self._inner.connect_tcp(address, port, limit, local_address, socket_options)
                return _Stream(stream, self._deadline)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                last_error = error
        raise last_error


class Transport(httpx2.HTTPTransport):
    """The HTTP client's own transport, over connections that `_Backend` makes."""

    def __init__(self, deadline: Deadline, *, allow_private: bool) -> None:
        context = httpx2.create_ssl_context()
        super().__init__(verify=context)
        self._pool = httpcore2.ConnectionPool(  # `HTTPTransport` has no argument for a network backend
            ssl_context=context,
            max_connections=MAX_CONNECTIONS,
            max_keepalive_connections=MAX_CONNECTIONS,
            keepalive_expiry=IDLE_S,
            network_backend=_Backend(deadline, allow_private=allow_private),
        )
