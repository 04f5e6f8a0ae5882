"""The one run at a time that works on a library: its lock, its progress for other processes, and the run itself.

The worker holds the library's lock, which the system frees when the process ends in whatever way. While it works it
keeps a row of the `job` table up to date, from which other processes read how far it is.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select, update

from photosearch.errors import LibraryError, WorkerBusy
from photosearch.library import Library
from photosearch.library.memory import give_memory_back, share_memory
from photosearch.library.schema import job
from photosearch.library.sweeping import sweep
from photosearch.records import Progress, Report, Watch
from photosearch.settings import Settings
from photosearch.sources.reading import Reader

if TYPE_CHECKING:
    from photosearch.pipeline.machines import Cluster
    from photosearch.vision.observer import Observer
    from photosearch.vision.registry import Model

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Snapshot:
    """How a run stands at one moment."""

    title: str  # for people
    is_running: bool
    progress: Progress
    report: Report | None = None  # None while it runs, and where it was stopped before it had one
    error: str | None = None  # the message for people, where it failed
    is_paused: bool = False
    photos_per_s: float | None = None  # over the last half a minute; once it has ended, over the whole run
    was_stopped: bool = False

    @property
    def left_s(self) -> float | None:
        """Return the time that the rest will take, None while that cannot be estimated."""
        n_left = self.progress.total - self.progress.done
        return n_left / self.photos_per_s if self.photos_per_s and self.progress.total and n_left > 0 else None


@contextmanager
def hold_worker_lock(library: Library, kind: str, title: str | None = None) -> Iterator[Callable[[Progress], None]]:
    """Hold the worker lock; yield a function that records progress.

    Args:
        library: what is worked on.
        kind: "caption" or "fetch".
        title: what other processes show to people.

    Raises:
        WorkerBusy: another run is at work on the library.
        LibraryError: the library cannot be written. The yielded function raises it, too, once the lock is lost.
    """
    with library.lock() as check:
        if check is None:
            running = read_running(library)
            so_far = f" ({running.progress.done} of {running.progress.total} photos)" if running else ""
            raise WorkerBusy(f"Another run is at work on this library{so_far}. Wait for it, or stop it, and try again.")

        def record(progress: Progress) -> None:
            check()
            with library.writing() as connection:
                connection.execute(update(job).values(heartbeat=_now(), done=progress.done, total=progress.total))

        try:
            _insert_job(library, kind, title)
            yield record
        finally:
            try:
                with library.writing() as connection:
                    connection.execute(delete(job))
            except LibraryError as error:  # the row only informs others; the lock alone decides who works
                log.warning("%s", error)


def read_running(library: Library) -> Snapshot | None:
    """Return how the run at work on the library stands, in whatever process it is; None when there is none."""
    if not library.is_locked():
        return None
    with library.reading() as connection:
        row = connection.execute(select(job)).first()
    if row is None:
        return Snapshot("A run", True, Progress(0, 0))
    took_s = (row.heartbeat - row.began).total_seconds() if row.began else 0.0  # both by the worker's own clock
    rate = row.done / took_s if row.done and took_s > 0 else None
    return Snapshot(row.title or "A run", True, Progress(row.done, row.total), photos_per_s=rate)


def analyse_pending(
    library: Library,
    settings: Settings,
    collection: str | None,
    watch: Watch,
    models: Sequence[Model] = (),
    *,
    redo: bool = False,
    cluster: Cluster | None = None,
) -> Report:
    """Read pending photos, show them to the models that have not seen them, and save what these find.

    Args:
        library: where the photos are listed and the results kept.
        settings: how photos may be fetched, and what is kept of fetched ones.
        collection: the collection's name; None: all collections.
        watch: follows the run, and may stop it.
        models: what observes the photos; none: photos are only read.
        redo: whether photos that the models have seen are shown again.
        cluster: machines that do it; None: this process.

    Raises:
        CollectionNotFound: there is no such collection.
        ModelError: a model cannot be loaded.
        WorkerBusy: another run is at work on the library.
        LibraryError: results cannot be kept; what was saved is safe.
        PhotosearchError: the cluster cannot be used.
    """
    from photosearch.pictures.decoding.pool import start_processes
    from photosearch.pipeline.analysis import analyse_photos  # with Pillow, which `read_running` does without
    from photosearch.pipeline.machines import analyse_on_machines, fetch_first

    share_memory()
    kind, doing = ("caption", "Captioning") if models else ("fetch", "Fetching")
    with hold_worker_lock(library, kind, f"{doing} {collection or 'all collections'}") as record:
        sweep(library)

        def report(progress: Progress) -> None:
            record(progress)
            watch.on_progress(progress)

        model_of = {library.model_id(model.station, model.name, model.digest): model for model in models}
        pending = library.pending(collection, list(model_of), redo=redo)
        if not models:
            pending = [photo for photo in pending if not photo.sha256]
        if not pending:
            return Report()
        report(Progress(0, len(pending)))
        recorded = Watch(report, watch.is_cancelled)
        try:
            with Reader(settings, recorded) as reader:
                if cluster is not None and models:
                    fetched, pending = fetch_first(library, settings, pending, reader, recorded)
                    return fetched + analyse_on_machines(
                        library, settings, cluster, model_of, pending, reader, recorded, redo=redo
                    )
                start_processes(len(pending))  # while the models are loaded
                return analyse_photos(
                    library,
                    reader,
                    _Loading(model_of),
                    pending,
                    redo=redo,
                    keep=settings.keep,
                    watch=recorded,
                )
        finally:
            give_memory_back()


class _Loading(Mapping[int, "Observer"]):
    """Models by their numbers in the library, loaded in a thread while the first photos are read.

    Whoever asks for one waits until all are loaded; raises `ModelError` where one cannot be.
    """

    def __init__(self, model_of: Mapping[int, Model]) -> None:
        self._numbers = tuple(model_of)
        loader = ThreadPoolExecutor(1, thread_name_prefix="loader")
        self._loaded = loader.submit(lambda: {number: model.load() for number, model in model_of.items()})
        loader.shutdown(wait=False)

    def __getitem__(self, number: int) -> Observer:
        return self._loaded.result()[number]

    def __iter__(self) -> Iterator[int]:
        return iter(self._numbers)

    def __len__(self) -> int:
        return len(self._numbers)


def _insert_job(library: Library, kind: str, title: str | None) -> None:
    now = _now()
    row = {
        "kind": kind,
        "state": "running",
        "owner": f"{socket.gethostname()}:{os.getpid()}",
        "heartbeat": now,
        "title": title,
        "began": now,
        "done": 0,
        "total": 0,
    }
    with library.writing() as connection:
        connection.execute(delete(job))  # the row of a worker that was killed
        connection.execute(insert(job).values(**row))


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
