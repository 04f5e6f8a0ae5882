"""Exported graphs against the same layers in torch, and as they are opened."""

import numpy as np
import onnxruntime
import pytest
import torch
from torch import nn

from photosearch.errors import ModelError
from photosearch.records import Station
from photosearch.settings import DEVICES, MODELS_DIR
from photosearch.vision import graph
from photosearch.vision.graph import log_softmax, open_graph
from photosearch.vision.model_folder import list_models, open_model, write_model
from training.efficientnet import Classifier
from training.graphs import export_graph, fold_batch_norm


@pytest.fixture(scope="module")
def network() -> Classifier:
    """An untrained EfficientNet-Lite2 whose batch norms are no identities."""
    torch.manual_seed(0)
    network = Classifier().eval()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.uniform_(-0.2, 0.2)
            module.running_var.uniform_(0.5, 1.5)
            module.weight.data.uniform_(0.5, 1.5)
            module.bias.data.uniform_(-0.2, 0.2)
    return network


def test_folding_batch_norm_changes_nothing(network):
    pixels = torch.randn(2, 3, 224, 224)
    folded = fold_batch_norm(network)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in folded.modules())
    with torch.inference_mode():
        assert torch.allclose(folded(pixels), network(pixels), atol=1e-4, rtol=1e-4)


def test_the_network_is_timm_s():
    import timm

    torch.manual_seed(1)
    ours, theirs = Classifier().eval(), timm.create_model("tf_efficientnet_lite2", pretrained=False).eval()
    theirs.load_state_dict(dict(zip(theirs.state_dict(), ours.state_dict().values(), strict=True)))
    pixels = torch.randn(1, 3, 224, 224)
    with torch.inference_mode():
        # Not bit by bit: ours scales the filters by the norms, in place of norming what they find.
        torch.testing.assert_close(ours(pixels), theirs(pixels), rtol=1e-4, atol=1e-6)


def test_a_graph_equals_torch_with_the_same_rounded_weights(network):
    content = export_graph(network, torch.randn(2, 3, 224, 224), ["logits"])
    folded = fold_batch_norm(network)
    for value in folded.state_dict().values():
        if value.is_floating_point() and value.numel() > 64:
            value.copy_(value.half().float())
    pixels = torch.randn(3, 3, 224, 224)
    (found,) = onnxruntime.InferenceSession(content).run(None, {"input": pixels.numpy()})
    with torch.inference_mode():
        assert np.abs(found - folded(pixels).numpy()).max() < 1e-4


def test_a_graph_that_differs_is_not_exported(monkeypatch):
    from training import graphs

    monkeypatch.setattr(graphs, "TOLERANCE", -1.0)
    with pytest.raises(RuntimeError, match="differs from torch"):
        export_graph(nn.Sequential(nn.Linear(4, 2)), torch.randn(2, 4), ["out"])


def test_the_same_network_gives_the_same_file():
    torch.manual_seed(2)
    network = nn.Sequential(nn.Linear(40, 20), nn.ReLU())
    example = torch.randn(2, 40)
    assert export_graph(network, example, ["out"]) == export_graph(network, example, ["out"])


def test_a_graph_is_read_from_its_folder(tmp_path):
    network = nn.Sequential(nn.Linear(4, 2))
    content = export_graph(network, torch.randn(2, 4), ["out"])
    folder = write_model(tmp_path / "m", Station.DETECTOR, "m", {}, {"m.onnx": content})
    (found,) = open_graph(folder, "m.onnx")(np.ones((3, 4), np.float32))
    with torch.inference_mode():
        assert np.allclose(found, network(torch.ones(3, 4)).numpy(), atol=1e-4)
    with pytest.raises(ModelError, match="names no other"):
        open_graph(folder, "other.onnx")


def test_log_softmax_is_that_of_numpy():
    logits = np.random.default_rng(0).normal(size=(3, 50)).astype(np.float32) * 5
    logits[1, 7] = -np.inf
    wanted = logits - np.log(np.exp(logits.astype(np.float64)).sum(axis=1, keepdims=True))
    np.testing.assert_allclose(log_softmax(logits), wanted, rtol=1e-5)


def test_models_are_listed_by_station_and_damaged_ones_left_out(tmp_path):
    write_model(tmp_path / "one" / "a", Station.CAPTIONER, "a", {}, {})
    write_model(tmp_path / "two" / "a", Station.CAPTIONER, "b", {}, {})
    write_model(tmp_path / "two" / "c", Station.CAPTIONER, "c", {}, {})
    write_model(tmp_path / "two" / "d", Station.DETECTOR, "d", {}, {})
    (tmp_path / "two" / "e").mkdir()
    (tmp_path / "two" / "e" / "config.json").write_text("{")
    found = list_models([tmp_path / "one", tmp_path / "two", tmp_path / "none"], Station.CAPTIONER)
    assert found == {"a": tmp_path / "one" / "a", "c": tmp_path / "two" / "c"}


@pytest.mark.parametrize("name", ["encoder", "captioner", "concepts", "classifier", "detector"])
def test_every_committed_file_is_the_one_that_its_config_names(name):
    model = open_model(MODELS_DIR / name, name)
    for file in model.files:
        assert model.read(file)
    beside = {path.name for path in model.path.iterdir()} - {"config.json", "README.md", "reliability.svg"}
    assert beside == set(model.files)


@pytest.mark.parametrize(
    ("device", "installed", "first"),
    [
        ("", ["CPUExecutionProvider"], "CPUExecutionProvider"),
        ("", ["AzureExecutionProvider", "CPUExecutionProvider"], "CPUExecutionProvider"),
        ("", ["CUDAExecutionProvider", "CPUExecutionProvider"], "CUDAExecutionProvider"),
        ("", ["CoreMLExecutionProvider", "CPUExecutionProvider"], "CoreMLExecutionProvider"),
        ("cpu", ["CUDAExecutionProvider", "CPUExecutionProvider"], "CPUExecutionProvider"),
        ("openvino", ["CUDAExecutionProvider", "OpenVINOExecutionProvider"], "OpenVINOExecutionProvider"),
    ],
)
def test_what_is_installed_runs_graphs_unless_a_device_is_chosen(monkeypatch, device, installed, first):
    """Seen in the session that is asked for; the other devices are not here."""
    asked = []

    class Session:
        def __init__(self, _content: bytes, _options: object, providers: list[str]) -> None:
            asked.extend(providers)

        def get_providers(self) -> list[str]:
            return asked

    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: installed)
    monkeypatch.setattr(onnxruntime, "InferenceSession", Session)
    with graph.on_device(device):
        graph.open_content(b"")
        assert graph.runs_on_processor() == (first == "CPUExecutionProvider")
    assert asked == list(dict.fromkeys([first, "CPUExecutionProvider"]))


def test_each_device_has_what_runs_it():
    assert set(graph.PROVIDERS) == set(DEVICES)
