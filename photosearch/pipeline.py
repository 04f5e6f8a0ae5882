"""New photos to text, in batches: resumable, with progress.

Reading (decode, turn, shrink) runs in threads one batch ahead of the models. A batch is saved in one
transaction; a run that is killed loses at most the batches in flight.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from photosearch import images, sources
from photosearch.errors import PhotoError
from photosearch.library import Library, Pending, Reading
from photosearch.records import Failure, Progress, Report
from photosearch.stations import Batch, Findings, Observer

BATCH = 32
N_READERS = 2

OnProgress = Callable[[Progress], None]
Observers = Mapping[int, Observer]  # by the number under which the library files the model's work


@dataclass(frozen=True)
class _Read:
    """A photo read; its picture where there is a model that has yet to see it."""

    reading: Reading
    picture: images.Picture | None = None
    unseen_by: frozenset[int] = frozenset()


def read_one(library: Library, model_ids: Sequence[int], photo: Pending, redo: bool) -> _Read:
    """Read a photo's bytes; decode it and keep its thumbnail unless all models have seen the same bytes."""
    try:
        data = sources.read_photo(photo.source, photo.source_key, images.MAX_FILE_BYTES)
        sha256 = hashlib.sha256(data).hexdigest()
        unseen_by = frozenset(model_ids) - (set() if redo else library.seen_by(sha256))
        if not unseen_by:
            return _Read(Reading(photo.id, photo.stamp, sha256))
        picture = images.decode(data)
    except PhotoError as error:
        return _Read(Reading(photo.id, photo.stamp, reason=str(error)))
    library.keep_thumbnail(sha256, images.thumbnail(picture))
    phash = images.perceptual_hash(picture)
    reading = Reading(photo.id, photo.stamp, sha256, picture.width_px, picture.height_px, phash)
    return _Read(reading, picture, unseen_by)


def analyse_photos(
    library: Library,
    observers: Observers,
    photos: Sequence[Pending],
    *,
    redo: bool = False,
    on_progress: OnProgress,
    is_cancelled: Callable[[], bool],
) -> Report:
    """Show photos to the models that have not seen them, and keep what they tell.

    Args:
        library: where photos are read from and results are kept.
        observers: the models.
        photos: what to look at, as `Library.pending` lists it.
        redo: look again at pictures that the models have seen.
        on_progress: called after each batch has been saved.
        is_cancelled: asked between batches; True ends the run after the batch in hand.

    Returns:
        What was looked at, what was known, and what could not be used.

    Raises:
        LibraryError: results cannot be kept. All batches before this one are safe.
    """
    n_captioned = n_reused = n_done = 0
    failures: list[Failure] = []
    done: set[str] = set()  # pictures looked at in this run
    on_progress(Progress(0, len(photos)))
    with ThreadPoolExecutor(N_READERS, thread_name_prefix="reader") as pool:
        for batch, read in _read_ahead(pool, library, list(observers), photos, redo):
            fresh = {r.picture.sha256: r for r in read if r.picture and r.picture.sha256 not in done}
            library.save([r.reading for r in read], _look(observers, fresh))
            done |= fresh.keys()
            n_captioned += len(fresh)
            n_reused += sum(r.reading.sha256 is not None for r in read) - len(fresh)
            failures += [
                Failure(photo.source_key, r.reading.reason)
                for photo, r in zip(batch, read, strict=True)
                if r.reading.reason is not None
            ]
            n_done += len(batch)
            on_progress(Progress(n_done, len(photos)))
            if is_cancelled():
                break
    return Report(n_captioned=n_captioned, n_reused=n_reused, failures=tuple(failures))


def _look(observers: Observers, fresh: Mapping[str, _Read]) -> dict[int, dict[str, Findings]]:
    """What each model tells of the pictures that it has not seen; pictures that the same models want go together."""
    found: dict[int, dict[str, Findings]] = {}
    groups: dict[frozenset[int], list[images.Picture]] = {}
    for read in fresh.values():
        if read.picture:
            groups.setdefault(read.unseen_by, []).append(read.picture)
    for wanted, pictures in groups.items():
        batch = Batch(pictures)
        for model_id in sorted(wanted):
            told = observers[model_id].look(batch)
            found.setdefault(model_id, {}).update(zip((p.sha256 for p in pictures), told, strict=True))
    return found


def _read_ahead(
    pool: ThreadPoolExecutor, library: Library, model_ids: Sequence[int], photos: Sequence[Pending], redo: bool
) -> Iterator[tuple[Sequence[Pending], list[_Read]]]:
    """Batches with what was read; while the models look at one the next is being read."""

    def start(batch: Sequence[Pending]) -> list[Future[_Read]]:
        return [pool.submit(read_one, library, model_ids, photo, redo) for photo in batch]

    batches = [photos[first : first + BATCH] for first in range(0, len(photos), BATCH)]
    coming = start(batches[0]) if batches else []
    try:
        for i, batch in enumerate(batches):
            ready, coming = coming, start(batches[i + 1]) if i + 1 < len(batches) else []
            yield batch, [future.result() for future in ready]
    finally:
        for future in coming:
            future.cancel()
