"""The encoder that captioner and concept model share: pictures to a grid of region vectors, in one pass."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from photosearch.pictures.images import ENCODER_SIDE_PX, as_learned, encoder_pixels
from photosearch.vision.graph import Graph, open_graph
from photosearch.vision.model_folder import open_model
from photosearch.vision.observer import Batch

STATION = "encoder"
GRAPH = "encoder.onnx"
ENCODED_AT_ONCE = 2  # more photos at once leave the processor's cache and take more memory


class Encoder:
    """EfficientNet-Lite2 without its classifier, fine-tuned on people's captions of photos."""

    def __init__(self, graph: Graph, digest: str) -> None:
        self._graph = graph
        self.digest = digest

    @classmethod
    def load(cls, folder: Path) -> Encoder:
        """Read an encoder from its folder; raises `ModelError`."""
        model = open_model(folder, STATION)
        return cls(open_graph(model, GRAPH, keeps_memory=True), model.digest)

    def regions(self, batch: Batch) -> np.ndarray:
        """Return the region vectors of a batch that is not empty, computed once: float32 (B, R, E)."""
        return batch.once(("regions", self.digest), lambda: self._see(batch))

    def _see(self, batch: Batch) -> np.ndarray:
        pictures = batch.pictures
        space = np.empty((ENCODED_AT_ONCE, 3, ENCODER_SIDE_PX, ENCODER_SIDE_PX), np.float32)
        few = [pictures[first : first + ENCODED_AT_ONCE] for first in range(0, len(pictures), ENCODED_AT_ONCE)]
        return np.concatenate([self._graph(encoder_pixels(list(map(as_learned, some)), space))[0] for some in few])
