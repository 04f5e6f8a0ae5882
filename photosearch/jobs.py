"""Long work: one worker a library, seen by everybody, in the background where a page wants it so.

The worker holds the library's lock, which is freed when its process ends in whatever way, and keeps a row of
the `job` table true, from which other processes read how far it is.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import delete, insert, select, update

from photosearch.errors import Cancelled, LibraryError, PhotosearchError, WorkerBusy
from photosearch.library import Library
from photosearch.library.schema import job
from photosearch.records import Progress, Report

log = logging.getLogger(__name__)

OnProgress = Callable[[Progress], None]


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


@contextmanager
def worker(library: Library, kind: str) -> Iterator[OnProgress]:
    """Be the library's one worker; yields what to call with one's progress.

    Raises:
        WorkerBusy: another run is at work on the library.
        LibraryError: the library cannot be written; also from what is yielded, once the lock is lost.
    """
    with library.lock() as check:
        if check is None:
            now = current(library)
            at = f" ({now.done} of {now.total} photos)" if now else ""
            raise WorkerBusy(f"Another run is at work on this library{at}. Wait for it, or stop it, and try again.")

        def beat(progress: Progress) -> None:
            check()
            with library.writing() as connection:
                connection.execute(update(job).values(heartbeat=_now(), done=progress.done, total=progress.total))

        try:
            _show(library, kind)
            yield beat
        finally:
            try:
                with library.writing() as connection:
                    connection.execute(delete(job))
            except LibraryError as error:  # the row tells others how far the run is; the lock alone decides who works
                log.warning("%s", error)


def _show(library: Library, kind: str) -> None:
    values = {
        "kind": kind,
        "state": "running",
        "owner": f"{socket.gethostname()}:{os.getpid()}",
        "heartbeat": _now(),
    }
    with library.writing() as connection:
        connection.execute(delete(job))  # a dead worker's row, if any
        connection.execute(insert(job).values(**values, done=0, total=0))


def current(library: Library) -> Progress | None:
    """How far the worker at work is, None when there is none."""
    if not library.is_locked():
        return None
    with library.reading() as connection:
        row = connection.execute(select(job.c.done, job.c.total)).first()
    return Progress(row.done, row.total) if row else Progress(0, 0)


@dataclass(frozen=True)
class Snapshot:
    """A background run as it stands."""

    title: str
    is_running: bool
    progress: Progress
    report: Report | None = None  # None once it has ended: it was stopped before it had one
    error: str | None = None


class BackgroundRun:
    """One run in a daemon thread; its snapshot may be read from any thread."""

    def __init__(self, title: str, work: Callable[[OnProgress, Callable[[], bool]], Report]) -> None:
        """`work` is called with what to report progress to, and a function that says whether to stop."""
        self._work = work
        self._cancelled = threading.Event()
        self._snapshot = Snapshot(title, True, Progress(0, 0))
        self._thread = threading.Thread(target=self._run, name=f"run: {title}", daemon=True)

    @property
    def snapshot(self) -> Snapshot:
        """Where the run stands."""
        return self._snapshot

    def start(self) -> None:
        """Begin; called once."""
        self._thread.start()

    def cancel(self) -> None:
        """Ask the run to stop after the batch in hand; what is done is kept."""
        self._cancelled.set()

    def wait(self, timeout_s: float | None = None) -> None:
        """Wait until the run has ended, or the time is over."""
        self._thread.join(timeout_s)

    def _on_progress(self, progress: Progress) -> None:
        self._snapshot = Snapshot(self._snapshot.title, True, progress)

    def _run(self) -> None:
        title = self._snapshot.title
        try:
            report = self._work(self._on_progress, self._cancelled.is_set)
            self._snapshot = Snapshot(title, False, self._snapshot.progress, report=report)
        except Cancelled:
            self._snapshot = Snapshot(title, False, self._snapshot.progress)
        except PhotosearchError as error:
            self._snapshot = Snapshot(title, False, self._snapshot.progress, error=str(error))
        except Exception:  # a thread's error would otherwise be seen by nobody
            log.exception("the run %r failed", title)
            message = "Something went wrong that should not. The server's log says what; what was done is kept."
            self._snapshot = Snapshot(title, False, self._snapshot.progress, error=message)
