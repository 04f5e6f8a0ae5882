"""What the command line prints: hits, progress, failures."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import typer

from photosearch.records import Failure, Photo, Progress, Report, Results
from photosearch.search.wording import Wording, is_respelled
from photosearch.sources import folder
from photosearch.sources.kinds import KINDS

FIRST_LINE_S, LINES_S = 10.0, 60.0  # without a terminal: when a long run says first how far it is, and how often then


_quiet = False  # whether `say` and the progress bars print nothing; one program runs one command


def set_quiet(quiet: bool) -> None:
    """Choose whether messages and progress are left out."""
    global _quiet
    _quiet = quiet


def print_json(value: object) -> None:
    """Print a value as one line of JSON."""
    typer.echo(json.dumps(value, ensure_ascii=False))


def print_hits_json(results: Results, *, explain: bool = False) -> None:
    """Print an answer as one line of JSON."""
    from photosearch.export.formats import results_json

    print_json(results_json(results, explain=explain))


def print_paths(results: Results, *, null: bool = False) -> None:
    """Print the path of each hit, or its address where it was fetched, one a line; with `null` a NUL ends each."""
    for hit in results.hits:
        typer.echo(os.fsencode(_place(hit.photo)) + (b"\0" if null else b"\n"), nl=False)


def _place(photo: Photo) -> str:
    if photo.source == folder.NAME:
        return folder.path_of(photo.source_key, photo.address)
    is_fetched = any(kind.is_fetched for kind in KINDS if kind.name == photo.source)
    return photo.origin if is_fetched else photo.source_key


def print_table(results: Results, wording: Wording, *, explain: bool = False) -> None:
    """Print two lines a hit: score and origin, caption and reasons; with `explain` a line a reason."""
    if results.corrected is not None:
        say(f"Did you mean: {printable(results.corrected)}")
    if not results.hits:
        words = f" Words that do occur: {', '.join(results.suggestions)}." if results.suggestions else ""
        typer.echo(f"Nothing found.{words} Captions are in English.")
        return
    query_words = wording.asked(results.query)
    for hit in results.hits:
        word_of = wording.of(hit.photo).after_asked(query_words)
        shares = ((word_of[term], share) for term, share in hit.by_term().items() if share >= 0.005)
        because = " ".join(f"{word}={share:.2f}" for word, share in shares)
        typer.echo(
            f"{hit.rank:4}  {hit.score:.3f}  {printable(hit.photo.origin)}\n"
            f"             {'unsure: ' if hit.photo.is_unsure else ''}{printable(hit.photo.caption)}  [{because}]"
        )
        for share in hit.shares if explain else ():
            word, asked = word_of[share.term], query_words.get(share.word, word_of[share.word])
            why = f", {asked} -> {word} {share.strength:.2f}, {share.relation}" if share.relation else ""
            if not share.relation and is_respelled(asked, word):
                why = f", {asked} -> {word}"
            typer.echo(f"             {share.share:.3f}  {word} ({share.field}{why})")
    more = "more than " if results.has_more else ""
    typer.echo(f"{more}{results.total} found in {results.took_ms:.1f} ms")


@contextmanager
def progress_bar(title: str) -> Iterator[Callable[[Progress], None]]:
    """Show a bar on standard error, or a line now and then where that is no terminal.

    Yields:
        The function to call with each progress.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Bar(*columns, console=console, transient=True, disable=_quiet or not console.is_terminal) as bar:
        task = bar.add_task(title, total=None)
        next_line_at = time.monotonic() + FIRST_LINE_S

        def show(progress: Progress) -> None:
            nonlocal next_line_at
            text = f"{title}: {progress.note}" if progress.note else title
            if bar.disable and time.monotonic() >= next_line_at:
                next_line_at = time.monotonic() + LINES_S
                say(f"{printable(text)} ({progress.done}{f' of {progress.total}' if progress.total else ''})")
            bar.update(task, description=text, completed=progress.done, total=progress.total or None)

        yield show


def say(text: str) -> None:
    """Print a line on standard error, so that standard output holds results only; nothing with --quiet."""
    if not _quiet:
        typer.echo(text, err=True)


def complain(text: str) -> None:
    """Print an error as one line on standard error."""
    typer.echo(f"Error: {printable(text)}", err=True)


def program() -> str:
    """Return how the program was called, for messages that name the next command."""
    return "python -m photosearch" if Path(sys.argv[0]).name == "__main__.py" else "photosearch"


def say_notes(report: Report) -> None:
    """Print what people should know of a run."""
    for note in report.notes:
        say(printable(note))


def say_failures(failures: tuple[Failure, ...]) -> None:
    """Print which photos failed, and why."""
    for failure in failures:
        say(f"  {printable(failure.source_key)}: {failure.reason}")


def printable(text: str) -> str:
    """Return a text in which characters that control a terminal are written as escapes."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text)
