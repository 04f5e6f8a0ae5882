"""Turn new photos into text, in batches: resumable, with progress.

Where batches are read and observed is another matter: in this process (`analyse_photos`), or on other machines
(`pipeline.machines`). What comes of each is saved here, in one transaction; a run that is killed loses at most the
batches in flight.

In this process reading (fetch, decode, turn, shrink) runs in threads, which have other processes decode, one batch
ahead of the models. As many batches are observed at once as cores serve, each by one thread, and saved in their order.
"""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import pairwise
from typing import TypeAlias

from photosearch.library import Library, Pending
from photosearch.pipeline import stations
from photosearch.pipeline.speed import READING, SAVING, Stopwatch, keep_speed
from photosearch.pipeline.stations import N_READERS, ByModel, Intake, Observers, Outcome, PhotoRead, observe, outcome_of
from photosearch.records import UNWATCHED, Failure, PhotoState, Progress, Report, Watch
from photosearch.sources.reading import Reader
from photosearch.vision.observer import N_AT_ONCE


def analyse_photos(
    library: Library,
    reader: Reader,
    observers: Observers,
    photos: Sequence[Pending],
    *,
    redo: bool = False,
    keep: str = "thumbnail",
    watch: Watch = UNWATCHED,
) -> Report:
    """Have models observe the photos that they have not observed yet, and save their findings.

    Args:
        library: where results are kept.
        reader: where photos are read from.
        observers: the models; without any, photos are read and kept, and are still to be captioned.
        photos: the photos to analyse, as `Library.pending` lists them.
        redo: observe pictures again that the models have observed before.
        keep: what is kept of a fetched photo, as the settings say it.
        watch: receives the progress after each saved batch, and says then whether to stop.

    Returns:
        How many photos were captioned, reused or fetched, and which failed and why.

    Raises:
        LibraryError: results cannot be kept. All batches before this one are safe.
    """
    are_new = library.known.is_new_to(list(observers))
    intake = Intake(library.known, library.files, reader, list(observers), redo=redo, keep=keep, are_new=are_new)
    stopwatch, stopped = Stopwatch(), threading.Event()
    with (
        ThreadPoolExecutor(N_READERS, thread_name_prefix="reader") as readers,
        ThreadPoolExecutor(N_AT_ONCE, thread_name_prefix="observer") as pool,
    ):
        coming = _read_ahead(readers, intake.read_one, photos, stopwatch)
        outcomes = _observe_ahead(pool, observers, coming, stopwatch, stopped)
        return save_outcomes(library, outcomes, len(photos), stopwatch, stopped, observes=bool(observers), watch=watch)


def save_outcomes(
    library: Library,
    outcomes: Iterator[Outcome],
    n_photos: int,
    stopwatch: Stopwatch,
    stopped: threading.Event,
    *,
    observes: bool = True,
    watch: Watch = UNWATCHED,
) -> Report:
    """Save what comes of batches, each in one transaction.

    Args:
        library: where results are kept.
        outcomes: of the batches; once `stopped` is set, only those come that are under way.
        n_photos: in all batches.
        stopwatch: measures the run.
        stopped: is set where the watch says so.
        observes: whether models observe the photos; if not, these are still to be captioned.
        watch: receives the progress after each saved batch.

    Returns:
        How many photos were captioned, reused or fetched, and which failed and why.

    Raises:
        LibraryError: results cannot be kept. All batches before this one are safe.
    """
    n_captioned = n_reused = n_fetched = n_read_again = n_done = 0
    failures: list[Failure] = []
    seen: set[str] = set()
    watch.on_progress(Progress(0, n_photos))
    for outcome in outcomes:
        with stopwatch.measure(SAVING, "", len(outcome.photos)):
            library.save(outcome.readings, outcome.findings, PhotoState.READY if observes else PhotoState.NEW)
        for spent in outcome.spent:
            stopwatch.add(spent)
        n_read = sum(reading.sha256 is not None for reading in outcome.readings) - outcome.n_read_again
        n_read_again += outcome.n_read_again
        if observes:
            n_fresh = len(outcome.observed - seen)
            seen |= outcome.observed
            n_captioned += n_fresh
            n_reused += n_read - n_fresh
        else:
            n_fetched += n_read
        failures += [
            Failure(photo.source_key, reading.reason)
            for photo, reading in zip(outcome.photos, outcome.readings, strict=True)
            if reading.reason is not None
        ]
        n_done += len(outcome.photos)
        watch.on_progress(Progress(n_done, n_photos))
        if watch.is_cancelled():
            stopped.set()
    if observes and n_captioned:
        keep_speed(library.folder, stopwatch.stop(n_captioned))
    notes = (_READ_AGAIN.format(n_read_again),) if n_read_again else ()
    return Report(
        n_captioned=n_captioned, n_reused=n_reused, n_fetched=n_fetched, failures=tuple(failures), notes=notes
    )


