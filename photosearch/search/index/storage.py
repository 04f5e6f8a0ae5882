"""An index on disk: plain numpy arrays that several processes map into memory and share.

    index.json           what belongs together: format, generation, each file with its length and checksum; its own
    lexicon-*.json       the names of terms, words, objects and hashtags, by number
    state-*.npy          which photos are alive, document frequencies, the words' counts, norms and the IDF they have
    segment-*.npy        the arrays of a segment

A .npy file holds its arrays one after another, each as `numpy.save` writes it. Files are written under new names, and
never changed; `index.json` is replaced whole at the end. So a process that is killed while saving leaves the index as
it was, and a process that has it open keeps the older files. Checksums reveal files half written when power was lost;
a large index, which takes minutes to make anew, is on the disk before anything refers to it.

The segments of a large index are written one after another while it is made, so that it never has to fit into memory.
"""

from __future__ import annotations

import contextlib
import io
import json
import mmap
import uuid
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

import numpy as np

from photosearch.errors import IndexDamaged
from photosearch.files import force_to_disk, make_folder, mode_within, write_whole
from photosearch.search.fields import ALL
from photosearch.search.index.index import Index
from photosearch.search.index.lexicon import Lexicon
from photosearch.search.index.segment import NAMES, Segment
from photosearch.search.index.state import State
from photosearch.search.index.tables import Tables
from photosearch.search.index.views import View

FORMAT = 4
_MANIFEST = "index.json"
_MAX_HEAD = 4096  # bytes at most of an array's header (its shape and type)
_ALIGNED = 64  # bytes; every array starts at a multiple
_TRIES = 100  # at opening an index that is being replaced
_N_STATE = 5  # arrays of a state
_DURABLE_BYTES = 1 << 26  # an index of at least this size takes longer to make anew than to force onto the disk


class _Manifest(TypedDict):
    format: int
    made_of: str
    generation: int
    token: str
    lexicon: str
    state: str
    segments: list[str]
    files: dict[str, list[int]]  # length and CRC-32


@dataclass(frozen=True)
class Saved:
    """An index that was read from disk, and what it was made from."""

    index: Index
    generation: int  # of the collection that it was made from
    token: str  # of that generation


class Store:
    """The folder of one index. One process at a time writes; any number read."""

    def __init__(self, folder: Path, made_of: str = "") -> None:
        """Take the folder, and `made_of`: a digest of what the index depends on besides its photos."""
        self.folder = folder
        self._made_of = made_of
        self._names: dict[int, str] = {}  # the file of each segment saved, by its address in memory
        self._held: list[Segment] = []  # keeps the segments alive, so that no other one gets their addresses
        self._kept: dict[str, list[int]] = {}  # segments written since the last save, as in a manifest's files

    def open(self, tables: Tables) -> Saved | None:
        """Map the index into memory; return None when there is none.

        Raises:
            IndexDamaged: it cannot be read, or does not fit.
        """
        before: _Manifest | None = None
        for _ in range(_TRIES):
            try:
                manifest = self._read_manifest()
                return None if manifest is None else self._open(manifest, tables)
            except FileNotFoundError as error:
                # A save may delete files while we read; read the manifest again.
                if manifest == before:
                    raise IndexDamaged(f"{Path(error.filename).name} is missing") from error
                before = manifest
            except OSError as error:
                raise IndexDamaged(error.strerror or type(error).__name__) from error  # without the path
            except (ValueError, KeyError, TypeError, OverflowError, MemoryError) as error:
                raise IndexDamaged(str(error) or type(error).__name__) from error
        raise IndexDamaged("another process writes it without a pause")

    def _read_manifest(self) -> _Manifest | None:
        try:
            text = (self.folder / _MANIFEST).read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        checksum, _, content = text.partition("\n")
        if checksum != _checksum(content):
            raise ValueError(f"{_MANIFEST} is damaged")
        manifest: _Manifest = json.loads(content)
        if manifest["format"] != FORMAT:
            raise ValueError(f"it has format {manifest['format']}, and this version reads {FORMAT}")
        if manifest["made_of"] != self._made_of:
            raise ValueError("it was made with other settings or tables")
        if type(manifest["generation"]) is not int:  # excludes bool, which is a subclass of int
            raise ValueError("its generation is no number")
        if not isinstance(manifest["token"], str):
            raise ValueError("its token is no text")
        return manifest

    def _open(self, manifest: _Manifest, tables: Tables) -> Saved:
        checked = _Checked(self.folder, manifest["files"])
        names = json.loads(checked.content(manifest["lexicon"]))
        lexicon = Lexicon(**names, language=tables.language)
        if len(names["stems"]) != len(names["words"]):
            raise ValueError("its words do not fit their terms")
        segments = tuple(Segment(*checked.arrays(name, len(NAMES))) for name in manifest["segments"])
        alive, df, words, norms, normed_idf = checked.arrays(manifest["state"], _N_STATE)
        ends = np.cumsum([len(segment) for segment in segments])
        if not len(alive) == len(norms) == (ends[-1] if segments else 0) or len(df) != len(normed_idf):
            raise ValueError("its parts do not belong together")
        state = State(segments, tuple(np.split(alive, ends[:-1])) if segments else ())
        view = View.of(tables.kind_weights(ALL), df, int(alive.sum()), norms, normed_idf)
        self._remember(zip(segments, manifest["segments"], strict=True))
        return Saved(Index.of(lexicon, tables, state, df, words, view), manifest["generation"], manifest["token"])

    def generation(self) -> int | None:
        """Return the generation of the saved index; None when there is none that can be read."""
        manifest = self._readable()
        return manifest["generation"] if manifest else None

    def keep(self, segment: Segment) -> Segment:
        """Write a segment of an index that is being made; return it mapped from its file, which the next save names.

        Raises:
            OSError: it cannot be written.
        """
        name = f"segment-{uuid.uuid4().hex}.npy"
        path = self.folder / name
        try:
            self._kept[name] = _write_arrays(path, [getattr(segment, array) for array in NAMES])
        except OSError:
            path.unlink(missing_ok=True)
            raise
        mapped = Segment(*_arrays_in(_mapped(path), len(NAMES)))
        self._held.append(mapped)
        self._names[id(mapped)] = name
        return mapped

    def save(self, index: Index, generation: int, token: str = "") -> None:
        """Write the parts of an index that are not saved yet, and delete files that it no longer needs.

        Args:
            index: the index to save.
            generation: that of the collection when the index was made.
            token: of that generation.

        Raises:
            OSError: it cannot be written; the index saved before stays intact.
        """
        make_folder(self.folder)
        names_before = {path.name for path in self.folder.iterdir()}
        try:
            self._save(index, generation, token)
        except OSError:
            self._tidy(names_before)  # leave nothing on a disk that may be full
            raise

    def _save(self, index: Index, generation: int, token: str) -> None:
        readable = self._readable()
        before = (readable["files"] if readable else {}) | self._kept
        files: dict[str, list[int]] = {}
        segments = []
        for segment in index.state.segments:
            name = self._names.get(id(segment), "")
            if name not in before:
                name = f"segment-{uuid.uuid4().hex}.npy"
                files[name] = _write_arrays(self.folder / name, [getattr(segment, array) for array in NAMES])
            else:
                files[name] = before[name]
            segments.append(name)
        state, lexicon = f"state-{uuid.uuid4().hex}.npy", f"lexicon-{uuid.uuid4().hex}.json"
        arrays = [index.state.living(), index.df, index.word_counts, index.view.norms, index.view.normed_idf]
        files[state] = _write_arrays(self.folder / state, arrays)
        files[lexicon] = _write_file(self.folder / lexicon, json.dumps(index.lexicon.snapshot()).encode())
        manifest = _Manifest(
            format=FORMAT,
            made_of=self._made_of,
            generation=generation,
            token=token,
            lexicon=lexicon,
            state=state,
            segments=segments,
            files=files,
        )
        if sum(n_bytes for n_bytes, _ in files.values()) >= _DURABLE_BYTES:
            for name in files.keys() - (readable["files"].keys() if readable else set()):
                force_to_disk(self.folder / name)
        text = json.dumps(manifest)
        with write_whole(self.folder / _MANIFEST) as part:
            part.write_text(f"{_checksum(text)}\n{text}", encoding="utf-8")
        self._remember(zip(index.state.segments, segments, strict=True))
        self._kept = {}
        self._tidy({_MANIFEST, lexicon, state, *segments})

    def _readable(self) -> _Manifest | None:
        """Return the manifest; None when there is none that can be used."""
        try:
            return self._read_manifest()
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _remember(self, named: Iterable[tuple[Segment, str]]) -> None:
        pairs = list(named)
        self._held = [segment for segment, _ in pairs]
        self._names = {id(segment): name for segment, name in pairs}

    def _tidy(self, kept: set[str]) -> None:
        for path in self.folder.iterdir():
            if path.name not in kept and path.suffix != ".lock":
                with contextlib.suppress(OSError):  # Windows keeps files that are in use; the next save deletes them
                    path.unlink()


