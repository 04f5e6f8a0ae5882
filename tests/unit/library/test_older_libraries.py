"""Libraries of older versions are copied, then migrated with all their data."""

import multiprocessing
import resource
import sqlite3
from contextlib import closing
from datetime import datetime
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import RevisionStep

from photosearch.errors import LibraryError
from photosearch.library import Library, reserve, schema
from photosearch.library.corrections import read_corrections
from photosearch.library.engine import FILE_NAME, SQLite
from photosearch.records import Details, Document, TextKind
from tests.power_cut import Disk

PATIENCE_S = 120
CONTENT = (
    "INSERT INTO collection VALUES (1, 'c', 1700000000000)",
    "INSERT INTO image (sha256, width, height) VALUES ('red', 64, 48)",
    "INSERT INTO photo (id, collection_id, source_key, sha256, source, stamp, state, generation)"
    " VALUES ('p', 1, '/a.jpg', 'red', 'folder', '1', 'ready', 5)",
    "INSERT INTO model VALUES (1, 'captioner', 'm', 'd')",
    "INSERT INTO analysis (sha256, model_id) VALUES ('red', 1)",
    "INSERT INTO caption VALUES ('red', 1, 0, 'a dog', -0.5)",
)


def run(path: Path, *statements: str) -> list[tuple]:
    """Run statements and return the rows of the last one."""
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            rows = connection.execute(statement).fetchall()
    return rows


def older_library(folder: Path, version: str) -> Path:
    """Make a library of an older version with one captioned photo, and return its file."""
    folder.mkdir()
    config = Config()
    config.set_main_option("script_location", str(Path(schema.__file__).parent / "migrations"))
    database = SQLite(folder)
    with database.writing() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, version)
    database.engine.dispose()
    path = folder / FILE_NAME
    run(path, *CONTENT)
    return path


def version_of(path: Path) -> str:
    return run(path, "SELECT version_num FROM alembic_version")[0][0]


def rows_of(path: Path) -> dict[str, list[tuple]]:
    tables = run(path, "SELECT name FROM sqlite_master WHERE type = 'table'")
    return {
        name: run(path, f"SELECT * FROM {name}")  # noqa: S608
        for (name,) in tables
    }


def tables_of(path: Path) -> dict[str, tuple]:
    """Return each table's columns in their order, indexes, foreign keys, and whether it has row numbers."""
    found: dict[str, tuple] = {}
    for name, sql in run(path, "SELECT name, sql FROM sqlite_master WHERE type = 'table'"):
        indexes = {
            (tuple(run(path, f"PRAGMA index_info({index})")), is_unique, origin)
            for _, index, is_unique, origin, _ in run(path, f"PRAGMA index_list({name})")
        }
        keys = {key[2:] for key in run(path, f"PRAGMA foreign_key_list({name})")}
        found[name] = (run(path, f"PRAGMA table_xinfo({name})"), indexes, keys, "WITHOUT ROWID" in sql)
    return found


@pytest.fixture(params=["0001", "0002", "0003", "0004", "0005"])
def older(tmp_path, request) -> Path:
    return older_library(tmp_path / "old", request.param)


def test_a_new_library_has_the_tables_that_the_migrations_make(older, tmp_path):
    Library(older.parent).close()
    Library(tmp_path / "new").close()
    new = tables_of(tmp_path / "new" / FILE_NAME)
    assert new == tables_of(older)
    assert {"photo", "image", "alembic_version"} <= set(new)


def test_an_older_library_is_brought_up_to_date_with_its_captions(older):
    library = Library(older.parent)
    assert library.documents("c") == [Document("p", captions=("a dog",))]
    assert [photo.caption for photo in library.photos("c")] == ["a dog"]
    assert library.generation("c") == 1700000000000


def test_an_older_library_is_copied_before_it_is_migrated(older):
    version, rows = version_of(older), rows_of(older)
    Library(older.parent).close()
    copy = older.with_name(f"library-{version}.sqlite")
    assert (version_of(older), rows_of(copy)) == (schema.HEAD, rows)
    assert run(copy, "PRAGMA integrity_check") == [("ok",)]
    Library(older.parent).close()
    assert sorted(path.name for path in older.parent.iterdir()) == sorted([FILE_NAME, copy.name, reserve.FILE_NAME])


def test_the_copy_outlives_a_power_cut(older, monkeypatch):
    disk = Disk(monkeypatch)
    version = version_of(older)
    Library(older.parent).close()
    assert disk.has_name(older.with_name(f"library-{version}.sqlite"), older.parent)


def test_a_copy_that_exists_is_left_as_it_is(older):
    version = version_of(older)
    copies = [older.with_name(f"library-{version}{n}.sqlite") for n in ("", "-2", "-3")]
    for copy in copies[:2]:
        copy.write_bytes(b"an earlier one")
    Library(older.parent)
    assert [copy.read_bytes() for copy in copies[:2]] == [b"an earlier one"] * 2
    assert version_of(copies[2]) == version


def test_the_copy_holds_what_only_the_write_ahead_log_holds(older):
    with closing(sqlite3.connect(older)) as reader, closing(sqlite3.connect(older)) as writer:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM collection").fetchall()  # whose state the log may not be folded into the file
        writer.execute("UPDATE collection SET name = 'late'")
        writer.commit()
        version = version_of(older)
        Library(older.parent).close()
    assert run(older.with_name(f"library-{version}.sqlite"), "SELECT name FROM collection") == [("late",)]


