"""Look inside captions: pictures of the library with their inspectors, the latest ones kept in memory."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from typing import TypeVar

from photosearch.errors import ModelError, PhotoError
from photosearch.library import Library
from photosearch.library.corrections import forget_corrections
from photosearch.pictures.decoding.decoder import decode_picture
from photosearch.pictures.images import Picture
from photosearch.records import Photo
from photosearch.settings import Settings
from photosearch.sources.originals import find_listed, read_original
from photosearch.vision.captioner.attention import Attentive, Inspector
from photosearch.vision.observer import Batch
from photosearch.vision.registry import CAPTIONER, Models

T = TypeVar("T")
_KEPT = 24  # pictures, at most 2 MB each, and as many inspectors


@dataclass(frozen=True)
class Seen:
    """A photo's picture; where the photo itself cannot be read, its thumbnail."""

    picture: Picture
    lacking: str | None = None  # why it is only the thumbnail


class Inspections:
    """Pictures and inspectors of a library's photos, made on demand. Use from any thread."""

    def __init__(self, library: Library, settings: Settings, models: Models) -> None:
        self._library = library
        self._settings = settings
        self._models = models
        self._pictures: OrderedDict[Hashable, Seen] = OrderedDict()
        self._inspectors: OrderedDict[Hashable, Inspector] = OrderedDict()
        self._lock = threading.RLock()

    def picture(self, photo: Photo) -> Seen:
        """Return a photo's picture; raises `PhotoError` where not even a thumbnail exists, or `PhotoNotFound`."""
        key = (photo.id, photo.sha256)
        seen = self._once(self._pictures, key, lambda: self._read(photo))
        if seen.lacking:
            with self._lock:
                self._pictures.pop(key, None)  # the photo may come back
        return seen

    def inspector(self, picture: Picture, model: str = CAPTIONER) -> Inspector:
        """Return the inspector of a library's picture and a captioner; raises as `open_inspector` does."""
        key = (picture.sha256, picture.rgb.size, model)
        return self._once(self._inspectors, key, lambda: self.open_inspector(picture, model))

    def open_inspector(self, picture: Picture, model: str = CAPTIONER) -> Inspector:
        """Return the inspector of any picture and a captioner, without keeping it.

        Raises:
            ModelError: there is no such captioner, or it is of a kind that has no attention to show.
        """
        captioner = self._models.captioner(model)
        if not isinstance(captioner, Attentive):
            raise ModelError(f'The model "{model}" cannot be looked into. Choose one of those that attend to regions.')
        return Inspector(captioner, picture)

    def ask_again(self, photo: Photo, model: str = CAPTIONER) -> None:
        """Have a captioner caption a photo again, and let its sentence replace people's corrections.

        Raises:
            ModelError: there is no such captioner.
            PhotoError: the photo itself cannot be read.
            PhotoNotFound: it was removed meanwhile.
        """
        seen = self.picture(photo)
        if seen.lacking or photo.sha256 is None:
            raise PhotoError(
                f'"{photo.name}" cannot be looked at again: {seen.lacking}.'
                " Take the correction back to have the model's earlier sentence."
            )
        captioner = self._models.captioner(model)
        (findings,) = captioner.observe(Batch([seen.picture]))
        model_id = self._library.model_id(captioner.station, captioner.name, captioner.digest)
        self._library.save([], {model_id: {photo.sha256: findings}})
        forget_corrections(self._library, photo.id)

    def _read(self, photo: Photo) -> Seen:
        try:
            data = read_original(self._library, self._settings, find_listed(self._library, photo.id))
            return Seen(_known_as(photo, decode_picture(data)))
        except PhotoError as error:
            if photo.sha256 is None:
                raise
            thumbnail = self._library.files.read_thumbnail(photo.sha256)
            if thumbnail is None:
                raise
            return Seen(_known_as(photo, decode_picture(thumbnail)), lacking=str(error))

    def _once(self, known: OrderedDict[Hashable, T], key: Hashable, make: Callable[[], T]) -> T:
        with self._lock:
            if key in known:
                known.move_to_end(key)
                return known[key]
        made = make()  # outside the lock: a model takes its time
        with self._lock:
            while len(known) >= _KEPT:
                known.popitem(last=False)
            return known.setdefault(key, made)


def _known_as(photo: Photo, picture: Picture) -> Picture:
    """Return the picture with the SHA-256 of its photo; the picture may be a smaller copy."""
    return replace(picture, sha256=photo.sha256 or picture.sha256)
