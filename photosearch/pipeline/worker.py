"""Long work: one worker a library, seen by everybody, in the background where a page wants it so.

The worker holds the library's lock, which is freed when its process ends in whatever way, and keeps a row of
the `job` table true, from which other processes read how far it is.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from sqlalchemy import delete, insert, select, update

from photosearch.errors import Cancelled, LibraryError, PhotosearchError, WorkerBusy
from photosearch.library import Library
from photosearch.library.schema import job
from photosearch.records import Progress, Report, Watch

log = logging.getLogger(__name__)

PACE_S = 30.0  # the time over which photos a second are counted


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


@contextmanager
def worker(library: Library, kind: str, title: str | None = None) -> Iterator[Callable[[Progress], None]]:
    """Be the library's one worker; yields what to call with one's progress. The `title` is for people.

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
            _show(library, kind, title)
            yield beat
        finally:
            try:
                with library.writing() as connection:
                    connection.execute(delete(job))
            except LibraryError as error:  # the row tells others how far the run is; the lock alone decides who works
                log.warning("%s", error)


def _show(library: Library, kind: str, title: str | None) -> None:
    now = _now()
    values = {
        "kind": kind,
        "state": "running",
        "owner": f"{socket.gethostname()}:{os.getpid()}",
        "heartbeat": now,
        "title": title,
        "began": now,
    }
    with library.writing() as connection:
        connection.execute(delete(job))  # a dead worker's row, if any
        connection.execute(insert(job).values(**values, done=0, total=0))


def current(library: Library) -> Progress | None:
    """How far the worker at work is, None when there is none."""
    found = at_work(library)
    return found.progress if found else None


def at_work(library: Library) -> Snapshot | None:
    """The worker at work as its row tells it, in whatever process it is; None when there is none."""
    if not library.is_locked():
        return None
    with library.reading() as connection:
        row = connection.execute(select(job)).first()
    if row is None:
        return Snapshot("A run", True, Progress(0, 0))
    progress = Progress(row.done, row.total)
    took_s = (row.heartbeat - row.began).total_seconds() if row.began else 0.0  # by the worker's own clock
    rate = row.done / took_s if row.done and took_s > 0 else None
    return Snapshot(row.title or "A run", True, progress, photos_per_s=rate)


@dataclass(frozen=True)
class Snapshot:
    """A background run as it stands."""

    title: str
    is_running: bool
    progress: Progress
    report: Report | None = None  # None once it has ended: it was stopped before it had one
    error: str | None = None
    is_paused: bool = False
    photos_per_s: float | None = None  # lately; of a run that has ended: all in all
    was_stopped: bool = False

    @property
    def left_s(self) -> float | None:
        """The time that what is left will take, None where that cannot be told yet."""
        n_left = self.progress.total - self.progress.done
        return n_left / self.photos_per_s if self.photos_per_s and self.progress.total and n_left > 0 else None


class Pace:
    """How many photos a second a run does, lately and all in all; pauses left out."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._paused_at: float | None = None
        self._paused_s = 0.0
        self._marks: deque[tuple[float, int]] = deque()
        self._n_done = 0
        self._took_s = 0.0

    def _now(self) -> float:
        return (self._clock() if self._paused_at is None else self._paused_at) - self._paused_s

    def pause(self, is_paused: bool) -> None:
        """The run stands still from now on, or goes on."""
        if is_paused and self._paused_at is None:
            self._paused_at = self._clock()
        elif not is_paused and self._paused_at is not None:
            self._paused_s += self._clock() - self._paused_at
            self._paused_at = None

    def mark(self, n_done: int) -> None:
        """So many are done by now; fewer than before: something else is being counted."""
        now = self._now()
        if self._marks and n_done >= self._marks[-1][1]:
            self._n_done += n_done - self._marks[-1][1]
            self._took_s += now - self._marks[-1][0]
        else:
            self._marks.clear()
        self._marks.append((now, n_done))
        while len(self._marks) > 2 and now - self._marks[0][0] > PACE_S:
            self._marks.popleft()

    @property
    def lately(self) -> float | None:
        """Photos a second over the last half a minute, None where nothing was done yet."""
        if len(self._marks) < 2:
            return None
        (began, n_before), (now, n_done) = self._marks[0], self._marks[-1]
        return (n_done - n_before) / (now - began) if n_done > n_before and now > began else None

    @property
    def overall(self) -> float | None:
        """Photos a second all in all."""
        return self._n_done / self._took_s if self._n_done and self._took_s > 0 else None


class BackgroundRun:
    """One run in a daemon thread; its snapshot may be read from any thread."""

    def __init__(self, title: str, work: Callable[[Watch], Report]) -> None:
        """`work` reports to the watch that it is given, and stops when that says so."""
        self._work = work
        self._cancelled = threading.Event()
        self._goes_on = threading.Event()
        self._goes_on.set()
        self._pace = Pace()
        self._lock = threading.Lock()  # a snapshot is made of the one before
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
        self._goes_on.set()

    def pause(self) -> None:
        """Ask the run to stand still after the batch in hand."""
        if not self._cancelled.is_set():
            self._goes_on.clear()
            self._change(lambda now: replace(now, is_paused=True))

    def resume(self) -> None:
        """Let the run go on."""
        self._change(lambda now: replace(now, is_paused=False))
        self._goes_on.set()

    def wait(self, timeout_s: float | None = None) -> None:
        """Wait until the run has ended, or the time is over."""
        self._thread.join(timeout_s)

    def _change(self, change: Callable[[Snapshot], Snapshot]) -> None:
        with self._lock:
            if self._snapshot.is_running:
                self._snapshot = change(self._snapshot)

    def _on_progress(self, progress: Progress) -> None:
        if progress.total:  # without, what is counted takes no models
            self._pace.mark(progress.done)
        rate = self._pace.lately if progress.total else None
        self._change(lambda now: replace(now, progress=progress, photos_per_s=rate))

    def _is_cancelled(self) -> bool:
        """Whether to stop; stands still while the run is paused."""
        if not self._goes_on.is_set():
            self._pace.pause(True)
            self._goes_on.wait()
            self._pace.pause(False)
        return self._cancelled.is_set()

    def _run(self) -> None:
        report: Report | None = None
        error: str | None = None
        try:
            report = self._work(Watch(self._on_progress, self._is_cancelled))
        except Cancelled:
            self._cancelled.set()
        except PhotosearchError as failure:
            error = str(failure)
        except Exception:  # a thread's error would otherwise be seen by nobody
            log.exception("the run %r failed", self._snapshot.title)
            error = "Something went wrong that should not. The server's log says what; what was done is kept."
        ended = replace(self._snapshot, is_running=False, is_paused=False, report=report, error=error)
        stopped = error is None and self._cancelled.is_set()
        self._change(lambda _: replace(ended, photos_per_s=self._pace.overall, was_stopped=stopped))
