"""What files say of themselves: EXIF, XMP, IPTC, PNG texts, comments."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from photosearch.pictures.embedded import read_details
from photosearch.pictures.iptc import read_iptc
from photosearch.records import Details, TextKind
from tests.unit.pictures.test_xmp import items, packet

PIXELS = Image.new("RGB", (8, 6))


def saved(kind: str = "JPEG", **how: object) -> bytes:
    out = io.BytesIO()
    PIXELS.save(out, kind, **how)
    return out.getvalue()


def record(dataset: int, value: bytes, group: int = 2) -> bytes:
    return bytes([0x1C, group, dataset]) + len(value).to_bytes(2) + value


def with_iptc(data: bytes) -> bytes:
    """Make a JPEG with IPTC records as Photoshop writes them."""
    block = b"Photoshop 3.0\x008BIM\x04\x04\0\0" + len(data).to_bytes(4) + data + b"\0" * (len(data) % 2)
    whole = saved()
    return whole[:2] + b"\xff\xed" + (len(block) + 2).to_bytes(2) + block + whole[2:]


def texts(data: bytes) -> list[str]:
    return [("#" if kind == TextKind.HASHTAG else "") + text for kind, text in read_details(data).texts]


def test_exif_texts_are_the_owners() -> None:
    exif = Image.Exif()
    exif[0x010E] = "Aunt Tilda feeding alpacas"
    exif[0x9C9B] = "Farm day".encode("utf-16-le")
    exif[0x9C9E] = "alpaca;farm animal;\0".encode("utf-16-le")
    exif[0x4746] = 4
    exif.get_ifd(0x8769)[0x9286] = b"UNICODE\0" + "Süß".encode("utf-16-le")
    data = saved(exif=exif)
    assert texts(data) == ["Aunt Tilda feeding alpacas", "Farm day", "Süß", "#alpaca", "#farm animal"]
    assert read_details(data).rating == 4


@pytest.mark.parametrize(
    ("said", "encoding"),
    [("Café in Łódź 🚋", "utf-8"), ("犬と海", "utf-8"), ("Straße", "latin-1"), ("“Süß” – 5 €", "cp1252")],
)
def test_texts_that_are_not_ascii_are_read_as_they_were_written(said: str, encoding: str) -> None:
    written = said.encode(encoding)
    exif = Image.Exif()
    exif[0x010E] = exif[0x0110] = "x" * len(written)  # Pillow writes ASCII only
    exif.get_ifd(0x8769)[0xA434] = "x" * len(written)
    data = saved(exif=exif).replace(b"x" * len(written), written)
    details = read_details(data)
    assert (texts(data), details.camera, details.lens) == ([said], said, said)
    info = PngInfo()
    info.add(b"tEXt", b"Description\0" + written)
    assert texts(saved("PNG", pnginfo=info)) == [said]
    assert texts(saved(comment=written)) == [said]


@pytest.mark.parametrize("said", ["Süß", "犬と海", "Łódź"])
def test_a_comment_in_unicode_is_read_in_either_order_of_bytes(said: str) -> None:
    for endian, own, other in (("<", "utf-16-le", "utf-16-be"), (">", "utf-16-be", "utf-16-le")):
        exif = Image.Exif()
        exif.endian = endian
        by_letters = f"Aunt {said}"  # its ASCII letters tell, whatever the order of the file
        for written, order in ((said, own), (f"\ufeff{said}", own), (f"\ufeff{said}", other), (by_letters, other)):
            exif.get_ifd(0x8769)[0x9286] = b"UNICODE\0" + written.encode(order)
            assert texts(saved(exif=exif)) == [written.removeprefix("\ufeff")]


@pytest.mark.parametrize("said", ["OLYMPUS DIGITAL CAMERA         ", "SONY DSC", "   ", "DCIM\\100MEDIA\\DJI_1.JPG"])
def test_what_cameras_write_is_no_text(said: str) -> None:
    exif = Image.Exif()
    exif[0x010E] = said
    assert texts(saved(exif=exif)) == []


def test_a_comment_is_the_owners_unless_a_program_wrote_it() -> None:
    assert texts(saved(comment=b"Alpaca close-up")) == ["Alpaca close-up"]
    assert texts(saved(comment=b"CREATOR: gd-jpeg v1.0 (using IJG JPEG v62), quality = 90")) == []
    assert texts(saved(comment=b"caf\xe9")) == ["café"]


def test_png_texts_are_the_owners() -> None:
    info = PngInfo()
    info.add_text("Description", "Alpaca in the snow")
    info.add_itxt("Title", "Ängelholm")
    info.add_text("Software", "GIMP")
    assert texts(saved("PNG", pnginfo=info)) == ["Ängelholm", "Alpaca in the snow"]


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "TIFF"])
def test_xmp_is_found_in_each_format(kind: str) -> None:
    xmp = packet(items("dc:subject", "alpaca"))
    how = {"tiffinfo": {700: xmp}} if kind == "TIFF" else {"xmp": xmp}
    assert texts(saved(kind, **how)) == ["#alpaca"]


def test_xmp_is_found_in_png() -> None:
    info = PngInfo()
    info.add_itxt("XML:com.adobe.xmp", packet(items("dc:subject", "alpaca")).decode())
    assert texts(saved("PNG", pnginfo=info)) == ["#alpaca"]


def test_iptc_is_read_in_its_charsets() -> None:
    latin = with_iptc(record(120, "Straße".encode("cp1252")) + record(25, b"alpaca") + record(25, b"farm"))
    assert texts(latin) == ["Straße", "#alpaca", "#farm"]
    data = record(90, b"\x1b%G", 1) + record(105, "Häuser".encode()) + record(90, b"Lisbon") + record(101, b"Portugal")
    details = read_details(with_iptc(data))
    assert details.texts == ((TextKind.OWNER, "Häuser"),)
    assert details.place == "Lisbon, Portugal"


def test_what_follows_a_wrong_length_is_left_out() -> None:
    data = record(25, b"alpaca") + b"\x1c\x02\x19\xff\xff" + b"x" * 50
    assert read_iptc(data) == Details(texts=((TextKind.HASHTAG, "alpaca"),))


def test_one_damaged_part_costs_no_other() -> None:
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "Canon", "Canon EOS R5"
    found = read_details(saved(exif=exif, xmp=b"<broken", comment=b"Alpaca"))
    assert (found.camera, found.texts) == ("Canon EOS R5", ((TextKind.OWNER, "Alpaca"),))


@given(st.binary(max_size=100))
def test_any_records_are_read(data: bytes) -> None:
    assert isinstance(read_iptc(data), Details)
    assert isinstance(read_iptc(b"\x1c\x02" + data), Details)


@pytest.mark.parametrize("said", ["Sony at the beach", "Default settings of life", "Digital art", "Kodak moment"])
def test_what_people_write_of_cameras_is_kept(said: str) -> None:
    assert texts(saved(comment=said.encode())) == [said]
