"""The captioning station: decoded pictures in, sentences out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from photosearch.captioner import beam
from photosearch.captioner.checkpoint import Checkpoint, load_checkpoint
from photosearch.images import CAPTIONER_SIDE_PX, PIXEL_MEAN, PIXEL_SCALE
from photosearch.records import Caption

# More photos at once leave the processor's cache: 32 are slower by a third and take 500 MB more.
ENCODED_AT_ONCE = 4


class Captioner:
    """Writes sentences for pictures."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self.name = checkpoint.name
        self.digest = checkpoint.digest
        self.vocabulary = checkpoint.vocabulary
        self.decoding = checkpoint.decoding
        self._encoder = checkpoint.encoder.to(memory_format=torch.channels_last)
        self._decoder = checkpoint.decoder

    @classmethod
    def load(cls, folder: Path) -> Captioner:
        """Read a captioner from its files; raises `ModelError` as `load_checkpoint` does."""
        return cls(load_checkpoint(folder))

    @torch.inference_mode()
    def caption_batch(
        self, pictures: Sequence[np.ndarray], *, decoding: beam.Decoding | None = None
    ) -> list[list[Caption]]:
        """Write sentences for each picture, best first.

        Args:
            pictures: uint8 arrays (224, 224, 3), RGB, as `images.captioner_view` makes them; may be empty.
            decoding: how to search; the model's own way by default.

        Returns:
            For each picture in input order at most `beam_width` captions. A sentence found twice
            (it cannot be told apart by its words) is kept once.

        Raises:
            ValueError: a picture has another shape.
        """
        if not pictures:
            return []
        side = CAPTIONER_SIDE_PX
        for picture in pictures:
            if picture.shape != (side, side, 3):
                raise ValueError(f"a picture has shape {picture.shape}; want ({side}, {side}, 3)")
        batch = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2)  # (B, 3, side, side), channels last in memory
        pixels = (batch.float() - PIXEL_MEAN) / PIXEL_SCALE
        regions = torch.cat([self._encoder(few) for few in pixels.split(ENCODED_AT_ONCE)])  # (B, R, E)
        found = beam.search(self._decoder, regions, decoding or self.decoding)
        return [self._captions(sentences) for sentences in found]

    def _captions(self, sentences: list[beam.Sentence]) -> list[Caption]:
        best: dict[str, float] = {}
        for sentence in sentences:
            best.setdefault(" ".join(self.vocabulary.decode(sentence.words)), sentence.log_prob)
        return [Caption(text, log_prob, self.name, rank) for rank, (text, log_prob) in enumerate(best.items())]
