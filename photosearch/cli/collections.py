"""The commands about collections: collections, status, remove."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from photosearch.cli.app import CollectionOption, Format, FormatOption, app, opened
from photosearch.cli.output import print_json, printable, say
from photosearch.library.upkeep import read_failures
from photosearch.records import CollectionInfo
from photosearch.workspace import Workspace

if TYPE_CHECKING:
    from photosearch.pipeline.worker import Snapshot


@app.command()
def collections(context: typer.Context, format: FormatOption = Format.TEXT) -> None:
    """List the collections, with the numbers of their photos."""
    from photosearch.export.formats import collection_json

    with opened(context) as workspace:
        infos = workspace.library.collections()
        if format is Format.JSON:
            print_json([collection_json(info) for info in infos])
        else:
            for info in infos:
                typer.echo("\t".join((printable(info.name), *_counts(info))))


@app.command()
def status(context: typer.Context, collection: CollectionOption = None, format: FormatOption = Format.TEXT) -> None:
    """Show how many photos are captioned or still to do, and which failed and why."""
    from photosearch.pipeline.worker import read_running

    with opened(context) as workspace:
        if collection is not None:
            workspace.library.generation(collection)
        running = read_running(workspace.library)
        infos = [info for info in workspace.library.collections() if collection in (None, info.name)]
        if format is Format.JSON:
            _print_status_json(workspace, running, infos)
            return
        typer.echo(f"Library: {workspace.library.folder}")
        if running:
            done, total = running.progress.done, running.progress.total
            typer.echo(f"A run is at work: {done} of {total} photos ({printable(running.title)}).")
        for info in infos:
            typer.echo(f'"{printable(info.name)}": {", ".join(_counts(info))}')
            for failure in read_failures(workspace.library, info.name):
                typer.echo(f"  {printable(failure.source_key)}: {failure.reason}")


def _counts(info: CollectionInfo) -> tuple[str, ...]:
    return (
        f"{info.n_photos} photos",
        f"{info.n_ready} captioned",
        f"{info.n_new} to do",
        f"{info.n_failed} failed",
        *([f"{info.n_without_picture} without a picture"] if info.n_without_picture else []),
    )


def _print_status_json(workspace: Workspace, running: Snapshot | None, infos: list[CollectionInfo]) -> None:
    from photosearch.export.formats import collection_json, failures_json

    run = running and {"title": running.title, "done": running.progress.done, "total": running.progress.total}
    described = [
        collection_json(info) | {"failures": failures_json(read_failures(workspace.library, info.name))}
        for info in infos
    ]
    print_json({"library": str(workspace.library.folder), "run": run, "collections": described})


@app.command()
def remove(context: typer.Context, collection: Annotated[str, typer.Argument(help="Name of the collection.")]) -> None:
    """Remove a collection from the library; the photos themselves stay where they are."""
    with opened(context) as workspace:
        workspace.remove(collection)
        say(f'Collection "{collection}" was removed.')
