"""Damage what files and their neighbours say of photos: it must be read in part, or be refused with a reason."""

import json
import lzma
from collections.abc import Callable
from dataclasses import fields

from hypothesis import strategies as st

from photosearch.errors import PhotoError
from photosearch.library.details import details_json, parse_details
from photosearch.pictures.embedded import read_details
from photosearch.pictures.iptc import read_iptc
from photosearch.pictures.names import all_name_words, name_date, name_words
from photosearch.pictures.xmp import read_xmp
from photosearch.records import Details, Document, Facts
from photosearch.search.fields import FACTS
from photosearch.search.index import Index
from photosearch.search.query import parse
from photosearch.sources.beside import Beside
from tests.conftest import jpeg
from tests.fuzz.files import JSON

XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"'
    b' xmlns:exif="http://ns.adobe.com/exif/1.0/" xmp:Rating="3" exif:DateTimeOriginal="2024-01-01T00:20:00+01:00">'
    b"<dc:subject><rdf:Bag><rdf:li>alpaca</rdf:li></rdf:Bag></dc:subject><exif:GPSLatitude>38,43.2N</exif:GPSLatitude>"
    b"<exif:GPSLongitude>9,8,24W</exif:GPSLongitude></rdf:Description></rdf:RDF></x:xmpmeta>"
)
IPTC = b"\x1c\x01\x5a\0\x03\x1b%G\x1c\x02\x19\0\x06alpaca\x1c\x02\x78\0\x05words\x1c\x02\x37\0\x0820240101"
NAMES = ("IMG_1.jpg", "2023-06-15_10-20-30_UTC.jpg", "2023-06-15_10-20-30_UTC_2.jpg", "IMG_1(1)-edited.jpg")
BESIDE = (
    "IMG_1.jpg.xmp",
    "IMG_1.jpg.json",
    "IMG_1.jpg(1).json",
    *(f"{NAMES[1][:-4]}{s}" for s in (".txt", ".json.xz")),
)
_KEYS = st.sampled_from(
    "title description photoTakenTime timestamp geoData latitude longitude people name node instaloader node_type Post"
    " shortcode location lat lng edge_media_to_caption edges text taken_at_timestamp count".split()
)
_POSTS = st.recursive(
    JSON | st.sampled_from(["Post", "1686824430", 1e300, -1, 10**30, "0"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=6),
    max_leaves=20,
)
_DAMAGED = st.tuples(
    st.sampled_from([XMP, IPTC, jpeg()]), st.lists(st.tuples(st.floats(0, 1), st.binary(max_size=8), st.integers(0, 9)))
)
READINGS = st.one_of(
    _DAMAGED,
    st.binary(max_size=300),
    st.text(max_size=80),
    _POSTS.map(lambda values: ("json", values)),
)


class ReadingWords:
    """Reads an example with every reader that takes its kind."""

    def __init__(self) -> None:
        self.n_refused = 0

    def __call__(self, example: object) -> None:
        """Read an example, and search what was read."""
        if isinstance(example, str):
            name_words(example), all_name_words(example), name_date(example)
            self._search(Details(folder=example, file=example, camera=example))
            return
        for data, readers in self._inputs(example):
            for read in readers:
                try:
                    self._search(read(data))
                except (ValueError, PhotoError) as error:
                    if not str(error):
                        raise AssertionError("a refusal without a reason") from error
                    self.n_refused += 1

    def _inputs(self, example: object) -> list[tuple[bytes, list[Callable[[bytes], Details]]]]:
        if isinstance(example, bytes):
            return [(example, [read_xmp, read_iptc, read_details, _beside])]
        first, second = example  # type: ignore[misc]
        if first == "json":
            data = json.dumps(second).encode()
            return [(data, [_beside]), (lzma.compress(data), [_beside])]
        damaged = bytearray(first)
        for place, put, n_left_out in second:
            at = int(place * len(damaged))
            damaged[at : at + n_left_out] = put
        return [(bytes(damaged), [read_xmp, read_iptc, read_details, _beside])]

    def _search(self, details: Details) -> None:
        kept = parse_details(details_json(details))
        if details_json(kept) != details_json(details):
            raise AssertionError(f"{details} is kept as {kept}")
        facts = Facts(**{field.name: getattr(kept, field.name) for field in fields(Facts)})
        index = Index([Document("a", owner=tuple(text for _, text in kept.texts), facts=facts)])
        for use in FACTS:
            index.find(parse(f'{use.key}:"{use.value_of(kept)}"'))


def _beside(data: bytes) -> Details:
    beside = Beside((*NAMES, *BESIDE), lambda _name, _max_bytes: data, "folder")
    said = Details()
    for name in NAMES:
        beside.leaves_out(name)
        said = said.completed_by(beside.details_of(name))
    if any(not reason for _, reason in beside.failures):
        raise AssertionError("a failure without a reason")
    return said
