"""Inspection of a sentence: for each word the attention, its probability and the likeliest alternatives.

The model reads a given sentence word by word, so a person's sentence can be inspected, too. Shapes: T steps, the
last of them the sentence's end; R regions; V vocabulary.
"""

from __future__ import annotations

import io
import math
import re
import threading
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar, cast, runtime_checkable

import numpy as np

from photosearch.pictures.images import Picture
from photosearch.records import Caption, Prediction
from photosearch.vision.captioner import beam
from photosearch.vision.captioner.vocabulary import END, SPECIAL, START, UNKNOWN, Vocabulary
from photosearch.vision.observer import Batch

T = TypeVar("T")
N_ALTERNATIVES = 5
MAX_WORDS_READ = 60  # of a longer sentence the first ones are read
ROOM = 8  # words that may follow a beginning as long as the model's sentences get
_WORD = re.compile(r"[\w']+")
_KEPT = 32  # results cached for each picture


@runtime_checkable
class Attentive(Protocol):
    """A captioner whose attention can be seen, because it attends to regions for each word."""

    name: str
    vocabulary: Vocabulary
    decoding: beam.Decoding
    decoder: beam.Writer[Any]

    def see(self, batch: Batch, decoding: beam.Decoding | None = None) -> beam.Writing:
        """Return a sentence without words for each of at least one picture, for the decoder to go on with."""
        ...

    def write(
        self, batch: Batch, decoding: beam.Decoding | None = None, prefix: Sequence[int] = ()
    ) -> list[tuple[Caption, ...]]:
        """Write sentences for each picture that begin with the words of `prefix`, best first."""
        ...


@dataclass(frozen=True)
class Step:
    """One word of a sentence, as a model rates it after reading the words before."""

    word: str  # empty: the sentence ends here
    prob: float
    known: bool  # False: the model knows no such word, and reads it as "some other word"
    alternatives: tuple[Prediction, ...]  # the likeliest next words, best first; the empty one ends the sentence


@dataclass(frozen=True)
class Inspection:
    """A sentence about a picture, read by a model."""

    model: str
    steps: tuple[Step, ...]  # T
    attention: np.ndarray  # float32 (T, R); rows sum to 1
    grid: tuple[int, int]  # the regions' rows and columns over the whole picture; their product is R
    log_prob: float  # nats a word, the end counted

    @property
    def words(self) -> list[str]:
        """The words without the end."""
        return [step.word for step in self.steps if step.word]


class Inspector:
    """One picture as one captioner sees it; results are cached. Use from any thread."""

    def __init__(self, captioner: Attentive, picture: Picture) -> None:
        self.model = captioner.name
        self.vocabulary = captioner.vocabulary
        self.decoding = captioner.decoding  # the model's own way
        self._captioner = captioner
        self._batch = Batch([picture])
        self._answers: dict[Hashable, object] = {}
        self._lock = threading.RLock()

    def read(self, text: str, decoding: beam.Decoding | None = None) -> Inspection:
        """Read a sentence word by word; of a long one its first `MAX_WORDS_READ` words."""
        decoding = decoding or self.decoding
        return self._once((text, decoding), lambda: self._read(read_words(text, self.vocabulary), decoding))

    def write(self, decoding: beam.Decoding | None = None, beginning: Sequence[str] = ()) -> tuple[Caption, ...]:
        """Write sentences, best first, that begin with the given words."""
        decoding = decoding or self.decoding
        words = tuple(beginning)
        return self._once((words, decoding), lambda: self._write(words, decoding))

    def _once(self, key: Hashable, make: Callable[[], T]) -> T:
        with self._lock:
            if key not in self._answers:
                while len(self._answers) >= _KEPT:
                    del self._answers[next(iter(self._answers))]
                self._answers[key] = make()
            return cast("T", self._answers[key])

    def _write(self, words: tuple[str, ...], decoding: beam.Decoding) -> tuple[Caption, ...]:
        if len(words) >= decoding.max_words:
            decoding = replace(decoding, max_words=len(words) + ROOM)
        (captions,) = self._captioner.write(self._batch, decoding, self.vocabulary.encode(words))
        if UNKNOWN not in self.vocabulary.encode(words):
            return captions
        return tuple(
            replace(caption, text=" ".join([*words, *caption.text.split()[len(words) :]])) for caption in captions
        )

    def _read(self, words: list[str], decoding: beam.Decoding) -> Inspection:
        numbers = [*self.vocabulary.encode(words), END]
        begun = self._captioner.see(self._batch, decoding)
        logits, attention = _decode(self._captioner.decoder, begun, [START, *numbers[:-1]])
        last, said = np.array([START, *numbers[:-1]]), np.array(numbers)
        log_probs = beam.next_words(logits, last, decoding, given=said)  # (T, V)
        free = beam.next_words(logits, last, decoding)
        if len(words) == decoding.max_words:  # there it can only end
            for rows in (log_probs, free):
                rows[-1] = -np.inf
                rows[-1, END] = 0.0
        own = log_probs[np.arange(len(said)), said]  # (T)
        alternatives = [self._alternatives(row) for row in np.exp(free)]
        probs = np.exp(own).tolist()
        steps = tuple(
            Step(word, prob, number != UNKNOWN, others)
            for word, number, prob, others in zip([*words, ""], numbers, probs, alternatives, strict=True)
        )
        side = math.isqrt(attention.shape[1])
        attention = attention[:, : side * side]  # without the region that predicted terms make
        attention = attention / np.maximum(attention.sum(axis=1, keepdims=True), 1e-9)
        return Inspection(self.model, steps, attention, (side, side), min(float(own.mean()), 0.0))

    def _alternatives(self, probs: np.ndarray) -> tuple[Prediction, ...]:
        """Return the likeliest next words of probabilities (V), best first."""
        best = np.argsort(-probs, kind="stable")[:N_ALTERNATIVES]
        return tuple(Prediction(self._word(n), float(probs[n])) for n in best.tolist() if probs[n] > 0)

    def _word(self, number: int) -> str:
        return "" if number == END else self.vocabulary.words[number]


def read_words(text: str, vocabulary: Vocabulary) -> list[str]:
    """Split a sentence into at most `MAX_WORDS_READ` words, spelled as in the vocabulary where it has them."""
    words: list[str] = []
    for part in text.split():
        whole = [word for word in (part, part.lower()) if vocabulary.encode([word])[0] >= len(SPECIAL)]
        words += whole[:1] or _WORD.findall(part.lower())
    return words[:MAX_WORDS_READ]


def to_npz(inspection: Inspection) -> bytes:
    """Pack words, probabilities, attention (T, R) and grid into a file that `numpy.load` reads without pickle."""
    out = io.BytesIO()
    np.savez_compressed(
        out,
        words=np.array([step.word or "<end>" for step in inspection.steps]),
        probabilities=np.array([step.prob for step in inspection.steps], np.float32),
        attention=inspection.attention,
        grid=np.array(inspection.grid),
        model=np.array(inspection.model),
    )
    return out.getvalue()


def _decode(
    decoder: beam.Writer[beam.WritingT], writing: beam.WritingT, words: Sequence[int]
) -> tuple[np.ndarray, np.ndarray]:
    """Feed a sentence to the decoder over one picture: return the next words' logits (T, V), attention (T, R)."""
    logits, attention = [], []
    for word in words:
        writing, of_word, weights = decoder.step(writing, np.array([word]))
        logits.append(of_word)
        attention.append(weights)
    return np.concatenate(logits), np.concatenate(attention)
