"""Bounds of one request, with a real server: slow, endless, broken off."""

import socket
import threading
import time

import pytest
import requests

from photosearch.errors import Cancelled
from photosearch.records import UNWATCHED, Watch
from photosearch.sources.instagram.problems import Refusal
from photosearch.sources.instagram.reasons import TOO_LARGE
from photosearch.sources.instagram.transport import Guard, GuardedAdapter, Limits

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"


@pytest.fixture
def serve():
    """Start a server that sends `head`, then `chunk` again and again; return its address."""
    is_over = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))

    def start(head: bytes, chunk: bytes, every_s: float, n_chunks: int = 10**6) -> str:
        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                try:
                    connection.sendall(head)
                    for _ in range(n_chunks):
                        if is_over.wait(every_s):
                            return
                        connection.sendall(chunk)
                except OSError:  # the client has left
                    return

        threading.Thread(target=answer, daemon=True).start()
        return f"http://127.0.0.1:{listener.getsockname()[1]}/"

    yield start
    is_over.set()
    listener.close()


def ask(address: str, limits: Limits, watch: Watch = UNWATCHED) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False
        session.mount("http://", GuardedAdapter(Guard(watch, limits, lambda: False)))
        return session.get(address, timeout=30)


def test_an_answer_is_read_whole(serve):
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n"
    assert ask(serve(head, b"ab", 0.01, 3), Limits()).text == "ababab"


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\n", HEAD])
def test_a_byte_now_and_then_does_not_hold_the_run(serve, head):
    started = time.monotonic()
    with pytest.raises(requests.exceptions.ReadTimeout):
        ask(serve(head, b"a", 0.2), Limits(whole_s=1))
    assert time.monotonic() - started < 3


@pytest.mark.parametrize("head", [b"", HEAD])
def test_a_cancel_is_heard_while_the_answer_is_on_its_way(serve, head):
    started = time.monotonic()
    with pytest.raises(Cancelled):
        ask(serve(head, b"a", 5), Limits(), Watch(is_cancelled=lambda: time.monotonic() > started + 0.5))
    assert time.monotonic() - started < 2


def test_an_endless_answer_is_left(serve):
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n"
    with pytest.raises(Refusal) as caught:
        ask(serve(head, b"a" * 65536, 0), Limits(max_bytes=1_000_000))
    assert caught.value.problem is TOO_LARGE


def test_an_answer_that_breaks_off_is_no_answer(serve):
    with pytest.raises(requests.exceptions.ConnectionError, match="broke off"):
        ask(serve(HEAD, b"a", 0, 3), Limits())
