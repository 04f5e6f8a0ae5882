"""Stage 1: tune the ImageNet encoder on what people say of photos.

The encoder learns to predict, for each search term, the share of a photo's descriptions that hold
it (binary cross-entropy). Features tuned so serve the captioner better than ImageNet's own.
The early stages stay as they are: they cost most of the time and change least. Batch norm keeps
its ImageNet statistics.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from photosearch.analyzer import pairs, terms
from photosearch.files import write_whole
from photosearch.vision.captioner.network import ENCODER_WIDTH
from training.data import Split, augmenter, mirrored
from training.efficientnet import Encoder, to_pixels

log = logging.getLogger(__name__)

FROZEN_STAGES = 3
FIRST_PASSES, THEN_PASSES = 6, 8  # two cycles of the learning rate; the second begins with a new head
BATCH = 32
BODY_RATE, HEAD_RATE = 1.5e-4, 1e-3
WEIGHT_DECAY = 0.02
EMA_DECAY = 0.998
MIN_PHOTOS_A_TERM = 5
HIDDEN = 1024


class TermHead(nn.Module):
    """Region vectors to one logit a search term."""

    def __init__(self, n_terms: int, hidden: int = HIDDEN) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Dropout(0.3),
            nn.Linear(2 * ENCODER_WIDTH, hidden),
            nn.ReLU(),
            nn.Dropout(0.4),
            nn.Linear(hidden, n_terms),
        )

    def forward(self, regions: Tensor) -> Tensor:
        """Regions (B, R, E) to logits (B, n_terms)."""
        return self.layers(torch.cat([regions.mean(1), regions.amax(1)], dim=1))


def term_shares(captions: list[list[str]], vocabulary: list[str]) -> Tensor:
    """The share of each photo's captions that hold each term, or pair of terms: float32 (N, n_terms)."""
    column = {term: i for i, term in enumerate(vocabulary)}
    shares = torch.zeros(len(captions), len(vocabulary))
    for row, texts in enumerate(captions):
        for text in texts:
            found = terms(text)
            for term in {*found, *pairs(found)} & column.keys():
                shares[row, column[term]] += 1 / len(texts)
    return shares


def term_vocabulary(captions: list[list[str]]) -> list[str]:
    """The terms that describe at least `MIN_PHOTOS_A_TERM` photos, sorted."""
    n_photos = Counter(term for texts in captions for term in {t for text in texts for t in terms(text)})
    return sorted(term for term, n in n_photos.items() if n >= MIN_PHOTOS_A_TERM)


@torch.inference_mode()
def encode(encoder: Encoder, photos: Tensor) -> Tensor:
    """Encode uint8 photos in batches: float16 (N, R, E). In bfloat16: half the time, and far finer than the crops."""
    encoder.eval()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = [encoder(to_pixels(chunk)) for chunk in photos.split(BATCH)]
    return torch.cat(found).half()


def recall_at_10(probs: Tensor, shares: Tensor, vocabulary: list[str], captions: list[list[str]]) -> float:
    """Share of captions, as TF-IDF queries, that rank their own photo among the first ten by predicted terms."""
    idf = 1 + torch.log((1 + len(shares)) / (1 + probs.sum(0)))
    documents = F.normalize(probs.sqrt() * idf, dim=1)
    queries = F.normalize(
        torch.cat([(term_shares([[text] for text in texts], vocabulary) > 0).float() for texts in captions]) * idf,
        dim=1,
    )
    scores = queries @ documents.T
    own = scores.gather(1, torch.arange(len(captions)).repeat_interleave(len(captions[0]))[:, None])
    return ((scores > own).sum(1) < 10).float().mean().item()


@dataclass(frozen=True)
class Tuned:
    """The averaged weights of a tuned encoder, with the head that was learned on it."""

    encoder: Encoder
    head: TermHead
    terms: list[str]  # in the order of the head's outputs


