"""How far the norms in Milvus are off, and making them anew.

A photo's norm |a idf| was computed when the photo was written, and changes with the number of photos and with the
document frequencies of its terms. For a photo d, with s_t the share of term t in the square of its norm,

    d ln |a idf|  =  sum over t of  s_t d ln idf(t)

so that the relative error of its norm, and of its score, is at most the largest relative change of the IDF of a term
that it holds; as shares are weighed it is far less: a term that is rare enough to change much adds little. It is not
bounded for each photo, which would take all of them, but measured on a sample: photos' ids are digests, so that the
lowest ones are drawn at random. When the largest error of `SAMPLE` photos is e, then with 92 in 100 samples fewer than
1 in 100 photos are off by more (0.99 ** 256 = 0.08). Scores are taken to be off by up to twice of it when photos are
chosen to be scored exactly, so that an answer is right in spite of it.

It is measured whenever photos that changed since are more than `MEASURED_EACH` of all. Above `MOST`, norms are made
anew in the background, some hundred photos at a time; above `FAR`, before the next answer.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from photosearch.errors import PhotosearchError
from photosearch.search.fields import ALL
from photosearch.search.index import Tables
from photosearch.search.index.segment import Segment
from photosearch.search.index.views import make_view
from photosearch.search.milvus.counts import Counts
from photosearch.search.milvus.rows import make_rows
from photosearch.search.milvus.server import Row
from photosearch.search.milvus.store import Store, Stored

log = logging.getLogger(__name__)
SAMPLE = 256
MEASURED_EACH = 0.002
MOST, FAR = 0.005, 0.02  # a score that is off by twice the first is off by 1%
_LEAST = 0.0005  # norms that are off by less are left as they are


def norms_of(segment: Segment, counts: Counts, tables: Tables) -> np.ndarray:
    """Return the norms of photos over all fields as they are now: float64 (rows)."""
    weights = tables.kind_weights(ALL)
    every = [(segment, np.arange(len(segment)))]
    return make_view(every, counts.df[0], weights, counts.n_photos).norms


def is_due(stored: Stored) -> bool:
    """Tell whether so many photos have changed that drift should be measured."""
    return stored.record.n_unmeasured > MEASURED_EACH * stored.record.n_photos


def measure(store: Store, stored: Stored, tables: Tables) -> float:
    """Return the largest relative error of the norms of a sample of photos."""
    n = stored.record.n_photos
    bound = f"{min((1 << 64) - 1, (1 << 64) * SAMPLE // max(n, 1)):016x}"
    expression = "" if n <= SAMPLE else f'id < "{bound}"'
    rows = store.server.select(store.photos_of(stored.build), expression, ["norm", "data"], 4 * SAMPLE)
    errors, _, _ = _errors(store, stored, {row["id"]: row for row in rows}, tables)
    return float(errors.max(initial=0.0))


def _errors(
    store: Store, stored: Stored, rows: Mapping[str, Row], tables: Tables
) -> tuple[np.ndarray, np.ndarray, Segment | None]:
    """Return the relative error of each photo's norm, the norms as they should be, and the photos."""
    segment = store.segment({photo_id: row["data"] for photo_id, row in rows.items()}, stored.counts)
    if segment is None:
        return np.zeros(0), np.zeros(0), None
    norms = norms_of(segment, stored.counts, tables)
    held = np.array([float(rows[photo_id.decode()]["norm"]) for photo_id in segment.ids.tolist()])
    known = np.isfinite(norms) & (held > 0)
    errors = np.zeros(len(segment))
    errors[known] = np.abs(held[known] / norms[known] - 1)
    errors[np.isfinite(norms) != (held > 0)] = 1.0
    return errors, norms, segment


def mend_slice(store: Store, stored: Stored, expression: str, tables: Tables) -> int:
    """Make the norms of some photos anew; return of how many. The caller holds the lock."""
    rows = store.server.select(store.photos_of(stored.build), expression, ["norm", "data"])
    errors, norms, segment = _errors(store, stored, {row["id"]: row for row in rows}, tables)
    wrong = np.flatnonzero(errors > _LEAST)
    if segment is not None and len(wrong):
        stems = stored.counts.lexicon.stems()
        store.write_photos(stored, list(make_rows(segment, wrong, norms, stems, tables)))
    return len(wrong)


def measured(store: Store, stored: Stored, tables: Tables) -> Stored:
    """Measure drift, and write it down; the caller holds the lock."""
    drift = measure(store, stored, tables)
    record = replace(stored.record, n=stored.record.n + 1, drift=drift, n_unmeasured=0)
    return store.commit(stored, record, stored.counts, stored.counts)


class Mending:
    """Makes norms anew in the background, of one collection at a time."""

    def __init__(self) -> None:
        self._threads: dict[str, threading.Thread] = {}
        self._is_ending = threading.Event()

    def start(self, name: str, work: Callable[[Callable[[], bool]], None]) -> None:
        """Begin, unless it is at work already; `work` asks now and then whether to end."""
        thread = self._threads.get(name)
        if thread is not None and thread.is_alive():
            return

        def run() -> None:
            try:
                work(self._is_ending.is_set)
            except PhotosearchError as error:
                log.info("Norms of %s were not made anew: %s", name, error)  # the next one who writes begins again

        thread = self._threads[name] = threading.Thread(target=run, name=f"norms of {name}", daemon=True)
        thread.start()

    def wait(self) -> None:
        """Wait until all that was begun is done."""
        for thread in list(self._threads.values()):
            thread.join()

    def close(self) -> None:
        """End after the photos that are being written."""
        self._is_ending.set()
        self.wait()
