"""An index on disk: plain numpy arrays that several processes map into memory and share.

    index.json           what belongs together: format, generation, each file with its length and checksum; its own
    lexicon-*.json       the names of terms, words, objects and hashtags, by number
    state-*/             which photos are alive, document frequencies, the words' counts, norms over all fields
    segment-*/           the arrays of a segment

Files are written under new names, and never again; `index.json` is replaced at the end, whole. So a crash leaves
the index as it was, and who has it open keeps what he opened.
"""

from __future__ import annotations

import io
import json
import math
import mmap
import os
import shutil
import uuid
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

import numpy as np

from photosearch.errors import IndexDamaged
from photosearch.fields import ALL
from photosearch.index.index import Index
from photosearch.index.lexicon import Lexicon
from photosearch.index.segment import NAMES, Segment
from photosearch.index.state import State
from photosearch.index.views import Tables, View, idf_of

FORMAT = 1
_MANIFEST = "index.json"
_MAX_HEAD = 4096  # bytes of an array's file that its shape and type stand in
_TRIES = 100  # to open an index that is being replaced
_STATE = ("alive", "df", "words", "norms")


class _Manifest(TypedDict):
    format: int
    made_of: str
    generation: int
    lexicon: str
    state: str
    segments: list[str]
    files: dict[str, list[int]]  # length and CRC-32


@dataclass(frozen=True)
class Saved:
    """An index as it lies on disk."""

    index: Index
    generation: int  # of the collection that it was made from


