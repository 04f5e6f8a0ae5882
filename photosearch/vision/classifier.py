"""The classifier: pictures to ImageNet's labels, by one layer on what the encoder sees.

The encoder was tuned on descriptions and, so that it does not unlearn them, on these labels as the untuned network
tells them; thus one pass serves captions, terms and labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from photosearch.errors import ModelError
from photosearch.records import Findings, Prediction, Station
from photosearch.vision.encoder import Encoder
from photosearch.vision.graph import Graph, open_graph
from photosearch.vision.labels import LABELS, N_LABELS, read_labels
from photosearch.vision.model_folder import check_same, open_model
from photosearch.vision.observer import Batch

GRAPH = "classifier.onnx"


class Classifier:
    """A classifier of pictures by ImageNet's 1,000 labels."""

    station = Station.CLASSIFIER

    def __init__(self, name: str, digest: str, graph: Graph, labels: Sequence[str], encoder: Encoder) -> None:
        self.name = name
        self.digest = digest
        self._graph = graph
        self.labels = labels  # in the order of the probabilities
        self._encoder = encoder

    @classmethod
    def load(cls, folder: Path, encoder: Encoder) -> Classifier:
        """Read the classifier that was trained on an encoder's vectors.

        Raises:
            ModelError: a file is missing or damaged, or was made for another encoder.
        """
        model = open_model(folder, Station.CLASSIFIER)
        check_same(folder, "encoder", model.options.get("encoder"), encoder.digest)
        return cls(model.name, model.digest, open_graph(model, GRAPH), read_labels(model), encoder)

    def observe(self, batch: Batch) -> list[Findings]:
        """Return the five likeliest labels of each picture, with softmax probabilities, best first."""
        if not batch.pictures:
            return []
        return [Findings(labels=best_labels(probs, self.labels)) for probs in self.probabilities(batch)]

    def probabilities(self, batch: Batch) -> np.ndarray:
        """Return each label's probability for each picture of a batch that is not empty: float32 (B, n_labels)."""
        return batch.once(("classifier", self.digest), lambda: self._predict(batch))

    def _predict(self, batch: Batch) -> np.ndarray:
        (logits,) = self._graph(self._encoder.regions(batch).mean(1))
        return softmax(logits)


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
