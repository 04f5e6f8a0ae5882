"""A library on a server: locks across machines, network errors, and texts that PostgreSQL refuses."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import socket
import string
import traceback
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest
from alembic import command, op
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext

from photosearch.errors import CollectionNotFound, LibraryError, PhotoNotFound, SettingsError, WorkerBusy
from photosearch.library import Library, Reading, photo_id, postgres, reserve, schema
from photosearch.library.files import thumbnail_name
from photosearch.library.merging import MAX_TEXT_CHARS
from photosearch.library.postgres import Postgres
from photosearch.pipeline.worker import hold_worker_lock, read_running
from photosearch.records import Details, Listing, Progress, Report, Station, TextKind
from photosearch.search.question import Question
from photosearch.workspace import Workspace
from tests.postgres.server import PASSWORD, QUOTED, USER, Server
from tests.unit.library.test_library import caption, list_photos, pending, said
from tests.unit.library.test_older_libraries import open_in_processes

PATIENCE_S = 60
N_WRITES = 25
PROCESSES = multiprocessing.get_context("spawn")


def refusal(tmp_path: Path, url: str) -> str:
    """Return why the library cannot be opened, after a check that no part of the error shows the password."""
    with pytest.raises(LibraryError) as caught:
        Library(tmp_path / "library", url)
    shown = "".join(traceback.format_exception(caught.value))
    assert PASSWORD not in shown
    assert "wrong" not in str(caught.value)
    return str(caught.value)


# Schema


def test_the_tables_are_those_of_the_metadata(library):
    with library.reading() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert context.get_current_revision() == schema.HEAD
        found = compare_metadata(context, schema.metadata)
    # a b-tree holds no long keys; the photo's id is unique as well
    assert [(kind, [column.name for column in of.columns]) for kind, of in found] == [
        ("add_constraint", ["collection_id", "source_key"])
    ]


def test_a_library_can_be_opened_again(library, database, open_library):
    list_photos(library, "/a.jpg")
    library.close()
    assert [info.name for info in open_library(database).collections()] == ["c"]


@pytest.fixture
def older(make_database) -> str:
    """Return the URL of a database with a library of an older version."""
    url = make_database()
    older = Postgres(url)
    config = Config()
    config.set_main_option("script_location", str(Path(schema.__file__).parent / "migrations"))
    with older.writing() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")
        connection.exec_driver_sql("INSERT INTO collection VALUES (1, 'c', 1700000000000)")
    older.engine.dispose()
    return url


def test_an_older_library_is_brought_up_to_date_without_a_copy(older, open_library):
    library = open_library(older)
    assert library.generation("c") == 1700000000000
    assert [path.name for path in library.folder.iterdir()] == [reserve.FILE_NAME]


def test_of_two_processes_that_open_an_older_library_one_migrates_it(older, open_library, tmp_path):
    assert open_in_processes(tmp_path / "library", older) == [0, 0]
    with open_library(older).reading() as connection:
        assert connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalars().all() == [schema.HEAD]


def test_a_creation_that_is_interrupted_leaves_nothing_behind(make_database, open_library, monkeypatch):
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    url = make_database()
    with monkeypatch.context() as patched:
        patched.setattr(op, "create_index", stop)
        with pytest.raises(KeyboardInterrupt):
            open_library(url)
    assert open_library(url).collections() == []


def test_the_library_of_a_newer_version_is_refused_and_left_as_it_is(tmp_path, library, database):
    with library.writing() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    assert "newer version of photosearch (schema 9999" in refusal(tmp_path, database)
    with library.reading() as connection:
        assert connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one() == "9999"


def test_a_database_of_somebody_else_is_refused_and_left_as_it_is(tmp_path, server, make_database):
    url = make_database()
    name = url.rpartition("/")[2]
    server.execute("CREATE TABLE alembic_version (version_num text)", name)
    assert "no library of photosearch. Name another database in PHOTOSEARCH_DATABASE." in refusal(tmp_path, url)
    tables = server.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'", name)
    assert tables == [["alembic_version"]]


# Order, texts, numbers

ODD_KEYS = ("a.jpg", "B.jpg", "_c.jpg", "Z10.jpg", "Z9.jpg", "z/1.jpg", "z 1.jpg", "\u00e9.jpg", "\uff41", "\U0001f436")


def test_photos_and_collections_come_in_the_same_order_as_from_a_file(library, tmp_path):
    in_file = Library(tmp_path / "file")
    for each in (library, in_file):
        for name in ODD_KEYS:
            list_photos(each, *reversed(ODD_KEYS), collection=name)
        assert [photo.source_key for photo in each.photos("a.jpg")] == sorted(ODD_KEYS)
        assert [info.name for info in each.collections()] == sorted(ODD_KEYS)
        assert pending(each, "a.jpg") == sorted(ODD_KEYS)


def test_odd_texts_are_kept_and_nul_is_left_out(library):
    letters = random.Random(0)
    long_key = "https://example.com/" + "".join(letters.choices(string.ascii_letters, k=9000)) + ".jpg"
    owner, long_tag = "\U0001f436 na\u00efve \u202eolleh", "\u65e5\u672c" * 300_000
    texts = ((TextKind.OWNER, owner), (TextKind.HASHTAG, long_tag))
    kept = ((TextKind.OWNER, owner), (TextKind.HASHTAG, long_tag[:MAX_TEXT_CHARS]))
    nul = ((TextKind.OWNER, "one\0two"),)
    listings = [
        Listing(long_key, "s" * 5000, details=Details(place="\0'; DROP TABLE photo; --%s :x", texts=texts)),
        Listing("nul\0.jpg", "1\0", details=Details(texts=nul)),
    ]
    assert library.merge("c", "url", listings).n_new == 2
    first, second = library.photos("c")
    assert (first.source_key, first.details.texts) == (long_key, kept)
    assert first.details.place == "'; DROP TABLE photo; --%s :x"
    assert (second.source_key, second.owner_text) == ("nul.jpg", "onetwo")
    library.save([Reading(second.id, "1", reason="a\0b")], {})
    assert library.photo(second.id).reason == "ab"
    assert library.merge("c", "url", listings[:1]).n_unchanged == 1


def test_names_with_odd_signs_are_not_found(library):
    list_photos(library, "/a.jpg")
    for name in ("no\0ne", "\udcff", "%s"):
        with pytest.raises(CollectionNotFound):
            library.generation(name)
    with pytest.raises(PhotoNotFound):
        library.photo("\0")
    assert [photo.source_key for photo in library.photos("c")] == ["/a.jpg"]


def test_large_numbers_are_kept(library):
    library.merge("c", "url", [Listing("a", "", details=Details(n_likes=5_000_000_000, n_comments=2**40))])
    (photo,) = library.photos("c")
    assert (photo.details.n_likes, photo.details.n_comments) == (5_000_000_000, 2**40)


# Opening


def test_the_message_about_a_wrong_password_does_not_show_it(tmp_path, server):
    told = refusal(tmp_path, server.url("postgres", "wrong"))
    assert told.startswith('Database "postgres" at 127.0.0.1 cannot be used: password authentication failed')
    assert "Check user and password in PHOTOSEARCH_DATABASE" in told


def test_a_missing_password_gives_a_plain_message(tmp_path, server):
    url = server.url("postgres").replace(f":{QUOTED}", "")
    assert "Check user and password" in refusal(tmp_path, url)


def test_the_message_about_a_missing_database_says_how_to_make_it(tmp_path, server):
    assert 'database "none" does not exist. Make one with: createdb' in refusal(tmp_path, server.url("none"))


def test_a_server_that_does_not_run_gives_a_plain_message(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"postgresql://{USER}:{QUOTED}@127.0.0.1:{free.getsockname()[1]}/photos"
        assert "cannot be reached: Connection refused. Check that the server runs" in refusal(tmp_path, url)


def test_a_socket_that_does_not_exist_gives_a_plain_message(tmp_path):
    told = refusal(tmp_path, f"postgresql:///photos?host={tmp_path}")
    assert f"at {tmp_path} cannot be reached: No such file" in told


def test_a_server_without_encryption_is_refused_where_encryption_is_wanted(tmp_path, server):
    assert "cannot be reached: Server refuses SSL" in refusal(tmp_path, server.url("postgres") + "?sslmode=require")


def test_a_server_that_is_too_old_gives_a_plain_message(tmp_path, database, monkeypatch):
    monkeypatch.setattr(postgres, "MIN_VERSION", 99)
    assert "Use 99 or newer" in refusal(tmp_path, database)


def test_a_database_without_unicode_is_refused(tmp_path, make_database):
    url = make_database("ENCODING 'LATIN1' LOCALE 'C' LOCALE_PROVIDER libc TEMPLATE template0")
    assert "keeps text as LATIN1, not as UTF8. Make one with" in refusal(tmp_path, url)


def test_a_user_who_may_make_no_tables_gives_a_plain_message(tmp_path, server, make_database):
    name = make_database().rpartition("/")[2]
    server.execute("CREATE USER guest PASSWORD 'wrong'")
    server.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC", name)
    told = refusal(tmp_path, f"postgresql://guest:wrong@127.0.0.1:{server.port}/{name}")
    assert "permission denied for schema public. Make the user the database's owner." in told


@pytest.mark.parametrize(
    "url",
    [
        "mysql://user:wrong@host/name",
        "postgresql://user:wrong@host",
        "postgresql://user:wrong@word@host/name",
        "postgresql://user:pass@word/wrong@host/name",
        "postgresql://user:wrong@host:port/name",
        "postgresql://user:wrong@host/name?option=wrong",
        "postgresql://user:wrong@host/name?sslmode=wrong",
        "wrong",
    ],
)
def test_an_address_that_cannot_be_used_is_not_shown(tmp_path, url):
    with pytest.raises(SettingsError) as caught:
        Library(tmp_path, url)
    assert "wrong" not in "".join(traceback.format_exception(caught.value, limit=0))


# Processes


def write(folder: Path, url: str, key: str) -> None:
    """List, add the model and save, as a run does, always with the same picture and model."""
    library = Library(folder, url)
    for i in range(N_WRITES):
        list_photos(library, f"{key}{i}.jpg", "both.jpg")
        model_id = library.model_id(Station.CAPTIONER, f"m{i}", f"{i:064}")
        picture = f"{i:064}"
        reading = Reading(photo_id("c", f"{key}{i}.jpg"), "1", picture, 64, 48, "0" * 16)
        library.save([reading], {model_id: {picture: said(f"text {i}")}})


def test_processes_that_write_at_once_lose_nothing(tmp_path, make_database, open_library):
    url = make_database()  # where not even the tables are
    with ProcessPoolExecutor(3, mp_context=PROCESSES) as pool:
        for done in [pool.submit(write, tmp_path, url, key) for key in "xyz"]:
            done.result(PATIENCE_S)
    library = open_library(url)
    photos = library.photos("c")
    assert len(photos) == 3 * N_WRITES + 1
    assert sorted(photo.caption for photo in photos) == sorted(["", *(3 * [f"text {i}" for i in range(N_WRITES)])])
    with library.reading() as connection:
        (first,) = connection.exec_driver_sql("SELECT min(generation) FROM photo").one()
        assert connection.exec_driver_sql("SELECT count(*) FROM model").scalar_one() == N_WRITES
    # listing and saving raise it by one each
    assert library.generation("c") == first + 3 * 2 * N_WRITES - 1


def hold(folder: Path, url: str, begun: Event) -> None:
    with hold_worker_lock(Library(folder, url), "caption") as record:
        record(Progress(3, 7))
        begun.set()
        signal.pause()


def test_a_worker_on_another_machine_holds_the_lock_until_it_ends(library, database, tmp_path):
    begun = PROCESSES.Event()
    process = PROCESSES.Process(target=hold, args=(tmp_path / "another", database, begun))
    process.start()
    try:
        assert begun.wait(PATIENCE_S)
        assert read_running(library).progress == Progress(3, 7)
        with pytest.raises(WorkerBusy, match="3 of 7 photos"), hold_worker_lock(library, "caption"):
            pass
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.join(PATIENCE_S)
    with hold_worker_lock(library, "caption"):
        assert read_running(library).progress == Progress(0, 0)
    assert read_running(library) is None


def test_a_worker_whose_lock_was_lost_ends(breaking, library, server: Server):
    with hold_worker_lock(library, "caption") as record:
        record(Progress(1, 2))
        server.execute("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'")
        for _ in range(3):
            with pytest.raises(LibraryError, match=r"cannot be (used|reached)|was out of reach"):
                record(Progress(2, 2))
    with hold_worker_lock(library, "caption"):
        pass


def test_a_stopped_server_gives_an_error_and_the_library_works_once_it_is_back(breaking, library, server: Server):
    list_photos(library, "/a.jpg")
    try:
        with hold_worker_lock(library, "caption") as record:
            record(Progress(0, 1))
            server.stop()
            with pytest.raises(LibraryError, match="Check that the server runs"):
                record(Progress(1, 1))
        for use in (library.collections, lambda: list_photos(library, "/b.jpg"), lambda: read_running(library)):
            with pytest.raises(LibraryError, match=r"Check that the server runs.*what was saved is safe"):
                use()
    finally:
        server.start()
    assert read_running(library) is None
    list_photos(library, "/b.jpg")
    with hold_worker_lock(library, "caption"):
        caption(library, "/a.jpg", "a" * 64)
    assert [photo.caption for photo in library.photos("c")] == ["a dog", ""]


# From the command to the page


def test_photos_are_added_captioned_found_and_forgotten(workspace: Workspace, make_photos: Callable[..., Path]):
    root = make_photos("red.jpg", "blue.jpg", folder="pets")
    (added,) = workspace.add(str(root))
    assert added.report == Report(n_new=2)
    assert workspace.caption("pets") == Report(n_captioned=2)
    photos = workspace.library.photos("pets")
    word = workspace.library.photo(photos[0].id).concepts[0].term
    assert {hit.photo.id for hit in workspace.searcher.search(Question(word, "pets")).hits} <= {
        photo.id for photo in photos
    }
    assert workspace.searcher.search(Question(word, "pets")).total
    workspace.remove("pets")
    assert workspace.library.collections() == []
    assert not any((workspace.library.folder / thumbnail_name(photo.sha256)).exists() for photo in photos)
    assert not (workspace.settings.library_dir / "library.sqlite").exists()
