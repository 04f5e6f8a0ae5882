"""Damage a saved index: it must be refused, or answer as before."""

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
PLACES = st.floats(0, 1, exclude_max=True)  # relative: of a file among all files, of a byte in a file
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(["..", "/", "\0"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def saved_files() -> Files:
    """Return the files of an index that was updated once."""
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
    """Damage: some bits of a byte are flipped."""

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
    """Damage: the end of a file is lost."""

    file: float
    at: float

    def __call__(self, files: Files) -> None:
        name = _name(files, self.file)
        files[name] = files[name][: int(self.at * len(files[name]))]


@dataclass(frozen=True)
class Extend:
    """Damage: bytes are appended to a file."""

    file: float
    more: bytes

    def __call__(self, files: Files) -> None:
        files[_name(files, self.file)] += self.more


@dataclass(frozen=True)
class Swap:
    """Damage: two files are swapped."""

    one: float
    other: float

    def __call__(self, files: Files) -> None:
        one, other = _name(files, self.one), _name(files, self.other)
        files[one], files[other] = files[other], files[one]


@dataclass(frozen=True)
class Delete:
    """Damage: a file is lost."""

    file: float

    def __call__(self, files: Files) -> None:
        del files[_name(files, self.file)]


@dataclass(frozen=True)
class Rewrite:
    """Damage: a value of the manifest is replaced, with a right checksum."""

    way: tuple[float, ...]  # the relative place at each level
    value: object

    def __call__(self, files: Files) -> None:
        try:
            root = [json.loads(files[MANIFEST].partition(b"\n")[2])]
        except (KeyError, ValueError):  # damaged already
            return
        holder, key = root, 0
        for place in self.way:
            inner = holder[key]
            keys = sorted(inner) if isinstance(inner, dict) else range(len(inner)) if isinstance(inner, list) else ()
            if not keys:
                break
            holder, key = inner, keys[int(place * len(keys))]
        holder[key] = self.value
        content = json.dumps(root[0]).encode()
        files[MANIFEST] = f"{zlib.crc32(content):08x}\n".encode() + content


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
    """Check that opens a saved index after damaging a copy of its files."""

    def __init__(self) -> None:
        self._files = saved_files()
        self._expected = answers(self._open(self._files))
        self.n_refused = 0

    def __call__(self, damages: list[Damage]) -> None:
        """Damage a copy and open it; raises `AssertionError` when it opens and answers otherwise than before."""
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
