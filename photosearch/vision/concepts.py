"""The concept model: pictures to search terms with probabilities, learned from people's captions of photos.

Predicted terms are weighted terms of the photo in the TF-IDF index; nothing neural runs when somebody searches.
"""

from __future__ import annotations

import json
from collections.abc import Container, Mapping, Sequence
from pathlib import Path

import numpy as np

from photosearch.errors import ModelError
from photosearch.records import Findings, Prediction, Station
from photosearch.vision.encoder import Encoder
from photosearch.vision.graph import Graph, open_graph
from photosearch.vision.model_folder import check_same, open_model
from photosearch.vision.observer import Batch
from photosearch.words.analyzer import is_pair, stems

GRAPH, TERMS = "concepts.onnx", "terms.json"
N_TERMS, N_PAIRS = 128, 64  # kept a photo: single terms, and pairs of neighbours ("black dog")
AGREEMENT_ROOT = 0.65  # the exponent of probabilities that sentences are compared with
IDF_FLOOR = 1 / 6000  # added to a term's share of the photos: one of those it was learned from
RARE = 0.01  # the share of photos below which a term is rare


class Concepts:
    """A model that predicts search terms from the mean and the maximum of the encoder's vectors over the regions."""

    station = Station.CONCEPTS

    def __init__(
        self,
        name: str,
        digest: str,
        graph: Graph,
        shares: Mapping[str, float],
        encoder: Encoder,
    ) -> None:
        """`shares` are the terms in the order of the network's outputs, with the share of photos that hold each."""
        self.name = name
        self.digest = digest
        self._graph = graph
        self._terms = list(shares)
        self._column = {term: i for i, term in enumerate(shares)}
        self._is_pair = np.array([is_pair(term) for term in shares], bool)
        self._singles, self._pairs = np.flatnonzero(~self._is_pair), np.flatnonzero(self._is_pair)
        self._shares = np.array(list(shares.values())) + IDF_FLOOR
        self._idf = 1 - np.log(self._shares)
        self._encoder = encoder

    @classmethod
    def load(cls, folder: Path, encoder: Encoder) -> Concepts:
        """Read the concept model that was trained on an encoder's vectors.

        Raises:
            ModelError: a file is missing or damaged, or was made for another encoder.
        """
        model = open_model(folder, Station.CONCEPTS)
        check_same(folder, "encoder", model.options.get("encoder"), encoder.digest)
        try:
            shares = json.loads(model.read(TERMS))
            if not isinstance(shares, dict) or not all(isinstance(p, float) and 0 <= p <= 1 for p in shares.values()):
                raise ValueError("not terms with the shares of photos that hold them")
        except ValueError as error:
            raise model.damaged(TERMS, error) from error
        return cls(model.name, model.digest, open_graph(model, GRAPH), shares, encoder)

    def observe(self, batch: Batch) -> list[Findings]:
        """Return the likeliest terms of each picture, the most probable first."""
        if not batch.pictures:
            return []
        probs = self.probabilities(batch)
        if probs.shape[1] != len(self._terms):
            raise ModelError(f"The concept model predicts {probs.shape[1]:,} terms, but names {len(self._terms):,}.")
        return [Findings(concepts=self._likeliest(row)) for row in probs]

    def _likeliest(self, probs: np.ndarray) -> tuple[Prediction, ...]:
        """Return the likeliest single terms and pairs among the probabilities of all (V), the most probable first."""
        likely = [_largest(probs, columns, n) for columns, n in ((self._singles, N_TERMS), (self._pairs, N_PAIRS))]
        columns = np.sort(np.concatenate(likely))
        best = columns[np.argsort(-probs[columns], kind="stable")]
        return tuple([Prediction(self._terms[i], p) for i, p in zip(best.tolist(), probs[best].tolist(), strict=True)])

    def agreement(self, batch: Batch, sentences: Sequence[Sequence[str]]) -> list[list[float]]:
        """Return how well sentences agree with the terms predicted for each picture; the batch must not be empty.

        Returns:
            For each picture's sentences their cosine with its predicted single terms, as TF-IDF vectors, in [0, 1].
        """
        predicted = self.probabilities(batch) ** AGREEMENT_ROOT * self._idf * ~self._is_pair
        predicted /= np.linalg.norm(predicted, axis=1, keepdims=True)
        return [[self._cosine(text, row) for text in texts] for row, texts in zip(predicted, sentences, strict=True)]

    def unsaid(self, batch: Batch, sentences: Sequence[str], least: float, sayable: Container[str]) -> list[str | None]:
        """Return for each picture the term most worth saying that its sentence lacks; the batch must not be empty.

        That is the one with the largest product of probability and IDF among those in `sayable` that are likelier
        than `least`; None where there is none.
        """
        found: list[str | None] = []
        for probs, text in zip(self.probabilities(batch), sentences, strict=True):
            said = set(stems(text))
            likely = [i for i in np.flatnonzero((probs > least) & ~self._is_pair).tolist() if self._terms[i] in sayable]
            lacking = [i for i in likely if self._terms[i] not in said]
            worth = probs * self._idf
            found.append(self._terms[max(lacking, key=lambda i: float(worth[i]))] if lacking else None)
        return found

    def _cosine(self, text: str, predicted: np.ndarray) -> float:
        columns = sorted({self._column[term] for term in stems(text) if term in self._column})
        weights = self._idf[columns]
        return float(weights @ predicted[columns] / max(np.linalg.norm(weights), 1e-9))

    def of_terms(self, batch: Batch, terms: Sequence[str]) -> np.ndarray:
        """Return the probabilities of the given terms for each of at least one picture: float32 (B, C).

        Raises:
            ModelError: a term is not among those that are predicted.
        """
        missing = [term for term in terms if term not in self._column]
        if missing:
            raise ModelError(
                f'The captioner reads the term "{missing[0]}", which the concept model does not predict.'
                " Get both folders again; see models/README.md."
            )
        found: np.ndarray = self.probabilities(batch)[:, [self._column[term] for term in terms]]
        return found

    def of_words(self, batch: Batch, words: Sequence[str]) -> np.ndarray:
        """Return the probabilities of words for each of at least one picture, 0 of unknown ones: float32 (B, n)."""
        probs = self.probabilities(batch)
        found = np.zeros((len(probs), len(words)), np.float32)
        for i, word in enumerate(words):
            columns = [self._column[stem] for stem in stems(word) if stem in self._column]
            if columns:
                found[:, i] = probs[:, columns[0]]
        return found

    def log_lifts(self, batch: Batch, terms: Sequence[str]) -> np.ndarray:
        """Return how much likelier than usual rare terms are for each of at least one picture: float32 (B, C).

        That is ln(p / share of photos that hold the term); 0 of terms that are not likelier, not rare or not known.
        """
        probs = self.probabilities(batch)
        lifts = np.zeros((len(probs), len(terms)), np.float32)
        columns = np.array([self._column.get(term, -1) for term in terms], np.int64)
        rare = np.flatnonzero((columns >= 0) & (self._shares[columns] < RARE))
        ratios = probs[:, columns[rare]] / self._shares[columns[rare]]
        lifts[:, rare] = np.log(np.maximum(ratios, 1))
        return lifts

    def probabilities(self, batch: Batch) -> np.ndarray:
        """Return each term's probability for each picture of a batch that is not empty: float32 (B, V), V terms."""
        return batch.once(("concepts", self.digest), lambda: self._predict(batch))

    def _predict(self, batch: Batch) -> np.ndarray:
        regions = self._encoder.regions(batch)  # (B, R, E)
        pooled = np.concatenate([regions.mean(1), regions.max(1)], axis=1)  # (B, 2 E)
        (logits,) = self._graph(pooled)
        probs: np.ndarray = 1 / (1 + np.exp(-logits))
        return probs


def _largest(values: np.ndarray, among: np.ndarray, n: int) -> np.ndarray:
    """Return where the `n` largest of some values (V) lie, of equal ones the first; fewer where there are fewer.

    Args:
        values: (V).
        among: where those lie that count, ascending.
        n: how many.
    """
    if n >= len(among):
        return among
    own = values[among]
    least = np.partition(own, len(own) - n)[len(own) - n]  # to sort all takes three times as long
    larger, equal = np.flatnonzero(own > least), np.flatnonzero(own == least)
    return among[np.concatenate([larger, equal[: n - len(larger)]])]
