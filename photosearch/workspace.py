"""The one object that pages, API and command line hold: add, caption, search, export."""

from __future__ import annotations

import threading
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from photosearch import sources
from photosearch.errors import CollectionNotFound, PhotosearchError, ReadOnlyError
from photosearch.library import Library, Origin, corrections, upkeep
from photosearch.pipeline.adding import Added, Named, add_source, add_sources, update_collection
from photosearch.pipeline.worker import analyse_pending
from photosearch.records import (
    UNWATCHED,
    CollectionInfo,
    Correction,
    DiskUse,
    Document,
    Failure,
    Findings,
    Photo,
    PhotoState,
    Report,
    Results,
    Watch,
)
from photosearch.search.index import Index, Tables, read_tables
from photosearch.search.question import PAGE_TOP, Question
from photosearch.search.searcher import Searcher
from photosearch.search.wording import Wording
from photosearch.settings import Settings
from photosearch.sources import NO_OPTIONS, Options
from photosearch.sources.demo import NAME as DEMO
from photosearch.sources.instagram.files import folder_within
from photosearch.vision.observer import Batch

if TYPE_CHECKING:
    from photosearch.export.exporter import ExportKind
    from photosearch.images import Picture
    from photosearch.pipeline.inspections import Inspections
    from photosearch.pipeline.tasks import Task
    from photosearch.vision.registry import ModelChoice, Models

MAX_NAME_CHARS = 100
_UNWRITABLE = ("Cc", "Cs", "Zl", "Zp")  # control characters, halves of surrogate pairs, line separators


