"""Beam search over many photos at once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from photosearch.vision.captioner.network import LstmState, Memory
from photosearch.vision.captioner.vocabulary import END, PAD, START, UNKNOWN

MAX_BEAM_WIDTH = 20
NEVER_WRITTEN = (PAD, START, UNKNOWN)


@dataclass(frozen=True)
class Decoding:
    """How sentences are searched for."""

    beam_width: int = 5
    length_exponent: float = 0.7  # hypotheses are compared by log-probability / words^exponent; 0: shorter wins
    max_words: int = 22
    agreement: float = 0.0  # what full agreement with the concept model adds to the score (`captioner.Critic`)
    temperature: float = 1.0  # what logits are divided by: above 1 flattens the opinions, below 1 sharpens them

    def __post_init__(self) -> None:
        if not 1 <= self.beam_width <= MAX_BEAM_WIDTH:
            raise ValueError(f"beam_width is {self.beam_width}; it must be 1 (greedy) to {MAX_BEAM_WIDTH}")
        if not self.agreement >= 0:
            raise ValueError(f"agreement is {self.agreement}; it must be at least 0")
        if not 0 < self.temperature < math.inf:
            raise ValueError(f"temperature is {self.temperature}; it must be above 0")
        if self.max_words < 1:
            raise ValueError(f"max_words is {self.max_words}; it must be at least 1")


@dataclass(frozen=True)
class Sentence:
    """One hypothesis: word numbers without start and end, and its log-probability a word (nats, end counted)."""

    words: list[int]
    log_prob: float


class WriterSizes(Protocol):
    """The sizes of a decoder that the search needs."""

    @property
    def vocabulary(self) -> int:
        """Return the number of words."""


class Writer(Protocol):
    """A decoder, as the search drives it; `photosearch.vision.captioner.network.Decoder` says what each does."""

    embedding: nn.Embedding

    @property
    def sizes(self) -> WriterSizes:
        """Return the decoder's sizes."""

    def step(self, memory: Memory, state: LstmState, embedded: Tensor) -> tuple[LstmState, Tensor, Tensor]:
        """Take in a word's embedding (B, W): return the new state, context (B, D) and attention (B, R)."""

    def logits(self, embedded: Tensor, hidden: Tensor, context: Tensor) -> Tensor:
        """Return the next word's logits (B, V)."""


@torch.inference_mode()
def search(
    decoder: Writer, seen: tuple[Memory, LstmState], decoding: Decoding, prefix: Sequence[int] = ()
) -> list[list[Sentence]]:
    """Write sentences for photos as the decoder's `begin` has seen them: for each its hypotheses, best first.

    No word follows itself. A finished sentence stays in the beam at its own score; the search ends when
    no open one is left. All sentences begin with the words of `prefix`, at most `max_words`, which may be words
    that are never written.

    Raises:
        ValueError: the prefix is too long.
    """
    if len(prefix) > decoding.max_words:
        raise ValueError(f"the prefix has {len(prefix)} words; a sentence has at most {decoding.max_words}")
    memory, state = seen
    n_photos, width = len(memory.regions), decoding.beam_width
    if n_photos == 0:
        return []
    memory, state = memory.repeat(width), state.pick(torch.arange(n_photos).repeat_interleave(width))
    words = torch.full((n_photos, width, 1), START)
    totals = torch.full((n_photos, width), -math.inf)  # summed log-probabilities
    totals[:, 0] = 0  # at first all hypotheses are the same one
    lengths = torch.ones(n_photos, width)
    finished = torch.zeros(n_photos, width, dtype=torch.bool)
    n_words = decoder.sizes.vocabulary
    first_row = torch.arange(n_photos)[:, None] * width
    for t in range(decoding.max_words + 1):
        last = words[:, :, -1].flatten()
        embedded = decoder.embedding(last)
        state, context, _ = decoder.step(memory, state, embedded)
        given = prefix[t] if t < len(prefix) else None
        steps = next_words(decoder.logits(embedded, state.hidden, context), last, decoding, given=given)
        if given is not None:
            steps = _only(given, steps)
        elif t == decoding.max_words:
            steps = _only(END, torch.zeros_like(steps))
        steps = steps.view(n_photos, width, n_words)
        # A finished hypothesis has one way on: itself.
        steps = steps.masked_fill(finished[:, :, None], -math.inf)
        steps[:, :, PAD] = steps[:, :, PAD].masked_fill(finished, 0.0)
        sums = totals[:, :, None] + steps
        scores = (sums / (lengths**decoding.length_exponent)[:, :, None]).flatten(1)  # (B, width * V)
        _, best = scores.topk(width, dim=1)
        parent, word = best // n_words, best % n_words
        totals = sums.flatten(1).gather(1, best)
        finished = finished.gather(1, parent) | (word == END)
        lengths = lengths.gather(1, parent) + (~finished).float()
        words = torch.cat([words.gather(1, parent[:, :, None].expand(-1, -1, words.shape[2])), word[:, :, None]], dim=2)
        if bool(finished.all()):
            break
        state = state.pick((first_row + parent).flatten())
    return [_sentences(words[i], totals[i], lengths[i]) for i in range(n_photos)]


def next_words(logits: Tensor, last: Tensor, decoding: Decoding, *, given: int | Tensor | None = None) -> Tensor:
    """Return the log-probabilities (N, V) of the words that may follow.

    Args:
        logits: (N, V), from the decoder.
        last: (N), the word before.
        decoding: how sentences are searched for.
        given: the word that does follow, of all rows or of each (N); it may be one that is never written.
    """
    logits = logits.float() / decoding.temperature  # a copy
    rows = torch.arange(len(logits))
    kept = None if given is None else logits[rows, given]
    logits[:, list(NEVER_WRITTEN)] = -math.inf
    logits.scatter_(1, last[:, None], -math.inf)  # "a rock rock"
    if given is not None and kept is not None:
        logits[rows, given] = kept
    return logits.log_softmax(1)


def _only(word: int, steps: Tensor) -> Tensor:
    """Return log-probabilities (N, V) with all words but one ruled out."""
    left = torch.full_like(steps, -math.inf)
    left[:, word] = steps[:, word]
    return left


def score(sentence: Sentence, decoding: Decoding) -> float:
    """Return the score of a finished hypothesis: log-probability / words^exponent, the end counted as a word."""
    n = len(sentence.words) + 1
    return sentence.log_prob * n ** (1 - decoding.length_exponent)


def _sentences(words: Tensor, totals: Tensor, lengths: Tensor) -> list[Sentence]:
    sentences = []
    for row, total, length in zip(words.tolist(), totals.tolist(), lengths.tolist(), strict=True):
        if total > -math.inf:  # fewer sentences than the beam is wide
            sentences.append(
                Sentence([word for word in row if word not in (START, END, PAD)], min(total / length, 0.0))
            )
    return sentences
