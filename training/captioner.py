"""Teach the captioner's decoder the human sentences (cross-entropy) on views that the encoder saw once.

Beside the regions the decoder reads the probabilities of the commonest terms, as heads predict them that have not seen
the photo; otherwise it would trust them more than it may later.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from photosearch.evaluation.metrics import bleu, cider_d
from photosearch.vision.captioner import beam
from photosearch.vision.captioner.decoder import Sizes
from photosearch.vision.captioner.network import Decoder, LstmState, Memory
from photosearch.vision.captioner.torch_writer import TorchWriter, TorchWriting
from photosearch.vision.captioner.vocabulary import END, PAD, START, Vocabulary, tokens
from photosearch.words.analyzer import stems
from training.data import Split, mirror_columns, mirrored
from training.encoder import Averaged, rate_at

log = logging.getLogger(__name__)

SEED = 0
MIN_COUNT = 4
N_TERMS = 1200  # that the decoder reads
MAX_WORDS = 20
PHOTOS_A_BATCH = 96  # with all sentences of each
N_PASSES = 5
RATE, WARM_UP = 2e-3, 0.08
DROPOUT = 0.4
EMA_DECAY = 0.998
LABEL_SMOOTHING = 0.1
DOUBLY_STOCHASTIC = 0.3
WEIGHT_DECAY = 0.02
SAVED_EVERY_S = 240
TOLD_EVERY = 40


@dataclass(frozen=True)
class Seen:
    """Photos as the decoder sees them."""

    regions: list[np.ndarray]  # views, each float16 (N, R, E); a view of odd number is mirrored
    probs: Tensor  # float16 (N, C), of the plain photo


@dataclass(frozen=True)
class _Batch:
    regions: Tensor  # float32 (B, R, E)
    probs: Tensor  # float32 (B, C)
    sentences: Tensor  # int64 (S, T), the longest first
    owners: Tensor  # int64 (S), the photo of each


def common_terms(captions: list[list[str]], vocabulary: list[str]) -> list[str]:
    """Return the `N_TERMS` terms that most descriptions hold, sorted."""
    held = Counter(term for texts in captions for text in texts for term in set(stems(text)))
    return sorted(sorted(vocabulary, key=lambda term: (-held[term], term))[:N_TERMS])


def likelihood_loss(decoder: Decoder, batch: _Batch) -> Tensor:
    """Cross-entropy of human sentences with the doubly stochastic term (equation 14) of the encoder's regions.

    Sentences that have ended are left out of the steps that follow.
    """
    words, target = batch.sentences[:, :-1], batch.sentences[:, 1:]
    embeddings, hidden, contexts, attention = [], [], [], []
    with torch.autocast("cpu", dtype=torch.bfloat16):
        memory, state = decoder.begin(batch.regions, batch.probs)
        memory, state = Memory(memory.regions[batch.owners], memory.keys[batch.owners]), state.pick(batch.owners)
        embedded = decoder.dropout(decoder.embedding(words))
        for t, n in enumerate((target != PAD).sum(0).tolist()):
            memory = Memory(memory.regions[:n], memory.keys[:n])
            state = LstmState(state.hidden[:n], state.cell[:n])
            state, context, weights = decoder.step(memory, state, embedded[:n, t])
            embeddings.append(embedded[:n, t])
            hidden.append(state.hidden)
            contexts.append(context)
            attention.append(F.pad(weights, (0, 0, 0, len(words) - n)))
        logits = decoder.logits(torch.cat(embeddings), torch.cat(hidden), torch.cat(contexts))
    said = target.T[(target != PAD).T]  # step by step, as the logits are
    loss = F.cross_entropy(logits.float(), said, label_smoothing=LABEL_SMOOTHING)
    looked = torch.stack(attention).sum(0)[:, : batch.regions.shape[1]]  # (S, R)
    return loss + DOUBLY_STOCHASTIC * ((1 - looked) ** 2).mean()


def write_captions(
    decoder: Decoder, regions: np.ndarray, probs: Tensor, vocabulary: Vocabulary, decoding: beam.Decoding
) -> list[list[str]]:
    """Return the best sentence for each photo's regions (N, R, E) and probabilities (N, C)."""
    decoder.eval()
    writer, found = TorchWriter(decoder), []
    for first in range(0, len(regions), 64):
        some = torch.from_numpy(np.asarray(regions[first : first + 64])).float()
        with torch.inference_mode():
            begun = TorchWriting.begin(decoder.begin(some, probs[first : first + 64].float()))
        found += [vocabulary.decode(sentences[0].words) for sentences in beam.search(writer, begun, decoding)]
    return found


def report(name: str, captions: list[list[str]], references: list[list[list[str]]]) -> None:
    log.info(
        "%s: BLEU-4 %.4f CIDEr-D %.4f, %d different sentences, %.1f words, %d different words",
        name,
        bleu(captions, references)[3],
        cider_d(captions, references),
        len({tuple(c) for c in captions}),
        sum(map(len, captions)) / len(captions),
        len({word for c in captions for word in c}),
    )


