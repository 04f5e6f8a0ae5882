"""Train the captioner: `python -m training.captioner`. The recipe, its reasons and its results: training/README.md.

1. Tune the encoder on search terms (`training.encoder`).
2. Encode several views of each photo once.
3. Teach the decoder the human sentences (cross-entropy).
4. Reward sentences that agree with the human ones (self-critical training on CIDEr-D).
5. Write `models/captioner`, measure it as it ships and write its card (`training.card`).

Each stage keeps a checkpoint under --work and goes on from it.
"""

from __future__ import annotations

import argparse
import logging
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import platformdirs
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from photosearch.captioner import beam
from photosearch.captioner.checkpoint import save_checkpoint
from photosearch.captioner.network import ENCODER_WIDTH, Decoder, Encoder, Sizes
from photosearch.captioner.vocabulary import END, PAD, START, Vocabulary, tokens
from photosearch.evaluation import CiderD, bleu, cider_d
from training.card import write_card
from training.data import DEFAULT_DATA, Split, augmenter, load_split, mirrored
from training.encoder import encode, tune_encoder

log = logging.getLogger("training.captioner")

SEED = 0
MIN_COUNT = 4
N_VIEWS = 4  # the photo, its mirror image, and two random crops, one of them mirrored
MAX_WORDS = 20
PHOTOS_A_BATCH = 32  # with all five sentences of each
N_REGIONS = 49


@dataclass(frozen=True)
class Phase:
    """One way of training the decoder."""

    name: str
    n_passes: int
    rate: float
    dropout: float
    ema: float = 0.998


LIKELIHOOD = Phase("likelihood", n_passes=7, rate=2e-3, dropout=0.45)
REWARD = Phase("reward", n_passes=3, rate=2e-4, dropout=0.1, ema=0.995)
LABEL_SMOOTHING = 0.1
DOUBLY_STOCHASTIC = 0.3
WEIGHT_DECAY = 0.02
SAMPLES = 5


def view_features(encoder: Encoder, photos: Tensor, path: Path) -> np.ndarray:
    """Encode `N_VIEWS` views of each photo, every second one mirrored: float16 (N_VIEWS, N, R, E), kept at `path`."""
    if not path.exists():
        torch.manual_seed(SEED)
        view, part = augmenter(), path.with_suffix(".part")
        shape = (N_VIEWS, len(photos), N_REGIONS, ENCODER_WIDTH)
        features = np.lib.format.open_memmap(part, mode="w+", dtype=np.float16, shape=shape)
        for n_view in range(N_VIEWS):
            started = time.time()
            for first in range(0, len(photos), 256):
                chunk = photos[first : first + 256]
                if n_view >= 2:
                    chunk = torch.stack([view(photo) for photo in chunk])
                if n_view % 2:
                    chunk = chunk.flip(-1)
                features[n_view, first : first + 256] = encode(encoder, chunk).numpy()
            log.info("view %d of %d encoded in %.0f s", n_view + 1, N_VIEWS, time.time() - started)
        features.flush()
        part.replace(path)
    return np.load(path, mmap_mode="r")


def sentence_batch(sentences: list[list[str]], vocabulary: Vocabulary) -> Tensor:
    """Token lists to padded word numbers with start and end: int64 (B, T)."""
    rows = [[START, *vocabulary.encode(words[:MAX_WORDS]), END] for words in sentences]
    return nn.utils.rnn.pad_sequence([torch.tensor(row) for row in rows], batch_first=True, padding_value=PAD)


def likelihood_loss(decoder: Decoder, regions: Tensor, batch: Tensor) -> Tensor:
    """Cross-entropy of human sentences (B, T), five a photo, with the doubly stochastic term (equation 14)."""
    with torch.autocast("cpu", dtype=torch.bfloat16):
        memory, state = decoder.look(regions)
        n = len(batch) // len(regions)
        rows = torch.arange(len(regions)).repeat_interleave(n)
        logits, attention = decoder(memory.repeat(n), state.pick(rows), batch[:, :-1])
    target = batch[:, 1:]
    loss = F.cross_entropy(
        logits.float().flatten(0, 1), target.flatten(), ignore_index=PAD, label_smoothing=LABEL_SMOOTHING
    )
    seen = (attention * (target != PAD)[:, :, None]).sum(1)  # (B, R)
    return loss + DOUBLY_STOCHASTIC * ((1 - seen) ** 2).mean()


@torch.no_grad()
def sample(decoder: Decoder, regions: Tensor, n: int) -> Tensor:
    """Draw `n` sentences a photo from the decoder: int64 (B * n, T), starting with START."""
    with torch.autocast("cpu", dtype=torch.bfloat16):
        memory, state = decoder.look(regions)
        memory, state = memory.repeat(n), state.pick(torch.arange(len(regions)).repeat_interleave(n))
        words = torch.full((len(regions) * n, 1), START)
        open_ = torch.ones(len(words), dtype=torch.bool)
        for _ in range(MAX_WORDS):
            embedded = decoder.embedding(words[:, -1])
            state, context, _ = decoder.step(memory, state, embedded)
            logits = decoder.logits(embedded, state.hidden, context).float()
            logits[:, list(beam.NEVER_WRITTEN)] = -torch.inf
            word = torch.multinomial(logits.softmax(1), 1).squeeze(1).masked_fill(~open_, PAD)
            words = torch.cat([words, word[:, None]], dim=1)
            open_ &= word != END
            if not open_.any():
                break
    return words


