"""The concept model: heads over the encoder's pooled vectors, each trained to predict the terms that people use.

A head learns the share of a photo's descriptions that hold each term (binary cross-entropy). The head that the encoder
was tuned with lags behind it; heads that are learned anew on the encoder as it ended, on cached views, are sharper.
`training.ranking` tunes them further; their logits are averaged. Beside single terms they predict pairs ("black dog"),
which tell what belongs to what.
"""

from __future__ import annotations

import copy
import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from photosearch.words.analyzer import pairs, stems
from training.data import FLICKR, Split, mirror_columns
from training.encoder import Averaged, TermHead, domain_logits, term_shares
from training.features import Features

log = logging.getLogger(__name__)

N_PASSES = 7
FLICKR_TIMES = 3
BATCH = 128
RATE = 1e-3
HEADS = ((1024, 0.3), (1536, 1.0))  # hidden units and weight decay of each
EMA_DECAY = 0.99
MIN_PAIR_DESCRIPTIONS = 32  # that hold a pair


@dataclass(frozen=True)
class Targets:
    """What is said of the training photos."""

    said: list[str]  # single terms, then pairs
    n_singles: int
    shares: Tensor  # float16 (N, V): the share of each photo's descriptions that hold each
    mirrored: Tensor  # int64 (V): the column that stands for each in a mirrored photo
    domains: Tensor  # int64 (N)

    @classmethod
    def of(cls, split: Split, singles: list[str]) -> Targets:
        """Return the targets of photos' descriptions: the given terms, and the pairs that are frequent."""
        said = [*singles, *pair_vocabulary(split.captions)]
        return cls(said, len(singles), term_shares(split.captions, said), mirror_columns(said), split.domains)

    def singles(self) -> Targets:
        """Return the same without pairs."""
        n = self.n_singles
        return Targets(self.said[:n], n, self.shares[:, :n], self.mirrored[:n], self.domains)


class Head(nn.Module):
    """A head of terms, with what each domain adds to its logits."""

    def __init__(self, usual: Tensor, hidden: int) -> None:
        """`usual` are the logits of terms in each domain (D, V), as `domain_logits` gives them."""
        super().__init__()
        self.terms = TermHead(usual.shape[1], hidden)
        self.terms.layers[-1].bias.data = usual.mean(0)
        self.offset = nn.Parameter(usual - usual.mean(0))


class ConceptNetwork(nn.Module):
    """Several heads: the mean of their logits, with the mean of the domains' offsets: a photo may be of any."""

    def __init__(self, heads: Sequence[Head], scale: float = 1.0, shift: float = 0.0) -> None:
        """Take the heads, and by what their logits are multiplied and what is added, to be calibrated."""
        super().__init__()
        self.heads = nn.ModuleList(copy.deepcopy(head.terms.layers) for head in heads)
        self.offset = nn.Parameter(torch.stack([head.offset.data.mean(0) for head in heads]).mean(0) * scale)
        for layers in self.heads:
            last = cast("nn.Linear", cast("nn.Sequential", layers)[-1])
            last.weight.data.mul_(scale)
            last.bias.data.mul_(scale).add_(shift)

    def forward(self, vectors: Tensor) -> Tensor:
        """Map the regions' mean and maximum (B, 2 E) to logits (B, V)."""
        return torch.stack([head(vectors) for head in self.heads]).mean(0) + self.offset


def pair_vocabulary(captions: list[list[str]]) -> list[str]:
    """Return the pairs of neighbouring terms that describe at least `MIN_PAIR_DESCRIPTIONS` photos, sorted."""
    n_photos = Counter(pair for texts in captions for pair in {p for text in texts for p in pairs(stems(text))})
    return sorted(pair for pair, n in n_photos.items() if n >= MIN_PAIR_DESCRIPTIONS)


def train_head(
    features: Features, targets: Targets, rows: Tensor, size: tuple[int, float], n_passes: int, seed: int
) -> Head:
    """Train a head on cached features, a random view of each photo a pass; its averaged weights.

    Args:
        features: views of all photos.
        targets: what is said of them.
        rows: the photos to train on (n,).
        size: hidden units, and AdamW's weight decay.
        n_passes: over the photos, of which Flickr8k's count several times.
        seed: of the head's first weights and of the order.
    """
    torch.manual_seed(seed)
    hidden, decay = size
    head = Head(domain_logits(targets.shares[rows], targets.domains[rows]), hidden)
    average = Averaged(head, EMA_DECAY)
    groups = [{"params": head.terms.parameters(), "weight_decay": decay}, {"params": [head.offset], "weight_decay": 0}]
    optimizer = torch.optim.AdamW(groups, lr=RATE, fused=True)
    seen = torch.cat([rows, rows[targets.domains[rows] == FLICKR].repeat(FLICKR_TIMES - 1)])
    n_steps = n_passes * -(-len(seen) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=n_steps, pct_start=0.2)
    draw = torch.Generator().manual_seed(seed)
    for n_pass in range(n_passes):
        total = 0.0
        for chosen in seen[torch.randperm(len(seen), generator=draw)].split(BATCH):
            views = torch.randint(len(features.vectors), (len(chosen),), generator=draw)
            both = zip(views.tolist(), chosen.tolist(), strict=True)
            vectors = torch.from_numpy(np.stack([features.vectors[view][row] for view, row in both])).float()
            target = targets.shares[chosen].float()
            target = torch.where((views % 2 == 1)[:, None], target[:, targets.mirrored], target)
            with torch.autocast("cpu", dtype=torch.bfloat16):
                logits = head.terms(vectors)
            logits = logits.float() + head.offset[targets.domains[chosen]]
            loss = F.binary_cross_entropy_with_logits(logits, target, reduction="sum") / len(chosen)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            schedule.step()
            average.update(int(1e9))
            total += loss.item() * len(chosen)
        log.info("concept head, seed %d, pass %d: loss %.3f", seed, n_pass + 1, total / len(seen))
    average.swap()
    return head.eval().requires_grad_(False)
