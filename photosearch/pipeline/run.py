"""A run over photos: read them, and show those that are new to the models, as the library's one worker."""

from __future__ import annotations

from collections.abc import Sequence

from photosearch.library import Library
from photosearch.pipeline.analysis import analyse_photos
from photosearch.pipeline.worker import worker
from photosearch.records import Progress, Report, Watch
from photosearch.settings import Settings
from photosearch.sources.reading import Reader
from photosearch.vision.registry import Model


def run(
    library: Library,
    settings: Settings,
    collection: str | None,
    watch: Watch,
    models: Sequence[Model] = (),
    *,
    redo: bool = False,
) -> Report:
    """Work through a collection, or through all.

    Args:
        library: what is kept, and where.
        settings: what of fetched photos is kept.
        collection: its name; None: all.
        watch: who follows it.
        models: what photos are shown to; none: they are only read.
        redo: whether photos are shown that have been seen before.

    Raises:
        CollectionNotFound: there is no such collection.
        ModelError: a model cannot be loaded.
        WorkerBusy: another run is at work on the library.
        LibraryError: results cannot be kept; what was saved is safe.
    """
    kind, doing = ("caption", "Captioning") if models else ("fetch", "Fetching")
    with worker(library, kind, f"{doing} {collection or 'all collections'}") as beat:

        def report(progress: Progress) -> None:
            beat(progress)
            watch.on_progress(progress)

        filed = {library.model_id(model.station, model.name, model.digest): model for model in models}
        pending = library.pending(collection, list(filed), redo=redo)
        if not models:
            pending = [photo for photo in pending if not photo.sha256]
        if not pending:
            return Report()
        report(Progress(0, len(pending)))
        watched = Watch(report, watch.is_cancelled)
        with Reader(settings, watched) as reader:
            return analyse_photos(
                library,
                reader,
                {model_id: model.load() for model_id, model in filed.items()},
                pending,
                redo=redo,
                keep=settings.keep,
                watch=watched,
            )
