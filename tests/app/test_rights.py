"""Who may read what a library gets while it is used: those who may read its folder."""

from __future__ import annotations

import io
import logging
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from photosearch.access.tokens import Tokens
from photosearch.export.exporter import ExportKind
from photosearch.pipeline.tasks import Task, TaskFile
from photosearch.search.question import Question
from photosearch.settings import Settings
from photosearch.ui.library.downloads import new_path
from photosearch.ui.server_log import FILE_NAME, PrivateFileHandler
from photosearch.workspace import Workspace
from tests.conftest import ColourStation, analyse, jpeg

KINDS = {"library.sqlite", "reserve", "speed.json", "run.json", "thumbnails", "uploads", "index", "exports", FILE_NAME}


@pytest.fixture(autouse=True)
def open_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.mark.parametrize(("of_folder", "of_file"), [(0o700, 0o600), (0o750, 0o640), (0o770, 0o660)])
def test_what_a_library_gets_has_the_rights_of_its_folder(
    tmp_path: Path, tiny_models: Path, make_photos: Callable[..., Path], of_folder: int, of_file: int
) -> None:
    folder = tmp_path / "library"
    if of_folder != 0o700:
        folder.mkdir()
        folder.chmod(of_folder)
    workspace = Workspace(Settings(folder, models_dir=tiny_models))
    workspace.add(str(make_photos("red.jpg", "green.jpg")), collection="c")
    workspace.upload([("blue.jpg", io.BytesIO(jpeg("blue")))], "up")
    analyse(workspace.library, ColourStation())
    workspace.searcher.search(Question("a red picture", "c"))
    Tokens(folder).create("mine", may_write=False)
    TaskFile(folder).leave(Task("Adding"))
    workspace.export(ExportKind.PHOTOS, "c", new_path(workspace, "c", ExportKind.PHOTOS))
    log = PrivateFileHandler(folder / FILE_NAME, maxBytes=10, backupCount=1)
    for _ in range(2):  # so that it rotates
        log.emit(logging.LogRecord("a", logging.INFO, "a.py", 1, "a long line", None, None))
    log.close()
    assert {path.name for path in folder.iterdir()} >= KINDS
    for path in folder.rglob("*"):
        mode = stat.S_IMODE(path.stat().st_mode)
        if path.is_dir():
            assert oct(mode) == oct(of_folder), path
        elif path.parts[-3] in ("thumbnails", "uploads") or path.name == "library.sqlite":
            assert oct(mode) == oct(of_file), path
        else:
            assert mode in (0o600, of_file, of_file & 0o644), (path, oct(mode))
    workspace.close()
