"""The classifier: pictures to ImageNet's labels, by EfficientNet-Lite0 as it was published.

A picture is squashed to the network's square, not cropped: on coco-dev the labels are as good, and the edges are
not lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from photosearch.errors import ModelError
from photosearch.pictures.images import lite_pixels
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
        self.labels = labels  # in the order of the probabilities

    @classmethod
    def load(cls, folder: Path) -> Classifier:
        """Read the classifier from its folder; raises `ModelError`."""
        model = open_model(folder, Station.CLASSIFIER)
        return cls(model.name, model.digest, open_graph(model, GRAPH), read_labels(model))

    def observe(self, batch: Batch) -> list[Findings]:
        """Return the five likeliest labels of each picture, with softmax probabilities, best first."""
        if not batch.pictures:
            return []
        return [Findings(labels=best_labels(probs, self.labels)) for probs in self.probabilities(batch)]

    def probabilities(self, batch: Batch) -> np.ndarray:
        """Return each label's probability for each picture of a batch that is not empty: float32 (B, n_labels)."""
        return batch.once(("classifier", self.digest), lambda: softmax(self._logits(lite_pixels(batch.pictures))))

    def _logits(self, pixels: np.ndarray) -> np.ndarray:
        few = [pixels[first : first + CLASSIFIED_AT_ONCE] for first in range(0, len(pixels), CLASSIFIED_AT_ONCE)]
        return np.concatenate([self._graph(some)[0] for some in few])


def softmax(logits: np.ndarray) -> np.ndarray:
    """Return the probabilities of logits (B, n)."""
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    probs: np.ndarray = odds / odds.sum(axis=1, keepdims=True)
    return probs


def best_labels(probs: np.ndarray, labels: Sequence[str]) -> tuple[Prediction, ...]:
    """Return one picture's likeliest labels of all (n_labels,); raises `ModelError` when labels are missing."""
    if len(probs) != len(labels):
        raise ModelError(
            f"The classifier tells {len(probs):,} labels apart, but {LABELS} names {len(labels):,}."
            " Get its folder again; see models/README.md."
        )
    return tuple(Prediction(labels[i], float(probs[i])) for i in np.argsort(-probs, kind="stable")[:N_LABELS])
