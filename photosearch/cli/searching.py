"""The commands that find photos: search, similar."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from photosearch.cli.app import CollectionOption, WrongUsage, app, choose_collection, opened
from photosearch.cli.output import print_hits_json, print_paths, print_table, say
from photosearch.errors import PhotosearchError
from photosearch.records import Results
from photosearch.search.fields import ALL, Field
from photosearch.search.question import Question
from photosearch.workspace import Workspace


class SearchFormat(StrEnum):
    """The formats in which hits are printed."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"
    PATHS = "paths"


NullOption = Annotated[
    bool, typer.Option("--null", "-0", help="With --format paths: end each path with a NUL byte, for xargs -0.")
]


@app.command()
def search(
    context: typer.Context,
    query: Annotated[str | None, typer.Argument(help="A description of the photo.")] = None,
    collection: CollectionOption = None,
    top: Annotated[int, typer.Option(min=1, help="Show at most this many photos.")] = 10,
    format: Annotated[
        SearchFormat, typer.Option(help="Output format; paths: one path or address a line; jsonl: only with --queries.")
    ] = SearchFormat.TABLE,
    null: NullOption = False,
    queries: Annotated[Path | None, typer.Option(help="Search for each line of this file.")] = None,
    literal: Annotated[
        bool, typer.Option("--literal", help="Read quotes, minus signs and colons as text; --queries always does.")
    ] = False,
    no_dates: Annotated[
        bool, typer.Option("--no-dates", help="Take 2019, june 2021 or last christmas as words, not as dates.")
    ] = False,
    no_expand: Annotated[bool, typer.Option("--no-expand", help="Do not search for related words.")] = False,
    explain: Annotated[bool, typer.Option("--explain", help="Show what each score is made of.")] = False,
    by: Annotated[
        list[Field] | None, typer.Option(help="Search in this field only. May be given several times.")
    ] = None,
) -> None:
    """Find photos by a description.

    A query can also hold: -word, "a phrase", dog | cat, (a group), begin*, #hashtag, on:2023-06, before:2023-06,
    after:2023-06, object:dog, camera:canon, lens:50mm, place:lisbon, folder:lisbon, file:tram,
    rating:>3, by:caption.
    Put -- before a query that begins with a minus sign: search -- "-people dog".
    """
    fields = frozenset(by) if by else ALL
    if (query is None) == (queries is None):
        raise WrongUsage("Give a description, or a file of them with --queries.")
    if (format is SearchFormat.JSONL) != (queries is not None):
        raise WrongUsage("--queries FILE and --format jsonl go together.")
    _check_null(format, null)
    with opened(context) as workspace:
        name = choose_collection(workspace.library, collection)
        if query is not None:
            question = Question(
                query, name, top=top, fields=fields, expand=not no_expand, literal=literal, dates=not no_dates
            )
            _print(workspace, workspace.searcher.search(question), format, explain=explain, null=null)
        elif queries is not None:
            for line in _read_lines(queries):
                question = Question(line, name, top=top, fields=fields, expand=not no_expand, literal=True)
                print_hits_json(workspace.searcher.search(question), explain=explain)


@app.command()
def similar(
    context: typer.Context,
    example: Annotated[str, typer.Argument(help="A photo's id, as search --format json prints it, or a picture file.")],
    collection: CollectionOption = None,
    top: Annotated[int, typer.Option(min=1, help="Show at most this many photos.")] = 10,
    format: Annotated[
        SearchFormat, typer.Option(help="Output format: table, json, or paths: one path or address a line.")
    ] = SearchFormat.TABLE,
    null: NullOption = False,
    explain: Annotated[bool, typer.Option("--explain", help="Show what each score is made of.")] = False,
) -> None:
    """Find the photos most like one of the library, or like a picture that is not in it."""
    _check_null(format, null)
    with opened(context) as workspace:
        path = Path(example)
        if path.is_file():
            from photosearch.pictures.decoding.decoder import decode_picture

            name = choose_collection(workspace.library, collection)
            results = workspace.searcher.like(
                workspace.models.analyse(decode_picture(path.read_bytes())), name, top=top
            )
        else:
            results = workspace.searcher.similar(example, top=top)
        _print(workspace, results, format, explain=explain, null=null)


def _check_null(format: SearchFormat, null: bool) -> None:
    if null and format is not SearchFormat.PATHS:
        raise WrongUsage("--null goes with --format paths.")


def _print(workspace: Workspace, results: Results, format: SearchFormat, *, explain: bool, null: bool) -> None:
    for note in (*results.dates, *results.notes):
        say(note)
    if format is SearchFormat.TABLE:
        print_table(results, workspace.wording, explain=explain)
    elif format is SearchFormat.PATHS:
        print_paths(results, null=null)
    else:
        print_hits_json(results, explain=explain)


def _read_lines(path: Path) -> list[str]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise PhotosearchError(f'"{path}" cannot be read: {error.strerror}.') from error
    except UnicodeDecodeError as error:
        raise PhotosearchError(f'"{path}" is no UTF-8 text (byte {error.start}).') from error
    lines = text.split("\n")  # splitlines would also split at rarer line breaks, which a query may hold
    return [line.rstrip("\r") for line in (lines[:-1] if lines[-1] == "" else lines)]
