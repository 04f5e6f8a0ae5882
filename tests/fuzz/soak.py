"""Soak: sessions that search while an attacker sends what it likes; `python -m tests.fuzz.soak --minutes 10`.

Prints the median answer of the sessions in quiet and under attack, the server's memory before and after, and how many
of the attacker's requests were answered with anything that only people with the right may see. Exit status 1 where an
answer under attack takes more than 1.5 times as long, memory grew by more than a tenth, or one such answer was given.
"""

from __future__ import annotations

import argparse
import http.client
import random
import socket
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from photosearch.access.sessions import COOKIE
from photosearch.settings import Settings
from photosearch.workspace import Workspace
from tests.browser.server import serving

PASSWORD = "a password for the soak"  # noqa: S105
MAX_SLOWER, MAX_GROWTH = 1.5, 1.1
ANOTHER = ("127.0.0.2", 0)  # the attacker's address, whose tries of the password are slowed down
HALF_OPEN = 200  # connections that the attacker leaves without a request
QUERIES = ("dog", "two people on a beach", "red", "a cat -dog", "house in the snow")
SECRETS = (b"demo", b"caption", b"\xff\xd8\xff")  # a collection's name, a field of an answer, a JPEG


def log_in(host: str, port: int) -> str:
    """Give the password; return the cookie."""
    connection = http.client.HTTPConnection(host, port, timeout=60)
    body = urlencode({"password": PASSWORD, "next": "/"})
    connection.request("POST", "/login", body, {"Content-Type": "application/x-www-form-urlencoded"})
    answer = connection.getresponse()
    cookie = (answer.getheader("set-cookie") or "").partition(";")[0]
    assert cookie.startswith(COOKIE), answer.status
    return cookie


def search(host: str, port: int, cookie: str, until: float, took: list[float]) -> None:
    """Search until the time is up, each query on a new connection; write down how long each answer took."""
    while time.monotonic() < until:
        began = time.perf_counter()
        connection = http.client.HTTPConnection(host, port, timeout=60)
        connection.request(
            "GET", f"/api/v1/search?{urlencode({'str': random.choice(QUERIES)})}", headers={"Cookie": cookie}
        )
        answer = connection.getresponse()
        answer.read()
        connection.close()
        assert answer.status == 200, answer.status
        took.append(time.perf_counter() - began)
        time.sleep(0.5)


class Attacker:
    """Sends foreign hosts, guessed passwords, large bodies, unknown addresses; leaves connections half open."""

    def __init__(self, host: str, port: int, until: float) -> None:
        self._place = (host, port)
        self._until = until
        self.n_sent = 0
        self.escapes: list[str] = []
        self._open: list[socket.socket] = []

    def run(self) -> None:
        """Attack until the time is up."""
        chance = random.Random(0)
        ways: tuple[Callable[[random.Random], None], ...] = (
            self._foreign_host,
            self._guess,
            self._large_body,
            self._unknown,
            self._half_open,
            self._rubbish,
        )
        while time.monotonic() < self._until:
            try:
                chance.choice(ways)(chance)
            except OSError:  # refused or cut off: as it should be
                continue
            time.sleep(0.01)
        for left in self._open:
            left.close()

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
        with socket.create_connection(self._place, 5, ANOTHER) as connection:
            connection.sendall(chance.randbytes(2000) + b"\r\n\r\n")
            connection.settimeout(2)
            if any(secret in connection.recv(65536) for secret in SECRETS):
                self.escapes.append("rubbish")


def memory_mb(port: int) -> float:
    """Return the resident memory of the process that listens on a port, from Linux's /proc."""
    for folder in Path("/proc").iterdir():
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
            if b"streamlit" in words and str(port).encode() in words:
                line = next(line for line in (folder / "status").read_text().splitlines() if line.startswith("VmRSS"))
                return int(line.split()[1]) / 1000
        except OSError:
            continue
    raise RuntimeError("the server's process was not found")


def sessions(host: str, port: int, n_sessions: int, seconds: float) -> float:
    """Let sessions search; return the median answer in seconds."""
    until, took = time.monotonic() + seconds, list[float]()
    cookies = [log_in(host, port) for _ in range(n_sessions)]
    threads = [threading.Thread(target=search, args=(host, port, cookie, until, took)) for cookie in cookies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return statistics.median(took)


def main() -> None:
    """Run the soak on the demo photos, captioned first; print what came out."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=10.0, help="of the attack; the quiet time before is a fifth")
    parser.add_argument("--sessions", type=int, default=10)
    options = parser.parse_args()
    seconds = options.minutes * 60
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder, "library")
        workspace = Workspace(Settings(library))
        workspace.prepare_demo()
        workspace.close()
        with serving(library, Path(folder, "log"), PHOTOSEARCH_PASSWORD=PASSWORD) as address:
            host, port = str(urlsplit(address).hostname), int(urlsplit(address).port or 0)
            sessions(host, port, options.sessions, min(30.0, seconds / 5))  # all is loaded
            quiet = sessions(host, port, options.sessions, seconds / 5)
            before = memory_mb(port)
            attacker = Attacker(host, port, time.monotonic() + seconds)
            attack = threading.Thread(target=attacker.run)
            attack.start()
            attacked = sessions(host, port, options.sessions, seconds)
            attack.join()
            time.sleep(5)
            after = memory_mb(port)
    sys.stdout.write(
        f"median answer: {1000 * quiet:.1f} ms in quiet, {1000 * attacked:.1f} ms under attack ({attacked / quiet:.2f}"
        f" times)\nmemory: {before:.0f} MB before, {after:.0f} MB after ({after / before:.2f} times)\n"
        f"{attacker.n_sent:,} requests of the attacker, {len(attacker.escapes)} answered with more than a refusal\n"
    )
    for escape in attacker.escapes[:10]:
        sys.stdout.write(f"  {escape}\n")
    sys.exit(bool(attacker.escapes) or attacked > MAX_SLOWER * quiet or after > MAX_GROWTH * before)


if __name__ == "__main__":
    main()
