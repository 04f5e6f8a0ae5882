"""The classifying station: a layer on the encoder's vectors, and AlexNet in its place."""

import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from email.message import Message
from http.client import IncompleteRead
from importlib import resources
from pathlib import Path
from types import SimpleNamespace
from urllib.error import HTTPError, URLError

import numpy as np
import onnx
import pytest
import torch
import torchvision
from PIL import Image

from photosearch.errors import ModelError
from photosearch.pictures.images import Picture
from photosearch.records import Station
from photosearch.settings import MODELS_DIR
from photosearch.vision.alexnet import AlexNet
from photosearch.vision.classifier import GRAPH, Classifier, best_labels, softmax
from photosearch.vision.encoder import Encoder
from photosearch.vision.observer import Batch, Observer

FOLDER = MODELS_DIR / "classifier"
LABELS: list[str] = json.loads((FOLDER / "labels.json").read_text(encoding="utf-8"))


def photo(name: str) -> Picture:
    with resources.as_file(resources.files("skimage") / "data" / name) as path, Image.open(path) as image:
        return picture(image.convert("RGB"))


def picture(rgb: Image.Image) -> Picture:
    return Picture(hashlib.sha256(rgb.tobytes()).hexdigest(), *rgb.size, rgb)


@pytest.fixture(scope="module")
def photos() -> list[Picture]:
    return [photo(name) for name in ("chelsea.png", "coffee.png", "astronaut.png", "rocket.jpg", "motorcycle_left.png")]


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return Encoder.load(MODELS_DIR / "encoder")


@pytest.fixture(scope="module")
def classifier(encoder: Encoder) -> Classifier:
    return Classifier.load(FOLDER, encoder)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the classifier's folder, to be damaged."""
    return shutil.copytree(FOLDER, tmp_path / "classifier")


def said(observer: Observer, *pictures: Picture) -> list[dict[str, float]]:
    return [{label.term: label.prob for label in found.labels} for found in observer.observe(Batch(pictures))]


@pytest.mark.parametrize(("name", "expected"), [("chelsea.png", ("cat", "tabby")), ("coffee.png", ("espresso", "cup"))])
def test_a_photograph_gets_the_label_of_what_it_shows(classifier, name, expected):
    (labels,) = said(classifier, photo(name))
    best = max(labels, key=lambda label: labels[label])
    assert any(word in best for word in expected), labels


def test_five_labels_are_told_the_likeliest_first(classifier, photos):
    for found in classifier.observe(Batch(photos)):
        probs = [label.prob for label in found.labels]
        assert len({label.term for label in found.labels}) == 5
        assert {label.term for label in found.labels} <= set(LABELS)
        assert probs == sorted(probs, reverse=True)
        assert 0 < sum(probs) <= 1 + 1e-6
        assert not found.captions
        assert not found.objects


def test_probabilities_are_the_softmax_of_the_logits():
    logits = np.array([1.0, 3.0, 2.0, 3.0, -500.0, 0.0, 2.5], np.float32)
    found = best_labels(softmax(logits[None])[0], list("abcdefg"))
    odds = np.exp(logits.astype(np.float64))
    assert [label.term for label in found] == ["b", "d", "g", "c", "a"]
    assert [label.prob for label in found] == pytest.approx(sorted(odds / odds.sum(), reverse=True)[:5], rel=1e-5)


def test_a_batch_equals_one_by_one(classifier, photos):
    together = said(classifier, *photos)
    assert together == [pytest.approx(said(classifier, one)[0], abs=1e-5) for one in photos]


def test_an_empty_batch_has_no_findings(classifier):
    assert classifier.observe(Batch([])) == []


def test_a_label_s_logit_is_a_layer_on_the_regions_mean(classifier, encoder, photos):
    batch = Batch(photos)
    layer = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in onnx.load(FOLDER / GRAPH).graph.initializer}
    (weight,) = (values.astype(np.float32) for values in layer.values() if values.ndim == 2)
    (bias,) = (values.astype(np.float32) for values in layer.values() if values.ndim == 1)
    logits = encoder.regions(batch).mean(1) @ (weight.T if weight.shape[0] == len(LABELS) else weight) + bias
    np.testing.assert_allclose(classifier.probabilities(batch), softmax(logits), atol=1e-5)


