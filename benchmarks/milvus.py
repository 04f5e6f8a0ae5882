"""Search in Milvus beside that in files: `python -m benchmarks.milvus`, with `--address milvus://HOST` in a server.

Without an address a new file of Milvus Lite is served by a process of its own. Milvus Lite is written in Python and
reads through all photos: its times say nothing of a server's, and what this process takes is what our side costs.
Made-up photos as the pipeline keeps them (`benchmarks.photos`) are written, searched for ten words, and a hundred more
are added. Bytes are those of the rows as they are sent.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.captions import Statistics
from benchmarks.photos import COLLECTION, fill
from benchmarks.process import ticks_below
from benchmarks.sample import QUERY_SEED
from photosearch.search.index import Index, SearchIndex, Tables
from photosearch.search.keeping import Keeper
from photosearch.search.milvus import server
from photosearch.search.milvus.address import Address, read_address
from photosearch.search.milvus.keeping import MilvusKeeper
from photosearch.search.milvus.rows import make_rows
from photosearch.search.milvus.server import VECTOR, Row
from photosearch.search.milvus.writing import BATCH
from photosearch.search.query import parse
from photosearch.settings import Settings
from photosearch.workspace import Workspace

SIZES = (1_000, 20_000)
N_QUERIES, TOP, PAGE, N_MORE = 5, 100, 24, 100
LIMIT_S = 600
_PAIR_BYTES, _NUMBER_BYTES = 8, 8  # of a vector's dimension with its value; of a number


def n_bytes(row: Row) -> dict[str, int]:
    """Return the bytes of a photo's row: of the vector, of what filters ask for, of the postings."""
    arrays = sum(len(row[name]) for name in ("facets", "sure", "pairs"))
    return {
        "vector": _PAIR_BYTES * len(row[VECTOR]),
        "filters": _NUMBER_BYTES * arrays,
        "postings": len(row["data"]),
    }


@dataclass(frozen=True)
class Asked:
    """What a query of ten words takes, the best photos with reasons, in ms: medians."""

    took_ms: float
    core_ms: float  # of this process's processor time
    lite_ms: float  # of that of the process that serves Milvus Lite; 0: there is none


@dataclass(frozen=True)
class Measured:
    """Milvus beside an index in files of the same photos."""

    n_photos: int
    load: float
    row_bytes: dict[str, float]  # of a photo, as they are sent, by what they are for
    built_s: float  # the index in files
    filled_s: float  # all photos written to Milvus, by the clock
    filled_core_s: float  # of this process
    filled_lite_s: float  # of the process that serves Milvus Lite
    files: dict[int, Asked]  # by the number of photos asked for
    milvus: dict[int, Asked]
    n_same: int  # of the best `TOP` of all queries: in the same place in both
    added_s: float  # until `N_MORE` more photos were found
    drift: float  # of norms, after that

    @property
    def photo_kb(self) -> float:
        """Return what Milvus is sent of a photo, in KB."""
        return sum(self.row_bytes.values()) / 1000


class Lite:
    """The process that serves Milvus Lite, if there is one."""

    def __init__(self, process: subprocess.Popen | None) -> None:
        self._process = process

    def core_s(self) -> float:
        """Return the processor's time that it has taken since its start."""
        if self._process is None:
            return 0.0
        return sum(ticks_below(self._process.pid).values()) / os.sysconf("SC_CLK_TCK")


@contextmanager
def milvus_at(address: str | None, folder: Path) -> Iterator[tuple[str, Lite]]:
    """Yield an address, and the process that serves it; where there is none a new file in the folder is served."""
    if address:
        yield address, Lite(None)
        return
    from tests.milvus import serving

    with serving(folder / "photos.db") as (served, process):
        yield served, Lite(process)


def ask(index: SearchIndex, queries: list[str], top: int, lite: Lite) -> Asked:
    """Ask an index for the best photos of each query, after a first one that does not count."""
    took, own, theirs = [], [], []
    for query in [queries[0], *queries]:
        started, began, lite_began = time.perf_counter(), time.process_time(), lite.core_s()
        index.matches(index.find(parse(query), n=top), top)
        took.append(1000 * (time.perf_counter() - started))
        own.append(1000 * (time.process_time() - began))
        theirs.append(1000 * (lite.core_s() - lite_began))
    return Asked(*(statistics.median(times[1:]) for times in (took, own, theirs)))