def reward_loss(
    decoder: Decoder, regions: Tensor, photos: list[int], scorer: CiderD, vocabulary: Vocabulary
) -> tuple[Tensor, float]:
    """Self-critical loss (Rennie et al. 2017): each sample against the mean of the photo's other samples."""
    words = sample(decoder, regions, SAMPLES)
    owners = [photo for photo in photos for _ in range(SAMPLES)]
    # An unfinished sentence keeps no reward: <end> counts as a word.
    texts = [[*vocabulary.decode(row), "<end>"] if END in row else vocabulary.decode(row) for row in words.tolist()]
    rewards = torch.tensor([scorer.score(text, owner) for text, owner in zip(texts, owners, strict=True)])
    by_photo = rewards.view(-1, SAMPLES)
    others = (by_photo.sum(1, keepdim=True) - by_photo) / (SAMPLES - 1)
    advantage = (by_photo - others).flatten()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        memory, state = decoder.look(regions)
        rows = torch.arange(len(regions)).repeat_interleave(SAMPLES)
        logits, _ = decoder(memory.repeat(SAMPLES), state.pick(rows), words[:, :-1])
    target = words[:, 1:]
    log_probs = -F.cross_entropy(logits.float().flatten(0, 1), target.flatten(), reduction="none").view_as(target)
    mask = target != PAD
    return -(advantage[:, None] * log_probs * mask).sum() / mask.sum(), rewards.mean().item()


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
    phase: Phase,
    decoder: Decoder,
    train: Split,
    views: np.ndarray,
    dev: Split,
    dev_features: np.ndarray,
    vocabulary: Vocabulary,
    checkpoint: Path,
) -> Decoder:
    """Run one phase, going on from `checkpoint`; returns the averaged decoder."""
    torch.manual_seed(SEED)
    sentences = [[tokens(text) for text in texts] for texts in train.captions]
    references = [[tokens(text) for text in texts] for texts in dev.captions]
    scorer = CiderD([[[*words, "<end>"] for words in photo] for photo in sentences]) if phase is REWARD else None
    for module in decoder.modules():
        if isinstance(module, nn.Dropout):
            module.p = phase.dropout
    average = AveragedModel(decoder, multi_avg_fn=get_ema_multi_avg_fn(phase.ema))
    averaged = cast("Decoder", average.module)
    optimizer = torch.optim.AdamW(decoder.parameters(), lr=phase.rate, weight_decay=WEIGHT_DECAY)
    n_steps = -(-len(train) // PHOTOS_A_BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, phase.rate, total_steps=phase.n_passes * n_steps, pct_start=0.15
    )
    parts: dict[str, Any] = {"decoder": decoder, "average": average, "optimizer": optimizer, "schedule": schedule}
    first = 0
    if checkpoint.exists():
        saved = torch.load(checkpoint, weights_only=True)
        for name, part in parts.items():
            part.load_state_dict(saved[name])
        first = saved["passes"]
    for n_pass in range(first, phase.n_passes):
        started, total = time.time(), 0.0
        decoder.train()
        draw = torch.Generator().manual_seed(1000 * (phase is REWARD) + n_pass)
        for step, rows in enumerate(torch.randperm(len(train), generator=draw).split(PHOTOS_A_BATCH)):
            n_view = torch.randint(N_VIEWS, (len(rows),), generator=draw)
            regions = torch.from_numpy(np.stack([views[v, r] for v, r in zip(n_view, rows, strict=True)])).float()
            if scorer is None:
                texts = [mirrored(t) if v % 2 else t for v, r in zip(n_view, rows, strict=True) for t in sentences[r]]
                loss = likelihood_loss(decoder, regions, sentence_batch(texts, vocabulary))
                total += loss.item()
            else:
                loss, reward = reward_loss(decoder, regions, rows.tolist(), scorer, vocabulary)
                total += reward
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(decoder.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            average.update_parameters(decoder)
            if step % 40 == 0:
                log.info("%s pass %d step %d/%d: %.3f", phase.name, n_pass + 1, step, n_steps, total / (step + 1))
        log.info("%s pass %d: mean %.3f, %.0f s", phase.name, n_pass + 1, total / n_steps, time.time() - started)
        captions = write_captions(averaged, dev_features, vocabulary, beam.Decoding())
        report(f"{phase.name} pass {n_pass + 1}", captions, references)
        torch.save(
            {name: part.state_dict() for name, part in parts.items()} | {"passes": n_pass + 1},
            checkpoint.with_suffix(".part"),
        )
        checkpoint.with_suffix(".part").replace(checkpoint)
    return averaged


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--data", type=Path, default=DEFAULT_DATA, help="folder of Flickr8k, as training/README.md describes it"
    )
    parser.add_argument(
        "--work",
        type=Path,
        default=platformdirs.user_cache_path("photosearch") / "training",
        help="checkpoints and features (7 GB)",
    )
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parents[1] / "models" / "captioner")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    work: Path = options.work
    work.mkdir(parents=True, exist_ok=True)
    train, dev = load_split(options.data, "train"), load_split(options.data, "dev")
    encoder = tune_encoder(train, dev, work / "encoder.pt")
    views = view_features(encoder, train.photos, work / "views.npy")
    dev_features = encode(encoder, dev.photos).numpy()
    vocabulary = Vocabulary.learn((text for texts in train.captions for text in texts), min_count=MIN_COUNT)
    log.info("%d words", len(vocabulary))
    torch.manual_seed(SEED)
    decoder = Decoder(Sizes(len(vocabulary)), dropout=LIKELIHOOD.dropout)
    for phase in (LIKELIHOOD, REWARD):
        decoder = train_decoder(phase, decoder, train, views, dev, dev_features, vocabulary, work / f"{phase.name}.pt")
        save_checkpoint(options.out, "show-attend-tell", encoder, decoder, vocabulary, beam.Decoding())
        write_card(options.out, options.data)
        log.info("%s written after %s", options.out, phase.name)


if __name__ == "__main__":
    main()