def test_a_classifier_of_another_encoder_is_refused(folder, encoder):
    config = json.loads((folder / "config.json").read_bytes())
    config["options"]["encoder"] = "0" * 64
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(ModelError, match="made for another encoder"):
        Classifier.load(folder, encoder)


@pytest.mark.parametrize("module", ["photosearch.vision.classifier", "photosearch.vision.alexnet"])
def test_importing_a_classifier_brings_no_torch(module):
    script = f"import {module}, sys; sys.exit(bool({{'torch', 'torchvision'}} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", script], cwd=MODELS_DIR.parent, check=False).returncode == 0


@pytest.mark.parametrize("name", ["classifier.onnx", "labels.json", "config.json"])
@pytest.mark.parametrize("damage", ["missing", "truncated"])
def test_a_damaged_folder_says_which_file(folder, encoder, name, damage):
    path = folder / name
    content = path.read_bytes()
    path.unlink()
    if damage == "truncated":
        path.write_bytes(content[: len(content) // 2])
    with pytest.raises(ModelError, match=name) as raised:
        Classifier.load(folder, encoder)
    assert str(path) in str(raised.value)


def rewrite(folder: Path, name: str, content: bytes) -> None:
    """Replace one of a model's files so that its config names the new one."""
    (folder / name).write_bytes(content)
    config = json.loads((folder / "config.json").read_bytes())
    config["files"][name] = hashlib.sha256(content).hexdigest()
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "content"),
    [("labels.json", b'{"0": "tench"}'), ("labels.json", b"[1, 2]"), ("classifier.onnx", b"no graph")],
)
def test_files_of_another_kind_are_refused(folder, encoder, name, content):
    rewrite(folder, name, content)
    with pytest.raises(ModelError, match=name):
        Classifier.load(folder, encoder)


def test_labels_of_another_network_are_refused(folder, encoder, photos):
    rewrite(folder, "labels.json", json.dumps(LABELS[:999]).encode())
    with pytest.raises(ModelError, match=r"1,000 labels apart, but labels\.json names 999"):
        Classifier.load(folder, encoder).observe(Batch(photos[:1]))


def alexnet_state(make: Callable[[str, torch.Size], torch.Tensor]) -> dict[str, torch.Tensor]:
    """A state dict of AlexNet's names and sizes."""
    with torch.device("meta"):
        network = torchvision.models.alexnet(weights=None)
    return {key: make(key, value.shape) for key, value in network.state_dict().items()}


