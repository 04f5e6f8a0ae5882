"""The classifier: pictures to ImageNet's labels, by EfficientNet-Lite0 as it was published.

A picture is squashed to the network's square, not cropped: on coco-dev the labels are as good, and the edges are
not lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from photosearch.errors import ModelError
from photosearch.images import lite_pixels
from photosearch.records import Findings, Prediction, Station
from photosearch.vision.graph import Graph, open_graph
from photosearch.vision.labels import LABELS, N_LABELS, read_labels
from photosearch.vision.model_folder import open_model
from photosearch.vision.observer import Batch

GRAPH = "classifier.onnx"
CLASSIFIED_AT_ONCE = 4


class Classifier:
    """A classifier of pictures by ImageNet's 1,000 labels."""

    station = Station.CLASSIFIER

    def __init__(self, name: str, digest: str, graph: Graph, labels: Sequence[str]) -> None:
        self.name = name
        self.digest = digest
        self._graph = graph
        self._labels = labels

    @classmethod
    def load(cls, folder: Path) -> Classifier:
        """Read the classifier from its folder; raises `ModelError`."""
        model = open_model(folder, Station.CLASSIFIER)
        return cls(model.name, model.digest, open_graph(model, GRAPH), read_labels(model))

    def observe(self, batch: Batch) -> list[Findings]:
        """Return the five likeliest labels of each picture, with softmax probabilities, best first."""
        if not batch.pictures:
            return []
        logits = self._logits(lite_pixels(batch.pictures))
        return [Findings(labels=best_labels(row, self._labels)) for row in logits]

    def _logits(self, pixels: np.ndarray) -> np.ndarray:
        few = [pixels[first : first + CLASSIFIED_AT_ONCE] for first in range(0, len(pixels), CLASSIFIED_AT_ONCE)]
        return np.concatenate([self._graph(some)[0] for some in few])


def best_labels(logits: np.ndarray, labels: Sequence[str]) -> tuple[Prediction, ...]:
    """Return one picture's likeliest labels for logits (n_labels,); raises `ModelError` when labels are missing."""
    if len(logits) != len(labels):
        raise ModelError(
            f"The classifier tells {len(logits):,} labels apart, but {LABELS} names {len(labels):,}."
            " Get its folder again; see models/README.md."
        )
    odds = np.exp(logits - logits.max())
    probs = odds / odds.sum()
    return tuple(Prediction(labels[i], float(probs[i])) for i in np.argsort(-probs, kind="stable")[:N_LABELS])