class Workspace:
    """A library with the models and indexes that go with it. Use from any thread."""

    def __init__(self, settings: Settings) -> None:
        """Open the library that the settings name; models are loaded when first needed."""
        self.settings = settings
        self.library = Library(settings.library_dir, settings.database)
        self._models: Models | None = None
        self._tables: Tables | None = None
        self._wording: Wording | None = None
        self._held: Searcher | None = None
        self._inspections: Inspections | None = None
        self._lock = threading.Lock()

    def close(self) -> None:
        """Give the library's files back."""
        self.library.close()

    def warm_up(self) -> None:
        """Load indexes and models ahead of the first search and the first photo."""
        from photosearch.vision.registry import ModelChoice

        for info in self.collections():
            self.index(info.name)
            self.near_duplicates(info.name)
        for model in self.models().choose(ModelChoice()):
            model.load()

    # Models

    def models(self) -> Models:
        """The models, each loaded when first needed."""
        with self._lock:
            if self._models is None:
                from photosearch.vision.registry import (
                    Models,  # with ONNX Runtime and Pillow, which searching does without
                )

                self._models = Models(self.settings.models_dir, self.settings.library_dir / "models")
            return self._models

    def import_checkpoint(self, checkpoint: Path, wordmap: Path, name: str) -> None:
        """Take in a captioner of the older system, then known by `name`.

        Raises:
            ModelError: the files cannot be read or do not fit, or there is a model of that name.
            ReadOnlyError: this is the public demo.
        """
        self._may_write()
        from photosearch.vision.captioner.older_system.importer import import_checkpoint

        models = self.models()
        if name in models.captioners():
            raise PhotosearchError(f'There is a model "{name}" already. Choose another name.')
        import_checkpoint(checkpoint, wordmap, models.imported / name, name)

    def analyse(self, picture: Picture, choice: ModelChoice | None = None) -> Findings:
        """Return what the models find in one picture, which is kept nowhere; raises `ModelError`."""
        from photosearch.vision.registry import ModelChoice

        batch = Batch([picture])
        models = self.models().choose(choice or ModelChoice())
        return sum((model.load().observe(batch)[0] for model in models), Findings())

    # Adding and captioning

    def check_source(self, *names: str, options: Options = NO_OPTIONS) -> None:
        """Raise `SourceError` when there is no such source."""
        self._may_write()
        sources.find_sources([name.strip() for name in names], self.settings.library_dir, options)

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

    def prepare_demo(self, watch: Watch = UNWATCHED) -> Report:
        """Add and caption what the demo holds; raises as `add` and `caption` do."""
        from photosearch.pipeline.tasks import Task

        name = self.settings.demo_source if self.settings.demo else DEMO
        task = Task("Captioning the demo photos", (name,))
        return self._perform(task, watch, even_described=True)  # visitors could not have them captioned later

    def perform(self, task: Task, watch: Watch = UNWATCHED) -> Report:
        """Do a task: list photos, then fetch or caption them; raises as `list_photos` and `caption` do."""
        self._may_write()
        return self._perform(task, watch)

    def _perform(self, task: Task, watch: Watch, *, even_described: bool = False) -> Report:
        report = Report()
        for added in self._list_photos(task, watch):
            if even_described:
                added = replace(added, described=False)
            report += added.report
            if not watch.is_cancelled():
                report += self._fetch_or_caption(task, added, watch)
        return report

    def list_photos(self, task: Task, watch: Watch = UNWATCHED) -> list[Added]:
        """Do the first step of a task: list the photos of what it names, or anew those of its collection.

        Raises:
            CollectionNotFound: the collection to be updated does not exist.
            SourceError: a source cannot be listed.
            LibraryError: the library cannot be written.
            Cancelled: the watch ended it; what was listed until then is kept.
            ReadOnlyError: this is the public demo.
        """
        self._may_write()
        return self._list_photos(task, watch)

    def _list_photos(self, task: Task, watch: Watch) -> list[Added]:
        if task.update:
            return [update_collection(self.library, task.collection or "", watch)]
        if task.names:
            return self._add(task.names, task.collection, task.options, watch)
        return [Added(task.collection or "", Report(), described=False)]

    def fetch_or_caption(self, task: Task, added: Added, watch: Watch = UNWATCHED) -> Report:
        """Do the second step of a task with one of the collections that the first step listed; raises as `caption`."""
        self._may_write()
        return self._fetch_or_caption(task, added, watch)

    def _fetch_or_caption(self, task: Task, added: Added, watch: Watch) -> Report:
        match task.next_step(is_described=added.described):
            case "caption":
                return self._caption(added.collection, task.choice, watch, redo=task.redo)
            case "fetch":
                return analyse_pending(self.library, self.settings, added.collection, watch)
            case _:
                return Report()

    def add(
        self,
        *names: str,
        collection: str | None = None,
        options: Options = NO_OPTIONS,
        watch: Watch = UNWATCHED,
    ) -> list[Added]:
        """List a source's photos into a collection; nothing is read or captioned yet.

        Args:
            names: what `sources.find_sources` takes.
            collection: where to; None: the source's own name.
            options: what was chosen of the source.
            watch: told how far it is, and asked whether to go on.

        Returns:
            What was new, changed, gone or could not be listed, by collection: some files hold several.

        Raises:
            SourceError: the source cannot be listed.
            LibraryError: the library cannot be written.
            Cancelled: it was ended; what was listed until then is kept.
            ReadOnlyError: this is the public demo.
        """
        self._may_write()
        return self._add(names, collection, options, watch)

    def instagram_folder(self) -> Path:
        """Where Instagram's sessions are kept; raises `ReadOnlyError` in the public demo."""
        self._may_write()
        return folder_within(self.settings.library_dir)

    def upload(
        self, uploads: Sequence[tuple[str, BinaryIO]], collection: str | None = None, watch: Watch = UNWATCHED
    ) -> Added:
        """Keep photos and ZIPs of photos that were handed in, names with their bytes; nothing is captioned yet.

        Raises:
            LibraryError: there is no room.
            Cancelled: it was ended; what was kept until then stays.
            ReadOnlyError: this is the public demo.
        """
        self._may_write()
        from photosearch.sources.upload import UploadSource

        source = UploadSource(uploads, self.library.files)
        name = self._collection_name(collection or source.collection)
        return Added(name, add_source(self.library, source, name, watch), source.described)

    def _add(self, names: Sequence[str], collection: str | None, options: Options, watch: Watch) -> list[Added]:
        found = sources.find_sources(names, self.settings.library_dir, options)
        if collection is not None and len(found) > 1:
            held = ", ".join(source.collection for source in found)
            raise PhotosearchError(f"There are several collections in it ({held}); they keep their own names.")
        chosen = None if collection is None else self._collection_name(collection)
        named = Named(tuple(names), options)
        return add_sources(self.library, found, lambda own: chosen or self._collection_name(own), watch, named)

    def update(self, collection: str, watch: Watch = UNWATCHED) -> Added:
        """List anew all that a collection was added from, as `adding.update_collection` does."""
        self._may_write()
        return update_collection(self.library, collection, watch)

    def origins(self, collection: str) -> list[Origin]:
        """What a collection was added from; raises `CollectionNotFound`."""
        return upkeep.read_origins(self.library, collection)

    def retry(self, collection: str) -> int:
        """Have the next run read photos again that failed; says how many. Raises `CollectionNotFound`."""
        self._may_write()
        return upkeep.retry_failed(self.library, collection)

    def disk_use(self, collection: str) -> DiskUse:
        """What a collection takes in the library's folder; raises `CollectionNotFound`."""
        return upkeep.measure_disk(self.library, collection)

    def _collection_name(self, name: str) -> str:
        name = name.strip()
        if not name or len(name) > MAX_NAME_CHARS or any(unicodedata.category(char) in _UNWRITABLE for char in name):
            raise PhotosearchError(
                f"A collection's name has 1 to {MAX_NAME_CHARS} printable characters; {name[:120]!r} cannot be used."
                " Give another name."
            )
        return name

    def fetch(self, collection: str | None = None, watch: Watch = UNWATCHED) -> Report:
        """Read photos that are not captioned yet, and keep what the settings say of those that are fetched.

        Raises:
            CollectionNotFound: there is no such collection.
            WorkerBusy: another run is at work on the library.
            LibraryError: results cannot be kept; what was saved is safe.
            ReadOnlyError: this is the public demo.
        """
        self._may_write()
        return analyse_pending(self.library, self.settings, collection, watch)

    def caption(
        self,
        collection: str | None = None,
        *,
        choice: ModelChoice | None = None,
        redo: bool = False,
        watch: Watch = UNWATCHED,
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
        return self._caption(collection, choice, watch, redo=redo)

    def _caption(
        self, collection: str | None, choice: ModelChoice | None, watch: Watch, *, redo: bool = False
    ) -> Report:
        from photosearch.pipeline.worker import analyse_pending
        from photosearch.vision.registry import ModelChoice

        models = self.models().choose(choice or ModelChoice())
        return analyse_pending(self.library, self.settings, collection, watch, models, redo=redo)

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

    def tables(self) -> Tables:
        """What searching reads beside the library; raises `ModelError`."""
        if self._tables is None:
            self._tables = read_tables(self.settings.models_dir, self.settings.owner_language)
        return self._tables

    def wording(self) -> Wording:
        """Words for search terms."""
        if self._wording is None:
            self._wording = Wording.load(self.settings.models_dir / "captioner" / "vocabulary.json")
        return self._wording

    def index(self, collection: str) -> Index:
        """The collection's index as it stands; raises `CollectionNotFound`."""
        return self._searcher().index(collection)

    def near_duplicates(self, collection: str) -> Mapping[str, int]:
        """The group of each photo that has near-duplicates; raises `CollectionNotFound`."""
        return self._searcher().near_duplicates(collection)

    def search(self, question: Question) -> Results:
        """Find photos by description, as `Searcher.search` does."""
        return self._searcher().search(question)

    def similar(self, photo_id: str, *, top: int = PAGE_TOP, offset: int = 0) -> Results:
        """The photos most like one; raises `PhotoNotFound`."""
        return self._searcher().similar(photo_id, top=top, offset=offset)

    def like(self, seen: Findings, collection: str, *, top: int = PAGE_TOP, offset: int = 0) -> Results:
        """The photos most like one that need not be here, by what `analyse` tells of it; raises as `search` does."""
        document = Document.from_findings("", seen)
        return self._searcher().like(document, collection, top=top, offset=offset)

    def _searcher(self) -> Searcher:
        with self._lock:  # two would build each index twice
            if self._held is None:
                self._held = Searcher(self.library, self.tables())
            return self._held

    # Looking inside, and correcting

    def inspections(self) -> Inspections:
        """Photos as captioners see them."""
        models = self.models()
        with self._lock:
            if self._inspections is None:
                from photosearch.pipeline.inspections import Inspections  # with torch

                self._inspections = Inspections(self.library, self.settings, models)
            return self._inspections

    def correct(self, photo_id: str, text: str, who: str) -> None:
        """Put a person's sentence in place of the model's, as `corrections.correct_caption` does."""
        self._may_write()
        corrections.correct_caption(self.library, photo_id, text, who)

    def clear_caption(self, photo_id: str, who: str) -> None:
        """Say that no sentence fits, as `corrections.clear_caption` does."""
        self._may_write()
        corrections.clear_caption(self.library, photo_id, who)

    def undo_correction(self, photo_id: str) -> None:
        """Take back what was said last, as `corrections.undo_correction` does."""
        self._may_write()
        corrections.undo_correction(self.library, photo_id)

    def ask_again(self, photo_id: str, model: str | None = None) -> None:
        """Let a model's new sentence count instead of what people said, as `Inspections.ask_again` does."""
        self._may_write()
        from photosearch.vision.registry import CAPTIONER

        self.inspections().ask_again(self.library.photo(photo_id), model or CAPTIONER)

    def caption_history(self, photo_id: str) -> list[Correction]:
        """All that people said of a photo, the latest first; raises `PhotoNotFound`."""
        return corrections.read_corrections(self.library, photo_id)

    # Looking after collections

    def collections(self) -> list[CollectionInfo]:
        """All collections, by name."""
        return self.library.collections()

    def failures(self, collection: str, limit: int | None = None) -> list[Failure]:
        """The photos that could not be used, and why; raises `CollectionNotFound`."""
        return upkeep.read_failures(self.library, collection, limit)

    def photos(self, collection: str, *states: PhotoState, limit: int | None = None, offset: int = 0) -> list[Photo]:
        """A collection's photos with all that is known of them, as `Library.photos` lists them."""
        return self.library.photos(collection, *states, limit=limit, offset=offset)

    def export(
        self, kind: ExportKind, collection: str, path: Path, *, query: str = "", watch: Watch = UNWATCHED
    ) -> Report:
        """Write a collection, or what a query finds in it, to a file, as `Exporter.write` does."""
        self._may_write()
        from photosearch.export.exporter import MAX_FOUND, Exporter
        from photosearch.sources.reading import Reader

        if query.strip():
            ids = [hit.photo.id for hit in self.search(Question(query, collection, top=MAX_FOUND)).hits]
        else:
            ids = upkeep.photo_ids(self.library, collection)
        with Reader(self.settings, watch) as reader:
            return Exporter(self.library, reader, watch).write(kind, collection, ids, path)

    def remove(self, collection: str) -> None:
        """Forget a collection, its texts and thumbnails; the photos themselves stay where they are.

        Raises:
            CollectionNotFound: there is no such collection.
            ReadOnlyError: this is the public demo.
        """
        self._may_write()
        if self._held is not None:
            self._held.forget(collection)  # first: some systems keep files that are in use
        self.library.remove_collection(collection)
