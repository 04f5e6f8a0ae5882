"""What the tests share: a tiny captioner, photos of one colour, fresh libraries. No network, no data folder."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import numpy as np
import pytest
from PIL import Image

from photosearch.library import Library
from photosearch.pictures.images import Picture
from photosearch.pipeline.analysis import analyse_photos
from photosearch.records import UNWATCHED, Caption, Findings, Report, Station, Watch
from photosearch.settings import MODELS_DIR, Settings
from photosearch.sources.reading import Reader
from photosearch.vision.model_folder import open_model
from photosearch.vision.observer import Batch, Observer
from photosearch.workspace import Workspace

if TYPE_CHECKING:
    from photosearch.vision.captioner.beam import Decoding
    from photosearch.vision.captioner.network import Decoder
    from photosearch.vision.captioner.vocabulary import Vocabulary

hypothesis.settings.register_profile("untimed", deadline=None)  # how long an example takes tells of the machine only
hypothesis.settings.load_profile("untimed")
TINY_WORDS = ("a", "red", "green", "blue", "dog", "cat", "runs", "sits", "on", "grass", "snow", "two")


def jpeg(colour: str | tuple[int, int, int] = "red", size: tuple[int, int] = (64, 48), **options: object) -> bytes:
    """A JPEG of one colour."""
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, "JPEG", **options)
    return out.getvalue()


class ColourStation:
    """A captioner that names the colour it sees; it counts the pictures it was shown."""

    station = Station.CAPTIONER
    name = "colours"
    digest = "c" * 64

    def __init__(self) -> None:
        self.n_seen = 0

    def observe(self, batch: Batch) -> list[Findings]:
        self.n_seen += len(batch.pictures)
        return [Findings(captions=(Caption(self.say(picture), -0.5, self.name),)) for picture in batch.pictures]

    def say(self, picture: Picture) -> str:
        return f"a {('red', 'green', 'blue')[int(np.asarray(picture.rgb).mean((0, 1)).argmax())]} picture"


def analyse(
    library: Library,
    *observers: Observer,
    redo: bool = False,
    watch: Watch = UNWATCHED,
    settings: Settings | None = None,
) -> Report:
    """Show all pending photos to the observers, as a workspace does."""
    filed = {library.model_id(o.station, o.name, o.digest): o for o in observers}
    photos = library.pending(None, list(filed), redo=redo)
    with Reader(settings or Settings(library.folder, allow_private=True)) as reader:
        return analyse_photos(library, reader, filed, photos, redo=redo, watch=watch)


def models_with(folder: Path, decoder: Decoder, vocabulary: Vocabulary, decoding: Decoding) -> Path:
    """A models folder with a captioner of one's own; the other models are the real ones."""
    from photosearch.vision.captioner.checkpoint import save_checkpoint

    for path in MODELS_DIR.iterdir():
        if path.is_dir() and path.name != "captioner":
            (folder / path.name).symlink_to(path)
    save_checkpoint(
        folder / "captioner",
        "tiny",
        decoder,
        vocabulary,
        decoding,
        encoder_digest=open_model(MODELS_DIR / "encoder", "encoder").digest,
        concepts_digest=open_model(MODELS_DIR / "concepts", Station.CONCEPTS).digest,
    )
    return folder


@pytest.fixture(scope="session")
def tiny_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A models folder with an untrained captioner: a dozen words, hidden size 8."""
    import torch

    from photosearch.vision.captioner.beam import Decoding
    from photosearch.vision.captioner.decoder import Sizes
    from photosearch.vision.captioner.network import Decoder
    from photosearch.vision.captioner.vocabulary import SPECIAL, Vocabulary

    torch.manual_seed(0)
    vocabulary = Vocabulary([*SPECIAL, *TINY_WORDS])
    decoder = Decoder(Sizes(len(vocabulary), embedding=8, hidden=8, region=8, attention=8))
    return models_with(tmp_path_factory.mktemp("models"), decoder, vocabulary, Decoding(beam_width=3, max_words=6))


@pytest.fixture(autouse=True, scope="session")
def _no_settings_of_ones_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Have no test read the settings file of the person who runs it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
        yield


@pytest.fixture(autouse=True, scope="session")
def _small_reserve() -> Iterator[None]:
    """Have the many libraries of the tests keep little space in reserve."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("photosearch.library.reserve.N_BYTES", 100_000)
        yield


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
