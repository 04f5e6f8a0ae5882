"""What a picture's file says of itself: EXIF, XMP, IPTC, texts of PNG, a JPEG's comment."""

from __future__ import annotations

import codecs
import logging
import re
from collections.abc import Iterable

from PIL import ExifTags, Image

from photosearch.errors import PhotoError
from photosearch.pictures.exif import exif_details, read_text
from photosearch.pictures.images import DAMAGE, open_image
from photosearch.pictures.iptc import read_iptc
from photosearch.pictures.xmp import owner_texts, read_xmp
from photosearch.records import Details

log = logging.getLogger(__name__)
_IPTC_IN_PHOTOSHOP, _IPTC_IN_TIFF, _XMP_IN_TIFF = 0x0404, 33723, 700
_PNG_TEXTS = ("Title", "Description", "Comment", "Subject", "Caption")
_PNG_KEYWORDS = ("Keywords", "Tags")
_KEYWORD_MARKS = re.compile(r"[;,]")
_OF_PROGRAMS = re.compile(  # what encoders and cameras write where a person could
    r"(?:creator: gd-jpeg|lead technologies|file written by adobe|lavc|created with|compressed by|processed by|ulead"
    r"|optimized (?:by|using)|xv version|intel\(r\)|jpeg encoder|applemark|handmade software|software:"
    r"|(?:olympus|minolta|konica minolta|samsung|sony|kodak|ricoh|\s)*(?:digital (?:still )?camera|dsc)\s*$"
    r"|dcim[/\\]|exif[_ ]jpeg[_ ]picture|<[\w .-]+>\s*$|default$|[^\w]*$)",
    re.IGNORECASE,
)
_XP_TEXTS = (0x9C9B, 0x9C9C, 0x9C9F)  # Windows: title, comment, subject
_XP_KEYWORDS = 0x9C9E
_RATING = 0x4746
_CHARSET_BYTES = 8  # before a user's comment
_UTF16 = b"UNICODE"


def read_details(data: bytes) -> Details:
    """Read what a picture's file says of itself; a damaged part counts as none."""
    found = Details()
    try:
        with open_image(data) as image:
            for read in (_exif, _xmp, _iptc, _texts):
                try:
                    found = found.completed_by(read(image))
                except DAMAGE as error:
                    log.info("A part of a picture's own texts cannot be read: %s", error)
    except PhotoError:
        pass
    return found


def _exif(image: Image.Image) -> Details:
    exif = image.getexif()
    if not exif:
        return Details()
    said = [read_text(exif.get(ExifTags.Base.ImageDescription)), *(_utf16(exif.get(tag)) for tag in _XP_TEXTS)]
    try:
        comment = exif.get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.UserComment)
        said.append(_comment(comment, is_big_endian=exif.endian == ">"))
    except DAMAGE:
        log.info("A picture's comment cannot be read.")
    keywords = _KEYWORD_MARKS.split(_utf16(exif.get(_XP_KEYWORDS)))
    rating = exif.get(_RATING)
    stars = Details(
        rating=rating if isinstance(rating, int) and 0 <= rating <= 5 else None,
        texts=owner_texts(filter(_is_of_a_person, said), keywords),
    )
    return exif_details(exif).completed_by(stars)


def _xmp(image: Image.Image) -> Details:
    packet = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp") or _tiff_tag(image, _XMP_IN_TIFF)
    if isinstance(packet, str):
        packet = packet.encode("utf-8", "replace")
    return read_xmp(packet) if isinstance(packet, bytes) else Details()


def _iptc(image: Image.Image) -> Details:
    blocks = image.info.get("photoshop")
    data = blocks.get(_IPTC_IN_PHOTOSHOP) if isinstance(blocks, dict) else _tiff_tag(image, _IPTC_IN_TIFF)
    return read_iptc(data) if isinstance(data, bytes) else Details()


def _tiff_tag(image: Image.Image, tag: int) -> object:
    tags = getattr(image, "tag_v2", None)
    return tags.get(tag) if tags is not None else None


def _texts(image: Image.Image) -> Details:
    said: list[object] = [image.info.get(name) for name in (*_PNG_TEXTS, "comment")]
    keywords = [part for name in _PNG_KEYWORDS for part in _KEYWORD_MARKS.split(read_text(image.info.get(name)))]
    return Details(texts=owner_texts(_of_persons(said), keywords))


def _of_persons(said: Iterable[object]) -> list[str]:
    return [text for text in map(read_text, said) if _is_of_a_person(text)]


def _is_of_a_person(text: str) -> bool:
    return _OF_PROGRAMS.match(text) is None


def _utf16(value: object) -> str:
    data = bytes(value) if isinstance(value, tuple) and all(byte in range(256) for byte in value) else value
    return data.decode("utf-16-le", "replace").strip("\0 ") if isinstance(data, bytes) else ""


def _comment(value: object, *, is_big_endian: bool) -> str:
    """Return a user's comment; where it is Unicode, neither standard nor programs agree on the order of bytes."""
    if not isinstance(value, bytes):
        return read_text(value)
    charset, text = value[:_CHARSET_BYTES], value[_CHARSET_BYTES:]
    if not charset.startswith(_UTF16):
        return read_text(text)
    if text.startswith((codecs.BOM_UTF16_BE, codecs.BOM_UTF16_LE)):
        return text.decode("utf-16", "replace").strip("\0 ")
    n_high, n_low = text[::2].count(0), text[1::2].count(0)  # of ASCII letters one byte is zero
    is_big = n_high > n_low if n_high != n_low else is_big_endian
    return text.decode("utf-16-be" if is_big else "utf-16-le", "replace").strip("\0 ")
