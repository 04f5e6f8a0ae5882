"""Turn new photos into text, in batches: resumable, with progress.

Reading (fetch, decode, turn, shrink) runs in threads, which have other processes decode, one batch ahead of the models.
A batch is saved in one transaction; a run that is killed loses at most the batches in flight. As many batches are
observed at once as cores serve, each by one thread, and saved in their order.
"""

from __future__ import annotations

import hashlib
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace

from photosearch.errors import PhotoError, TryLater
from photosearch.library import Library, Pending, Reading
from photosearch.pictures import images
from photosearch.pictures.decoding.decoder import decode_picture, prepare_photo, read_details_apart
from photosearch.pipeline.speed import READING, SAVING, Stopwatch, keep_speed
from photosearch.records import UNWATCHED, Failure, Findings, PhotoState, Progress, Report, Watch
from photosearch.sources.budget import reading_one_photo
from photosearch.sources.kinds import kind_named
from photosearch.sources.reading import Reader
from photosearch.vision.observer import N_AT_ONCE, Batch, Observer

BATCH = 16  # half as many cost the decoder a tenth of its speed; more would keep more pictures in memory
N_READERS = 8  # most of them wait for a server

_READ_AGAIN = "Photos read again for what their files say, since an earlier version read less: {:,}."
Observers = Mapping[int, Observer]  # by the number under which the library keeps the model's findings


@dataclass(frozen=True)
class _Read:
    """A photo read; its picture where there is a model that has yet to see it."""

    reading: Reading
    picture: images.Picture | None = None
    unseen_by: frozenset[int] = frozenset()


class _Intake:
    """Reads photos for a run."""

    def __init__(self, library: Library, reader: Reader, model_ids: Sequence[int], *, redo: bool, keep: str) -> None:
        self._library = library
        self._reader = reader
        self._model_ids = frozenset(model_ids)
        self._redo = redo
        self._keeps_original = keep == "original"

    def read_one(self, photo: Pending) -> _Read:
        """Read a photo; decode it and write its thumbnail and kept copy unless that was done before."""
        try:
            with reading_one_photo():
                return self._from_source(photo) or self._from_kept(photo)
        except PhotoError as error:
            if photo.is_captioned and photo.sha256 and not self._unseen_by(photo.sha256):
                return _Read(Reading(photo.id, photo.stamp, photo.sha256))  # it stays as it was read before
            return _Read(Reading(photo.id, photo.stamp, reason=str(error), is_final=not isinstance(error, TryLater)))

    def _from_source(self, photo: Pending) -> _Read | None:
        """Read a photo from its source; None where its kept copy serves as well."""
        again = bool(photo.sha256 and photo.kept_path)
        if again and not (self._redo and photo.etag):
            return None
        try:
            content = self._reader.read(photo, images.MAX_FILE_BYTES, again=again)
        except PhotoError:
            if again:
                return None
            raise
        if content is None:
            return None
        sha256 = hashlib.sha256(content.data).hexdigest()
        reading = Reading(photo.id, photo.stamp, sha256, address=content.address, etag=content.etag)
        unseen_by = self._unseen_by(sha256)
        is_fetched = kind_named(photo.source).is_fetched
        if not unseen_by and not is_fetched and self._library.knows(sha256):
            return _Read(replace(reading, details=read_details_apart(content.data)))
        makes_copy = is_fetched and not self._keeps_original
        prepared = prepare_photo(content.data, images.KEPT_SIDE_PX if makes_copy else None)
        self._library.files.keep_thumbnail(sha256, prepared.thumbnail)
        reading = replace(
            reading,
            width_px=prepared.picture.width_px,
            height_px=prepared.picture.height_px,
            phash=prepared.phash,
            miniature=images.miniature(prepared.picture),
            details=prepared.details,
        )
        if is_fetched:
            kept = prepared.kept if makes_copy else content.data
            reading = replace(reading, kept_path=self._library.files.keep(sha256, kept))
        return _Read(reading, prepared.picture if unseen_by else None, unseen_by)

    def _from_kept(self, photo: Pending) -> _Read:
        """Read the copy that was kept when the photo was fetched."""
        if photo.sha256 is None or photo.kept_path is None:
            raise PhotoError("it was not kept")
        reading = Reading(photo.id, photo.stamp, photo.sha256)
        unseen_by = self._unseen_by(photo.sha256)
        if not unseen_by and self._library.knows(photo.sha256):
            return _Read(reading)
        picture = decode_picture(self._library.files.read_kept(photo.kept_path))
        reading = replace(reading, miniature=images.miniature(picture))
        return _Read(reading, replace(picture, sha256=photo.sha256) if unseen_by else None, unseen_by)

    def _unseen_by(self, sha256: str) -> frozenset[int]:
        return self._model_ids - (set() if self._redo else self._library.seen_by(sha256))


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
    n_captioned = n_reused = n_fetched = n_read_again = n_done = 0
    failures: list[Failure] = []
    intake = _Intake(library, reader, list(observers), redo=redo, keep=keep)
    state = PhotoState.READY if observers else PhotoState.NEW
    stopwatch, stopped = Stopwatch(), threading.Event()
    watch.on_progress(Progress(0, len(photos)))
    with (
        ThreadPoolExecutor(N_READERS, thread_name_prefix="reader") as readers,
        ThreadPoolExecutor(N_AT_ONCE, thread_name_prefix="observer") as pool,
    ):
        coming = _read_ahead(readers, intake.read_one, photos, stopwatch)
        for batch, read, n_fresh, findings in _observe_ahead(pool, observers, coming, stopwatch, stopped):
            with stopwatch.measure(SAVING, "", len(batch)):
                library.save([r.reading for r in read], findings, state)
            n_again = sum(_is_read_again(photo, r) for photo, r in zip(batch, read, strict=True))
            n_read = sum(r.reading.sha256 is not None for r in read) - n_again
            n_read_again += n_again
            if observers:
                n_captioned += n_fresh
                n_reused += n_read - n_fresh
            else:
                n_fetched += n_read
            failures += [
                Failure(photo.source_key, r.reading.reason)
                for photo, r in zip(batch, read, strict=True)
                if r.reading.reason is not None
            ]
            n_done += len(batch)
            watch.on_progress(Progress(n_done, len(photos)))
            if watch.is_cancelled():
                stopped.set()
    if observers and n_captioned:
        keep_speed(library.folder, stopwatch.stop(n_captioned))
    notes = (_READ_AGAIN.format(n_read_again),) if n_read_again else ()
    return Report(
        n_captioned=n_captioned, n_reused=n_reused, n_fetched=n_fetched, failures=tuple(failures), notes=notes
    )


