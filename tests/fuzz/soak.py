"""Soak: sessions that search while an attacker sends what it likes; `python -m tests.fuzz.soak --minutes 10`.

The sessions are real ones of the Search page, a query a second each. The attacker has no right to anything and sends
foreign hosts, guessed passwords, large bodies, unknown addresses and rubbish, and leaves connections half open; a guest
who knows the password uploads pictures that ask for vast amounts of time or memory, one after the other.

Quiet and attack take turns. Prints the median answer of the sessions in both, the server's memory before and after with
that of its processes that decode, and how many of the attacker's requests were answered with anything that only people
with the right may see. Exit status 1 where an answer under attack takes more than 1.5 times as long, memory grew by
more than a tenth, an answer was none, or one got out.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import itertools
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from benchmarks.sessions import open_session, search_for_a_while
from photosearch.access.sessions import COOKIE
from photosearch.settings import Settings
from photosearch.workspace import Workspace
from tests import bombs
from tests.browser.server import serving
from tests.fuzz.attacker import Attacker

PASSWORD = "a password for the soak"  # noqa: S105
MAX_SLOWER, MAX_GROWTH = 1.5, 1.1
QUERIES = ("dog", "two people on a beach", "red", "a cat -dog", "house in the snow")
N_ROUNDS = 5  # of quiet and attack, so that what else the machine does falls on both
QUIET_SHARE = 0.2  # of the time of the attack
SETTLING_S = 150.0  # before memory is read: Streamlit keeps a session that was left for two minutes, with its upload


@dataclass
class Asked:
    """What the sessions met."""

    took_s: list[float] = field(default_factory=list)
    n_errors: int = 0

    @property
    def median_s(self) -> float:
        """The median answer."""
        return statistics.median(self.took_s)

    def add(self, other: Asked) -> None:
        """Add what was met in another time."""
        self.took_s += other.took_s
        self.n_errors += other.n_errors


class Guest:
    """Uploads pictures that ask for vast amounts, one after the other, each in a session of its own."""

    def __init__(self, pictures: Sequence[tuple[str, bytes]]) -> None:
        """Take what to upload, by the name of its file."""
        self._pictures = itertools.cycle(pictures)
        self.n_sent = self.n_answered = 0
        self.slowest_s = 0.0

    async def run(self, address: str, cookie: str, until: float) -> None:
        """Upload until the time is up."""
        for name, bomb in self._pictures:
            if time.monotonic() > until:
                return
            async with open_session(address, cookie) as session:
                began = time.monotonic()
                self.n_answered += await session.search_like(name, bomb)
                self.slowest_s = max(self.slowest_s, time.monotonic() - began)
                self.n_sent += 1


def make_bombs() -> list[tuple[str, bytes]]:
    """Make pictures that are refused by their headers, and one that is as large as is allowed, which is decoded."""
    return [
        ("scans.jpg", bombs.jpeg_of_many_scans()),
        ("just-allowed.jpg", bombs.jpeg_of_many_scans(90, 4000)),
        ("cmyk.jpg", bombs.huge_progressive_cmyk()),
        ("lies.avif", bombs.avif_that_lies()),
        ("tile.tif", bombs.tiff_of_a_huge_tile()),
        ("warnings.tif", bombs.tiff_of_many_warnings()),
    ]


def log_in(address: str) -> str:
    """Give the password; return the cookie."""
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=60)
    body = urlencode({"password": PASSWORD, "next": "/"})
    connection.request("POST", "/login", body, {"Content-Type": "application/x-www-form-urlencoded"})
    answer = connection.getresponse()
    cookie = (answer.getheader("set-cookie") or "").partition(";")[0]
    connection.close()
    assert cookie.startswith(COOKIE), answer.status
    return cookie


async def search_in_sessions(address: str, n_sessions: int, seconds: float, guest: Guest | None = None) -> Asked:
    """Let sessions search, perhaps beside a guest who uploads bombs."""
    until = time.monotonic() + seconds
    bombing = asyncio.create_task(guest.run(address, log_in(address), until)) if guest else None
    queries = [itertools.islice(itertools.cycle(QUERIES), n, None) for n in range(n_sessions)]
    told = await asyncio.gather(*(search_for_a_while(address, q, seconds, log_in(address)) for q in queries))
    if bombing is not None:
        await bombing
    asked = Asked()
    for took_s, n_errors in told:
        asked.add(Asked(took_s, n_errors))
    return asked


@dataclass(frozen=True)
class Memory:
    """What a server takes, from Linux's /proc."""

    server_mb: float
    decoders_mb: float  # of the processes that it started

    @property
    def sum_mb(self) -> float:
        """All of it."""
        return self.server_mb + self.decoders_mb

    def __str__(self) -> str:
        return f"{self.sum_mb:.0f} MB ({self.decoders_mb:.0f} of them in the processes that decode)"


