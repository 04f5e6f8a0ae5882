"""The command line: `python -m photosearch`."""

from __future__ import annotations

import logging
import sys

import typer

from photosearch.cli import adding, collections, exporting, instagram, models, searching, server
from photosearch.cli.app import app
from photosearch.cli.output import printable, say
from photosearch.errors import PhotosearchError

# Importing these makes their commands known.
__all__ = ["adding", "collections", "exporting", "instagram", "main", "models", "searching", "server"]

_INTERRUPTED = 130  # the exit status that Typer gives a command stopped by Ctrl-C


def main() -> None:
    """Run the command line; failures are one line on standard error and exit status 1."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        status = app(sys.argv[1:] or ["--help"], standalone_mode=False)
    except PhotosearchError as error:
        say(f"Error: {printable(str(error))}")
        sys.exit(1)
    except typer.TyperException as error:  # a word or option that there is not
        say(f"Error: {printable(error.format_message())} See python -m photosearch --help.")
        sys.exit(1)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
    if status == _INTERRUPTED:
        say("Stopped. What was done is kept; run it again to go on.")
    sys.exit(status)
