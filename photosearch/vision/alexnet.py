"""AlexNet, which can replace the classifier, as in the older system (Krizhevsky et al. 2012; torchvision's weights).

Its weights (244 MB) are downloaded by torch at first use, or read from a state-dict file.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Mapping, Sequence
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError

from photosearch.errors import ModelError
from photosearch.records import Findings, Prediction, Station
from photosearch.vision.labels import LABELS, N_LABELS, read_labels
from photosearch.vision.model_folder import open_model
from photosearch.vision.observer import Batch
from photosearch.vision.torch_files import module_tensors, open_untrusted

if TYPE_CHECKING:
    from PIL import Image
    from torch import Tensor, nn

CLASSIFIED_AT_ONCE = 4
_ADVICE = "AlexNet's weights are read from a file that torch.save(model.state_dict(), ...) wrote."
PREPROCESSING = "resize 256, crop 224, ImageNet's mean and deviation"  # torchvision's own for these weights


class AlexNet:
    """A classifier of pictures by ImageNet's 1,000 labels."""

    station = Station.CLASSIFIER
    name = "alexnet"

    def __init__(self, network: nn.Module, digest: str, labels: Sequence[str]) -> None:
        from torchvision.models import AlexNet_Weights

        self.digest = digest
        self._network = network
        self._labels = labels
        self._prepare: Any = AlexNet_Weights.IMAGENET1K_V1.transforms()

    @classmethod
    def download(cls, classifier: Path) -> AlexNet:
        """Read torchvision's weights; they are downloaded where torch's cache does not have them yet.

        Args:
            classifier: the folder of the classifier that AlexNet replaces; its labels are used.

        Raises:
            ModelError: the weights cannot be downloaded, what the cache has is damaged, or the labels cannot be read.
        """
        import torch
        from torchvision.models import AlexNet_Weights

        url: str = AlexNet_Weights.IMAGENET1K_V1.url
        path = Path(torch.hub.get_dir(), "checkpoints", url.rpartition("/")[2])
        sha256_begin = path.stem.rpartition("-")[2]  # torch's files are named after it
        if not path.exists():
            try:  # torch writes to a temporary file and renames it when it is complete and its SHA-256 is right
                path.parent.mkdir(parents=True, exist_ok=True)
                torch.hub.download_url_to_file(url, str(path), sha256_begin, progress=False)
            except (OSError, HTTPException, RuntimeError) as error:
                raise ModelError(
                    f"AlexNet's weights cannot be downloaded from {url} to {path.parent}: {_reason(error)}."
                    " Check the network and the disk, or name a state-dict file instead."
                ) from error
        if not _sha256(path).startswith(sha256_begin):
            raise ModelError(f"{path} is damaged. Delete it, and it is downloaded again.")
        return cls.from_file(path, classifier)

    @classmethod
    def from_file(cls, path: Path, classifier: Path) -> AlexNet:
        """Read weights from a state-dict file of torch's, of which nothing is run.

        Args:
            path: the file; its tensors have the names and sizes of torchvision's `alexnet`.
            classifier: the folder of the classifier that AlexNet replaces; its labels are used.

        Raises:
            ModelError: the file cannot be read, is damaged or holds something else, or the labels cannot be read.
        """
        import torch
        from torchvision.models import alexnet

        model = open_model(classifier, Station.CLASSIFIER)
        labels = read_labels(model)
        digest = hashlib.sha256("\n".join((_sha256(path), PREPROCESSING, model.files[LABELS])).encode())
        with torch.device("meta"):  # allocates no weights, since the file's replace them
            network = alexnet(weights=None).eval().requires_grad_(False)
        state = _read_state(path)
        _check(state, network.state_dict(), path)
        network.load_state_dict({key: value.float() for key, value in state.items()}, assign=True)
        if len(labels) != network.classifier[-1].out_features:
            raise model.damaged(LABELS, ValueError(f"it has {len(labels):,} labels"))
        return cls(network, digest.hexdigest(), labels)

    def observe(self, batch: Batch) -> list[Findings]:
        """Return the five likeliest labels of each picture, with softmax probabilities, best first."""
        import torch

        findings: list[Findings] = []
        for first in range(0, len(batch.pictures), CLASSIFIED_AT_ONCE):
            few = batch.pictures[first : first + CLASSIFIED_AT_ONCE]
            with torch.inference_mode():
                pixels = torch.stack([self._prepare(_middle(picture.rgb)) for picture in few])  # (B, 3, 224, 224)
                best = self._network(pixels).softmax(1).topk(N_LABELS)
            for probs, classes in zip(best.values.tolist(), best.indices.tolist(), strict=True):
                labels = (self._labels[i] for i in classes)
                findings.append(Findings(labels=tuple(map(Prediction, labels, probs))))
        return findings


def _middle(rgb: Image.Image) -> Image.Image:
    """Cut a long strip down to the part around the later crop; torchvision would enlarge the whole strip first."""
    half = 2 * min(rgb.size)  # as much again on either side as the crop needs
    left, top = (max(0, side // 2 - half) for side in rgb.size)
    return rgb.crop((left, top, min(rgb.width, left + 2 * half), min(rgb.height, top + 2 * half)))


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(
            f"{path} cannot be read: {error.strerror}. A classifier is built-in, alexnet, or a file of"
            " AlexNet's weights."
        ) from error


def _read_state(path: Path) -> Mapping[str, Tensor]:
    import torch

    _check_sizes(path)
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # what a damaged file makes torch raise has no common base
        raise ModelError(f"{path} is damaged, or holds more than tensors. {_ADVICE}") from error
    if not isinstance(state, Mapping) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise ModelError(f"{path} holds no state dict. AlexNet's weights are a dict of names and tensors.")
    return state


def _check_sizes(path: Path) -> None:
    """Raise `ModelError` when a file would take more memory than it is large; torch takes what the file says."""
    if not zipfile.is_zipfile(path):
        with open_untrusted(path, _ADVICE) as content:  # of the form before torch 1.6
            module_tensors(content)
        return
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise ModelError(f"{path} is damaged. {_ADVICE}") from error
    is_packed = any(member.compress_type != zipfile.ZIP_STORED for member in members)
    if is_packed or sum(member.file_size for member in members) > path.stat().st_size:
        raise ModelError(f"{path} would unpack to more than it is, which torch's own files do not. {_ADVICE}")


def _check(state: Mapping[str, Tensor], expected: Mapping[str, Tensor], path: Path) -> None:
    """Raise `ModelError` unless the tensors' names, shapes and values can be AlexNet's weights."""

    def refuse(fact: str) -> ModelError:
        return ModelError(f"{path} does not hold the weights of torchvision's AlexNet: {fact}.")

    for key, tensor in expected.items():
        if key not in state:
            raise refuse(f"{key} is missing")
        if state[key].shape != tensor.shape:
            is_, should = (" x ".join(map(str, shape)) or "a number" for shape in (state[key].shape, tensor.shape))
            raise refuse(f"{key} is {is_}, not {should}")
        if not state[key].is_floating_point() or not bool(state[key].isfinite().all()):
            raise refuse(f"{key} has values that are no weights")
    if extra := set(state) - set(expected):
        raise refuse(f"it has {min(map(str, extra))}, too")


def _reason(error: Exception) -> str:
    """Return why a download failed, in a few words."""
    if isinstance(error, HTTPError):
        return f"the server answers {error.code}"
    reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
    return " ".join(str(reason).split()) or type(error).__name__
