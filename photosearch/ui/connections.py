"""Connections that hold the server up: those that send no whole request, or do not read the answer, are closed.

Each takes a file descriptor, of which a process has some thousand; without a free one nobody is answered.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import time
from typing import Any

import uvicorn

PATIENCE_S = 20.0  # uvicorn itself waits for a request's head for ever; between two requests it waits for 5 s
UNREAD_PATIENCE_S = 300.0  # of an answer of which nothing is read: a browser may pause a download
PAUSE_S = 0.25  # between two looks
MAX_DESCRIPTORS = 65_536
MAX_CONNECTIONS = 2_000  # at the same time; above that those that have waited the longest for a request are closed
_OUT_OF_DESCRIPTORS = "socket.accept() out of system resource"  # how asyncio's message begins
_SILENCE_S = 60.0


def allow_connections() -> int:
    """Have the system allow more descriptors, where it may; return how many connections there may be."""
    logging.getLogger("asyncio").addFilter(OneLineAMinute())
    try:
        import resource  # not on Windows, which has no such limit
    except ImportError:
        return MAX_CONNECTIONS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, MAX_DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        soft = wanted
    return MAX_CONNECTIONS if soft == resource.RLIM_INFINITY else min(MAX_CONNECTIONS, soft // 2)


async def close_half_open(
    patience_s: float = PATIENCE_S,
    max_connections: int = MAX_CONNECTIONS,
    unread_patience_s: float = UNREAD_PATIENCE_S,
) -> None:
    """Close connections that hold the server up: runs until it is cancelled, beside the server.

    Args:
        patience_s: how long one may wait for a request, or for its end after it was answered.
        max_connections: while there are more, those that have waited the longest go.
        unread_patience_s: how long a visitor may read nothing of an answer.
    """
    servers = [found for found in gc.get_objects() if issubclass(type(found), uvicorn.Server)]
    since: dict[Any, tuple[object, float]] = {}  # by connection: its state, and when it was first seen in it
    while True:
        await asyncio.sleep(min(PAUSE_S, patience_s / 4))
        now = time.monotonic()
        connections = [one for server in servers for one in list(server.server_state.connections)]
        states = {one: state for one in connections if (state := _idle_state(one)) is not None}
        since = {one: _first_seen(since.get(one), state, now) for one, state in states.items()}
        n_too_many = len(connections) - max_connections
        for n, (connection, (_, first_s)) in enumerate(sorted(since.items(), key=lambda item: item[1][1])):
            has_unread = connection.transport.get_write_buffer_size() > 0
            if n < n_too_many or now - first_s > (unread_patience_s if has_unread else patience_s):
                connection.transport.abort()  # closing would wait until what was sent is read


def _idle_state(connection: Any) -> object | None:
    """Return what stays the same while a connection waits for the visitor; None: something is being answered.

    A WebSocket has no cycles of request and answer, and is let be: who has one has the right to.
    """
    if not hasattr(connection, "cycle"):
        return None
    n_unread = connection.transport.get_write_buffer_size()
    if n_unread:
        return n_unread
    is_answered = connection.cycle is None or getattr(connection.cycle, "response_complete", False) is True
    return (connection.cycle,) if is_answered else None


def _first_seen(known: tuple[object, float] | None, state: object, now: float) -> tuple[object, float]:
    return known if known is not None and known[0] == state else (state, now)


class OneLineAMinute(logging.Filter):
    """Says once a minute that there are too many connections, which asyncio logs thousands of times with its calls."""

    def __init__(self) -> None:
        super().__init__()
        self._said_s = float("-inf")

    def filter(self, record: logging.LogRecord) -> bool:
        """Let other records through as they are."""
        if not str(record.msg).startswith(_OUT_OF_DESCRIPTORS):
            return True
        record.msg = "There are more connections than the system allows this program. Some are answered later."
        record.args, record.exc_info, record.exc_text = (), None, None
        is_due = time.monotonic() - self._said_s > _SILENCE_S
        if is_due:
            self._said_s = time.monotonic()
        return is_due
