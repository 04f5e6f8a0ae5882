"""Captioning by a Ray cluster of two machines of one core each, beside the same two cores without Ray.

`python -m benchmarks.machines` prints it for this machine: both ways in turns, so that what else the machine does meets
both, by the clock and by the processor's time of all processes, Ray's own included. The nodes run here, on loopback,
each with one worker. Then workers are killed at random moments of one more run, and it prints what was lost or done
again. `--folder` takes photos of one's own.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.captioning import make_photos
from benchmarks.process import ProcessorTime
from photosearch.pipeline.machine_worker import load_chosen
from photosearch.pipeline.machines import LARGEST_BATCH, Cluster
from photosearch.pipeline.worker import analyse_pending
from photosearch.records import UNWATCHED, Findings, Station
from photosearch.settings import Settings
from photosearch.vision.observer import Batch, Observer
from photosearch.vision.registry import Model, ModelChoice
from photosearch.workspace import Workspace

N_PHOTOS, N_TURNS, N_KILLS, N_CORES = 1000, 3, 3, 2
TARGET = 0.85  # of the speed without Ray
MOST_AGAIN = 64  # photos: two batches of the machine that runs the command
A_BATCH_S = 3.0  # what a worker takes for a batch, or longer


@contextmanager
def cluster() -> Iterator[str]:
    """Run a head without cores and two nodes of one core each while the block lasts; yield the address."""
    os.environ |= {
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # loopback stays loopback
        "RAY_AUTH_MODE": "disabled",
        "RAY_worker_niceness": "0",  # as without Ray: otherwise what else the machine does would come first
    }
    from ray.cluster_utils import Cluster as RayCluster

    node = {"object_store_memory": 200_000_000, "node_ip_address": "127.0.0.1", "include_dashboard": False}
    nodes = RayCluster(initialize_head=True, head_node_args={**node, "num_cpus": 0})
    for _ in range(N_CORES):
        nodes.add_node(wait=False, num_cpus=1, **node)
    try:
        yield str(nodes.address)
    finally:
        nodes.shutdown()


@dataclass(frozen=True)
class Spent:
    """What captioning took, in seconds."""

    clock_s: float
    core_s: float  # of the processor


def add(library: Path, photos: Path) -> list[str]:
    """List photos in a new library; return the beginning of further commands."""
    program = [sys.executable, "-m", "photosearch", "-q", "--library", str(library)]
    subprocess.run([*program, "add", str(photos), "--collection", "c", "--no-caption"], check=True)
    return program


def caption(library: Path, photos: Path, *options: str) -> Spent:
    """Caption listed photos by a process of its own; return what that took, also of a cluster that runs below this."""
    program = add(library, photos)
    started = time.perf_counter()
    with ProcessorTime(os.getpid()) as spent:
        subprocess.run([*program, "caption", *options], check=True)
        took_s = time.perf_counter() - started
    return Spent(took_s, spent.seconds)


@dataclass(frozen=True)
class Recorded:
    """Loads the chosen models, and notes each picture that the captioner has seen, once its batch is done."""

    log: Path

    def __call__(self, settings: Settings) -> Sequence[Model]:
        """Return the models."""
        models = load_chosen(ModelChoice(), settings)
        return [self._recorded(model) if model.station is Station.CAPTIONER else model for model in models]

    def _recorded(self, model: Model) -> Model:
        return Model(model.station, model.name, model.digest, lambda: _Recording(model.load(), self.log))

    def seen(self) -> Counter[str]:
        """Return how often each picture was seen, by its SHA-256."""
        return Counter(line.split()[1] for line in self.lines())

    def lines(self) -> list[str]:
        """Return process and picture of each time that one was seen."""
        return self.log.read_text(encoding="ascii").splitlines() if self.log.exists() else []


class _Recording:
    """An observer that notes what it has seen."""

    def __init__(self, observer: Observer, log: Path) -> None:
        self.station, self.name, self.digest = observer.station, observer.name, observer.digest
        self._observer = observer
        self._log = log

    def observe(self, batch: Batch) -> list[Findings]:
        """Observe, then note each picture."""
        findings = self._observer.observe(batch)
        with self._log.open("a", encoding="ascii") as file:
            file.write("".join(f"{os.getpid()} {picture.sha256}\n" for picture in batch.pictures))
        return findings


def with_kills(library: Path, photos: Path, address: str, n_kills: int, n_photos: int) -> None:
    """Caption while workers are killed at random moments; print what was lost or done again."""
    add(library, photos)
    workspace, recorded = Workspace(Settings(library)), Recorded(library / "seen")
    choose = random.Random(time.time_ns())
    marks = sorted(choose.uniform(0.1, 0.9) * n_photos for _ in range(n_kills))
    ended = threading.Event()
    killed: list[int] = []

    def at_work() -> list[int]:
        return sorted({int(line.split()[0]) for line in recorded.lines()[-N_CORES * LARGEST_BATCH :]} - set(killed))

    def kill() -> None:
        for mark in marks:
            while len(recorded.lines()) < mark and not ended.wait(0.05):
                continue
            ended.wait(choose.uniform(0, A_BATCH_S))  # otherwise each would hit a batch that has just been described
            while not at_work() and not ended.wait(0.05):
                continue
            if ended.is_set():
                return
            killed.append(choose.choice(at_work()))
            os.kill(killed[-1], signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    models = workspace.models.choose(ModelChoice())
    try:
        report = analyse_pending(
            workspace.library, workspace.settings, "c", UNWATCHED, models, cluster=Cluster(address, recorded)
        )
    finally:
        ended.set()
        killer.join()
    (info,) = workspace.library.collections()
    n_again = recorded.seen().total() - len(recorded.seen())
    print(
        f"{len(killed)} workers killed in {n_photos:,} photos: {info.n_photos - info.n_ready} lost,"
        f" {len(report.failures)} failed; {n_again} observed again (wanted: at most {MOST_AGAIN})"
    )
    workspace.close()


@dataclass(frozen=True)
class Shared:
    """What two machines of one core each take, and what the same cores take without Ray, turn by turn."""

    n_photos: int
    without: list[Spent]
    by_ray: list[Spent]
    load: float

    @property
    def share(self) -> float:
        """Return the speed by Ray as a share of the speed without: the median of the turns."""
        return median(a.clock_s / b.clock_s for a, b in self._turns())

    @property
    def core_share(self) -> float:
        """Return the same by the processor's time."""
        return median(a.core_s / b.core_s for a, b in self._turns())

    def core_s(self) -> tuple[float, float]:
        """Return the processor's time without Ray and by Ray in seconds, the medians of the turns."""
        return median(one.core_s for one in self.without), median(one.core_s for one in self.by_ray)

    def _turns(self) -> Iterator[tuple[Spent, Spent]]:
        return zip(self.without, self.by_ray, strict=True)


