"""A Milvus server, or a file of Milvus Lite; the only module that imports pymilvus."""

from __future__ import annotations

import logging
import re
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from photosearch.errors import IndexOutOfReach
from photosearch.search.milvus.address import SETTING, Address

if TYPE_CHECKING:
    from pymilvus import MilvusClient

Row = Mapping[str, Any]
CONNECT_S, READ_S, WRITE_S = 5, 20, 120  # the longest that one waits
LEAST_VERSION = (2, 4)  # the first with sparse vectors
MOST_FOUND = 16_384  # the most that Milvus returns at once
_AT_ONCE = 500  # rows written or read together
MAX_ITEMS = 4_096  # of an array
MAX_CHARS = 65_535  # of a text
VECTOR = "terms"
PHOTO_FIELDS = ("id", VECTOR, "taken", "flags", "facets", "sure", "pairs", "norm", "data")
PART_FIELDS = ("id", "n", "data", "unused")
_ARRAYS = ("facets", "sure", "pairs")
# pymilvus asks whether the server is alive each ten seconds, which gRPC's servers take for an attack.
_KEEP_ALIVE = {"grpc.keepalive_time_ms": 300_000, "grpc.keepalive_permit_without_calls": False}
_NO_RIGHTS = re.compile(r"auth|permission|privilege|denied|not allowed", re.IGNORECASE)
_INSTALL = "Install it with: pip install -r requirements-milvus.txt"


