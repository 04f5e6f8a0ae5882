"""The one object that pages, API and command line hold: add, caption, search, export."""

from __future__ import annotations

import threading
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from photosearch import sources
from photosearch.adding import Added, add_source
from photosearch.errors import CollectionNotFound, PhotosearchError, ReadOnlyError
from photosearch.expansion import Expansion
from photosearch.fields import ALL, Field
from photosearch.hypernyms import Hypernyms
from photosearch.index import Index
from photosearch.jobs import OnProgress, worker
from photosearch.library import Library
from photosearch.records import CollectionInfo, Failure, Photo, PhotoState, Progress, Report, Results
from photosearch.searcher import Searcher
from photosearch.settings import Settings
from photosearch.sources import NO_OPTIONS, UNWATCHED, Options, Watch
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


class Workspace:
    """A library with the models and indexes that go with it. Use from any thread."""

    def __init__(self, settings: Settings) -> None:
        """Open the library that the settings name; models are loaded when first needed."""
        self.settings = settings
        self.library = Library(settings.library_dir, settings.database)
        self._models: Models | None = None
        self._tables: tuple[Expansion, Hypernyms] | None = None
        self._held: Searcher | None = None
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

    def prepare_demo(self, on_progress: OnProgress = _ignore, is_cancelled: Callable[[], bool] = _never) -> Report:
        """Add and caption what the demo holds; raises as `add` and `caption` do."""
        done = Report()
        name = self.settings.demo_source if self.settings.demo else DEMO
        for added in self._add([name], None, NO_OPTIONS, Watch(on_progress, is_cancelled)):
            done += added.report + self._run("caption", added.collection, None, False, on_progress, is_cancelled)
        return done

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
        return self.settings.library_dir / "instagram"

    def upload(
        self, uploads: Sequence[tuple[str, BinaryIO]], collection: str | None = None, watch: Watch = UNWATCHED
    ) -> Added:
        """Keep photos and ZIPs of photos that were handed in, names with their bytes; nothing is captioned yet.

        Raises:
            SourceError: a ZIP cannot be read.
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
        done = []
        for source in found:
            name = self._collection_name(source.collection if collection is None else collection)
            report = add_source(self.library, source, name, watch)
            done.append(Added(name, report, source.described))
        return done

    def _collection_name(self, name: str) -> str:
        name = name.strip()
        if not name or len(name) > MAX_NAME_CHARS or any(unicodedata.category(char) in _UNWRITABLE for char in name):
            raise PhotosearchError(
                f"A collection's name has 1 to {MAX_NAME_CHARS} printable characters; {name[:120]!r} cannot be used."
                " Give another name."
            )
        return name

    def fetch(
        self,
        collection: str | None = None,
        *,
        on_progress: OnProgress = _ignore,
        is_cancelled: Callable[[], bool] = _never,
    ) -> Report:
        """Read photos that are not captioned yet, and keep what the settings say of those that are fetched.

        Raises:
            CollectionNotFound: there is no such collection.
            WorkerBusy: another run is at work on the library.
            LibraryError: results cannot be kept; what was saved is safe.
            ReadOnlyError: this is the public demo.
        """
        self._may_write()
        return self._run("fetch", collection, None, False, on_progress, is_cancelled)

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
        return self._run("caption", collection, choice, redo, on_progress, is_cancelled)

    def _run(
        self,
        kind: str,
        collection: str | None,
        choice: Choice | None,
        redo: bool,
        on_progress: OnProgress,
        is_cancelled: Callable[[], bool],
    ) -> Report:
        from photosearch.loader import Choice
        from photosearch.pipeline import analyse_photos
        from photosearch.sources.reading import Reader

        with worker(self.library, kind) as beat:

            def report(progress: Progress) -> None:
                beat(progress)
                on_progress(progress)

            chosen = self.models().choose(choice or Choice()) if kind == "caption" else []
            filed = {self.library.model_id(model.station, model.name, model.digest): model for model in chosen}
            pending = self.library.pending(collection, list(filed), redo=redo)
            if kind == "fetch":
                pending = [photo for photo in pending if not photo.sha256]
            if not pending:
                return Report()
            report(Progress(0, len(pending)))
            with Reader(self.settings, Watch(report, is_cancelled)) as reader:
                return analyse_photos(
                    self.library,
                    reader,
                    {model_id: model.load() for model_id, model in filed.items()},
                    pending,
                    redo=redo,
                    keep=self.settings.keep,
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
        return self._searcher().index(collection)

    def near_duplicates(self, collection: str) -> Mapping[str, int]:
        """The group of each photo that has near-duplicates; raises `CollectionNotFound`."""
        return self._searcher().near_duplicates(collection)

    def search(
        self,
        query: str,
        collection: str,
        *,
        top: int = PAGE_TOP,
        fields: frozenset[Field] = ALL,
        expand: bool = True,
        group: bool = False,
    ) -> Results:
        """Find photos by description, as `Searcher.search` does."""
        return self._searcher().search(query, collection, top=top, fields=fields, expand=expand, group=group)

    def _searcher(self) -> Searcher:
        if self._held is None:
            self._held = Searcher(self.library, *self.tables())
        return self._held

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
        if self._held is not None:
            self._held.forget(collection)