def measure_share(scratch: Path, photos: Path, address: str, n_photos: int, n_turns: int) -> Shared:
    """Caption both ways in turns, and print each turn."""
    without, by_ray = [], []
    for turn in range(n_turns):
        without.append(caption(scratch / f"without-{turn}", photos))
        by_ray.append(caption(scratch / f"ray-{turn}", photos, "--ray", address))
        a, b = without[-1], by_ray[-1]
        print(
            f"turn {turn + 1}: {n_photos / a.clock_s:.1f} photos/s without Ray, {n_photos / b.clock_s:.1f} by Ray:"
            f" {a.clock_s / b.clock_s:.2f}; {a.core_s:.1f} and {b.core_s:.1f} s of the processor:"
            f" {a.core_s / b.core_s:.2f}; load {os.getloadavg()[0]:.1f}",
            flush=True,
        )
    return Shared(n_photos, without, by_ray, os.getloadavg()[0])


def measure(n_photos: int, n_turns: int, n_kills: int = 0, folder: Path | None = None) -> Shared:
    """Measure the speed both ways, and what kills cost; print them."""
    with tempfile.TemporaryDirectory() as scratch, cluster() as address:
        photos = folder or Path(scratch) / "photos"
        if folder is None:
            photos.mkdir()
            make_photos(photos, n_photos)
        found = measure_share(Path(scratch), photos, address, n_photos, n_turns)
        print(
            f"{n_photos:,} photos, from start to end of the command: a share of {found.share:.2f} (wanted: {TARGET}),"
            f" by the processor's time {found.core_share:.2f}"
        )
        if n_kills:
            with_kills(Path(scratch) / "kills", photos, address, n_kills, n_photos)
    return found


def main() -> None:
    """Read the command line, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=N_PHOTOS, help="how many")
    parser.add_argument("--turns", type=int, default=N_TURNS, help="how often both ways are measured")
    parser.add_argument("--kills", type=int, default=N_KILLS, help="how many workers are killed")
    parser.add_argument("--folder", type=Path, help="a folder of so many photos, in place of the demo's")
    asked = parser.parse_args()
    measure(asked.photos, asked.turns, asked.kills, asked.folder)


if __name__ == "__main__":
    from benchmarks import machines  # by this name Ray's processes find what is sent to them

    machines.main()
