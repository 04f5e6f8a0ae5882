"""The captioner: pictures to sentences, by beam search and agreement with the predicted terms."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from photosearch.records import Caption, Findings, Station
from photosearch.vision.captioner import beam
from photosearch.vision.captioner.checkpoint import Checkpoint, load_checkpoint
from photosearch.vision.captioner.decoder import Writing
from photosearch.vision.encoder import Encoder
from photosearch.vision.observer import Batch


class Critic(Protocol):
    """A model that rates how well sentences fit a picture: the concept model."""

    digest: str

    def agreement(self, batch: Batch, sentences: Sequence[Sequence[str]]) -> list[list[float]]:
        """Return for each picture's sentences a number in [0, 1] each."""
        ...

    def of_terms(self, batch: Batch, terms: Sequence[str]) -> np.ndarray:
        """Return the probabilities of the given terms for each of at least one picture: float32 (B, C)."""
        ...


class Captioner:
    """A writer of sentences: beam search proposes them, and agreement with the predicted terms helps to rank them.

    The decoder attends to the encoder's regions and, where its files name terms, to their predicted probabilities.
    """

    station = Station.CAPTIONER

    def __init__(self, checkpoint: Checkpoint, encoder: Encoder, critic: Critic) -> None:
        self.name = checkpoint.name
        self.digest = checkpoint.digest
        self.vocabulary = checkpoint.vocabulary
        self.decoding = checkpoint.decoding
        self.decoder = checkpoint.decoder
        self._terms = checkpoint.terms
        self._encoder = encoder
        self._critic = critic

    @classmethod
    def load(cls, folder: Path, encoder: Encoder, critic: Critic) -> Captioner:
        """Read a captioner from its files; raises `ModelError` as `load_checkpoint` does."""
        return cls(load_checkpoint(folder, encoder, critic.digest), encoder, critic)

    def see(self, batch: Batch) -> Writing:
        """Return a sentence without words for each of at least one picture, for the decoder to go on with."""
        terms = self._critic.of_terms(batch, self._terms) if self._terms else None
        return self.decoder.begin(self._encoder.regions(batch), terms)

    def observe(self, batch: Batch) -> list[Findings]:
        """Return sentences for each picture, best first, found with the model's own decoding."""
        return [Findings(captions=captions) for captions in self.write(batch)]

    def write(
        self, batch: Batch, decoding: beam.Decoding | None = None, prefix: Sequence[int] = ()
    ) -> list[tuple[Caption, ...]]:
        """Write sentences for each picture, best first.

        Args:
            batch: the pictures; may be none.
            decoding: how to search; by default as the checkpoint says.
            prefix: the words that each sentence is to begin with, as `beam.search` takes them.

        Returns:
            For each picture in input order at most `beam_width` captions. A sentence found twice
            (it cannot be told apart by its words) is kept once.
        """
        if not batch.pictures:
            return []
        decoding = decoding or self.decoding
        by_text = [self._texts(sentences) for sentences in beam.search(self.decoder, self.see(batch), decoding, prefix)]
        if decoding.agreement:
            agreement = self._critic.agreement(batch, [list(texts) for texts in by_text])
            by_text = [_reranked(texts, added, decoding) for texts, added in zip(by_text, agreement, strict=True)]
        return [
            tuple(Caption(text, s.log_prob, self.name, rank) for rank, (text, s) in enumerate(texts.items()))
            for texts in by_text
        ]

    def _texts(self, sentences: list[beam.Sentence]) -> dict[str, beam.Sentence]:
        best: dict[str, beam.Sentence] = {}
        for sentence in sentences:
            best.setdefault(" ".join(self.vocabulary.decode(sentence.words)), sentence)
        return best


def _reranked(
    texts: dict[str, beam.Sentence], agreement: Sequence[float], decoding: beam.Decoding
) -> dict[str, beam.Sentence]:
    """Sort the sentences by the beam's score plus their weighted agreement, best first."""
    scores = {
        text: beam.score(sentence, decoding) + decoding.agreement * added
        for (text, sentence), added in zip(texts.items(), agreement, strict=True)
    }
    return {text: texts[text] for text in sorted(texts, key=lambda text: -scores[text])}
