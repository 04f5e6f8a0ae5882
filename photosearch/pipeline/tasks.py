"""Tasks of background runs, kept on disk while they run, so that a later server can go on with them."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import filelock

from photosearch.errors import LibraryError, WorkerBusy
from photosearch.files import advice_on, write_whole
from photosearch.sources import NO_OPTIONS, Options
from photosearch.sources.options import options_json, parse_options
from photosearch.vision.registry import DETECTOR, NO_DETECTOR, ModelChoice

log = logging.getLogger(__name__)
FILE_NAME = "run.json"
LOCK_NAME = "run.lock"
MOST_STARTS = 3  # a task that crashes its server each time is given up
_PATIENCE_S = 0.5
_ALL_MODELS = ModelChoice()


@dataclass(frozen=True)
class Task:
    """Photos to add, and what to do with them after that."""

    title: str  # for people
    names: tuple[str, ...] = ()  # of the source to list first; none: the collection is there already
    collection: str | None = None  # None: the source's own name
    options: Options = NO_OPTIONS
    update: bool = False  # list the collection's own sources anew
    then: str = "caption"  # "caption" or "fetch" what was listed, or leave it at the "list"
    choice: ModelChoice = _ALL_MODELS
    redo: bool = False
    n_starts: int = 1

    def next_step(self, *, is_described: bool) -> str:
        """Return what follows the listing: "caption", "fetch", or "list" where nothing follows.

        Photos that came with captions can be found already, and are captioned only when that is asked for by itself.
        """
        return "list" if self.then == "caption" and is_described else self.then


class TaskFile:
    """The file, in the library's folder, that holds the task which a server works on; it outlives the server."""

    def __init__(self, folder: Path) -> None:
        """`folder` is the library's."""
        self._path = folder / FILE_NAME
        self._lock_path = folder / LOCK_NAME

    @contextmanager
    def hold(self, task: Task) -> Iterator[None]:
        """Keep the task while the block runs and afterwards, until it is forgotten.

        Raises:
            WorkerBusy: another server is at a task in this library.
            LibraryError: the library's folder cannot be written.
        """
        with self._locked() as is_ours:
            if not is_ours:
                raise WorkerBusy("Another server is at work on this library. Wait for it, or stop it, and try again.")
            self._write(task)
            yield

    def forget(self) -> None:
        """Delete the task: it has ended, and nothing is left to go on with."""
        self._path.unlink(missing_ok=True)

    def leave(self, task: Task) -> None:
        """Keep the task for a later server, because this one shuts down in good order; this start does not count."""
        self._write(replace(task, n_starts=0))

    def left(self) -> Task | None:
        """Return the task of a server that has ended; None where there is none, or it was started too often."""
        if not self._path.exists():
            return None
        with self._locked() as is_ours:
            if not is_ours:
                return None
            task = self._read()
            if task is not None and task.n_starts < MOST_STARTS:
                return replace(task, n_starts=task.n_starts + 1)
            self.forget()
            return None

    @contextmanager
    def _locked(self) -> Iterator[bool]:
        lock = filelock.FileLock(self._lock_path, timeout=_PATIENCE_S)
        try:
            lock.acquire()
        except filelock.Timeout:
            pass
        except OSError as error:
            raise LibraryError(
                f'Library "{self._path.parent}" cannot be written: {error.strerror}. Check its access rights.'
            ) from error
        try:
            yield lock.is_locked
        finally:
            lock.release()

    def _write(self, task: Task) -> None:
        options = json.loads(options_json(task.options))
        try:
            with write_whole(self._path) as part:
                part.write_text(json.dumps({**asdict(task), "options": options}, ensure_ascii=False), encoding="utf-8")
        except OSError as error:
            raise LibraryError(
                f'Library "{self._path.parent}" cannot be written: {error.strerror}. {advice_on(error)} and try again.'
            ) from error

    def _read(self) -> Task | None:
        try:
            values = json.loads(self._path.read_text(encoding="utf-8"))
            options = parse_options(json.dumps(values.pop("options")))
            return Task(
                **{**values, "names": tuple(values["names"]), "choice": _read_choice(values["choice"])},
                options=options,
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            # Nothing is lost: the photos still to do are in the library.
            log.warning("%s is not read: %s", self._path, error)
            return None


def _read_choice(values: dict[str, Any]) -> ModelChoice:
    """Read a choice of models; before there was a choice of detectors, it said whether there was to be one."""
    if "objects" in values:
        values["detector"] = DETECTOR if values.pop("objects") else NO_DETECTOR
    return ModelChoice(**values)
