"""Coordinates as cameras, programs and people write them, read leniently."""

from __future__ import annotations

import math
from collections.abc import Sequence

MAX_LATITUDE, MAX_LONGITUDE = 90.0, 180.0


def sound_pair(latitude: float | None, longitude: float | None) -> tuple[float, float] | tuple[None, None]:
    """Return both coordinates in degrees, or neither: where one is missing or out of range, or both are 0.

    Zeros are what devices and services write that do not know the place; nobody lives there.
    """
    if latitude is None or longitude is None or not (math.isfinite(latitude) and math.isfinite(longitude)):
        return None, None
    if abs(latitude) > MAX_LATITUDE or abs(longitude) > MAX_LONGITUDE or latitude == longitude == 0:
        return None, None
    return latitude, longitude


def from_parts(parts: Sequence[float]) -> float | None:
    """Return degrees from degrees, minutes and seconds; an odd part, or a missing one, ends them.

    Minutes are worth 2 km and seconds 30 m at most, so that the rest still tells the place. None where there are no
    degrees.
    """
    degrees: float | None = None
    for part, share in zip(parts, (1, 60, 3600), strict=False):
        if not math.isfinite(part) or part < 0:
            break
        degrees = (degrees or 0.0) + part / share
    return degrees
