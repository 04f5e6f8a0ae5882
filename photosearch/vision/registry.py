"""The registry of models: which ones are supported, how each is loaded, and the ones that are chosen and loaded.

A new model is a module of its own, a line in `SUPPORTED`, and its folder among the models.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from photosearch.errors import ModelError
from photosearch.pictures.images import Picture
from photosearch.records import Findings, Station
from photosearch.vision.captioner.captioner import Captioner
from photosearch.vision.classifier import Classifier
from photosearch.vision.concepts import Concepts
from photosearch.vision.detector import Detector
from photosearch.vision.encoder import Encoder
from photosearch.vision.graph import on_device
from photosearch.vision.model_folder import CONFIG, ModelFolder, list_models, open_model
from photosearch.vision.observer import Batch, Observer

T = TypeVar("T")
CAPTIONER = "captioner"  # the folder of the built-in captioner
HUGGING_FACE = "hf:"  # a captioner's name that begins so is a Hugging Face model's name, or its folder
ALEXNET = "alexnet"
CLASSIFIER = "built-in"
DETECTOR, NO_DETECTOR = "detector", "none"  # the folder of the built-in detector, and the choice to have none
_PLAIN_NAME = re.compile(r"[\w-][\w.-]*")


@dataclass(frozen=True)
class ModelChoice:
    """The models that are to observe photos; the concept model always does."""

    captioner: str = CAPTIONER  # a folder in `models` or in the library, or hf:NAME
    classifier: str = CLASSIFIER  # built-in, alexnet (downloaded once by torchvision), or a state-dict file of it
    detector: str = DETECTOR  # a folder in `models` or in the library, or "none"

    @property
    def detects_objects(self) -> bool:
        """Return whether there is a detector."""
        return self.detector != NO_DETECTOR


@dataclass(frozen=True)
class Model:
    """A chosen model; its name and digest are known before it is loaded."""

    station: Station
    name: str
    digest: str
    load: Callable[[], Observer]


@dataclass(frozen=True)
class SupportedModel:
    """A kind of model that can be loaded from a model folder."""

    station: Station
    network: str | None  # what the folder's config calls its network, under `options`; None: it does not say
    load: Callable[[Models, Path], Observer]


def _load_captioner(models: Models, folder: Path) -> Observer:
    return Captioner.load(folder, models.encoder(), models.concepts(), models.classifier())


def _load_older_captioner(_: Models, folder: Path) -> Observer:
    from photosearch.vision.captioner.older_system.captioner import OlderCaptioner  # imports torch

    return OlderCaptioner.load(folder)


SUPPORTED = (
    SupportedModel(Station.CAPTIONER, None, _load_captioner),  # Show, Attend and Tell over the shared encoder
    SupportedModel(Station.CAPTIONER, "resnet-attention-lstm", _load_older_captioner),  # an import of the older system
    SupportedModel(Station.CONCEPTS, None, lambda models, _: models.concepts()),
    SupportedModel(Station.CLASSIFIER, None, lambda models, _: models.classifier()),
    SupportedModel(Station.DETECTOR, None, lambda _, folder: Detector.load(folder)),  # YOLOv3-tiny
)


def find_supported(folder: ModelFolder) -> SupportedModel:
    """Return how a model folder is loaded; raises `ModelError` where its config names an unknown network."""
    network = folder.options.get("network")
    for supported in SUPPORTED:
        if (supported.station, supported.network) == (folder.station, network):
            return supported
    raise folder.damaged(CONFIG, ValueError(f"the network {network} is not known"))


class Models:
    """The models of a workspace, each loaded once. Use from any thread."""

    def __init__(self, built_in: Path, imported: Path, device: str = "") -> None:
        """Take the folders of model folders: `built_in` come with photosearch, `imported` were taken in later.

        A built-in model's folder is named after its station, as in `models/detector`. Networks run on `device`, as
        `graph.on_device` takes it.
        """
        self._device = device
        self.imported = imported
        self._built_in = built_in
        self._folders = (built_in, imported)
        self._loaded: dict[tuple[str, str], object] = {}
        self._lock = threading.RLock()

    def choose(self, choice: ModelChoice) -> list[Model]:
        """Return the chosen models, in the order in which they observe.

        Raises:
            ModelError: one is not there, or its config is damaged.
        """
        chosen = [self._captioner(choice.captioner), self._classifier(choice.classifier)]
        chosen.append(self._in_folder(self._built_in_folder(Station.CONCEPTS)))
        if choice.detects_objects:
            chosen.append(self._in_folder(self._named_folder(Station.DETECTOR, choice.detector)))
        return chosen

    def analyse(self, picture: Picture, choice: ModelChoice | None = None) -> Findings:
        """Return what the models find in one picture, which is not kept; raises `ModelError`."""
        batch = Batch([picture])
        return sum((model.load().observe(batch)[0] for model in self.choose(choice or ModelChoice())), Findings())

    def encoder(self) -> Encoder:
        """Return the encoder that captioner and concept model share; raises `ModelError`."""
        return self._once("encoder", "", lambda: Encoder.load(self._built_in / "encoder"))

    def concepts(self) -> Concepts:
        """Return the concept model, which the captioner asks, too; raises `ModelError`."""
        path = self._built_in / Station.CONCEPTS
        return self._once(Station.CONCEPTS, "", lambda: Concepts.load(path, self.encoder()))

    def classifier(self) -> Classifier:
        """Return the built-in classifier, which the captioner asks, too; raises `ModelError`."""
        path = self._built_in / Station.CLASSIFIER
        return self._once(Station.CLASSIFIER, path.name, lambda: Classifier.load(path, self.encoder()))

    def captioner(self, name: str = CAPTIONER) -> Observer:
        """Return a captioner by its name, as `ModelChoice` has it; raises `ModelError`."""
        return self._captioner(name).load()

    def captioner_digest(self, name: str) -> str | None:
        """Return a captioner's digest without loading it; None if it has no folder, as a Hugging Face model has none.

        Raises:
            ModelError: it is not there, or its config is damaged.
        """
        return None if name.startswith(HUGGING_FACE) else self._named_folder(Station.CAPTIONER, name).digest

    def captioners(self) -> list[str]:
        """Return the names of the captioners that have a folder, in alphabetical order."""
        return sorted(list_models(self._folders, Station.CAPTIONER))

    def detectors(self) -> list[str]:
        """Return the names of the detectors, in alphabetical order."""
        return sorted(list_models(self._folders, Station.DETECTOR))

    def _once(self, kind: str, name: str, load: Callable[[], T]) -> T:
        with self._lock:
            if (kind, name) not in self._loaded:
                with on_device(self._device):
                    self._loaded[kind, name] = load()
            return self._loaded[kind, name]  # type: ignore[return-value]

    def _in_folder(self, folder: ModelFolder) -> Model:
        station = Station(folder.station)
        supported = find_supported(folder)

        def load() -> Observer:
            return self._once(station, folder.path.name, lambda: supported.load(self, folder.path))

        return Model(station, folder.name, folder.digest, load)

    def _outside(self, station: Station, name: str, load: Callable[[], Observer]) -> Model:
        """Return a model that has no folder of ours: it has to be loaded for its digest to be known."""
        observer = self._once(station, name, load)
        return Model(observer.station, observer.name, observer.digest, lambda: observer)

    def _captioner(self, name: str) -> Model:
        if name.startswith(HUGGING_FACE):
            return self._outside(Station.CAPTIONER, name, partial(_load_hugging_face, name.removeprefix(HUGGING_FACE)))
        advice = f" A Hugging Face model is named {HUGGING_FACE}NAME."
        return self._in_folder(self._named_folder(Station.CAPTIONER, name, advice))

    def _classifier(self, name: str) -> Model:
        if name == CLASSIFIER:
            return self._in_folder(self._built_in_folder(Station.CLASSIFIER))
        labels = self._built_in / Station.CLASSIFIER
        return self._outside(Station.CLASSIFIER, name, partial(_load_alexnet, name, labels))

    def _built_in_folder(self, station: Station) -> ModelFolder:
        return open_model(self._built_in / station, station)

    def _named_folder(self, station: Station, name: str, advice: str = "") -> ModelFolder:
        paths = list_models(self._folders, station)
        if name in paths:
            return open_model(paths[name], station)
        if _PLAIN_NAME.fullmatch(name):
            for folder in self._folders:
                if (folder / name).is_dir():
                    # It is damaged, or another kind of model: opening it raises an error that says so.
                    return open_model(folder / name, station)
        others = f"There are: {', '.join(sorted(paths))}." if paths else f"There is none in {self._built_in}."
        raise ModelError(f'Model "{name}" was not found. {others}{advice}')


def _load_hugging_face(name: str) -> Observer:
    from photosearch.vision.captioner.hugging_face import HuggingFaceCaptioner

    return HuggingFaceCaptioner.load(name)


def _load_alexnet(name: str, labels: Path) -> Observer:
    from photosearch.vision.alexnet import AlexNet

    return AlexNet.download(labels) if name == ALEXNET else AlexNet.from_file(Path(name), labels)
