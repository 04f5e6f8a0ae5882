"""The captioner: pictures to sentences, by beam search, agreement with the predicted terms and sure labels."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

from photosearch.records import Caption, Findings, Station
from photosearch.vision.captioner import beam
from photosearch.vision.captioner.checkpoint import Checkpoint, load_checkpoint
from photosearch.vision.captioner.decoder import Writing
from photosearch.vision.captioner.nouns import Noun
from photosearch.vision.captioner.vocabulary import SPECIAL
from photosearch.vision.encoder import Encoder
from photosearch.vision.observer import Batch
from photosearch.words.analyzer import stems

KEPT = 5  # sentences of a photo that are kept, whatever the beam's width
NAMING_WIDTH = 3  # hypotheses of the searches for sentences with a given word, where the beam is wider
SHORT_FROM = 0.4  # how probable a noun must be for an unsure sentence to be replaced by a short one of it


class Critic(Protocol):
    """A model that rates how well sentences fit a picture: the concept model."""

    digest: str

    def agreement(self, batch: Batch, sentences: Sequence[Sequence[str]]) -> list[list[float]]:
        """Return for each picture's sentences a number in [0, 1] each."""
        ...

    def unsaid(self, batch: Batch, sentences: Sequence[str], least: float, sayable: Container[str]) -> list[str | None]:
        """Return for each picture the `sayable` term likelier than `least` that its sentence lacks most; or None."""
        ...

    def of_terms(self, batch: Batch, terms: Sequence[str]) -> np.ndarray:
        """Return the probabilities of the given terms for each of at least one picture: float32 (B, C)."""
        ...

    def of_words(self, batch: Batch, words: Sequence[str]) -> np.ndarray:
        """Return the probabilities of words for each of at least one picture, 0 of unknown ones: float32 (B, n)."""
        ...

    def log_lifts(self, batch: Batch, terms: Sequence[str]) -> np.ndarray:
        """Return how much likelier than usual rare terms are for each of at least one picture: float32 (B, C).

        That is the logarithm of the ratio; 0 of terms that are not likelier, or not rare.
        """
        ...


class LabelModel(Protocol):
    """A model that tells what a picture shows by labels: the classifier."""

    labels: Sequence[str]

    def probabilities(self, batch: Batch) -> np.ndarray:
        """Return each label's probability for each of at least one picture: float32 (B, n_labels)."""
        ...


class Written(NamedTuple):
    """A sentence with how it was found."""

    text: str
    log_prob: float  # nats a word
    agreement: float  # with the predicted terms, in [0, 1]
    score: float  # by which sentences are ranked


