"""Names of places by their coordinates, from a table in the package; no service is asked.

The table holds the places with 1,000 inhabitants or more of GeoNames (geonames.org, CC BY 4.0); `training/places.py`
makes it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

_TABLE = Path(__file__).with_name("places.npz")
_KM_PER_DEGREE = 111.2  # of latitude
_FAR_KM = 100.0  # farther from every place a photo has no name of any
_NEAR_KM = 25.0  # farther away only region and country are named
_INHABITANTS_PER_KM2 = 3_600  # a city's name reaches as far as its people would live so densely: 16 km for a million
_MIN_CITY = 50_000


@dataclass(frozen=True, eq=False)
class _Places:
    """The table's columns, ordered by latitude."""

    latitude: np.ndarray  # float32 (n), degrees
    longitude: np.ndarray
    population: np.ndarray  # int32 (n)
    names: list[str]
    above: np.ndarray  # uint16 (n): the number of each place's region and country
    regions: list[str]  # region, tab, country


@lru_cache(maxsize=1)
def _places() -> _Places:
    with np.load(_TABLE, allow_pickle=False) as table:
        names, regions = (table[name].tobytes().decode().split("\n") for name in ("names", "regions"))
        return _Places(table["latitude"], table["longitude"], table["population"], names, table["above"], regions)


@lru_cache(maxsize=10_000)
def name_area(latitude: float, longitude: float) -> str | None:
    """Return the nearest place, the city that it belongs to, region and country, each once: "Belém, Lisbon, Portugal".

    None far from every place, as at sea.
    """
    places = _places()
    reach = _FAR_KM / _KM_PER_DEGREE
    low, high = np.searchsorted(places.latitude, (latitude - reach, latitude + reach))
    if low == high:
        return None
    north = places.latitude[low:high] - latitude
    east = (places.longitude[low:high] - longitude + 180) % 360 - 180
    distances = _KM_PER_DEGREE * np.hypot(north, east * math.cos(math.radians(latitude)))
    nearest = int(np.argmin(distances))
    if distances[nearest] > _FAR_KM:
        return None
    parts = []
    if distances[nearest] <= _NEAR_KM:
        parts.append(places.names[low + nearest])
        populations = places.population[low:high]
        reached = (populations >= _MIN_CITY) & (distances <= np.sqrt(populations / _INHABITANTS_PER_KM2))
        if reached.any():
            parts.append(places.names[low + int(np.argmax(np.where(reached, populations, 0)))])
    parts += places.regions[places.above[low + nearest]].split("\t")
    return ", ".join(dict.fromkeys(filter(None, parts)))
