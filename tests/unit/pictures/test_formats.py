"""The table of picture formats: Pillow reads each of them, and names and first bytes tell them apart."""

import io

import pytest
from PIL import Image

from photosearch.pictures import images
from photosearch.pictures.formats import (
    FORMATS,
    SUFFIXES,
    PictureFormat,
    begins_like_picture,
    is_picture_name,
    suffix_of,
)

WRITABLE = [picture_format for picture_format in FORMATS if picture_format.name != "HEIF"]


def encoded(picture_format: PictureFormat) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (8, 6), "red").save(out, picture_format.name)
    return out.getvalue()


@pytest.mark.parametrize("picture_format", FORMATS, ids=lambda picture_format: picture_format.name)
def test_pillow_gives_each_suffix_the_same_format(picture_format: PictureFormat) -> None:
    registered = {**Image.registered_extensions(), ".hif": "HEIF"}  # cameras of Sony and Canon write this ending
    assert {registered[suffix] for suffix in picture_format.suffixes} == {picture_format.name}


@pytest.mark.parametrize("picture_format", WRITABLE, ids=lambda picture_format: picture_format.name)
def test_each_format_is_decoded(picture_format: PictureFormat) -> None:
    assert images.decode(encoded(picture_format)).width_px == 8


@pytest.mark.parametrize("picture_format", WRITABLE, ids=lambda picture_format: picture_format.name)
def test_the_first_bytes_tell_the_usual_suffix(picture_format: PictureFormat) -> None:
    assert suffix_of(encoded(picture_format)) == picture_format.suffixes[0]


def test_bytes_of_no_known_format_have_no_suffix() -> None:
    assert [suffix_of(data) for data in (b"", b"RIFF\n\r\n\nWAVE", b" GIF8", b"BM is a firm", b"\0\0\0 ftypisom")] == [
        None
    ] * 5
    assert suffix_of(b"RIFF\n\r\n\nWEBP") == ".webp"  # whatever the length between is


def test_names_end_like_pictures_in_any_case() -> None:
    assert is_picture_name("a/b.JPG")
    assert is_picture_name("photo.tar.jfif")
    assert not any(map(is_picture_name, ("notes.txt", "jpg", "folder.jpg/notes", "a.jpg.zip", "")))
    assert len(set(SUFFIXES)) == len(SUFFIXES)


@pytest.mark.parametrize(
    ("brands", "suffix"),
    [
        (b"heic\0\0\0\0mif1heic", ".heic"),
        (b"mif1\0\0\0\0mif1heicmiaf", ".heic"),
        (b"mif1\0\0\0\0mif1avifmiaf", ".avif"),
        (b"avif\0\0\0\0avifmif1", ".avif"),
        (b"isom\0\0\2\0isomiso2avc1mp41", None),
    ],
)
def test_boxes_of_one_kind_are_told_apart_by_their_brands(brands: bytes, suffix: str | None) -> None:
    assert suffix_of(b"\0\0\0\x20ftyp" + brands) == suffix


def test_a_picture_is_known_by_its_first_bytes_but_a_raw_file_is_none() -> None:
    told = {known.name for known in WRITABLE if begins_like_picture(encoded(known))}
    assert told == {known.name for known in WRITABLE} - {"TIFF"}
    assert not begins_like_picture(b"II*\0\x10\0\0\0CR\2\0")
