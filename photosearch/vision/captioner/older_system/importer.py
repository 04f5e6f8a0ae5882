"""Import of the older system's captioners: checkpoint files, which may be malicious, become a model's folder.

`BEST_checkpoint_*.pth.tar` is a pickled dict with the modules `encoder` and `decoder`; `WORDMAP_*.json` gives each
word its number. Only the tensors are read (see `untrusted`), and written as an ordinary model's folder: a config,
`weights.safetensors` (float32) and `vocabulary.json`, which `captioner` runs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from safetensors.torch import save
from torch import Tensor

from photosearch.errors import ModelError
from photosearch.files import force_to_disk
from photosearch.records import Station
from photosearch.vision.captioner.beam import Decoding
from photosearch.vision.captioner.older_system.captioner import NETWORK, VOCABULARY, WEIGHTS
from photosearch.vision.captioner.older_system.network import DEPTHS, OlderSizes, check_fit
from photosearch.vision.captioner.vocabulary import SPECIAL
from photosearch.vision.model_folder import write_model
from photosearch.vision.torch_files import module_tensors, open_untrusted
from photosearch.vision.untrusted import LazyTensor, UntrustedError

_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}")
_BY_WORD = ("decoder.embedding.weight", "decoder.fc.weight", "decoder.fc.bias")  # tensors with one row for each word
_WORDMAP_ADVICE = "Give the WORDMAP_*.json that lay beside the checkpoint."


def import_checkpoint(checkpoint: Path, wordmap: Path, out: Path, name: str) -> None:
    """Convert a checkpoint to a model's folder; nothing is written when anything is wrong.

    Args:
        checkpoint: `BEST_checkpoint_*.pth.tar`, of either of torch's file forms.
        wordmap: `WORDMAP_*.json`.
        out: the new folder.
        name: what the model is to be called: letters, digits, hyphens, underscores and dots.

    Raises:
        ModelError: a file cannot be read, is damaged or does not fit the other, the name cannot be used or is
            taken, or the folder cannot be written.
    """
    if not _NAME.fullmatch(name):
        raise ModelError(
            f"A model cannot be called {name!r}. Use up to 64 letters, digits, hyphens, underscores and dots,"
            " no dot first."
        )
    if out.exists():
        raise ModelError(f'"{out}" is there already. Choose another name.')
    words, order = _read_wordmap(wordmap)
    with open_untrusted(checkpoint) as content:
        tensors = _tensors(content)
        sizes = _sizes(tensors)
        if sizes.vocabulary != len(words):
            raise UntrustedError(f'it writes {sizes.vocabulary:,} words, but "{wordmap}" has {len(words):,}')
        try:
            check_fit(sizes, {key: lazy.shape for key, lazy in tensors.items()})
        except ValueError as error:
            raise UntrustedError(str(error)) from error
        state = {key: _read(key, lazy, order if key in _BY_WORD else None) for key, lazy in tensors.items()}
    options = {"network": NETWORK, "sizes": asdict(sizes), "decoding": asdict(Decoding())}
    vocabulary = json.dumps(words, indent=0, ensure_ascii=False).encode() + b"\n"
    _write(out, name, options, {WEIGHTS: save(state), VOCABULARY: vocabulary})


def _read_wordmap(path: Path) -> tuple[list[str], list[int]]:
    """Read the words in our order (the special ones first), and the number of each in the checkpoint."""
    try:
        numbers = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelError(f'"{path}" cannot be read: {error.strerror or error}. Check the path.') from error
    except (ValueError, RecursionError) as error:
        raise ModelError(f'"{path}" is no JSON ({error}). {_WORDMAP_ADVICE}') from error
    if not isinstance(numbers, dict) or not all(type(number) is int for number in numbers.values()):
        raise ModelError(f'"{path}" is no JSON object of words and their numbers. {_WORDMAP_ADVICE}')
    if missing := [word for word in SPECIAL if word not in numbers]:
        raise ModelError(f'"{path}" lacks {", ".join(missing)}. {_WORDMAP_ADVICE}')
    if sorted(numbers.values()) != list(range(len(numbers))):
        raise ModelError(
            f'"{path}" does not number its words from 0 to {len(numbers) - 1:,}, each once. {_WORDMAP_ADVICE}'
        )
    words = [*SPECIAL, *sorted(numbers.keys() - set(SPECIAL), key=numbers.__getitem__)]
    return words, [numbers[word] for word in words]


def _tensors(checkpoint: object) -> dict[str, LazyTensor]:
    """Return the tensors of encoder and decoder, without counters, under the names that our modules use."""
    if not isinstance(checkpoint, dict) or not {"encoder", "decoder"} <= checkpoint.keys():
        raise UntrustedError("it is no dict with encoder and decoder")
    tensors = {}
    for part, inner in (("encoder", "resnet."), ("decoder", "attention.")):
        held = module_tensors(checkpoint[part])
        wrapped = bool(held) and all(key.startswith("module.") for key in held)  # trained on several GPUs
        for key, lazy in held.items():
            plain = key.removeprefix("module.") if wrapped else key
            if lazy.dtype.kind == "f":
                tensors[f"{part}.{plain.removeprefix(inner)}"] = lazy
    return tensors


def _sizes(tensors: Mapping[str, LazyTensor]) -> OlderSizes:
    def shape(name: str) -> tuple[int, ...]:
        if name not in tensors or len(tensors[name].shape) != 2:
            raise UntrustedError(f"{name} is not there, or has another form")
        return tensors[name].shape

    vocabulary, embedding = shape("decoder.embedding.weight")
    attention, region = shape("decoder.encoder_att.weight")
    hidden = shape("decoder.init_h.weight")[0]
    blocks = {match[1] for key in tensors if (match := re.match(r"encoder\.6\.(\d+)\.", key))}
    if len(blocks) not in DEPTHS:
        raise UntrustedError(f"its encoder is no ResNet-50, -101 or -152 (the third stage has {len(blocks)} blocks)")
    try:
        return OlderSizes(vocabulary, embedding, hidden, attention, region, DEPTHS[len(blocks)])
    except ValueError as error:
        raise UntrustedError(str(error)) from error


def _read(key: str, lazy: LazyTensor, order: list[int] | None) -> Tensor:
    """Read a tensor as float32, its rows in the given order."""
    with np.errstate(over="ignore"):
        values = lazy.read().astype(np.float32)
    if not np.isfinite(values).all():
        raise UntrustedError(f"{key} holds numbers that are not finite")
    return torch.from_numpy(values if order is None else values[order])


def _write(out: Path, name: str, options: Mapping[str, object], files: Mapping[str, bytes]) -> None:
    """Write a model's folder under a temporary name and rename it, so that no half-written folder is found."""
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=out.parent, prefix=".importing-") as aside:
            made = Path(aside) / "model"
            write_model(made, Station.CAPTIONER, name, options, files)
            for path in (*made.iterdir(), made):
                force_to_disk(path)
            made.rename(out)
            force_to_disk(out.parent)
    except OSError as error:
        raise ModelError(f'"{out}" cannot be written: {error.strerror or error}.') from error
