"""What the server does beside showing pages."""

import socket

from photosearch.ui.server import send_at_once


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
