"""Networks as ONNX graphs, run by ONNX Runtime, three to four times as fast as the same layers in torch.

Weights are stored as float16 inside the graph and computed with as float32. A graph runs on one core, since as many
batches are observed at once as there are cores: two threads that share a small network wait for each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
import onnxruntime

from photosearch.vision.model_folder import ModelFolder
from photosearch.vision.observer import N_AT_ONCE, N_CORES


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


def open_graph(folder: ModelFolder, name: str) -> Graph:
    """Open one of a model's graphs; raises `ModelError` when its file is missing or damaged."""
    content = folder.read(name)
    try:
        session = _open(content)
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


def _open(content: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors only
    options.intra_op_num_threads = max(1, N_CORES // N_AT_ONCE)
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # which would slow down other threads
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
