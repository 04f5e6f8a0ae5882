"""When and where a photo was taken, as its camera wrote it (EXIF 2.32, tables 4, 7 and 15)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime

from PIL import ExifTags, Image

from photosearch.coordinates import from_parts, sound_pair
from photosearch.errors import PhotoError
from photosearch.images import DAMAGE, open_image
from photosearch.times import read_offset, read_time

_TIMES = (  # a time, and the tag of its offset from UTC
    (ExifTags.Base.DateTimeOriginal, ExifTags.Base.OffsetTimeOriginal),
    (ExifTags.Base.DateTimeDigitized, ExifTags.Base.OffsetTimeDigitized),
    (ExifTags.Base.DateTime, ExifTags.Base.OffsetTime),
)


@dataclass(frozen=True)
class Shot:
    """When and where a photo was taken; None where its EXIF lacks it or is nonsense."""

    taken_at: datetime | None = None  # by the camera's clock, without a zone
    latitude: float | None = None  # degrees, north positive
    longitude: float | None = None  # degrees, east positive


def read_shot(data: bytes) -> Shot:
    """Read time and place from a picture's EXIF; a damaged block counts as none."""
    try:
        with open_image(data) as image:
            exif = image.getexif()
            if not exif:
                return Shot()
            time = _time({**exif, **_block(exif, ExifTags.IFD.Exif)})
            return Shot(time and time.replace(tzinfo=None), *_place(_block(exif, ExifTags.IFD.GPSInfo)))
    except PhotoError:
        return Shot()


def _block(exif: Image.Exif, tag: int) -> dict[int, object]:
    """Return a block of tags; a damaged one is empty, and costs no other."""
    try:
        return dict(exif.get_ifd(tag))
    except DAMAGE:
        return {}


def _time(tags: dict[int, object]) -> datetime | None:
    for time_tag, offset_tag in _TIMES:
        time = read_time(_text(tags.get(time_tag)))
        if time is not None:
            return time.replace(tzinfo=time.tzinfo or read_offset(_text(tags.get(offset_tag))))
    return None


def _text(value: object) -> str:
    if isinstance(value, bytes):
        value = value.decode("ascii", "replace")
    return value.strip("\0 ") if isinstance(value, str) else ""


def _place(gps: dict[int, object]) -> tuple[float, float] | tuple[None, None]:
    return sound_pair(
        _degrees(gps, ExifTags.GPS.GPSLatitude, ExifTags.GPS.GPSLatitudeRef, "S"),
        _degrees(gps, ExifTags.GPS.GPSLongitude, ExifTags.GPS.GPSLongitudeRef, "W"),
    )


def _degrees(gps: dict[int, object], tag: int, sign_tag: int, negative: str) -> float | None:
    parts = gps.get(tag)
    value = from_parts([_number(part) for part in (parts if isinstance(parts, tuple) else (parts,))])
    return -value if value is not None and _text(gps.get(sign_tag)).upper().startswith(negative) else value


def _number(part: object) -> float:
    """Return a number, written in whatever way; NaN where it is none."""
    try:
        return float(part)  # type: ignore[arg-type]
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return math.nan
