"""A private PostgreSQL server; run as a command, exits with status 0 if its programs are installed."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

import pg8000.dbapi

USER, PASSWORD = "photosearch", "s3cret/word@home"
QUOTED = quote(PASSWORD, safe="")
PATIENCE_S = 60
_AS_ROOT = "postgres"  # the user that Debian's package creates, since PostgreSQL refuses to run as root
_CONFIG = """
fsync = off
synchronous_commit = off
full_page_writes = off
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 50
shared_buffers = 32MB
"""


def find() -> Path | None:
    """Return the folder of the newest server's programs: on the path, or where Debian installs them."""
    if path := shutil.which("initdb"):
        return Path(path).parent
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    return max(found, key=lambda path: int(path.parent.name), default=None)


class Server:
    """A cluster in a folder of its own, on a free port, that sorts text by English rules."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs = programs
        self._folder = folder
        self._data = folder / "data"
        self._process: subprocess.Popen | None = None
        self._user = {"user": _AS_ROOT, "group": _AS_ROOT, "extra_groups": []} if os.geteuid() == 0 else {}
        if self._user:
            shutil.chown(folder, _AS_ROOT, _AS_ROOT)
        password = folder / "password"
        password.write_text(PASSWORD)
        password.chmod(0o644)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        sorts = ["--encoding=UTF8", "--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en-US"]
        access = [f"--username={USER}", f"--pwfile={password}", "--auth=scram-sha-256", "--no-sync"]
        subprocess.run(
            [programs / "initdb", "--pgdata", self._data, *sorts, *access],
            check=True,
            capture_output=True,
            cwd=folder,
            **self._user,
        )
        with (self._data / "postgresql.conf").open("a") as config:
            config.write(f"{_CONFIG}port = {self.port}\n")

    def start(self) -> None:
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._programs / "postgres", "-D", self._data],
                stdout=log,
                stderr=log,
                cwd=self._folder,
                **self._user,
            )
        ends = time.monotonic() + PATIENCE_S
        while True:
            try:
                self.execute("SELECT 1")
                return
            except pg8000.dbapi.Error:
                if self._process.poll() is not None or time.monotonic() > ends:
                    raise RuntimeError((self._folder / "log").read_text()) from None
                time.sleep(0.05)

    def stop(self) -> None:
        """End the server and all connections at once, as an orderly shutdown of its machine does."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(PATIENCE_S)
            self._process = None

    def execute(self, statement: str, database: str = "postgres") -> list[list]:
        with closing(
            pg8000.dbapi.connect(
                user=USER,
                password=PASSWORD,
                host="127.0.0.1",
                port=self.port,
                database=database,
                ssl_context=False,
            )
        ) as connection:
            connection.autocommit = True
            cursor = connection.cursor()
            cursor.execute(statement)
            return [list(row) for row in cursor.fetchall()] if cursor.description else []

    def url(self, database: str, password: str = QUOTED) -> str:
        return f"postgresql://{USER}:{password}@127.0.0.1:{self.port}/{database}"


@contextmanager
def serving(programs: Path) -> Iterator[Server]:
    """Run a server while the block lasts, then delete its files."""
    folder = Path(tempfile.mkdtemp(prefix="photosearch-postgres-"))
    try:
        server = Server(programs, folder)
        try:
            server.start()
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(find() is None)
