"""What all pages, routes and visitors share: one workspace, and the runs in the background."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import BinaryIO, TypeAlias

import streamlit as st

from photosearch.pipeline.adding import Added
from photosearch.pipeline.tasks import Task, TaskFile
from photosearch.pipeline.worker import BackgroundRun
from photosearch.records import Report, Watch
from photosearch.settings import read_settings
from photosearch.sources.upload import UploadSource
from photosearch.vision.registry import Choice
from photosearch.workspace import Workspace

Work: TypeAlias = Callable[[Watch], Report]


@st.cache_resource(show_spinner=False)
def workspace() -> Workspace:
    """The server's one workspace."""
    return Workspace(read_settings())


class Runs:
    """The server's background runs: one at a time, the last one remembered."""

    def __init__(self, tasks: TaskFile) -> None:
        """`tasks` keeps what a run is to do while it is at it."""
        self._tasks = tasks
        self._lock = threading.Lock()
        self._latest: BackgroundRun | None = None
        self._task: Task | None = None
        self._is_leaving = False

    @property
    def latest(self) -> BackgroundRun | None:
        """The run at work, or the one that ended last."""
        return self._latest

    @property
    def is_running(self) -> bool:
        """Whether a run is at work."""
        return self._latest is not None and self._latest.snapshot.is_running

    @property
    def can_go_on(self) -> bool:
        """Whether the run that ended last was stopped, and its task can be taken up again."""
        stopped = self._latest is not None and self._latest.snapshot.was_stopped
        return stopped and self._task is not None

    def start(self, title: str, work: Work, task: Task | None = None) -> bool:
        """Begin a run; False when another one is still at work. Its task is gone on with after a restart."""
        with self._lock:
            if self.is_running:
                return False
            self._task = task
            self._latest = BackgroundRun(title, self._kept(work, task) if task else work)
            self._latest.start()
            return True

    def go_on(self) -> bool:
        """Take up the task that was stopped; False when there is none, or another run is at work."""
        return self._task is not None and self.start(self._task.title, partial(_perform, self._task), self._task)

    def dismiss(self) -> None:
        """What came of the last run has been read."""
        with self._lock:
            if not self.is_running:
                self._latest = self._task = None

    def leave(self, patience_s: float) -> None:
        """The server ends: stop the run after the batch in hand; a later server goes on with its task."""
        self._is_leaving = True
        if self._latest is not None:
            self._latest.cancel()
            self._latest.wait(patience_s)

    def _kept(self, work: Work, task: Task) -> Work:
        def kept(watch: Watch) -> Report:
            with self._tasks.hold(task):
                try:
                    return work(watch)
                finally:
                    if self._is_leaving:
                        self._tasks.leave(task)
                    else:
                        self._tasks.forget()

        return kept


@st.cache_resource(show_spinner=False)
def runs() -> Runs:
    """The server's background runs."""
    return Runs(_tasks())


def _tasks() -> TaskFile:
    return TaskFile(workspace().library.folder)


def start_task(task: Task) -> bool:
    """Take photos in and caption them, in the background; False when another run is at work."""
    return runs().start(task.title, partial(_perform, task), task)


def start_uploading(uploads: Sequence[tuple[str, BinaryIO]], collection: str | None, choice: Choice) -> bool:
    """Keep uploaded photos and caption them, in the background; False when another run is at work."""
    held = workspace()
    task = Task("Adding what was uploaded", collection=collection or UploadSource.collection, choice=choice)

    def work(watch: Watch) -> Report:
        added = held.upload(uploads, task.collection, watch)
        return added.report + _perform(task, watch)

    return runs().start(task.title, work, task)


def _perform(task: Task, watch: Watch) -> Report:
    held = workspace()
    if task.update:
        listed = [held.update(task.collection or "", watch)]
    elif task.names:
        listed = held.add(*task.names, collection=task.collection, options=task.options, watch=watch)
    else:
        listed = [Added(task.collection or "", Report(), described=False)]
    done = Report()
    for added in listed:
        done += added.report
        if task.then == "list" or added.described or watch.is_cancelled():
            continue
        if task.then == "fetch":
            done += held.fetch(added.collection, watch)
        else:
            done += held.caption(added.collection, choice=task.choice, redo=task.redo, watch=watch)
    return done


def begin() -> None:
    """Open the library; go on with what an earlier server was at, or begin with the demo collection if wanted."""
    held = workspace()
    left = None if held.settings.demo else _tasks().left()
    if left is not None:
        start_task(left)
    elif held.needs_demo():
        runs().start("Captioning the demo photos", held.prepare_demo)


def warm() -> None:
    """Make ready for the first visitor: indexes and models."""
    held = workspace()
    for info in held.collections():
        held.index(info.name)
        held.near_duplicates(info.name)
    for model in held.models().choose(Choice()):
        model.load()
