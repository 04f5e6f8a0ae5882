"""What the two encoders see of the training photos, several views of each, computed once and kept."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from torch import Tensor

from photosearch.vision.captioner.network import ENCODER_WIDTH
from photosearch.vision.encoder import ENCODED_AT_ONCE
from training.data import augmenter
from training.efficientnet import to_pixels

log = logging.getLogger(__name__)

N_VIEWS = 6  # the photo, its mirror image, and four random views; every second one is mirrored
N_REGIONS = 49
CHUNK = 64
SEED = 0


@dataclass(frozen=True)
class Features:
    """Views of photos as the two encoders see them; a view of odd number is mirrored."""

    regions: np.ndarray  # float16 (views, N, R, E), of the tuned encoder
    frozen: np.ndarray  # float16 (views, N, 2 E), ImageNet's encoder: the regions' mean and maximum

    @cached_property
    def tuned(self) -> np.ndarray:
        """The tuned encoder's regions as mean and maximum: float16 (views, N, 2 E)."""
        views = (np.concatenate([pooled(some) for some in np.array_split(view, 16)]) for view in self.regions)
        return np.stack(list(views))


def pooled(regions: np.ndarray) -> np.ndarray:
    """Regions (N, R, E) to their mean and maximum: float16 (N, 2 E)."""
    regions = regions.astype(np.float32)
    return np.concatenate([regions.mean(1), regions.max(1)], axis=1).astype(np.float16)


class Encoders:
    """The two networks as they ship: graphs."""

    def __init__(self, encoder: Path, classifier: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._tuned, self._frozen = (
            onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
            for path in (encoder, classifier)
        )

    def __call__(self, photos: Tensor) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """uint8 (B, 3, 224, 224) to regions (B, R, E), features (B, 2 E) and ImageNet's logits (B, 1000)."""
        told: list[tuple[np.ndarray, ...]] = []
        for few in photos.split(ENCODED_AT_ONCE):
            pixels = to_pixels(few).numpy()
            (regions,) = self._tuned.run(["regions"], {"input": pixels})
            logits, features = self._frozen.run(["logits", "features"], {"input": pixels})
            told.append((regions.astype(np.float16), features.astype(np.float16), logits))
        regions, features, logits = (np.concatenate(part) for part in zip(*told, strict=True))
        return regions, features, logits


def view_features(encoders: Encoders, photos: Tensor, folder: Path, n_views: int = N_VIEWS) -> Features:
    """Encode views of photos, uint8 (N, 3, 224, 224); kept in `folder`, and read from there where they are."""
    paths = [folder / "regions.npy", folder / "frozen.npy"]
    if not all(path.exists() for path in paths):
        folder.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(SEED)
        view = augmenter()
        parts = [path.with_suffix(".part") for path in paths]
        regions = np.lib.format.open_memmap(
            parts[0], mode="w+", dtype=np.float16, shape=(n_views, len(photos), N_REGIONS, ENCODER_WIDTH)
        )
        frozen = np.lib.format.open_memmap(
            parts[1], mode="w+", dtype=np.float16, shape=(n_views, len(photos), 2 * ENCODER_WIDTH)
        )
        for n_view in range(n_views):
            started = time.time()
            for first in range(0, len(photos), CHUNK):
                chunk = photos[first : first + CHUNK]
                if n_view >= 2:
                    chunk = torch.stack([view(photo) for photo in chunk])
                if n_view % 2:
                    chunk = chunk.flip(-1)
                regions[n_view, first : first + CHUNK], frozen[n_view, first : first + CHUNK], _ = encoders(chunk)
            log.info("view %d of %d encoded in %.0f s", n_view + 1, n_views, time.time() - started)
        regions.flush()
        frozen.flush()
        for part, path in zip(parts, paths, strict=True):
            part.replace(path)
    return Features(*(np.load(path, mmap_mode="r") for path in paths))
