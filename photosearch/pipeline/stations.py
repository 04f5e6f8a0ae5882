"""The stations that photos pass, wherever they run: reading, then the models. What a batch comes to is an `Outcome`."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from photosearch.errors import PhotoError, TryLater
from photosearch.library import Pending, Reading
from photosearch.library.files import Files
from photosearch.library.known import Known
from photosearch.pictures import images
from photosearch.pictures.decoding.decoder import decode_picture, prepare_photo, read_details_apart
from photosearch.pipeline.speed import StationSpeed, Stopwatch
from photosearch.records import Findings
from photosearch.sources.budget import expect_bytes, reading_one_photo
from photosearch.sources.kinds import kind_named
from photosearch.sources.reading import Reader
from photosearch.vision.observer import Batch, Observer

BATCH = 32  # half as many cost the captioner a seventh of its speed; more would keep more pictures in memory
N_READERS = 8  # most of them wait for a server

Observers = Mapping[int, Observer]  # by the number under which the library keeps the model's findings
ByModel = dict[int, dict[str, Findings]]  # what each model found, by the SHA-256 of the pictures


@dataclass(frozen=True)
class PhotoRead:
    """A photo read; its picture where there is a model that has yet to see it."""

    reading: Reading
    picture: images.Picture | None = None
    unseen_by: frozenset[int] = frozenset()
    is_missing: bool = False  # its source did not give its bytes


@dataclass(frozen=True)
class Outcome:
    """What came of a batch."""

    photos: Sequence[Pending]
    readings: Sequence[Reading]  # one for each photo
    findings: ByModel
    missing: frozenset[str] = frozenset()  # ids of photos whose bytes their source did not give
    n_read_again: int = 0  # photos that were read for no model, but for what their files say of themselves
    spent: tuple[StationSpeed, ...] = ()  # where another process measured it

    @property
    def observed(self) -> set[str]:
        """Return the SHA-256 of the pictures that models observed."""
        return {sha256 for by_picture in self.findings.values() for sha256 in by_picture}


class Intake:
    """Reads photos for a run."""

    def __init__(
        self,
        known: Known,
        files: Files,
        reader: Reader,
        model_ids: Sequence[int],
        *,
        redo: bool,
        keep: str,
        are_new: bool = False,
    ) -> None:
        """Read nothing yet.

        Args:
            known: what the library knows of pictures.
            files: where it keeps them.
            reader: where photos are read from.
            model_ids: of the models that are to see the photos.
            redo: have them see photos that they have seen.
            keep: what is kept of a fetched photo, as the settings say it.
            are_new: the models have seen no picture at all, so that `known` need not be asked for each.
        """
        self._known = known
        self._files = files
        self._reader = reader
        self._model_ids = frozenset(model_ids)
        self._redo = redo
        self._asks = not (redo or are_new)
        self._keeps_original = keep == "original"

    def read_one(self, photo: Pending) -> PhotoRead:
        """Read a photo; decode it and write its thumbnail and kept copy unless that was done before.

        Raises:
            LibraryError: these cannot be written, or the database cannot be read.
        """
        try:
            with reading_one_photo():
                return self._from_source(photo) or self._from_kept(photo)
        except PhotoError as error:
            return self._refused(photo, error)

    def _from_source(self, photo: Pending) -> PhotoRead | None:
        """Read a photo from its source; None where its kept copy serves as well."""
        again = bool(photo.sha256 and photo.kept_path)
        if again and not (self._redo and photo.etag):
            return None
        try:
            content = self._reader.read(photo, images.MAX_FILE_BYTES, again=again)
        except PhotoError as error:
            return None if again else replace(self._refused(photo, error), is_missing=True)
        if content is None:
            return None
        sha256 = hashlib.sha256(content.data).hexdigest()
        reading = Reading(photo.id, photo.stamp, sha256, address=content.address, etag=content.etag)
        unseen_by = self._unseen_by(sha256)
        is_fetched = kind_named(photo.source).is_fetched
        if not unseen_by and not is_fetched and self._known.has(sha256):
            return PhotoRead(replace(reading, details=read_details_apart(content.data)))
        makes_copy = is_fetched and not self._keeps_original
        prepared = prepare_photo(content.data, images.KEPT_SIDE_PX if makes_copy else None)
        self._files.keep_thumbnail(sha256, prepared.thumbnail)
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
            reading = replace(reading, kept_path=self._files.keep(sha256, kept))
        return PhotoRead(reading, prepared.picture if unseen_by else None, unseen_by)

    def _from_kept(self, photo: Pending) -> PhotoRead:
        """Read the copy that was kept when the photo was fetched."""
        if photo.sha256 is None or photo.kept_path is None:
            raise PhotoError("it was not kept")
        reading = Reading(photo.id, photo.stamp, photo.sha256)
        unseen_by = self._unseen_by(photo.sha256)
        if not unseen_by and self._known.has(photo.sha256):
            return PhotoRead(reading)
        picture = decode_picture(self._files.read_kept(photo.kept_path, expect_bytes))
        reading = replace(reading, miniature=images.miniature(picture))
        return PhotoRead(reading, replace(picture, sha256=photo.sha256) if unseen_by else None, unseen_by)

    def _refused(self, photo: Pending, error: PhotoError) -> PhotoRead:
        if photo.is_captioned and photo.sha256 and not self._unseen_by(photo.sha256):
            return PhotoRead(Reading(photo.id, photo.stamp, photo.sha256))  # it stays as it was read before
        return PhotoRead(Reading(photo.id, photo.stamp, reason=str(error), is_final=not isinstance(error, TryLater)))

    def _unseen_by(self, sha256: str) -> frozenset[int]:
        return self._model_ids - (self._known.seen_by(sha256) if self._asks else set())


def outcome_of(
    photos: Sequence[Pending], read: Sequence[PhotoRead], findings: ByModel, spent: tuple[StationSpeed, ...] = ()
) -> Outcome:
    """Return what a batch comes to, whose photos were read and observed."""
    pairs = list(zip(photos, read, strict=True))
    missing = frozenset(photo.id for photo, r in pairs if r.is_missing)
    n_again = sum(photo.is_captioned and photo.sha256 == r.reading.sha256 and not r.unseen_by for photo, r in pairs)
    return Outcome(photos, [r.reading for r in read], findings, missing, n_again, spent)


def observe(observers: Observers, fresh: Mapping[str, PhotoRead], stopwatch: Stopwatch) -> ByModel:
    """Return each model's findings by SHA-256; pictures that the same models have yet to observe share a batch."""
    by_model: ByModel = {}
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
