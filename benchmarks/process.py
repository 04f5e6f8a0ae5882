"""Measurements on one core, each in a process of its own, so that no part pays for another's memory."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_LIBRARIES = ("OMP", "OPENBLAS", "MKL", "NUMBA", "RAYON")  # each has its own number of threads
LIMIT_S = 600


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


def core_s(above: int) -> float:
    """Return the processor's time of a process and all below it in seconds, of those that have ended there, too."""
    below: dict[int, list[int]] = {}
    ticks: dict[int, int] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has ended meanwhile
            # The name, which may hold spaces, ends with a bracket; the parent's number comes two fields after it.
            fields = path.read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
            below.setdefault(int(fields[1]), []).append(int(path.parent.name))
            ticks[int(path.parent.name)] = sum(map(int, fields[11:15]))
    total, left = 0, [above]
    while left:
        process = left.pop()
        total += ticks.get(process, 0)
        left += below.get(process, [])
    return total / os.sysconf("SC_CLK_TCK")


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
