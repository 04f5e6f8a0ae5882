"""Train the captioner: `python -m training.captioner`. The recipe, its reasons and its results: training/README.md.

1. Tune the encoder on search terms (`training.encoder`).
2. Encode several views of each photo once.
3. Teach the decoder the human sentences (cross-entropy).
4. Write `models/captioner`, measure it as it ships and write its card (`training.card`).

Each stage keeps a checkpoint under --work and goes on from it.
"""

from __future__ import annotations

import argparse
import logging
import time
from collections.abc import Iterator
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
from photosearch.evaluation import bleu, cider_d
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


N_PASSES = 7
RATE = 2e-3
DROPOUT = 0.45
EMA_DECAY = 0.998
LABEL_SMOOTHING = 0.1
DOUBLY_STOCHASTIC = 0.3
WEIGHT_DECAY = 0.02


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
    train: Split, views: np.ndarray, dev: Split, dev_features: np.ndarray, vocabulary: Vocabulary, checkpoint: Path
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
        for step, (regions, batch) in enumerate(batches(train, views, vocabulary, n_pass)):
            loss = likelihood_loss(decoder, regions, batch)
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
        torch.save(state | {"passes": n_pass + 1}, checkpoint.with_suffix(".part"))
        checkpoint.with_suffix(".part").replace(checkpoint)
    return averaged


def batches(train: Split, views: np.ndarray, vocabulary: Vocabulary, n_pass: int) -> Iterator[tuple[Tensor, Tensor]]:
    """One pass over the photos in random order, a random view of each: regions (B, R, E), sentences (5 B, T)."""
    draw = torch.Generator().manual_seed(n_pass)
    for rows in torch.randperm(len(train), generator=draw).split(PHOTOS_A_BATCH):
        chosen = list(zip(torch.randint(N_VIEWS, (len(rows),), generator=draw).tolist(), rows.tolist(), strict=True))
        regions = torch.from_numpy(np.stack([views[view, row] for view, row in chosen])).float()
        texts = [(tokens(text), view % 2) for view, row in chosen for text in train.captions[row]]
        yield regions, sentence_batch([mirrored(words) if flip else words for words, flip in texts], vocabulary)


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
    decoder = train_decoder(train, views, dev, dev_features, vocabulary, work / "decoder.pt")
    save_checkpoint(options.out, "show-attend-tell", encoder, decoder, vocabulary, beam.Decoding())
    write_card(options.out, options.data)
    log.info("%s written", options.out)


if __name__ == "__main__":
    main()
