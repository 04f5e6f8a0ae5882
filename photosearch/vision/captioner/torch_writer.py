"""Decoders in torch, driven by the beam search: the one that is being trained, and those of the older system."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn

from photosearch.vision.captioner.network import LstmState, Memory


class TorchDecoder(Protocol):
    """A decoder of torch's; `photosearch.vision.captioner.network.Decoder` says what each method does."""

    embedding: nn.Embedding

    def step(self, memory: Memory, state: LstmState, embedded: Tensor) -> tuple[LstmState, Tensor, Tensor]:
        """Take in a word's embedding (N, W): return the new state, context (N, D) and attention (N, R)."""

    def logits(self, embedded: Tensor, hidden: Tensor, context: Tensor) -> Tensor:
        """Return the next word's logits (N, V)."""


@dataclass(frozen=True)
class TorchWriting:
    """Sentences being written, one a row."""

    memory: Memory  # of the photos
    photos: Tensor  # (N), which photo each sentence is about
    state: LstmState

    @classmethod
    def begin(cls, seen: tuple[Memory, LstmState]) -> TorchWriting:
        """Return a sentence without words for each photo, as a decoder's `begin` has seen them."""
        memory, state = seen
        return cls(memory, torch.arange(len(memory.regions)), state)

    def __len__(self) -> int:
        return len(self.photos)

    def pick(self, rows: np.ndarray) -> TorchWriting:
        """Return the given rows, in that order; one may be taken several times."""
        picked = torch.from_numpy(rows)
        return replace(self, photos=self.photos[picked], state=self.state.pick(picked))


class TorchWriter:
    """A decoder in torch, as `photosearch.vision.captioner.beam` drives it."""

    def __init__(self, decoder: TorchDecoder) -> None:
        self.decoder = decoder

    @torch.inference_mode()
    def step(self, writing: TorchWriting, words: np.ndarray) -> tuple[TorchWriting, np.ndarray, np.ndarray]:
        """Take in the next word of each sentence, as `beam.Writer` says."""
        embedded = self.decoder.embedding(torch.from_numpy(words))
        memory = writing.memory.pick(writing.photos)
        state, context, attention = self.decoder.step(memory, writing.state, embedded)
        logits = self.decoder.logits(embedded, state.hidden, context)
        return replace(writing, state=state), logits.float().numpy(), attention.float().numpy()
