"""What a kill, a power cut or a hand can leave in a library is found, told and mended."""

import io
import os
import shutil
import sqlite3
import time
from contextlib import closing

import pytest
from typer.testing import CliRunner

from photosearch.cli.app import app
from photosearch.evaluation.checking import find_problems
from photosearch.library.files import thumbnail_name
from photosearch.library.sweeping import sweep
from photosearch.records import UNWATCHED, PhotoState
from photosearch.search.question import Question
from photosearch.sources.upload import UploadSource
from tests.conftest import analyse, jpeg
from tests.power_cut import Disk


@pytest.fixture
def filled(workspace, make_photos, station):
    """A library with a folder's photos, searched once."""
    workspace.add(str(make_photos("red.jpg", "green.jpg")), collection="c")
    analyse(workspace.library, station)
    workspace.searcher.search(Question("a red picture", "c"))
    return workspace


def problems(workspace, *, repair=False, grace_s=0.0):
    found = list(find_problems(workspace.library, workspace.settings, workspace.tables, grace_s))
    for problem in found if repair else ():
        if problem.repair is not None:
            problem.repair()
    return [(problem.subject.partition("/")[0], problem.fact) for problem in found]


def thumbnail_of(workspace, name):
    (photo,) = (photo for photo in workspace.library.photos("c") if photo.name == name)
    return workspace.library.folder / thumbnail_name(photo.sha256)


def test_nothing_is_wrong_with_a_library_in_use(filled):
    assert problems(filled) == []


@pytest.mark.parametrize("damage", ["empty", "missing"])
def test_a_thumbnail_that_a_power_cut_took_is_made_again(filled, damage):
    path = thumbnail_of(filled, "red.jpg")
    whole = path.read_bytes()
    path.write_bytes(b"") if damage == "empty" else path.unlink()
    assert problems(filled, repair=True) == [("thumbnails", f"the thumbnail is {damage}")]
    assert path.read_bytes() == whole
    assert problems(filled) == []


def test_a_thumbnail_that_cannot_be_made_again_is_told_and_costs_nothing_else(filled):
    path = thumbnail_of(filled, "red.jpg")
    path.unlink()
    (filled.settings.library_dir.parent / "photos" / "red.jpg").unlink()
    (problem,) = find_problems(filled.library, filled.settings, filled.tables)
    with pytest.raises(Exception, match="no longer there"):
        problem.repair()


def test_what_nothing_refers_to_is_deleted_once_it_is_old(filled):
    folder = filled.library.folder
    left = [
        (filled.library.folder / filled.library.files.keep_upload("cd" * 32, b"x")),
        (filled.library.folder / thumbnail_name("ef" * 32)),
        folder / "thumbnails" / "ef" / "half.jpg.1-2.part",
        folder / "arriving-abc" / "file",
        folder / "exports" / "token" / "c.zip",
        folder / "index" / "999" / "index.json",
    ]
    for path in left:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    assert problems(filled, grace_s=3600) == []
    assert len(problems(filled)) == 6
    sweep(filled.library)
    assert all(path.exists() for path in left)  # too young: another process may be at work
    for path in left:
        for one in (path, path.parent):
            os.utime(one, (time.time() - 2 * 24 * 3600,) * 2)
    sweep(filled.library)
    assert not any(path.exists() for path in left)
    assert problems(filled) == []
    assert thumbnail_of(filled, "red.jpg").exists()


def test_a_run_sweeps_before_it_begins(filled):
    path = filled.library.folder / filled.library.files.keep_upload("cd" * 32, b"x")
    os.utime(path, (0, 0))
    filled.caption("c")
    assert not path.exists()


def test_a_server_sweeps_when_it_starts(filled):
    path = filled.library.folder / filled.library.files.keep_upload("cd" * 32, b"x")
    os.utime(path, (0, 0))
    filled.warm_up()
    assert not path.exists()


def test_a_lost_copy_of_a_fetched_photo_is_fetched_again_by_the_next_run(filled):
    library = filled.library
    (photo, _) = library.photos("c")
    with library.writing() as connection:
        connection.exec_driver_sql("UPDATE image SET kept_path = 'kept/aa/lost' WHERE sha256 = ?", (photo.sha256,))
    before = library.generation("c")
    assert problems(filled, repair=True) == [("kept", "the copy of a fetched photo is missing")]
    assert [p.id for p in library.photos("c", PhotoState.NEW)] == [photo.id]
    assert library.generation("c") > before
    assert problems(filled) == []


def test_a_lost_upload_is_told_and_uploading_it_again_mends_it(filled):
    def upload():
        source = UploadSource([("blue.jpg", io.BytesIO(jpeg("blue")))], filled.library.files)
        filled.library.merge("c", "upload", list(source.listings({}, UNWATCHED)))

    upload()
    shutil.rmtree(filled.library.folder / "uploads")
    assert problems(filled, repair=True) == [("uploads", "the uploaded file is missing")]
    upload()
    assert problems(filled) == []


def test_after_a_power_cut_nothing_is_lost_that_cannot_be_made_again(filled, make_photos, station, monkeypatch):
    """What was not written to the disk by then is gone, or is empty, as file systems leave it."""
    disk, library = Disk(monkeypatch), filled.library
    upload = UploadSource([("blue.jpg", io.BytesIO(jpeg("blue")))], library.files)
    filled.library.merge("c", "upload", list(upload.listings({}, UNWATCHED)))
    library.files.keep("ab" * 32, b"a fetched photo")
    analyse(library, station)
    filled.searcher.search(Question("a blue picture", "c"))
    n_kept = 0
    for kind in ("thumbnails", "kept", "uploads", "index"):
        for path in [path for path in library.folder.glob(f"{kind}/**/*") if path.is_file()]:
            if kind in ("kept", "uploads"):
                assert disk.has_content(path), path
                assert disk.has_name(path, library.folder), path
                n_kept += 1
            elif not disk.has_content(path):
                path.write_bytes(b"")
            elif not disk.has_name(path, library.folder):
                path.unlink()
    assert n_kept == 2
    problems(filled, repair=True)
    assert problems(filled) == []
    filled._rooms.pop("searcher")
    assert len(filled.searcher.search(Question("a blue picture", "c")).hits) == 3


def test_an_index_that_does_not_fit_is_made_again(filled):
    folder = filled.library.index_folder("c")
    next(folder.glob("state-*")).write_bytes(b"")
    ((subject, fact),) = problems(filled, repair=True)
    assert subject == 'the index of "c"'
    assert "cannot be used" in fact
    filled._rooms.pop("searcher")
    assert len(filled.searcher.search(Question("a red picture", "c")).hits) == 2
    assert problems(filled) == []


def test_damage_of_the_database_is_told(filled):
    with filled.library.writing() as connection:
        connection.exec_driver_sql("PRAGMA ignore_check_constraints = 1")
    path = filled.library.folder / "library.sqlite"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DELETE FROM collection")
    assert ("the database", "it is damaged (a row of photo refers to nothing)") in problems(filled)


def test_the_command_tells_and_mends(filled):
    path = thumbnail_of(filled, "red.jpg")
    path.write_bytes(b"")
    command = ["--library", str(filled.library.folder), "check"]
    told = CliRunner().invoke(app, command)
    assert told.exit_code == 1
    assert "the thumbnail is empty; with --repair it is made again from the photo." in told.output
    assert "1 left" in told.output
    mended = CliRunner().invoke(app, [*command, "--repair"])
    assert (mended.exit_code, "mended" in mended.output) == (0, True)
    assert "Nothing is wrong" in CliRunner().invoke(app, command).output
