"""Choose the fields' weights: `python -m training.weights`. They maximise the mean of R@10 on the three sets.

One field after the other is tried at larger and smaller weights, until no change helps. What it prints is written
into `photosearch.search.fields` by hand; no training sees these photos.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from photosearch.evaluation.described_photos import DescribedPhoto, documents, observe_photos, ranks, read_described
from photosearch.evaluation.metrics import retrieval
from photosearch.records import Document
from photosearch.search.fields import ALL, WEIGHTS, Field
from photosearch.search.index import Index, Tables, read_tables
from photosearch.vision.registry import ModelChoice, Models
from training.card import MODELS
from training.data import DEFAULT_DATA, measuring_sources

log = logging.getLogger("training.weights")
TUNED = (Field.CAPTION, Field.SENTENCES, Field.OBJECTS, Field.LABELS)  # the concepts' stays: only ratios matter
FACTORS = (0.5, 0.8, 1.25, 2.0)

Described = tuple[Sequence[DescribedPhoto], Sequence[Document]]


def mean_recall(weights: Mapping[Field, float], sets: Sequence[Described], tables: Tables) -> float:
    """Return the mean over the sets of R@10 with all fields."""
    found = []
    for photos, held in sets:
        index = Index(held, replace(tables, weights=weights))
        found.append(retrieval(ranks(index, photos, ALL, expand=True)).recall_at_10)
    return sum(found) / len(found)


def climb(sets: Sequence[Described], tables: Tables) -> dict[Field, float]:
    """Return the best weights that changes of one at a time lead to."""
    best = dict(WEIGHTS)
    score = mean_recall(best, sets, tables)
    log.info("as they are: %.4f", score)
    improved = True
    while improved:
        improved = False
        for field in TUNED:
            for factor in FACTORS:
                tried = {**best, field: round(best[field] * factor, 3)}
                if (found := mean_recall(tried, sets, tables)) > score + 1e-9:
                    best, score, improved = tried, found, True
                    log.info("%s %g: %.4f", field, tried[field], score)
    return best


def main() -> None:
    """Look at the sets and climb."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA, help="folder of Flickr8k; the others lie beside it")
    parser.add_argument("--everyday", type=Path, required=True, help="folder of the everyday photos' JPEGs")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    observers = [model.load() for model in Models(MODELS, MODELS).choose(ModelChoice())]
    sets = []
    for source in measuring_sources(options.data, options.everyday).values():
        photos = list(read_described(source.images, source.captions))
        sets.append((photos, documents(observe_photos(photos, observers))))
    best = climb(sets, read_tables(MODELS))
    log.info("best: %s", ", ".join(f"{field} {best[field]:g}" for field in TUNED))


if __name__ == "__main__":
    main()
