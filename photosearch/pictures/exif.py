"""What a photo's camera wrote into its file (EXIF 2.32, tables 4, 7 and 15)."""

from __future__ import annotations

import math
from datetime import datetime

from PIL import ExifTags, Image

from photosearch.pictures.images import DAMAGE
from photosearch.records import Details
from photosearch.words.coordinates import from_parts, sound_pair
from photosearch.words.times import read_offset, read_time

_TIMES = (  # a time, and the tag of its offset from UTC
    (ExifTags.Base.DateTimeOriginal, ExifTags.Base.OffsetTimeOriginal),
    (ExifTags.Base.DateTimeDigitized, ExifTags.Base.OffsetTimeDigitized),
    (ExifTags.Base.DateTime, ExifTags.Base.OffsetTime),
)
_NOT_SAID = "Apple"  # nobody says it before iPhone, and apples are searched for


def exif_details(exif: Image.Exif) -> Details:
    """Return time, place, camera and lens; a damaged block counts as none."""
    details = _block(exif, ExifTags.IFD.Exif)
    latitude, longitude = _place(_block(exif, ExifTags.IFD.GPSInfo))
    return Details(
        taken_at=_time({**exif, **details}),
        latitude=latitude,
        longitude=longitude,
        camera=_camera(read_text(exif.get(ExifTags.Base.Make)), read_text(exif.get(ExifTags.Base.Model))),
        lens=read_text(details.get(ExifTags.Base.LensModel)) or None,
    )


def read_text(value: object) -> str:
    """Return a text of EXIF, PNG or a comment, "" for what is none: UTF-8, or else Windows-1252.

    The standards allow less, but programs write what people type; Pillow hands out such bytes as if they were Latin-1.
    """
    raw = value
    if isinstance(value, str):
        try:
            raw = value.encode("latin-1")
        except UnicodeEncodeError:  # it was marked as Unicode, and is right
            return value.strip("\0 ")
    if not isinstance(raw, bytes):
        return ""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("cp1252", "replace")
    return text.strip("\0 ")


def _block(exif: Image.Exif, tag: int) -> dict[int, object]:
    """Return a block of tags; a damaged one is empty, and costs no other."""
    try:
        return dict(exif.get_ifd(tag))
    except DAMAGE:
        return {}


def _time(tags: dict[int, object]) -> datetime | None:
    for time_tag, offset_tag in _TIMES:
        time = read_time(read_text(tags.get(time_tag)))
        if time is not None:
            return time.replace(tzinfo=time.tzinfo or read_offset(read_text(tags.get(offset_tag))))
    return None


def _camera(make: str, model: str) -> str | None:
    """Return what people call a camera: its model, after the first word of its maker unless the model says it."""
    brand = make.split(" ")[0]
    if not model or not brand or brand.lower() in model.lower() or brand == _NOT_SAID:
        return model or make or None
    return f"{brand} {model}"


def _place(gps: dict[int, object]) -> tuple[float, float] | tuple[None, None]:
    return sound_pair(
        _degrees(gps, ExifTags.GPS.GPSLatitude, ExifTags.GPS.GPSLatitudeRef, "S"),
        _degrees(gps, ExifTags.GPS.GPSLongitude, ExifTags.GPS.GPSLongitudeRef, "W"),
    )


def _degrees(gps: dict[int, object], tag: int, sign_tag: int, negative: str) -> float | None:
    parts = gps.get(tag)
    value = from_parts([_number(part) for part in (parts if isinstance(parts, tuple) else (parts,))])
    return -value if value is not None and read_text(gps.get(sign_tag)).upper().startswith(negative) else value


def _number(part: object) -> float:
    """Return a number, written in whatever way; NaN where it is none."""
    try:
        return float(part)  # type: ignore[arg-type]
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return math.nan
