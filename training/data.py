"""The photographs and descriptions that the models learn from, as they lie in the data folder."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torchvision.transforms import v2

from photosearch.images import LITE_SIDE_PX

DEFAULT_DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "flickr8k"


class DataMissing(SystemExit):
    """The data folder is not there; training cannot go on."""


@dataclass(frozen=True)
class Split:
    """Photos and their human descriptions, in the same order."""

    names: list[str]
    captions: list[list[str]]
    photos: Tensor  # uint8 (N, 3, 224, 224)

    def __len__(self) -> int:
        return len(self.names)


def load_split(folder: Path, split: str) -> Split:
    """Read `images-SPLIT.zip` and `captions-SPLIT.jsonl` whole into memory.

    Raises:
        DataMissing: one of the two files is not in `folder`.
    """
    images_path, captions_path = folder / f"images-{split}.zip", folder / f"captions-{split}.jsonl"
    for path in (images_path, captions_path):
        if not path.is_file():
            raise DataMissing(f"{path} is missing. Training reads Flickr8k from --data; see training/README.md.")
    rows = [json.loads(line) for line in captions_path.read_text(encoding="utf-8").splitlines()]
    photos = torch.empty((len(rows), 3, LITE_SIDE_PX, LITE_SIDE_PX), dtype=torch.uint8)
    with zipfile.ZipFile(images_path) as archive:
        members = {Path(name).name: name for name in archive.namelist()}
        for i, row in enumerate(rows):
            with Image.open(io.BytesIO(archive.read(members[row["image"]]))) as photo:
                photos[i] = torch.from_numpy(np.asarray(photo.convert("RGB")).copy()).permute(2, 0, 1)
    return Split([row["image"] for row in rows], [row["captions"] for row in rows], photos)


def augmenter() -> v2.Transform:
    """A random view of a photo: crop and colour. Flips are apart, since *left* and *right* change with them."""
    return v2.Compose(
        [
            v2.RandomResizedCrop(LITE_SIDE_PX, scale=(0.4, 1.0), ratio=(0.75, 1.33), antialias=True),
            v2.ColorJitter(brightness=0.3, contrast=0.3, saturation=0.3, hue=0.02),
        ]
    )


_MIRROR = {"left": "right", "right": "left"}


def mirrored(words: list[str]) -> list[str]:
    """The description of the photo flipped left to right."""
    return [_MIRROR.get(word, word) for word in words]
