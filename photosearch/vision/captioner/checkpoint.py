"""A captioner's files: the decoder's weights, its sizes and its vocabulary, checked when read.

Beside the config, a folder holds `decoder.safetensors` (float16), `vocabulary.json` and, where the decoder reads
predicted terms, `terms.json`; `nouns.json` where sure labels are to be said. A `README.md` is the model's card.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from photosearch.errors import ModelError
from photosearch.records import Station
from photosearch.vision.captioner.beam import Decoding
from photosearch.vision.captioner.decoder import GraphDecoder, Sizes
from photosearch.vision.captioner.nouns import FILE as NOUNS
from photosearch.vision.captioner.nouns import Noun, Nouns, nouns_json
from photosearch.vision.captioner.vocabulary import Vocabulary
from photosearch.vision.encoder import Encoder
from photosearch.vision.graph import runs_on_processor
from photosearch.vision.model_folder import CONFIG, ModelFolder, check_same, open_model, write_model

if TYPE_CHECKING:
    from photosearch.vision.captioner.network import Decoder  # in torch, which only training needs

WEIGHTS, VOCABULARY, TERMS = "decoder.safetensors", "vocabulary.json", "terms.json"


@dataclass(frozen=True)
class Checkpoint:
    """A captioner's parts, as read from its files."""

    name: str
    decoder: GraphDecoder
    vocabulary: Vocabulary
    decoding: Decoding
    digest: str
    terms: tuple[str, ...] = ()  # whose predicted probabilities the decoder reads, in its order
    nouns: Nouns | None = None  # what a sure label allows to say


def save_checkpoint(
    folder: Path,
    name: str,
    decoder: Decoder,
    vocabulary: Vocabulary,
    decoding: Decoding,
    *,
    encoder_digest: str,
    concepts_digest: str,
    terms: Sequence[str] = (),
    nouns: Sequence[Noun] = (),
) -> ModelFolder:
    """Write a captioner's files; existing files are replaced. `terms` are those that the decoder reads."""
    state = {key: value.numpy(force=True).astype(np.float16) for key, value in decoder.state_dict().items()}
    files = {WEIGHTS: save(state, metadata={"format": "pt"}), VOCABULARY: _listed(vocabulary.words)}
    if terms:
        files[TERMS] = _listed(terms)
    if nouns:
        files[NOUNS] = nouns_json(nouns)
    return write_model(
        folder,
        Station.CAPTIONER,
        name,
        {
            "encoder": encoder_digest,
            "concepts": concepts_digest,
            "sizes": asdict(decoder.sizes),
            "decoding": asdict(decoding),
        },
        files,
    )


def _listed(words: Sequence[str]) -> bytes:
    return (json.dumps(list(words), indent=0) + "\n").encode()


@contextmanager
def _damage(model: ModelFolder, name: str) -> Iterator[None]:
    """Turn errors that a damaged file causes within the block into `ModelError`."""
    try:
        yield
    except (ValueError, KeyError, TypeError, SafetensorError) as error:
        raise model.damaged(name, error) from error


def load_checkpoint(folder: Path, encoder: Encoder, concepts_digest: str, labels: Sequence[str] = ()) -> Checkpoint:
    """Read a captioner that was trained for an encoder and a concept model; `labels` are the classifier's.

    Raises:
        ModelError: a file is missing or damaged, or they do not belong together.
    """
    model = open_model(folder, Station.CAPTIONER)
    with _damage(model, CONFIG):
        sizes = Sizes(**model.options["sizes"])  # type: ignore[arg-type]
        decoding = Decoding(**model.options["decoding"])  # type: ignore[arg-type]
        least = {**dict.fromkeys(asdict(sizes), 1), "terms": 0}
        if not all(isinstance(size, int) and size >= least[name] for name, size in asdict(sizes).items()):
            raise ValueError("a size is no positive number")
    check_same(folder, "encoder", model.options.get("encoder"), encoder.digest)
    check_same(folder, "concept model", model.options.get("concepts"), concepts_digest)
    with _damage(model, VOCABULARY):
        vocabulary = Vocabulary(json.loads(model.read(VOCABULARY)))
    terms = _read_terms(model, sizes)
    with _damage(model, WEIGHTS):
        state = load(model.read(WEIGHTS))
    if len(vocabulary) != sizes.vocabulary:
        raise ModelError(
            f"{folder / VOCABULARY} has {len(vocabulary):,} words, but {CONFIG} says {sizes.vocabulary:,}."
            " Replace both together; see models/README.md."
        )
    if odd := _misfits(sizes, state):
        raise ModelError(f"{folder / WEIGHTS} does not fit {CONFIG}: {len(odd)} tensors differ, among them {odd[0]}.")
    if not all(np.isfinite(values).all() for values in state.values()):
        raise ModelError(
            f"{folder / WEIGHTS} holds numbers that are not finite. Get the file again; see models/README.md."
        )
    weights = {name: values.astype(np.float32) for name, values in state.items()}
    decoder = GraphDecoder(sizes, weights, in_int8=runs_on_processor())
    nouns = Nouns.load(model, labels) if labels and NOUNS in model.files else None
    return Checkpoint(model.name, decoder, vocabulary, decoding, model.digest, terms, nouns)


def _misfits(sizes: Sizes, state: Mapping[str, np.ndarray]) -> list[str]:
    """Return the names of tensors that are missing, unknown, or of another shape than the sizes give."""
    shapes = sizes.shapes()
    return sorted(
        name for name in shapes.keys() | state.keys() if name not in state or state[name].shape != shapes.get(name)
    )


def _read_terms(model: ModelFolder, sizes: Sizes) -> tuple[str, ...]:
    """Read the terms whose predicted probabilities the decoder reads; raises `ModelError`."""
    if not sizes.terms:
        return ()
    with _damage(model, TERMS):
        terms = json.loads(model.read(TERMS))
        if not isinstance(terms, list) or not all(isinstance(term, str) for term in terms):
            raise ValueError("no list of terms")
        if len(terms) != sizes.terms:
            raise ValueError(f"{len(terms):,} terms, but {CONFIG} says {sizes.terms:,}")
    return tuple(terms)
