"""Opens the library's database and shares it: SQLite here, PostgreSQL in `photosearch.library.postgres`.

Both guarantee that a reader sees one state, that writers take turns, that a process which is killed leaves no
half-done work, and that at most one run holds the library's worker lock.
"""

from __future__ import annotations

import filecmp
import os
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import filelock
from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, OperationalError

from photosearch.errors import IndexOutOfReach, LibraryError
from photosearch.files import force_to_disk, make_folder, mode_within

FILE_NAME = "library.sqlite"
LOCK_NAME = "worker.lock"
LOCK_PATIENCE_S = 0.5  # `is_locked` holds the lock for a moment, and so does a process that has just ended
BUSY_TIMEOUT_MS = 30_000
CACHE_KB = 32_000  # of pages, a connection: else a fifth of reading a hundred photos is asking the system for them
_SAFE = "what was saved is safe"
_WRITES = {"writes": True}  # execution options of a write transaction


class Database(ABC):
    """A library's database. Use from any thread."""

    def __init__(self, engine: Engine, name: str, elsewhere: str) -> None:
        """Set up a database.

        Args:
            engine: connects to it.
            name: what messages call it.
            elsewhere: tells people how to choose another one.
        """
        self.engine = engine
        self.name = name
        self.elsewhere = elsewhere

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Raise errors of the database as `LibraryError`."""
        try:
            yield
        except DBAPIError as error:
            raise LibraryError(self._message(error)) from error

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a connection whose reads all see the same state of the library."""
        with self.errors(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Open the only write transaction; it is rolled back when the block raises."""
        with self.errors(), self.engine.execution_options(**_WRITES).begin() as connection:
            yield connection

    @abstractmethod
    def lock(self) -> AbstractContextManager[Callable[[], None] | None]:
        """Take the worker lock, which is freed when the block or the process ends.

        Yields None where another run holds it, else a function that raises `LibraryError` once the lock is lost.
        """

    @abstractmethod
    def locked_index(self, number: int, folder: Path, patience_s: float) -> AbstractContextManager[bool]:
        """Hold the lock for writing a collection's index elsewhere, which is freed when the block or the process ends.

        Args:
            number: of the collection.
            folder: of its index in files.
            patience_s: how long to wait for another one that holds it; then False is yielded.
        """

    @abstractmethod
    def is_locked(self) -> bool:
        """Tell whether a run holds the worker lock."""

    @abstractmethod
    def keep_copy(self, version: str) -> None:
        """Copy an older library before it is migrated, if the kind of database needs it; raises `LibraryError`.

        To be called within a write transaction.
        """

    def find_damage(self) -> list[str]:
        """Return what is wrong with the database itself, in its own words; a server sees to that by itself."""
        return []

    def save_space(self) -> None:  # noqa: B027 - a server sees to that by itself
        """Give space back that the database holds beside its tables, as far as that is possible now."""

    @abstractmethod
    def _message(self, error: DBAPIError) -> str:
        """Return an error as a message for people."""


class SQLite(Database):
    """A database file in the library's folder, which is copied before it is migrated."""

    def __init__(self, folder: Path) -> None:
        """Open the database in `folder`; the file need not exist yet."""
        self._folder = folder
        _make_private(folder / FILE_NAME)
        super().__init__(open_engine(folder / FILE_NAME), f'Library "{folder}"', "choose another folder with --library")

    @contextmanager
    def lock(self) -> Iterator[Callable[[], None] | None]:
        """Take the worker lock, as in `Database.lock`; it is a file lock, which ends with the process."""
        lock = filelock.FileLock(self._folder / LOCK_NAME, LOCK_PATIENCE_S, mode_within(self._folder))
        try:
            lock.acquire()
        except filelock.Timeout:
            pass
        except OSError as error:
            raise LibraryError(f"{self.name} cannot be written: {error.strerror}. Check its access rights.") from error
        try:
            yield (lambda: None) if lock.is_locked else None
        finally:
            lock.release()

    @contextmanager
    def locked_index(self, number: int, folder: Path, patience_s: float) -> Iterator[bool]:  # noqa: ARG002
        """Hold the lock for writing a collection's index elsewhere, as `Database.locked_index` does."""
        lock = filelock.FileLock(folder / "elsewhere.lock", patience_s, mode_within(self._folder))
        try:
            make_folder(folder)
            lock.acquire()
        except filelock.Timeout:
            pass
        except OSError as error:
            raise IndexOutOfReach(f"{folder} cannot be written: {error.strerror}. Check its access rights.") from error
        try:
            yield lock.is_locked
        finally:
            lock.release()

    def is_locked(self) -> bool:
        """Tell whether a run holds the worker lock."""
        try:
            with filelock.FileLock(self._folder / LOCK_NAME, 0, mode_within(self._folder)):
                return False
        except filelock.Timeout:
            return True

    def keep_copy(self, version: str) -> None:
        """Copy the library to `library-VERSION.sqlite` beside it, with a number where there is another such file.

        A copy that an earlier migration made of the same content, before it failed, serves as well.

        Raises:
            LibraryError: the copy cannot be written, or is damaged.
        """
        part = self._folder / f"{FILE_NAME}.part"
        try:
            _remove(part)
            with closing(sqlite3.connect(self._folder / FILE_NAME)) as source, closing(sqlite3.connect(part)) as copy:
                source.backup(copy)
                copy.execute("PRAGMA journal_mode = DELETE")  # one file, without a write-ahead log beside it
                sizes = [database.execute("PRAGMA page_count").fetchone() for database in (source, copy)]
                problems = copy.execute("PRAGMA integrity_check").fetchall()
            if problems != [("ok",)] or sizes[0] != sizes[1]:
                raise sqlite3.DatabaseError(problems[0][0])
            earlier = self._folder.glob(f"library-{version}*.sqlite")
            if not any(filecmp.cmp(part, one, shallow=False) for one in earlier):
                part.chmod(mode_within(self._folder))
                part.rename(self._free_path(version))
                force_to_disk(self._folder)
        except (sqlite3.OperationalError, OSError) as error:
            n_mb = (self._folder / FILE_NAME).stat().st_size / 1e6
            raise LibraryError(
                f"{self.name} was made by an older version, and there is no copy of it yet: {error}."
                f" Free {n_mb:,.1f} MB for one and start again; nothing was changed."
            ) from error
        except sqlite3.DatabaseError as error:
            raise LibraryError(self._damaged(error)) from error
        finally:
            _remove(part)

    def find_damage(self) -> list[str]:
        """Return what SQLite finds wrong with the file."""
        with self.reading() as connection:
            found = [row[0] for row in connection.exec_driver_sql("PRAGMA integrity_check")]
            dangling = {row[0] for row in connection.exec_driver_sql("PRAGMA foreign_key_check")}
        damage = [line for line in found if line != "ok"]
        return [*damage, *(f"a row of {table} refers to nothing" for table in sorted(dangling))]

    def save_space(self) -> None:
        """Write the log back into the tables and cut it off; while another process reads, it stays."""
        with suppress(sqlite3.Error), closing(sqlite3.connect(self._folder / FILE_NAME)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _free_path(self, version: str) -> Path:
        path, n = self._folder / f"library-{version}.sqlite", 1
        while path.exists():
            n += 1
            path = path.with_name(f"library-{version}-{n}.sqlite")
        return path

    def _message(self, error: DBAPIError) -> str:
        code = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF  # without the details of an extended code
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return f"{self.name} is busy: another run is writing to it. Try again in a moment; {_SAFE}."
        if code == sqlite3.SQLITE_FULL:
            return f"{self.name} cannot be written: the disk is full. Free some space and try again; {_SAFE}."
        if isinstance(error, OperationalError):
            return f"{self.name} cannot be used: {error.orig}. Check free space and access rights; {_SAFE}."
        return self._damaged(error.orig)

    def _damaged(self, error: BaseException | None) -> str:
        return f"{self.name} is damaged: {error}. Restore it from a copy, or remove it."


def _make_private(path: Path) -> None:
    """Make an empty file that only those can read who can read its folder; an existing one stays as it is."""
    with suppress(OSError):  # the database says what is wrong
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        path.chmod(mode_within(path.parent))


def _remove(part: Path) -> None:
    for path in part.parent.glob(f"{part.name}*"):  # with its journal
        path.unlink(missing_ok=True)


@contextmanager
def closed_after_errors(connection: Any) -> Iterator[None]:
    """Close a driver's new connection when the block raises, since SQLAlchemy does not know it yet."""
    try:
        yield
    except BaseException:
        with suppress(Exception):
            connection.close()
        raise


def open_engine(path: Path) -> Engine:
    """Open a SQLite file: with foreign keys, a write-ahead log, and writers that wait for their turn.

    The connection that was used last, which has pages in its cache, is used first.
    """
    url, patience = URL.create("sqlite", database=str(path)), {"timeout": BUSY_TIMEOUT_MS / 1000}
    engine = create_engine(url, connect_args=patience, pool_use_lifo=True)

    @event.listens_for(engine, "connect")
    def prepare(connection, _record) -> None:  # type: ignore[no-untyped-def]
        connection.isolation_level = None  # keeps the driver from beginning transactions of its own
        with closed_after_errors(connection):
            cursor = connection.cursor()
            cursor.execute("PRAGMA foreign_keys = ON")
            cursor.execute(f"PRAGMA cache_size = -{CACHE_KB}")
            cursor.execute("PRAGMA synchronous = FULL")  # what was said to be saved is there after a power cut
            if cursor.execute("PRAGMA page_count").fetchone() == (0,):  # new; another program's file is left unchanged
                cursor.execute("PRAGMA journal_mode = WAL")
            cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A writer waits for its turn here. If it began as a reader, SQLite would refuse its first write at once.
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine
