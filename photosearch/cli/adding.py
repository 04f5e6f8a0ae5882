"""The commands that add photos: add, update, retry."""

from __future__ import annotations

import time
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from photosearch.cli.app import CollectionOption, Format, FormatOption, NoObjectsOption, app, choose_collection, opened
from photosearch.cli.captioning import caption_photos, captioned, expect_pictures, warn_of_login, watched
from photosearch.cli.output import print_json, printable, say, say_failures, say_notes
from photosearch.library.upkeep import read_origins
from photosearch.records import Report
from photosearch.sources import Options
from photosearch.sources.instagram.profile import LOGIN_WARNING
from photosearch.sources.kinds import usages
from photosearch.sources.left_out import in_words
from photosearch.workspace import Workspace

if TYPE_CHECKING:
    from photosearch.pipeline.adding import Added
    from photosearch.pipeline.tasks import Task

NoCaptionOption = Annotated[bool, typer.Option("--no-caption", help="List the photos only; caption them later.")]


class Also(StrEnum):
    """Parts of an Instagram export that are added only on request."""

    ARCHIVED = "archived"
    STORIES = "stories"
    REELS = "reels"
    IGTV = "igtv"
    OTHER = "other"
    SAVED = "saved"


@app.command()
def add(
    context: typer.Context,
    source: Annotated[
        list[str],
        typer.Argument(
            metavar="SOURCE...",
            help=f"Where the photos are: {'; '.join(usages())}.",
        ),
    ],
    collection: CollectionOption = None,
    no_caption: NoCaptionOption = False,
    fetch: Annotated[bool, typer.Option("--fetch", help="List and fetch the photos only; caption them later.")] = False,
    no_objects: NoObjectsOption = False,
    max_posts: Annotated[
        int | None, typer.Option(min=1, help="Of a profile: add only this many of the latest posts.")
    ] = None,
    since: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Of a profile: add no posts from before this day (UTC)."),
    ] = None,
    also: Annotated[
        list[Also] | None,
        typer.Option(
            help="Of an export: add these, too (saved: addresses and texts of saved posts, without pictures). May be"
            " given several times."
        ),
    ] = None,
    login: Annotated[
        str | None, typer.Option(help="Of a profile: use the saved session of this user (see login).")
    ] = None,
    max_requests: Annotated[
        int | None, typer.Option(min=1, help="Of a profile: send at most this many requests to Instagram (2000).")
    ] = None,
    follow_links: Annotated[
        bool, typer.Option("--follow-links", help="Of a folder: follow links that lead out of it, too.")
    ] = False,
    format: FormatOption = Format.TEXT,
) -> None:
    """Add photos to a collection and caption them. Run it again to take in what is new, changed or gone."""
    if not no_caption:
        expect_pictures(context.obj, captions=not fetch)  # before what follows is imported
    from photosearch.export.formats import report_json
    from photosearch.pipeline.tasks import Task
    from photosearch.vision.registry import DETECTOR, NO_DETECTOR, ModelChoice

    options = Options(
        max_posts,
        since.date() if since else None,
        frozenset(part.value for part in also or ()),
        login,
        max_requests,
        follow_links,
    )
    if login is not None:
        say(LOGIN_WARNING)
    then = "fetch" if fetch else "list" if no_caption else "caption"
    choice = ModelChoice(detector=NO_DETECTOR if no_objects else DETECTOR)
    with opened(context) as workspace:
        if login is None and collection is not None:
            warn_of_login(workspace, collection)
        task = Task("Adding photos", tuple(source), collection, options, then=then, choice=choice)
        reports = _perform(workspace, task)
    if format is Format.JSON:
        print_json([{"collection": name, **report_json(report)} for name, report in reports])


def _perform(workspace: Workspace, task: Task) -> list[tuple[str, Report]]:
    """Do a task as `Workspace.perform` does, with a progress bar for each step and a line about what it did.

    Returns:
        The names of the collections that it listed, each with what was done.
    """
    reports = []
    with watched("Listing") as watch:
        listed = workspace.list_photos(task, watch)
    for added in listed:
        _say_added(added)
        step = task.next_step(is_described=added.described)
        if step == "list":
            reports.append((added.collection, added.report))
            continue
        started = time.perf_counter()
        with watched("Fetching" if step == "fetch" else "Captioning") as watch:
            report = workspace.fetch_or_caption(task, added, watch)
        say(_fetched(report) if step == "fetch" else captioned(report, time.perf_counter() - started))
        say_notes(report)
        say_failures(report.failures)
        reports.append((added.collection, added.report + report))
    return reports


def _say_added(added: Added) -> None:
    report = added.report
    parts = [
        f"{report.n_new} new",
        f"{report.n_changed} changed or to be tried again",
        f"{report.n_unchanged} unchanged",
        f"{report.n_gone} gone",
    ]
    say(f'Collection "{added.collection}": {", ".join(parts)}.')
    if added.described:
        say(
            "These photos came with captions and can be searched now; `caption` fetches them and adds its own captions."
        )
    if report.left_out:
        say(f"Left out, since these are no photos: {printable(in_words(report.left_out))}.")
    say_notes(report)
    say_failures(report.failures)


@app.command()
def update(
    context: typer.Context,
    collection: CollectionOption = None,
    no_caption: NoCaptionOption = False,
    no_objects: NoObjectsOption = False,
) -> None:
    """Read again the sources of one collection or of all; caption the photos that are new or changed."""
    from photosearch.pipeline.tasks import Task
    from photosearch.vision.registry import DETECTOR, NO_DETECTOR, ModelChoice

    then, choice = "list" if no_caption else "caption", ModelChoice(detector=NO_DETECTOR if no_objects else DETECTOR)
    with opened(context) as workspace:
        warn_of_login(workspace, collection, is_listing=True)
        for name in _chosen(workspace, collection):
            if collection is None and not read_origins(workspace.library, name):
                say(f'Collection "{printable(name)}": left out, since the sources of its photos are not recorded.')
                continue
            _perform(workspace, Task("Updating", collection=name, update=True, then=then, choice=choice))


@app.command()
def retry(context: typer.Context, collection: CollectionOption = None, no_objects: NoObjectsOption = False) -> None:
    """Try again the photos that could not be used, of one collection or of all, and caption them."""
    from photosearch.vision.registry import DETECTOR, NO_DETECTOR, ModelChoice

    with opened(context) as workspace:
        for name in _chosen(workspace, collection):
            n_photos = workspace.retry(name)
            say(f'Collection "{printable(name)}": {n_photos} to be tried again.')
            if n_photos:
                warn_of_login(workspace, name)
                caption_photos(workspace, name, ModelChoice(detector=NO_DETECTOR if no_objects else DETECTOR))


def _chosen(workspace: Workspace, collection: str | None) -> list[str]:
    """Return the collection that was named, or all; raises `CollectionNotFound` where there is none."""
    if collection is not None:
        return [collection]
    return workspace.library.collection_names() or [choose_collection(workspace.library, None)]


def _fetched(report: Report) -> str:
    return f"{report.n_fetched} fetched, {len(report.failures)} could not be used."
