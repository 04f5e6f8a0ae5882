"""The door to everything: pages, HTTP API and command line hold one `Workspace` and reach all rooms through it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypeVar, cast

from photosearch import sources
from photosearch.errors import IndexOutOfReach, LibraryError, PhotosearchError, ReadOnlyError
from photosearch.library import Library, corrections, upkeep
from photosearch.pipeline.adding import Added, add_named, add_uploads, list_photos
from photosearch.pipeline.worker import analyse_pending
from photosearch.records import UNWATCHED, Report, Watch
from photosearch.search.index import Tables, read_tables
from photosearch.search.milvus.address import read_address
from photosearch.search.question import Question
from photosearch.search.searcher import Searcher
from photosearch.search.wording import Wording
from photosearch.settings import Settings
from photosearch.sources import NO_OPTIONS, Options
from photosearch.sources.demo import NAME as DEMO
from photosearch.sources.instagram.files import folder_within
from photosearch.words.languages import Language, language_named

if TYPE_CHECKING:
    from photosearch.evaluation.checking import Problem
    from photosearch.export.exporter import ExportKind
    from photosearch.pipeline.inspections import Inspections
    from photosearch.pipeline.machines import Cluster
    from photosearch.pipeline.tasks import Task
    from photosearch.vision.registry import ModelChoice, Models

T = TypeVar("T")


class Workspace:
    """A library with the models and the search indexes that belong to it. Use from any thread.

    What only reads is done in the rooms: `library`, `searcher`, `models`, `inspections`, `tables` and `wording`, each
    made when first used. What changes the library, or takes several rooms, is a method of the workspace; those that
    change something raise `ReadOnlyError` in the public demo.
    """

    def __init__(self, settings: Settings) -> None:
        """Open the library that the settings name."""
        self.settings = settings
        self.library = Library(settings.library_dir, settings.database, settings.files)
        self._rooms: dict[str, object] = {}
        self._lock = threading.RLock()  # a room may need another one

    def close(self) -> None:
        """Close the library, and what searches it."""
        if "searcher" in self._rooms:
            self.searcher.close()
        self.library.close()

    # Rooms

    @property
    def tables(self) -> Tables:
        """Return the tables of related words and the like; raises `ModelError`."""
        of, is_public = self.settings, self.settings.demo
        return self._room("tables", lambda: read_tables(of.models_dir, of.owner_language, public=is_public))

    @property
    def language(self) -> Language:
        """Return the owner's language."""
        return language_named(self.settings.owner_language)

    @property
    def wording(self) -> Wording:
        """Return the words by which search terms are shown."""
        return self._room("wording", lambda: Wording.load(self.settings.models_dir, self.language))

    @property
    def searcher(self) -> Searcher:
        """Return what searches the library; raises `ModelError`."""
        return self._room("searcher", self._make_searcher)

    def _make_searcher(self) -> Searcher:
        address = read_address(self.settings.index) if self.settings.index else None
        return Searcher(self.library, self.tables, address)

    @property
    def models(self) -> Models:
        """Return the models; each is loaded when first used."""
        from photosearch.vision.registry import Models  # with ONNX Runtime and Pillow, which searching does without

        imported = self.settings.library_dir / "models"
        return self._room("models", lambda: Models(self.settings.models_dir, imported, self.settings.device))

    @property
    def inspections(self) -> Inspections:
        """Return what shows photos as captioners see them."""
        from photosearch.pipeline.inspections import Inspections  # with Pillow, which searching does without

        return self._room("inspections", lambda: Inspections(self.library, self.settings, self.models))

    def _room(self, name: str, make: Callable[[], T]) -> T:
        with self._lock:  # two searchers would build each index twice
            if name not in self._rooms:
                self._rooms[name] = make()
            return cast("T", self._rooms[name])

    def warm_up(self) -> None:
        """Delete what killed processes left; load indexes and models ahead of the first search and the first photo."""
        from photosearch.library.sweeping import sweep
        from photosearch.vision.registry import ModelChoice

        sweep(self.library)
        for name in self.library.collection_names():
            self.searcher.index(name)
            self.searcher.near_duplicates(name)
        for model in self.models.choose(ModelChoice()):
            model.load()

    # Adding and captioning

    def _check_writable(self) -> None:
        """Raise `ReadOnlyError` when this is the public demo."""
        if self.settings.demo:
            raise ReadOnlyError("This is the public demo: nothing can be added, changed or removed.")

    def check_source(self, *names: str, options: Options = NO_OPTIONS) -> None:
        """Raise `SourceError` when there is no such source, `ReadOnlyError` in the public demo."""
        self._check_writable()
        sources.find_sources([name.strip() for name in names], self.settings.library_dir, options)

    def perform(self, task: Task, watch: Watch = UNWATCHED) -> Report:
        """Do a task: list photos, then fetch or caption them; raises as `list_photos` and `caption` do."""
        self._check_writable()
        return self._perform(task, watch)

    def _perform(self, task: Task, watch: Watch, *, even_described: bool = False) -> Report:
        report = Report()
        for added in list_photos(self.library, task, watch):
            report += added.report
            if not watch.is_cancelled():
                step = task.next_step(is_described=added.described and not even_described)
                report += self._do_step(step, task, added.collection, watch)
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
        self._check_writable()
        return list_photos(self.library, task, watch)

    def fetch_or_caption(self, task: Task, added: Added, watch: Watch = UNWATCHED) -> Report:
        """Do the second step of a task with one of the collections that the first step listed; raises as `caption`."""
        self._check_writable()
        return self._do_step(task.next_step(is_described=added.described), task, added.collection, watch)

    def _do_step(self, step: str, task: Task, name: str, watch: Watch) -> Report:
        collection = name or None  # what was uploaded before a restart may lie in any
        if step == "caption":
            return self._caption(collection, task.choice, watch, redo=task.redo)
        if step == "fetch":
            return analyse_pending(self.library, self.settings, collection, watch)
        return Report()

    def add(
        self,
        *names: str,
        collection: str | None = None,
        options: Options = NO_OPTIONS,
        watch: Watch = UNWATCHED,
    ) -> list[Added]:
        """List the photos of what a person named, as `adding.add_named` does; nothing is read or captioned yet."""
        self._check_writable()
        return add_named(self.library, names, collection, options, watch)

    def upload(
        self,
        uploads: Sequence[tuple[str, BinaryIO]],
        collection: str | None = None,
        watch: Watch = UNWATCHED,
        *,
        options: Options = NO_OPTIONS,
    ) -> list[Added]:
        """Keep uploaded photos and ZIPs, as `adding.add_uploads` does; nothing is captioned yet."""
        self._check_writable()
        return add_uploads(self.library, uploads, collection, options, watch)

    def caption(
        self,
        collection: str | None = None,
        *,
        choice: ModelChoice | None = None,
        redo: bool = False,
        watch: Watch = UNWATCHED,
    ) -> Report:
        """Caption the photos that are not captioned yet, and name their objects, labels and concepts.

        Args:
            collection: the collection's name; None: all collections.
            choice: which models; None: the built-in ones.
            redo: whether captioned photos are captioned again.
            watch: follows the run, and may stop it.

        Raises:
            CollectionNotFound: there is no such collection.
            ModelError: a model cannot be loaded.
            WorkerBusy: another run is at work on the library.
            LibraryError: results cannot be kept; what was saved is safe.
            ReadOnlyError: this is the public demo.
        """
        self._check_writable()
        return self._caption(collection, choice, watch, redo=redo)

    def _caption(
        self, collection: str | None, choice: ModelChoice | None, watch: Watch, *, redo: bool = False
    ) -> Report:
        from photosearch.vision.registry import ModelChoice

        models = self.models.choose(choice or ModelChoice())
        cluster = self._cluster(choice or ModelChoice())
        return analyse_pending(self.library, self.settings, collection, watch, models, redo=redo, cluster=cluster)

    def _cluster(self, choice: ModelChoice) -> Cluster | None:
        """Return the machines that caption, where the settings name a cluster."""
        if not self.settings.ray:
            return None
        from photosearch.pipeline.machine_worker import load_chosen
        from photosearch.pipeline.machines import Cluster

        return Cluster(self.settings.ray, partial(load_chosen, choice))

    def retry(self, collection: str) -> int:
        """Mark failed photos to be read again by the next run, as `upkeep.retry_failed` does; return how many."""
        self._check_writable()
        return upkeep.retry_failed(self.library, collection)

    # The demo collection

    def needs_demo(self) -> bool:
        """Return whether the demo collection is wanted and not captioned yet."""
        infos = self.library.collections()
        if not infos or self.settings.demo:  # the public demo's source may have changed since the last start
            return True
        return any(info.name == DEMO and info.n_new for info in infos)

    def prepare_demo(self, watch: Watch = UNWATCHED) -> Report:
        """Add and caption the demo photos, in the public demo, too; raises as `add` and `caption` do."""
        from photosearch.pipeline.tasks import Task

        name = self.settings.demo_source if self.settings.demo else DEMO
        task = Task("Captioning the demo photos", (name,))
        return self._perform(task, watch, even_described=True)  # visitors could not have them captioned later

    # Correcting captions

    def correct(self, photo_id: str, text: str, who: str) -> None:
        """Replace a photo's caption by a person's sentence, as `corrections.correct_caption` does."""
        self._check_writable()
        corrections.correct_caption(self.library, photo_id, text, who)

    def clear_caption(self, photo_id: str, who: str) -> None:
        """Remove a photo's caption, as `corrections.clear_caption` does."""
        self._check_writable()
        corrections.clear_caption(self.library, photo_id, who)

    def undo_correction(self, photo_id: str) -> None:
        """Undo the latest correction, as `corrections.undo_correction` does."""
        self._check_writable()
        corrections.undo_correction(self.library, photo_id)

    def confirm_correction(self, photo_id: str) -> None:
        """Let a correction hold for the present picture, as `corrections.confirm_correction` does."""
        self._check_writable()
        corrections.confirm_correction(self.library, photo_id)

    def ask_again(self, photo_id: str, model: str | None = None) -> None:
        """Replace corrections by a captioner's new sentence, as `Inspections.ask_again` does."""
        self._check_writable()
        from photosearch.vision.registry import CAPTIONER

        self.inspections.ask_again(self.library.photo(photo_id), model or CAPTIONER)

    # Upkeep

    def find_problems(self) -> Iterator[Problem]:
        """Yield what is wrong with the library, as `checking.find_problems` does; raises `ReadOnlyError`."""
        self._check_writable()
        from photosearch.evaluation.checking import find_problems

        return find_problems(self.library, self.settings, self.tables)

    # Models, export, removal

    def import_checkpoint(self, checkpoint: Path, wordmap: Path, name: str) -> None:
        """Import a captioner of the older system under a name.

        Raises:
            ModelError: the files cannot be read or do not fit.
            PhotosearchError: there is a model of that name.
            ReadOnlyError: this is the public demo.
        """
        self._check_writable()
        from photosearch.vision.captioner.older_system.importer import import_checkpoint

        if name in self.models.captioners():
            raise PhotosearchError(f'There is a model "{name}" already. Choose another name.')
        import_checkpoint(checkpoint, wordmap, self.models.imported / name, name)

    def instagram_folder(self) -> Path:
        """Return the folder of saved Instagram sessions; raises `ReadOnlyError` in the public demo."""
        self._check_writable()
        return folder_within(self.settings.library_dir)

    def export(
        self, kind: ExportKind, collection: str, path: Path, *, query: str = "", watch: Watch = UNWATCHED
    ) -> Report:
        """Write a collection, or what a query finds in it, to a file, as `Exporter.write` does."""
        self._check_writable()
        from photosearch.export.exporter import MAX_FOUND, Exporter
        from photosearch.sources.reading import Reader

        if query.strip():
            hits = self.searcher.search(Question(query, collection, top=MAX_FOUND)).hits
            ids = [hit.photo.id for hit in hits]
        else:
            ids = upkeep.photo_ids(self.library, collection)
        with Reader(self.settings, watch) as reader:
            return Exporter(self.library, reader, watch).write(kind, collection, ids, path)

    def remove(self, collection: str) -> None:
        """Remove a collection with its texts and thumbnails; the photos themselves stay where they are.

        Raises:
            CollectionNotFound: there is no such collection.
            LibraryError: some files cannot be deleted, or an index elsewhere; everything else is.
            ReadOnlyError: this is the public demo.
        """
        self._check_writable()
        left: IndexOutOfReach | None = None
        if "searcher" in self._rooms or self.settings.index:
            try:
                self.searcher.forget(collection)  # first: some systems do not delete files that are in use
            except IndexOutOfReach as error:
                left = error
        self.library.remove_collection(collection)
        if left is not None:
            raise LibraryError(f'"{collection}" was removed, but not its words in Milvus. {left}')
