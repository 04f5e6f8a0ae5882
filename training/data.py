"""The photographs and descriptions that the models learn from, as they lie in the data folders."""

from __future__ import annotations

import io
import json
import logging
import math
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from photosearch.pictures.images import ENCODER_SIDE_PX, PIXEL_MEAN, PIXEL_SCALE, as_learned, decode, squashed

log = logging.getLogger(__name__)

DEFAULT_DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "flickr8k"
EVERYDAY, FLICKR = 0, 1  # domains: people describe each in their own way
N_DOMAINS = 2
SIDE = ENCODER_SIDE_PX
PLAIN_SHARE, LEAST_QUALITY, BEST_QUALITY = 0.2, 30, 95
_GREY = (0.299, 0.587, 0.114)


class DataMissing(SystemExit):
    """The data folder is not there; training cannot go on."""


@dataclass(frozen=True)
class Split:
    """Photos with human descriptions, in the same order."""

    names: list[str]
    captions: list[list[str]]
    objects: list[list[str] | None]  # COCO classes that people marked; None where nobody marked any photo
    domains: Tensor  # int64 (N), EVERYDAY or FLICKR
    photos: np.ndarray  # uint8 (N, SIDE, SIDE, 3)

    def __len__(self) -> int:
        return len(self.names)


@dataclass(frozen=True)
class Source:
    """A list of described photos, and where the photos lie."""

    captions: Path  # a line: {"image": "NAME.jpg", "captions": ["..."], "objects": ["cat"]}
    images: Path  # a ZIP or a folder
    domain: int

    def rows(self) -> list[dict[str, list[str]]]:
        """Read the lines of the list; raises `DataMissing`."""
        for path in (self.captions, self.images):
            if not path.exists():
                raise DataMissing(f"{path} is missing. Training reads --data and --everyday; see training/README.md.")
        return [json.loads(line) for line in self.captions.read_text(encoding="utf-8").splitlines()]

    def reader(self) -> Callable[[str], bytes]:
        """Return a function that reads a photo's bytes by its name."""
        if self.images.is_dir():
            return lambda name: (self.images / name).read_bytes()
        archive = zipfile.ZipFile(self.images)
        members = {Path(member).name: member for member in archive.namelist()}
        return lambda name: archive.read(members[name])


def training_sources(data: Path, everyday: Path) -> list[Source]:
    """Flickr8k's photos to train on and the everyday ones; `everyday` is the folder of the latter's JPEGs."""
    listed = data.parent / "everyday" / "captions-train.jsonl"
    flickr = [
        Source(data / f"captions-{part}.jsonl", data / f"images-{part}.zip", FLICKR) for part in ("train", "extra")
    ]
    return [Source(listed, everyday, EVERYDAY), *flickr]


def measuring_sources(data: Path, everyday: Path) -> dict[str, Source]:
    """Return the sets to measure on, none of which is trained on."""
    coco, other = data.parent / "coco-dev", data.parent / "everyday"
    return {
        "dev": Source(data / "captions-dev.jsonl", data / "images-dev.zip", FLICKR),
        "coco-dev": Source(coco / "captions.jsonl", coco / "images.zip", EVERYDAY),
        "everyday-dev": Source(other / "captions-dev.jsonl", everyday, EVERYDAY),
    }


def load_split(sources: Sequence[Source], kept: Path) -> Split:
    """Read photos as the encoder sees them, squashed to its square; they are kept in the file `kept`."""
    rows = [(source, row) for source in sources for row in source.rows()]
    if not kept.exists():
        log.info("%d photos are decoded into %s", len(rows), kept)
        part = kept.with_suffix(".part")
        photos = np.lib.format.open_memmap(part, mode="w+", dtype=np.uint8, shape=(len(rows), SIDE, SIDE, 3))
        readers = {source: source.reader() for source in sources}
        for i, (source, row) in enumerate(rows):
            photos[i] = squashed(as_learned(decode(readers[source](str(row["image"])))))
        photos.flush()
        part.replace(kept)
    return Split(
        [str(row["image"]) for _, row in rows],
        [row["captions"] for _, row in rows],
        [row.get("objects") for _, row in rows],
        torch.tensor([source.domain for source, _ in rows]),
        np.load(kept, mmap_mode="r"),
    )


