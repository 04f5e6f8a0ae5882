"""Finding and measuring: search, export, evaluate."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from photosearch.cli.app import ClassifierOption, CollectionOption, ModelOption, app, opened
from photosearch.cli.output import print_json, print_table, say
from photosearch.errors import PhotosearchError
from photosearch.records import Photo, Results
from photosearch.search.fields import ALL, Field
from photosearch.workspace import Workspace


class SearchFormat(StrEnum):
    """How hits are printed."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"


class ExportFormat(StrEnum):
    """How photos are printed."""

    JSON = "json"
    CSV = "csv"
    SEED = "seed"


@app.command()
def search(
    context: typer.Context,
    query: Annotated[str | None, typer.Argument(help="A description of the photo.")] = None,
    collection: CollectionOption = None,
    top: Annotated[int, typer.Option(min=1, help="Photos shown at most.")] = 10,
    format: Annotated[SearchFormat, typer.Option(help="jsonl goes with --queries.")] = SearchFormat.TABLE,
    queries: Annotated[Path | None, typer.Option(help="A file with a query a line.")] = None,
    literal: Annotated[
        bool, typer.Option("--literal", help="Quotes, minus signs and colons mean nothing; so with --queries.")
    ] = False,
    no_expand: Annotated[bool, typer.Option("--no-expand", help="Without related words.")] = False,
    explain: Annotated[bool, typer.Option("--explain", help="With each share of each score.")] = False,
    by: Annotated[list[Field] | None, typer.Option(help="Search in this only; may be given several times.")] = None,
) -> None:
    """Find photos by a description.

    Beside words: -word, "a phrase", #hashtag, before:2023-06, after:2023-06, object:dog, by:caption.
    A query that begins with a minus sign goes behind two: search -- "-people dog".
    """
    fields = frozenset(by) if by else ALL
    if (query is None) == (queries is None):
        raise PhotosearchError("Give a description, or a file of them with --queries.")
    if (format is SearchFormat.JSONL) != (queries is not None):
        raise PhotosearchError("--queries FILE and --format jsonl go together.")
    with opened(context) as workspace:
        name = collection if collection is not None else workspace.default_collection()
        if query is not None:
            results = workspace.search(query, name, top=top, fields=fields, expand=not no_expand, literal=literal)
            _print(workspace, results, format, explain)
        elif queries is not None:
            for line in _read_lines(queries):
                results = workspace.search(line, name, top=top, fields=fields, expand=not no_expand, literal=True)
                print_json(results, explain=explain)


@app.command()
def similar(
    context: typer.Context,
    example: Annotated[str, typer.Argument(help="A photo's id, as search --format json has it, or a picture's file.")],
    collection: CollectionOption = None,
    top: Annotated[int, typer.Option(min=1, help="Photos shown at most.")] = 10,
    format: Annotated[SearchFormat, typer.Option(help="table or json.")] = SearchFormat.TABLE,
    explain: Annotated[bool, typer.Option("--explain", help="With each share of each score.")] = False,
) -> None:
    """Find the photos most like one of the library, or like a picture that is not in it."""
    with opened(context) as workspace:
        path = Path(example)
        if path.is_file():
            from photosearch import images

            name = collection if collection is not None else workspace.default_collection()
            results = workspace.like(workspace.look(images.decode(path.read_bytes())), name, top=top)
        else:
            results = workspace.similar(example, top=top)
        _print(workspace, results, format, explain)


def _print(workspace: Workspace, results: Results, format: SearchFormat, explain: bool) -> None:
    for note in results.notes:
        say(note)
    if format is SearchFormat.TABLE:
        print_table(results, workspace.wording(), explain=explain)
    else:
        print_json(results, explain=explain)


def _read_lines(path: Path) -> list[str]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise PhotosearchError(f'"{path}" cannot be read: {error.strerror}.') from error
    except UnicodeDecodeError as error:
        raise PhotosearchError(f'"{path}" is no UTF-8 text (byte {error.start}).') from error
    lines = text.split("\n")  # a query may hold other line breaks that Unicode knows
    return [line.rstrip("\r") for line in (lines[:-1] if lines[-1] == "" else lines)]


@app.command()
def export(
    context: typer.Context,
    collection: CollectionOption = None,
    format: Annotated[ExportFormat, typer.Option(help="json, csv, or seed: the older system's files.")] = (
        ExportFormat.JSON
    ),
    output: Annotated[Path, typer.Option("--output", help="Folder that seed files are written to.")] = Path(),
) -> None:
    """Print a collection's photos with their captions; or write them as the older system's three files."""
    from photosearch.export.formats import photo_json, photos_csv

    with opened(context) as workspace:
        name = collection if collection is not None else workspace.default_collection()
        photos = workspace.photos(name)
        if format is ExportFormat.JSON:
            typer.echo(json.dumps([photo_json(photo) for photo in photos], ensure_ascii=False, indent=1))
        elif format is ExportFormat.CSV:
            typer.echo(photos_csv(photos), nl=False, color=True)  # else a name loses what looks like a colour
        else:
            _write_seeds(output, name, photos)


def _write_seeds(folder: Path, collection: str, photos: list[Photo]) -> None:
    from photosearch.export.older_system import has_address, write_seeds

    for path in write_seeds(folder, collection, photos):
        say(f"Wrote {path}.")
    if n_left := sum(not has_address(photo) for photo in photos):
        say(f"Left out, since the older system knows photos by their addresses only: {n_left} without one.")


@app.command()
def evaluate(
    context: typer.Context,
    images: Annotated[Path, typer.Option(help="A ZIP or folder of photos.")],
    captions: Annotated[Path, typer.Option(help='A file with a line {"image": NAME, "captions": [...]} a photo.')],
    model: ModelOption = "captioner",
    classifier: ClassifierOption = "efficientnet-lite0",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON with all digits.")] = False,
) -> None:
    """Measure on photos that people described: how good captions are, and how well search finds each photo."""
    from photosearch.evaluation.described_photos import look_at, measure, read_described
    from photosearch.export.formats import measured_json, measured_table
    from photosearch.vision.registry import Choice

    with opened(context) as workspace:
        observers = [chosen.load() for chosen in workspace.models().choose(Choice(model, classifier))]
        photos = list(read_described(images, captions))
        measured = measure(photos, look_at(photos, observers), workspace.tables())
    typer.echo(json.dumps(measured_json(measured), indent=1) if as_json else measured_table(measured))
