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


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "photos"
        folder.mkdir()
        make_photos(folder, N_PHOTOS)
        command = [sys.executable, "-m", "photosearch", "--library", f"{scratch}/library", "add", str(folder)]
        started = time.perf_counter()
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        if status:
            raise SystemExit("captioning failed")
        print(
            f"caption {N_PHOTOS:,} photos of {SIDE_PX} px, beam 5, start to finish: {seconds:.1f} s,"
            f" {N_PHOTOS / seconds:.1f} photos/s, peak {usage.ru_maxrss / 1024:,.0f} MB"
        )


if __name__ == "__main__":
    main()
