"""Networks as ONNX graphs, run by ONNX Runtime, three to four times as fast as the same layers in torch.

Weights are stored as float16 inside the graph and computed with as float32. A graph runs on one core, since as many
batches are observed at once as there are cores: two threads that share a small network wait for each other. Where ONNX
Runtime was installed for a GPU or the like, that is used (https://onnxruntime.ai/docs/execution-providers).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Protocol

import numpy as np
import onnxruntime

from photosearch.errors import ModelError
from photosearch.vision.model_folder import ModelFolder
from photosearch.vision.observer import N_AT_ONCE, N_CORES
from photosearch.vision.onnx_file import node, write_graph

PROVIDERS = {  # what runs networks on each device; without a choice, the first one that is installed
    "cuda": "CUDAExecutionProvider",
    "directml": "DmlExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
    "cpu": "CPUExecutionProvider",
}
_chosen: ContextVar[str] = ContextVar("device", default="")


@contextmanager
def on_device(device: str) -> Iterator[None]:
    """Open graphs within the block for a device: a key of `PROVIDERS`; empty: the first one that is installed."""
    token = _chosen.set(device)
    try:
        yield
    finally:
        _chosen.reset(token)


class Graph(Protocol):
    """A network with one input array and a list of outputs."""

    def __call__(self, inputs: np.ndarray) -> list[np.ndarray]:
        """Run a batch, float32 (B, ...), B at least 1."""
        ...


class NamedGraph(Protocol):
    """A network whose input arrays have names, with a list of outputs."""

    def __call__(self, inputs: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        """Run a batch."""
        ...


def open_graph(folder: ModelFolder, name: str, *, keeps_memory: bool = False) -> Graph:
    """Open one of a model's graphs.

    Args:
        folder: the model's.
        name: of the file.
        keeps_memory: keep what a batch took for the next one: a twentieth quicker. For graphs whose batches are small.

    Raises:
        ModelError: the file is missing or damaged.
    """
    content = folder.read(name)
    try:
        session = _open(content, keeps_memory=keeps_memory)
    except ModelError:
        raise
    except Exception as error:
        raise folder.damaged(name, error) from error
    (entry,) = session.get_inputs()

    def run(inputs: np.ndarray) -> list[np.ndarray]:
        outputs: Sequence[np.ndarray] = session.run(None, {entry.name: inputs})
        return list(outputs)

    return run


def open_content(content: bytes) -> NamedGraph:
    """Open a graph that was made of checked weights, as `onnx_file.write_graph` returns it."""
    session = _open(content)

    def run(inputs: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        outputs: Sequence[np.ndarray] = session.run(None, dict(inputs))
        return list(outputs)

    return run


def log_softmax(rows: np.ndarray) -> np.ndarray:
    """Return log-probabilities for logits, float32 (N, V), N at least 1: in a third of the time that numpy takes."""
    (log_probs,) = _open_log_softmax()({"logits": rows})
    return log_probs


@cache
def _open_log_softmax() -> NamedGraph:
    with on_device("cpu"):  # to another one the logits would have to be carried
        return open_content(
            write_graph([node("LogSoftmax", ["logits"], ["log_probs"], axis=1)], {"logits": 2}, ["log_probs"], {})
        )


def _open(content: bytes, *, keeps_memory: bool = False) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors only
    options.intra_op_num_threads = max(1, N_CORES // N_AT_ONCE)
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # which would slow down other threads
    options.enable_cpu_mem_arena = keeps_memory  # as much as the largest batch took, for each thread
    options.enable_mem_pattern = "DmlExecutionProvider" not in (providers := _providers())  # DirectML has none
    session = onnxruntime.InferenceSession(content, options, providers=providers)
    if _chosen.get() and session.get_providers()[0] != providers[0]:  # what cannot start is left out silently
        raise _unavailable(_chosen.get(), "it cannot be started")
    return session


def runs_on_processor() -> bool:
    """Tell whether graphs that are opened now run on the processor."""
    return _providers()[0] == PROVIDERS["cpu"]


def _providers() -> list[str]:
    """Return what is to run a graph, the first choice first; raises `ModelError` where the chosen one is not here."""
    installed = onnxruntime.get_available_providers()
    chosen = _chosen.get()
    if chosen and PROVIDERS[chosen] not in installed:
        raise _unavailable(chosen, "ONNX Runtime was installed without it")
    first = PROVIDERS[chosen] if chosen else next(name for name in PROVIDERS.values() if name in installed)
    return list(dict.fromkeys([first, PROVIDERS["cpu"]]))  # the processor does what another device cannot


def _unavailable(device: str, fact: str) -> ModelError:
    return ModelError(
        f"The device {device} cannot run the models: {fact}. Install the ONNX Runtime for it,"
        " or leave PHOTOSEARCH_DEVICE out."
    )