class Captioner:
    """A writer of sentences: beam search proposes them, and agreement with the predicted terms helps to rank them.

    The decoder attends to the encoder's regions and, where its files name terms, to their predicted probabilities.
    A rare word becomes likelier where the concept model finds in the photo what it names: the decoder has read it too
    seldom to know when to write it, while the concept model is trained to tell photos apart.
    Where no sentence holds a likely term, sentences that do are searched for, too. Where the classifier is sure of a
    thing, a sentence that names it comes first, and is searched for if there is none. A best sentence that hardly
    agrees with the predicted terms is unsure; if a noun is likelier than it, a short sentence of that noun takes its
    place.
    """

    station = Station.CAPTIONER

    def __init__(
        self, checkpoint: Checkpoint, encoder: Encoder, critic: Critic, classifier: LabelModel | None = None
    ) -> None:
        """Make a captioner; without a classifier sure labels are not heeded."""
        self.name = checkpoint.name
        self.digest = checkpoint.digest
        self.vocabulary = checkpoint.vocabulary
        self.decoding = checkpoint.decoding
        self.decoder = checkpoint.decoder
        self._terms = checkpoint.terms
        self._nouns = checkpoint.nouns if classifier else None
        self._encoder = encoder
        self._critic = critic
        self._classifier = classifier

    @classmethod
    def load(cls, folder: Path, encoder: Encoder, critic: Critic, classifier: LabelModel | None = None) -> Captioner:
        """Read a captioner from its files; raises `ModelError` as `load_checkpoint` does."""
        labels = classifier.labels if classifier else ()
        return cls(load_checkpoint(folder, encoder, critic.digest, labels), encoder, critic, classifier)

    def see(self, batch: Batch, decoding: beam.Decoding | None = None) -> Writing:
        """Return a sentence without words for each of at least one picture, for the decoder to go on with.

        How much likelier rare words become is the `lift` of `decoding`, by default of the model's own.
        """
        terms = self._critic.of_terms(batch, self._terms) if self._terms else None
        favours = self._favours(batch, (decoding or self.decoding).lift)
        return self.decoder.begin(self._encoder.regions(batch), terms, favours)

    def _favours(self, batch: Batch, lift: float) -> np.ndarray | None:
        """Return what is added to the logits of each picture's words, float32 (B, V); None: nothing."""
        if not lift:
            return None
        both = [(term, number) for term, numbers in self._words_of.items() for number in numbers]
        lifts = self._critic.log_lifts(batch, [term for term, _ in both])
        favours = np.zeros((len(lifts), len(self.vocabulary)), np.float32)
        favours[:, [number for _, number in both]] = lift * lifts
        return favours

    def observe(self, batch: Batch) -> list[Findings]:
        """Return at most `KEPT` sentences for each picture, best first, found with the model's own decoding."""
        return [Findings(captions=captions[:KEPT]) for captions in self.write(batch)]

    def write(
        self, batch: Batch, decoding: beam.Decoding | None = None, prefix: Sequence[int] = ()
    ) -> list[tuple[Caption, ...]]:
        """Write sentences for each picture, best first.

        Args:
            batch: the pictures; may be none.
            decoding: how to search; by default as the checkpoint says.
            prefix: the words that each sentence is to begin with, as `beam.search` takes them; neither labels nor
                likely terms count then.

        Returns:
            For each picture in input order at most `beam_width` captions. A sentence found twice
            (it cannot be told apart by its words) is kept once.
        """
        if not batch.pictures:
            return []
        decoding = decoding or self.decoding
        begun = self.see(batch, decoding)
        found = self._search(batch, begun, range(len(batch.pictures)), decoding, prefix)
        if not prefix:
            self._try_likely(batch, begun, found, decoding)
        sure: list[Noun | None] = [None] * len(found)
        masses = None if prefix else self._masses(batch)
        if self._nouns is not None and masses is not None:
            sure = [self._nouns.surest(of_picture) for of_picture in masses]
            self._name_sure(batch, begun, found, sure, decoding)
        unsure = [
            bool(best) and noun is None and best[0].agreement < decoding.unsure_below
            for best, noun in zip(found, sure, strict=True)
        ]
        if masses is not None:
            self._say_less(batch, begun, found, [row for row, is_unsure in enumerate(unsure) if is_unsure], masses)
        return [
            tuple(
                Caption(one.text, one.log_prob, self.name, rank, is_unsure)
                for rank, one in enumerate(sentences[: decoding.beam_width])
            )
            for sentences, is_unsure in zip(found, unsure, strict=True)
        ]

    def _masses(self, batch: Batch) -> np.ndarray | None:
        """Return the probability of each noun by the classifier, float32 (B, n_nouns); None without nouns."""
        if self._nouns is None or self._classifier is None:
            return None
        return self._nouns.masses(self._classifier.probabilities(batch))

    def _search(
        self,
        batch: Batch,
        begun: Writing,
        rows: Sequence[int],
        decoding: beam.Decoding,
        prefix: Sequence[int] = (),
        wanted: Sequence[Sequence[int]] | None = None,
    ) -> list[list[Written]]:
        """Return sentences for the pictures of the given rows, best first; `begun` has those rows."""
        width = decoding.beam_width if wanted is None else min(decoding.beam_width, NAMING_WIDTH)
        searched = replace(decoding, beam_width=width)
        by_text = [self._texts(some) for some in beam.search(self.decoder, begun, searched, prefix, wanted)]
        texts: list[list[str]] = [[] for _ in batch.pictures]
        for row, sentences in zip(rows, by_text, strict=True):
            texts[row] = list(sentences)
        agreement = self._critic.agreement(batch, texts)
        return [
            _ranked(
                Written(text, one.log_prob, agreed, _score(text, one, agreed, decoding))
                for (text, one), agreed in zip(sentences.items(), agreement[row], strict=True)
            )
            for row, sentences in zip(rows, by_text, strict=True)
        ]

    @cached_property
    def _words_of(self) -> Mapping[str, list[int]]:
        """Return the numbers of the words of each term that sentences may hold."""
        words: dict[str, list[int]] = {}
        for number, word in enumerate(self.vocabulary.words[len(SPECIAL) :], len(SPECIAL)):
            for term in stems(word):
                words.setdefault(term, []).append(number)
        return words

    def _try_likely(self, batch: Batch, begun: Writing, found: list[list[Written]], decoding: beam.Decoding) -> None:
        """Search for sentences with the likely term that a photo's sentences lack, and rank them among the others."""
        if decoding.said_from >= 1:
            return
        best = [sentences[0].text if sentences else "" for sentences in found]
        unsaid = self._critic.unsaid(batch, best, decoding.said_from, self._words_of)
        wanted = {
            row: self._words_of[term]
            for row, term in enumerate(unsaid)
            if term is not None and not any(term in stems(one.text) for one in found[row])
        }
        if not wanted:
            return
        rows = list(wanted)
        more = self._search(batch, begun.pick(np.array(rows)), rows, decoding, wanted=list(wanted.values()))
        for row, sentences in zip(rows, more, strict=True):
            found[row] = _ranked({one.text: one for one in (*sentences, *found[row])}.values())

    def _name_sure(
        self,
        batch: Batch,
        begun: Writing,
        found: list[list[Written]],
        sure: Sequence[Noun | None],
        decoding: beam.Decoding,
    ) -> None:
        """Put a sentence that names what is sure first; it is searched for where there is none."""
        unsaid: dict[int, Noun] = {}
        for row, noun in enumerate(sure):
            if noun is None or not found[row]:
                continue
            naming = [one for one in found[row] if noun.is_said(one.text.split())]
            if naming:
                found[row] = [naming[0], *(one for one in found[row] if one is not naming[0])]
            else:
                unsaid[row] = noun
        if not unsaid:
            return
        rows = list(unsaid)
        wanted = [self.vocabulary.encode(list(noun.forms)) for noun in unsaid.values()]
        named = self._search(batch, begun.pick(np.array(rows)), rows, decoding, wanted=wanted)
        for row, sentences in zip(rows, named, strict=True):
            found[row] = [*sentences[:1], *found[row]]

    def _say_less(
        self, batch: Batch, begun: Writing, found: list[list[Written]], rows: Sequence[int], masses: np.ndarray
    ) -> None:
        """Put "a photo of a flower" before unsure sentences of which the best does not name the likeliest noun."""
        if not rows or self._nouns is None:
            return
        nouns = list(self._nouns)
        probs = 1 - (1 - masses) * (1 - self._critic.of_words(batch, [noun.noun for noun in nouns]))  # by either model
        probs *= [bool(noun.alone) for noun in nouns]
        for row in rows:
            likeliest = int(probs[row].argmax())
            noun = nouns[likeliest]
            if probs[row, likeliest] >= SHORT_FROM and not noun.is_said(found[row][0].text.split()):
                short = self._short(begun.pick(np.array([row])), noun)
                found[row] = [Written(*short, *found[row][0][2:]), *found[row]]

    def _short(self, begun: Writing, noun: Noun) -> tuple[str, float]:
        """Return a sentence that names one thing, with its log-probability a word."""
        text = f"a photo of {noun.alone}"
        words = self.vocabulary.encode(text.split())
        ((sentence, *_),) = beam.search(self.decoder, begun, beam.Decoding(1, max_words=len(words)), words)
        return text, sentence.log_prob

    def _texts(self, sentences: list[beam.Sentence]) -> dict[str, beam.Sentence]:
        best: dict[str, beam.Sentence] = {}
        for sentence in sentences:
            best.setdefault(" ".join(self.vocabulary.decode(sentence.words)), sentence)
        return best


def _score(text: str, sentence: beam.Sentence, agreed: float, decoding: beam.Decoding) -> float:
    """Return a sentence's score: agreement with the predicted terms adds to it, what it says twice takes from it."""
    said = stems(text)
    n_repeated = len(said) - len(set(said))
    return beam.score(sentence, decoding) + decoding.agreement * agreed - decoding.repetition * n_repeated


def _ranked(sentences: Iterable[Written]) -> list[Written]:
    return sorted(sentences, key=lambda one: -one.score)
