"""XMP packets: what people wrote, and the many ways in which a packet may be wrong."""

from __future__ import annotations

import contextlib
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photosearch.pictures.xmp import MAX_TEXT_CHARS, read_xmp
from photosearch.records import Details, TextKind

HEAD = (
    '<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""'
    ' xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:lr="http://ns.adobe.com/lightroom/1.0/"'
    ' xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:exif="http://ns.adobe.com/exif/1.0/"'
    ' xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" xmlns:aux="http://ns.adobe.com/exif/1.0/aux/"'
    ' xmlns:iptc="http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/" xmlns:xmpMM="http://ns.adobe.com/xap/1.0/mm/"'
    ' xmlns:mp="http://ns.microsoft.com/photo/1.0/"'
)
TAIL = '</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>'


def packet(properties: str = "", attributes: str = "") -> bytes:
    """Make a packet as Lightroom writes it."""
    return f"{HEAD} {attributes}>{properties}{TAIL}".encode()


def items(name: str, *texts: str, kind: str = "Bag") -> str:
    return f"<{name}><rdf:{kind}>{''.join(f'<rdf:li>{text}</rdf:li>' for text in texts)}</rdf:{kind}></{name}>"


def test_what_people_wrote_is_read() -> None:
    found = read_xmp(
        packet(
            items("dc:title", "Feeding time", kind="Alt")
            + items("dc:description", "Aunt Tilda feeding alpacas", kind="Alt")
            + items("dc:subject", "alpaca", "farm animal")
            + items("lr:hierarchicalSubject", "Places|Portugal|Lisbon", "alpaca")
            + items("iptc:AltTextAccessibility", "A woman beside two alpacas", kind="Alt")
            + "<exif:GPSLatitude>38,43.2N</exif:GPSLatitude><exif:GPSLongitude>9,8,24W</exif:GPSLongitude>",
            'xmp:Rating="4" aux:Lens="EF50mm f/1.8" photoshop:City="Lisbon" photoshop:Country="Portugal"'
            ' exif:DateTimeOriginal="2024-05-06T07:08:09"',
        )
    )
    tags = ("alpaca", "farm animal", "Places", "Portugal", "Lisbon")
    assert found == Details(
        taken_at=datetime(2024, 5, 6, 7, 8, 9),
        place="Lisbon, Portugal",
        latitude=pytest.approx(38.72),
        longitude=pytest.approx(-9.14),
        lens="EF50mm f/1.8",
        rating=4,
        texts=(
            (TextKind.OWNER, "Feeding time"),
            (TextKind.OWNER, "Aunt Tilda feeding alpacas"),
            *((TextKind.HASHTAG, tag) for tag in tags),
            (TextKind.ACCESSIBILITY, "A woman beside two alpacas"),
        ),
    )


@pytest.mark.parametrize(("attributes", "rating"), [
    ('xmp:Rating="-1"', -1), ('xmp:Rating="5.0"', 5), ('xmp:Rating="77"', None), ('xmp:Rating="many"', None),
    ('mp:Rating="75"', 4), ('xmp:Rating="nan"', None), ('xmp:Rating=""', None),
])  # fmt: skip
def test_a_rating_is_a_number_of_stars(attributes: str, rating: int | None) -> None:
    assert read_xmp(packet("", attributes)).rating == rating


def test_an_entity_bomb_is_refused_unread() -> None:
    bomb = (
        '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><x:xmpmeta xmlns:x="adobe:ns:meta/">&b;</x:xmpmeta>'
    )
    with pytest.raises(ValueError, match="defines entities"):
        read_xmp(bomb.encode())


def test_a_long_history_hides_nothing() -> None:
    history = items("xmpMM:History", *["x" * 1000] * 5000, kind="Seq")
    assert read_xmp(packet(history + items("dc:subject", "alpaca"))).texts == ((TextKind.HASHTAG, "alpaca"),)


def test_a_history_without_end_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("photosearch.pictures.xmp._MAX_ELEMENTS", 1000)
    history = items("xmpMM:History", *["x"] * 2000, kind="Seq")
    found = read_xmp(packet(items("dc:subject", "alpaca") + history + items("dc:title", "Tilda")))
    assert found.texts == ((TextKind.HASHTAG, "alpaca"),)


def test_what_is_too_long_to_be_meant_is_cut_or_left_out() -> None:
    found = read_xmp(packet(items("dc:subject", "k" * 100_000, "farm") + items("dc:title", "t" * 100_000)))
    assert found.texts == ((TextKind.OWNER, "t" * MAX_TEXT_CHARS), (TextKind.HASHTAG, "farm"))


def test_what_stands_before_a_damaged_place_is_kept() -> None:
    data = packet(items("dc:subject", "farm") + items("dc:title", "Tilda"))
    assert read_xmp(data[: data.index(b"Tilda")]).texts == ((TextKind.HASHTAG, "farm"),)


@pytest.mark.parametrize("data", [b"", b"\0", b"no xml", b"<a", "<x>ü</x>".encode("utf-16")[:-3]])
def test_what_is_no_xmp_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="no XMP"):
        read_xmp(data)


@pytest.mark.parametrize("place", ["0,0.0N", "95,0.0N", "x", "38.72", ""])
def test_odd_coordinates_are_none(place: str) -> None:
    found = read_xmp(packet(f"<exif:GPSLatitude>{place}</exif:GPSLatitude><exif:GPSLongitude>0,0W</exif:GPSLongitude>"))
    assert (found.latitude, found.longitude) == (None, None)


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for whole in (data, packet().replace(b"><", b">" + data + b"<", 1)):
        with contextlib.suppress(ValueError):
            assert isinstance(read_xmp(whole), Details)