def hollow_state() -> dict[str, torch.Tensor]:
    """AlexNet's 61 million weights in a few kB: all zero, and each tensor's are stored as one."""
    return alexnet_state(lambda _, shape: torch.zeros(()).expand(shape))


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained AlexNet that tells pictures apart, in 10 MB instead of 244: large layers repeat a row or column."""
    random = torch.Generator().manual_seed(0)

    def make(key: str, shape: torch.Size) -> torch.Tensor:
        if key.startswith("features") and len(shape) == 4:
            return torch.randn(shape, generator=random) * (2 / shape[1:].numel()) ** 0.5
        if key == "classifier.1.weight":
            return (torch.rand(1, shape[1], generator=random) / shape[1]).expand(shape)
        if key.endswith("weight"):
            return (torch.randn(shape[0], 1, generator=random) * 4 / shape[1]).expand(shape)
        return torch.rand(shape, generator=random) / 10

    path = tmp_path_factory.mktemp("alexnet") / "alexnet.pth"
    torch.save(alexnet_state(make), path)
    return path


@pytest.fixture(scope="module")
def alexnet(weights: Path) -> AlexNet:
    return AlexNet.from_file(weights, FOLDER)


def test_alexnet_says_what_torchvision_s_own_does(alexnet, weights, photos):
    network = torchvision.models.alexnet(weights=None).eval()
    network.load_state_dict(torch.load(weights, weights_only=True))
    prepare = torchvision.models.AlexNet_Weights.IMAGENET1K_V1.transforms()
    with torch.inference_mode():
        probs = network(torch.stack([prepare(one.rgb) for one in photos])).softmax(1)
    expected = [{LABELS[i]: float(row[i]) for i in row.topk(5).indices} for row in probs]
    assert said(alexnet, *photos) == [pytest.approx(labels, abs=1e-4) for labels in expected]
    assert len({tuple(labels.values()) for labels in expected}) == len(photos)  # the pictures make a difference


def test_alexnet_s_batch_equals_one_by_one(alexnet, photos):
    assert said(alexnet, *photos) == [pytest.approx(said(alexnet, one)[0], abs=1e-4) for one in photos]
    assert alexnet.observe(Batch([])) == []
    for found in alexnet.observe(Batch(photos)):
        probs = [label.prob for label in found.labels]
        assert len(probs) == 5
        assert probs == sorted(probs, reverse=True)
        assert sum(probs) <= 1 + 1e-6


def test_alexnet_looks_at_the_middle_of_a_long_strip(alexnet):
    noise = np.random.default_rng(0).integers(0, 256, (2, 800, 3), np.uint8)
    strip = Image.fromarray(noise)
    middle = strip.crop((396, 0, 404, 2))
    assert said(alexnet, picture(strip)) == [pytest.approx(said(alexnet, picture(middle))[0], abs=1e-4)]


def test_alexnet_s_digest_is_that_of_weights_and_labels(alexnet, weights, folder, tmp_path):
    assert (alexnet.station, alexnet.name, len(alexnet.digest)) == (Station.CLASSIFIER, "alexnet", 64)
    copy = shutil.copy(weights, tmp_path / "copy.pth")
    assert AlexNet.from_file(Path(copy), FOLDER).digest == alexnet.digest
    torch.save(hollow_state(), copy)
    assert AlexNet.from_file(Path(copy), FOLDER).digest != alexnet.digest
    rewrite(folder, "labels.json", json.dumps(LABELS[::-1]).encode())
    assert AlexNet.from_file(weights, folder).digest != alexnet.digest


def refused(path: Path, labels: Path = FOLDER) -> str:
    with pytest.raises(ModelError) as raised:
        AlexNet.from_file(path, labels)
    message = str(raised.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize(
    ("change", "fact"),
    [
        ({"features.0.weight": torch.zeros(64, 3, 7, 7)}, "features.0.weight is 64 x 3 x 7 x 7, not 64 x 3 x 11 x 11"),
        ({"classifier.6.bias": torch.zeros(10)}, "classifier.6.bias is 10, not 1000"),
        ({"features.0.bias": None}, "features.0.bias is missing"),
        ({"features.1.weight": torch.zeros(3)}, "it has features.1.weight, too"),
        ({"features.0.bias": torch.full((64,), torch.nan)}, "features.0.bias has values that are no weights"),
        ({"features.0.bias": torch.zeros(64, dtype=torch.int64)}, "features.0.bias has values that are no weights"),
    ],
)
def test_weights_of_another_network_are_refused(tmp_path, change, fact):
    state = {**hollow_state(), **change}
    torch.save({key: value for key, value in state.items() if value is not None}, tmp_path / "other.pth")
    message = refused(tmp_path / "other.pth")
    assert str(tmp_path / "other.pth") in message
    assert fact in message


class Harmful:
    """A pickle of it makes a folder when it is read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("kind", ["missing", "folder", "empty", "text", "truncated", "harmful", "network", "list"])
