"""What the server does beside showing pages."""

import asyncio
import socket

import pytest
import streamlit as st

from photosearch.errors import LibraryError
from photosearch.ui import server, state
from photosearch.ui.server import send_at_once


def test_a_library_that_cannot_be_opened_is_one_line_and_the_server_ends_as_usual(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse() -> None:
        raise LibraryError('Database "d" at 127.0.0.1 cannot be reached.')

    async def live() -> None:
        async with server.lifespan(None):
            pass

    st.cache_resource.clear()
    monkeypatch.setattr(state, "workspace", refuse)
    with caplog.at_level("ERROR"):
        asyncio.run(live())
    assert [record.getMessage() for record in caplog.records] == ['Database "d" at 127.0.0.1 cannot be reached.']


def test_connections_of_a_socket_that_does_not_say_its_protocol_send_at_once():
    with socket.socket(socket.AF_INET) as listening:  # as Streamlit makes it
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        for wanted in (False, True):
            if wanted:
                send_at_once()
            with socket.create_connection(listening.getsockname()):
                accepted, _ = listening.accept()
                with accepted:
                    assert bool(accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)) is wanted
