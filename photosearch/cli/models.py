"""The commands about models: evaluate, import-checkpoint."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from photosearch.cli.app import ClassifierOption, ModelOption, app, opened
from photosearch.cli.output import program, say


@app.command()
def evaluate(
    context: typer.Context,
    images: Annotated[Path, typer.Option(help="A ZIP or folder of photos.")],
    captions: Annotated[Path, typer.Option(help='A file with a line {"image": NAME, "captions": [...]} a photo.')],
    model: ModelOption = "captioner",
    classifier: ClassifierOption = "built-in",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON with all digits.")] = False,
) -> None:
    """Measure on photos that people described: how good captions are, and how well search finds each photo."""
    from photosearch.evaluation.described_photos import measure, observe_photos, read_described
    from photosearch.export.formats import measured_json, measured_table
    from photosearch.vision.registry import ModelChoice

    with opened(context) as workspace:
        observers = [chosen.load() for chosen in workspace.models.choose(ModelChoice(model, classifier))]
        photos = list(read_described(images, captions))
        measured = measure(photos, observe_photos(photos, observers), workspace.tables)
    typer.echo(json.dumps(measured_json(measured), indent=1) if as_json else measured_table(measured))


@app.command()
def import_checkpoint(
    context: typer.Context,
    checkpoint: Annotated[Path, typer.Argument(help="BEST_checkpoint_*.pth.tar")],
    wordmap: Annotated[Path, typer.Argument(help="WORDMAP_*.json")],
    name: Annotated[str, typer.Option(help="Name for it in the library.")],
) -> None:
    """Import a captioner of the older system, to be used with caption --model NAME. No code in the file is run."""
    with opened(context) as workspace:
        workspace.import_checkpoint(checkpoint, wordmap, name)
        say(f'Captioner "{name}" was added. Use it with: {program()} caption --model {name} --redo')
