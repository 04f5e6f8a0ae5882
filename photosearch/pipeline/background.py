"""Runs in background threads: one at a time, with pause, stop and a snapshot that any thread may read."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TypeAlias

from photosearch.errors import Cancelled, PhotosearchError
from photosearch.pipeline.tasks import Task, TaskFile
from photosearch.pipeline.worker import Snapshot
from photosearch.records import Progress, Report, Watch

log = logging.getLogger(__name__)

RECENT_S = 30.0  # the time over which the present throughput is measured
Work: TypeAlias = Callable[[Watch], Report]  # reports to its watch, and stops when that says so


class Throughput:
    """Photos a second of a run, recently and overall; pauses are left out."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._paused_at: float | None = None
        self._paused_s = 0.0
        self._marks: deque[tuple[float, int]] = deque()  # when so many photos were done
        self._n_done = 0
        self._took_s = 0.0

    def _now(self) -> float:
        return (self._clock() if self._paused_at is None else self._paused_at) - self._paused_s

    def pause(self) -> None:
        """Stop the clock."""
        if self._paused_at is None:
            self._paused_at = self._clock()

    def resume(self) -> None:
        """Let the clock go on."""
        if self._paused_at is not None:
            self._paused_s += self._clock() - self._paused_at
            self._paused_at = None

    def mark(self, n_done: int) -> None:
        """Note that `n_done` photos are done by now; fewer than before means that another count begins."""
        now = self._now()
        if self._marks and n_done >= self._marks[-1][1]:
            self._n_done += n_done - self._marks[-1][1]
            self._took_s += now - self._marks[-1][0]
        else:
            self._marks.clear()
        self._marks.append((now, n_done))
        while len(self._marks) > 2 and now - self._marks[0][0] > RECENT_S:
            self._marks.popleft()

    @property
    def recent(self) -> float | None:
        """Return photos a second over the last half a minute, None where none was done."""
        if len(self._marks) < 2:
            return None
        (began, n_before), (now, n_done) = self._marks[0], self._marks[-1]
        return (n_done - n_before) / (now - began) if n_done > n_before and now > began else None

    @property
    def overall(self) -> float | None:
        """Return photos a second over the whole run, None where none was done."""
        return self._n_done / self._took_s if self._n_done and self._took_s > 0 else None


class BackgroundRun:
    """One run in a daemon thread; its snapshot may be read from any thread."""

    def __init__(self, title: str, work: Work) -> None:
        self._work = work
        self._cancelled = threading.Event()
        self._goes_on = threading.Event()
        self._goes_on.set()
        self._throughput = Throughput()
        self._lock = threading.Lock()  # each snapshot is made from the one before
        self._snapshot = Snapshot(title, True, Progress(0, 0))
        self._thread = threading.Thread(target=self._run, name=f"run: {title}", daemon=True)

    @property
    def snapshot(self) -> Snapshot:
        """Return how the run stands."""
        return self._snapshot

    def start(self) -> None:
        """Start the run; called once."""
        self._thread.start()

    def cancel(self) -> None:
        """Ask the run to stop after the current batch; what is done is kept."""
        self._cancelled.set()
        self._goes_on.set()

    def pause(self) -> None:
        """Ask the run to pause after the current batch."""
        if not self._cancelled.is_set():
            self._goes_on.clear()
            self._change(lambda snapshot: replace(snapshot, is_paused=True))

    def resume(self) -> None:
        """Let a paused run go on."""
        self._change(lambda snapshot: replace(snapshot, is_paused=False))
        self._goes_on.set()

    def wait(self, timeout_s: float | None = None) -> None:
        """Wait until the run has ended, or the time is over."""
        self._thread.join(timeout_s)

    def _change(self, change: Callable[[Snapshot], Snapshot]) -> None:
        with self._lock:
            if self._snapshot.is_running:
                self._snapshot = change(self._snapshot)

    def _on_progress(self, progress: Progress) -> None:
        if progress.total:  # without a total, listings are counted, whose speed says nothing of the models'
            self._throughput.mark(progress.done)
        rate = self._throughput.recent if progress.total else None
        self._change(lambda snapshot: replace(snapshot, progress=progress, photos_per_s=rate))

    def _is_cancelled(self) -> bool:
        """Return whether to stop; wait here while the run is paused."""
        if not self._goes_on.is_set():
            self._throughput.pause()
            self._goes_on.wait()
            self._throughput.resume()
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
        except Exception:  # nobody else would see an error of this thread
            log.exception("the run %r failed", self._snapshot.title)
            error = "Something went wrong that should not. The server's log says what; what was done is kept."
        ended = replace(self._snapshot, is_running=False, is_paused=False, report=report, error=error)
        stopped = error is None and self._cancelled.is_set()
        self._change(lambda _: replace(ended, photos_per_s=self._throughput.overall, was_stopped=stopped))


class Runs:
    """The background runs of a server: one at a time; the latest is remembered after its end."""

    def __init__(self, tasks: TaskFile, perform: Callable[[Task, Watch], Report]) -> None:
        """`perform` does a task; `tasks` keeps the task of a run on disk until the run has ended."""
        self._tasks = tasks
        self.perform = perform
        self._lock = threading.Lock()
        self._latest: BackgroundRun | None = None
        self._task: Task | None = None
        self._is_leaving = False

    @property
    def latest(self) -> BackgroundRun | None:
        """Return the run at work, or the one that ended last."""
        return self._latest

    @property
    def is_running(self) -> bool:
        """Return whether a run is at work."""
        return self._latest is not None and self._latest.snapshot.is_running

    @property
    def can_go_on(self) -> bool:
        """Return whether the latest run was stopped, and its task can be resumed."""
        stopped = self._latest is not None and self._latest.snapshot.was_stopped
        return stopped and self._task is not None

    def start(self, title: str, work: Work, task: Task | None = None) -> bool:
        """Start a run, unless one is at work; return whether it was started.

        Args:
            title: for people.
            work: what to do.
            task: how a later server goes on with the work if this one ends before it is done; None: it does not.
        """
        with self._lock:
            if self.is_running:
                return False
            self._task = task
            self._latest = BackgroundRun(title, self._keeping(task, work) if task else work)
            self._latest.start()
            return True

    def start_task(self, task: Task) -> bool:
        """Start a run that performs a task, unless one is at work; return whether it was started."""
        return self.start(task.title, partial(self.perform, task), task)

    def go_on(self) -> bool:
        """Resume the task that was stopped; return whether a run was started."""
        return self._task is not None and self.start_task(self._task)

    def go_on_after_restart(self) -> bool:
        """Resume the task that an earlier server did not finish; return whether there was one."""
        task = self._tasks.left()
        return task is not None and self.start_task(task)

    def dismiss(self) -> None:
        """Forget the run that has ended."""
        with self._lock:
            if not self.is_running:
                self._latest = self._task = None

    def leave(self, patience_s: float) -> None:
        """Stop the run after the current batch, since the server ends; a later server goes on with its task."""
        self._is_leaving = True
        if self._latest is not None:
            self._latest.cancel()
            self._latest.wait(patience_s)

    def _keeping(self, task: Task, work: Work) -> Work:
        """Return work that keeps its task on disk until it has ended."""

        def keeping(watch: Watch) -> Report:
            with self._tasks.hold(task):
                try:
                    return work(watch)
                finally:
                    if self._is_leaving:
                        self._tasks.leave(task)
                    else:
                        self._tasks.forget()

        return keeping
