"""Show, Attend and Tell (Xu et al. 2015, arXiv:1502.03044): soft attention and the LSTM decoder.

This is what is trained. Captions are written by `photosearch.vision.captioner.decoder`, which computes the same
without torch. The encoder is an exported graph (`photosearch.vision.graph`).

Shapes: B batch, R regions, E encoder width, C predicted terms, D region width inside the decoder, H hidden,
W word embedding, T steps, V vocabulary.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from photosearch.vision.captioner.decoder import ENCODER_WIDTH, Sizes


@dataclass(frozen=True)
class Memory:
    """The regions that the decoder attends to, with their share of the attention computed once."""

    regions: Tensor  # (B, R, D); where the decoder reads predicted terms, they make the last region
    keys: Tensor  # (B, R, A), the regions' part of the attention, computed once a photo

    def pick(self, photos: Tensor) -> Memory:
        """Return the regions of the given photos, in that order; one may be taken several times."""
        return Memory(self.regions[photos], self.keys[photos])


@dataclass(frozen=True)
class LstmState:
    """The LSTM's hidden and cell state."""

    hidden: Tensor  # (B, H)
    cell: Tensor  # (B, H)

    def pick(self, rows: Tensor) -> LstmState:
        """Return the states of the given rows, in that order."""
        return LstmState(self.hidden[rows], self.cell[rows])


class Attention(nn.Module):
    """Soft attention (Xu et al., section 4.2): how much each region matters for the next word."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.of_region = nn.Linear(sizes.region, sizes.attention)
        self.of_hidden = nn.Linear(sizes.hidden, sizes.attention)
        self.energy = nn.Linear(sizes.attention, 1, bias=False)

    def forward(self, memory: Memory, hidden: Tensor) -> tuple[Tensor, Tensor]:
        """Return the context (B, D) and the weights (B, R); each row of weights sums to 1."""
        energies = self.energy(torch.tanh(memory.keys + self.of_hidden(hidden)[:, None])).squeeze(2)  # (B, R)
        weights = energies.float().softmax(1)
        context = torch.bmm(weights[:, None].to(memory.regions.dtype), memory.regions).squeeze(1)  # (B, D)
        return context, weights


class Decoder(nn.Module):
    """An LSTM that writes a sentence word by word and attends to the regions anew for each word.

    Input and output word embeddings are tied; `dropout` only acts in training.
    """

    def __init__(self, sizes: Sizes, encoder_width: int = ENCODER_WIDTH, dropout: float = 0.45) -> None:
        super().__init__()
        self.sizes = sizes
        self.normalise = nn.LayerNorm(encoder_width)
        self.to_region = nn.Linear(encoder_width, sizes.region)
        if sizes.terms:
            self.to_term_region = nn.Linear(sizes.terms, sizes.region)
            # Few probabilities are large: at the usual scale their region would be far smaller than the others.
            nn.init.normal_(self.to_term_region.weight, std=0.2)
        self.attention = Attention(sizes)
        self.embedding = nn.Embedding(sizes.vocabulary, sizes.embedding)
        # At unit scale the tied output layer starts with logits too large to learn from.
        nn.init.normal_(self.embedding.weight, std=sizes.embedding**-0.5)
        self.first_hidden = nn.Linear(sizes.region, sizes.hidden)
        self.first_cell = nn.Linear(sizes.region, sizes.hidden)
        self.beta = nn.Linear(sizes.hidden, sizes.region)
        self.gates = nn.Linear(sizes.embedding + sizes.region + sizes.hidden, 4 * sizes.hidden)
        self.from_hidden = nn.Linear(sizes.hidden, sizes.embedding)
        self.from_context = nn.Linear(sizes.region, sizes.embedding, bias=False)
        self.bias = nn.Parameter(torch.zeros(sizes.vocabulary))
        self.dropout = nn.Dropout(dropout)

    def begin(self, regions: Tensor, terms: Tensor | None = None) -> tuple[Memory, LstmState]:
        """Take in photos; return what to attend to and the first state.

        Args:
            regions: the encoder's region vectors (B, R, E).
            terms: the probabilities of predicted search terms (B, C), where `sizes.terms` is C; without them, None.
        """
        seen = self.dropout(torch.relu(self.to_region(self.normalise(regions))))  # (B, R, D)
        mean = seen.mean(1)
        if terms is not None:
            said = self.dropout(torch.relu(self.to_term_region(terms.sqrt())))[:, None].to(seen.dtype)  # (B, 1, D)
            seen, mean = torch.cat([seen, said], dim=1), mean + said[:, 0]
        state = LstmState(torch.tanh(self.first_hidden(mean)), torch.tanh(self.first_cell(mean)).float())
        return Memory(seen, self.attention.of_region(seen)), state

    def step(self, memory: Memory, state: LstmState, embedded: Tensor) -> tuple[LstmState, Tensor, Tensor]:
        """Take in one word, as its embedding (B, W); returns the new state, context (B, D) and attention (B, R)."""
        context, weights = self.attention(memory, state.hidden)
        context = torch.sigmoid(self.beta(state.hidden)) * context
        gates = self.gates(torch.cat([embedded, context, state.hidden.to(embedded.dtype)], dim=1))  # (B, 4H)
        forget, take, give, new = gates.chunk(4, dim=1)
        cell = torch.sigmoid(forget + 1) * state.cell + torch.sigmoid(take) * torch.tanh(
            new
        )  # the 1 keeps the cell's content at first
        return LstmState(torch.sigmoid(give) * torch.tanh(cell), cell), context, weights

    def logits(self, embedded: Tensor, hidden: Tensor, context: Tensor) -> Tensor:
        """Compute the deep output layer (equation 7): last word, state and context (..., W / H / D) to (..., V)."""
        deep = self.dropout(embedded + self.from_hidden(hidden) + self.from_context(context))
        return F.linear(deep, self.embedding.weight, self.bias)

    def forward(self, memory: Memory, state: LstmState, words: Tensor) -> tuple[Tensor, Tensor]:
        """Read given sentences: word ids (B, T) to next-word logits (B, T, V) and attention (B, T, R)."""
        embedded = self.dropout(self.embedding(words))  # (B, T, W)
        hidden, contexts, attention = [], [], []
        for t in range(words.shape[1]):
            state, context, weights = self.step(memory, state, embedded[:, t])
            hidden.append(state.hidden)
            contexts.append(context)
            attention.append(weights)
        logits = self.logits(embedded, torch.stack(hidden, 1), torch.stack(contexts, 1))
        return logits, torch.stack(attention, 1)
