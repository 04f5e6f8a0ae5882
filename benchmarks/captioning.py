"""Captioning 1,000 photos from start to finish in a process of its own: photos a second, peak memory."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image

from photosearch.sources import demo

N_PHOTOS = 1000
SIDE_PX = 224


def make_photos(folder: Path, n: int) -> None:
    """Different crops of the demo's photographs as JPEGs of 224 px."""
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
        crop = source.crop((left, top, left + side, top + side)).resize((SIDE_PX, SIDE_PX))
        crop.save(folder / f"{i:05}.jpg", quality=90)


def caption(folder: Path, library: Path, *options: str) -> tuple[float, float]:
    """Caption a folder in a process of its own; return seconds from start to end, and its peak memory in MB."""
    command = [sys.executable, "-m", "photosearch", "--library", str(library), "add", str(folder), *options]
    started = time.perf_counter()
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit("captioning failed")
    return time.perf_counter() - started, usage.ru_maxrss / 1024


def stations(n_pictures: int = 64) -> None:
    """Print each station's time for a photo, and the encoder as a graph beside the same layers in torch."""
    from photosearch.images import decode
    from photosearch.settings import MODELS_DIR
    from photosearch.vision.observer import Batch
    from photosearch.vision.registry import ModelChoice, Models

    models = Models(MODELS_DIR, MODELS_DIR)
    with tempfile.TemporaryDirectory() as scratch:
        make_photos(Path(scratch), n_pictures)
        pictures = [decode(path.read_bytes()) for path in sorted(Path(scratch).iterdir())]
    observers = [model.load() for model in models.choose(ModelChoice())]
    for _ in range(2):  # the first time warms up
        batch, parts = Batch(pictures), []
        started = time.perf_counter()
        models.encoder().regions(batch)
        parts.append(("encoder", time.perf_counter() - started))
        for observer in observers:
            started = time.perf_counter()
            observer.observe(batch)
            parts.append((observer.station.value, time.perf_counter() - started))
    print("ms a photo: " + ", ".join(f"{name} {1000 * took / n_pictures:.1f}" for name, took in parts))


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "photos"
        folder.mkdir()
        make_photos(folder, N_PHOTOS)
        for what, options in (("without objects", ["--no-objects"]), ("with objects", [])):
            seconds, peak_mb = caption(folder, Path(scratch) / what, *options)
            print(
                f"{N_PHOTOS:,} photos of {SIDE_PX} px, captions (beam 5), concepts, labels, {what}, start to finish:"
                f" {seconds:.1f} s, {N_PHOTOS / seconds:.1f} photos/s, peak {peak_mb:,.0f} MB"
            )
    stations()


if __name__ == "__main__":
    main()
