"""Connections that hold the server up: those that never send a whole request are closed, at once where there are many.

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


async def close_half_open(patience_s: float = PATIENCE_S, max_connections: int = MAX_CONNECTIONS) -> None:
    """Close connections that wait for a request, or for its end after it was answered, longer than `patience_s`.

    Runs until it is cancelled, beside the server. While there are more than `max_connections`, the longest waiting go.
    """
    servers = [found for found in gc.get_objects() if issubclass(type(found), uvicorn.Server)]
    since: dict[Any, tuple[object, float]] = {}  # by connection: its last request, and when it was first seen to wait
    while True:
        await asyncio.sleep(min(PAUSE_S, patience_s / 4))
        now = time.monotonic()
        connections = [one for server in servers for one in list(server.server_state.connections)]
        since = {one: _first_seen(one, since, now) for one in connections if _waits(one)}
        n_too_many = len(connections) - max_connections
        for n, (connection, (_, first_s)) in enumerate(sorted(since.items(), key=lambda item: item[1][1])):
            if n < n_too_many or now - first_s > patience_s:
                connection.transport.close()


def _waits(connection: Any) -> bool:
    """Tell whether nothing is being answered on a connection; a WebSocket's has no cycles."""
    cycle = getattr(connection, "cycle", connection)
    return cycle is None or getattr(cycle, "response_complete", False) is True


def _first_seen(connection: Any, since: dict[Any, tuple[object, float]], now: float) -> tuple[object, float]:
    known = since.get(connection)
    return known if known is not None and known[0] is connection.cycle else (connection.cycle, now)


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