def _is_read_again(photo: Pending, read: _Read) -> bool:
    """Return whether a photo was read for no model, but for what its file says of itself."""
    return photo.is_captioned and photo.sha256 == read.reading.sha256 and not read.unseen_by


def _observe_ahead(
    pool: ThreadPoolExecutor,
    observers: Observers,
    batches: Iterable[tuple[Sequence[Pending], list[_Read]]],
    stopwatch: Stopwatch,
    stopped: threading.Event,
) -> Iterator[tuple[Sequence[Pending], list[_Read], int, dict[int, dict[str, Findings]]]]:
    """Yield batches in their order with the number of pictures observed and the findings; later ones are under way.

    Pictures that an earlier batch has are not observed again. Once `stopped` is set, only those that are being observed
    come: what was computed is not lost.
    """
    seen: set[str] = set()
    under_way: deque[tuple[Sequence[Pending], list[_Read], int, Future[dict[int, dict[str, Findings]]]]] = deque()
    try:
        for batch, read in batches:
            if stopped.is_set():
                break
            fresh = {r.picture.sha256: r for r in read if r.picture and r.picture.sha256 not in seen}
            seen |= fresh.keys()
            under_way.append((batch, read, len(fresh), pool.submit(_observe, observers, fresh, stopwatch)))
            if len(under_way) > N_AT_ONCE:  # one waits, so that no thread does while a batch is saved
                yield _observed(under_way.popleft())
        while under_way:
            last = under_way.popleft()
            if not (stopped.is_set() and last[-1].cancel()):
                yield _observed(last)
    finally:
        for *_, future in under_way:
            future.cancel()


def _observed(
    batch: tuple[Sequence[Pending], list[_Read], int, Future[dict[int, dict[str, Findings]]]],
) -> tuple[Sequence[Pending], list[_Read], int, dict[int, dict[str, Findings]]]:
    photos, read, n_fresh, findings = batch
    return photos, read, n_fresh, findings.result()


def _observe(observers: Observers, fresh: Mapping[str, _Read], stopwatch: Stopwatch) -> dict[int, dict[str, Findings]]:
    """Return each model's findings by SHA-256; pictures that the same models have yet to observe share a batch."""
    by_model: dict[int, dict[str, Findings]] = {}
    groups: dict[frozenset[int], list[images.Picture]] = {}
    for read in fresh.values():
        if read.picture:
            groups.setdefault(read.unseen_by, []).append(read.picture)
    for model_ids, pictures in groups.items():
        batch = Batch(pictures)
        for model_id in sorted(model_ids):
            observer = observers[model_id]
            with stopwatch.measure(observer.station, observer.name, len(pictures)):
                findings = observer.observe(batch)
            by_model.setdefault(model_id, {}).update(zip((p.sha256 for p in pictures), findings, strict=True))
    return by_model


def _read_ahead(
    pool: ThreadPoolExecutor, read_one: Callable[[Pending], _Read], photos: Sequence[Pending], stopwatch: Stopwatch
) -> Iterator[tuple[Sequence[Pending], list[_Read]]]:
    """Yield batches with their photos read; the next batch is read while the models observe this one."""

    def start(batch: Sequence[Pending]) -> list[Future[_Read]]:
        return [pool.submit(read_one, photo) for photo in batch]

    batches = [photos[first : first + BATCH] for first in range(0, len(photos), BATCH)]
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
