"""What all pages, routes and visitors share: one workspace, and the run in the background."""

from __future__ import annotations

import threading
from collections.abc import Callable

import streamlit as st

from photosearch.jobs import BackgroundRun, OnProgress
from photosearch.loader import Choice
from photosearch.records import Report
from photosearch.settings import read_settings
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


def start_adding(source: str, collection: str | None) -> bool:
    """Add a source's photos and caption them, in the background; False when another run is at work."""
    held = workspace()

    def work(on_progress: OnProgress, is_cancelled: Callable[[], bool]) -> Report:
        name, added = held.add(source, collection)
        done = held.caption(name, on_progress=on_progress, is_cancelled=is_cancelled)
        return added + done

    return runs().start(f"Adding {source}", work)


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
