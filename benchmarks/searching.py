"""Searching photos as the pipeline keeps them: from the library, by the command line, and many queries at once."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.captions import Statistics
from benchmarks.photos import COLLECTION, fill
from benchmarks.process import ROOT, timed
from photosearch.search.question import Question
from photosearch.settings import Settings
from photosearch.workspace import Workspace

SIZES = (1_000, 20_000)
N_QUERIES = 200
N_LINES = 1_000
PAGE, MOST = 24, 100  # photos of the Search page; what a question asks for unless it says how many
N_COLD = 5
# Where Python is told to write no bytecode, it would compile the whole package anew for each command.
ENVIRONMENT = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}


@dataclass(frozen=True)
class Command:
    """What a command took, start and end included."""

    wall_s: float
    core_s: float  # of the processor


def run(library: Path, *arguments: str) -> Command:
    """Run a command in a process of its own."""
    command = [sys.executable, "-m", "photosearch", "--library", str(library), *arguments]
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, cwd=ROOT, env=ENVIRONMENT, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wall_s, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    return Command(wall_s, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def asking(workspace: Workspace, top: int) -> Callable[[str], object]:
    """Return a function that searches for a query's best photos."""
    return lambda query: workspace.searcher.search(Question(query, COLLECTION, top=top))


def measure(n: int, scratch: Path) -> None:
    """Measure a library of `n` photos, and print the figures."""
    workspace = Workspace(Settings(scratch / "library"))
    fill(workspace, n)
    queries = Statistics.load().sample(N_QUERIES, seed=1)
    for top in (PAGE, MOST):
        took = timed(asking(workspace, top), queries)
        print(
            f"{n:,} photos, the best {top} with photos and reasons: {took.median_ms:.2f} ms,"
            f" {took.core_ms:.2f} ms on the processor"
        )
    workspace.close()
    (scratch / "queries").write_text("\n".join(Statistics.load().sample(N_LINES, seed=2)) + "\n", encoding="utf-8")
    cold = sorted(
        (run(scratch / "library", "search", "a dog in the snow") for _ in range(N_COLD)), key=lambda c: c.core_s
    )
    many = run(scratch / "library", "search", "--queries", str(scratch / "queries"), "--format", "jsonl", "--top", "10")
    one = cold[N_COLD // 2]
    print(
        f"{n:,} photos, python -m photosearch search: {one.wall_s:.2f} s, {one.core_s:.2f} s on the processor;\n"
        f"{n:,} photos, --queries with --top 10: {N_LINES / (many.wall_s - one.wall_s):,.0f} queries a second,"
        f" {N_LINES / (many.core_s - one.core_s):,.0f} a second of a core"
    )


def main() -> None:
    """Measure, and print the figures."""
    print(f"searching photos with all their findings (load {os.getloadavg()[0]:.1f}):")
    for n in SIZES:
        with tempfile.TemporaryDirectory() as scratch:
            measure(n, Path(scratch))


if __name__ == "__main__":
    main()
