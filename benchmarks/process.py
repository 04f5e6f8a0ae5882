"""Measurements on one core, each in a process of its own, so that no part pays for another's memory."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

ROOT = Path(__file__).resolve().parents[1]
_LIBRARIES = ("OMP", "OPENBLAS", "MKL", "NUMBA", "RAYON")  # each has its own number of threads
LIMIT_S = 600
_LOOK_S = 0.2  # how often processes are looked at


@dataclass(frozen=True)
class Times:
    """How long calls took."""

    median_ms: float
    p95_ms: float
    mean_ms: float
    core_ms: float  # median time of the processor: less than the whole where others want it, too
    n: int


def timed(work: Callable[[str], object], queries: list[str]) -> Times:
    """Call for each query, after a first call that does not count."""
    work(queries[0])
    took, busy = [], []
    for query in queries:
        started, began = time.perf_counter(), time.process_time()
        work(query)
        busy.append(1000 * (time.process_time() - began))
        took.append(1000 * (time.perf_counter() - started))
    worst = sorted(took)[int(0.95 * (len(took) - 1))]
    return Times(statistics.median(took), worst, statistics.mean(took), statistics.median(busy), len(took))


def took_s(work: Callable[[], object]) -> float:
    """How long one call took, in seconds."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


class ProcessorTime:
    """The processor's time of a process and all below it, while a block runs; processes may come and go.

    What counts is the time that each was last seen to have: Ray's daemons do not count the workers that they end.
    """

    def __init__(self, above: int) -> None:
        self._above = above
        self._seen: dict[tuple[int, int], int] = {}  # ticks, by a process's number and the moment of its start
        self._before: dict[tuple[int, int], int] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Self:
        """Begin."""
        self._before = ticks_below(self._above)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End."""
        self._ended.set()
        self._thread.join()

    @property
    def seconds(self) -> float:
        """Return what the block took, once it has ended."""
        ticks = sum(n - self._before.get(process, 0) for process, n in self._seen.items())
        return ticks / os.sysconf("SC_CLK_TCK")

    def _watch(self) -> None:
        is_over = False
        while not is_over:
            is_over = self._ended.wait(_LOOK_S)
            self._seen |= ticks_below(self._above)


def ticks_below(above: int) -> dict[tuple[int, int], int]:
    """Return the processor's ticks of a process and all below it, by their numbers and the moments of their starts."""
    below: dict[int, list[int]] = {}
    ticks: dict[int, tuple[int, int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has ended meanwhile
            # The name, which may hold spaces, ends with a bracket; the parent's number comes two fields after it.
            fields = path.read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
            below.setdefault(int(fields[1]), []).append(int(path.parent.name))
            ticks[int(path.parent.name)] = int(fields[19]), int(fields[11]) + int(fields[12])
    found, left = {}, [above]
    while left:
        process = left.pop()
        if process in ticks:
            began, n = ticks[process]
            found[process, began] = n
        left += below.get(process, [])
    return found


@dataclass(frozen=True)
class Memory:
    """What the process holds in memory: all, and the part that lies in no file and no other process can share."""

    resident_mb: float
    own_mb: float

    @classmethod
    def now(cls) -> Memory:
        """Read the memory of this process as Linux counts it."""
        lines = Path("/proc/self/smaps_rollup").read_text(encoding="ascii").splitlines()[1:]
        kb = {name: int(rest.split()[0]) for name, rest in (line.split(":", 1) for line in lines)}
        return cls(kb["Rss"] / 1024, kb["Anonymous"] / 1024)

    def since(self, before: Memory) -> Memory:
        """Return the memory that was added."""
        return Memory(self.resident_mb - before.resident_mb, self.own_mb - before.own_mb)


def keep_to_one_core() -> None:
    """Run on the last of the cores that this process may use."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def run_module(module: str, *arguments: object, limit_s: float = LIMIT_S) -> dict:
    """Run `python -m MODULE ARGUMENTS` on one thread and return the JSON object that it prints."""
    environment = {**os.environ, **{f"{name}_NUM_THREADS": "1" for name in _LIBRARIES}}
    command = [sys.executable, "-m", module, *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, timeout=limit_s)
    return json.loads(done.stdout)
