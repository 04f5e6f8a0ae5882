"""Indexes in files and in Milvus, over which the same tests run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import pytest

from photosearch.library import CollectionVersion
from photosearch.records import Document
from photosearch.search.index import Index, SearchIndex, Tables
from photosearch.search.milvus.address import Address, read_address
from photosearch.search.milvus.index import MilvusIndex
from photosearch.search.milvus.server import Server
from photosearch.search.milvus.store import Store
from photosearch.search.milvus.writing import fill

MakeIndex = Callable[..., SearchIndex]


@pytest.fixture(scope="session")
def milvus(tmp_path_factory: pytest.TempPathFactory) -> Address:
    """A file of Milvus Lite, which all tests share as libraries share a server."""
    return read_address(f"milvus://{tmp_path_factory.mktemp('milvus')}/photos.db")


@pytest.fixture(scope="session")
def milvus_server(milvus: Address) -> Iterator[Server]:
    server = Server(milvus)
    yield server
    server.close()


@pytest.fixture(scope="session")
def make_milvus_index(milvus_server: Server) -> MakeIndex:
    """Return a function that writes documents to Milvus, once, and returns their index."""
    made: dict[str, MilvusIndex] = {}

    def make(documents: Sequence[Document] = (), tables: Tables | None = None) -> SearchIndex:
        tables = tables or Tables()
        key = repr((documents, tables))
        if key not in made:
            store = Store(milvus_server, f"test_{len(made)}", tables)
            stored = fill(store, Index(documents, tables), CollectionVersion(1, "token"), tables)
            made[key] = MilvusIndex(store, stored, tables)
        return made[key]

    return make


@pytest.fixture(params=["files", "milvus"])
def make_index(request: pytest.FixtureRequest) -> MakeIndex:
    """Return a function that makes an index of documents, in files or in Milvus; a test with it runs over both."""
    return Index if request.param == "files" else request.getfixturevalue("make_milvus_index")
