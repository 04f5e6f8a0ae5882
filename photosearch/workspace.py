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
from photosearch.errors import CollectionNotFound, PhotosearchError, ReadOnlyError
from photosearch.expansion import Expansion
from photosearch.fields import ALL, Field
from photosearch.hypernyms import Hypernyms
from photosearch.index import Index
from photosearch.jobs import OnProgress, worker
from photosearch.library import Library
from photosearch.records import CollectionInfo, Failure, Hit, Listing, Photo, PhotoState, Progress, Report, Results
from photosearch.settings import Settings
from photosearch.stations import Batch, Findings

if TYPE_CHECKING:
    from photosearch.images import Picture
    from photosearch.loader import Choice, Models

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
        self._models: Models | None = None
        self._tables: tuple[Expansion, Hypernyms] | None = None
        self._indexes: dict[str, _Indexed] = {}
        self._lock = threading.Lock()

    def close(self) -> None:
        """Give the library's files back."""
        self.library.close()

    # Models

    def models(self) -> Models:
        """The models, each loaded when first needed."""
        with self._lock:
            if self._models is None:
                from photosearch.loader import Models  # with ONNX Runtime and Pillow, which searching does without

                self._models = Models(self.settings.models_dir, self.settings.library_dir / "models")
            return self._models

    def import_checkpoint(self, checkpoint: Path, wordmap: Path, name: str) -> None:
        """Take in a captioner of the older system, then known by `name`.

        Raises:
            ModelError: the files cannot be read or do not fit, or there is a model of that name.
            ReadOnlyError: this is the public demo.
        """
        self._may_write()
        from photosearch.captioner.original import import_checkpoint

        models = self.models()
        if name in models.captioners():
            raise PhotosearchError(f'There is a model "{name}" already. Choose another name.')
        import_checkpoint(checkpoint, wordmap, models.imported / name, name)

    def look(self, picture: Picture, choice: Choice | None = None) -> Findings:
        """What the models tell of one picture, which is kept nowhere; raises `ModelError`."""
        from photosearch.loader import Choice

        batch = Batch([picture])
        told = [model.load().look(batch)[0] for model in self.models().choose(choice or Choice())]
        return Findings(
            captions=tuple(caption for one in told for caption in one.captions),
            objects=tuple(found for one in told for found in one.objects),
            labels=tuple(label for one in told for label in one.labels),
            concepts=tuple(concept for one in told for concept in one.concepts),
        )

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
        return added + self._caption(name, None, False, on_progress, is_cancelled)

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
        choice: Choice | None = None,
        redo: bool = False,
        on_progress: OnProgress = _ignore,
        is_cancelled: Callable[[], bool] = _never,
    ) -> Report:
        """Caption what is not captioned yet, in one collection or in all; name objects, labels and concepts with it.

        Raises:
            CollectionNotFound: there is no such collection.
            ModelError: the model cannot be loaded.
            WorkerBusy: another run is at work on the library.
            LibraryError: results cannot be kept; what was saved is safe.
            ReadOnlyError: this is the public demo.
        """
        self._may_write()
        return self._caption(collection, choice, redo, on_progress, is_cancelled)

    def _caption(
        self,
        collection: str | None,
        choice: Choice | None,
        redo: bool,
        on_progress: OnProgress,
        is_cancelled: Callable[[], bool],
    ) -> Report:
        from photosearch.loader import Choice
        from photosearch.pipeline import analyse_photos

        with worker(self.library, "caption") as beat:

            def report(progress: Progress) -> None:
                beat(progress)
                on_progress(progress)

            chosen = self.models().choose(choice or Choice())
            filed = {self.library.model_id(model.station, model.name, model.digest): model for model in chosen}
            pending = self.library.pending(collection, list(filed), redo=redo)
            if not pending:
                return Report()
            report(Progress(0, len(pending)))
            return analyse_photos(
                self.library,
                {model_id: model.load() for model_id, model in filed.items()},
                pending,
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

    def tables(self) -> tuple[Expansion, Hypernyms]:
        """What searching reads beside the library: related words, what a label is a kind of; raises `ModelError`."""
        if self._tables is None:
            models = self.settings.models_dir
            self._tables = (
                Expansion.load(models / "expansion" / "expansion.txt"),
                Hypernyms.load(models / "hypernyms" / "hypernyms.txt"),
            )
        return self._tables

    def index(self, collection: str) -> Index:
        """The collection's index as it stands; raises `CollectionNotFound`."""
        generation = self.library.generation(collection)
        known = self._indexes.get(collection)
        if known is None or known.generation != generation:
            # Documents are read after the number: they may be newer than it, never older.
            expansion, hypernyms = self.tables()
            index = Index(self.library.documents(collection), expansion=expansion, hypernyms=hypernyms)
            known = _Indexed(generation, index)
            self._indexes[collection] = known
        return known.index

    def search(
        self,
        query: str,
        collection: str,
        *,
        top: int = PAGE_TOP,
        fields: frozenset[Field] = ALL,
        expand: bool = True,
    ) -> Results:
        """Find photos by description.

        Args:
            query: a description.
            collection: where to search.
            top: hits wanted at most.
            fields: what of a photo is searched.
            expand: whether related words count, too.

        Raises:
            CollectionNotFound: there is no such collection.
            ModelError: the table of related words cannot be read.
            ValueError: `top` is negative.
        """
        index = self.index(collection)
        started = time.perf_counter()
        total, matches = index.search(query, top=top, fields=fields, expand=expand)
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
