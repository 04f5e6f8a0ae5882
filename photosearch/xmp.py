"""XMP, in which programs keep what people say of a photo, inside its file or in a sidecar beside it (ISO 16684-1)."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Iterable, Mapping
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse

from photosearch.coordinates import sound_pair
from photosearch.records import Details, TextKind
from photosearch.times import read_time

MAX_BYTES = 64_000_000  # an editor's history may take tens of megabytes
MAX_TEXT_CHARS = 10_000
MAX_KEYWORD_CHARS = 200
MAX_KEYWORDS = 500
_MAX_VALUES = 2_000  # of one property
_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
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
    values: dict[str, list[str]] = {}
    open_properties: list[str | None] = []
    n_elements = 0
    try:
        for event, element in iterparse(io.BytesIO(data), events=("start", "end"), forbid_dtd=True):
            name = _name(element.tag)
            if event == "start":
                n_elements += 1
                open_properties.append(name)
                for attribute, value in element.attrib.items():
                    if attribute_name := _name(attribute):
                        _add(values, attribute_name, value)
                continue
            open_properties.pop()
            owner = name if name else next((known for known in reversed(open_properties) if known), None)
            if owner and (name or element.tag == f"{_RDF}li"):
                _add(values, owner, element.text or "")
            element.clear()
    except DefusedXmlException as error:
        raise ValueError("it defines entities or a document type, which XMP never does") from error
    except (ParseError, LookupError, UnicodeError, ValueError) as error:
        if not values:
            raise ValueError(f"it is no XMP ({str(error) or type(error).__name__})") from error
    if not n_elements:
        raise ValueError("it is no XMP")
    return values


def _name(tag: str) -> str | None:
    namespace, _, local = tag.removeprefix("{").rpartition("}")
    prefix = _NAMESPACES.get(namespace)
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
