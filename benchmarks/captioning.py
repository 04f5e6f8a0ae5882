"""Captioning 1,000 photos from start to finish in a process of its own, as a share of what the bare encoder does.

`python -m benchmarks.captioning` prints it for this machine. The bare encoder is its graph in ONNX Runtime with default
options, over the same number of prepared photos, measured right before and right after captioning. Measure on a quiet
machine: where the cores do other work, too, the bare encoder's threads wait for each other, and both shares come out
two to three times too high.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.process import Memory, run_module
from photosearch.sources import demo

N_PHOTOS = 1000
SIDE_PX = 224
AT_ONCE = 4  # photos that the bare encoder takes at once: it is quickest so
TARGETS = {"without objects": 0.5, "with objects": 0.33}


@dataclass(frozen=True)
class Cost:
    """What a number of photos took."""

    n_photos: int
    seconds: float
    processor_s: float  # of all threads together
    peak_mb: float

    @property
    def photos_per_s(self) -> float:
        """Return photos a second."""
        return self.n_photos / self.seconds

    @property
    def processor_ms(self) -> float:
        """Return the processor's time for a photo."""
        return 1000 * self.processor_s / self.n_photos


def make_photos(folder: Path, n: int, side_px: int = SIDE_PX) -> None:
    """Different crops of the demo's photographs as square JPEGs."""
    choose = random.Random(0)
    sources = [
        Image.open(demo.path_of(f"{package}/{name}")).convert("RGB")
        for package, names in demo.PHOTOS.items()
        for name in names
    ]
    for i in range(n):
        source = sources[i % len(sources)]
        side = choose.randint(min(source.size) // 2, min(source.size))
        left, top = choose.randint(0, source.width - side), choose.randint(0, source.height - side)
        crop = source.crop((left, top, left + side, top + side)).resize((side_px, side_px))
        crop.save(folder / f"{i:05}.jpg", quality=90)


def caption(folder: Path, library: Path, n_photos: int, *options: str) -> Cost:
    """Caption a folder in a process of its own, from the start of Python to its end."""
    command = [sys.executable, "-m", "photosearch", "--library", str(library), "add", str(folder), *options]
    started = time.perf_counter()
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit("captioning failed")
    seconds = time.perf_counter() - started
    return Cost(n_photos, seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def bare_encoder(n_photos: int) -> Cost:
    """Run the encoder's graph in ONNX Runtime and nothing else; opening it does not count."""
    import onnxruntime

    from photosearch.pictures.images import ENCODER_SIDE_PX
    from photosearch.settings import MODELS_DIR
    from photosearch.vision.encoder import GRAPH

    session = onnxruntime.InferenceSession(
        (MODELS_DIR / "encoder" / GRAPH).read_bytes(), providers=["CPUExecutionProvider"]
    )
    pixels = np.random.default_rng(0).standard_normal((AT_ONCE, 3, ENCODER_SIDE_PX, ENCODER_SIDE_PX), np.float32)
    for _ in range(5):
        session.run(None, {"input": pixels})
    started, processor = time.perf_counter(), time.process_time()
    for _ in range(0, n_photos, AT_ONCE):
        session.run(None, {"input": pixels})
    return Cost(n_photos, time.perf_counter() - started, time.process_time() - processor, Memory.now().resident_mb)


def stations(n_pictures: int = 64) -> None:
    """Print each station's time on one core for a photo."""
    from photosearch.pictures.images import decode
    from photosearch.settings import MODELS_DIR
    from photosearch.vision.observer import Batch
    from photosearch.vision.registry import ModelChoice, Models

    models = Models(MODELS_DIR, MODELS_DIR)
    with tempfile.TemporaryDirectory() as scratch:
        make_photos(Path(scratch), n_pictures)
        pictures = [decode(path.read_bytes()) for path in sorted(Path(scratch).iterdir())]
    observers = [model.load() for model in models.choose(ModelChoice())]
    spent: dict[str, float] = {}
    for turn in range(3):  # the first one warms up
        for first in range(0, n_pictures, 16):
            batch = Batch(pictures[first : first + 16])
            work: list[tuple[str, Callable[[], object]]] = [("encoder", partial(models.encoder().regions, batch))]
            work += [(o.station.value, partial(o.observe, batch)) for o in observers]
            for name, run in work:
                began = time.process_time()
                run()
                if turn:
                    spent[name] = spent.get(name, 0) + time.process_time() - began
    each = (f"{name} {1000 * seconds / (2 * n_pictures):.1f}" for name, seconds in spent.items())
    print(f"  the processor's ms a photo: {', '.join(each)}")


def measure(n_photos: int) -> None:
    """Print the shares with and without objects."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "photos"
        folder.mkdir()
        make_photos(folder, n_photos)
        for what, options in (("without objects", ["--no-objects"]), ("with objects", [])):
            before = _bare_apart(n_photos)
            whole = caption(folder, Path(scratch) / what, n_photos, *options)
            after = _bare_apart(n_photos)
            bare_per_s = (before.photos_per_s + after.photos_per_s) / 2
            bare_ms = (before.processor_ms + after.processor_ms) / 2
            print(
                f"{n_photos:,} photos of {SIDE_PX} px, captions, concepts, labels, {what}, start to finish:\n"
                f"  {whole.seconds:.1f} s, {whole.photos_per_s:.1f} photos/s; bare encoder {bare_per_s:.1f} photos/s:"
                f" a share of {whole.photos_per_s / bare_per_s:.2f} (wanted: {TARGETS[what]})\n"
                f"  the processor's time: {whole.processor_ms:.1f} ms a photo, bare encoder {bare_ms:.1f} ms:"
                f" a share of {bare_ms / whole.processor_ms:.2f}; peak {whole.peak_mb:,.0f} MB",
                flush=True,
            )


def _bare_apart(n_photos: int) -> Cost:
    return Cost(**run_module("benchmarks.captioning", "--bare", n_photos))


def main() -> None:
    """Measure and print."""
    measure(N_PHOTOS)
    stations()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=N_PHOTOS, help="how many")
    parser.add_argument("--bare", type=int, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.bare:
        import json
        from dataclasses import asdict

        print(json.dumps(asdict(bare_encoder(asked.bare))))
    else:
        measure(asked.photos)
        stations()
