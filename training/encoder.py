"""Stage 1: tune the ImageNet encoder on what people say of photos, and on what else is known of them.

The encoder learns to predict, for each search term, the share of a photo's descriptions that hold it (binary
cross-entropy), which COCO classes people marked, and ImageNet's labels as the untuned network tells them (distilled),
so that it does not unlearn what few descriptions name. The two collections say things in their own way: each has a bias
a term. The early stages stay as they are: they cost most of the time and change least. Batch norm keeps its ImageNet
statistics.
"""

from __future__ import annotations

import logging
import math
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from photosearch.vision.captioner.decoder import ENCODER_WIDTH
from photosearch.words.analyzer import pairs, stems
from training.data import N_DOMAINS, Split, chunks, coloured, compressed, crop, mirror_columns, sampled
from training.efficientnet import Classifier, Encoder, imagenet_classifier, to_pixels

log = logging.getLogger(__name__)

FROZEN_STAGES = 3
FLICKR_TIMES = 2.5  # a photo of Flickr8k, with its five descriptions, is seen so often a pass
BATCH = 32
WARM_UP = 0.12
WEIGHT_DECAY = 0.02
EMA_DECAY = 0.998
MIN_DESCRIPTIONS = 5  # that hold a term
HIDDEN = 1536
LEAST_CROP, STRETCH, COLOUR = 0.4, 4 / 3, 0.3
DISTILLED, DISTILLING = 16, 3.0  # photos a batch that the untuned network looks at, too; the weight of their loss
SAVED_EVERY_S = 240
TOLD_EVERY = 50


@dataclass(frozen=True)
class Cycle:
    """One cycle of the learning rate, from the averaged weights of the one before."""

    n_passes: float
    sides_px: tuple[int, ...]  # of the crops, one after the other; each for an equal part of the cycle
    body_rate: float
    head_rate: float
    compressed: bool  # photos are compressed at random


CYCLES = (Cycle(3.4, (192, 224), 2e-4, 1e-3, compressed=False),)  # what a second one brought: training/README.md


class TermHead(nn.Module):
    """Pooled region vectors to one logit a search term."""

    def __init__(self, n_terms: int, hidden: int = HIDDEN) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Dropout(0.3),
            nn.Linear(2 * ENCODER_WIDTH, hidden),
            nn.ReLU(),
            nn.Dropout(0.4),
            nn.Linear(hidden, n_terms),
        )

    def forward(self, vectors: Tensor) -> Tensor:
        """Map the regions' mean and maximum (B, 2 E) to logits (B, n_terms)."""
        logits: Tensor = self.layers(vectors)
        return logits


