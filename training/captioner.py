"""Teach the captioner's decoder the human sentences (cross-entropy) on views that the encoder saw once."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from photosearch.evaluation.metrics import bleu, cider_d
from photosearch.files import write_whole
from photosearch.vision.captioner import beam
from photosearch.vision.captioner.network import Decoder, Sizes
from photosearch.vision.captioner.vocabulary import END, PAD, START, Vocabulary, tokens
from training.data import Split, mirrored

log = logging.getLogger(__name__)

SEED = 0
MIN_COUNT = 4
MAX_WORDS = 20
PHOTOS_A_BATCH = 32  # with all five sentences of each
N_PASSES = 8
RATE = 2e-3
DROPOUT = 0.45
EMA_DECAY = 0.998
LABEL_SMOOTHING = 0.1
DOUBLY_STOCHASTIC = 0.3
WEIGHT_DECAY = 0.02


def sentence_batch(sentences: list[list[str]], vocabulary: Vocabulary) -> Tensor:
    """Token lists to padded word numbers with start and end: int64 (B, T)."""
    rows = [[START, *vocabulary.encode(words[:MAX_WORDS]), END] for words in sentences]
    return nn.utils.rnn.pad_sequence([torch.tensor(row) for row in rows], batch_first=True, padding_value=PAD)


def likelihood_loss(decoder: Decoder, regions: Tensor, batch: Tensor) -> Tensor:
    """Cross-entropy of human sentences (B, T), five a photo, with the doubly stochastic term (equation 14)."""
    with torch.autocast("cpu", dtype=torch.bfloat16):
        memory, state = decoder.begin(regions)
        n = len(batch) // len(regions)
        rows = torch.arange(len(regions)).repeat_interleave(n)
        logits, attention = decoder(memory.repeat(n), state.pick(rows), batch[:, :-1])
    target = batch[:, 1:]
    loss = F.cross_entropy(
        logits.float().flatten(0, 1), target.flatten(), ignore_index=PAD, label_smoothing=LABEL_SMOOTHING
    )
    seen = (attention * (target != PAD)[:, :, None]).sum(1)  # (B, R)
    return loss + DOUBLY_STOCHASTIC * ((1 - seen) ** 2).mean()


def write_captions(
    decoder: Decoder, features: np.ndarray, vocabulary: Vocabulary, decoding: beam.Decoding
) -> list[list[str]]:
    """The best sentence for each photo's features (N, R, E)."""
    decoder.eval()
    found = []
    for first in range(0, len(features), 64):
        regions = torch.from_numpy(np.asarray(features[first : first + 64])).float()
        found += [vocabulary.decode(sentences[0].words) for sentences in beam.search(decoder, regions, decoding)]
    return found


def report(name: str, captions: list[list[str]], references: list[list[list[str]]]) -> None:
    scores = bleu(captions, references)
    log.info(
        "%s: dev BLEU-4 %.4f CIDEr-D %.4f, %d different sentences, %.1f words",
        name,
        scores[3],
        cider_d(captions, references),
        len({tuple(c) for c in captions}),
        sum(map(len, captions)) / len(captions),
    )


def train_decoder(
    train: Split, regions: np.ndarray, dev: Split, dev_features: np.ndarray, vocabulary: Vocabulary, checkpoint: Path
) -> Decoder:
    """Teach a new decoder the human sentences, going on from `checkpoint`; returns its averaged weights."""
    torch.manual_seed(SEED)
    decoder = Decoder(Sizes(len(vocabulary)), dropout=DROPOUT)
    average = AveragedModel(decoder, multi_avg_fn=get_ema_multi_avg_fn(EMA_DECAY))
    averaged = cast("Decoder", average.module)
    optimizer = torch.optim.AdamW(decoder.parameters(), lr=RATE, weight_decay=WEIGHT_DECAY)
    n_steps = -(-len(train) // PHOTOS_A_BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=N_PASSES * n_steps, pct_start=0.15)
    parts: dict[str, Any] = {"decoder": decoder, "average": average, "optimizer": optimizer, "schedule": schedule}
    first = 0
    if checkpoint.exists():
        saved = torch.load(checkpoint, weights_only=True)
        for name, part in parts.items():
            part.load_state_dict(saved[name])
        first = saved["passes"]
    references = [[tokens(text) for text in texts] for texts in dev.captions]
    for n_pass in range(first, N_PASSES):
        started, total = time.time(), 0.0
        decoder.train()
        for step, (seen, batch) in enumerate(batches(train, regions, vocabulary, n_pass)):
            loss = likelihood_loss(decoder, seen, batch)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(decoder.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            average.update_parameters(decoder)
            total += loss.item()
            if step % 40 == 0:
                log.info("decoder pass %d step %d/%d: loss %.3f", n_pass + 1, step, n_steps, total / (step + 1))
        log.info("decoder pass %d: loss %.3f, %.0f s", n_pass + 1, total / n_steps, time.time() - started)
        captions = write_captions(averaged, dev_features, vocabulary, beam.Decoding())
        report(f"decoder pass {n_pass + 1}", captions, references)
        state = {name: part.state_dict() for name, part in parts.items()}
        with write_whole(checkpoint) as part:
            torch.save(state | {"passes": n_pass + 1}, part)
    return averaged


def batches(train: Split, regions: np.ndarray, vocabulary: Vocabulary, n_pass: int) -> Iterator[tuple[Tensor, Tensor]]:
    """One pass over the photos in random order, a random view of each: regions (B, R, E), sentences (5 B, T).

    A view of odd number is mirrored, and so are *left* and *right* in its sentences.
    """
    draw = torch.Generator().manual_seed(n_pass)
    for rows in torch.randperm(len(train), generator=draw).split(PHOTOS_A_BATCH):
        views = torch.randint(len(regions), (len(rows),), generator=draw)
        chosen = list(zip(views.tolist(), rows.tolist(), strict=True))
        seen = torch.from_numpy(np.stack([regions[view, row] for view, row in chosen])).float()
        texts = [(tokens(text), view % 2) for view, row in chosen for text in train.captions[row]]
        yield seen, sentence_batch([mirrored(words) if flip else words for words, flip in texts], vocabulary)
