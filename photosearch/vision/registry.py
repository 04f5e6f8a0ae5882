"""Which models look at photos, found by name and loaded once."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from photosearch.errors import ModelError
from photosearch.records import Station
from photosearch.vision.classifier import Classifier
from photosearch.vision.concepts import Concepts
from photosearch.vision.detector import Detector
from photosearch.vision.encoder import Encoder
from photosearch.vision.model_folder import ModelFolder, list_models, open_model
from photosearch.vision.observer import Observer

T = TypeVar("T")
CAPTIONER = "captioner"  # the built-in one's folder
HUGGING_FACE = "hf:"  # a captioner's name that begins so is a Hugging Face model's name, or its folder
ALEXNET = "alexnet"
LITE0 = "efficientnet-lite0"
_PLAIN_NAME = re.compile(r"[\w-][\w.-]*")


@dataclass(frozen=True)
class ModelChoice:
    """Which models are to look at photos."""

    captioner: str = CAPTIONER  # a folder in `models` or in the library, or hf:NAME
    classifier: str = LITE0  # efficientnet-lite0, alexnet (downloaded once by torchvision), or a state-dict file of it
    objects: bool = True  # the detector takes as long as all others together


@dataclass(frozen=True)
class Model:
    """A model that can be filed before it is loaded."""

    station: Station
    name: str
    digest: str
    load: Callable[[], Observer]


class Models:
    """The models of a workspace. Use from any thread."""

    def __init__(self, built_in: Path, imported: Path) -> None:
        """`built_in` holds a folder a model; `imported` those that were taken in from elsewhere."""
        self.imported = imported
        self._built_in = built_in
        self._folders = (built_in, imported)
        self._loaded: dict[tuple[Station | str, str], object] = {}
        self._lock = threading.RLock()

    def choose(self, choice: ModelChoice) -> list[Model]:
        """The models of a choice, in the order in which they look.

        Raises:
            ModelError: one is not there, or its config is damaged.
        """
        chosen = [self._captioner(choice.captioner), self._classifier(choice.classifier)]
        chosen.append(self._model(open_model(self._built_in / "concepts", Station.CONCEPTS), self.concepts))
        if choice.objects:
            chosen.append(self._model(open_model(self._built_in / "detector", Station.DETECTOR), self.detector))
        return chosen

    def _once(self, kind: Station | str, name: str, load: Callable[[], T]) -> T:
        with self._lock:
            if (kind, name) not in self._loaded:
                self._loaded[kind, name] = load()
            return self._loaded[kind, name]  # type: ignore[return-value]

    @staticmethod
    def _model(folder: ModelFolder, load: Callable[[], Observer]) -> Model:
        return Model(Station(folder.station), folder.name, folder.digest, load)

    def encoder(self) -> Encoder:
        """The encoder that captioner and concepts share."""
        return self._once("encoder", "", lambda: Encoder.load(self._built_in / "encoder"))

    def lite0(self) -> Classifier:
        """ImageNet's EfficientNet-Lite0."""
        return self._once(Station.CLASSIFIER, LITE0, lambda: Classifier.load(self._built_in / "classifier"))

    def concepts(self) -> Concepts:
        """The concept model."""
        return self._once(Station.CONCEPTS, "", lambda: Concepts.load(self._built_in / "concepts", self.encoder()))

    def detector(self) -> Detector:
        """The object detector."""
        return self._once(Station.DETECTOR, "", lambda: Detector.load(self._built_in / "detector"))

    def captioner(self, name: str = CAPTIONER) -> Observer:
        """A captioner by its name, as `ModelChoice` has it; raises `ModelError`."""
        return self._captioner(name).load()

    def captioners(self) -> list[str]:
        """The captioners that are there."""
        return sorted(list_models(self._folders, Station.CAPTIONER))

    def _captioner(self, name: str) -> Model:
        if name.startswith(HUGGING_FACE):
            found = self._once(Station.CAPTIONER, name, partial(_hugging_face, name.removeprefix(HUGGING_FACE)))
            return Model(found.station, found.name, found.digest, lambda: found)
        folder = self._captioner_folder(name)
        return self._model(folder, lambda: self._once(Station.CAPTIONER, name, lambda: self._load_captioner(folder)))

    def _captioner_folder(self, name: str) -> ModelFolder:
        paths = list_models(self._folders, Station.CAPTIONER)
        if name in paths:
            return open_model(paths[name], Station.CAPTIONER)
        if _PLAIN_NAME.fullmatch(name):
            for folder in self._folders:
                if (folder / name).is_dir():  # damaged, or no captioner: says so
                    return open_model(folder / name, Station.CAPTIONER)
        there = f"There are: {', '.join(sorted(paths))}." if paths else f"There is none in {self._built_in}."
        raise ModelError(f'Model "{name}" was not found. {there} A Hugging Face model is named {HUGGING_FACE}NAME.')

    def _load_captioner(self, folder: ModelFolder) -> Observer:
        if "network" in folder.options:
            from photosearch.vision.captioner.older_system.captioner import OlderCaptioner

            return OlderCaptioner.load(folder.path)
        from photosearch.vision.captioner.captioner import Captioner  # torch: seconds and hundreds of MB

        return Captioner.load(folder.path, self.encoder(), self.concepts())

    def _classifier(self, name: str) -> Model:
        if name == LITE0:
            return self._model(open_model(self._built_in / "classifier", Station.CLASSIFIER), self.lite0)
        found = self._once(Station.CLASSIFIER, name, partial(_alexnet, name, self._built_in / "classifier"))
        return Model(found.station, found.name, found.digest, lambda: found)


def _hugging_face(name: str) -> Observer:
    from photosearch.vision.captioner.hugging_face import HuggingFaceCaptioner

    return HuggingFaceCaptioner.load(name)


def _alexnet(name: str, labels: Path) -> Observer:
    from photosearch.vision.alexnet import AlexNet

    return AlexNet.download(labels) if name == ALEXNET else AlexNet.from_file(Path(name), labels)
