"""The commands about collections: collections, status, remove."""

from __future__ import annotations

from typing import Annotated

import typer

from photosearch.cli.app import CollectionOption, app, opened
from photosearch.cli.output import printable, say


@app.command()
def collections(context: typer.Context) -> None:
    """List the collections."""
    with opened(context) as workspace:
        for info in workspace.collections():
            counts = (
                f"{info.n_photos} photos",
                f"{info.n_ready} captioned",
                f"{info.n_new} to do",
                f"{info.n_failed} failed",
            )
            typer.echo("\t".join((printable(info.name), *counts)))


@app.command()
def status(context: typer.Context, collection: CollectionOption = None) -> None:
    """Say what is captioned, what is not, what failed and why."""
    from photosearch.pipeline.worker import read_running

    with opened(context) as workspace:
        typer.echo(f"Library: {workspace.library.folder}")
        if running := read_running(workspace.library):
            done, total = running.progress.done, running.progress.total
            typer.echo(f"A run is at work: {done} of {total} photos ({printable(running.title)}).")
        if collection is not None:
            workspace.library.generation(collection)
        for info in workspace.collections():
            if collection in (None, info.name):
                typer.echo(
                    f'"{info.name}": {info.n_photos} photos, {info.n_ready} captioned,'
                    f" {info.n_new} to do, {info.n_failed} failed"
                )
                for failure in workspace.failures(info.name):
                    typer.echo(f"  {printable(failure.source_key)}: {failure.reason}")


@app.command()
def remove(context: typer.Context, collection: Annotated[str, typer.Argument(help="The collection's name.")]) -> None:
    """Forget a collection; the photos themselves stay where they are."""
    with opened(context) as workspace:
        workspace.remove(collection)
        say(f'Collection "{collection}" was removed.')
