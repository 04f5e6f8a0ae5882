"""What a camera noted: time and place, and the many ways in which it may be wrong."""

from __future__ import annotations

import io
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image
from PIL.TiffImagePlugin import IFDRational

from photosearch.pictures.embedded import read_details
from photosearch.records import Details
from tests.conftest import jpeg

LISBON = {1: "N", 2: (38.0, 43.0, 12.0), 3: "W", 4: (9.0, 8.0, 24.0)}


def photo_with(
    base: dict | None = None, details: dict | None = None, gps: dict | None = None, kind: str = "JPEG"
) -> bytes:
    exif = Image.Exif()
    exif.update({0x010F: "Camera", **(base or {})})
    if details:
        exif.get_ifd(ExifTags.IFD.Exif).update(details)
    if gps:
        exif.get_ifd(ExifTags.IFD.GPSInfo).update(gps)
    out = io.BytesIO()
    Image.new("RGB", (8, 6)).save(out, kind, exif=exif)
    return out.getvalue()


def shot(base: dict | None = None, details: dict | None = None, gps: dict | None = None, kind: str = "JPEG") -> Details:
    return read_details(photo_with(base, details, gps, kind))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_time_and_place_are_read(kind: str) -> None:
    found = shot(details={0x9003: "2024:05:06 07:08:09"}, gps=LISBON, kind=kind)
    assert found.taken_at == datetime(2024, 5, 6, 7, 8, 9)
    assert (found.latitude, found.longitude) == (pytest.approx(38.72), pytest.approx(-9.14))


@pytest.mark.parametrize(
    ("offset", "hours"),
    [("+01:00", 1), ("-05:00", -5), ("Z", 0), *((odd, None) for odd in ("", "+99:00", "02:00", "+0200x", "   :  "))],
)
def test_a_photo_belongs_to_the_day_on_its_camera_s_clock(offset: str, hours: int | None) -> None:
    found = shot(details={0x9003: "2024:01:01 00:20:00", 0x9011: offset}).taken_at
    assert found is not None
    assert found.replace(tzinfo=None) == datetime(2024, 1, 1, 0, 20)
    assert found.utcoffset() == (None if hours is None else timedelta(hours=hours))


def test_where_the_first_time_is_missing_the_next_one_counts() -> None:
    assert shot({0x0132: "2020:01:02 03:04:05"}).taken_at == datetime(2020, 1, 2, 3, 4, 5)
    both = shot({0x0132: "2020:01:02 03:04:05"}, {0x9003: "0000:00:00 00:00:00", 0x9004: "2019:01:02 03:04:05"})
    assert both.taken_at == datetime(2019, 1, 2, 3, 4, 5)


@pytest.mark.parametrize("time", ["", "yesterday", "2024:13:40 07:08:09", "0000:00:00 00:00:00", "9999:01:01 00:00:00"])
def test_a_time_that_is_none_is_left_out(time: str) -> None:
    assert shot(details={0x9003: time}).taken_at is None


@pytest.mark.parametrize(
    "gps",
    [
        {2: (38.0, 43.0, 12.0)},
        {1: "N", 2: (0.0, 0.0, 0.0), 3: "E", 4: (0.0, 0.0, 0.0)},
        {1: "N", 2: (91.0, 0.0, 0.0), 3: "E", 4: (9.0, 0.0, 0.0)},
        {1: "N", 2: (IFDRational(0, 0), 43.0, 12.0), 3: "E", 4: (9.0, 0.0, 0.0)},
    ],
)
def test_a_place_that_is_none_is_left_out(gps: dict) -> None:
    found = shot(gps=gps)
    assert (found.latitude, found.longitude) == (None, None)


@pytest.mark.parametrize(
    ("latitude", "degrees"),
    [
        ((33.0, 51.0, IFDRational(0, 0)), 33.85),
        ((33.0, IFDRational(0, 0), 30.0), 33.0),
        ((33.0, 51.0), 33.85),
        ((33.85,), 33.85),
        ((IFDRational(3385, 100), IFDRational(0, 1), IFDRational(0, 1)), 33.85),
    ],
)
def test_an_odd_part_of_a_place_costs_no_more_than_itself(latitude: tuple, degrees: float) -> None:
    found = shot(gps={1: "S", 2: latitude, 3: "E", 4: (151.0, 12.0, IFDRational(0, 0))})
    assert (found.latitude, found.longitude) == (pytest.approx(-degrees), pytest.approx(151.2))


def test_a_bad_place_leaves_the_time_and_a_bad_time_the_place() -> None:
    time = {0x9003: "2024:05:06 07:08:09"}
    assert shot(details=time, gps={1: "N", 2: (IFDRational(0, 0),), 4: (9.0,)}) == Details(
        taken_at=datetime(2024, 5, 6, 7, 8, 9), camera="Camera"
    )
    assert shot(details={0x9003: "\xff\xff"}, gps=LISBON).latitude == pytest.approx(38.72)


def test_a_photo_without_notes_has_none() -> None:
    assert read_details(jpeg()) == Details()


@given(st.binary(max_size=200))
@settings(max_examples=200)
def test_no_bytes_do_harm(data: bytes) -> None:
    assert read_details(data) == Details()


@given(st.data())
@settings(max_examples=100)
@pytest.mark.filterwarnings("ignore::UserWarning")  # as `photosearch.pictures.images` does
def test_no_damage_does_harm(data: st.DataObject) -> None:
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.Exif)[0x9003] = "2024:05:06 07:08:09"
    exif.get_ifd(ExifTags.IFD.GPSInfo).update(LISBON)
    out = io.BytesIO()
    Image.new("RGB", (8, 6)).save(out, "JPEG", exif=exif)
    damaged = bytearray(out.getvalue())
    for _ in range(data.draw(st.integers(1, 6))):
        damaged[data.draw(st.integers(0, min(300, len(damaged) - 1)))] = data.draw(st.integers(0, 255))
    assert isinstance(read_details(bytes(damaged)), Details)


@pytest.mark.parametrize(
    ("make", "model", "camera"),
    [
        ("Canon", "Canon EOS R5", "Canon EOS R5"),
        ("NIKON CORPORATION", "NIKON D750", "NIKON D750"),
        ("samsung", "SM-G991B", "samsung SM-G991B"),
        ("Apple", "iPhone 12 Pro", "iPhone 12 Pro"),
        ("Kodak", "", "Kodak"),
        ("", "", None),
    ],
)
def test_a_camera_is_called_by_maker_and_model(make: str, model: str, camera: str | None) -> None:
    assert shot({0x010F: make, 0x0110: model}, {0xA434: "EF50mm f/1.8 STM"}).camera == camera


def test_a_lens_is_read() -> None:
    assert shot(details={0xA434: "EF50mm f/1.8 STM\0"}).lens == "EF50mm f/1.8 STM"
