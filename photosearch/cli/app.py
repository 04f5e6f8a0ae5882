"""What all commands share: the program, its general options, the library that a command opens."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from photosearch import __version__
from photosearch.cli.output import set_quiet
from photosearch.errors import CollectionNotFound
from photosearch.library import Library
from photosearch.settings import Settings, read_settings
from photosearch.workspace import Workspace


class WrongUsage(typer.TyperException):
    """Options or arguments do not go together; the program ends with status 2."""

    exit_code = 2


class Format(StrEnum):
    """How a command prints what it did or found."""

    TEXT = "text"
    JSON = "json"


CollectionOption = Annotated[str | None, typer.Option("--collection", help="Name of the collection.")]
ModelOption = Annotated[
    str, typer.Option("--model", help="Captioner: a folder in models/, an imported one, or hf:NAME of Hugging Face.")
]
ClassifierOption = Annotated[
    str, typer.Option("--classifier", help="Classifier: built-in, alexnet, or a file of AlexNet's weights.")
]
DetectorOption = Annotated[str, typer.Option("--detector", help="Detector: a folder in models/, or none.")]
NoObjectsOption = Annotated[bool, typer.Option("--no-objects", help="Detect no objects: quicker by a third.")]
FormatOption = Annotated[Format, typer.Option("--format", help="Print text, or JSON for other programs.")]

app = typer.Typer(
    name="photosearch",
    help="Find a photo by describing it.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(is_wanted: bool) -> None:
    if is_wanted:
        typer.echo(f"photosearch {__version__}")
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    library: Annotated[
        Path | None,
        typer.Option(help="Folder of the library; otherwise PHOTOSEARCH_LIBRARY, or the settings, name it."),
    ] = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Also log what is done, and where it failed.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print results and errors only.")] = False,
    version: Annotated[  # noqa: ARG001 - Typer calls _print_version
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Find a photo by describing it."""
    if verbose and quiet:
        raise WrongUsage("--verbose and --quiet exclude each other.")
    set_quiet(quiet)
    level = logging.DEBUG if verbose else logging.ERROR if quiet else logging.WARNING
    logging.getLogger("photosearch").setLevel(level)
    settings = read_settings()
    context.obj = replace(settings, library_dir=library.expanduser()) if library else settings


def choose_collection(library: Library, collection: str | None) -> str:
    """Return the collection that was named, or the only one; raise `CollectionNotFound` where it must be named."""
    if collection is not None:
        return collection
    names = library.collection_names()
    if len(names) == 1:
        return names[0]
    if not names:
        raise CollectionNotFound(
            "There is no collection yet. Add one first, for example: python -m photosearch add demo"
        )
    raise CollectionNotFound(f"There are several collections; choose one with --collection: {', '.join(names)}.")


@contextmanager
def opened(context: typer.Context) -> Iterator[Workspace]:
    """Open the library that the options name, until the block ends."""
    settings: Settings = context.obj
    workspace = Workspace(settings)
    try:
        yield workspace
    finally:
        workspace.close()