def n_same(one: SearchIndex, other: SearchIndex, queries: list[str]) -> int:
    """Return how many of the best photos of all queries are in the same place."""
    return sum(
        a.photo_id == b.photo_id
        for query in queries
        for a, b in zip(*(i.matches(i.find(parse(query)), TOP) for i in (one, other)), strict=True)
    )


def row_bytes(index: Index, tables: Tables) -> dict[str, float]:
    """Return the mean bytes of rows of some photos."""
    segment = index.state.segments[0]
    some = np.arange(min(BATCH, len(segment)))
    rows = [n_bytes(row) for row in make_rows(segment, some, index.view.norms, index.lexicon.stems(), tables)]
    return {name: sum(row[name] for row in rows) / len(rows) for name in rows[0]}


def measure(folder: Path, n: int, address: Address, lite: Lite) -> Measured:
    """Measure one size in a folder where there is no library yet."""
    workspace = Workspace(Settings(folder))
    fill(workspace, n)
    in_files = Keeper(workspace.library, workspace.tables)
    started = time.perf_counter()
    files = in_files.current(COLLECTION).index
    built_s = time.perf_counter() - started
    keeper = MilvusKeeper(workspace.library, workspace.tables, address, in_files)
    started, began, lite_began = time.perf_counter(), time.process_time(), lite.core_s()
    milvus = keeper.current(COLLECTION).index
    filled = time.perf_counter() - started, time.process_time() - began, lite.core_s() - lite_began
    asked = Statistics.load().sample(N_QUERIES, QUERY_SEED, n_words=10)
    by_files, by_milvus = ({top: ask(i, asked, top, lite) for top in (PAGE, TOP)} for i in (files, milvus))
    same = n_same(files, milvus, asked)
    fill(workspace, N_MORE, first=n)
    started = time.perf_counter()
    after = keeper.current(COLLECTION).index
    added_s = time.perf_counter() - started
    keeper.wait()
    keeper.forget(COLLECTION)
    keeper.close()
    bytes_of = row_bytes(files, workspace.tables)
    workspace.close()
    drift = after.stored.record.drift
    load = os.getloadavg()[0]
    return Measured(n, load, bytes_of, built_s, *filled, by_files, by_milvus, same, added_s, drift)


def measure_at(n: int, address: str | None = None) -> Measured:
    """Measure one size in a server, or in Milvus Lite."""
    server.READ_S = server.WRITE_S = LIMIT_S  # more than a server is given
    with tempfile.TemporaryDirectory() as scratch, milvus_at(address, Path(scratch)) as (found_at, lite):
        return measure(Path(scratch) / "library", n, read_address(found_at), lite)


def show(found: Measured) -> None:
    """Print the figures."""
    parts = ", ".join(f"{name} {size:,.0f}" for name, size in found.row_bytes.items())
    print(
        f"{found.n_photos:,} photos (load {found.load:.1f}): the index in files made in {found.built_s:.1f} s; written"
        f" to Milvus in {found.filled_s:.1f} s ({found.filled_core_s:.1f} s of the processor here,"
        f" {found.filled_lite_s:.1f} in Milvus Lite), {found.n_photos / found.filled_s:,.0f} a second;"
        f" {1000 * found.photo_kb:,.0f} bytes a photo ({parts})"
    )
    for top, theirs in found.milvus.items():
        ours = found.files[top]
        print(
            f"ten words, the best {top} with reasons: files {ours.took_ms:.1f} ms, Milvus {theirs.took_ms:.1f} ms; on"
            f" the processor {ours.core_ms:.1f} ms in files, here beside Milvus {theirs.core_ms:.1f} ms, in Milvus Lite"
            f" {theirs.lite_ms:.1f} ms"
        )
    print(
        f"the best {TOP} of {N_QUERIES} queries: {found.n_same} of {TOP * N_QUERIES} in the same place;"
        f" {N_MORE} photos added: found after {found.added_s:.1f} s; drift {found.drift:.4f}",
        flush=True,
    )


def main() -> None:
    """Measure all sizes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--address", help="of a server; a new file of Milvus Lite where it is left out")
    parser.add_argument("--photos", type=int, nargs="*", default=list(SIZES))
    options = parser.parse_args()
    for n in options.photos:
        show(measure_at(n, options.address))


if __name__ == "__main__":
    main()
