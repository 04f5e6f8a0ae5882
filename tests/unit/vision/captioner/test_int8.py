"""Linear layers in int8, and what the captioner as it ships loses by them."""

from __future__ import annotations

import numpy as np
import pytest
from safetensors.numpy import load

from photosearch.pictures import images
from photosearch.settings import MODELS_DIR
from photosearch.sources import demo
from photosearch.vision.captioner import checkpoint
from photosearch.vision.captioner.checkpoint import WEIGHTS
from photosearch.vision.captioner.decoder import GraphDecoder
from photosearch.vision.captioner.int8 import int8_tensors, linear_in_int8
from photosearch.vision.captioner.vocabulary import START
from photosearch.vision.graph import open_content
from photosearch.vision.observer import Batch
from photosearch.vision.onnx_file import write_graph
from photosearch.vision.registry import Models


def layer(weight: np.ndarray, bias: np.ndarray):
    """A layer in int8, as a function of its inputs."""
    tensors = int8_tensors("layer", weight, bias)
    graph = open_content(write_graph(linear_in_int8("x", "layer", "y"), {"x": 2}, ["y"], tensors))
    return lambda rows: graph({"x": rows})[0]


def some(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape, np.float32)


@pytest.mark.parametrize(("n_out", "n_in"), [(1, 1), (7, 3), (40, 96), (130, 513)])
@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_outputs_are_near_those_of_float32(n_out, n_in, scale):
    weight, bias, rows = some(0, n_out, n_in), np.zeros(n_out, np.float32), scale * some(2, 50, n_in)
    exact = rows @ weight.T
    error = layer(weight, bias)(rows) - exact
    assert error.std() < exact.std() / 30


def test_a_row_does_not_depend_on_the_others():
    """A photo's sentences are the same whatever photos share its batch."""
    compute, rows = layer(some(0, 33, 64), some(1, 33)), some(2, 20, 64)
    rows[3] *= 1000
    together = compute(rows)
    for i, row in enumerate(rows):
        assert np.array_equal(compute(row[None])[0], together[i])


def test_zeros_come_to_the_bias():
    bias = some(1, 5)
    assert np.array_equal(layer(some(0, 5, 8), bias)(np.zeros((2, 8), np.float32)), [bias, bias])
    assert np.array_equal(layer(np.zeros((5, 8), np.float32), bias)(some(2, 2, 8)), [bias, bias])


@pytest.mark.parametrize("n_in", [1, 6, 7, 512])
def test_two_products_fit_in_sixteen_bits(n_in):
    """However the largest weights stand: neighbours share one register of processors that add in 16 bits."""
    weight = some(3, 50, n_in)
    weight[:10] = np.sign(weight[:10])  # all as large as each other
    weight[10:20, : n_in // 2] *= 100
    rounded = int8_tensors("layer", weight, weight[:, 0])["layer.columns"].T.astype(int)
    padded = np.pad(np.abs(rounded), ((0, 0), (0, n_in % 2)))
    pairs = padded.reshape(len(weight), -1, 2).sum(2)
    assert pairs.max() * 255 <= np.iinfo(np.int16).max
    assert pairs.max(1).min() >= 100  # and the range is made use of


def test_the_shipped_captioner_writes_of_the_demo_as_in_float32(tmp_path):
    """Word by word along its own captions: the expected log-odds between both, in nats, of the words to come."""
    models = Models(MODELS_DIR, tmp_path)
    captioner = models.captioner()
    keys = [f"{package}/{name}" for package, names in demo.PHOTOS.items() for name in names]
    batch = Batch([images.decode(demo.path_of(key).read_bytes()) for key in keys])
    weights = load((MODELS_DIR / "captioner" / WEIGHTS).read_bytes())
    exact = GraphDecoder(
        captioner.decoder.sizes, {name: values.astype(np.float32) for name, values in weights.items()}, in_int8=False
    )
    texts = [sentences[0].text.split() for sentences in captioner.write(batch)]
    words = [captioner.vocabulary.encode(text) for text in texts]
    begun = captioner.see(batch)
    ours, theirs, divergences = begun, begun, []
    for t in range(min(map(len, words)) + 1):
        following = np.array([row[t - 1] if t else START for row in words])
        ours, rounded, _ = captioner.decoder.step(ours, following)
        theirs, wanted, _ = exact.step(theirs, following)
        divergences.append((np.exp(logs(wanted)) * (logs(wanted) - logs(rounded))).sum(1))
    assert np.shape(divergences) >= (4, len(keys))
    assert np.mean(divergences) < 0.001
    assert np.max(divergences) < 0.01


@pytest.mark.parametrize("on_processor", [True, False])
def test_only_the_processor_computes_in_int8(tmp_path, monkeypatch, on_processor):
    asked = []
    monkeypatch.setattr(checkpoint, "runs_on_processor", lambda: on_processor)
    monkeypatch.setattr(checkpoint, "GraphDecoder", lambda *_, in_int8: asked.append(in_int8))
    models = Models(MODELS_DIR, tmp_path)
    checkpoint.load_checkpoint(MODELS_DIR / "captioner", models.encoder(), models.concepts().digest)
    assert asked == [on_processor]


def logs(logits: np.ndarray) -> np.ndarray:
    shifted = logits - logits.max(1, keepdims=True)
    logged: np.ndarray = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    return logged
