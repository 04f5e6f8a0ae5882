"""New photos to text, in batches: resumable, with progress.

Reading (decode, turn, shrink) runs in threads one batch ahead of the model. A batch is saved in one
transaction; a run that is killed loses at most the batches in flight.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from photosearch import images, sources
from photosearch.errors import PhotoError
from photosearch.library import Library, Pending, Reading
from photosearch.records import Caption, Failure, Progress, Report

BATCH = 32
N_READERS = 2

OnProgress = Callable[[Progress], None]


class CaptionStation(Protocol):
    """What the pipeline wants of a captioner."""

    name: str
    digest: str

    def caption_batch(self, pictures: Sequence[np.ndarray]) -> list[list[Caption]]:
        """Sentences for uint8 pictures (224, 224, 3), best first."""
        ...


@dataclass(frozen=True)
class _Read:
    """A photo read, with the pixels that the model wants; none when the picture is known or cannot be used."""

    reading: Reading
    pixels: np.ndarray | None = None


def read_one(library: Library, model_id: int, photo: Pending, redo: bool) -> _Read:
    """Read a photo's bytes; decode it and keep its thumbnail unless the model has seen the same bytes."""
    try:
        data = sources.read_photo(photo.source, photo.source_key, images.MAX_FILE_BYTES)
        sha256 = hashlib.sha256(data).hexdigest()
        if not redo and library.analysed(model_id, [sha256]):
            return _Read(Reading(photo.id, photo.stamp, sha256))
        picture = images.decode(data)
    except PhotoError as error:
        return _Read(Reading(photo.id, photo.stamp, reason=str(error)))
    library.keep_thumbnail(sha256, images.thumbnail(picture))
    phash = images.perceptual_hash(picture)
    reading = Reading(photo.id, photo.stamp, sha256, picture.width_px, picture.height_px, phash)
    return _Read(reading, images.captioner_view(picture))


def caption_photos(
    library: Library,
    station: CaptionStation,
    photos: Sequence[Pending],
    *,
    model_id: int,
    redo: bool = False,
    on_progress: OnProgress,
    is_cancelled: Callable[[], bool],
) -> Report:
    """Caption photos and keep what was found.

    Args:
        library: where photos are read from and results are kept.
        station: the captioner.
        photos: what to caption, as `Library.pending` lists it.
        model_id: the number under which the library files the captioner's work.
        redo: look again at pictures that the model has seen.
        on_progress: called after each batch has been saved.
        is_cancelled: asked between batches; True ends the run after the batch in hand.

    Returns:
        What was captioned, what was known, and what could not be used.

    Raises:
        LibraryError: results cannot be kept. All batches before this one are safe.
    """
    n_captioned = n_reused = 0
    failures: list[Failure] = []
    done: set[str] = set()  # pictures captioned in this run
    on_progress(Progress(0, len(photos)))
    n_done = 0
    with ThreadPoolExecutor(N_READERS, thread_name_prefix="reader") as pool:
        for batch, read in _read_ahead(pool, library, model_id, photos, redo):
            fresh = {
                r.reading.sha256: r.pixels
                for r in read
                if r.reading.sha256 and r.pixels is not None and r.reading.sha256 not in done
            }
            captions = dict(zip(fresh, station.caption_batch(list(fresh.values())), strict=True))
            library.save(model_id, [r.reading for r in read], captions)
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


def _read_ahead(
    pool: ThreadPoolExecutor, library: Library, model_id: int, photos: Sequence[Pending], redo: bool
) -> Iterator[tuple[Sequence[Pending], list[_Read]]]:
    """Batches with what was read; while one is being captioned the next is being read."""

    def start(batch: Sequence[Pending]) -> list[Future[_Read]]:
        return [pool.submit(read_one, library, model_id, photo, redo) for photo in batch]

    batches = [photos[first : first + BATCH] for first in range(0, len(photos), BATCH)]
    coming = start(batches[0]) if batches else []
    try:
        for i, batch in enumerate(batches):
            ready, coming = coming, start(batches[i + 1]) if i + 1 < len(batches) else []
            yield batch, [future.result() for future in ready]
    finally:
        for future in coming:
            future.cancel()
