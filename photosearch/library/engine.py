"""How the library's database is opened and shared: SQLite here, PostgreSQL in `photosearch.library.postgres`.

Both keep the same promises: a reader sees one state, writers take turns, what a dying process leaves is whole,
and the library has one lock for the one run at work on it.
"""

from __future__ import annotations

import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

import filelock
from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, OperationalError

from photosearch.errors import LibraryError

FILE_NAME = "library.sqlite"
LOCK_NAME = "worker.lock"
LOCK_PATIENCE_S = 0.5  # a glance at SQLite's lock holds it for a moment; a dead process's is freed within one
BUSY_TIMEOUT_MS = 30_000
_WRITES = {"writes": True}  # execution options of a transaction that writes


class Database(ABC):
    """A library's database. Use from any thread."""

    def __init__(self, engine: Engine, name: str, elsewhere: str) -> None:
        """Messages call it `name`, and say `elsewhere` where another one is to be chosen."""
        self.engine = engine
        self.name = name
        self.elsewhere = elsewhere

    @contextmanager
    def errors(self) -> Iterator[None]:
        """The database's errors as ours."""
        try:
            yield
        except DBAPIError as error:
            raise LibraryError(self._told(error)) from error

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection to read from; all that is read of it is of one moment."""
        with self.errors(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction of the only writer: kept whole, or not at all when the block raises."""
        with self.errors(), self.engine.execution_options(**_WRITES).begin() as connection:
            yield connection

    @abstractmethod
    def lock(self) -> AbstractContextManager[Callable[[], None] | None]:
        """The lock of the one run at work on the library, freed at the latest when the process ends.

        Yields None where another run holds it, else a function that raises `LibraryError` once it is lost.
        """

    @abstractmethod
    def is_locked(self) -> bool:
        """Whether a run holds the lock."""

    @abstractmethod
    def keep_copy(self, version: str) -> None:
        """Called by the only writer before an older library is migrated; raises `LibraryError`."""

    @abstractmethod
    def _told(self, error: DBAPIError) -> str:
        """An error as a message for people."""


class SQLite(Database):
    """A file in the library's folder. Before an older one is migrated it is copied."""

    def __init__(self, folder: Path) -> None:
        """The file need not exist yet."""
        self._folder = folder
        super().__init__(open_engine(folder / FILE_NAME), f'Library "{folder}"', "choose another folder with --library")

    @contextmanager
    def lock(self) -> Iterator[Callable[[], None] | None]:
        """As `Database.lock`: a file lock, which the system frees when the process ends in whatever way."""
        lock = filelock.FileLock(self._folder / LOCK_NAME, timeout=LOCK_PATIENCE_S)
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

    def is_locked(self) -> bool:
        """As `Database.is_locked`."""
        try:
            with filelock.FileLock(self._folder / LOCK_NAME, timeout=0):
                return False
        except filelock.Timeout:
            return True

    def keep_copy(self, version: str) -> None:
        """Copy the library to `library-VERSION.sqlite` beside it, numbered where there is such a file already.

        Raises:
            LibraryError: there is no room for the copy, or it is not whole.
        """
        part = self._folder / f"{FILE_NAME}.part"
        try:
            _remove(part)
            with closing(sqlite3.connect(self._folder / FILE_NAME)) as source, closing(sqlite3.connect(part)) as copy:
                source.backup(copy)
                copy.execute("PRAGMA journal_mode = DELETE")  # one file, without a write-ahead log beside it
                sizes = [of.execute("PRAGMA page_count").fetchone() for of in (source, copy)]
                found = copy.execute("PRAGMA integrity_check").fetchall()
            if found != [("ok",)] or sizes[0] != sizes[1]:
                raise sqlite3.DatabaseError(found[0][0])
            part.rename(self._free_path(version))
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

    def _free_path(self, version: str) -> Path:
        path, n = self._folder / f"library-{version}.sqlite", 1
        while path.exists():
            n += 1
            path = path.with_name(f"library-{version}-{n}.sqlite")
        return path

    def _told(self, error: DBAPIError) -> str:
        if isinstance(error, OperationalError):
            return (
                f"{self.name} cannot be used: {error.orig}. Check free space and access rights; what was saved is safe."
            )
        return self._damaged(error.orig)

    def _damaged(self, error: BaseException | None) -> str:
        return f"{self.name} is damaged: {error}. Restore it from a copy, or remove it."


def _remove(part: Path) -> None:
    for path in part.parent.glob(f"{part.name}*"):  # with its journal
        path.unlink(missing_ok=True)


def open_engine(path: Path) -> Engine:
    """SQLite's engine of a file: foreign keys, write-ahead log, writers that wait for their turn."""
    engine = create_engine(URL.create("sqlite", database=str(path)), connect_args={"timeout": BUSY_TIMEOUT_MS / 1000})

    @event.listens_for(engine, "connect")
    def prepare(connection, _record) -> None:  # type: ignore[no-untyped-def]
        connection.isolation_level = None  # the driver begins no transactions of its own: tables are made in one, too
        cursor = connection.cursor()
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.execute("PRAGMA synchronous = NORMAL")
        if cursor.execute("PRAGMA page_count").fetchone() == (0,):  # new; somebody else's file is left as it is
            cursor.execute("PRAGMA journal_mode = WAL")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A writer waits for its turn here; later SQLite would refuse it at once where another was faster.
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine
