"""A server on loopback that answers like S3: moto's."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import count

KEYS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_DEFAULT_REGION": "us-east-1"}
_number = count(1)


class S3:
    """A running server."""

    def __init__(self, url: str) -> None:
        self.url = url

    def make_bucket(self) -> str:
        """Make an empty bucket and return its name."""
        name = f"bucket-{next(_number)}"
        self._send("PUT", f"/{name}")
        return name

    @contextmanager
    def without_rights(self) -> Iterator[None]:
        """Refuse all keys while the block lasts, since nobody has given them rights."""
        self._send("POST", "/moto-api/reset-auth", b"0")
        try:
            yield
        finally:
            self._send("POST", "/moto-api/reset-auth", b"1000000000")

    def _send(self, method: str, path: str, data: bytes | None = None) -> None:
        connection = http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=60)
        with closing(connection):
            connection.request(method, path, data)
            answer = connection.getresponse()
            assert answer.status == 200, answer.read()


@contextmanager
def serving() -> Iterator[S3]:
    """Run a server in a thread while the block lasts."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield S3(f"http://{host}:{port}")
    finally:
        server.stop()
