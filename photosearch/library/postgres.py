"""A library's database on a PostgreSQL server, which several machines can share; pictures stay in the library's folder.

An advisory lock makes writers take turns, as in SQLite; readers see one snapshot. A migration is one transaction, so
no copy is made before it.
"""

from __future__ import annotations

import getpass
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from photosearch.errors import LibraryError, SettingsError
from photosearch.library.engine import LOCK_PATIENCE_S, Database, closed_after_errors

SETTING = "PHOTOSEARCH_DATABASE"
SCHEMES = ("postgresql", "postgres")
MIN_VERSION = 13  # the oldest supported by its makers when this was written
ANSWER_TIMEOUT_S = 60
_SESSION = """
    SET default_transaction_isolation = 'repeatable read';
    SET default_transaction_read_only = on;
    SET lock_timeout = '30s';
    SET idle_in_transaction_session_timeout = '60s';
    SET tcp_keepalives_idle = 30;
    SET tcp_keepalives_interval = 10;
    SET tcp_keepalives_count = 3
"""  # so that the locks of a machine that disappears are freed within two minutes
_LOCK_CLASS = 0x70686F74  # "phot": the first number of our advisory locks
_WRITER, _WORKER = 1, 2
_INDEXES = 1_000  # added to a collection's number: the lock for writing its index elsewhere
_WRITE = (
    "SET TRANSACTION ISOLATION LEVEL READ COMMITTED, READ WRITE;"  # so that it sees what others wrote while it waited
    f" SELECT pg_advisory_xact_lock({_LOCK_CLASS}, {_WRITER})"
)
_COUNT_WORKERS = (
    f"SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = {_LOCK_CLASS} AND objid = {_WORKER}"  # noqa: S608
    " AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)
_LOCK_NOT_AVAILABLE = "55P03"
_NEXT_STEPS = {  # by the beginning of the SQLSTATE
    "28": f"Check user and password in {SETTING}.",
    "3D": "Make one with: createdb --encoding=UTF8 --template=template0 NAME",
    "25006": f"Name the server that can be written in {SETTING}.",
    "42501": "Make the user the database's owner.",
    "53": "Free some space or connections on the server and try again; what was saved is safe.",
    "40": "Another run is writing. Try again in a moment.",
    _LOCK_NOT_AVAILABLE: "Another run is writing. Try again in a moment.",
    "": "Check that the server runs and can be reached, and try again; what was saved is safe.",
}
_TLS: dict[str, Callable[[], object]] = {  # by libpq's `sslmode`: the driver's `ssl_context`
    "disable": lambda: False,
    "prefer": lambda: None,
    "require": lambda: True,
    "verify-full": ssl.create_default_context,
}


class Postgres(Database):
    """A database on a server; its default schema has the library's tables and no others."""

    def __init__(self, url: str) -> None:
        """Connect to the database and check it; no tables are made yet.

        Raises:
            SettingsError: the URL cannot be used.
            LibraryError: the database cannot be reached or used.
        """
        parsed = read_url(url)
        name = f'Database "{parsed.database}" at {parsed.query.get("host") or parsed.host or "localhost"}'
        super().__init__(_open_engine(parsed), name, f"name another database in {SETTING}")
        try:
            self._check()
        except BaseException:
            self.engine.dispose()
            raise

    def _check(self) -> None:
        with self.reading() as connection:
            version, encoding = connection.exec_driver_sql(
                "SELECT current_setting('server_version_num')::int / 10000, current_setting('server_encoding')"
            ).one()
        if version < MIN_VERSION:
            raise LibraryError(f"{self.name} is PostgreSQL {version}. Use {MIN_VERSION} or newer.")
        if encoding != "UTF8":
            raise LibraryError(f"{self.name} keeps text as {encoding}, not as UTF8. {self._next_step('3D')}")

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Raise errors of the database, and of the network, as `LibraryError`."""
        try:
            with super().errors():
                yield
        except OSError as error:
            self.engine.dispose()  # its other connections are broken as well
            raise LibraryError(self._unreachable(error)) from error

    @contextmanager
    def lock(self) -> Iterator[Callable[[], None] | None]:
        """Take the worker lock, as in `Database.lock`; it is an advisory lock, which ends with its connection."""
        with self.errors():
            connection = self.engine.connect()
            connection.detach()  # so that it is closed at the end, not used by others
        one_at_a_time = threading.Lock()

        def check() -> None:
            with one_at_a_time, self.errors():
                try:
                    is_held = connection.exec_driver_sql(f"{_COUNT_WORKERS} AND pid = pg_backend_pid()").scalar_one()
                finally:
                    connection.rollback()  # a broken connection is opened again, without the lock
            if not is_held:
                raise LibraryError(
                    f"{self.name} was out of reach for a moment, and another run may have begun."
                    " Start this one again; what was saved is safe."
                )

        try:
            yield check if self._try_lock(connection, _WORKER, LOCK_PATIENCE_S) else None
        finally:
            _unlock(connection, _WORKER)

    @contextmanager
    def locked_index(self, number: int, folder: Path, patience_s: float) -> Iterator[bool]:  # noqa: ARG002
        """Hold the lock for writing a collection's index elsewhere, as `Database.locked_index` does."""
        with self.errors():
            connection = self.engine.connect()
            connection.detach()
        try:
            yield self._try_lock(connection, _INDEXES + number, patience_s)
        finally:
            _unlock(connection, _INDEXES + number)

    def _try_lock(self, connection: Connection, lock: int, patience_s: float) -> bool:
        with self.errors():
            try:
                connection.exec_driver_sql(
                    f"SET LOCAL lock_timeout = '{patience_s}s'; SELECT pg_advisory_lock({_LOCK_CLASS}, {lock})"
                )
                connection.commit()
            except DBAPIError as error:
                if _server_message(error).get("C") != _LOCK_NOT_AVAILABLE:
                    raise
                connection.rollback()
                return False
        return True

    def is_locked(self) -> bool:
        """Tell whether a run holds the worker lock."""
        with self.reading() as connection:
            return bool(connection.exec_driver_sql(_COUNT_WORKERS).scalar_one())

    def keep_copy(self, version: str) -> None:
        """Make no copy: a migration is one transaction, and databases on servers have backups of their own."""

    def _message(self, error: DBAPIError) -> str:
        fields = _server_message(error)
        if not fields:
            return self._unreachable(error.orig)
        reason, code = fields.get("M", "no reason given"), fields.get("C", "")
        return f"{self.name} cannot be used: {reason}. {self._next_step(code)}"

    def _unreachable(self, error: BaseException | None) -> str:
        causes = [e for e in _chain(error) if isinstance(e, OSError)]
        reason = (causes[0].strerror or causes[0]) if causes else error
        return f"{self.name} cannot be reached: {reason}. {_NEXT_STEPS['']}"

    @staticmethod
    def _next_step(code: str) -> str:
        return next(_NEXT_STEPS[code[:n]] for n in range(len(code), -1, -1) if code[:n] in _NEXT_STEPS)


def _unlock(connection: Connection, lock: int) -> None:
    """Free an advisory lock, and close its connection, which frees it in any case."""
    with suppress(SQLAlchemyError, OSError):
        connection.exec_driver_sql(f"SELECT pg_advisory_unlock({_LOCK_CLASS}, {lock})")
    with suppress(SQLAlchemyError, OSError):
        connection.close()


def read_url(url: str) -> URL:
    """Read a database's URL; raises `SettingsError`, whose message does not show it, since it may have a password."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        parsed = None
    is_whole = parsed is not None and parsed.drivername in SCHEMES and bool(parsed.database)
    if parsed is None or not is_whole or "@" in f"{parsed.host}{parsed.database}":  # the end of a password
        raise SettingsError(
            f"{SETTING} cannot be read. Set it to postgresql://user:password@host/name, with @ in a password"
            " written as %40 and / as %2F, or leave it out to keep the library in a file."
        )
    if parsed.query.keys() - {"sslmode", "host"} or parsed.query.get("sslmode", "prefer") not in _TLS:
        raise SettingsError(
            f"{SETTING} has an unknown option. There are sslmode ({', '.join(_TLS)})"
            " and host (the folder of a Unix socket)."
        )
    return parsed


def _open_engine(url: URL) -> Engine:
    folder = url.query.get("host")
    arguments: dict[str, Any] = {
        "password": url.password or "",  # where the server asks for one, the driver fails without
        "ssl_context": False if folder else _TLS[str(url.query.get("sslmode", "prefer"))](),
        "unix_sock": f"{folder}/.s.PGSQL.{url.port or 5432}" if folder else None,
        "timeout": ANSWER_TIMEOUT_S,
        "application_name": "photosearch",
    }
    user = url.username or getpass.getuser()
    plain = URL.create("postgresql+pg8000", user, host=url.host, port=url.port, database=url.database)
    engine = create_engine(plain, connect_args=arguments, pool_pre_ping=True)
    engine.dialect.use_insertmanyvalues_wo_returning = True  # many rows in a statement instead of one

    @event.listens_for(engine, "connect")
    def prepare(connection, _record) -> None:  # type: ignore[no-untyped-def]
        with closed_after_errors(connection):
            cursor = connection.cursor()
            cursor.execute(_SESSION)
            cursor.close()
            connection.commit()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        if connection.get_execution_options().get("writes", False):
            connection.exec_driver_sql(_WRITE)

    @event.listens_for(engine, "before_cursor_execute", retval=True)
    def clean(_connection, _cursor, statement, parameters, _context, _many):  # type: ignore[no-untyped-def]
        return statement, _clean(parameters)

    return engine


def _clean(values: Any) -> Any:
    """Return parameters without NUL, which PostgreSQL refuses.

    Raises:
        UnicodeEncodeError: a text is no Unicode; in the driver this would break the connection.
    """
    if isinstance(values, list | tuple):
        return type(values)(_clean(value) for value in values)
    if isinstance(values, str):
        values.encode()
        return values.replace("\0", "") if "\0" in values else values
    return values


def _server_message(error: DBAPIError) -> dict[str, str]:
    """Return the fields of the server's error, by their letters (C: SQLSTATE, M: message); empty where it sent none."""
    for cause in _chain(error.orig):
        if cause.args and isinstance(cause.args[0], dict):
            return cause.args[0]
    return {}


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
