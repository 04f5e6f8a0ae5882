"""How long each station takes: measured in every run, the latest runs kept in the library's folder."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from photosearch.files import write_whole

log = logging.getLogger(__name__)
FILE_NAME = "speed.json"
N_KEPT = 20  # runs
READING, SAVING = "reading", "saving"


@dataclass(frozen=True)
class StationSpeed:
    """What one station did in a run; several threads may have worked for it at once, whose time is added up."""

    station: str  # one of `records.Station`, READING or SAVING
    model: str  # its name; empty where there is none
    n_photos: int
    seconds: float

    @property
    def photos_per_s(self) -> float:
        """Return photos a second."""
        return self.n_photos / self.seconds if self.seconds else 0.0


@dataclass(frozen=True)
class RunSpeed:
    """What a run took, from reading to saving."""

    ended_at: datetime  # UTC
    n_photos: int  # observed by a model
    seconds: float
    stations: tuple[StationSpeed, ...]

    @property
    def photos_per_s(self) -> float:
        """Return photos a second, all stations together."""
        return self.n_photos / self.seconds if self.seconds else 0.0


class Stopwatch:
    """Measures one run. Use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._began = time.monotonic()
        self._spent: dict[tuple[str, str], tuple[int, float]] = {}

    @contextmanager
    def measure(self, station: str, model: str, n_photos: int) -> Iterator[None]:
        """Add the time that the block takes to a station's."""
        began = time.monotonic()
        yield
        self.add(StationSpeed(station, model, n_photos, time.monotonic() - began))

    def add(self, spent: StationSpeed) -> None:
        """Add the time that a station took elsewhere."""
        key = (spent.station, spent.model)
        with self._lock:
            n, seconds = self._spent.get(key, (0, 0.0))
            self._spent[key] = (n + spent.n_photos, seconds + spent.seconds)

    def spent(self) -> tuple[StationSpeed, ...]:
        """Return what each station has taken so far."""
        with self._lock:
            return tuple(StationSpeed(*key, n, seconds) for key, (n, seconds) in self._spent.items())

    def stop(self, n_photos: int) -> RunSpeed:
        """Return the run's figures; `n_photos` were observed by models."""
        ended_at = datetime.now(UTC).replace(microsecond=0)
        return RunSpeed(ended_at, n_photos, time.monotonic() - self._began, self.spent())


def keep_speed(folder: Path, run: RunSpeed) -> None:
    """Write a run's figures; a failure goes to the log and does not affect the run's results."""
    runs = [*read_speeds(folder), run][-N_KEPT:]
    text = json.dumps([{**asdict(kept), "ended_at": kept.ended_at.isoformat()} for kept in runs], indent=1)
    try:
        with write_whole(folder / FILE_NAME) as part:
            part.write_text(text, encoding="utf-8")
    except OSError as error:
        log.warning("%s cannot be written: %s", folder / FILE_NAME, error)


def read_speeds(folder: Path) -> list[RunSpeed]:
    """Return the latest runs, oldest first; none where the file is missing or cannot be read."""
    path = folder / FILE_NAME
    try:
        return [
            RunSpeed(
                datetime.fromisoformat(run["ended_at"]),
                int(run["n_photos"]),
                float(run["seconds"]),
                tuple(StationSpeed(**station) for station in run["stations"]),
            )
            for run in json.loads(path.read_text(encoding="utf-8"))
        ]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError) as error:
        log.warning("%s is not read: %s", path, error)
        return []