def sampled(split: Split, times: float, draw: torch.Generator) -> Tensor:
    """Return the rows of one pass in random order: each everyday photo once, Flickr8k's `times` on average."""
    few = (split.domains == FLICKR).nonzero()[:, 0]
    some = few[torch.randperm(len(few), generator=draw)[: round(len(few) * (times % 1))]]
    rows = torch.cat([(split.domains == EVERYDAY).nonzero()[:, 0], few.repeat(int(times)), some])
    return rows[torch.randperm(len(rows), generator=draw)]


# Views


def compressed(photo: np.ndarray, draw: torch.Generator) -> np.ndarray:
    """Compress four of five photos (SIDE, SIDE, 3) as JPEG, of a quality drawn from 30 to 95.

    The collections were compressed differently; without this a network tells them apart by it.
    """
    chance, quality = torch.rand(2, generator=draw).tolist()
    if chance < PLAIN_SHARE:
        return photo
    buffer = io.BytesIO()
    Image.fromarray(photo).save(buffer, "JPEG", quality=round(LEAST_QUALITY + quality * (BEST_QUALITY - LEAST_QUALITY)))
    return np.array(Image.open(buffer))


def crop(photo: np.ndarray, least: float, stretch: float, draw: torch.Generator, side: int = SIDE) -> Tensor:
    """Cut a random part of a photo and scale it to a square: uint8 (3, side, side).

    Args:
        photo: uint8 (SIDE, SIDE, 3).
        least: the smallest share of its area.
        stretch: the largest ratio of the part's sides.
        draw: the random numbers.
        side: of what is returned.
    """
    share, ratio, x, y = torch.rand(4, generator=draw).tolist()
    area = SIDE**2 * (least + share * (1 - least))
    ratio = stretch ** (2 * ratio - 1)
    width, height = (min(SIDE, round(math.sqrt(area * r))) for r in (ratio, 1 / ratio))
    left, top = int(x * (SIDE - width + 0.999)), int(y * (SIDE - height + 0.999))
    part = torch.from_numpy(photo[top : top + height, left : left + width].copy()).permute(2, 0, 1)[None]
    return F.interpolate(part, (side, side), mode="bilinear", antialias=True, align_corners=False)[0]


def coloured(photos: Tensor, strength: float, draw: torch.Generator) -> Tensor:
    """uint8 photos (B, 3, h, w) to the network's input, their brightness, contrast and saturation changed at random.

    One 3 x 3 matrix a photo does all three: a thirtieth of the time that the usual transforms take.
    """
    n, _, height, width = photos.shape
    brightness, contrast, saturation = 1 + strength * (2 * torch.rand(3, n, 1, 1, generator=draw) - 1)
    grey = torch.tensor(_GREY)[:, None].expand(3, 3)
    matrix = brightness * contrast * (saturation * torch.eye(3) + (1 - saturation) * grey) / PIXEL_SCALE
    offset = ((1 - contrast) * PIXEL_MEAN - PIXEL_MEAN) / PIXEL_SCALE
    flat = photos.permute(0, 2, 3, 1).reshape(n, height * width, 3).float()
    changed = torch.baddbmm(offset.expand(n, 1, 3), flat, matrix).clamp_(-PIXEL_MEAN / PIXEL_SCALE, 1)
    return changed.view(n, height, width, 3).permute(0, 3, 1, 2)


_MIRROR = {"left": "right", "right": "left"}


def mirrored(words: Sequence[str]) -> list[str]:
    """Return the description of the photo flipped left to right."""
    return [_MIRROR.get(word, word) for word in words]


def mirror_columns(terms: Sequence[str]) -> Tensor:
    """For each term the column of what it becomes in a mirrored photo: int64 (V)."""
    column = {term: i for i, term in enumerate(terms)}
    return torch.tensor([column.get(" ".join(mirrored(term.split())), i) for i, term in enumerate(terms)])


def chunks(n: int, size: int) -> Iterator[slice]:
    """Return the numbers below `n` in pieces of at most `size`."""
    return (slice(first, min(first + size, n)) for first in range(0, n, size))
