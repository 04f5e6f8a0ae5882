"""A library of many photos as the pipeline keeps them: its index is made, searched and changed, beside other engines.

`python -m benchmarks.large --photos 1000000` takes two hours, 30 GB of disk and, for the peers, 16 GB of memory; with
100,000 photos some ten minutes. With `--stream` documents that are made up one after another become an index without a
library: five minutes for a million, and with the peers that `--peers` names an hour more. `python -m benchmarks.large
PART FOLDER N` measures one part and prints JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.captions import Statistics
from benchmarks.peers import PEERS, Compared
from benchmarks.photos import COLLECTION, PhotoStatistics, documents, fill
from benchmarks.process import Memory, Times, run_module, timed
from benchmarks.sample import N_MORE, N_QUERIES, QUERY_SEED, TOP, Sample
from benchmarks.searching import PAGE, asking
from photosearch.records import Document
from photosearch.search.index import Index, Store, read_tables
from photosearch.settings import MODELS_DIR, Settings
from photosearch.workspace import Workspace

N_PHOTOS = 100_000
KEYS = ("bm25s", "bm25s-numba", "tantivy", "tantivy-uncounted")
LIMIT_S = 4 * 3600  # for filling a library with a million photos


@dataclass(frozen=True)
class Built:
    """Figures of making an index of all photos of a library, and saving it."""

    build_s: float
    core_s: float  # of the processor
    peak_mb: float
    disk_mb: float
    n_segments: int


@dataclass(frozen=True)
class Searched:
    """Figures of a library that a new process opens and searches for ten words."""

    open_s: float  # with a first search
    own_mb: float  # memory of the process after all searches, without what lies in files
    index: Times  # the index alone, with reasons
    whole: Times  # with the photos
    page: Times  # the best 24, with the photos


@dataclass(frozen=True)
class Added:
    """Seconds until photos that were added are found, saving included."""

    add_s: float
    core_s: float


def make(folder: Path, n: int) -> dict[str, float]:
    """Fill the library."""
    workspace = Workspace(Settings(folder))
    started = time.perf_counter()
    fill(workspace, n)
    workspace.close()
    return {"fill_s": time.perf_counter() - started}


def build(folder: Path, _: int) -> Built:
    """Make the index, as the first search does."""
    workspace = Workspace(Settings(folder))
    started, began = time.perf_counter(), time.process_time()
    index = workspace.searcher.index_in_files(COLLECTION)
    taken = time.perf_counter() - started, time.process_time() - began
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    n_bytes = sum(path.stat().st_size for path in (folder / "index").rglob("*") if path.is_file())
    return Built(*taken, peak_mb, n_bytes / 1e6, len(index.state.segments))


def queries() -> list[str]:
    """Return descriptions of ten words."""
    return Statistics.load().sample(N_QUERIES, QUERY_SEED, n_words=10)


def search(folder: Path, _: int) -> Searched:
    """Measure opening and searching."""
    asked, before = queries(), Memory.now()
    started = time.perf_counter()
    workspace = Workspace(Settings(folder))
    asking(workspace, TOP)(asked[0])
    open_s = time.perf_counter() - started
    index = workspace.searcher.index_in_files(COLLECTION)
    alone = timed(lambda query: index.search(query, top=TOP), asked)
    whole, page = (timed(asking(workspace, top), asked) for top in (TOP, PAGE))
    return Searched(open_s, Memory.now().since(before).own_mb, alone, whole, page)


def add(folder: Path, n: int) -> Added:
    """Measure a search after more photos were added."""
    workspace = Workspace(Settings(folder))
    workspace.searcher.index_in_files(COLLECTION)
    fill(workspace, N_MORE, first=n)
    started, began = time.perf_counter(), time.process_time()
    index = workspace.searcher.index_in_files(COLLECTION)
    added = Added(time.perf_counter() - started, time.process_time() - began)
    if len(index) != n + N_MORE:
        raise ValueError(f"the index has {len(index)} photos, not {n + N_MORE}")
    return added


@dataclass(frozen=True)
class Streamed:
    """Figures of an index that was made of documents in a stream, saved, opened and searched for ten words."""

    build_s: float  # with the documents made up
    core_s: float  # of the processor, without the documents
    peak_mb: float
    disk_mb: float
    n_segments: int
    open_s: float
    ten: Times  # the best 100 with reasons
    n_postings: float  # read for a query, on average
    add_core_s: list[float]  # of the processor, for adding `N_MORE` photos and saving, twice one after another
    ten_after: Times  # as `ten`, after that


def stream(folder: Path, n: int) -> Streamed:
    """Make an index of documents that are made up one after another, and search it."""
    tables, store, spent_s = read_tables(MODELS_DIR), Store(folder), 0.0
    folder.mkdir(parents=True, exist_ok=True)
    made = documents(PhotoStatistics.load(), n)

    def counted() -> Iterator[Document]:
        nonlocal spent_s
        while True:
            began = time.process_time()
            document = next(made, None)
            spent_s += time.process_time() - began
            if document is None:
                return
            yield document

    started, began = time.perf_counter(), time.process_time()
    store.save(Index(counted(), tables, store.keep), 1)
    taken = time.perf_counter() - started, time.process_time() - began - spent_s
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    disk_mb = sum(path.stat().st_size for path in folder.iterdir()) / 1e6
    started, store = time.perf_counter(), Store(folder)  # another one, as in a process that did not make the index
    saved = store.open(tables)
    open_s = time.perf_counter() - started
    if saved is None:
        raise ValueError(f"{folder} holds no index")
    index, asked = saved.index, queries()
    ten = timed(lambda query: index.search(query, top=TOP), asked)
    n_postings = sum(map(index.n_postings, asked)) / len(asked)
    n_segments, add_core_s = len(index.state.segments), []
    for turn in (1, 2):
        more = list(documents(PhotoStatistics.load(), N_MORE, n + turn * N_MORE))
        began = time.process_time()
        index = index.updated(more)
        store.save(index, 1 + turn)
        add_core_s.append(time.process_time() - began)
    after = timed(lambda query: index.search(query, top=TOP), asked)
    return Streamed(*taken, peak_mb, disk_mb, n_segments, open_s, ten, n_postings, add_core_s, after)


def measure_stream(n: int, keys: list[str]) -> None:
    """Measure an index made in a stream, in a process of its own, then peers, and print the figures."""
    with tempfile.TemporaryDirectory() as scratch:
        found = run_module("benchmarks.large", "stream", Path(scratch) / "index", n, limit_s=LIMIT_S)
    ten, after = Times(**found["ten"]), Times(**found["ten_after"])
    added = " and ".join(f"{core_s:.2f}" for core_s in found["add_core_s"])
    print(
        f"{n:,} photos in a stream (load {os.getloadavg()[0]:.1f}): {found['build_s']:.0f} s,"
        f" {found['core_s']:.1f} s of a core, peak {found['peak_mb']:,.0f} MB, {found['disk_mb']:,.0f} MB on disk in"
        f" {found['n_segments']} segments\nopened in {found['open_s']:.2f} s; ten words,"
        f" {found['n_postings']:,.0f} postings, the best {TOP} with reasons: {ten.median_ms:.2f} ms,"
        f" {ten.core_ms:.2f} ms on the processor\n"
        f"{N_MORE:,} photos added and saved, twice: {added} s of a core; ten words after that: {after.core_ms:.2f} ms"
        " on the processor",
        flush=True,
    )
    with tempfile.TemporaryDirectory() as scratch:
        compare(Path(scratch), n, keys, ten)


def write_sample(folder: Path, n: int) -> Sample:
    """Write all texts and predicted terms of each photo as a line, for the peers, with the same queries."""
    with (folder / "captions").open("w", encoding="utf-8") as file:
        for photo in documents(PhotoStatistics.load(), n):
            shown = (label for label, _ in photo.objects)
            file.write(" ".join([*photo.captions, *photo.concepts, *photo.labels, *shown, *photo.owner]) + "\n")
    for name in ("ten", "two"):
        (folder / name).write_text("\n".join(queries()), encoding="utf-8")
    return Sample(folder)


def compare(folder: Path, n: int, keys: list[str], ours: Times) -> None:
    """Measure peers on the same documents, and print how they compare with our index for ten words."""
    if not keys:
        return
    sample = write_sample(folder, n)
    for key in keys:
        peer = Compared.measure(key, sample, n)
        print(
            f"{PEERS[key].name}: built in {peer.build_s:.1f} s, ten words {peer.ten.median_ms:.2f} ms,"
            f" {peer.ten.core_ms / ours.core_ms:.2f} times as long as our index on the processor",
            flush=True,
        )


LIBRARY: dict[str, Callable[[Path, int], object]] = {"make": make, "build": build, "search": search, "add": add}
PARTS: dict[str, Callable[[Path, int], object]] = {**LIBRARY, "stream": stream}


def measure(n: int, keys: list[str]) -> None:
    """Measure all parts, each in a process of its own, and print the figures."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        found = {part: run_module("benchmarks.large", part, folder / "library", n, limit_s=LIMIT_S) for part in LIBRARY}
        built, added = Built(**found["build"]), Added(**found["add"])
        times = {name: Times(**found["search"][name]) for name in ("index", "whole", "page")}
        print(
            f"{n:,} photos with predictions, labels, objects and texts (load {os.getloadavg()[0]:.1f}):\n"
            f"index made: {built.build_s:.1f} s, {built.core_s:.1f} s of a core, peak {built.peak_mb:,.0f} MB,"
            f" {built.disk_mb:,.0f} MB on disk, {built.n_segments} segments\n"
            f"opened with a first search: {found['search']['open_s']:.2f} s; own memory after all searches:"
            f" {found['search']['own_mb']:,.0f} MB\n"
            f"{N_MORE:,} photos added: found after {added.add_s:.2f} s, {added.core_s:.2f} s of a core"
        )
        for name, took in times.items():
            print(f"ten words, {name}: {took.median_ms:.2f} ms, {took.core_ms:.2f} ms on the processor")
        compare(folder, n, keys, times["index"])


def main() -> None:
    """Measure everything, or one part."""
    if len(sys.argv) == 4 and sys.argv[1] in PARTS:
        done = PARTS[sys.argv[1]](Path(sys.argv[2]), int(sys.argv[3]))
        print(json.dumps(done if isinstance(done, dict) else asdict(done)))  # type: ignore[call-overload]
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=N_PHOTOS)
    parser.add_argument("--peers", nargs="*", choices=list(PEERS), help="which peers; with --stream by default none")
    parser.add_argument("--stream", action="store_true", help="an index of documents without a library")
    options = parser.parse_args()
    if options.stream:
        measure_stream(options.photos, options.peers or [])
    else:
        measure(options.photos, list(KEYS) if options.peers is None else options.peers)


if __name__ == "__main__":
    main()
