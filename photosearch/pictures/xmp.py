"""XMP, in which programs keep what people say of a photo, inside its file or in a sidecar beside it (ISO 16684-1)."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Iterable, Mapping
from xml.sax import SAXException
from xml.sax.handler import ContentHandler, feature_namespaces
from xml.sax.xmlreader import AttributesNSImpl

from defusedxml.common import DefusedXmlException
from defusedxml.expatreader import create_parser

from photosearch.records import Details, TextKind
from photosearch.words.coordinates import sound_pair
from photosearch.words.times import read_time

MAX_BYTES = 64_000_000  # an editor's history may take tens of megabytes
MAX_TEXT_CHARS = 10_000
MAX_KEYWORD_CHARS = 200
MAX_KEYWORDS = 500
_MAX_VALUES = 2_000  # of one property
_MAX_ELEMENTS = 1_000_000  # read in some seconds
_ITEM = ("http://www.w3.org/1999/02/22-rdf-syntax-ns#", "li")
_NAMESPACES = {  # of properties that say something of the photo
    "http://purl.org/dc/elements/1.1/": "dc",
    "http://ns.adobe.com/lightroom/1.0/": "lr",
    "http://ns.adobe.com/photoshop/1.0/": "photoshop",
    "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/": "iptc",
    "http://www.digikam.org/ns/1.0/": "digikam",
    "http://ns.microsoft.com/photo/1.0/": "microsoft",
    "http://ns.microsoft.com/photo/1.0": "microsoft",
    "http://www.metadataworkinggroup.com/schemas/regions/": "regions",
    "http://ns.adobe.com/xap/1.0/": "xmp",
    "http://ns.adobe.com/exif/1.0/": "exif",
    "http://cipa.jp/exif/1.0/": "exifex",
    "http://ns.adobe.com/exif/1.0/aux/": "aux",
    "http://ns.adobe.com/tiff/1.0/": "tiff",
}
_TEXTS = ("dc:title", "photoshop:Headline", "dc:description", "regions:Name")
_KEYWORDS = ("dc:subject", "microsoft:LastKeywordXMP")
_PATHS = (("lr:hierarchicalSubject", "|"), ("digikam:TagsList", "/"))  # keywords with those above them
_TIMES = ("exif:DateTimeOriginal", "photoshop:DateCreated", "xmp:CreateDate")
_PLACES = ("iptc:Location", "photoshop:City", "photoshop:State", "photoshop:Country")
_LENSES = ("exifex:LensModel", "aux:Lens")
_COORDINATE = re.compile(r"(\d{1,3}),(\d{1,2}(?:\.\d+)?)(?:,(\d{1,2}(?:\.\d+)?))?([NSEW])")
_STARS = ((99, 5), (75, 4), (50, 3), (25, 2), (1, 1))  # Microsoft's percentages
Values = Mapping[str, list[str]]


def read_xmp(data: bytes) -> Details:
    """Read what an XMP packet says of a photo; properties after a damaged place are left out.

    Raises:
        ValueError: the data is no XMP, defines entities, which could grow without bound, or is too large.
    """
    if len(data) > MAX_BYTES:
        raise ValueError(f"it is larger than {MAX_BYTES // 1_000_000} MB")
    values = _read_values(data.strip(b"\0 \t\r\n"))
    latitude, longitude = sound_pair(_coordinate(values, "exif:GPSLatitude"), _coordinate(values, "exif:GPSLongitude"))
    place = ", ".join(dict.fromkeys(text for name in _PLACES for text in values.get(name, ())[:1]))
    times = (read_time(text) for name in _TIMES for text in values.get(name, ())[:1])
    return Details(
        taken_at=next(filter(None, times), None),
        place=clean(place) or None,
        latitude=latitude,
        longitude=longitude,
        lens=next((clean(text) for name in _LENSES for text in values.get(name, ())), None) or None,
        rating=_rating(values),
        texts=_texts(values),
    )


def owner_texts(said: Iterable[str], keywords: Iterable[str]) -> tuple[tuple[TextKind, str], ...]:
    """Return texts and keywords as the owner's, each once, cut where they are too long to be meant."""
    kept = dict.fromkeys(filter(None, map(clean, said)))
    tags = dict.fromkeys(clean(word).lstrip("#") for word in keywords if len(word) <= MAX_KEYWORD_CHARS)
    chosen = [tag for tag in tags if tag][:MAX_KEYWORDS]
    return (*((TextKind.OWNER, text) for text in kept), *((TextKind.HASHTAG, tag) for tag in chosen))


