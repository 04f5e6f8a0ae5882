from __future__ import annotations

import gc
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from itertools import count
from pathlib import Path

import pytest

from photosearch.library import Library
from photosearch.settings import Settings
from photosearch.workspace import Workspace
from tests.postgres.server import Server, find, serving

TEMPLATE = "made"  # a database with the tables in it, from which each test's is copied
_number = count(1)


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    programs = find()
    if programs is None:
        pytest.skip("there is no PostgreSQL server to start; tests/postgres/install.sh installs one")
    with serving(programs) as server:
        yield server


@pytest.fixture(scope="session")
def template(server: Server, tmp_path_factory: pytest.TempPathFactory) -> str:
    server.execute(f"CREATE DATABASE {TEMPLATE}")
    Library(tmp_path_factory.mktemp("template"), server.url(TEMPLATE)).close()
    return TEMPLATE


@pytest.fixture
def make_database(server: Server) -> Iterator[Callable[..., str]]:
    """Return a function that creates a database, as `make_database("TEMPLATE made")`, and returns its URL."""
    names = []

    def make(options: str = "") -> str:
        name = f"test{next(_number)}"
        server.execute(f"CREATE DATABASE {name} {options}")
        names.append(name)
        return server.url(name)

    yield make
    for name in names:
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def database(template: str, make_database: Callable[..., str]) -> str:
    """Return the URL of a database with an empty library."""
    return make_database(f"TEMPLATE {template}")


@pytest.fixture
def open_library(tmp_path: Path) -> Iterator[Callable[[str], Library]]:
    """Return a function that opens the library of a URL, which is closed after the test."""
    with ExitStack() as opened:

        def open_one(url: str) -> Library:
            return opened.enter_context(closing(Library(tmp_path / "library", url)))

        yield open_one


@pytest.fixture
def library(open_library: Callable[[str], Library], database: str) -> Library:
    return open_library(database)


@pytest.fixture
def workspace(tmp_path: Path, database: str, tiny_models: Path) -> Iterator[Workspace]:
    opened = Workspace(Settings(tmp_path / "library", models_dir=tiny_models, database=database))
    yield opened
    opened.close()


@pytest.fixture
def breaking(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Allow a test to break connections, whose sockets the driver leaves to the garbage collector.

    A mark set here would come too late: pytest reads a test's marks before it sets up the fixtures.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # it may collect them at any time
        yield
        caplog.get_records("call").clear()  # whose errors hold them
        gc.collect()
