"""A process that is killed while it changes a library, and what must hold for the library afterwards."""

from __future__ import annotations

import io
import json
import multiprocessing
import random
import signal
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from sqlalchemy import select

from photosearch.evaluation.checking import find_problems
from photosearch.export.exporter import ExportKind
from photosearch.library import Library
from photosearch.library import schema as t
from photosearch.library.corrections import read_corrections
from photosearch.library.files import UPLOAD
from photosearch.records import UNWATCHED
from photosearch.settings import Settings
from photosearch.sources.upload import UploadSource
from photosearch.workspace import Workspace
from tests.conftest import ColourStation, analyse, jpeg

N_COLLECTIONS = 200  # to be removed
PATIENCE_S = 300.0  # on a busy machine
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["tests.killed", "photosearch.pipeline.analysis", "photosearch.export.exporter"])


def prepare(settings: Settings, photos: Path, operation: str) -> None:
    """Make a library with two captioned photos, and many small collections where these are to be removed."""
    workspace = Workspace(settings)
    workspace.add(str(photos), collection="c")
    analyse(workspace.library, ColourStation())
    for i in range(N_COLLECTIONS if operation == "remove" else 0):
        _doom(workspace, i)
    workspace.close()


def _add(workspace: Workspace, n: int, photos: Path, _scratch: Path) -> None:
    workspace.add(str(photos), collection=f"added-{n}")


def _caption(workspace: Workspace, _n: int, _photos: Path, _scratch: Path) -> None:
    analyse(workspace.library, ColourStation(), redo=True)


def _correct(workspace: Workspace, n: int, _photos: Path, _scratch: Path) -> None:
    workspace.correct(workspace.library.photos("c")[0].id, f"sentence {n}", "me")


def _export(workspace: Workspace, _n: int, _photos: Path, scratch: Path) -> None:
    workspace.export(ExportKind.JSON, "c", scratch / "c.json")


def _remove(workspace: Workspace, n: int, _photos: Path, _scratch: Path) -> None:
    if n >= N_COLLECTIONS:  # a quick machine removes all that were prepared
        _doom(workspace, n)
    workspace.remove(f"doomed-{n}")


def _doom(workspace: Workspace, n: int) -> None:
    """Make a collection with an uploaded picture, whose file goes with it."""
    upload = UploadSource([(f"{n}.jpg", io.BytesIO(jpeg((n % 256, n // 256, 99))))], workspace.library.files)
    workspace.library.merge(f"doomed-{n}", UPLOAD, list(upload.listings({}, UNWATCHED)))


OPERATIONS: dict[str, Callable[[Workspace, int, Path, Path], None]] = {
    "add": _add, "caption": _caption, "correct": _correct, "export": _export, "remove": _remove,
}  # fmt: skip


def repeat(operation: str, settings: Settings, first: int, photos: Path, scratch: Path, said: Path) -> None:
    """Do an operation again and again, and write down after each that it is done: what is killed."""
    workspace = Workspace(settings)
    with said.open("a") as file:
        for n in range(first, first + N_COLLECTIONS):
            OPERATIONS[operation](workspace, n, photos, scratch)
            file.write(f"{n}\n")
            file.flush()


def kill(
    target: Callable[..., None], arguments: tuple[object, ...], has_begun: Callable[[], bool], wait_s: float
) -> None:
    """Run a function in a process of its own and kill it a moment after it has begun."""
    run = PROCESSES.Process(target=target, args=arguments)
    run.start()
    ends = time.monotonic() + PATIENCE_S
    while not has_begun() and run.is_alive():
        assert time.monotonic() < ends
        time.sleep(0.001)
    time.sleep(wait_s)
    run.kill()
    run.join()
    assert run.exitcode in (-signal.SIGKILL, 0)


def kill_and_check(operation: str, settings: Settings, photos: Path, scratch: Path, n_kills: int, seed: int) -> int:
    """Kill an operation at random moments, and check the library each time; return how often it was done."""
    moments, said, n_done = random.Random(seed), scratch / f"{operation}.said", 0
    said.touch()
    for _ in range(n_kills):
        before = said.stat().st_size
        arguments = (operation, settings, n_done, photos, scratch, said)
        kill(repeat, arguments, partial(_has_grown, said, before), moments.uniform(0, 0.2))
        n_done = int(said.read_text().split("\n")[-2]) + 1
        workspace = Workspace(settings)
        check(workspace, operation, n_done, scratch)
        if operation == "remove" and f"doomed-{n_done}" not in {info.name for info in workspace.library.collections()}:
            n_done += 1  # it was done, but not said any more
        workspace.close()
    return n_done


def _has_grown(path: Path, n_bytes: int) -> bool:
    return path.stat().st_size > n_bytes


def check(workspace: Workspace, operation: str, n_done: int, scratch: Path) -> None:
    """Check that what was said to be done is, and that nothing is wrong that repairing does not mend."""
    library = workspace.library
    names = {info.name: info for info in library.collections()}
    if operation == "add":
        assert all(names[f"added-{n}"].n_photos == 2 for n in range(n_done))
    elif operation == "remove":
        assert not any(f"doomed-{n}" in names for n in range(n_done))
    elif operation == "export":
        assert len(json.loads((scratch / "c.json").read_text())) == 2
    elif operation == "correct":
        (latest, *_) = read_corrections(library, library.photos("c")[0].id)
        assert latest.text in (f"sentence {n_done - 1}", f"sentence {n_done}")
        assert [past.is_in_force for past in read_corrections(library, library.photos("c")[0].id)].count(True) == 1
    assert names["c"].n_ready == 2
    for problem in list(find_problems(library, workspace.settings, workspace.tables, 0.0)):
        assert problem.repair is not None, problem
        problem.repair()
    assert list(find_problems(library, workspace.settings, workspace.tables, 0.0)) == []


def open_and_close(folder: Path, url: str | None) -> None:
    """Open a library, which migrates it."""
    Library(folder, url).close()


def migrate_and_check(folder: Path, url: str | None, wait_s: float) -> None:
    """Kill a migration, and check that the next one does it whole."""
    started = time.monotonic()
    kill(open_and_close, (folder, url), lambda: time.monotonic() > started, wait_s)
    library = Library(folder, url)
    assert [photo.caption for photo in library.photos("c")] == ["a dog"]
    with library.reading() as connection:
        assert connection.execute(select(t.photo.c.id)).scalars().all() == ["p"]
        assert connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one() == t.HEAD
    assert library.find_damage() == []
    library.close()
