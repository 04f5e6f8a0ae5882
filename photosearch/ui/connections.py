"""Connections that hold the server up: those that never send a whole request are closed after a while."""

from __future__ import annotations

import asyncio
import gc
import time
from typing import Any

import uvicorn

PATIENCE_S = 20.0  # uvicorn itself waits for a request's head for ever; between two requests it waits for 5 s


async def close_half_open(patience_s: float = PATIENCE_S) -> None:
    """Close connections that wait for a request, or for its end after it was answered, longer than `patience_s`.

    Runs until it is cancelled, beside the server. Each such connection would keep a file descriptor, of which a process
    has some thousand.
    """
    servers = [found for found in gc.get_objects() if issubclass(type(found), uvicorn.Server)]
    since: dict[Any, tuple[object, float]] = {}  # by connection: its last request, and when it was first seen to wait
    while True:
        await asyncio.sleep(patience_s / 4)
        now = time.monotonic()
        waiting = [one for server in servers for one in server.server_state.connections if _waits(one)]
        since = {one: _first_seen(one, since, now) for one in waiting}
        for connection, (_, first_s) in since.items():
            if now - first_s > patience_s:
                connection.transport.close()


def _waits(connection: Any) -> bool:
    """Tell whether nothing is being answered on a connection; a WebSocket's has no cycles."""
    cycle = getattr(connection, "cycle", connection)
    return cycle is None or getattr(cycle, "response_complete", False) is True


def _first_seen(connection: Any, since: dict[Any, tuple[object, float]], now: float) -> tuple[object, float]:
    known = since.get(connection)
    return known if known is not None and known[0] is connection.cycle else (connection.cycle, now)
