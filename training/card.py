"""Measure the models as they ship, and write the figures into their cards: `python -m training.card`."""

from __future__ import annotations

import argparse
import logging
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from photosearch.evaluation.described_photos import Measured, measure, observe_photos, read_described
from photosearch.export.formats import measured_table
from photosearch.search.index import read_tables
from photosearch.vision.registry import ModelChoice, Models
from training.data import DEFAULT_DATA, Source, measuring_sources
from training.reliability import Bin, reliability, reliability_plot, reliability_table

log = logging.getLogger("training.card")
MODELS = Path(__file__).resolve().parents[1] / "models"
PLOT = "reliability.svg"


@dataclass(frozen=True)
class Sets:
    """What was measured on the sets, by their names."""

    scores: dict[str, Measured]
    bins: dict[str, list[Bin]]
    commonest: tuple[str, int]  # of the sentences on dev, with its count


def measure_sets(models_dir: Path, sources: dict[str, Source]) -> Sets:
    """Measure the models on each set."""
    models = Models(models_dir, models_dir)
    observers = [model.load() for model in models.choose(ModelChoice())]
    tables = read_tables(models_dir)
    scores, bins, commonest = {}, {}, ("", 0)
    for name, source in sources.items():
        photos = list(read_described(source.images, source.captions))
        findings = observe_photos(photos, observers)
        scores[name], bins[name] = measure(photos, findings, tables), reliability(photos, findings)
        if name == "dev":
            commonest = Counter(found.captions[0].text for found in findings).most_common(1)[0]
        log.info("%s: BLEU-4 %.4f CIDEr-D %.4f", name, scores[name].bleu[3], scores[name].cider_d)
    return Sets(scores, bins, commonest)


def captions_table(scores: dict[str, Measured]) -> str:
    """Return the captions' scores as a Markdown table, a set a column."""
    rows: list[tuple[str, list[str]]] = [("photos", [f"{s.n_photos:,}" for s in scores.values()])]
    rows += [(f"BLEU-{n + 1}", [f"{s.bleu[n]:.3f}" for s in scores.values()]) for n in range(4)]
    rows += [
        ("CIDEr-D", [f"{s.cider_d:.3f}" for s in scores.values()]),
        ("ROUGE-L", [f"{s.rouge_l:.3f}" for s in scores.values()]),
        ("different sentences", [f"{s.n_different:,}" for s in scores.values()]),
        ("different words", [f"{s.n_words:,}" for s in scores.values()]),
        ("words a sentence", [f"{s.mean_words:.1f}" for s in scores.values()]),
    ]
    lines = [f"| | {' | '.join(scores)} |", f"| --- |{' --- |' * len(scores)}"]
    return "\n".join([*lines, *(f"| {name} | {' | '.join(values)} |" for name, values in rows)])


def replace_part(path: Path, name: str, text: str) -> None:
    """Put a text between the two comments of that name in a Markdown file; raises `ValueError` without them."""
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    whole = path.read_text(encoding="utf-8")
    if begin not in whole or end not in whole:
        raise ValueError(f"{path} has no part {begin} ... {end}")
    pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    path.write_text(pattern.sub(lambda _: f"{begin}\n{text}\n{end}", whole), encoding="utf-8")


def write_cards(models_dir: Path, data: Path, everyday: Path) -> None:
    """Measure, and write the figures into the cards of captioner, concepts and all models, and the plot."""
    sets = measure_sets(models_dir, measuring_sources(data, everyday))
    sentence, n = sets.commonest
    said = f'The commonest sentence on dev, "{sentence}", was written {n} times.'
    replace_part(models_dir / "captioner" / "README.md", "measured", f"{captions_table(sets.scores)}\n\n{said}")
    replace_part(models_dir / "concepts" / "README.md", "measured", reliability_table(sets.bins))
    (models_dir / "concepts" / PLOT).write_text(reliability_plot(sets.bins), encoding="utf-8")
    for name, measured in sets.scores.items():
        replace_part(models_dir / "README.md", f"measured on {name}", measured_table(measured))


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA, help="folder of Flickr8k; the others lie beside it")
    parser.add_argument("--everyday", type=Path, required=True, help="folder of the everyday photos' JPEGs")
    parser.add_argument("--models", type=Path, default=MODELS)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    write_cards(options.models, options.data, options.everyday)


if __name__ == "__main__":
    main()