_READ_AGAIN = "Photos read again for what their files say, since an earlier version read less: {:,}."
_UnderWay: TypeAlias = tuple[Sequence[Pending], list[PhotoRead], Future[ByModel]]


def _observe_ahead(
    pool: ThreadPoolExecutor,
    observers: Observers,
    batches: Iterable[tuple[Sequence[Pending], list[PhotoRead]]],
    stopwatch: Stopwatch,
    stopped: threading.Event,
) -> Iterator[Outcome]:
    """Yield what came of batches in their order; later ones are under way.

    Pictures that an earlier batch has are not observed again. Once `stopped` is set, only those that are being observed
    come: what was computed is not lost.
    """
    seen: set[str] = set()
    under_way: deque[_UnderWay] = deque()
    try:
        for batch, read in batches:
            if stopped.is_set():
                break
            fresh = {r.picture.sha256: r for r in read if r.picture and r.picture.sha256 not in seen}
            seen |= fresh.keys()
            under_way.append((batch, read, pool.submit(observe, observers, fresh, stopwatch)))
            if len(under_way) > N_AT_ONCE:  # one waits, so that no thread does while a batch is saved
                yield _observed(under_way.popleft())
        while under_way:
            last = under_way.popleft()
            if not (stopped.is_set() and last[-1].cancel()):
                yield _observed(last)
    finally:
        for *_, future in under_way:
            future.cancel()


def _observed(under_way: _UnderWay) -> Outcome:
    photos, read, findings = under_way
    return outcome_of(photos, read, findings.result())


def in_batches(photos: Sequence[Pending], n_at_once: int = 1) -> Iterator[Sequence[Pending]]:
    """Yield the photos in batches, in their order.

    Args:
        photos: of which a batch has at most `stations.BATCH`.
        n_at_once: how many batches are observed at once. They are as many for each core and as large as each other, so
            that no core has nothing to do while others work on the last ones; where there are many, each core's last
            one is halved, since by then some are ahead of others.
    """
    n = math.ceil(len(photos) / stations.BATCH / n_at_once) * n_at_once
    numbers: list[float] = list(range(n + 1))
    if n_at_once > 1 and n > 2 * n_at_once:
        numbers += [number - 0.5 for number in range(n, n - n_at_once, -1)]
    bounds = [math.ceil(len(photos) * number / max(n, 1)) for number in sorted(numbers)]
    yield from (photos[first:end] for first, end in pairwise(bounds) if first < end)


def _read_ahead(
    pool: ThreadPoolExecutor, read_one: Callable[[Pending], PhotoRead], photos: Sequence[Pending], stopwatch: Stopwatch
) -> Iterator[tuple[Sequence[Pending], list[PhotoRead]]]:
    """Yield batches with their photos read; the next batch is read while the models observe this one."""

    def start(batch: Sequence[Pending]) -> list[Future[PhotoRead]]:
        return [pool.submit(read_one, photo) for photo in batch]

    batches = list(in_batches(photos, N_AT_ONCE))
    coming = start(batches[0]) if batches else []
    try:
        for i, batch in enumerate(batches):
            ready, coming = coming, start(batches[i + 1]) if i + 1 < len(batches) else []
            with stopwatch.measure(READING, "", len(batch)):
                read = [future.result() for future in ready]
            yield batch, read
    finally:
        for future in coming:
            future.cancel()
