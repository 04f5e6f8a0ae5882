"""The command line: `photosearch`, or `python -m photosearch`."""

from __future__ import annotations

import logging
import sys

import typer

from photosearch.cli import (
    adding,
    captioning,
    checking,
    collections,
    exporting,
    instagram,
    models,
    searching,
    server,
    settings,
    tokens,
)
from photosearch.cli.app import app
from photosearch.cli.output import complain, program, say
from photosearch.errors import PhotosearchError
from photosearch.settings import LOCAL

# Importing these makes their commands known.
__all__ = [
    "adding",
    "captioning",
    "checking",
    "collections",
    "exporting",
    "instagram",
    "main",
    "models",
    "searching",
    "server",
    "settings",
    "tokens",
]

log = logging.getLogger(__name__)
_INTERRUPTED = 130  # the exit status that Typer gives a command stopped by Ctrl-C


def with_address(words: list[str]) -> list[str]:
    """Return the command line with an address after `--ray`, which stands for this machine where it has none.

    It is the one option that may have a value or none, which Typer does not know.
    """
    texts: list[str] = []
    for i, word in enumerate(words):
        texts.append(word)
        if word == "--ray" and (i + 1 == len(words) or words[i + 1].startswith("-")):
            texts.append(LOCAL)
    return texts


def main() -> None:
    """Run the command line.

    A failure is one line on standard error and exit status 1, wrong usage one line and exit status 2.
    """
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        status = app(with_address(sys.argv[1:]) or ["--help"], standalone_mode=False)
    except PhotosearchError as error:
        complain(str(error))
        log.debug("Where it failed:", exc_info=error)
        sys.exit(1)
    except typer.TyperException as error:  # wrong usage
        complain(f"{error.format_message()} See {program()} --help.")
        sys.exit(error.exit_code)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
    if status == _INTERRUPTED:
        say("Stopped. What was done is kept; run it again to go on.")
    sys.exit(status)
