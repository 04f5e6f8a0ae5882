"""One collection's photos and counts in Milvus, and what state of the library they are of.

Two collections of Milvus hold a build: photosearch_TOKEN_NUMBER_BUILD_photos and ..._parts, with the library's token
and the collection's number. Parts are texts by their names: a record of what is in force, portions of the counts, a
journal. Whoever writes holds the library's lock (`photosearch.library.elsewhere`), and commits by writing the record,
which names the portions in force. Before a batch of photos is written, the journal gets what they replace: the next one
who writes takes a batch back that was begun and not committed. A new build takes the place of the old one when it is
complete.
"""

from __future__ import annotations

import base64
import json
import secrets
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace

from photosearch.errors import IndexOutOfReach
from photosearch.library import CollectionVersion
from photosearch.search.index import Tables
from photosearch.search.index.segment import Segment
from photosearch.search.milvus.counts import Counts, read_portion
from photosearch.search.milvus.rows import Names, read_rows
from photosearch.search.milvus.server import MAX_CHARS, PART_FIELDS, PHOTO_FIELDS, Row, Server

FORMAT = 1
_PREFIX = "photosearch"
_RECORD = "record"
_JOURNAL = "journal"
_UNUSED = [0.0, 0.0]
_SLICE = 500  # photos read together, on average


@dataclass(frozen=True)
class Record:
    """What a build holds."""

    generation: int  # of the collection in the library that it was made from
    token: str  # of that generation
    made_of: str  # a digest of what it depends on besides photos
    n_photos: int
    n_dated: int
    n: int = 1  # raised by every batch
    drift: float = 0.0  # the largest relative error of norms, as `drift.measure` found it
    n_unmeasured: int = 0  # photos changed since
    portions: Mapping[str, list[int]] = field(default_factory=dict)  # by name: the batch that wrote it, its texts
    format: int = FORMAT

    @property
    def version(self) -> CollectionVersion:
        """Return the state of the library's collection."""
        return CollectionVersion(self.generation, self.token)


@dataclass(frozen=True, eq=False)
class Stored:
    """A build as it was read."""

    build: str
    record: Record
    counts: Counts


