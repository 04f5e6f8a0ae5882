"""What all pages, routes and visitors share: one workspace, and the run in the background."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import BinaryIO

import streamlit as st

from photosearch.jobs import BackgroundRun, OnProgress
from photosearch.loader import Choice
from photosearch.records import Report
from photosearch.settings import read_settings
from photosearch.sources import NO_OPTIONS, Options, Watch
from photosearch.workspace import Workspace


@st.cache_resource(show_spinner=False)
def workspace() -> Workspace:
    """The server's one workspace."""
    return Workspace(read_settings())


class Runs:
    """The server's background runs: one at a time, the last one remembered."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._latest: BackgroundRun | None = None

    @property
    def latest(self) -> BackgroundRun | None:
        """The run at work, or the one that ended last."""
        return self._latest

    @property
    def is_running(self) -> bool:
        """Whether a run is at work."""
        return self._latest is not None and self._latest.snapshot.is_running

    def start(self, title: str, work: Callable[[OnProgress, Callable[[], bool]], Report]) -> bool:
        """Begin a run; False when another one is still at work."""
        with self._lock:
            if self.is_running:
                return False
            self._latest = BackgroundRun(title, work)
            self._latest.start()
            return True


@st.cache_resource(show_spinner=False)
def runs() -> Runs:
    """The server's background runs."""
    return Runs()


def start_adding(
    names: Sequence[str], collection: str | None, options: Options = NO_OPTIONS, *, then: str = "caption"
) -> bool:
    """Add a source's photos, in the background; then "caption" or "fetch" them, or leave it at the "list".

    False when another run is at work.
    """
    held = workspace()

    def work(on_progress: OnProgress, is_cancelled: Callable[[], bool]) -> Report:
        done = Report()
        for added in held.add(*names, collection=collection, options=options, watch=Watch(on_progress, is_cancelled)):
            done += added.report
            if then != "list" and not added.described:
                go_on = held.fetch if then == "fetch" else held.caption
                done += go_on(added.collection, on_progress=on_progress, is_cancelled=is_cancelled)
        return done

    return runs().start(f"Adding {names[0]}", work)


def start_uploading(uploads: Sequence[tuple[str, BinaryIO]], collection: str | None) -> bool:
    """Keep uploaded photos and caption them, in the background; False when another run is at work."""
    held = workspace()

    def work(on_progress: OnProgress, is_cancelled: Callable[[], bool]) -> Report:
        added = held.upload(uploads, collection, Watch(on_progress, is_cancelled))
        return added.report + held.caption(added.collection, on_progress=on_progress, is_cancelled=is_cancelled)

    return runs().start("Adding what was uploaded", work)


def start_captioning(collection: str) -> bool:
    """Go on captioning a collection in the background; False when another run is at work."""
    held = workspace()

    def work(on_progress: OnProgress, is_cancelled: Callable[[], bool]) -> Report:
        return held.caption(collection, on_progress=on_progress, is_cancelled=is_cancelled)

    return runs().start(f"Captioning {collection}", work)


def begin() -> None:
    """Open the library; where the demo collection is wanted and not captioned yet, begin with that."""
    held = workspace()
    if held.needs_demo():
        runs().start("Captioning the demo photos", held.prepare_demo)


def warm() -> None:
    """Make ready for the first visitor: indexes and model."""
    held = workspace()
    for info in held.collections():
        held.index(info.name)
    for model in held.models().choose(Choice()):
        model.load()
