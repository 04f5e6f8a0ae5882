"""An attacker without any right: what it sends to a server, and what of the answers only people with the right see."""

from __future__ import annotations

import http.client
import random
import socket
import time
from collections.abc import Callable

ANOTHER = ("127.0.0.2", 0)  # its address, whose tries of the password are slowed down
HALF_OPEN = 200  # connections that it leaves without a whole request
PAUSE_S = 0.01  # between two requests
SECRETS = (b"demo", b"caption", b"\xff\xd8\xff")  # a collection's name, a field of an answer, a JPEG


class Attacker:
    """Sends foreign hosts, guessed passwords, large bodies, unknown addresses; leaves connections half open."""

    def __init__(self, host: str, port: int) -> None:
        """Take the server's place."""
        self._place = (host, port)
        self.n_sent = 0
        self.escapes: list[str] = []
        self._open: list[socket.socket] = []

    def run(self, until: float) -> None:
        """Attack until the time is up, by `time.monotonic()`."""
        chance = random.Random(self.n_sent)
        ways: tuple[Callable[[random.Random], None], ...] = (
            self._foreign_host,
            self._guess,
            self._large_body,
            self._unknown,
            self._half_open,
            self._rubbish,
        )
        while time.monotonic() < until:
            try:
                chance.choice(ways)(chance)
            except OSError:  # refused or cut off: as it should be
                continue
            time.sleep(PAUSE_S)
        while self._open:
            self._open.pop().close()

    def _ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> None:
        self.n_sent += 1
        connection = http.client.HTTPConnection(*self._place, timeout=20, source_address=ANOTHER)
        try:
            connection.request(method, path, body or None, headers)
            answer = connection.getresponse()
            content = answer.read()
        except http.client.HTTPException:
            return
        finally:
            connection.close()
        if (answer.status < 400 and path != "/_stcore/health") or any(secret in content for secret in SECRETS):
            self.escapes.append(f"{method} {path} {headers}: {answer.status}")

    def _foreign_host(self, chance: random.Random) -> None:
        self._ask("GET", "/api/v1/collections", Host=chance.choice(["evil.example", "10.0.0.1", "x" * 3000, "a@b"]))

    def _guess(self, chance: random.Random) -> None:
        self._ask("POST", "/login", f"password={chance.random()}".encode())

    def _large_body(self, chance: random.Random) -> None:
        self._ask("PUT", f"/_stcore/upload_file/{chance.random()}/a", b"x" * 3_000_000)

    def _unknown(self, chance: random.Random) -> None:
        path = "/".join(chance.choice(["media", "..", "api", "%2e%2e", "static", "downloads", "v1"]) for _ in range(4))
        self._ask(chance.choice(["GET", "POST", "DELETE", "OPTIONS"]), f"/{path}")

    def _half_open(self, _: random.Random) -> None:
        while len(self._open) >= HALF_OPEN:
            self._open.pop(0).close()
        left = socket.create_connection(self._place, 5, ANOTHER)
        left.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
        self._open.append(left)

    def _rubbish(self, chance: random.Random) -> None:
        self.n_sent += 1
        with socket.create_connection(self._place, 5, ANOTHER) as connection:
            connection.sendall(chance.randbytes(2000) + b"\r\n\r\n")
            connection.settimeout(2)
            if any(secret in connection.recv(65536) for secret in SECRETS):
                self.escapes.append("rubbish")
