"""The command that exports a collection: export."""

from __future__ import annotations

import json
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from photosearch.cli.app import CollectionOption, app, choose_collection, opened
from photosearch.cli.output import say
from photosearch.records import Photo


class ExportFormat(StrEnum):
    """The formats of an export."""

    JSON = "json"
    CSV = "csv"
    OLDER_SYSTEM = "seed"


@app.command()
def export(
    context: typer.Context,
    collection: CollectionOption = None,
    format: Annotated[
        ExportFormat, typer.Option(help="Format: json, csv, or seed (the older system's three files).")
    ] = ExportFormat.JSON,
    output: Annotated[Path, typer.Option("--output", help="Folder for the older system's files.")] = Path(),
) -> None:
    """Print a collection's photos with their captions, or write them as the older system's three files."""
    from photosearch.export.formats import photo_json, photos_csv

    with opened(context) as workspace:
        name = choose_collection(workspace.library, collection)
        library = workspace.library
        photos = library.detailed_photos([photo.id for photo in library.photos(name)])
        if format is ExportFormat.JSON:
            typer.echo(json.dumps([photo_json(photo) for photo in photos], ensure_ascii=False, indent=1))
        elif format is ExportFormat.CSV:
            # Without `color` what looks like a colour code would be removed from a name.
            typer.echo(photos_csv(photos), nl=False, color=True)
        else:
            _write_older_system_files(output, name, photos)


def _write_older_system_files(folder: Path, collection: str, photos: Sequence[Photo]) -> None:
    from photosearch.export.older_system import has_address, write_older_system_files

    for path in write_older_system_files(folder, collection, photos):
        say(f"Wrote {path}.")
    if n_left := sum(not has_address(photo) for photo in photos):
        say(f"Left out: {n_left} photos without an address, by which the older system names photos.")
