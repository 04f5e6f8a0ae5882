"""A saved index, damaged: it is refused, or answers as before."""

import json
import tempfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hypothesis import strategies as st

from photosearch.errors import IndexDamaged
from photosearch.search.index import Index
from photosearch.search.index.storage import Store
from tests.fuzz.photos import TABLES, answers, make_photos

MANIFEST = "index.json"
Files = dict[str, bytes]
Damage = Callable[[Files], None]
PLACES = st.floats(0, 1, exclude_max=True)  # of a file among all, of a byte in a file
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(["..", "/", "\0"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def saved_files() -> Files:
    """An index that has grown and lost photos, as it lies on disk."""
    photos = make_photos()
    with tempfile.TemporaryDirectory() as scratch:
        store = Store(Path(scratch))
        index = Index(photos[:25], tables=TABLES)
        store.save(index, 1)
        store.save(index.updated(photos[20:], ["photo-03"]), 2)
        found = sorted(path for path in Path(scratch).rglob("*") if path.is_file())
        return {str(path.relative_to(scratch)): path.read_bytes() for path in found}


def _name(files: Files, place: float) -> str:
    return sorted(files)[int(place * len(files))]


@dataclass(frozen=True)
class Flip:
    """Some bits of a byte."""

    file: float
    at: float
    mask: int

    def __call__(self, files: Files) -> None:
        name = _name(files, self.file)
        content = bytearray(files[name])
        if content:
            content[int(self.at * len(content))] ^= self.mask
        files[name] = bytes(content)


@dataclass(frozen=True)
class Cut:
    """The end of a file is lost."""

    file: float
    at: float

    def __call__(self, files: Files) -> None:
        name = _name(files, self.file)
        files[name] = files[name][: int(self.at * len(files[name]))]


@dataclass(frozen=True)
class Extend:
    """A file has more than it had."""

    file: float
    more: bytes

    def __call__(self, files: Files) -> None:
        files[_name(files, self.file)] += self.more


@dataclass(frozen=True)
class Swap:
    """Two files in each other's place."""

    one: float
    other: float

    def __call__(self, files: Files) -> None:
        one, other = _name(files, self.one), _name(files, self.other)
        files[one], files[other] = files[other], files[one]


@dataclass(frozen=True)
class Delete:
    """A file is lost."""

    file: float

    def __call__(self, files: Files) -> None:
        del files[_name(files, self.file)]


@dataclass(frozen=True)
class Rewrite:
    """Something else in the manifest, whose own checksum is right."""

    way: tuple[float, ...]  # through what nests in it
    value: object

    def __call__(self, files: Files) -> None:
        try:
            root = [json.loads(files[MANIFEST].partition(b"\n")[2])]
        except (KeyError, ValueError):  # damaged before
            return
        holder, key = root, 0
        for place in self.way:
            inner = holder[key]
            keys = sorted(inner) if isinstance(inner, dict) else range(len(inner)) if isinstance(inner, list) else ()
            if not keys:
                break
            holder, key = inner, keys[int(place * len(keys))]
        holder[key] = self.value
        told = json.dumps(root[0]).encode()
        files[MANIFEST] = f"{zlib.crc32(told):08x}\n".encode() + told


DAMAGES = st.lists(
    st.one_of(
        st.builds(Flip, PLACES, PLACES, st.integers(1, 255)),
        st.builds(Cut, PLACES, PLACES),
        st.builds(Extend, PLACES, st.binary(min_size=1, max_size=40)),
        st.builds(Swap, PLACES, PLACES),
        st.builds(Delete, PLACES),
        st.builds(Rewrite, st.lists(PLACES, max_size=3).map(tuple), JSON),
    ),
    min_size=1,
    max_size=3,
)


class Reading:
    """A saved index that is damaged anew each time."""

    def __init__(self) -> None:
        self._files = saved_files()
        self._expected = answers(self._open(self._files))
        self.n_refused = 0

    def __call__(self, damages: list[Damage]) -> None:
        """Damage it and open it; raises `AssertionError` where it is not refused and answers otherwise."""
        files = dict(self._files)
        for damage in damages:
            damage(files)
        try:
            index = self._open(files)
        except IndexDamaged:
            self.n_refused += 1
            return
        if index is not None:
            assert answers(index) == self._expected, "it answers otherwise than before"

    @staticmethod
    def _open(files: Files) -> Index | None:
        with tempfile.TemporaryDirectory() as scratch:
            for name, content in files.items():
                path = Path(scratch, name)
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(content)
            found = Store(Path(scratch)).open(TABLES)
            assert found is None or type(found.generation) is int, f"generation {found.generation!r}"
            return None if found is None else found.index