def train_decoder(
    train: Split,
    seen: Seen,
    measured: dict[str, tuple[Split, Seen]],
    vocabulary: Vocabulary,
    read: list[str],
    checkpoint: Path,
) -> Decoder:
    """Teach a new decoder the human sentences; returns its averaged weights.

    Args:
        train: the photos to learn from, with their sentences.
        seen: them as the decoder sees them.
        measured: the same of other photos, which are written about after each pass.
        vocabulary: the words to write.
        read: the terms whose probabilities are given.
        checkpoint: a run goes on from it where it exists; it is rewritten every few minutes.
    """
    torch.manual_seed(SEED)
    decoder = Decoder(Sizes(len(vocabulary), terms=len(read)), dropout=DROPOUT)
    average = Averaged(decoder, EMA_DECAY)
    optimizer = torch.optim.AdamW(decoder.parameters(), lr=RATE, weight_decay=WEIGHT_DECAY, fused=True)
    a_pass = -(-len(train) // PHOTOS_A_BATCH)
    step, n_steps = 0, N_PASSES * a_pass
    if checkpoint.exists():
        saved = torch.load(checkpoint, weights_only=True)
        decoder.load_state_dict(saved["decoder"])
        optimizer.load_state_dict(saved["optimizer"])
        average.values, step = saved["average"], saved["step"]
    saved_at, total = time.time(), 0.0
    while step < n_steps:
        for batch in _ahead(batches(train, seen, vocabulary, read, step)):
            decoder.train()
            optimizer.param_groups[0]["lr"] = RATE * rate_at(step / n_steps, WARM_UP)
            loss = likelihood_loss(decoder, batch)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(decoder.parameters(), 1.0)
            optimizer.step()
            step += 1
            average.update(step)
            total += loss.item()
            if step % TOLD_EVERY == 0:
                log.info("decoder step %d/%d: loss %.3f", step, n_steps, total / TOLD_EVERY)
                total = 0.0
            if time.time() - saved_at > SAVED_EVERY_S or step == n_steps:
                _save(checkpoint, decoder, optimizer, average, step)
                saved_at = time.time()
            if step == n_steps:
                break
        average.swap()
        for name, (split, theirs) in measured.items():
            captions = write_captions(decoder, theirs.regions[0], theirs.probs, vocabulary, beam.Decoding())
            report(name, captions, [[tokens(text) for text in texts] for texts in split.captions])
        average.swap()
    average.swap()
    return decoder.eval().requires_grad_(False)


def _save(path: Path, decoder: Decoder, optimizer: torch.optim.Optimizer, average: Averaged, step: int) -> None:
    state = {"decoder": decoder.state_dict(), "optimizer": optimizer.state_dict()}
    torch.save(state | {"average": average.values, "step": step}, path.with_suffix(".part"))
    path.with_suffix(".part").replace(path)


def batches(train: Split, seen: Seen, vocabulary: Vocabulary, read: list[str], seed: int) -> Iterator[_Batch]:
    """One pass over the photos in random order, a random view of each.

    A view of odd number is mirrored, and so are *left* and *right* in its sentences and among its terms.
    """
    draw, turned = torch.Generator().manual_seed(seed), mirror_columns(read)
    for rows in torch.randperm(len(train), generator=draw).split(PHOTOS_A_BATCH):
        views = torch.randint(len(seen.regions), (len(rows),), generator=draw)
        both = list(zip(views.tolist(), rows.tolist(), strict=True))
        probs = seen.probs[rows].float()
        probs = torch.where((views % 2 == 1)[:, None], probs[:, turned], probs)
        said = [
            (owner, mirrored(tokens(text)) if view % 2 else tokens(text))
            for owner, (view, row) in enumerate(both)
            for text in train.captions[row]
        ]
        said.sort(key=lambda one: -min(len(one[1]), MAX_WORDS))
        numbers = [torch.tensor([START, *vocabulary.encode(words[:MAX_WORDS]), END]) for _, words in said]
        yield _Batch(
            torch.from_numpy(np.stack([seen.regions[view][row] for view, row in both])).float(),
            probs,
            nn.utils.rnn.pad_sequence(numbers, batch_first=True, padding_value=PAD),
            torch.tensor([owner for owner, _ in said]),
        )


def _ahead(made: Iterator[_Batch]) -> Iterator[_Batch]:
    """Yield the same batches, read from the disk while earlier ones are learned from."""
    waiting: queue.Queue[_Batch | None] = queue.Queue(3)

    def work() -> None:
        for batch in made:
            waiting.put(batch)
        waiting.put(None)

    threading.Thread(target=work, daemon=True).start()
    while (batch := waiting.get()) is not None:
        yield batch