def test_without_room_for_a_copy_nothing_is_changed(older):
    before = older.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) // 2, limits[1]))
    try:
        with pytest.raises(LibraryError, match=r"no copy of it yet.*Free .* MB.*nothing was changed"):
            Library(older.parent)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert older.read_bytes() == before
    assert not list(older.parent.glob("*.part*"))
    assert not list(older.parent.glob("library-*"))
    assert Library(older.parent).documents("c")


def test_a_damaged_older_library_is_not_migrated(older):
    n_bytes = older.stat().st_size
    with older.open("r+b") as file:
        file.seek(n_bytes - 4096)  # an index or a table in the end
        file.write(b"\xff" * 4096)
    before = older.read_bytes()
    with pytest.raises(LibraryError, match="damaged"):
        Library(older.parent)
    assert older.read_bytes() == before
    assert not list(older.parent.glob("library-*"))


@pytest.mark.parametrize("failing", [f"{n:04}" for n in range(2, int(schema.HEAD) + 1)])
def test_a_step_that_fails_leaves_the_library_as_it_was(tmp_path, monkeypatch, failing):
    path = older_library(tmp_path / "old", "0001")
    before, prepare = rows_of(path), RevisionStep.__init__

    def prepare_failing(step: RevisionStep, *arguments: object) -> None:
        prepare(step, *arguments)
        upgrade = step.migration_fn

        def upgrade_and_fail(**options: object) -> None:
            upgrade(**options)
            if step.revision.revision == failing:
                raise KeyboardInterrupt

        step.migration_fn = upgrade_and_fail

    monkeypatch.setattr(RevisionStep, "__init__", prepare_failing)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            Library(path.parent)
        assert (version_of(path), rows_of(path)) == ("0001", before)
    monkeypatch.setattr(RevisionStep, "__init__", prepare)
    assert Library(path.parent).documents("c") == [Document("p", captions=("a dog",))]
    assert [copy.name for copy in path.parent.glob("library-*.sqlite")] == ["library-0001.sqlite"]


def open_at_once(ready: Barrier, folder: Path, database: str | None = None) -> None:
    """Open a library when all processes are ready to; ends with 1 where that fails."""
    import alembic.command  # noqa: F401 - so that the migrations begin at once, too

    ready.wait(PATIENCE_S)
    assert Library(folder, database).generation("c") == 1700000000000


def open_in_processes(folder: Path, database: str | None = None, n: int = 2) -> list[int | None]:
    """Open a library in two processes at once; return how they ended."""
    processes = multiprocessing.get_context("spawn")
    ready = processes.Barrier(n)
    started = [processes.Process(target=open_at_once, args=(ready, folder, database)) for _ in range(n)]
    for process in started:
        process.start()
    for process in started:
        process.join(PATIENCE_S)
    return [process.exitcode for process in started]


def test_of_two_processes_that_open_an_older_library_one_migrates_it(tmp_path):
    path = older_library(tmp_path / "old", "0001")
    assert open_in_processes(path.parent) == [0, 0]
    assert version_of(path) == schema.HEAD
    assert Library(path.parent).documents("c") == [Document("p", captions=("a dog",))]
    assert len(list(path.parent.glob("library-*"))) == 1


def test_captions_and_analyses_come_to_lie_by_their_keys(older):
    Library(older.parent).close()
    assert run(older, "SELECT sha256, model_id, error FROM analysis") == [("red", 1, None)]
    assert run(older, "SELECT * FROM caption") == [("red", 1, 0, "a dog", -0.5, 0)]
    assert run(older, "PRAGMA foreign_key_list(caption)") == run(older, "PRAGMA foreign_key_list(analysis)") != []
    for table in ("caption", "analysis"):
        ((*_, plan),) = run(older, f"EXPLAIN QUERY PLAN SELECT * FROM {table} WHERE sha256 = 'red'")  # noqa: S608
        assert plan == f"SEARCH {table} USING PRIMARY KEY (sha256=?)"


def test_facts_in_columns_become_facts(tmp_path):
    path = older_library(tmp_path / "old", "0007")
    run(
        path,
        "UPDATE photo SET permalink = 'https://example.com/p/1/', taken_at = '2023-12-31 23:20:00.000000',"
        " place = 'Lisbon', latitude = 38.7, longitude = -9.1, n_likes = 5000000000, n_comments = 0",
        "INSERT INTO photo_text (photo_id, kind, text, at) VALUES ('p', 'owner', 'a tram', '2024-01-01 00:00:00')",
    )
    (photo,) = Library(path.parent).photos("c")
    assert photo.details == Details(
        permalink="https://example.com/p/1/",
        taken_at=datetime(2023, 12, 31, 23, 20),
        place="Lisbon",
        latitude=38.7,
        longitude=-9.1,
        n_likes=5_000_000_000,
        n_comments=0,
        texts=((TextKind.OWNER, "a tram"),),
    )


def test_corrections_belong_to_the_picture_that_their_photo_has(tmp_path):
    path = older_library(tmp_path / "old", "0009")
    columns, at = "photo_id, kind, text, who, at", "2024-01-01 00:00:00.000000"
    run(path, f"INSERT INTO photo_text ({columns}) VALUES ('p', 'human', 'a sea', 'Ada', '{at}')")  # noqa: S608
    run(path, "INSERT INTO raised VALUES (1, 1700000000000, '')")
    library = Library(path.parent)
    (correction,) = read_corrections(library, "p")
    assert (correction.is_of_earlier_picture, library.documents("c")[0].human) == (False, ("a sea",))
    assert run(path, "SELECT sha256 FROM photo_text") == [("red",)]
