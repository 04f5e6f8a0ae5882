"""Taking photos in: add, fetch, update, caption, retry."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from photosearch.cli.app import ClassifierOption, CollectionOption, ModelOption, app, opened
from photosearch.cli.output import printable, progress_bar, say, say_failures
from photosearch.records import Report, Watch
from photosearch.sources import Options
from photosearch.workspace import Workspace

if TYPE_CHECKING:
    from photosearch.pipeline.adding import Added
    from photosearch.pipeline.tasks import Task
    from photosearch.vision.registry import ModelChoice

NoObjectsOption = Annotated[bool, typer.Option("--no-objects", help="Without the detector: twice as quick.")]
NoCaptionOption = Annotated[bool, typer.Option("--no-caption", help="Only list the photos; caption them later.")]


class Also(StrEnum):
    """What of an Instagram export is taken only when asked for."""

    ARCHIVED = "archived"
    STORIES = "stories"
    REELS = "reels"


@app.command()
def add(
    context: typer.Context,
    source: Annotated[
        list[str],
        typer.Argument(
            metavar="SOURCE...",
            help="demo, a folder, a list of addresses (.json, .txt, .csv), a ZIP of photos,"
            " Instagram's export (all its ZIPs), or a profile: instagram:NAME, @NAME, its address.",
        ),
    ],
    collection: CollectionOption = None,
    no_caption: NoCaptionOption = False,
    fetch: Annotated[bool, typer.Option("--fetch", help="List and fetch the photos; caption them later.")] = False,
    no_objects: NoObjectsOption = False,
    max_posts: Annotated[int | None, typer.Option(min=1, help="Of a profile: no more than its latest so many.")] = None,
    since: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Of a profile: nothing posted before this day.")
    ] = None,
    also: Annotated[list[Also] | None, typer.Option(help="Of an export; may be given several times.")] = None,
    login: Annotated[str | None, typer.Option(help="Of a profile: the user who logged in before.")] = None,
) -> None:
    """Take photos into a collection, and caption them. Again: takes in what is new, changed or gone."""
    from photosearch.pipeline.tasks import Task
    from photosearch.vision.registry import ModelChoice

    options = Options(max_posts, since.date() if since else None, frozenset(one.value for one in also or ()), login)
    then = "fetch" if fetch else "list" if no_caption else "caption"
    choice = ModelChoice(objects=not no_objects)
    with opened(context) as workspace:
        _perform(workspace, Task("Adding photos", tuple(source), collection, options, then=then, choice=choice))


def _perform(workspace: Workspace, task: Task) -> None:
    """Do a task as `Workspace.perform` does, with a progress bar for each step and a line about what it did."""
    with _watched("Listing") as watch:
        listed = workspace.list_photos(task, watch)
    for added in listed:
        _say_added(added)
        step = task.next_step(is_described=added.described)
        if step == "list":
            continue
        started = time.perf_counter()
        with _watched("Fetching" if step == "fetch" else "Captioning") as watch:
            report = workspace.fetch_or_caption(task, added, watch)
        say(_fetched(report) if step == "fetch" else _captioned(report, time.perf_counter() - started))
        say_failures(report.failures)


def _say_added(added: Added) -> None:
    report = added.report
    parts = [
        f"{report.n_new} new",
        f"{report.n_changed} changed or to be tried again",
        f"{report.n_unchanged} known",
        f"{report.n_gone} gone",
    ]
    say(f'Collection "{added.collection}": {", ".join(parts)}.')
    if added.described:
        say("They came with captions and can be searched; `caption` fetches them and adds its own.")
    if report.n_skipped:
        say(f"Left out, since not named like pictures: {report.n_skipped} files.")
    say_failures(report.failures)


@app.command()
def update(
    context: typer.Context,
    collection: CollectionOption = None,
    no_caption: NoCaptionOption = False,
    no_objects: NoObjectsOption = False,
) -> None:
    """Look again where a collection's photos came from, or where all came from; caption what is new or changed."""
    from photosearch.pipeline.tasks import Task
    from photosearch.vision.registry import ModelChoice

    then, choice = "list" if no_caption else "caption", ModelChoice(objects=not no_objects)
    with opened(context) as workspace:
        for name in _chosen(workspace, collection):
            if collection is None and not workspace.origins(name):
                say(f'Collection "{printable(name)}": left out, since it was not noted where its photos came from.')
                continue
            _perform(workspace, Task("Updating", collection=name, update=True, then=then, choice=choice))


@app.command()
def retry(context: typer.Context, collection: CollectionOption = None, no_objects: NoObjectsOption = False) -> None:
    """Read photos again that could not be used, of one collection or of all, and caption them."""
    from photosearch.vision.registry import ModelChoice

    with opened(context) as workspace:
        for name in _chosen(workspace, collection):
            n_photos = workspace.retry(name)
            say(f'Collection "{printable(name)}": {n_photos} to be tried again.')
            if n_photos:
                _caption(workspace, name, ModelChoice(objects=not no_objects), redo=False)


def _chosen(workspace: Workspace, collection: str | None) -> list[str]:
    """The collection that was named, or all; raises `CollectionNotFound` where there is none."""
    if collection is not None:
        return [collection]
    return [info.name for info in workspace.collections()] or [workspace.default_collection()]


@app.command()
def caption(
    context: typer.Context,
    collection: CollectionOption = None,
    model: ModelOption = "captioner",
    classifier: ClassifierOption = "efficientnet-lite0",
    no_objects: NoObjectsOption = False,
    redo: Annotated[bool, typer.Option("--redo", help="Look again at photos that are captioned.")] = False,
) -> None:
    """Caption what is not captioned yet, name objects, labels and concepts. A run that was stopped goes on."""
    from photosearch.vision.registry import ModelChoice

    with opened(context) as workspace:
        _caption(workspace, collection, ModelChoice(model, classifier, not no_objects), redo)


def _caption(workspace: Workspace, collection: str | None, choice: ModelChoice, redo: bool) -> None:
    started = time.perf_counter()
    with _watched("Captioning") as watch:
        report = workspace.caption(collection, choice=choice, redo=redo, watch=watch)
    say(_captioned(report, time.perf_counter() - started))
    say_failures(report.failures)


@contextmanager
def _watched(title: str) -> Iterator[Watch]:
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


def _fetched(report: Report) -> str:
    return f"{report.n_fetched} fetched, {len(report.failures)} could not be used."


def _captioned(report: Report, seconds: float) -> str:
    if not (report.n_captioned or report.n_reused or report.failures):
        return "Nothing to caption."
    parts = [f"{report.n_captioned} captioned in {seconds:.0f} s"]
    if report.n_captioned and seconds:
        parts[0] += f" ({report.n_captioned / seconds:.1f} photos/s)"
    if report.n_reused:
        parts.append(f"{report.n_reused} known from before")
    if report.failures:
        parts.append(f"{len(report.failures)} could not be used")
    return ", ".join(parts) + "."
