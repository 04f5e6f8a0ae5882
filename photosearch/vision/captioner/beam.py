"""Beam search over many photos at once: the rules by which sentences are written, whatever computes the next words.

Shapes: B photos, W hypotheses a photo, N hypotheses that are not finished, V vocabulary, T words so far.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np

from photosearch.vision.captioner.vocabulary import END, PAD, START, UNKNOWN
from photosearch.vision.graph import log_softmax

MAX_BEAM_WIDTH = 20
NEVER_WRITTEN = (PAD, START, UNKNOWN)


@dataclass(frozen=True)
class Decoding:
    """How sentences are searched for."""

    beam_width: int = 5
    length_exponent: float = 0.7  # hypotheses are compared by log-probability / words^exponent; 0: shorter wins
    max_words: int = 22
    agreement: float = 0.0  # what full agreement with the concept model adds to the score (`captioner.Critic`)
    repetition: float = 0.0  # what each term that a sentence repeats takes from the score
    unsure_below: float = 0.0  # the agreement with the concept model below which a sentence is unsure
    said_from: float = 1.0  # for a predicted term above it that no sentence has, one is searched; 1: for none
    margin: float = 0.0  # open hypotheses whose score is so far below the best of their beam are given up; 0: none
    temperature: float = 1.0  # what logits are divided by: above 1 flattens the opinions, below 1 sharpens them
    lift: float = 0.0  # what rare words' logits gain, times how much likelier than usual they are (`Critic.log_lifts`)

    def __post_init__(self) -> None:
        if not 1 <= self.beam_width <= MAX_BEAM_WIDTH:
            raise ValueError(f"beam_width is {self.beam_width}; it must be 1 (greedy) to {MAX_BEAM_WIDTH}")
        if not self.agreement >= 0:
            raise ValueError(f"agreement is {self.agreement}; it must be at least 0")
        if not self.repetition >= 0:
            raise ValueError(f"repetition is {self.repetition}; it must be at least 0")
        if not 0 <= self.unsure_below <= 1:
            raise ValueError(f"unsure_below is {self.unsure_below}; it must be 0 to 1")
        if not 0 <= self.said_from <= 1:
            raise ValueError(f"said_from is {self.said_from}; it must be 0 to 1")
        if not self.margin >= 0:
            raise ValueError(f"margin is {self.margin}; it must be at least 0")
        if not 0 < self.temperature < math.inf:
            raise ValueError(f"temperature is {self.temperature}; it must be above 0")
        if not 0 <= self.lift < math.inf:
            raise ValueError(f"lift is {self.lift}; it must be at least 0")
        if self.max_words < 1:
            raise ValueError(f"max_words is {self.max_words}; it must be at least 1")


@dataclass(frozen=True)
class Sentence:
    """One hypothesis: word numbers without start and end, and its log-probability a word (nats, end counted)."""

    words: list[int]
    log_prob: float


class Writing(Protocol):
    """Sentences being written, as a decoder keeps them: one a row."""

    def __len__(self) -> int: ...

    def pick(self: WritingT, rows: np.ndarray) -> WritingT:
        """Return the given rows, in that order; one may be taken several times."""
        ...


WritingT = TypeVar("WritingT", bound=Writing)


class Writer(Protocol[WritingT]):
    """A decoder, as the search drives it."""

    def step(self, writing: WritingT, words: np.ndarray) -> tuple[WritingT, np.ndarray, np.ndarray]:
        """Take in the next word of each sentence, int (N).

        Returns:
            The sentences with it, the logits float32 (N, V) of the words that may follow, and how much attention was
            paid to each region, float32 (N, R).
        """
        ...


def search(
    writer: Writer[WritingT],
    begun: WritingT,
    decoding: Decoding,
    prefix: Sequence[int] = (),
    wanted: Sequence[Sequence[int]] | None = None,
) -> list[list[Sentence]]:
    """Write sentences for photos: for each its hypotheses, best first.

    No word follows itself. A finished sentence stays in the beam at its own score; the search ends when no open one is
    left. Open ones far below the best are given up (Freitag and Al-Onaizan 2017, arXiv:1702.01806). All sentences begin
    with the words of `prefix`, at most `max_words`, which may be words that are never written.

    Args:
        writer: the decoder.
        begun: a sentence without words for each photo, as the decoder's `begin` returned it.
        decoding: how sentences are searched for.
        prefix: numbers of words.
        wanted: for each photo the words of which every sentence is to hold one (constrained beam search, Anderson et
            al. 2017, arXiv:1612.00576): hypotheses with one of them and those without have a beam each.

    Raises:
        ValueError: the prefix is too long.
    """
    if len(prefix) > decoding.max_words:
        raise ValueError(f"the prefix has {len(prefix)} words; a sentence has at most {decoding.max_words}")
    if len(begun) == 0:
        return []
    beams, writing = _Beams.start(len(begun), decoding, wanted), begun
    for t in range(decoding.max_words + 1):
        last = beams.last_words()
        writing, logits, _ = writer.step(writing, last)
        given = prefix[t] if t < len(prefix) else None
        log_probs = next_words(logits, last, decoding, given=given)
        if given is not None:
            log_probs = _only(given, log_probs)
        elif t == decoding.max_words:
            log_probs = _only(END, np.zeros_like(log_probs))
        went_on = beams.extend(log_probs)
        if len(went_on) == 0:
            break
        writing = writing.pick(went_on)
    return beams.sentences()


def next_words(
    logits: np.ndarray, last: np.ndarray, decoding: Decoding, *, given: int | np.ndarray | None = None
) -> np.ndarray:
    """Return the log-probabilities float32 (N, V) of the words that may follow.

    Args:
        logits: float32 (N, V), from the decoder.
        last: (N), the word before.
        decoding: how sentences are searched for.
        given: the word that does follow, of all rows or of each (N); it may be one that is never written.
    """
    logits = logits / np.float32(decoding.temperature)  # a copy
    rows = np.arange(len(logits))
    kept = None if given is None else logits[rows, given]
    logits[:, NEVER_WRITTEN] = -np.inf
    logits[rows, last] = -np.inf  # "a rock rock"
    if kept is not None:
        logits[rows, given] = kept
    return log_softmax(logits)


def score(sentence: Sentence, decoding: Decoding) -> float:
    """Return the score of a finished hypothesis: log-probability / words^exponent, the end counted as a word."""
    n = len(sentence.words) + 1
    return sentence.log_prob * n ** (1 - decoding.length_exponent)


@dataclass
class _Beams:
    """The hypotheses of each photo, best first; where it has fewer than the beam is wide, the others are impossible.

    Where words are wanted, there are two beams a photo: places 0 to W - 1 lack them, places W to 2 W - 1 hold one.
    """

    decoding: Decoding
    wanted: np.ndarray | None  # int (B, M), padded
    words: np.ndarray  # int (B, P, T), with the start; P places
    totals: np.ndarray  # float32 (B, P), summed log-probabilities; -inf: impossible
    lengths: np.ndarray  # float32 (B, P), with the end
    finished: np.ndarray  # bool (B, P)

    @classmethod
    def start(cls, n_photos: int, decoding: Decoding, wanted: Sequence[Sequence[int]] | None) -> _Beams:
        shape = (n_photos, decoding.beam_width * (1 if wanted is None else 2))
        totals = np.full(shape, -np.inf, np.float32)
        totals[:, 0] = 0
        words = np.full((*shape, 1), START)
        return cls(decoding, _padded(wanted), words, totals, np.ones(shape, np.float32), np.zeros(shape, bool))

    def _open(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the photo (N) and the place in its beam (N) of each hypothesis that may go on."""
        photos, places = np.nonzero(~self.finished & (self.totals > -np.inf))
        return photos, places

    def last_words(self) -> np.ndarray:
        """Return the last word (N) of each hypothesis that may go on."""
        return self.words[(*self._open(), -1)]

    def extend(self, log_probs: np.ndarray) -> np.ndarray:
        """Go on by one word, which may be the end; the best hypotheses of each photo are kept.

        Args:
            log_probs: (N, V), of the words that may follow each hypothesis that may go on; it is overwritten.

        Returns:
            The rows of those that the hypotheses that may now go on come from.
        """
        photos, places = self._open()
        n_photos, n_places = self.totals.shape
        following, added = self._following(photos, places, log_probs)  # (N, K) each
        sums = np.full((n_photos, n_places, following.shape[1]), -np.inf, np.float32)
        words = np.full(sums.shape, PAD)
        sums[photos, places] = self.totals[photos, places, None] + added
        words[photos, places] = following
        sums[:, :, 0] = np.where(self.finished, self.totals, sums[:, :, 0])  # it has one way on: itself
        scores = sums / (self.lengths**self.decoding.length_exponent)[:, :, None]
        best, kept, close = self._best(scores)
        parents, word = best // sums.shape[2], np.take_along_axis(words.reshape(n_photos, -1), best, 1)
        rows = np.zeros((n_photos, n_places), np.intp)
        rows[photos, places] = np.arange(len(photos))
        self.finished = np.take_along_axis(self.finished, parents, 1) | (word == END)
        kept &= self.finished | close
        self.totals = np.where(kept, np.take_along_axis(sums.reshape(n_photos, -1), best, 1), np.float32(-np.inf))
        self.lengths = np.take_along_axis(self.lengths, parents, 1) + ~self.finished
        before = np.take_along_axis(self.words, parents[:, :, None], 1)
        self.words = np.concatenate([before, word[:, :, None]], axis=2)
        return np.take_along_axis(rows, parents, 1)[self._open()]

    def _following(
        self, photos: np.ndarray, places: np.ndarray, log_probs: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the words that may be added to each open hypothesis, with their log-probabilities: (N, K) each.

        Wanted words come last, for hypotheses that lack one; these cannot end.
        """
        n = min(self.decoding.beam_width, log_probs.shape[1])
        if self.wanted is None:
            return _likeliest(log_probs, n)
        rows, lacking = np.arange(len(photos))[:, None], places < self.decoding.beam_width
        wanted = np.where(lacking[:, None], self.wanted[photos], PAD)
        added = np.where(wanted == PAD, np.float32(-np.inf), log_probs[rows, wanted])
        log_probs[rows, wanted] = -np.inf  # they are no other words of such a hypothesis; padding is never written
        log_probs[lacking, END] = -np.inf
        likeliest, values = _likeliest(log_probs, n)
        return np.concatenate([likeliest, wanted], axis=1), np.concatenate([values, added], axis=1)

    def _best(self, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the best of all hypotheses gone on (B, P, K), for each place of the beams.

        Returns:
            Their numbers (B, P), whether there is such a one, and whether its score is close to its beam's best; for
            one that lacks a wanted word, to the best of both beams.
        """
        if self.wanted is None:
            fitting = [scores]
        else:
            holding = np.zeros(scores.shape[1:], bool)
            holding[self.decoding.beam_width :] = True
            holding[:, scores.shape[2] - self.wanted.shape[1] :] = True
            fitting = [np.where(held, scores, -np.inf) for held in (~holding, holding)]
        flat = [some.reshape(len(scores), -1) for some in fitting]
        best = [np.argsort(-some, axis=1, kind="stable")[:, : self.decoding.beam_width] for some in flat]
        values = [np.take_along_axis(some, rows, 1) for some, rows in zip(flat, best, strict=True)]
        possible = [own > -np.inf for own in values]
        margin = self.decoding.margin or np.inf
        leading = [own[:, :1] for own in values]
        leading[0] = np.maximum(leading[0], leading[-1])  # to take in a wanted word will lower a score, not raise it
        close = [own >= best_one - margin for own, best_one in zip(values, leading, strict=True)]
        return np.concatenate(best, axis=1), np.concatenate(possible, axis=1), np.concatenate(close, axis=1)

    def sentences(self) -> list[list[Sentence]]:
        """Return each photo's sentences, best first."""
        return [
            [
                Sentence([word for word in row if word not in (START, END, PAD)], min(total / length, 0.0))
                for row, total, length in zip(words, totals, lengths, strict=True)
                if total > -math.inf
            ]
            for words, totals, lengths in zip(
                self.words.tolist(), self.totals.tolist(), self.lengths.tolist(), strict=True
            )
        ]


def _padded(wanted: Sequence[Sequence[int]] | None) -> np.ndarray | None:
    """Return each photo's words as a row: int (B, M)."""
    if wanted is None:
        return None
    padded = np.full((len(wanted), max(1, *map(len, wanted))), PAD)
    for row, words in zip(padded, wanted, strict=True):
        row[: len(words)] = words
    return padded


def _only(word: int, log_probs: np.ndarray) -> np.ndarray:
    """Return log-probabilities (N, V) with all words but one ruled out."""
    left = np.full_like(log_probs, -np.inf)
    left[:, word] = log_probs[:, word]
    return left


def _likeliest(log_probs: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the `n` likeliest words of each row and their log-probabilities, (N, n) each; overwrites the rows.

    For the few that a beam keeps, looking for the largest several times is quicker than to sort or partition.
    """
    rows = np.arange(len(log_probs))
    words = np.empty((len(log_probs), n), np.intp)
    values = np.empty((len(log_probs), n), np.float32)
    for i in range(n):
        words[:, i] = log_probs.argmax(axis=1)
        values[:, i] = log_probs[rows, words[:, i]]
        log_probs[rows, words[:, i]] = -np.inf
    return words, values