def read_memory(port: int) -> Memory:
    """Return the resident memory of the server at a port and of the processes it started."""
    found = list(_processes())
    server = next(n for n, _, words in found if b"streamlit" in words and str(port).encode() in words)
    children = [number for number, parent, _ in found if parent == server]
    return Memory(_resident_mb(server), sum(map(_resident_mb, children)))


def _processes() -> Iterator[tuple[int, int, list[bytes]]]:
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError):
            continue
        yield int(folder.name), parent, words


def _resident_mb(number: int) -> float:
    try:
        status = Path(f"/proc/{number}/status").read_text()
    except OSError:
        return 0.0
    return int(status.partition("VmRSS:")[2].split()[0]) / 1000


@dataclass(frozen=True)
class Soaked:
    """What came out."""

    quiet: Asked
    attacked: Asked
    before: Memory
    after: Memory
    attacker: Attacker
    guest: Guest

    def is_good(self) -> bool:
        """Whether the sessions went on as before, nothing grew and nothing got out."""
        is_fast = self.attacked.median_s <= MAX_SLOWER * self.quiet.median_s
        is_whole = self.quiet.n_errors + self.attacked.n_errors == 0
        is_flat = self.after.sum_mb <= MAX_GROWTH * self.before.sum_mb
        return is_fast and is_whole and is_flat and not self.attacker.escapes

    def text(self) -> str:
        """Return it for people."""
        quiet, attacked = self.quiet, self.attacked
        return (
            f"median answer: {quiet.median_s:.3f} s in quiet, {attacked.median_s:.3f} s under attack"
            f" ({attacked.median_s / quiet.median_s:.2f} times), of {len(quiet.took_s):,} and"
            f" {len(attacked.took_s):,}; {quiet.n_errors} and {attacked.n_errors} were none\n"
            f"memory: {self.before} before, {self.after} after ({self.after.sum_mb / self.before.sum_mb:.2f} times)\n"
            f"{self.attacker.n_sent:,} requests of the attacker, {len(self.attacker.escapes)} answered with more than"
            f" a refusal\n{self.guest.n_sent:,} bombs of a guest, {self.guest.n_answered:,} answered, the slowest in"
            f" {self.guest.slowest_s:.1f} s\n" + "".join(f"  {escape}\n" for escape in self.attacker.escapes[:10])
        )


def soak(address: str, n_sessions: int, seconds: float) -> Soaked:
    """Let the sessions search in quiet and under attack in turn."""
    port = int(urlsplit(address).port or 0)
    warming = Guest(make_bombs())
    asyncio.run(search_in_sessions(address, n_sessions, QUIET_SHARE / 2 * seconds, warming))  # all is loaded
    time.sleep(SETTLING_S)
    before = read_memory(port)
    attacker, guest = Attacker("127.0.0.1", port), Guest(make_bombs())
    quiet, attacked = Asked(), Asked()
    for _ in range(N_ROUNDS):
        quiet.add(asyncio.run(search_in_sessions(address, n_sessions, QUIET_SHARE * seconds / N_ROUNDS)))
        attack = threading.Thread(target=attacker.run, args=(time.monotonic() + seconds / N_ROUNDS,))
        attack.start()
        attacked.add(asyncio.run(search_in_sessions(address, n_sessions, seconds / N_ROUNDS, guest)))
        attack.join()
    time.sleep(SETTLING_S)
    return Soaked(quiet, attacked, before, read_memory(port), attacker, guest)


def main() -> None:
    """Run the soak on the demo photos, captioned first; print what came out."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=10.0, help="of the attack; the quiet time before is a fifth")
    parser.add_argument("--sessions", type=int, default=10)
    options = parser.parse_args()
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder, "library")
        workspace = Workspace(Settings(library))
        workspace.prepare_demo()
        workspace.close()
        with serving(library, Path(folder, "log"), PHOTOSEARCH_PASSWORD=PASSWORD) as address:
            soaked = soak(address, options.sessions, 60 * options.minutes)
    loads = f"load {load:.1f} before, {os.getloadavg()[0]:.1f} after, {os.cpu_count()} cores\n"
    sys.stdout.write(soaked.text() + loads)
    sys.exit(not soaked.is_good())


if __name__ == "__main__":
    main()
