"""Captioners of Hugging Face's `transformers`: BLIP, ViT-GPT2, GIT and Florence-2, by name or from a folder.

The package is not among what photosearch installs: `pip install transformers`. Weights are read from safetensors
only, and no code that comes with a model is run.
"""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from photosearch.errors import ModelError
from photosearch.records import Caption, Findings, Station
from photosearch.vision.observer import Batch

N_BEAMS = 5
MAX_NEW_TOKENS = 30
WRITTEN_AT_ONCE = 4  # photos; each takes `N_BEAMS` sentences' memory
# What captions a picture with nothing asked, by the config's model type, and what asks for a caption elsewhere.
TASK_PROMPTS: Mapping[str, str | None] = {
    "blip": None,
    "vision-encoder-decoder": None,
    "git": None,
    "florence2": "<CAPTION>",
}
OLDEST_VERSION = 5  # of transformers
_DECODING = f"beams {N_BEAMS}, at most {MAX_NEW_TOKENS} tokens"
_CONFIG = "config.json"
_DIGESTED = (".json", ".safetensors", ".txt", ".model")  # config, weights, tokenizer
_HUB_NAME = re.compile(r"\w[\w.-]*(/\w[\w.-]*)?")
_MAX_REASON = 300

Prepare = Callable[[list[Image.Image]], Mapping[str, Any]]


class HuggingFaceCaptioner:
    """A captioner that runs a model of `transformers`."""

    station = Station.CAPTIONER

    def __init__(self, name: str, digest: str, model: Any, prepare: Prepare, tokenizer: Any) -> None:
        self.name = name
        self.digest = digest
        self._model = model
        self._prepare = prepare
        self._tokenizer = tokenizer
        self._lock = threading.Lock()  # tokenizers fail when several threads use them at once

    @classmethod
    def load(cls, name: str) -> HuggingFaceCaptioner:
        """Load a model by its name on the hub, downloaded at first use, or from its folder.

        Raises:
            ModelError: `transformers` is not installed or too old; there is no such model; its weights are not there,
                no safetensors, damaged or incomplete; or its kind is not supported.
        """
        transformers = _transformers(name)
        if not name.strip():
            raise ModelError(f"{name!r} is neither a folder nor the name of a Hugging Face model. Check it.")
        folder = Path(name).expanduser()
        try:
            place = str(folder) if folder.is_dir() else name
            revision = "main" if folder.is_dir() else _commit(transformers, name)
            options = {"revision": revision, "trust_remote_code": False}
            config = transformers.AutoConfig.from_pretrained(place, **options)
            _check_kind(name, config.model_type)
            model, loading_info = transformers.AutoModelForImageTextToText.from_pretrained(
                place, config=config, use_safetensors=True, dtype=torch.float32, output_loading_info=True, **options
            )
            _check_complete(name, loading_info["missing_keys"])
            prepare = _preparer(transformers, place, TASK_PROMPTS[config.model_type], options)
            tokenizer = transformers.AutoTokenizer.from_pretrained(place, **options)
            digest = _folder_digest(folder) if folder.is_dir() else _sha256(f"{name} {revision}".encode())
        except ModelError:
            raise
        except Exception as error:  # of any of the packages below transformers
            raise _failure(name, error) from error
        return cls(f"hf:{name}", digest, model.eval().requires_grad_(False), prepare, tokenizer)

    def observe(self, batch: Batch) -> list[Findings]:
        """Return sentences for each picture, best first by the model's own beam search.

        A caption's `log_prob` is the sum of its tokens' log-probabilities, as the search saw them, divided by its
        number of words; the end counts as a word where the model wrote it. A sentence found twice is kept once.
        """
        findings: list[Findings] = []
        for first in range(0, len(batch.pictures), WRITTEN_AT_ONCE):
            pictures = [picture.rgb for picture in batch.pictures[first : first + WRITTEN_AT_ONCE]]
            with self._lock:
                findings += [Findings(captions=captions) for captions in self._write(pictures)]
        return findings

    @torch.inference_mode()
    def _write(self, pictures: list[Image.Image]) -> list[tuple[Caption, ...]]:
        generated = self._model.generate(
            **self._prepare(pictures),
            num_beams=N_BEAMS,
            num_return_sequences=N_BEAMS,
            max_new_tokens=MAX_NEW_TOKENS,
            do_sample=False,
            output_scores=True,
            return_dict_in_generate=True,
        )
        # Beam search's scores are log-probabilities already: of each token given those before it, 0 past the end.
        steps = self._model.compute_transition_scores(
            generated.sequences, generated.scores, generated.beam_indices, normalize_logits=False
        )  # (B * beams, T)
        n_tokens = (generated.beam_indices >= 0).sum(1).tolist()
        texts = [
            " ".join(text.split())
            for text in self._tokenizer.batch_decode(generated.sequences, skip_special_tokens=True)
        ]
        n_words = [len(text.split()) + (n < MAX_NEW_TOKENS) for text, n in zip(texts, n_tokens, strict=True)]
        log_probs = [min(p / max(n, 1), 0.0) for p, n in zip(steps.sum(1).tolist(), n_words, strict=True)]
        groups = range(0, len(texts), N_BEAMS)
        return [self._captions(texts[i : i + N_BEAMS], log_probs[i : i + N_BEAMS]) for i in groups]

    def _captions(self, texts: Sequence[str], log_probs: Sequence[float]) -> tuple[Caption, ...]:
        best: dict[str, float] = {}
        for text, log_prob in zip(texts, log_probs, strict=True):  # in the order of the beam's own scores
            if text:
                best.setdefault(text, log_prob)
        return tuple(Caption(text, p, self.name, rank) for rank, (text, p) in enumerate(best.items()))


