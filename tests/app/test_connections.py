"""Connections without a whole request are closed; others are not."""

from __future__ import annotations

import asyncio
import logging
import select
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route

from photosearch.ui import connections
from photosearch.ui.connections import close_half_open

PATIENCE_S = 0.4
LARGE = "x" * 1_000_000


async def _tell(_: Request) -> PlainTextResponse:
    return PlainTextResponse("told")


async def _large(_: Request) -> PlainTextResponse:
    return PlainTextResponse(LARGE)


async def _long(_: Request) -> StreamingResponse:
    async def parts():  # type: ignore[no-untyped-def]
        for _ in range(8):
            await asyncio.sleep(PATIENCE_S / 2)
            yield b"part "

    return StreamingResponse(parts())


@pytest.fixture(params=[(PATIENCE_S, 1000, PATIENCE_S)])
def port(request: pytest.FixtureRequest) -> Iterator[int]:
    routes = [Route("/", _tell, methods=["GET", "POST"]), Route("/long", _long), Route("/large", _large)]
    config = uvicorn.Config(Starlette(routes=routes), port=0, log_level="critical", timeout_keep_alive=60)
    server = uvicorn.Server(config)
    listening = socket.create_server(("127.0.0.1", 0))

    async def serve() -> None:
        closing = asyncio.create_task(close_half_open(*request.param))
        await server.serve([listening])
        closing.cancel()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield listening.getsockname()[1]
    server.should_exit = True
    thread.join()


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nonly a part",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\nGET / HTTP/1.1\r\nX-Slow: ",
    ],
)
def test_a_connection_without_a_whole_request_is_closed(port: int, sent: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port), 20) as connection:
        connection.sendall(sent)
        while connection.recv(4096):
            pass  # until the server closes it


def test_a_connection_that_does_not_read_its_answers_is_closed(port: int) -> None:
    n_asked, n_read = 50, 0
    with socket.create_connection(("127.0.0.1", port), 20) as connection:
        connection.sendall(b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n" * n_asked)
        time.sleep(10 * PATIENCE_S)
        with suppress(ConnectionResetError):
            while part := connection.recv(1 << 20):
                n_read += len(part)
    assert n_read < n_asked * len(LARGE) / 2


@pytest.mark.parametrize("port", [(600.0, 20, 600.0)], indirect=True)
def test_of_too_many_connections_those_that_waited_longest_are_closed(port: int) -> None:
    with ExitStack() as opened:
        waiting = [opened.enter_context(socket.create_connection(("127.0.0.1", port), 20)) for _ in range(50)]
        for one in waiting:
            one.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
        closed: set[socket.socket] = set()
        until = time.monotonic() + 60
        while len(closed) < 30 and time.monotonic() < until:
            closed |= set(select.select(waiting, [], [], 1.0)[0])
        assert len(closed) == 30
        assert {one.recv(100) for one in closed} == {b""}
        last = opened.enter_context(socket.create_connection(("127.0.0.1", port), 20))
        last.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        _read(last, b"told")


def test_too_many_connections_are_said_once_a_minute_and_in_one_line() -> None:
    once = connections.OneLineAMinute()

    def record(text: str) -> logging.LogRecord:
        try:
            raise OSError(24, "Too many open files")
        except OSError:
            return logging.LogRecord("asyncio", logging.ERROR, "a.py", 1, text, (), sys.exc_info())

    told = [record("socket.accept() out of system resource\nsocket: <...>") for _ in range(3)]
    assert [once.filter(one) for one in told] == [True, False, False]
    assert logging.Formatter().format(told[0]).startswith("There are more connections than")
    assert "\n" not in logging.Formatter().format(told[0])
    other = record("Task exception was never retrieved")
    assert once.filter(other)
    assert "Traceback" in logging.Formatter().format(other)


def test_a_long_answer_and_a_browser_that_asks_again_are_left_alone(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), 20) as connection:
        connection.sendall(b"GET /long HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert _read(connection, b"0\r\n\r\n").count(b"part ") == 8
        for _ in range(8):
            time.sleep(PATIENCE_S / 2)
            connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            _read(connection, b"told")


def _read(connection: socket.socket, end: bytes) -> bytes:
    """Read an answer to its end; fails where the server closes the connection before."""
    told = b""
    while not told.endswith(end):
        part = connection.recv(4096)
        assert part, told
        told += part
    return told
