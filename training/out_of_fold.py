"""What heads predict of photos that they have not seen.

The decoder learns from it, and probabilities are calibrated by it.
"""

from __future__ import annotations

import logging

import torch
from torch import Tensor
from torch.nn import functional as F

from training.concepts import ConceptNetwork, Targets, train_head
from training.data import chunks
from training.features import Features
from training.ranking import described, rank_descriptions

log = logging.getLogger(__name__)

N_FOLDS, FOLD_PASSES, FOLD_HEAD = 3, 5, (1024, 0.3)
CALIBRATED_ON = 12_000  # photos


@torch.inference_mode()
def out_of_fold(features: Features, targets: Targets, captions: list[list[str]]) -> Tensor:
    """Return the logits of single terms for each photo by a head that has not seen it: float16 (N, V)."""
    targets = targets.singles()
    said, n = described(captions, targets.said), len(targets.shares)
    logits = torch.zeros_like(targets.shares)
    order = torch.randperm(n, generator=torch.Generator().manual_seed(N_FOLDS))
    for fold, held in enumerate(order.chunk(N_FOLDS)):
        kept = torch.ones(n, dtype=torch.bool)
        kept[held] = False
        rows = kept.nonzero()[:, 0]
        with torch.inference_mode(False):
            head = train_head(features, targets, rows, FOLD_HEAD, FOLD_PASSES, fold)
            head = rank_descriptions(head, features, targets, said, rows, fold)
        network = ConceptNetwork([head]).eval()
        for some in chunks(len(held), 2048):
            vectors = torch.from_numpy(features.vectors[0][held[some].numpy()]).float()
            logits[held[some]] = network(vectors).half()
    return logits


def calibrate(logits: Tensor, shares: Tensor) -> tuple[float, float]:
    """Return by what to multiply logits, and what to add, so that of terms predicted with .5 half are said.

    Args:
        logits: of photos that the heads have not seen (N, V).
        shares: of each photo's descriptions that hold each term (N, V).
    """
    some = torch.randperm(len(logits), generator=torch.Generator().manual_seed(1))[:CALIBRATED_ON]
    found, target = logits[some].float(), shares[some].float()
    scale, shift = torch.ones((), requires_grad=True), torch.zeros((), requires_grad=True)
    optimizer = torch.optim.LBFGS([scale, shift], max_iter=25)

    def loss() -> Tensor:
        optimizer.zero_grad()
        value = F.binary_cross_entropy_with_logits(scale * found + shift, target, reduction="sum") / len(some)
        value.backward()
        return value

    optimizer.step(loss)
    log.info("logits times %.3f, plus %.3f", scale.item(), shift.item())
    return scale.item(), shift.item()