class Store:
    """The folder of one index. One process at a time writes; any number read."""

    def __init__(self, folder: Path, made_of: str = "") -> None:
        """`made_of` names what an index depends on beside its photos: another one does not fit."""
        self.folder = folder
        self._made_of = made_of
        self._names: dict[int, str] = {}  # of segments that lie here, by their address in memory
        self._held: list[Segment] = []  # which keeps those addresses

    def open(self, tables: Tables) -> Saved | None:
        """Map the index into memory; None where there is none.

        Raises:
            IndexDamaged: it cannot be read, or does not fit.
        """
        before: _Manifest | None = None
        for _ in range(_TRIES):
            try:
                manifest = self._read_manifest()
                return None if manifest is None else self._open(manifest, tables)
            except FileNotFoundError as error:
                # Who reads while another process writes may be told of files that are gone by then.
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
        checksum, _, told = text.partition("\n")
        if checksum != _checksum(told):
            raise ValueError(f"{_MANIFEST} is damaged")
        manifest: _Manifest = json.loads(told)
        if manifest["format"] != FORMAT:
            raise ValueError(f"it has format {manifest['format']}, and this version reads {FORMAT}")
        if manifest["made_of"] != self._made_of:
            raise ValueError("it was made with other settings or tables")
        if type(manifest["generation"]) is not int:  # a bool would be one
            raise ValueError("its generation is no number")
        return manifest

    def _open(self, manifest: _Manifest, tables: Tables) -> Saved:
        checked = _Checked(self.folder, manifest["files"])
        names = json.loads(checked.content(manifest["lexicon"]))
        lexicon = Lexicon(**names)
        if len(names["stems"]) != len(names["words"]):
            raise ValueError("its words do not fit their terms")
        segments = tuple(
            Segment(**{array: checked.array(f"{name}/{array}.npy") for array in NAMES}) for name in manifest["segments"]
        )
        alive, df, words, norms = (checked.array(f"{manifest['state']}/{name}.npy") for name in _STATE)
        ends = np.cumsum([len(segment) for segment in segments])
        if not len(alive) == len(norms) == (ends[-1] if segments else 0):
            raise ValueError("its parts do not belong together")
        state = State(segments, tuple(np.split(alive, ends[:-1])) if segments else ())
        view = View(tables.kind_weights(ALL), df, idf_of(df, int(alive.sum())), norms, (1 / norms).astype(np.float32))
        self._remember(zip(segments, manifest["segments"], strict=True))
        return Saved(Index.of(lexicon, tables, state, df, words, view), manifest["generation"])

    def save(self, index: Index, generation: int) -> None:
        """Write what is new of an index, and forget what it no longer needs.

        Raises:
            OSError: it cannot be written; the index that was there is whole.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        there = {path.name for path in self.folder.iterdir()}
        try:
            self._save(index, generation)
        except OSError:
            self._tidy(there)  # a full disk is not filled further
            raise

    def _save(self, index: Index, generation: int) -> None:
        before = self._files()
        files: dict[str, list[int]] = {}
        segments = []
        for segment in index.state.segments:
            name = self._names.get(id(segment))
            known = {f"{name}/{array}.npy" for array in NAMES}
            if name is None or not known <= before.keys():
                name = f"segment-{uuid.uuid4().hex}"
                files |= _write(self.folder, name, {array: getattr(segment, array) for array in NAMES})
            else:
                files |= {file: before[file] for file in known}
            segments.append(name)
        arrays = (index.state.living(), index.df, index.word_counts, index.view.norms)
        state = f"state-{uuid.uuid4().hex}"
        files |= _write(self.folder, state, dict(zip(_STATE, arrays, strict=True)))
        lexicon = f"lexicon-{uuid.uuid4().hex}.json"
        files |= _write_names(self.folder, lexicon, index.lexicon)
        manifest = _Manifest(
            format=FORMAT,
            made_of=self._made_of,
            generation=generation,
            lexicon=lexicon,
            state=state,
            segments=segments,
            files=files,
        )
        fresh = self.folder / f"{_MANIFEST}.{uuid.uuid4().hex}"
        told = json.dumps(manifest)
        fresh.write_text(f"{_checksum(told)}\n{told}", encoding="utf-8")
        os.replace(fresh, self.folder / _MANIFEST)
        self._remember(zip(index.state.segments, segments, strict=True))
        self._tidy({_MANIFEST, lexicon, state, *segments})

    def _files(self) -> Mapping[str, list[int]]:
        """The files that lie here whole, as the manifest knows them."""
        try:
            manifest = self._read_manifest()
            return {} if manifest is None else manifest["files"]
        except (OSError, ValueError, KeyError, TypeError):
            return {}

    def _remember(self, named: Iterable[tuple[Segment, str]]) -> None:
        pairs = list(named)
        self._held = [segment for segment, _ in pairs]
        self._names = {id(segment): name for segment, name in pairs}

    def _tidy(self, wanted: set[str]) -> None:
        for path in self.folder.iterdir():
            if path.name in wanted or path.suffix == ".lock":
                continue
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


class _Checked:
    """Files that are what was written."""

    def __init__(self, folder: Path, files: Mapping[str, list[int]]) -> None:
        self._folder = folder
        self._files = files

    def content(self, name: str) -> bytes:
        """A file's content."""
        content = (self._folder / name).read_bytes()
        self._check(name, content)
        return content

    def array(self, name: str) -> np.ndarray:
        """An array that the system loads as it is looked at, and shares between processes."""
        path = self._folder / name
        with path.open("rb") as file:
            whole = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self._check(name, whole)
        head = io.BytesIO(whole[:_MAX_HEAD])
        version = np.lib.format.read_magic(head)
        if version != (1, 0):
            raise ValueError(f"{name} has version {version}")
        shape, _, dtype = np.lib.format.read_array_header_1_0(head)
        if dtype.hasobject:
            raise ValueError(f"{name} holds objects")
        return np.frombuffer(whole, dtype, math.prod(shape), head.tell()) if math.prod(shape) else np.zeros(0, dtype)

    def _check(self, name: str, content: bytes | mmap.mmap) -> None:
        if [len(content), zlib.crc32(content)] != self._files[name]:
            raise ValueError(f"{name} is damaged")


def _write(folder: Path, name: str, arrays: Mapping[str, np.ndarray]) -> dict[str, list[int]]:
    (folder / name).mkdir()
    files = {}
    for array, values in arrays.items():
        held = io.BytesIO()
        np.lib.format.write_array(held, np.ascontiguousarray(values), version=(1, 0), allow_pickle=False)
        files[f"{name}/{array}.npy"] = _write_file(folder / name / f"{array}.npy", held.getbuffer())
    return files


def _write_names(folder: Path, name: str, lexicon: Lexicon) -> dict[str, list[int]]:
    return {name: _write_file(folder / name, json.dumps(lexicon.snapshot()).encode())}


def _write_file(path: Path, content: bytes | memoryview) -> list[int]:
    path.write_bytes(content)
    return [len(content), zlib.crc32(content)]


def _checksum(text: str) -> str:
    return f"{zlib.crc32(text.encode()):08x}"