def test_files_that_hold_no_weights_are_refused(tmp_path, weights, kind):
    path, made = tmp_path / "file.pth", tmp_path / "made"
    if kind == "folder":
        path.mkdir()
    elif kind in ("harmful", "network", "list"):
        torch.save({"harmful": Harmful(made), "network": torch.nn.Linear(1, 1), "list": [torch.zeros(1)]}[kind], path)
    elif kind != "missing":
        whole = weights.read_bytes()
        path.write_bytes({"empty": b"", "text": b"no weights", "truncated": whole[: len(whole) // 2]}[kind])
    assert str(path) in refused(path)
    assert not made.exists()


def test_weights_that_would_unpack_to_more_than_their_file_are_refused_before_they_are(tmp_path, monkeypatch):
    torch.save({"features.0.weight": torch.zeros(1_000_000)}, tmp_path / "whole.pth")
    monkeypatch.setattr(torch, "load", None)
    packed = tmp_path / "packed.pth"
    with zipfile.ZipFile(tmp_path / "whole.pth") as whole, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as out:
        for member in whole.infolist():
            out.writestr(member.filename, whole.read(member))
    assert packed.stat().st_size < 20_000
    assert "would unpack to more than it is" in refused(packed)


def test_weights_of_the_older_form_that_say_more_than_they_hold_are_refused(tmp_path, monkeypatch):
    path = tmp_path / "older.pth"
    torch.save({"features.0.weight": torch.zeros(1000)}, path, _use_new_zipfile_serialization=False)
    path.write_bytes(path.read_bytes()[:-400])
    monkeypatch.setattr(torch, "load", None)
    assert "cut short" in refused(path)


def test_alexnet_without_the_labels_is_refused(folder, weights):
    (folder / "labels.json").unlink()
    assert str(folder / "labels.json") in refused(weights, folder)


def test_alexnet_with_other_labels_is_refused(folder, weights):
    rewrite(folder, "labels.json", json.dumps(LABELS[:999]).encode())
    assert "999 labels" in refused(weights, folder)


class Answer(io.BytesIO):
    """A server's answer; it may break off."""

    def __init__(self, body: bytes, error: Exception | None = None) -> None:
        super().__init__(body)
        self._error = error

    def info(self) -> Message:
        return Message()

    def read(self, size: int | None = -1, /) -> bytes:
        part = super().read(size)
        if not part and self._error:
            raise self._error
        return part


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[Answer | Exception], Path]:
    """Sets what the server of torchvision's weights answers; returns torch's cache, which is empty at first."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))

    def answer(what: Answer | Exception) -> Path:
        def urlopen(*_: object) -> Answer:
            if isinstance(what, Exception):
                raise what
            return what

        monkeypatch.setattr("torch.hub.urlopen", urlopen)
        return tmp_path / "torch" / "hub" / "checkpoints"

    return answer


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (URLError(OSError(-2, "Name or service not known")), "Name or service not known"),
        (HTTPError("https://x", 404, "Not Found", Message(), None), "the server answers 404"),
        (TimeoutError("timed out"), "timed out"),
        (Answer(b"half of it", IncompleteRead(b"", 10)), "IncompleteRead"),
        (Answer(b"half of it", ConnectionResetError(104, "Connection reset by peer")), "Connection reset by peer"),
        (Answer(b"something else"), "invalid hash value"),
    ],
    ids=["offline", "gone", "timeout", "cut off", "reset", "another file"],
)
def test_a_download_that_fails_leaves_nothing_behind(serve, answer, reason):
    cache = serve(answer)
    with pytest.raises(ModelError, match=r"cannot be downloaded from https://download\.pytorch\.org/.*\.pth") as raised:
        AlexNet.download(FOLDER)
    assert reason in str(raised.value)
    assert "\n" not in str(raised.value)
    assert list(cache.iterdir()) == []


def test_a_damaged_file_in_the_cache_is_named(serve):
    cache = serve(AssertionError("it is not downloaded again"))
    cache.mkdir(parents=True)
    (cache / "alexnet-owt-7be5be79.pth").write_bytes(b"half of it")
    with pytest.raises(ModelError, match=r"7be5be79\.pth is damaged\. Delete it"):
        AlexNet.download(FOLDER)


def test_what_is_downloaded_is_kept(serve, weights, alexnet, monkeypatch):
    content = weights.read_bytes()
    real = torchvision.models.AlexNet_Weights.IMAGENET1K_V1
    url = f"https://localhost/alexnet-{hashlib.sha256(content).hexdigest()[:8]}.pth"
    published = SimpleNamespace(url=url, transforms=real.transforms)
    monkeypatch.setattr("torchvision.models.AlexNet_Weights", SimpleNamespace(IMAGENET1K_V1=published))
    cache = serve(Answer(content))
    assert AlexNet.download(FOLDER).digest == alexnet.digest
    assert [path.name for path in cache.iterdir()] == [url.rpartition("/")[2]]
    serve(URLError("offline"))
    assert AlexNet.download(FOLDER).digest == alexnet.digest
