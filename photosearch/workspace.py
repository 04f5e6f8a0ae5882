"""The one object that pages, API and command line hold: add, caption, search, export."""

from __future__ import annotations

import threading
import time
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from photosearch import sources
from photosearch.captioner.files import read_files
from photosearch.errors import CollectionNotFound, ModelError, PhotosearchError, ReadOnlyError
from photosearch.index import Index
from photosearch.jobs import OnProgress, worker
from photosearch.library import CAPTIONER, Library, Pending
from photosearch.records import CollectionInfo, Failure, Hit, Listing, Photo, PhotoState, Progress, Report, Results
from photosearch.settings import Settings

if TYPE_CHECKING:
    from photosearch.captioner.captioner import Captioner

DEFAULT_MODEL = "captioner"
DEMO = "demo"
PAGE_TOP = 100
MAX_NAME_CHARS = 100
_UNWRITABLE = ("Cc", "Cs", "Zl", "Zp")  # control characters, halves of surrogate pairs, line separators


def _never() -> bool:
    return False


def _ignore(_: Progress) -> None:
    pass


@dataclass(frozen=True)
class _Indexed:
    generation: int
    index: Index


class Workspace:
    """A library with the models and indexes that go with it. Use from any thread."""

    def __init__(self, settings: Settings) -> None:
        """Open the library that the settings name; models are loaded when first needed."""
        self.settings = settings
        self.library = Library(settings.library_dir)
        self._captioners: dict[str, Captioner] = {}
        self._indexes: dict[str, _Indexed] = {}
        self._lock = threading.Lock()

    def close(self) -> None:
        """Give the library's files back."""
        self.library.close()

    # Models

    def captioner(self, name: str = DEFAULT_MODEL) -> Captioner:
        """A captioner by the name of its folder in `models`, loaded once; raises `ModelError`."""
        with self._lock:
            if name not in self._captioners:
                from photosearch.captioner.captioner import Captioner  # torch: seconds and hundreds of MB

                self._captioners[name] = Captioner.load(self._model_folder(name))
            return self._captioners[name]

    def _model_folder(self, name: str) -> Path:
        known = sorted(path.parent.name for path in self.settings.models_dir.glob("*/config.json"))
        if name not in known:
            there = f"There are: {', '.join(known)}." if known else f"There is none in {self.settings.models_dir}."
            raise ModelError(f'Model "{name}" was not found. {there}')
        return self.settings.models_dir / name

    # Adding and captioning

    def check_source(self, source_name: str) -> None:
        """Raise `SourceError` when there is no such source."""
        self._may_write()
        sources.find_source(source_name.strip())

    def _may_write(self) -> None:
        if self.settings.demo:
            raise ReadOnlyError("This is the public demo: nothing can be added, changed or removed.")

    def needs_demo(self) -> bool:
        """Whether the demo collection is wanted and not captioned yet."""
        collections = self.collections()
        if not collections:
            return True
        if self.settings.demo:
            return True  # what it holds may have changed; what is captioned is not captioned again
        return any(info.name == DEMO and info.n_new for info in collections)

    def prepare_demo(self, on_progress: OnProgress = _ignore, is_cancelled: Callable[[], bool] = _never) -> Report:
        """Add and caption what the demo holds; raises as `add` and `caption` do."""
        name, added = self._add(self.settings.demo_source if self.settings.demo else DEMO, None)
        return added + self._caption(name, DEFAULT_MODEL, False, on_progress, is_cancelled)

    def add(self, source_name: str, collection: str | None = None) -> tuple[str, Report]:
        """List a source's photos into a collection; nothing is captioned yet.

        Returns:
            The collection's name, and what was new, changed, gone or could not be listed.

        Raises:
            SourceError: the source cannot be listed.
            LibraryError: the library cannot be written.
            ReadOnlyError: this is the public demo.
        """
        self._may_write()
        return self._add(source_name, collection)

    def _add(self, source_name: str, collection: str | None) -> tuple[str, Report]:
        source = sources.find_source(source_name)
        name = self._collection_name(source.collection if collection is None else collection)
        found = list(source.listings())
        listings = [item for item in found if isinstance(item, Listing)]
        failures = [item for item in found if isinstance(item, Failure)]
        listed = {listing.source_key for listing in listings}
        unreadable = [failure.source_key for failure in failures]
        gone = [
            key
            for key in self.library.source_keys(name, source.kind)
            if key not in listed
            and source.covers(key)
            and not any(Path(key).is_relative_to(place) for place in unreadable)
        ]
        merge = self.library.merge(name, source.kind, listings, gone)
        report = Report(
            merge.n_new,
            merge.n_changed,
            merge.n_unchanged,
            merge.n_gone,
            n_skipped=source.n_skipped,
            failures=tuple(failures),
        )
        return name, report

    def _collection_name(self, name: str) -> str:
        name = name.strip()
        if not name or len(name) > MAX_NAME_CHARS or any(unicodedata.category(char) in _UNWRITABLE for char in name):
            raise PhotosearchError(
                f"A collection's name has 1 to {MAX_NAME_CHARS} printable characters; {name[:120]!r} cannot be used."
                " Give another name."
            )
        return name

    def caption(
        self,
        collection: str | None = None,
        *,
        model: str = DEFAULT_MODEL,
        redo: bool = False,
        on_progress: OnProgress = _ignore,
        is_cancelled: Callable[[], bool] = _never,
    ) -> Report:
        """Caption what is not captioned yet, in one collection or in all.

        Raises:
            CollectionNotFound: there is no such collection.
            ModelError: the model cannot be loaded.
            WorkerBusy: another run is at work on the library.
            LibraryError: results cannot be kept; what was saved is safe.
            ReadOnlyError: this is the public demo.
        """
        self._may_write()
        return self._caption(collection, model, redo, on_progress, is_cancelled)

    def _caption(
        self, collection: str | None, model: str, redo: bool, on_progress: OnProgress, is_cancelled: Callable[[], bool]
    ) -> Report:
        from photosearch.pipeline import caption_photos

        with worker(self.library, "caption") as beat:

            def report(progress: Progress) -> None:
                beat(progress)
                on_progress(progress)

            files = read_files(self._model_folder(model))
            model_id = self.library.model_id(CAPTIONER, files.name, files.digest)
            pending: list[Pending] = self.library.pending(collection, model_id, redo=redo)
            if not pending:
                return Report()
            report(Progress(0, len(pending)))
            return caption_photos(
                self.library,
                self.captioner(model),
                pending,
                model_id=model_id,
                redo=redo,
                on_progress=report,
                is_cancelled=is_cancelled,
            )

    # Searching

    def default_collection(self) -> str:
        """The only collection there is; raises `CollectionNotFound` when there is none, or a choice."""
        names = [info.name for info in self.library.collections()]
        if len(names) == 1:
            return names[0]
        if not names:
            raise CollectionNotFound(
                "There is no collection yet. Add one first, for example: python -m photosearch add demo"
            )
        raise CollectionNotFound(f"There are several collections; choose one with --collection: {', '.join(names)}.")

    def index(self, collection: str) -> Index:
        """The collection's index as it stands; raises `CollectionNotFound`."""
        generation = self.library.generation(collection)
        known = self._indexes.get(collection)
        if known is None or known.generation != generation:
            # Documents are read after the number: they may be newer than it, never older.
            known = _Indexed(generation, Index(self.library.documents(collection)))
            self._indexes[collection] = known
        return known.index

    def search(self, query: str, collection: str, *, top: int = PAGE_TOP) -> Results:
        """Find photos by description.

        Raises:
            CollectionNotFound: there is no such collection.
            ValueError: `top` is negative.
        """
        index = self.index(collection)
        started = time.perf_counter()
        total, matches = index.search(query, top=top)
        photos = self.library.photos_by_id([match.photo_id for match in matches])
        took_ms = 1000 * (time.perf_counter() - started)
        found = [match for match in matches if match.photo_id in photos]
        hits = tuple(
            Hit(rank, match.score, photos[match.photo_id], match.shares) for rank, match in enumerate(found, start=1)
        )
        suggestions = () if hits else tuple(index.suggest(query))
        return Results(query, collection, took_ms, total, hits, suggestions)

    # Looking after collections

    def collections(self) -> list[CollectionInfo]:
        """All collections, by name."""
        return self.library.collections()

    def failures(self, collection: str) -> list[Failure]:
        """The photos that could not be used, and why; raises `CollectionNotFound`."""
        return [
            Failure(photo.source_key, photo.reason or "")
            for photo in self.library.photos(collection, PhotoState.FAILED)
        ]

    def photos(self, collection: str, *states: PhotoState, limit: int | None = None, offset: int = 0) -> list[Photo]:
        """A collection's photos with all that is known of them, as `Library.photos` lists them."""
        return self.library.photos(collection, *states, limit=limit, offset=offset)

    def remove(self, collection: str) -> None:
        """Forget a collection, its texts and thumbnails; the photos themselves stay where they are.

        Raises:
            CollectionNotFound: there is no such collection.
            ReadOnlyError: this is the public demo.
        """
        self._may_write()
        self.library.remove_collection(collection)
        self._indexes.pop(collection, None)
