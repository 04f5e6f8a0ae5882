"""The command line: `python -m photosearch`."""

from __future__ import annotations

import json
import logging
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from photosearch.errors import PhotosearchError
from photosearch.fields import ALL, Field
from photosearch.records import Failure, Progress, Report, Results
from photosearch.settings import Settings, read_settings
from photosearch.workspace import Workspace

if TYPE_CHECKING:
    from photosearch.loader import Choice

app = typer.Typer(
    name="photosearch",
    help="Find a photo by describing it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
_INTERRUPTED = 130  # the exit status that Typer gives a command stopped by Ctrl-C


class SearchFormat(StrEnum):
    """How hits are printed."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"


class ExportFormat(StrEnum):
    """How photos are printed."""

    JSON = "json"
    CSV = "csv"


ModelOption = Annotated[
    str, typer.Option("--model", help="The captioner: a folder in models/, an imported one, hf:NAME.")
]
ClassifierOption = Annotated[
    str, typer.Option("--classifier", help="Who labels: efficientnet-lite0, alexnet, or a file of AlexNet's weights.")
]
NoObjectsOption = Annotated[bool, typer.Option("--no-objects", help="Without the detector: twice as quick.")]
CollectionOption = Annotated[str | None, typer.Option("--collection", help="The collection's name.")]


@app.callback()
def options(
    context: typer.Context,
    library: Annotated[Path | None, typer.Option(help="Folder of the library.", envvar="PHOTOSEARCH_LIBRARY")] = None,
) -> None:
    """Find a photo by describing it."""
    settings = read_settings()
    context.obj = replace(settings, library_dir=library.expanduser()) if library else settings


@contextmanager
def _opened(context: typer.Context) -> Iterator[Workspace]:
    settings: Settings = context.obj
    workspace = Workspace(settings)
    try:
        yield workspace
    finally:
        workspace.close()


@app.command()
def add(
    context: typer.Context,
    source: Annotated[str, typer.Argument(help="demo, or a folder of photos.")],
    collection: CollectionOption = None,
    no_caption: Annotated[bool, typer.Option("--no-caption", help="Only list the photos; caption them later.")] = False,
    no_objects: NoObjectsOption = False,
) -> None:
    """Take photos into a collection, and caption them. Again: takes in what is new, changed or gone."""
    with _opened(context) as workspace:
        name, report = workspace.add(source, collection)
        parts = [
            f"{report.n_new} new",
            f"{report.n_changed} changed or to be tried again",
            f"{report.n_unchanged} known",
            f"{report.n_gone} gone",
        ]
        _say(f'Collection "{name}": {", ".join(parts)}.')
        if report.n_skipped:
            _say(f"Left out, since not named like pictures: {report.n_skipped} files.")
        _say_failures(report.failures)
        if not no_caption:
            from photosearch.loader import Choice

            _caption(workspace, name, Choice(objects=not no_objects), redo=False)


@app.command()
def caption(
    context: typer.Context,
    collection: CollectionOption = None,
    model: ModelOption = "captioner",
    classifier: ClassifierOption = "efficientnet-lite0",
    no_objects: NoObjectsOption = False,
    redo: Annotated[bool, typer.Option("--redo", help="Look again at photos that are captioned.")] = False,
) -> None:
    """Caption what is not captioned yet, name objects, labels and concepts. A run that was stopped goes on."""
    from photosearch.loader import Choice

    with _opened(context) as workspace:
        _caption(workspace, collection, Choice(model, classifier, not no_objects), redo)


def _caption(workspace: Workspace, collection: str | None, choice: Choice, redo: bool) -> None:
    started = time.perf_counter()
    with _progress_bar("Captioning") as on_progress, _stoppable() as is_cancelled:
        report = workspace.caption(
            collection, choice=choice, redo=redo, on_progress=on_progress, is_cancelled=is_cancelled
        )
    _say(_captioned(report, time.perf_counter() - started))
    _say_failures(report.failures)


@contextmanager
def _stoppable() -> Iterator[Callable[[], bool]]:
    """Ctrl-C ends the block; where a library swallows the interrupt, it ends after the batch in hand."""
    asked = threading.Event()

    def on_interrupt(_number: int, _frame: object) -> None:
        asked.set()
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield asked.is_set
        if asked.is_set():
            raise KeyboardInterrupt
    finally:
        signal.signal(signal.SIGINT, before)


def _captioned(report: Report, seconds: float) -> str:
    if not (report.n_captioned or report.n_reused or report.failures):
        return "Nothing to caption."
    parts = [f"{report.n_captioned} captioned in {seconds:.0f} s"]
    if report.n_captioned and seconds:
        parts[0] += f" ({report.n_captioned / seconds:.1f} photos/s)"
    if report.n_reused:
        parts.append(f"{report.n_reused} known from before")
    if report.failures:
        parts.append(f"{len(report.failures)} could not be used")
    return ", ".join(parts) + "."


@app.command()
def search(
    context: typer.Context,
    query: Annotated[str | None, typer.Argument(help="A description of the photo.")] = None,
    collection: CollectionOption = None,
    top: Annotated[int, typer.Option(min=1, help="Photos shown at most.")] = 10,
    format: Annotated[SearchFormat, typer.Option(help="jsonl goes with --queries.")] = SearchFormat.TABLE,
    queries: Annotated[Path | None, typer.Option(help="A file with a query a line.")] = None,
    literal: Annotated[
        bool, typer.Option("--literal", help="Quotes, minus signs and colons mean nothing (they do not yet).")
    ] = False,
    no_expand: Annotated[bool, typer.Option("--no-expand", help="Without related words.")] = False,
    by: Annotated[list[Field] | None, typer.Option(help="Search in this only; may be given several times.")] = None,
) -> None:
    """Find photos by a description."""
    del literal  # a query is plain words so far
    fields = frozenset(by) if by else ALL
    if (query is None) == (queries is None):
        raise PhotosearchError("Give a description, or a file of them with --queries.")
    if (format is SearchFormat.JSONL) != (queries is not None):
        raise PhotosearchError("--queries FILE and --format jsonl go together.")
    with _opened(context) as workspace:
        name = collection if collection is not None else workspace.default_collection()
        if query is not None:
            results = workspace.search(query, name, top=top, fields=fields, expand=not no_expand)
            if format is SearchFormat.JSON:
                _print_json(results)
            else:
                _print_table(results)
        elif queries is not None:
            for line in _read_lines(queries):
                _print_json(workspace.search(line, name, top=top, fields=fields, expand=not no_expand))


def _read_lines(path: Path) -> list[str]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise PhotosearchError(f'"{path}" cannot be read: {error.strerror}.') from error
    except UnicodeDecodeError as error:
        raise PhotosearchError(f'"{path}" is no UTF-8 text (byte {error.start}).') from error
    lines = text.split("\n")  # a query may hold other line breaks that Unicode knows
    return [line.rstrip("\r") for line in (lines[:-1] if lines[-1] == "" else lines)]


def _print_json(results: Results) -> None:
    from photosearch.formats import results_json

    typer.echo(json.dumps(results_json(results), ensure_ascii=False))


def _print_table(results: Results) -> None:
    if not results.hits:
        words = f" Words that do occur: {', '.join(results.suggestions)}." if results.suggestions else ""
        typer.echo(f"Nothing found.{words}")
        return
    for hit in results.hits:
        because = " ".join(f"{term}={share:.2f}" for term, share in hit.by_term().items() if share >= 0.005)
        typer.echo(
            f"{hit.rank:4}  {hit.score:.3f}  {_printable(hit.photo.origin)}\n"
            f"             {_printable(hit.photo.caption)}  [{because}]"
        )
    typer.echo(f"{results.total} found in {results.took_ms:.1f} ms")


@app.command()
def export(
    context: typer.Context,
    collection: CollectionOption = None,
    format: Annotated[ExportFormat, typer.Option(help="json or csv.")] = ExportFormat.JSON,
) -> None:
    """Print a collection's photos with their captions."""
    from photosearch.formats import photo_json, photos_csv

    with _opened(context) as workspace:
        photos = workspace.photos(collection if collection is not None else workspace.default_collection())
        if format is ExportFormat.JSON:
            typer.echo(json.dumps([photo_json(photo) for photo in photos], ensure_ascii=False, indent=1))
        else:
            typer.echo(photos_csv(photos), nl=False, color=True)  # else a name loses what looks like a colour


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
    from photosearch.formats import measured_json, measured_table
    from photosearch.loader import Choice
    from photosearch.measurement import look_at, measure, read_described

    with _opened(context) as workspace:
        observers = [chosen.load() for chosen in workspace.models().choose(Choice(model, classifier))]
        photos = list(read_described(images, captions))
        measured = measure(photos, look_at(photos, observers), *workspace.tables())
    typer.echo(json.dumps(measured_json(measured), indent=1) if as_json else measured_table(measured))


@app.command()
def import_checkpoint(
    context: typer.Context,
    checkpoint: Annotated[Path, typer.Argument(help="BEST_checkpoint_*.pth.tar")],
    wordmap: Annotated[Path, typer.Argument(help="WORDMAP_*.json")],
    name: Annotated[str, typer.Option(help="What it is to be called.")],
) -> None:
    """Take in a captioner of the older system; then: caption --model NAME. Nothing in the file is run."""
    with _opened(context) as workspace:
        workspace.import_checkpoint(checkpoint, wordmap, name)
        _say(f'Captioner "{name}" is there. Use it with: python -m photosearch caption --model {name} --redo')


@app.command()
def collections(context: typer.Context) -> None:
    """List the collections."""
    with _opened(context) as workspace:
        for info in workspace.collections():
            counts = (
                f"{info.n_photos} photos",
                f"{info.n_ready} captioned",
                f"{info.n_new} to do",
                f"{info.n_failed} failed",
            )
            typer.echo("\t".join((_printable(info.name), *counts)))


@app.command()
def status(context: typer.Context, collection: CollectionOption = None) -> None:
    """Say what is captioned, what is not, what failed and why."""
    from photosearch import jobs

    with _opened(context) as workspace:
        typer.echo(f"Library: {workspace.library.folder}")
        if running := jobs.current(workspace.library):
            typer.echo(f"A run is at work: {running.done} of {running.total} photos.")
        if collection is not None:
            workspace.library.generation(collection)
        for info in workspace.collections():
            if collection in (None, info.name):
                typer.echo(
                    f'"{info.name}": {info.n_photos} photos, {info.n_ready} captioned,'
                    f" {info.n_new} to do, {info.n_failed} failed"
                )
                for failure in workspace.failures(info.name):
                    typer.echo(f"  {_printable(failure.source_key)}: {failure.reason}")


@app.command()
def remove(context: typer.Context, collection: Annotated[str, typer.Argument(help="The collection's name.")]) -> None:
    """Forget a collection; the photos themselves stay where they are."""
    with _opened(context) as workspace:
        workspace.remove(collection)
        _say(f'Collection "{collection}" was removed.')


@contextmanager
def _progress_bar(title: str) -> Iterator[Callable[[Progress], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Bar(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(title, total=None)
        yield lambda progress: bar.update(task, completed=progress.done, total=progress.total)


def _say(text: str) -> None:
    typer.echo(text, err=True)


def _say_failures(failures: tuple[Failure, ...]) -> None:
    for failure in failures:
        _say(f"  {_printable(failure.source_key)}: {failure.reason}")


def _printable(text: str) -> str:
    """A text from elsewhere, with what would steer a terminal written out."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text)


def main() -> None:
    """Run the command line; failures are one line on standard error and exit status 1."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        status = app(sys.argv[1:] or ["--help"], standalone_mode=False)
    except PhotosearchError as error:
        _say(f"Error: {_printable(str(error))}")
        sys.exit(1)
    except typer.TyperException as error:  # a word or option that there is not
        _say(f"Error: {_printable(error.format_message())} See python -m photosearch --help.")
        sys.exit(1)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
    if status == _INTERRUPTED:
        _say("Stopped. What was done is kept; run it again to go on.")
    sys.exit(status)