class _Checked:
    """Reader of files whose lengths and checksums are verified."""

    def __init__(self, folder: Path, files: Mapping[str, list[int]]) -> None:
        self._folder = folder
        self._files = files

    def content(self, name: str) -> bytes:
        """Return a file's content; raises `ValueError` when it is damaged."""
        content = (self._folder / name).read_bytes()
        self._check(name, content)
        return content

    def arrays(self, name: str, n: int) -> list[np.ndarray]:
        """Map the `n` arrays of a file into memory, which processes share; raises `ValueError` when it is damaged."""
        whole = _mapped(self._folder / name)
        self._check(name, whole)
        return _arrays_in(whole, n)

    def _check(self, name: str, content: bytes | mmap.mmap) -> None:
        if [len(content), zlib.crc32(content)] != self._files[name]:
            raise ValueError(f"{name} is damaged")


def _mapped(path: Path) -> mmap.mmap:
    """Map a file into memory, which processes share."""
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def _arrays_in(whole: mmap.mmap, n: int) -> list[np.ndarray]:
    """Return the `n` arrays of a file."""
    arrays, place = [], 0
    for _ in range(n):
        head = io.BytesIO(whole[place : place + _MAX_HEAD])
        np.lib.format.read_magic(head)
        shape, _, dtype = np.lib.format.read_array_header_1_0(head)
        place += head.tell()
        arrays.append(np.frombuffer(whole, dtype, shape[0], place) if shape[0] else np.zeros(0, dtype))
        place += -(-shape[0] * dtype.itemsize // _ALIGNED) * _ALIGNED
    return arrays


def _write_arrays(path: Path, arrays: Iterable[np.ndarray]) -> list[int]:
    """Write one-dimensional arrays to a file; return its length and checksum."""
    held = io.BytesIO()
    for values in arrays:
        np.lib.format.write_array(held, np.ascontiguousarray(values), version=(1, 0), allow_pickle=False)
        held.write(b"\0" * (-held.tell() % _ALIGNED))
    return _write_file(path, held.getbuffer())


def _write_file(path: Path, content: bytes | memoryview) -> list[int]:
    path.write_bytes(content)
    path.chmod(mode_within(path.parent))
    return [len(content), zlib.crc32(content)]


def _checksum(text: str) -> str:
    return f"{zlib.crc32(text.encode()):08x}"
