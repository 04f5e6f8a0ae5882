"""List the photos of sources, and do no more: what `benchmarks.adding` measures in a process of its own."""

import sys
from pathlib import Path

from photosearch.records import UNWATCHED, Listing
from photosearch.sources import NO_OPTIONS, find_sources


def main() -> None:
    """List what the arguments name; print how many photos."""
    sources = find_sources(sys.argv[1:], Path(), NO_OPTIONS)
    n_photos = sum(isinstance(item, Listing) for source in sources for item in source.listings({}, UNWATCHED))
    print(f"{n_photos:,} photos")


if __name__ == "__main__":
    main()
