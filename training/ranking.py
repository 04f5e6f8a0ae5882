"""Tune heads of terms so that descriptions find their photos by what is predicted, not only so that it is likely.

A description and a photo are compared as search compares them: the description's terms by IDF, the photo's by IDF and a
root of their probabilities, both of length 1. Of many photos a description is to be nearest its own, and a photo its
description (InfoNCE; on sparse vectors as VisualSparta does, Lu et al. 2021, arXiv:2101.00265). What is likely is still
learned beside it, so that probabilities keep their meaning; `training.out_of_fold` calibrates them.
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from photosearch.search.fields import PAIR, ROOTS, Field
from photosearch.vision.concepts import IDF_FLOOR
from photosearch.words.analyzer import is_pair, pairs, stems
from training.concepts import FLICKR_TIMES, Head, Targets
from training.data import FLICKR
from training.encoder import Averaged
from training.features import Features

log = logging.getLogger(__name__)

N_PASSES = 8
BATCH = 1024  # photos that each description is told apart from
RATE = 1e-3
WEIGHT_DECAY = 1.0
RANKING = 40.0  # the weight of the loss of ranking; that of likelihood is 1
TEMPERATURE = 0.025
EMA_DECAY = 0.99
LEAST_PROB = 1e-6


def described(captions: Sequence[Sequence[str]], terms: Sequence[str]) -> list[list[list[int]]]:
    """Return for each photo the columns of the terms that each of its descriptions holds."""
    column = {term: i for i, term in enumerate(terms)}

    def held(text: str) -> list[int]:
        found = stems(text)
        return [column[term] for term in {*found, *pairs(found)} if term in column]

    return [[held(text) for text in texts] for texts in captions]


def rank_loss(logits: Tensor, said: Tensor, weights: Tensor, same: Tensor) -> Tensor:
    """Return how badly descriptions find their photos among the others, and the other way round.

    Args:
        logits: of terms, float32 (B, V).
        said: which terms each photo's description holds, 0 or 1, float32 (B, V).
        weights: of the terms (V).
        same: which rows are of the same photo, bool (B, B).
    """
    photos = F.normalize(logits.sigmoid().clamp(min=LEAST_PROB) ** ROOTS[Field.CONCEPTS] * weights, dim=1)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        scores = F.normalize(said * weights, dim=1) @ photos.T
    others = same & ~torch.eye(len(same), dtype=torch.bool)
    scores = (scores.float() / TEMPERATURE).masked_fill(others, -1e4)
    own = torch.arange(len(scores))
    return (F.cross_entropy(scores, own) + F.cross_entropy(scores.T, own)) / 2


def rank_descriptions(
    head: Head, features: Features, targets: Targets, said: list[list[list[int]]], rows: Tensor, seed: int
) -> Head:
    """Tune a head so that the descriptions of some photos find them; returns a new one.

    Args:
        head: the one to begin with.
        features: views of all photos.
        targets: what is said of them.
        said: the columns of each description's terms, as `described` returns them.
        rows: the photos to train on (n).
        seed: of the order.
    """
    head = copy.deepcopy(head).train().requires_grad_(True)
    groups = [
        {"params": head.terms.parameters(), "weight_decay": WEIGHT_DECAY},
        {"params": [head.offset], "weight_decay": 0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=RATE, fused=True)
    average = Averaged(head, EMA_DECAY)
    seen = torch.cat([rows, rows[targets.domains[rows] == FLICKR].repeat(FLICKR_TIMES - 1)])
    a_pass = len(seen) // BATCH
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=N_PASSES * a_pass + 1, pct_start=0.1)
    weights = _term_weights(targets)
    draw, choose = torch.Generator().manual_seed(seed), np.random.default_rng(seed)
    for n_pass in range(N_PASSES):
        sums = np.zeros(2)
        for chosen in seen[torch.randperm(len(seen), generator=draw)][: a_pass * BATCH].split(BATCH):
            view = int(torch.randint(len(features.vectors), (1,), generator=draw))
            held = torch.zeros(len(chosen), len(targets.said))
            for row, photo in zip(held, chosen.tolist(), strict=True):
                row[said[photo][choose.integers(len(said[photo]))]] = 1
            target = targets.shares[chosen].float()
            if view % 2:
                target, held = target[:, targets.mirrored], held[:, targets.mirrored]
            with torch.autocast("cpu", dtype=torch.bfloat16):
                logits = head.terms(torch.from_numpy(features.vectors[view][chosen.numpy()]).float())
            logits = logits.float()
            in_domain = logits + head.offset[targets.domains[chosen]]
            likely = F.binary_cross_entropy_with_logits(in_domain, target, reduction="sum") / len(chosen)
            ranked = rank_loss(logits + head.offset.mean(0), held, weights, chosen[:, None] == chosen)
            optimizer.zero_grad(set_to_none=True)
            (likely + RANKING * ranked).backward()
            optimizer.step()
            schedule.step()
            average.update(int(1e9))
            sums += likely.item(), ranked.item()
        log.info("ranking, seed %d, pass %d: likelihood %.2f, ranking %.3f", seed, n_pass + 1, *sums / a_pass)
    average.swap()
    return head.eval().requires_grad_(False)


def _term_weights(targets: Targets) -> Tensor:
    """Return the weight of each term in the comparison (V): its IDF, and less for a pair."""
    idf = 1 - torch.log((targets.shares > 0).float().mean(0) + IDF_FLOOR)
    return idf * torch.tensor([PAIR if is_pair(term) else 1.0 for term in targets.said])
