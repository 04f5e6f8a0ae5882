"""What the tests share: a tiny captioner, photos of one colour, fresh libraries. No network, no data folder."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from photosearch.library import Library
from photosearch.records import Caption
from photosearch.settings import Settings
from photosearch.workspace import Workspace

TINY_WORDS = ("a", "red", "green", "blue", "dog", "cat", "runs", "sits", "on", "grass", "snow", "two")


def jpeg(colour: str | tuple[int, int, int] = "red", size: tuple[int, int] = (64, 48), **options: object) -> bytes:
    """A JPEG of one colour."""
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, "JPEG", **options)
    return out.getvalue()


class ColourStation:
    """A captioner that names the colour it sees; it counts the pictures it was shown."""

    name = "colours"
    digest = "c" * 64

    def __init__(self) -> None:
        self.n_seen = 0

    def caption_batch(self, pictures: Sequence[np.ndarray]) -> list[list[Caption]]:
        self.n_seen += len(pictures)
        names = ("red", "green", "blue")
        return [
            [Caption(f"a {names[int(picture.mean((0, 1)).argmax())]} picture", -0.5, self.name)] for picture in pictures
        ]


@pytest.fixture(scope="session")
def tiny_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A models folder with an untrained captioner: the real encoder's layers, a dozen words, hidden size 8."""
    import torch

    from photosearch.captioner.beam import Decoding
    from photosearch.captioner.checkpoint import save_checkpoint
    from photosearch.captioner.network import Decoder, Encoder, Sizes
    from photosearch.captioner.vocabulary import SPECIAL, Vocabulary

    torch.manual_seed(0)
    vocabulary = Vocabulary([*SPECIAL, *TINY_WORDS])
    sizes = Sizes(len(vocabulary), embedding=8, hidden=8, region=8, attention=8)
    folder = tmp_path_factory.mktemp("models")
    decoding = Decoding(beam_width=3, max_words=6)
    save_checkpoint(folder / "captioner", "tiny", Encoder(), Decoder(sizes), vocabulary, decoding)
    return folder


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(tmp_path / "library")


@pytest.fixture
def station() -> ColourStation:
    return ColourStation()


@pytest.fixture
def workspace(tmp_path: Path, tiny_models: Path) -> Workspace:
    """A workspace over an empty library, with the tiny captioner."""
    return Workspace(Settings(tmp_path / "library", models_dir=tiny_models))


@pytest.fixture
def make_photos(tmp_path: Path) -> Callable[..., Path]:
    """Writes one-colour JPEGs into a folder: `make_photos("red.jpg", "green.jpg")`; the colour is the name's stem."""

    def make(*names: str, folder: str = "photos") -> Path:
        root = tmp_path / folder
        for name in names:
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(jpeg(path.stem.split("-")[0]))
        return root

    return make