class Store:
    """The builds of one collection."""

    def __init__(self, server: Server, name: str, tables: Tables) -> None:
        self.server = server
        self._start = f"{_PREFIX}_{name}_"
        self._tables = tables
        self._portions: dict[tuple[str, str, int], dict] = {}  # read last, by build, name and batch
        self._journal: list[str] = []  # the rows of the journal written last

    def photos_of(self, build: str) -> str:
        """Return the name of a build's collection of photos."""
        return f"{self._start}{build}_photos"

    def _parts_of(self, build: str) -> str:
        return f"{self._start}{build}_parts"

    # Builds

    def builds(self) -> list[str]:
        """Return the builds there are, complete or not."""
        names = self.server.names(self._start)
        return sorted({name.removeprefix(self._start).partition("_")[0] for name in names})

    def make_build(self) -> str:
        """Make an empty build."""
        build = secrets.token_hex(4)
        self.server.make_photos(self.photos_of(build))
        self.server.make_parts(self._parts_of(build))
        return build

    def drop_others(self, build: str | None = None) -> None:
        """Remove all builds but one."""
        kept = () if build is None else (self.photos_of(build), self._parts_of(build))
        self.server.drop([name for name in self.server.names(self._start) if name not in kept])

    # Reading

    def read(self) -> Stored | None:
        """Read the build in force; None where there is none that fits.

        Raises:
            IndexOutOfReach: Milvus cannot be reached, or a collection of this name is not ours.
        """
        found = [stored for build in self.builds() if (stored := self._read(build)) is not None]
        return max(found, key=lambda stored: (stored.record.generation, stored.record.n), default=None)

    def _read(self, build: str) -> Stored | None:
        photos, parts = self.photos_of(build), self._parts_of(build)
        present = self.server.names(self._start)
        if photos not in present or parts not in present:
            return None
        for name, expected in ((photos, PHOTO_FIELDS), (parts, PART_FIELDS)):
            if sorted(self.server.fields(name)) != sorted(expected):
                raise IndexOutOfReach(
                    f'{self.server.name} has a collection "{name}" that photosearch did not make.'
                    " Rename or remove it there, or choose another database."
                )
            self.server.load(name)
        row = self.server.read(parts, [_RECORD], ["data"]).get(_RECORD)
        if row is None:
            return None
        values = json.loads(_unpacked(row["data"]))
        if values.get("format") != FORMAT or values.get("made_of") != self._tables.fingerprint:
            return None
        record = Record(**values)
        return Stored(build, record, self._read_counts(build, record))

    def _read_counts(self, build: str, record: Record) -> Counts:
        wanted = {(build, name, batch): n for name, (batch, n) in record.portions.items()}
        missing = {key: n for key, n in wanted.items() if key not in self._portions}
        ids = [_part_id(name, batch, part) for (_, name, batch), n in missing.items() for part in range(n)]
        texts = self.server.read(self._parts_of(build), ids, ["data"])
        try:
            for (_, name, batch), n in missing.items():
                whole = "".join(texts[_part_id(name, batch, part)]["data"] for part in range(n))
                self._portions[build, name, batch] = read_portion(whole)
        except (KeyError, ValueError, zlib.error) as error:
            raise IndexOutOfReach(f"The counts in {self.server.name} are incomplete. Try again.") from error
        self._portions = {key: portion for key, portion in self._portions.items() if key in wanted}
        by_name = {name: portion for (_, name, _), portion in self._portions.items()}
        return Counts.joined(by_name, record.n_photos, record.n_dated, self._tables)

    def read_photos(self, stored: Stored, ids: Sequence[str]) -> dict[str, str]:
        """Return the data of photos by their ids."""
        rows = self.server.read(self.photos_of(stored.build), ids, ["data"])
        return {photo_id: row["data"] for photo_id, row in rows.items()}

    def segment(self, rows: Mapping[str, str], counts: Counts) -> Segment | None:
        """Return photos' data as a segment; None for none."""
        return read_rows(list(rows.values()), list(rows), Names.of(counts.lexicon)) if rows else None

    def slices(self, stored: Stored) -> Iterator[str]:
        """Yield expressions that all photos fall under, each some hundreds; their ids are random."""
        n = max(1, stored.record.n_photos // _SLICE)
        bounds = [f"{(1 << 64) * number // n:016x}" for number in range(1, n)]
        for low, high in zip(["", *bounds], [*bounds, ""], strict=True):
            parts = [f'id >= "{low}"'] * bool(low) + [f'id < "{high}"'] * bool(high)
            yield " and ".join(parts)

    # Writing, by whoever holds the lock

    def begin(self, stored: Stored, replaced: Mapping[str, str | None]) -> None:
        """Write the journal of a batch: the data of photos that will be written or deleted, None for new ones."""
        n = stored.record.n + 1
        n_texts = self._write_text(stored.build, _JOURNAL, n, _packed(json.dumps(replaced)))
        self._journal = [_part_id(_JOURNAL, n, part) for part in range(n_texts)]

    def unfinished(self, stored: Stored) -> dict[str, str | None]:
        """Return the journal of a batch that was begun and not committed."""
        parts = self._parts_of(stored.build)
        n = stored.record.n + 1
        rows = self.server.select(parts, f"n == {n}", ["data"])
        texts = {row["id"]: row["data"] for row in rows if row["id"].startswith(f"{_JOURNAL}/")}
        self._journal = list(texts)
        whole = "".join(texts.get(_part_id(_JOURNAL, n, part), "") for part in range(len(texts)))
        try:
            return json.loads(_unpacked(whole)) if texts else {}
        except (ValueError, zlib.error):  # the journal itself was not written to its end
            return {}

    def forget_journal(self, stored: Stored) -> None:
        """Delete the journal that was written or read last."""
        self.server.delete(self._parts_of(stored.build), self._journal)
        self._journal = []

    def write_photos(self, stored: Stored, rows: Sequence[Row], gone: Sequence[str] = ()) -> None:
        """Write and delete photos."""
        self.server.write(self.photos_of(stored.build), rows)
        self.server.delete(self.photos_of(stored.build), gone)

    def commit(self, stored: Stored, record: Record, counts: Counts, before: Counts | None = None) -> Stored:
        """Write the counts that have changed, and the record, with which they are in force."""
        parts = self._parts_of(stored.build)
        n = record.n
        portions = dict(record.portions)
        for name, text in counts.portions(before):
            portions[name] = [n, self._write_text(stored.build, name, n, text)]
        record = replace(record, portions=portions, n_photos=counts.n_photos, n_dated=counts.n_dated)
        self.server.write(parts, [_part(_RECORD, n, _packed(json.dumps(asdict(record))))])
        obsolete = [
            _part_id(name, batch, part)
            for name, (batch, n_texts) in stored.record.portions.items()
            if portions.get(name, [batch])[0] != batch
            for part in range(n_texts)
        ]
        self.server.delete(parts, [*obsolete, *self._journal])
        self._journal = []
        return Stored(stored.build, record, counts)

    def _write_text(self, build: str, name: str, n: int, text: str) -> int:
        """Write a text in as many rows as it takes; return how many."""
        texts = [text[first : first + MAX_CHARS] for first in range(0, len(text), MAX_CHARS)]
        rows = [_part(_part_id(name, n, number), n, own) for number, own in enumerate(texts)]
        self.server.write(self._parts_of(build), rows)
        return len(rows)


def _part(part_id: str, n: int, text: str) -> Row:
    return {"id": part_id, "n": n, "data": text, "unused": _UNUSED}


def _part_id(name: str, batch: int, part: int) -> str:
    return f"{name}/{batch}/{part}"


def _packed(text: str) -> str:
    return base64.b64encode(zlib.compress(text.encode(), 1)).decode()


def _unpacked(text: str) -> str:
    return zlib.decompress(base64.b64decode(text)).decode()
