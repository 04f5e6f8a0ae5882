"""When and where a photo was taken, as its camera wrote it (EXIF 2.32, tables 4, 7 and 15)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

from PIL import ExifTags

from photosearch.errors import PhotoError
from photosearch.images import open_image

_TIMES = (  # a time, and the tag of its offset from UTC
    (ExifTags.Base.DateTimeOriginal, ExifTags.Base.OffsetTimeOriginal),
    (ExifTags.Base.DateTimeDigitized, ExifTags.Base.OffsetTimeDigitized),
    (ExifTags.Base.DateTime, ExifTags.Base.OffsetTime),
)


@dataclass(frozen=True)
class Shot:
    """When and where a photo was taken; None where its EXIF lacks it or is nonsense."""

    taken_at: datetime | None = None  # UTC where the camera knew its offset, else its own clock; without a zone
    latitude: float | None = None  # degrees, north positive
    longitude: float | None = None  # degrees, east positive


def read_shot(data: bytes) -> Shot:
    """Read time and place from a picture's EXIF; a damaged block counts as none."""
    try:
        with open_image(data) as image:
            exif = image.getexif()
            if not exif:
                return Shot()
            details, gps = exif.get_ifd(ExifTags.IFD.Exif), exif.get_ifd(ExifTags.IFD.GPSInfo)
            latitude = _degrees(gps, ExifTags.GPS.GPSLatitude, ExifTags.GPS.GPSLatitudeRef, "S", 90)
            longitude = _degrees(gps, ExifTags.GPS.GPSLongitude, ExifTags.GPS.GPSLongitudeRef, "W", 180)
            if latitude is None or longitude is None or (latitude, longitude) == (0.0, 0.0):
                latitude = longitude = None  # cameras without a fix write zeros
            return Shot(_time({**exif, **details}), latitude, longitude)
    except PhotoError:
        return Shot()


def _time(tags: dict[int, object]) -> datetime | None:
    for time_tag, offset_tag in _TIMES:
        try:
            taken = datetime.strptime(_text(tags.get(time_tag)), "%Y:%m:%d %H:%M:%S")
        except ValueError:
            continue
        offset = _offset(_text(tags.get(offset_tag)))
        if offset is not None:
            taken = taken.replace(tzinfo=offset).astimezone(UTC).replace(tzinfo=None)
        return taken
    return None


def _text(value: object) -> str:
    if isinstance(value, bytes):
        value = value.decode("ascii", "replace")
    return value.strip("\0 ") if isinstance(value, str) else ""


def _offset(text: str) -> timezone | None:
    try:
        hours, minutes = int(text[1:3]), int(text[4:6])
    except ValueError:
        return None
    if text[0] not in "+-" or hours > 14 or minutes > 59:
        return None
    return timezone((-1 if text[0] == "-" else 1) * timedelta(hours=hours, minutes=minutes))


def _degrees(gps: dict[int, object], tag: int, sign_tag: int, negative: str, most: int) -> float | None:
    parts = gps.get(tag)
    if not isinstance(parts, tuple) or len(parts) != 3:
        return None
    degrees, minutes, seconds = (float(part) for part in parts)
    value = degrees + minutes / 60 + seconds / 3600
    if not math.isfinite(value) or not 0 <= value <= most:
        return None
    return -value if _text(gps.get(sign_tag)).upper() == negative else value