def clean(text: str) -> str:
    """Return a text without characters that cannot be stored, and without blanks around it."""
    kept = text[:MAX_TEXT_CHARS].encode("utf-8", "replace").decode()
    return "".join(char for char in kept if char >= " " or char in "\n\t").strip("\ufeff \n\t")


def _read_values(data: bytes) -> Values:
    reader = _Reader()
    parser = create_parser(forbid_dtd=True)
    parser.setFeature(feature_namespaces, True)
    parser.setContentHandler(reader)
    try:
        parser.parse(io.BytesIO(data))
    except _Enough:
        pass
    except DefusedXmlException as error:
        raise ValueError("it defines entities or a document type, which XMP never does") from error
    except (SAXException, LookupError, UnicodeError, ValueError) as error:
        if not reader.values:
            raise ValueError(f"it is no XMP ({str(error) or type(error).__name__})") from error
    if not reader.n_elements:
        raise ValueError("it is no XMP")
    return reader.values


class _Enough(Exception):
    """More elements than people's words need were read."""


class _Reader(ContentHandler):
    """Collects the values of known properties, and keeps nothing else of a packet, however long its history."""

    def __init__(self) -> None:
        super().__init__()
        self.values: dict[str, list[str]] = {}
        self.n_elements = 0
        self._open: list[str | None] = []  # the properties that are open; None for other elements
        self._text: list[str] = []

    def startElementNS(self, name: tuple[str | None, str], qname: str | None, attrs: AttributesNSImpl) -> None:  # noqa: N802, ARG002
        """Take the attributes, which may be properties, and wait for the text."""
        self.n_elements += 1
        if self.n_elements > _MAX_ELEMENTS:
            raise _Enough
        self._open.append(_known(name))
        self._text = []
        for attribute, value in attrs.items():
            if known := _known(attribute):
                _add(self.values, known, value)

    def characters(self, content: str) -> None:
        """Take a part of a text within a known property."""
        if self._open and (self._open[-1] or self._owner()):
            self._text.append(content)

    def endElementNS(self, name: tuple[str | None, str], qname: str | None) -> None:  # noqa: N802, ARG002
        """Take the text that has ended, of a property or of an item of its list."""
        known = self._open.pop()
        owner = known or (self._owner() if name == _ITEM else None)
        if owner:
            _add(self.values, owner, "".join(self._text))
        self._text = []

    def _owner(self) -> str | None:
        return next((known for known in reversed(self._open) if known), None)


def _known(name: tuple[str | None, str]) -> str | None:
    namespace, local = name
    prefix = _NAMESPACES.get(namespace or "")
    return f"{prefix}:{local}" if prefix else None


def _add(values: dict[str, list[str]], name: str, text: str) -> None:
    held = values.setdefault(name, [])
    if text.strip() and len(held) < _MAX_VALUES:
        held.append(text.strip())


def _texts(values: Values) -> tuple[tuple[TextKind, str], ...]:
    keywords = [word for name in _KEYWORDS for word in values.get(name, ())]
    for name, separator in _PATHS:
        keywords += [part for path in values.get(name, ()) for part in path.split(separator)]
    said = [text for name in _TEXTS for text in values.get(name, ())]
    described = [clean(text) for text in values.get("iptc:AltTextAccessibility", ())]
    return (*owner_texts(said, keywords), *((TextKind.ACCESSIBILITY, text) for text in described if text))


def _rating(values: Values) -> int | None:
    number = _number(values, "xmp:Rating")
    if number is not None and -1 <= number <= 5:
        return round(number)
    percent = _number(values, "microsoft:Rating")
    return None if percent is None else next((stars for least, stars in _STARS if percent >= least), None)


def _number(values: Values, name: str) -> float | None:
    try:
        number = float(values[name][0])
    except (KeyError, IndexError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _coordinate(values: Values, name: str) -> float | None:
    match = _COORDINATE.fullmatch(values[name][0]) if values.get(name) else None
    if match is None:
        return None
    degrees = int(match[1]) + float(match[2]) / 60 + float(match[3] or 0) / 3600
    return -degrees if match[4] in "SW" else degrees