def _transformers(name: str) -> Any:
    try:
        import transformers
    except ImportError as error:
        raise ModelError(
            f'The Hugging Face model "{name}" needs the package transformers. Install it: pip install transformers'
        ) from error
    if int(transformers.__version__.split(".")[0]) < OLDEST_VERSION:
        raise ModelError(
            f'The Hugging Face model "{name}" needs transformers {OLDEST_VERSION} or newer, but'
            f" {transformers.__version__} is installed. Get it: pip install --upgrade transformers"
        )
    return transformers


def _commit(transformers: Any, name: str) -> str:
    """Return the commit of the hub's main branch; where the hub cannot be reached, the one downloaded before.

    All files are then asked for at that commit, so that they belong together. It also keeps transformers from
    asking a service to convert weights that are no safetensors.
    """
    if not _HUB_NAME.fullmatch(name):
        raise ModelError(f"{name!r} is neither a folder nor the name of a Hugging Face model. Check it.")
    return Path(transformers.utils.cached_file(name, _CONFIG)).parent.name  # .../snapshots/COMMIT/config.json


def _check_kind(name: str, kind: str) -> None:
    if kind not in TASK_PROMPTS:
        raise ModelError(
            f'The Hugging Face model "{name}" is of the kind "{kind}", which is not supported.'
            f" Choose one of the kinds {', '.join(TASK_PROMPTS)}."
        )


def _check_complete(name: str, missing: Sequence[str]) -> None:
    """Raise `ModelError` for missing tensors, which transformers would fill with random numbers and only warn."""
    if missing:
        raise ModelError(
            f'The Hugging Face model "{name}" lacks {len(missing)} of its tensors, among them {min(missing)}.'
            " Choose a model for captions, or get its files again."
        )


def _failure(name: str, error: Exception) -> ModelError:
    reason = " ".join(str(error).split())[:_MAX_REASON].rstrip(".") or type(error).__name__
    if isinstance(error, OSError) and "safetensors" in reason:
        return ModelError(
            f'The Hugging Face model "{name}" has no safetensors, the only format of weights that is read.'
            " Choose another model, or convert it: load it with transformers and call save_pretrained."
        )
    return ModelError(
        f'The Hugging Face model "{name}" cannot be used: {reason}. Check the name, the folder or the network.'
    )


def _preparer(transformers: Any, place: str, prompt: str | None, options: Mapping[str, Any]) -> Prepare:
    """Return a function from pictures to a model's inputs: its image processor, with a prompt where it needs one."""
    if prompt is None:
        images = transformers.AutoImageProcessor.from_pretrained(place, **options)
        return lambda pictures: {"pixel_values": images(images=pictures, return_tensors="pt")["pixel_values"]}
    both = transformers.AutoProcessor.from_pretrained(place, **options)
    return lambda pictures: both(text=[prompt] * len(pictures), images=pictures, return_tensors="pt")


def _sha256(content: bytes) -> str:
    return hashlib.sha256(f"{_DECODING}\n".encode() + content).hexdigest()


def _folder_digest(folder: Path) -> str:
    """SHA-256 over the names and contents of a model's files, and how sentences are searched for."""
    lines = []
    for path in sorted(folder.iterdir()):
        if path.suffix in _DIGESTED and path.is_file():
            with path.open("rb") as file:
                lines.append(f"{path.name} {hashlib.file_digest(file, 'sha256').hexdigest()}")
    return _sha256("\n".join(lines).encode())
