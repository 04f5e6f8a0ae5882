"""Search in Milvus beside that in files: `python -m benchmarks.milvus`, with `--address milvus://HOST` in a server.

Without an address it is a new file of Milvus Lite, which is written in Python and reads through all photos: its times
tell what our side costs, and nothing of a server's. Made-up photos as the pipeline keeps them (`benchmarks.photos`) are
written, searched for ten words, and a hundred more are added. Bytes are those of the rows as they are sent.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.captions import Statistics
from benchmarks.photos import COLLECTION, fill
from benchmarks.process import timed
from benchmarks.sample import QUERY_SEED
from photosearch.search.index import SearchIndex
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


def asking(index: SearchIndex, top: int) -> Callable[[str], object]:
    """Return a function that asks an index for the best photos, with reasons."""
    return lambda query: index.matches(index.find(parse(query), n=top), top)


def measure(folder: Path, n: int, address: Address) -> None:
    """Measure one size, and print the figures."""
    workspace = Workspace(Settings(folder))
    fill(workspace, n)
    in_files = Keeper(workspace.library, workspace.tables)
    started = time.perf_counter()
    files = in_files.current(COLLECTION).index
    built_s = time.perf_counter() - started
    keeper = MilvusKeeper(workspace.library, workspace.tables, address, in_files)
    started, began = time.perf_counter(), time.process_time()
    milvus = keeper.current(COLLECTION).index
    filled_s, core_s = time.perf_counter() - started, time.process_time() - began
    segment = files.state.segments[0]
    some = np.arange(min(BATCH, len(segment)))
    rows = list(make_rows(segment, some, files.view.norms, files.lexicon.stems(), workspace.tables))
    parts = {name: sum(n_bytes(row)[name] for row in rows) / len(rows) for name in n_bytes(rows[0])}
    asked = Statistics.load().sample(N_QUERIES, QUERY_SEED, n_words=10)
    print(
        f"{n:,} photos (load {os.getloadavg()[0]:.1f}): the index in files made in {built_s:.1f} s; written to Milvus"
        f" in {filled_s:.1f} s ({core_s:.1f} s of the processor), {n / filled_s:,.0f} a second;"
        f" {sum(parts.values()):,.0f} bytes a photo ("
        + ", ".join(f"{name} {size:,.0f}" for name, size in parts.items())
        + ")"
    )
    for top in (PAGE, TOP):
        ours, theirs = (timed(asking(index, top), asked) for index in (files, milvus))
        print(
            f"ten words, the best {top} with reasons: files {ours.median_ms:.1f} ms, Milvus {theirs.median_ms:.1f} ms;"
            f" on the processor {ours.core_ms:.1f} and {theirs.core_ms:.1f} ms,"
            f" {theirs.core_ms / ours.core_ms:.0f} times as long"
        )
    same = sum(
        a.photo_id == b.photo_id
        for query in asked
        for a, b in zip(*(i.matches(i.find(parse(query)), TOP) for i in (files, milvus)), strict=True)
    )
    fill(workspace, N_MORE, first=n)
    started = time.perf_counter()
    after = keeper.current(COLLECTION).index
    added_s = time.perf_counter() - started
    print(
        f"the best {TOP} of {N_QUERIES} queries: {same} of {TOP * N_QUERIES} in the same place;"
        f" {N_MORE} photos added: found after {added_s:.1f} s; drift {after.stored.record.drift:.4f}"
    )
    keeper.wait()
    keeper.forget(COLLECTION)
    keeper.close()
    workspace.close()


def main() -> None:
    """Measure all sizes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--address", help="of a server; a new file of Milvus Lite where it is left out")
    parser.add_argument("--photos", type=int, nargs="*", default=list(SIZES))
    options = parser.parse_args()
    server.READ_S = server.WRITE_S = LIMIT_S  # more than a server is given
    for n in options.photos:
        with tempfile.TemporaryDirectory() as scratch:
            address = options.address or f"milvus://{scratch}/photos.db"
            measure(Path(scratch) / "library", n, read_address(address))
    sys.stdout.flush()


if __name__ == "__main__":
    main()