def tune_encoder(train: Split, dev: Split, encoder: Encoder, n_passes: int, checkpoint: Path) -> Tuned:
    """Tune `encoder` with a new head, going on from `checkpoint` where it exists; it is rewritten after each pass."""
    torch.manual_seed(0)
    vocabulary = term_vocabulary(train.captions)
    shares = term_shares(train.captions, vocabulary)
    mirror_shares = term_shares(
        [[" ".join(mirrored(t.lower().split())) for t in ts] for ts in train.captions], vocabulary
    )
    dev_shares = term_shares(dev.captions, vocabulary)
    encoder = encoder.to(memory_format=torch.channels_last)
    encoder.stem.requires_grad_(False)
    encoder.stages[:FROZEN_STAGES].requires_grad_(False)
    head = TermHead(len(vocabulary))
    rate = shares.mean(0).clamp(min=1e-5)
    head.layers[-1].bias.data = torch.log(rate / (1 - rate))
    model = nn.ModuleDict({"encoder": encoder, "head": head})
    average = torch.optim.swa_utils.AveragedModel(
        model, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(EMA_DECAY)
    )
    averaged = cast("nn.ModuleDict", average.module)
    optimizer = torch.optim.AdamW(
        [
            {"params": [p for p in encoder.parameters() if p.requires_grad], "lr": BODY_RATE},
            {"params": head.parameters(), "lr": HEAD_RATE},
        ],
        weight_decay=WEIGHT_DECAY,
    )
    n_steps = -(-len(train) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, [BODY_RATE, HEAD_RATE], total_steps=n_passes * n_steps, pct_start=0.2
    )
    first = 0
    parts: dict[str, Any] = {"model": model, "average": average, "optimizer": optimizer, "schedule": schedule}
    if checkpoint.exists():
        saved = torch.load(checkpoint, weights_only=True)
        for name, part in parts.items():
            part.load_state_dict(saved[name])
        first = saved["passes"]
    view = augmenter()
    for n_pass in range(first, n_passes):
        started, total = time.time(), 0.0
        encoder.eval()  # batch norm's statistics stay
        head.train()
        order = torch.randperm(len(train), generator=torch.Generator().manual_seed(n_pass))
        for step, rows in enumerate(order.split(BATCH)):
            flip = torch.rand(len(rows)) < 0.5
            photos = torch.stack([view(train.photos[row]) for row in rows])
            photos[flip] = photos[flip].flip(-1)
            target = torch.where(flip[:, None], mirror_shares[rows], shares[rows])
            with torch.no_grad():
                early = encoder.stages[:FROZEN_STAGES](encoder.stem(to_pixels(photos)))
            grid = encoder.head(encoder.stages[FROZEN_STAGES:](early))
            loss = F.binary_cross_entropy_with_logits(
                head(grid.flatten(2).transpose(1, 2)), target, reduction="sum"
            ) / len(rows)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            average.update_parameters(model)
            total += loss.item()
            if step % 20 == 0:
                log.info("encoder pass %d step %d/%d loss %.3f", n_pass + 1, step, n_steps, total / (step + 1))
        averaged.eval()
        with torch.inference_mode():
            logits = averaged["head"](encode(cast("Encoder", averaged["encoder"]), dev.photos).float())
        dev_loss = F.binary_cross_entropy_with_logits(logits, dev_shares, reduction="sum").item() / len(dev)
        recall = recall_at_10(logits.sigmoid(), dev_shares, vocabulary, dev.captions)
        log.info(
            "encoder pass %d: train %.3f dev %.3f R@10 %.3f, %.0f s",
            n_pass + 1,
            total / n_steps,
            dev_loss,
            recall,
            time.time() - started,
        )
        saved = {name: part.state_dict() for name, part in parts.items()} | {
            "passes": n_pass + 1,
            "vocabulary": vocabulary,
        }
        with write_whole(checkpoint) as part:
            torch.save(saved, part)
    averaged.eval().requires_grad_(False)
    return Tuned(cast("Encoder", averaged["encoder"]), cast("TermHead", averaged["head"]), vocabulary)
