"""What the tuned encoder sees of the training photos, several views of each, computed once and kept.

In bfloat16: twice as fast as float32 on a processor that computes with it, and far finer than what crops change.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from photosearch.vision.captioner.decoder import ENCODER_WIDTH
from training.data import SIDE, Split, chunks, crop
from training.efficientnet import Encoder, to_pixels
from training.encoder import pooled

log = logging.getLogger(__name__)

N_VIEWS = 2  # the photo and its mirror image; every second one is mirrored, further ones are crops
N_REGIONS = (SIDE // 32) ** 2
LEAST_CROP, STRETCH = 0.5, 1.25
CHUNK = 32


@dataclass(frozen=True)
class Features:
    """Views of photos as the encoder sees them; a view of odd number is mirrored."""

    regions: list[np.ndarray]  # a view: float16 (N, R, E), of which few are in memory at once
    vectors: list[np.ndarray]  # a view: the regions' mean and maximum, float16 (N, 2 E)


@torch.inference_mode()
def encode(encoder: Encoder, photos: Tensor) -> Tensor:
    """uint8 photos (B, 3, SIDE, SIDE) to regions: float16 (B, R, E)."""
    with torch.autocast("cpu", dtype=torch.bfloat16):
        regions: Tensor = encoder(to_pixels(photos))
    return regions.half()


def view_features(encoder: Encoder, split: Split, folder: Path, n_views: int = N_VIEWS) -> Features:
    """Encode views of photos; kept in `folder`, 7.4 GB a view, and read from there where they are."""
    folder.mkdir(parents=True, exist_ok=True)
    encoder = encoder.eval().to(memory_format=torch.channels_last)
    regions, vectors = [], []
    for view in range(n_views):
        path = folder / f"regions-{view}.npy"
        if not path.exists():
            _encode_view(encoder, split, view, path)
        regions.append(np.load(path, mmap_mode="r"))
        vectors.append(np.load(path.with_name(f"vectors-{view}.npy")))
    return Features(regions, vectors)


def _encode_view(encoder: Encoder, split: Split, view: int, path: Path) -> None:
    started, draw = time.time(), torch.Generator().manual_seed(view)
    part = path.with_suffix(".part")
    shape = (len(split), N_REGIONS, ENCODER_WIDTH)
    kept = np.lib.format.open_memmap(part, mode="w+", dtype=np.float16, shape=shape)
    vectors = np.empty((len(split), 2 * ENCODER_WIDTH), np.float16)
    for rows in chunks(len(split), CHUNK):
        photos = torch.from_numpy(split.photos[rows]).permute(0, 3, 1, 2)
        if view >= 2:
            photos = torch.stack([crop(photo, LEAST_CROP, STRETCH, draw) for photo in split.photos[rows]])
        found = encode(encoder, photos.flip(-1) if view % 2 else photos)
        kept[rows], vectors[rows] = found.numpy(), pooled(found.float()).half().numpy()
    kept.flush()
    np.save(path.with_name(f"vectors-{view}.npy"), vectors)
    part.replace(path)
    log.info("view %d encoded in %.0f s", view + 1, time.time() - started)
