"""Reading 1,000 photos in processes of their own, as a ratio to the same work in this one, in one run."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.captioning import make_photos
from photosearch.pictures import images
from photosearch.pictures.decoding import decoder
from photosearch.pictures.embedded import read_details
from photosearch.records import Details

N_PHOTOS = 1000
N_READERS = 8  # as the pipeline has
N_DECODERS = 2  # as it decoded at the same time before
BLOCK = 100  # photos that are read in one way before as many are read in the other


def read_here(data: bytes) -> tuple[bytes, str, Details]:
    """Make all that is made of a photo, in this process."""
    picture = images.decode(data)
    return images.thumbnail(picture), images.perceptual_hash(picture), read_details(data)


def read_apart(data: bytes) -> tuple[bytes, str, Details]:
    """Make the same in another process."""
    prepared = decoder.prepare_photo(data)
    return prepared.thumbnail, prepared.phash, prepared.details


def main(n_photos: int = N_PHOTOS) -> None:
    """Measure and print. The two take turns, so that others on the machine slow both down."""
    with tempfile.TemporaryDirectory() as scratch:
        make_photos(Path(scratch), n_photos)
        photos = [path.read_bytes() for path in sorted(Path(scratch).iterdir())]
    ways: list[tuple[Callable[[bytes], object], int]] = [(read_here, N_DECODERS), (read_apart, N_READERS)]
    for read, n_threads in ways:  # the first ones start the processes
        with ThreadPoolExecutor(n_threads) as threads:
            list(threads.map(read, photos[:16]))
    took = [0.0, 0.0]
    for first in range(0, len(photos), BLOCK):
        for i, (read, n_threads) in enumerate(ways):
            started = time.perf_counter()
            with ThreadPoolExecutor(n_threads) as threads:
                list(threads.map(read, photos[first : first + BLOCK]))
            took[i] += time.perf_counter() - started
    here, apart = took
    print(f"{n_photos:,} photos read in processes of their own: {apart / here:.2f} of the time that one process takes")


if __name__ == "__main__":
    main()
