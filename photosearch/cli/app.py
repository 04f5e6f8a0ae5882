"""The command line: what all commands share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from photosearch.settings import Settings, read_settings
from photosearch.workspace import Workspace

app = typer.Typer(
    name="photosearch",
    help="Find a photo by describing it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
CollectionOption = Annotated[str | None, typer.Option("--collection", help="The collection's name.")]
ModelOption = Annotated[
    str, typer.Option("--model", help="The captioner: a folder in models/, an imported one, hf:NAME.")
]
ClassifierOption = Annotated[
    str, typer.Option("--classifier", help="Who labels: efficientnet-lite0, alexnet, or a file of AlexNet's weights.")
]


@app.callback()
def options(
    context: typer.Context,
    library: Annotated[Path | None, typer.Option(help="Folder of the library.", envvar="PHOTOSEARCH_LIBRARY")] = None,
) -> None:
    """Find a photo by describing it."""
    settings = read_settings()
    context.obj = replace(settings, library_dir=library.expanduser()) if library else settings


@contextmanager
def opened(context: typer.Context) -> Iterator[Workspace]:
    """The library that the options name, until the block ends."""
    settings: Settings = context.obj
    workspace = Workspace(settings)
    try:
        yield workspace
    finally:
        workspace.close()
