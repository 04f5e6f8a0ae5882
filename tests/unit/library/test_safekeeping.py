"""Who may read a library's files, what a power cut leaves, and what is said when another run writes."""

import os
import sqlite3
import stat
import threading

import pytest
from sqlalchemy import event
from sqlalchemy.exc import DatabaseError

from photosearch.errors import LibraryError, PhotoError
from photosearch.library import Library, engine
from photosearch.library.files import thumbnail_name
from photosearch.library.merging import MAX_TEXT_CHARS, MAX_TEXTS
from photosearch.records import Details, Listing, TextKind

SHA = "ab" * 32


def rights(path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def _open_umask():
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.mark.usefixtures("_open_umask")
def test_a_new_library_can_be_read_by_its_owner_only(tmp_path):
    library = Library(tmp_path / "deep" / "library")
    library.files.keep_thumbnail(SHA, b"jpeg")
    kept = library.folder / library.files.keep(SHA, b"data")
    with library.lock():
        files = [path for path in library.folder.rglob("*") if path.is_file()]
    assert {kept, library.folder / engine.FILE_NAME, library.folder / engine.LOCK_NAME} <= set(files)
    assert rights(library.folder) == 0o700
    assert {rights(path) for path in files} == {0o600}


@pytest.mark.usefixtures("_open_umask")
def test_a_folder_that_others_may_read_gets_files_that_they_may_read(tmp_path):
    folder = tmp_path / "shared"
    folder.mkdir()
    folder.chmod(0o770)
    library = Library(folder)
    library.files.keep_thumbnail(SHA, b"jpeg")
    assert rights(library.folder / thumbnail_name(SHA)) == rights(folder / engine.FILE_NAME) == 0o660


def test_what_was_saved_is_on_the_disk(library):
    with library.reading() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar_one() == 2  # FULL


def test_an_empty_copy_is_missing(library):
    within = library.files.keep(SHA, b"data")
    (library.folder / within).write_bytes(b"")
    with pytest.raises(PhotoError, match="its kept copy is empty"):
        library.files.read_kept(within)


def test_a_pipe_in_place_of_a_kept_copy_does_not_block(library):
    within = library.files.keep(SHA, b"data")
    (library.folder / within).unlink()
    os.mkfifo(library.folder / within)
    with pytest.raises(PhotoError, match="it is no regular file"):
        library.files.read_kept(within)


def test_a_library_that_another_run_writes_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(engine, "BUSY_TIMEOUT_MS", 50)
    library = Library(tmp_path / "library")
    begun, done = threading.Event(), threading.Event()

    def write() -> None:
        with library.writing():
            begun.set()
            done.wait(30)

    thread = threading.Thread(target=write)
    thread.start()
    begun.wait(30)
    try:
        with pytest.raises(LibraryError, match="is busy: another run is writing to it"):
            library.merge("c", "folder", [])
    finally:
        done.set()
        thread.join()
    library.merge("c", "folder", [])


def test_texts_that_come_with_a_photo_are_bounded(library):
    texts = ((TextKind.OWNER, "long " * 1_000_000), *((TextKind.HASHTAG, f"tag{i}") for i in range(5000)))
    library.merge("c", "folder", [Listing(f"{i}.jpg", "", details=Details(texts=texts)) for i in range(3)])
    for document in library.documents("c"):
        assert max(len(text) for text in document.owner) == MAX_TEXT_CHARS
        assert len(document.hashtags) == MAX_TEXTS - 1


def test_a_connection_that_cannot_be_prepared_is_closed(tmp_path):
    made = []

    class Counted(sqlite3.Connection):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            made.append(self)

    (tmp_path / "no library.sqlite").write_bytes(b"no database" * 100)
    opened = engine.open_engine(tmp_path / "no library.sqlite")
    event.listen(opened, "do_connect", lambda _dialect, _record, args, kwargs: kwargs.update(factory=Counted))
    with pytest.raises(DatabaseError):
        opened.connect()
    for connection in made:
        with pytest.raises(sqlite3.ProgrammingError, match="closed"):
            connection.execute("SELECT 1")
    assert made
