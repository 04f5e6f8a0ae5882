"""The captioner of the older system, as `importer` takes it in: its own network, run by this system's beam search."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors import SafetensorError
from safetensors.torch import load
from torch import Tensor

from photosearch.pictures.images import Picture
from photosearch.records import Caption, Findings, Station
from photosearch.vision.captioner import beam
from photosearch.vision.captioner.older_system.network import (
    INPUT_SIDE_PX,
    OlderNetwork,
    OlderSizes,
    check_fit,
    make_network,
)
from photosearch.vision.captioner.torch_writer import TorchWriter, TorchWriting
from photosearch.vision.captioner.vocabulary import Vocabulary
from photosearch.vision.model_folder import CONFIG, open_model
from photosearch.vision.observer import Batch

WEIGHTS, VOCABULARY = "weights.safetensors", "vocabulary.json"
NETWORK = "resnet-attention-lstm"
# The mean and standard deviation of ImageNet's pixels, which torchvision's networks were trained with.
MEAN, STD = np.array((0.485, 0.456, 0.406), np.float32), np.array((0.229, 0.224, 0.225), np.float32)
ENCODED_AT_ONCE = 4  # more photos at once take more memory and are no quicker


class OlderCaptioner:
    """A captioner of the older system: its network, with this system's beam search."""

    station = Station.CAPTIONER

    def __init__(
        self, name: str, digest: str, network: OlderNetwork, vocabulary: Vocabulary, decoding: beam.Decoding
    ) -> None:
        self.name = name
        self.digest = digest
        self.vocabulary = vocabulary
        self.decoding = decoding
        self._encoder = network.encoder
        self._begin = network.decoder.begin
        self.decoder = TorchWriter(network.decoder)

    @classmethod
    def load(cls, folder: Path) -> OlderCaptioner:
        """Read an imported captioner.

        Raises:
            ModelError: a file is missing or damaged, or they do not belong together.
        """
        model = open_model(folder, Station.CAPTIONER)
        try:
            if model.options["network"] != NETWORK:
                raise ValueError(f"the network {model.options['network']} is not known")
            sizes = OlderSizes(**model.options["sizes"])  # type: ignore[arg-type]
            decoding = beam.Decoding(**model.options["decoding"])  # type: ignore[arg-type]
        except (KeyError, TypeError, ValueError) as error:
            raise model.damaged(CONFIG, error) from error
        try:
            vocabulary = Vocabulary(json.loads(model.read(VOCABULARY)))
            if len(vocabulary) != sizes.vocabulary:
                raise ValueError(f"{len(vocabulary):,} words, but {CONFIG} says {sizes.vocabulary:,}")
        except (ValueError, TypeError) as error:
            raise model.damaged(VOCABULARY, error) from error
        try:
            state = load(model.read(WEIGHTS))
            check_fit(sizes, {key: tuple(value.shape) for key, value in state.items()})
        except (ValueError, KeyError, SafetensorError) as error:
            raise model.damaged(WEIGHTS, error) from error
        network = make_network(sizes)
        network.load_state_dict(state, strict=False, assign=True)  # not strict: no counters, only training wants them
        return cls(model.name, model.digest, network.eval().requires_grad_(False), vocabulary, decoding)

    @torch.inference_mode()
    def regions(self, pictures: list[Picture]) -> Tensor:
        """Encode a few pictures, at least one: float32 (B, R, E), with R = 196 and E = 2048."""
        grid: Tensor = self._encoder(torch.stack([_pixels(picture) for picture in pictures]))  # (B, E, 14, 14)
        return grid.flatten(2).transpose(1, 2)  # (B, R, E)

    @torch.inference_mode()
    def see(self, batch: Batch, decoding: beam.Decoding | None = None) -> TorchWriting:  # noqa: ARG002 - as `Attentive`
        """Return a sentence without words for each of at least one picture; the pictures are encoded once."""

        def encode() -> Tensor:
            firsts = range(0, len(batch.pictures), ENCODED_AT_ONCE)
            return torch.cat([self.regions(list(batch.pictures[i : i + ENCODED_AT_ONCE])) for i in firsts])

        return TorchWriting.begin(self._begin(batch.once(("regions", self.digest), encode)))

    def observe(self, batch: Batch) -> list[Findings]:
        """Return sentences for each picture, best first; a sentence found twice is kept once."""
        return [Findings(captions=captions) for captions in self.write(batch)]

    def write(
        self, batch: Batch, decoding: beam.Decoding | None = None, prefix: Sequence[int] = ()
    ) -> list[tuple[Caption, ...]]:
        """Write sentences for each picture, as `Captioner.write` does."""
        captions = []
        for first in range(0, len(batch.pictures), ENCODED_AT_ONCE):
            few = Batch(batch.pictures[first : first + ENCODED_AT_ONCE]) if len(batch.pictures) > 1 else batch
            for sentences in beam.search(self.decoder, self.see(few), decoding or self.decoding, prefix):
                captions.append(self._captions(sentences))
        return captions

    def _captions(self, sentences: list[beam.Sentence]) -> tuple[Caption, ...]:
        best: dict[str, float] = {}
        for sentence in sentences:
            best.setdefault(" ".join(self.vocabulary.decode(sentence.words)), sentence.log_prob)
        return tuple(Caption(text, log_prob, self.name, rank) for rank, (text, log_prob) in enumerate(best.items()))


def _pixels(picture: Picture) -> Tensor:
    """Return a picture as the older system prepared it: float32 (3, 256, 256), squashed bilinearly."""
    side = (INPUT_SIDE_PX, INPUT_SIDE_PX)
    squashed = np.asarray(picture.rgb.resize(side, Image.Resampling.BILINEAR), np.float32) / 255
    return torch.from_numpy((squashed - MEAN) / STD).permute(2, 0, 1).contiguous()
