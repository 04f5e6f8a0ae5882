"""What workers load in the tests: a station that names colours and writes down what it saw, and faults of machines."""

from __future__ import annotations

import errno
import os
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import ray

from photosearch.library import file_stores
from photosearch.pipeline import machine_worker
from photosearch.records import Findings
from photosearch.settings import Settings
from photosearch.sources import disk
from photosearch.vision.observer import Batch
from photosearch.vision.registry import Model
from tests.conftest import ColourStation


class RecordingStation(ColourStation):
    """Writes a line for each picture once the whole batch is observed: its process and its SHA-256."""

    def __init__(self, log: Path, pause_s: float) -> None:
        super().__init__()
        self._log = log
        self._pause_s = pause_s

    def observe(self, batch: Batch) -> list[Findings]:
        time.sleep(self._pause_s)
        found = super().observe(batch)
        with self._log.open("a") as file:
            file.write("".join(f"{os.getpid()} {picture.sha256}\n" for picture in batch.pictures))
        return found


class DyingStation(ColourStation):
    def observe(self, batch: Batch) -> list[Findings]:
        os._exit(1)


@dataclass(frozen=True)
class Load:
    """Loads the station on every machine, and makes one of them lack something."""

    log: Path
    pause_s: float = 0.05
    fault: str = ""
    node_id: str = ""  # of the machine with the fault; empty: all
    go_on: Path | None = None  # a file for which loading waits

    def __call__(self, _settings: Settings) -> Sequence[Model]:
        while self.go_on is not None and not self.go_on.exists():
            time.sleep(0.1)
        station: ColourStation = RecordingStation(self.log, self.pause_s)
        digest = station.digest
        if self.fault and self.node_id in ("", ray.get_runtime_context().get_node_id()):
            if self.fault == "photos":
                disk.open_regular = _is_not_there
            elif self.fault == "disk":
                file_stores.write_whole = _is_full
            elif self.fault == "models":
                digest = "d" * 64
            elif self.fault == "clock":
                machine_worker.time = _Clock(-7200.0)
            elif self.fault == "clock a little":
                machine_worker.time = _Clock(300.0)
            elif self.fault == "death":
                station = DyingStation()
        return [Model(station.station, station.name, digest, lambda: station)]

    def seen(self) -> Counter[str]:
        """How often each picture was observed."""
        return Counter(line.split()[1] for line in self._lines())

    def pids(self) -> set[int]:
        """The processes that observed."""
        return {int(line.split()[0]) for line in self._lines()}

    def latest_pid(self) -> int:
        return int(self._lines()[-1].split()[0])

    def n_seen(self) -> int:
        return len(self._lines())

    def _lines(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []


class _Clock:
    def __init__(self, off_s: float) -> None:
        self._off_s = off_s

    def time(self) -> float:
        return time.time() + self._off_s


def _is_not_there(path: Path) -> None:
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))


def _is_full(path: Path, **_: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
