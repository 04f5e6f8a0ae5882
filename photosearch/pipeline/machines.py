"""Captioning on the machines of a Ray cluster: starts `ray_driver`, and exchanges batches and outcomes with it.

Ray runs in a process of its own, since a cluster that goes takes its driver with it, which must not be the server. It
asks for one batch after another, so that a run that is paused or stopped hands out no more.
"""

from __future__ import annotations

import contextlib
import logging
import math
import pickle
import socket
import subprocess
import threading
import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias, cast

from photosearch.errors import PhotoError, PhotosearchError, SettingsError
from photosearch.library import Library, Pending
from photosearch.library.upkeep import locate
from photosearch.pictures.images import MAX_FILE_BYTES
from photosearch.pipeline.analysis import analyse_photos, in_batches, save_outcomes
from photosearch.pipeline.machine_worker import Job, LoadModels
from photosearch.pipeline.ray_process import is_installed, take_driver
from photosearch.pipeline.speed import Stopwatch
from photosearch.pipeline.stations import Outcome
from photosearch.records import Progress, Report, Watch
from photosearch.settings import LOCAL, MODELS_DIR, Settings
from photosearch.sources.kinds import kind_named
from photosearch.sources.reading import Reader
from photosearch.vision.registry import Model

log = logging.getLogger(__name__)
CONNECT_S, START_LOCAL_S = 60.0, 240.0  # how long a cluster may take to answer, or a local one to start
_LOOK_S = 0.5  # how often it is seen whether a run that waits for the cluster is stopped
_END_S = 20.0  # after which a driver that does not end is killed

LARGEST_BATCH = 21  # photos: two thirds of `stations.BATCH`, since what a machine that dies was observing is done again
LEAST_BATCH = 8  # smaller ones would cost the captioner more of its speed than they save at a run's end

# What the driver sends, pickled: a word and a value. The first three wait for an answer.
MORE, GO_ON, OUTCOME, CONNECTED, NOTE, FAILED, END = "more", "go on", "outcome", "connected", "note", "failed", "end"
Batch: TypeAlias = Sequence[Pending]


@dataclass(frozen=True)
class Cluster:
    """The machines to use, and how their workers load the models."""

    address: str  # as `Settings.ray`
    load: LoadModels


def analyse_on_machines(
    library: Library,
    settings: Settings,
    cluster: Cluster,
    models: dict[int, Model],
    photos: Sequence[Pending],
    reader: Reader,
    watch: Watch,
    *,
    redo: bool = False,
) -> Report:
    """Have the machines of a cluster read and observe photos, and save what comes of them, as `analyse_photos` does.

    Args:
        library: where results are kept.
        settings: of the run; the workers get them, too.
        cluster: the machines.
        models: by their numbers in the library.
        photos: the photos to analyse.
        reader: reads photos that a machine cannot read here, to tell which of the two is at fault.
        watch: receives the progress after each saved batch, and says then whether to stop.
        redo: observe pictures again that the models have observed before.

    Returns:
        How many photos were captioned or reused, which failed and why; notes of machines that could not take part.

    Raises:
        SettingsError: Ray is not installed.
        LibraryError: results cannot be kept. All batches before this one are safe.
        PhotosearchError: the cluster does not answer, or no machine of it can go on.
    """
    if not is_installed():
        raise SettingsError("Many machines need Ray, which is not installed: pip install -r requirements-ray.txt")
    library.files.mark_owner()
    job = Job(
        settings,
        cluster.load,
        {(model.station.value, model.digest): number for number, model in models.items()},
        library.known.token(),
        socket.gethostname(),
        redo,
        settings.models_dir != MODELS_DIR,
    )
    stopped = threading.Event()
    driver = _Driver(cluster.address, job, reader, watch)
    outcomes = driver.outcomes(photos, stopped)
    noting = Watch(lambda progress: watch.on_progress(driver.noted(progress)), watch.is_cancelled)
    with contextlib.closing(outcomes):
        report = save_outcomes(library, outcomes, len(photos), Stopwatch(), stopped, watch=noting)
    return replace(report, notes=(*report.notes, *dict.fromkeys(driver.notes)))


def fetch_first(
    library: Library, settings: Settings, photos: Sequence[Pending], reader: Reader, watch: Watch
) -> tuple[Report, list[Pending]]:
    """Fetch the photos that only this machine may read, so that the others have their kept copies.

    Returns:
        Which photos could not be fetched, and all photos that the machines can read now.
    """
    here = {photo.id for photo in photos if _is_read_here(photo)}
    if not here:
        return Report(), list(photos)
    lacking = [photo for photo in photos if photo.id in here and not photo.kept_path]
    report = analyse_photos(library, reader, {}, lacking, keep=settings.keep, watch=watch)
    able: list[Pending] = []
    for batch in in_batches(photos):
        now = locate(library, [photo.id for photo in batch if photo.id in here])
        for photo in batch:
            if photo.id not in here:
                able.append(photo)
            elif photo.id in now and now[photo.id].kept_path:  # with an etag it would be asked for at its source again
                able.append(replace(now[photo.id], etag=None, is_captioned=photo.is_captioned))
    return Report(failures=report.failures), able