class Tuned(nn.Module):
    """The encoder with all that it is tuned by."""

    def __init__(self, start: Encoder, classes: nn.Linear, n_terms: int, n_objects: int) -> None:
        super().__init__()
        self.body = start
        self.head = TermHead(n_terms)
        self.offset = nn.Parameter(torch.zeros(N_DOMAINS, n_terms))
        self.objects = nn.Linear(2 * ENCODER_WIDTH, n_objects)
        self.classes = classes  # ImageNet's

    def early(self, pixels: Tensor) -> Tensor:
        """Run the stages that are not tuned: pixels (B, 3, h, w) to a grid (B, C, h / 8, w / 8)."""
        grid: Tensor = self.body.stages[:FROZEN_STAGES](self.body.stem(pixels))
        return grid

    def forward(self, grid: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Map what `early` returned to logits of terms (B, V), without a domain's offset, of objects and of classes."""
        vectors = pooled(late(self.body, grid))
        return self.head(vectors), self.objects(vectors), self.classes(vectors[:, :ENCODER_WIDTH])


def untuned(train: Split, vocabulary: list[str]) -> Tuned:
    """Return the published network with new heads; each term is at first predicted as often as it is said."""
    published, usual = imagenet_classifier(), domain_logits(term_shares(train.captions, vocabulary), train.domains)
    model = Tuned(published.encoder, published.classes, len(vocabulary), marked(train)[0].shape[1])
    model = model.to(memory_format=torch.channels_last)
    model.body.stem.requires_grad_(False)
    model.body.stages[:FROZEN_STAGES].requires_grad_(False)
    model.head.layers[-1].bias.data = usual.mean(0)
    model.offset.data = usual - usual.mean(0)
    return model


def late(body: Encoder, grid: Tensor) -> Tensor:
    """Run the tuned stages: a grid (B, C, h / 8, w / 8) to regions (B, R, E)."""
    regions: Tensor = body.head(body.stages[FROZEN_STAGES:](grid)).flatten(2).transpose(1, 2)
    return regions


def pooled(regions: Tensor) -> Tensor:
    """Regions (B, R, E) to their mean and maximum (B, 2 E)."""
    return torch.cat([regions.mean(1), regions.amax(1)], dim=1)


# Targets


def term_shares(captions: list[list[str]], vocabulary: list[str]) -> Tensor:
    """Return the share of each photo's captions that hold each term, or pair of terms: float16 (N, n_terms)."""
    column = {term: i for i, term in enumerate(vocabulary)}
    shares = np.zeros((len(captions), len(vocabulary)), np.float16)
    for row, texts in enumerate(captions):
        held: Counter[int] = Counter()
        for text in texts:
            found = stems(text)
            held.update(column[term] for term in {*found, *pairs(found)} if term in column)
        shares[row, list(held)] = np.array(list(held.values())) / len(texts)
    return torch.from_numpy(shares)


def term_vocabulary(captions: list[list[str]]) -> list[str]:
    """Return the terms that at least `MIN_DESCRIPTIONS` descriptions hold, sorted."""
    held = Counter(term for texts in captions for text in texts for term in set(stems(text)))
    return sorted(term for term, n in held.items() if n >= MIN_DESCRIPTIONS)


def marked(split: Split) -> tuple[Tensor, Tensor]:
    """Which of the COCO classes people marked (N, n), and on which photos they looked (N): float32."""
    classes = sorted({name for names in split.objects for name in names or ()})
    on = torch.tensor([[float(name in (names or ())) for name in classes] for names in split.objects])
    return on, torch.tensor([float(names is not None) for names in split.objects])


def domain_logits(shares: Tensor, domains: Tensor) -> Tensor:
    """How usual each term is in each domain, as logits (D, V)."""
    rates = torch.stack([shares[domains == domain].float().mean(0) for domain in range(N_DOMAINS)])
    return torch.logit(rates.clamp(min=1e-5))


@torch.inference_mode()
def recall_at_10(probs: Tensor, vocabulary: list[str], captions: list[list[str]]) -> float:
    """Share of captions, as TF-IDF queries, that rank their own photo among the first ten by predicted terms."""
    idf = 1 + torch.log((1 + len(probs)) / (1 + probs.sum(0)))
    documents = F.normalize(probs.sqrt() * idf, dim=1)
    held = torch.cat([(term_shares([[text] for text in texts], vocabulary) > 0).float() for texts in captions])
    scores = F.normalize(held * idf, dim=1) @ documents.T
    owners = torch.tensor([photo for photo, texts in enumerate(captions) for _ in texts])
    own = scores.gather(1, owners[:, None])
    return ((scores > own).sum(1) < 10).float().mean().item()


# Training


@dataclass
class Averaged:
    """The moving average of a module's trained parameters, faster at first."""

    module: nn.Module
    decay: float

    def __post_init__(self) -> None:
        self._live: list[Tensor] = [p for p in self.module.parameters() if p.requires_grad]
        self.values = [p.detach().clone() for p in self._live]

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the parameters after a step."""
        torch._foreach_lerp_(self.values, self._live, 1 - min(self.decay, (1 + step) / (10 + step)))

    @torch.no_grad()
    def swap(self) -> None:
        """Exchange the parameters and their average."""
        for value, live in zip(self.values, self._live, strict=True):
            kept = live.detach().clone()
            live.copy_(value)
            value.copy_(kept)


def rate_at(progress: float, warm_up: float) -> float:
    """Return the learning rate as a share of its largest: up in a line, down in half a cosine."""
    if progress < warm_up:
        return progress / warm_up
    return max(0.5 * (1 + math.cos(math.pi * (progress - warm_up) / (1 - warm_up))), 1e-3)


class _Training:
    """The state of a cycle, and its checkpoint."""

    def __init__(self, model: Tuned, train: Split, vocabulary: list[str], cycle: Cycle, checkpoint: Path) -> None:
        self.model, self.train, self.cycle, self.checkpoint = model, train, cycle, checkpoint
        self.shares = term_shares(train.captions, vocabulary)
        self.mirrored = mirror_columns(vocabulary)
        self.objects, self.looked = marked(train)
        self.teacher = imagenet_classifier().eval().requires_grad_(False).to(memory_format=torch.channels_last)
        body = [*self.model.body.parameters(), *self.model.classes.parameters()]
        body = [p for p in body if p.requires_grad]
        others = [*self.model.head.parameters(), self.model.offset, *self.model.objects.parameters()]
        self.optimizer = torch.optim.AdamW(
            [{"params": body, "lr": cycle.body_rate}, {"params": others, "lr": cycle.head_rate}],
            weight_decay=WEIGHT_DECAY,
            fused=True,
        )
        self.average = Averaged(self.model, EMA_DECAY)
        self.step = 0
        if checkpoint.exists():
            saved = torch.load(checkpoint, weights_only=True)
            self.model.load_state_dict(saved["model"])
            self.optimizer.load_state_dict(saved["optimizer"])
            self.average.values, self.step = saved["average"], saved["step"]

    def save(self) -> None:
        state = {"model": self.model.state_dict(), "optimizer": self.optimizer.state_dict()}
        part = self.checkpoint.with_suffix(".part")
        torch.save(state | {"average": self.average.values, "step": self.step}, part)
        part.replace(self.checkpoint)

    def learn(self, rows: Tensor, progress: float, draw: torch.Generator) -> list[float]:
        """One step on some photos; returns the losses of terms, objects and classes."""
        self.model.train()
        self.model.body.eval()  # batch norm's statistics stay
        rates = (self.cycle.body_rate, self.cycle.head_rate)
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            group["lr"] = rate * rate_at(progress, WARM_UP)
        flip = torch.rand(len(rows), generator=draw) < 0.5
        whole = (self.train.photos[row] for row in rows.tolist())
        seen = (compressed(photo, draw) for photo in whole) if self.cycle.compressed else whole
        side = self.cycle.sides_px[min(int(progress * len(self.cycle.sides_px)), len(self.cycle.sides_px) - 1)]
        photos = torch.stack([crop(photo, LEAST_CROP, STRETCH, draw, side) for photo in seen])
        photos[flip] = photos[flip].flip(-1)
        target = self.shares[rows].float()
        target = torch.where(flip[:, None], target[:, self.mirrored], target)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            with torch.no_grad():
                grid = self.model.early(coloured(photos, COLOUR, draw))
                wanted = imagenet_logits(self.teacher, grid[:DISTILLED]).float().softmax(1)
            terms_, objects, classes = (found.float() for found in self.model(grid))
        cross_entropy = F.binary_cross_entropy_with_logits
        said = cross_entropy(terms_ + self.model.offset[self.train.domains[rows]], target, reduction="sum") / len(rows)
        on = cross_entropy(objects, self.objects[rows], reduction="none").sum(1) @ self.looked[rows] / len(rows)
        kept = F.kl_div(classes[:DISTILLED].log_softmax(1), wanted, reduction="batchmean")
        self.optimizer.zero_grad(set_to_none=True)
        (said + on + DISTILLING * kept).backward()
        self.optimizer.step()
        self.step += 1
        self.average.update(self.step)
        return [said.item(), on.item(), kept.item()]


def imagenet_logits(teacher: Classifier, grid: Tensor) -> Tensor:
    """Return the untuned network's logits (B, 1000) from the grid that both networks share."""
    logits: Tensor = teacher.classes(late(teacher.encoder, grid).mean(1))
    return logits


@torch.inference_mode()
def report(model: Tuned, teacher: Classifier, name: str, split: Split, vocabulary: list[str]) -> None:
    """Log R@10 by predicted terms, and how often the label is the untuned network's."""
    model.eval()
    logits, same = [], 0
    for rows in chunks(len(split), BATCH):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            grid = model.early(to_pixels(torch.from_numpy(split.photos[rows]).permute(0, 3, 1, 2)))
            found, _, classes = model(grid)
            same += int((classes.argmax(1) == imagenet_logits(teacher, grid).argmax(1)).sum())
        logits.append(found.float())
    probs = torch.cat(logits).sigmoid()
    recall = recall_at_10(probs, vocabulary, split.captions)
    log.info("%s: R@10 %.3f, same label %.3f", name, recall, same / len(split))


def tune_encoder(
    train: Split, measured: dict[str, Split], vocabulary: list[str], work: Path
) -> tuple[Encoder, nn.Linear]:
    """Tune ImageNet's encoder; returns the averaged weights, and the layer of ImageNet's classes on top of it.

    A run goes on from the checkpoints in `work`, a file a cycle, which are rewritten every few minutes.
    """
    torch.manual_seed(0)
    model = untuned(train, vocabulary)
    for number, cycle in enumerate(CYCLES, 1):
        run = _Training(model, train, vocabulary, cycle, work / f"encoder-{number}.pt")
        _run_cycle(run, measured, vocabulary)
        run.average.swap()
    model.eval().requires_grad_(False)
    return model.body, model.classes


def _run_cycle(run: _Training, measured: dict[str, Split], vocabulary: list[str]) -> None:
    a_pass = len(sampled(run.train, FLICKR_TIMES, torch.Generator())) // BATCH
    n_steps = round(run.cycle.n_passes * a_pass)
    saved, sums = time.time(), np.zeros(3)
    while run.step < n_steps:
        draw = torch.Generator().manual_seed(run.step)
        for rows in sampled(run.train, FLICKR_TIMES, draw)[: a_pass * BATCH].split(BATCH):
            sums += run.learn(rows, run.step / n_steps, draw)
            if run.step % TOLD_EVERY == 0:
                told = ", ".join(f"{loss:.3f}" for loss in sums / TOLD_EVERY)
                log.info("encoder step %d/%d: terms, objects, classes %s", run.step, n_steps, told)
                sums[:] = 0
            if time.time() - saved > SAVED_EVERY_S or run.step == n_steps:
                run.save()
                saved = time.time()
            if run.step % a_pass == 0 or run.step == n_steps:
                run.average.swap()
                for name, split in measured.items():
                    report(run.model, run.teacher, name, split, vocabulary)
                run.average.swap()
            if run.step == n_steps:
                break