class Server:
    """A connection that is made when first used. Use from any thread."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self.name = address.name
        self._client: MilvusClient | None = None
        self._connecting = threading.Lock()
        self._is_lite = False
        self._loaded: set[str] = set()  # collections, since the connection was made

    def close(self) -> None:
        """Close the connection; it is made again when it is used."""
        with self._connecting:
            client, self._client = self._client, None
            self._loaded.clear()
        if client is not None:
            with suppress(Exception):  # a connection that is broken
                client.close()

    # Collections of Milvus

    def names(self, start: str) -> list[str]:
        """Return the names of the collections that begin so."""
        with self._errors():
            return sorted(name for name in self._open().list_collections(timeout=READ_S) if name.startswith(start))

    def load(self, name: str) -> None:
        """Have a collection searched, which it is not by itself after a restart of the server."""
        if name not in self._loaded:
            with self._errors():
                self._open().load_collection(name, timeout=WRITE_S)
            self._loaded.add(name)

    def fields(self, name: str) -> tuple[str, ...]:
        """Return the names of a collection's fields."""
        with self._errors():
            described = self._open().describe_collection(name, timeout=READ_S)
        return tuple(field["name"] for field in described["fields"])

    def make_photos(self, name: str) -> None:
        """Make a collection of photos' rows."""
        from pymilvus import DataType

        with self._errors():
            client = self._open()
            schema = client.create_schema(auto_id=False, enable_dynamic_field=False)
            schema.add_field("id", DataType.VARCHAR, is_primary=True, max_length=32)
            schema.add_field(VECTOR, DataType.SPARSE_FLOAT_VECTOR)
            schema.add_field("taken", DataType.INT64)
            schema.add_field("flags", DataType.INT8)
            for array in _ARRAYS:
                schema.add_field(array, DataType.ARRAY, element_type=DataType.INT64, max_capacity=MAX_ITEMS)
            schema.add_field("norm", DataType.DOUBLE)
            schema.add_field("data", DataType.VARCHAR, max_length=MAX_CHARS)
            indexes = client.prepare_index_params()
            indexes.add_index(VECTOR, index_type="SPARSE_INVERTED_INDEX", metric_type="IP")
            for array in () if self._is_lite else _ARRAYS:  # Milvus Lite has none for arrays
                indexes.add_index(array, index_type="INVERTED")
            self._create(name, schema, indexes)

    def make_parts(self, name: str) -> None:
        """Make a collection of texts by their names."""
        from pymilvus import DataType

        with self._errors():
            client = self._open()
            schema = client.create_schema(auto_id=False, enable_dynamic_field=False)
            schema.add_field("id", DataType.VARCHAR, is_primary=True, max_length=100)
            schema.add_field("n", DataType.INT64)
            schema.add_field("data", DataType.VARCHAR, max_length=MAX_CHARS)
            schema.add_field("unused", DataType.FLOAT_VECTOR, dim=2)  # every collection must have a vector
            indexes = client.prepare_index_params()
            indexes.add_index("unused", index_type="FLAT", metric_type="L2")
            self._create(name, schema, indexes)

    def _create(self, name: str, schema: Any, indexes: Any) -> None:
        # "Strong": whoever has corrected a caption finds it in the next search.
        self._open().create_collection(
            name, schema=schema, index_params=indexes, consistency_level="Strong", timeout=WRITE_S
        )

    def drop(self, names: Sequence[str]) -> None:
        """Remove collections."""
        for name in names:
            with self._errors():
                self._open().drop_collection(name, timeout=WRITE_S)

    # Rows

    def write(self, name: str, rows: Sequence[Row]) -> None:
        """Add rows, in place of those with the same ids."""
        for first in range(0, len(rows), _AT_ONCE):
            with self._errors():
                self._open().upsert(name, [dict(row) for row in rows[first : first + _AT_ONCE]], timeout=WRITE_S)

    def delete(self, name: str, ids: Sequence[str]) -> None:
        """Remove rows by their ids; those that there are not are left out."""
        for first in range(0, len(ids), _AT_ONCE):
            with self._errors():
                self._open().delete(name, ids=list(ids[first : first + _AT_ONCE]), timeout=WRITE_S)

    def read(self, name: str, ids: Sequence[str], fields: Sequence[str]) -> dict[str, Row]:
        """Return rows by their ids; those that there are not are left out."""
        found: dict[str, Row] = {}
        for first in range(0, len(ids), _AT_ONCE):
            with self._errors():
                some = list(ids[first : first + _AT_ONCE])
                rows = self._open().get(name, some, output_fields=["id", *fields], timeout=READ_S)
            found.update((row["id"], row) for row in rows)
        return found

    def select(self, name: str, expression: str, fields: Sequence[str], limit: int = MOST_FOUND) -> list[Row]:
        """Return rows for which an expression is true, in no order."""
        with self._errors():
            chosen = ["id", *fields]
            return list(self._open().query(name, filter=expression, output_fields=chosen, limit=limit, timeout=READ_S))

    def search(
        self, name: str, vector: Mapping[int, float], expression: str, n: int, fields: Sequence[str] = ()
    ) -> list[tuple[str, float, Row]]:
        """Return the id, inner product and fields of the rows with the largest ones, all above 0, best first."""
        with self._errors():
            (hits,) = self._open().search(
                name,
                data=[dict(vector)],
                anns_field=VECTOR,
                filter=expression,
                limit=n,
                output_fields=list(fields) or ["id"],
                search_params={"metric_type": "IP"},
                timeout=READ_S,
            )
        return [(hit["id"], float(hit["distance"]), hit["entity"]) for hit in hits if hit["distance"] > 0]

    def settle(self, name: str) -> None:
        """Have what was written taken into the index of vectors; without, searching is slower."""
        with self._errors():
            self._open().flush(name, timeout=WRITE_S)

    # The connection

    def _open(self) -> MilvusClient:
        with self._connecting:
            if self._client is None:
                self._client = self._connect()
            return self._client

    def _connect(self) -> MilvusClient:
        if not self._address.is_file:
            try:  # pymilvus does not say why it cannot connect
                socket.create_connection((self._address.host, self._address.port), CONNECT_S).close()
            except OSError as error:
                raise IndexOutOfReach(f"{self.name} does not answer: {error.strerror or error}.") from error
        elif not Path(self._address.uri).parent.is_dir():
            raise IndexOutOfReach(f"{self.name} cannot be made: there is no such folder. Check {SETTING}.")
        try:
            from pymilvus import MilvusClient
        except ImportError as error:
            raise IndexOutOfReach(f"{SETTING} is set, but pymilvus is not installed. {_INSTALL}") from error
        for noisy in ("pymilvus", "milvus_lite", "grpc"):  # they log errors that are raised as well
            logging.getLogger(noisy).setLevel(logging.CRITICAL + 1)
        try:
            client = MilvusClient(
                self._address.uri,
                token=self._address.token,
                db_name=self._address.database,
                timeout=CONNECT_S,
                grpc_options=_KEEP_ALIVE,
            )
        except Exception as error:
            if self._address.is_file:
                raise IndexOutOfReach(self._unopened(error)) from error
            raise
        self._check_version(client)
        return client

    def _unopened(self, error: Exception) -> str:
        if "is required" in str(error):
            return f"{self.name} takes milvus-lite, which is not installed. {_INSTALL}"
        return (
            f"{self.name} cannot be opened: another process has it open, or it is damaged. Only one process at a time"
            " uses such a file; remove a damaged one, and it is made anew from the library."
        )

    def _check_version(self, client: MilvusClient) -> None:
        version = str(client.get_server_version(timeout=CONNECT_S))
        self._is_lite = "lite" in version
        numbers = re.search(r"(\d+)\.(\d+)", version)
        if numbers is None or (int(numbers[1]), int(numbers[2])) < LEAST_VERSION:
            least = ".".join(map(str, LEAST_VERSION))
            raise IndexOutOfReach(f"{self.name} is version {version[:40]}. Use {least} or newer.")

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Raise what pymilvus raises as `IndexOutOfReach`, in one line that shows no password."""
        try:
            yield
        except IndexOutOfReach:
            raise
        except Exception as error:  # of many kinds, from the network to the server's own
            raise IndexOutOfReach(f"{self.name} {self._reason(error)}") from error

    def _reason(self, error: Exception) -> str:
        details = getattr(error, "details", None)  # of an error of gRPC
        message = details() if callable(details) else getattr(error, "message", "")
        text = " ".join(str(message or error or type(error).__name__).split())
        for part in filter(None, (self._address.token, *self._address.token.split(":"))):
            text = text.replace(part, "…")
        if "Fail connecting" in text:  # pymilvus names the address again, and guesses why
            return "does not answer."
        if _NO_RIGHTS.search(text):
            return f"refuses: {text[:200]}. Check user and password in {SETTING}."
        return f"failed: {text[:200].rstrip('.')}."