def _is_read_here(photo: Pending) -> bool:
    with contextlib.suppress(PhotoError):  # of an unknown kind, which reading tells
        return kind_named(photo.source).is_read_here
    return False


class Left:
    """The photos of a run that no machine was given yet."""

    def __init__(self, photos: Sequence[Pending]) -> None:
        self._photos = photos
        self._n_taken = 0

    def take(self, n_at_once: int) -> Sequence[Pending] | None:
        """Take a batch; None where no photo is left.

        Towards the end batches get smaller, so that no core has nothing to do while others work on the last ones.

        Args:
            n_at_once: batches that all machines together observe at once.
        """
        fair = math.ceil((len(self._photos) - self._n_taken) / (2 * n_at_once))
        first = self._n_taken
        self._n_taken = min(len(self._photos), first + min(LARGEST_BATCH, max(LEAST_BATCH, fair)))
        return self._photos[first : self._n_taken] or None


class _Driver:
    """The process that drives the cluster, as this one sees it."""

    def __init__(self, address: str, job: Job, reader: Reader, watch: Watch) -> None:
        self._address = address
        self._job = job
        self._reader = reader
        self._watch = watch
        self._connected = threading.Event()
        self.notes: list[str] = []

    def noted(self, progress: Progress) -> Progress:
        """Return the progress with the latest note of a machine, which a long run would show at its end only."""
        return replace(progress, note=self.notes[-1]) if self.notes else progress

    def outcomes(self, photos: Sequence[Pending], stopped: threading.Event) -> Generator[Outcome]:
        """Yield what came of batches, in any order; once `stopped` is set, only those that are under way.

        Raises:
            PhotosearchError: the cluster does not answer, or no machine of it can go on.
        """
        left = Left(photos)
        with self._process() as (requests, answers):
            _send(answers, (self._address, self._job))
            while True:
                word, value = self._receive(requests)
                if word == CONNECTED:
                    self._connected.set()
                elif word == MORE:
                    _send(answers, None if stopped.is_set() else left.take(value))
                elif word == GO_ON:
                    if self._watch.is_cancelled():
                        stopped.set()
                    _send(answers, not stopped.is_set())
                elif word == OUTCOME:
                    outcome = pickle.loads(value)  # noqa: S301 - written by our own program
                    fault = self._fault(outcome)
                    _send(answers, fault)
                    if fault is None:
                        yield outcome
                elif word == NOTE:
                    log.info("%s", value)
                    self.notes.append(value)
                elif word == FAILED:
                    raise PhotosearchError(value)
                elif word == END:
                    return

    def _fault(self, outcome: Outcome) -> str | None:
        """Return why a machine cannot take part, if photos cannot be read there that can be read here."""
        for photo in outcome.photos:
            with contextlib.suppress(PhotoError):  # of a photo that is lacking here, too
                if photo.id in outcome.missing and not kind_named(photo.source).is_fetched:
                    self._reader.read(photo, MAX_FILE_BYTES)
                    place = Path(photo.address or photo.source_key).parent
                    return (
                        f'it lacks photos that {self._job.host} has, in "{place}". Mount them there at the same path.'
                    )
        return None

    @contextlib.contextmanager
    def _process(self) -> Iterator[tuple[BinaryIO, BinaryIO]]:
        """Run the program while the block lasts; yield its requests, and what takes the answers.

        The block is left where the run is stopped before the program has connected.

        Raises:
            PhotosearchError: the program has ended, or its time to connect was over.
        """
        process = take_driver(self._address)
        answers, requests = cast("BinaryIO", process.stdin), cast("BinaryIO", process.stdout)
        wait_s = START_LOCAL_S if self._address == LOCAL else CONNECT_S
        given_up: list[str] = []  # "late" or "stopped"

        def watch_connecting() -> None:
            ends = time.monotonic() + wait_s
            while not self._connected.wait(_LOOK_S):
                is_late = time.monotonic() > ends
                is_over = is_late or self._watch.is_cancelled()  # which waits while the run is paused
                if is_over and not self._connected.is_set():
                    given_up.append("late" if is_late else "stopped")
                    process.kill()
                    return

        threading.Thread(target=watch_connecting, daemon=True).start()
        try:
            yield requests, answers
        except (OSError, EOFError, pickle.UnpicklingError) as error:
            if "stopped" not in given_up:
                fact = f"does not answer within {wait_s:.0f} s" if given_up else "is out of reach"
                raise PhotosearchError(
                    f"Ray at {self._address} {fact}. See whether the cluster runs (ray status), and start again;"
                    " what was saved is safe."
                ) from error
        finally:
            self._connected.set()
            with contextlib.suppress(OSError):
                answers.close()  # by which the driver knows that it is to end
            requests.close()
            try:
                process.wait(_END_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    @staticmethod
    def _receive(requests: BinaryIO) -> tuple[str, Any]:
        word, value = pickle.load(requests)  # noqa: S301 - written by our own program
        return word, value


def _send(stream: BinaryIO, message: object) -> None:
    pickle.dump(message, stream)
    stream.flush()
