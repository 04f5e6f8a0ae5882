"""Colours: a picture's ICC profile is applied before anything looks at the picture; a bad profile changes nothing."""

from __future__ import annotations

import io
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from photosearch.pictures import images
from photosearch.pictures.colours import to_srgb

D50 = (0.9642, 1.0, 0.8249)
INK = (139, 90, 52)
SEEN = (197, 92, 57)  # of the ink in a wide gamut with a gamma of 1.8, as LittleCMS computes it


def _fixed(*values: float) -> bytes:
    return b"".join(struct.pack(">i", round(value * 65536)) for value in values)


def profile(space: bytes = b"RGB ", name: bytes = b"wide", gamma: float = 1.8) -> bytes:
    """An ICC profile of version 2: for "RGB " the primaries of ProPhoto RGB, for "GRAY" one curve."""
    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"
    tags = {
        b"desc": b"desc\0\0\0\0" + struct.pack(">I", len(name) + 1) + name + b"\0" + b"\0" * 78,
        b"cprt": b"text\0\0\0\0none\0",
        b"wtpt": b"XYZ \0\0\0\0" + _fixed(*D50),
    }
    if space == b"GRAY":
        tags[b"kTRC"] = curve
    else:
        primaries = {b"r": (0.7977, 0.2880, 0), b"g": (0.1352, 0.7119, 0), b"b": (0.0313, 0.0001, 0.8249)}
        tags |= {letter + b"XYZ": b"XYZ \0\0\0\0" + _fixed(*xyz) for letter, xyz in primaries.items()}
        tags |= {letter + b"TRC": curve for letter in primaries}
    table, body, at = struct.pack(">I", len(tags)), b"", 132 + 12 * len(tags)
    for tag, value in tags.items():
        padded = value + b"\0" * (-len(value) % 4)
        table += tag + struct.pack(">II", at + len(body), len(padded))
        body += padded
    head = struct.pack(">I", 128 + len(table) + len(body)) + b"\0\0\0\0\x02\x40\0\0mntr" + space + b"XYZ "
    head += struct.pack(">6H", 2024, 1, 1, 0, 0, 0) + b"acsp" + b"\0" * 28 + _fixed(*D50) + b"\0" * 48
    return head + table + body


def centre(image: Image.Image, format: str, icc: bytes) -> tuple[int, ...]:
    out = io.BytesIO()
    image.save(out, format, icc_profile=icc, **({"quality": 95} if format != "PNG" else {}))
    rgb = images.decode(out.getvalue()).rgb
    return rgb.getpixel((rgb.width // 2, rgb.height // 2))


def is_seen(colour: tuple[int, ...]) -> bool:
    return max(abs(its - seen) for its, seen in zip(colour, SEEN, strict=True)) <= 3


@pytest.mark.parametrize("size", [(300, 200), (1800, 1200)])  # as it is; shrunk first
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_a_wide_gamut_is_converted(format: str, size: tuple[int, int]) -> None:
    assert is_seen(centre(Image.new("RGB", size, INK), format, profile()))


def test_the_thumbnail_has_the_colours_that_the_models_see() -> None:
    out = io.BytesIO()
    Image.new("RGB", (300, 200), INK).save(out, "JPEG", quality=95, icc_profile=profile())
    with Image.open(io.BytesIO(images.thumbnail(images.decode(out.getvalue())))) as thumbnail:
        assert "icc_profile" not in thumbnail.info
        assert is_seen(thumbnail.getpixel((150, 100)))


def test_transparency_stays() -> None:
    image = Image.new("RGBA", (30, 20), (*INK, 255))
    image.putpixel((0, 0), (*INK, 0))
    out = io.BytesIO()
    image.save(out, "PNG", icc_profile=profile())
    rgb = images.decode(out.getvalue()).rgb
    assert rgb.getpixel((0, 0)) == (255, 255, 255)
    assert is_seen(rgb.getpixel((5, 5)))


@pytest.mark.parametrize("mode", ["L", "LA"])
def test_greys_have_profiles_too(mode: str) -> None:
    ink = 128 if mode == "L" else (128, 255)
    dark, plain = (centre(Image.new(mode, (30, 20), ink), "PNG", profile(b"GRAY", gamma=g)) for g in (3.0, 2.2))
    assert dark[0] < 110 < plain[0]


def test_srgb_and_pictures_without_a_profile_are_not_touched() -> None:
    image = Image.new("RGB", (8, 6), INK)
    assert to_srgb(image) is image
    image.info["icc_profile"] = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert to_srgb(image) is image


def test_a_profile_that_only_calls_itself_srgb_is_applied() -> None:
    assert is_seen(centre(Image.new("RGB", (8, 6), INK), "PNG", profile(name=b"sRGB")))


@pytest.mark.parametrize("icc", [b"x", b"\0" * 4000, profile()[:200], profile(b"GRAY"), profile(b"CMYK")])
def test_a_profile_that_is_none_or_of_other_colours_changes_nothing(icc: bytes) -> None:
    assert centre(Image.new("RGB", (8, 6), INK), "PNG", icc) == INK


@given(st.lists(st.tuples(st.integers(0, len(profile()) - 1), st.integers(0, 255)), min_size=1, max_size=8))
@settings(max_examples=200)
def test_a_damaged_profile_does_no_harm(damage: list[tuple[int, int]]) -> None:
    icc = bytearray(profile())
    for place, value in damage:
        icc[place] = value
    image = Image.new("RGB", (8, 6), INK)
    image.info["icc_profile"] = bytes(icc)
    assert to_srgb(image).size == (8, 6)
