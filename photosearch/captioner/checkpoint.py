"""A captioner's files: weights, sizes and vocabulary, checked when read.

A folder holds `captioner.safetensors` (float16), `config.json` and `vocabulary.json`; a `README.md`
beside them is the model's card.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save_file
from torch import nn

from photosearch.captioner.beam import Decoding
from photosearch.captioner.files import CONFIG, FORMAT, VOCABULARY, WEIGHTS, read_files
from photosearch.captioner.network import Decoder, Encoder, Sizes
from photosearch.captioner.vocabulary import Vocabulary
from photosearch.errors import ModelError


@dataclass(frozen=True)
class Checkpoint:
    """A captioner as its files hold it."""

    name: str
    encoder: Encoder  # both float32 and in evaluation mode
    decoder: Decoder
    vocabulary: Vocabulary
    decoding: Decoding
    digest: str


def save_checkpoint(
    folder: Path, name: str, encoder: Encoder, decoder: Decoder, vocabulary: Vocabulary, decoding: Decoding
) -> None:
    """Write a captioner's files; those that are there are replaced."""
    folder.mkdir(parents=True, exist_ok=True)
    network = nn.ModuleDict({"encoder": encoder, "decoder": decoder})
    state = {key: value.half().contiguous() for key, value in network.state_dict().items() if value.is_floating_point()}
    save_file(state, folder / WEIGHTS, metadata={"format": "pt"})
    config = {"format": FORMAT, "name": name, "sizes": asdict(decoder.sizes), "decoding": asdict(decoding)}
    (folder / CONFIG).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    (folder / VOCABULARY).write_text(json.dumps(vocabulary.words, indent=0) + "\n", encoding="utf-8")


@contextmanager
def _damage(path: Path) -> Iterator[None]:
    """What a damaged file makes its reader raise, as our error."""
    try:
        yield
    except (ValueError, KeyError, TypeError, SafetensorError) as error:
        raise ModelError(f"{path} is damaged ({error}). Get it again; see models/README.md.") from error


def load_checkpoint(folder: Path) -> Checkpoint:
    """Read a captioner.

    Raises:
        ModelError: a file is missing or damaged, or the three do not belong together.
    """
    files = read_files(folder)
    with _damage(folder / CONFIG):
        sizes, decoding = Sizes(**files.config["sizes"]), Decoding(**files.config["decoding"])  # type: ignore[arg-type]
        if not all(isinstance(size, int) and size > 0 for size in asdict(sizes).values()):
            raise ValueError("a size is no positive number")
    with _damage(folder / VOCABULARY):
        vocabulary = Vocabulary(json.loads(files.vocabulary))
    with _damage(folder / WEIGHTS):
        state = load(files.weights)
    if len(vocabulary) != sizes.vocabulary:
        raise ModelError(
            f"{folder / VOCABULARY} has {len(vocabulary):,} words, but {CONFIG} says {sizes.vocabulary:,}."
            " Replace both together; see models/README.md."
        )
    encoder, decoder = Encoder(), Decoder(sizes)
    network = nn.ModuleDict({"encoder": encoder, "decoder": decoder}).eval().requires_grad_(False)
    skipped = {
        key for key, value in network.state_dict().items() if not value.is_floating_point()
    }  # batch norm's counters
    try:
        missing, unexpected = network.load_state_dict(
            {key: value.float() for key, value in state.items()}, strict=False
        )
    except RuntimeError as error:
        raise ModelError(f"{folder / WEIGHTS} does not fit {CONFIG}: {str(error).splitlines()[-1].strip()}") from error
    if set(missing) - skipped or unexpected:
        odd = sorted(set(missing) - skipped) + unexpected
        raise ModelError(f"{folder / WEIGHTS} does not fit {CONFIG}: {len(odd)} tensors differ, among them {odd[0]}.")
    for value in network.state_dict().values():  # batch norm's statistics, too
        if not torch.isfinite(value).all():
            raise ModelError(
                f"{folder / WEIGHTS} holds numbers that are not finite. Get the file again; see models/README.md."
            )
    return Checkpoint(files.name, encoder, decoder, vocabulary, decoding, files.digest)
