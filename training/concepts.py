"""The concept model: heads over the encoder's pooled vectors, each trained to predict the terms that people use.

A head learns the share of a photo's descriptions that hold each term (binary cross-entropy). The head that the encoder
was tuned with lags behind it; heads that are learned anew on the encoder as it ended, on cached views, are sharper.
Their logits are averaged. Beside single terms they predict pairs ("black dog"), which tell what belongs to what.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from photosearch.analyzer import pairs, terms
from training.encoder import HIDDEN, TermHead

log = logging.getLogger(__name__)

N_PASSES = 12
BATCH = 128
RATE = 1e-3
HEADS = ((1024, 1.0), (2048, 0.3))  # hidden units and weight decay of each
EMA_DECAY = 0.99
MIN_PHOTOS_A_PAIR = 20
N_FOLDS = 5


class ConceptNetwork(nn.Module):
    """Several heads: the mean of their logits."""

    def __init__(self, heads: Sequence[TermHead]) -> None:
        super().__init__()
        self.heads = nn.ModuleList(head.layers for head in heads)

    def forward(self, vectors: Tensor) -> Tensor:
        """The regions' mean and maximum (B, 2 E) to logits (B, V)."""
        return torch.stack([head(vectors) for head in self.heads]).mean(0)


def pair_vocabulary(captions: list[list[str]]) -> list[str]:
    """The pairs of neighbouring terms that describe at least `MIN_PHOTOS_A_PAIR` photos, sorted."""
    n_photos = Counter(pair for texts in captions for pair in {p for text in texts for p in pairs(terms(text))})
    return sorted(pair for pair, n in n_photos.items() if n >= MIN_PHOTOS_A_PAIR)


def train_head(
    features: np.ndarray,
    shares: Tensor,
    mirrored_shares: Tensor,
    rows: Sequence[int],
    *,
    hidden: int = HIDDEN,
    weight_decay: float = 0.02,
    seed: int = 0,
) -> TermHead:
    """Train a head on cached features, a random view of each photo a pass; its averaged weights.

    Args:
        features: float16 (views, N, 2 E); views of odd number are mirrored.
        shares: the share of each photo's descriptions that hold each term (N, V).
        mirrored_shares: the same for the mirrored photo.
        rows: the photos to train on.
        hidden: units of the layer between.
        weight_decay: of AdamW.
        seed: of the head's first weights and of the order.
    """
    torch.manual_seed(seed)
    head = TermHead(shares.shape[1], hidden)
    rate = shares[list(rows)].mean(0).clamp(min=1e-5)
    head.layers[-1].bias.data = torch.log(rate / (1 - rate))
    average = AveragedModel(head, multi_avg_fn=get_ema_multi_avg_fn(EMA_DECAY))
    optimizer = torch.optim.AdamW(head.parameters(), lr=RATE, weight_decay=weight_decay)
    n_steps = N_PASSES * -(-len(rows) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=n_steps, pct_start=0.2)
    draw = torch.Generator().manual_seed(seed)
    for n_pass in range(N_PASSES):
        total = 0.0
        for chosen in torch.tensor(rows)[torch.randperm(len(rows), generator=draw)].split(BATCH):
            views = torch.randint(len(features), (len(chosen),), generator=draw)
            seen = torch.from_numpy(
                np.stack([features[view, row] for view, row in zip(views.tolist(), chosen.tolist(), strict=True)])
            ).float()
            target = torch.where((views % 2 == 1)[:, None], mirrored_shares[chosen], shares[chosen])
            loss = F.binary_cross_entropy_with_logits(head.layers(seen), target, reduction="sum") / len(chosen)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            average.update_parameters(head)
            total += loss.item() * len(chosen)
        log.info("concept head, seed %d, pass %d: loss %.3f", seed, n_pass + 1, total / len(rows))
    return cast("TermHead", average.module.eval().requires_grad_(False))


@torch.inference_mode()
def out_of_fold(features: np.ndarray, shares: Tensor, mirrored_shares: Tensor) -> Tensor:
    """Probabilities for each photo by a head that has not seen it, for the photo as it is: float32 (N, V)."""
    n = shares.shape[0]
    probs = torch.zeros_like(shares)
    order = torch.randperm(n, generator=torch.Generator().manual_seed(N_FOLDS))
    for fold, held in enumerate(order.chunk(N_FOLDS)):
        kept = sorted(set(range(n)) - set(held.tolist()))
        with torch.inference_mode(False):
            head = train_head(features, shares, mirrored_shares, kept, seed=fold)
        probs[held] = head.layers(torch.from_numpy(features[0][held.numpy()]).float()).sigmoid()
    return probs
