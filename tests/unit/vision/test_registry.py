"""Which models are chosen, that each is loaded once, and what another kind of model takes."""

from pathlib import Path

import pytest

from photosearch.errors import ModelError
from photosearch.records import Detection, Findings, Station
from photosearch.settings import MODELS_DIR
from photosearch.vision import registry
from photosearch.vision.detector import Detector
from photosearch.vision.model_folder import write_model
from photosearch.vision.observer import Batch
from photosearch.vision.registry import NO_DETECTOR, SUPPORTED, ModelChoice, Models, SupportedModel


class BoxDetector:
    """Finds a box in every picture."""

    station = Station.DETECTOR
    name = "boxes"
    digest = "b" * 64

    def observe(self, batch: Batch) -> list[Findings]:
        return [Findings(objects=(Detection("box", 0.9, (0.0, 0.0, 1.0, 1.0)),)) for _ in batch.pictures]


def with_detector(folder: Path, options: dict[str, object]) -> Models:
    """The models with a detector of one's own, whose config has the given options."""
    for path in MODELS_DIR.iterdir():
        if path.is_dir() and path.name != Station.DETECTOR:
            (folder / path.name).symlink_to(path)
    write_model(folder / "detector", Station.DETECTOR, "boxes", options, {})
    return Models(folder, folder / "imported")


def test_by_default_each_station_has_its_model_and_the_detector_comes_last():
    chosen = Models(MODELS_DIR, MODELS_DIR).choose(ModelChoice())
    assert [model.station for model in chosen] == [
        Station.CAPTIONER, Station.CLASSIFIER, Station.CONCEPTS, Station.DETECTOR,
    ]  # fmt: skip


def test_without_objects_there_is_no_detector():
    chosen = Models(MODELS_DIR, MODELS_DIR).choose(ModelChoice(detector=NO_DETECTOR))
    assert Station.DETECTOR not in [model.station for model in chosen]


def test_a_model_is_loaded_once_and_is_what_it_was_chosen_as():
    models = Models(MODELS_DIR, MODELS_DIR)
    for model, again in zip(models.choose(ModelChoice()), models.choose(ModelChoice()), strict=True):
        observer = model.load()
        assert again.load() is observer
        assert (observer.station, observer.name, observer.digest) == (model.station, model.name, model.digest)


def test_another_detector_is_one_line_and_its_folder(tmp_path, monkeypatch):
    line = SupportedModel(Station.DETECTOR, "boxes", lambda _, folder: BoxDetector())
    monkeypatch.setattr(registry, "SUPPORTED", (*SUPPORTED, line))
    detector = with_detector(tmp_path, {"network": "boxes"}).choose(ModelChoice())[-1].load()
    assert isinstance(detector, BoxDetector)
    assert isinstance(Models(MODELS_DIR, MODELS_DIR).choose(ModelChoice())[-1].load(), Detector)


def test_a_network_that_is_not_supported_is_refused_by_name(tmp_path):
    with pytest.raises(ModelError, match=r"config\.json is damaged \(the network boxes is not known\)"):
        with_detector(tmp_path, {"network": "boxes"}).choose(ModelChoice())


def test_a_second_detector_is_chosen_by_its_folder(tmp_path, monkeypatch):
    line = SupportedModel(Station.DETECTOR, "boxes", lambda _, folder: BoxDetector())
    monkeypatch.setattr(registry, "SUPPORTED", (*SUPPORTED, line))
    for path in MODELS_DIR.iterdir():
        if path.is_dir():
            (tmp_path / path.name).symlink_to(path)
    write_model(tmp_path / "boxes", Station.DETECTOR, "boxes", {"network": "boxes"}, {})
    models = Models(tmp_path, tmp_path / "imported")
    assert models.detectors() == ["boxes", "detector"]
    assert [models.choose(ModelChoice(detector=name))[-1].name for name in models.detectors()] == [
        "boxes",
        "yolov3-tiny",
    ]
    with pytest.raises(ModelError, match=r'Model "circles" was not found\. There are: boxes, detector\.$'):
        models.choose(ModelChoice(detector="circles"))


def test_a_device_that_is_not_here_is_refused_with_the_next_step():
    models = Models(MODELS_DIR, MODELS_DIR, "directml")
    with pytest.raises(ModelError, match=r"The device directml cannot run the models: .* leave PHOTOSEARCH_DEVICE out"):
        models.encoder()
    assert Models(MODELS_DIR, MODELS_DIR, "cpu").encoder()
