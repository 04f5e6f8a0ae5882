"""The command that captions photos, and how long runs are shown: caption."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from photosearch.cli.app import (
    ClassifierOption,
    CollectionOption,
    DetectorOption,
    Format,
    FormatOption,
    ModelOption,
    NoObjectsOption,
    app,
    opened,
)
from photosearch.cli.output import print_json, progress_bar, say, say_failures, say_notes
from photosearch.library.upkeep import names_with_login
from photosearch.records import Report, Watch
from photosearch.settings import Settings, read_setting
from photosearch.sources.instagram.profile import LOGIN_WARNING
from photosearch.workspace import Workspace

if TYPE_CHECKING:
    from photosearch.vision.registry import ModelChoice

_EXPECTED = 2  # pictures, before it is known how many there are


@app.command()
def caption(
    context: typer.Context,
    collection: CollectionOption = None,
    model: ModelOption = "captioner",
    classifier: ClassifierOption = "built-in",
    detector: DetectorOption = "detector",
    no_objects: NoObjectsOption = False,
    redo: Annotated[bool, typer.Option("--redo", help="Also caption photos again that have captions.")] = False,
    ray: Annotated[
        str | None,
        typer.Option("--ray", metavar="[ADDRESS]", help="Caption by the Ray cluster there; no address: by one here."),
    ] = None,
    format: FormatOption = Format.TEXT,
) -> None:
    """Caption what is not captioned yet; find objects, labels and concepts. Goes on where a run was stopped."""
    if ray is not None:
        context.obj = replace(context.obj, ray=read_setting("ray", ray, "--ray"))
    expect_pictures(context.obj)  # before what follows is imported
    from photosearch.export.formats import report_json
    from photosearch.vision.registry import NO_DETECTOR, ModelChoice

    choice = ModelChoice(model, classifier, NO_DETECTOR if no_objects else detector)
    with opened(context) as workspace:
        warn_of_login(workspace, collection)
        report = caption_photos(workspace, collection, choice, redo=redo)
    if format is Format.JSON:
        print_json(report_json(report))


def expect_pictures(settings: Settings, *, captions: bool = True) -> None:
    """Start processes that decode pictures or, where a cluster does it, the one that drives it.

    They take half a second or more, in which this process imports what it needs and lists the photos.

    Args:
        settings: of the run.
        captions: whether photos are captioned; if not they are fetched, which no cluster does.
    """
    if settings.ray and captions:
        from photosearch.pipeline.ray_process import start_ahead

        start_ahead(settings.ray)
        return
    from photosearch.pictures.decoding.pool import start_processes

    start_processes(_EXPECTED)


def warn_of_login(workspace: Workspace, collection: str | None, *, is_listing: bool = False) -> None:
    """Warn before a login is used that an earlier command named: to list a profile, or for links that have expired."""
    names = names_with_login(workspace.library)
    infos = [info for info in workspace.library.collections() if info.name in names and collection in (None, info.name)]
    if any(is_listing or info.n_new for info in infos):
        say(LOGIN_WARNING)


def caption_photos(workspace: Workspace, collection: str | None, choice: ModelChoice, *, redo: bool = False) -> Report:
    """Caption what is not captioned yet, showing progress, and say what came of it."""
    started = time.perf_counter()
    with watched("Captioning") as watch:
        report = workspace.caption(collection, choice=choice, redo=redo, watch=watch)
    say(captioned(report, time.perf_counter() - started))
    say_notes(report)
    say_failures(report.failures)
    return report


@contextmanager
def watched(title: str) -> Iterator[Watch]:
    """Show a progress bar. Ctrl-C ends the block; where a library swallows the interrupt, after the batch in hand."""
    asked = threading.Event()

    def on_interrupt(_number: int, _frame: object) -> None:
        asked.set()
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, on_interrupt)
    try:
        with progress_bar(title) as on_progress:
            yield Watch(on_progress, asked.is_set)
        if asked.is_set():
            raise KeyboardInterrupt
    finally:
        signal.signal(signal.SIGINT, before)


def captioned(report: Report, seconds: float) -> str:
    """Return a sentence about what a captioning run did."""
    if not (report.n_captioned or report.n_reused or report.failures):
        return "Nothing to caption."
    parts = [f"{report.n_captioned} captioned in {seconds:.0f} s"]
    if report.n_captioned and seconds:
        parts[0] += f" ({report.n_captioned / seconds:.1f} photos/s)"
    if report.n_reused:
        parts.append(f"{report.n_reused} already captioned")
    if report.failures:
        parts.append(f"{len(report.failures)} could not be used")
    return ", ".join(parts) + "."
