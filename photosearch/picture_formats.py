"""The picture formats that photosearch reads: one table, which needs no Pillow.

Pillow reads 40 more formats, one of them with another program; they are left out on purpose. A new format is one line
here, and a plugin registered in `images` where Pillow does not read the format by itself.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass


@dataclass(frozen=True)
class PictureFormat:
    """A format of picture files."""

    name: str  # Pillow's
    suffixes: tuple[str, ...]  # of file names, in lower case, the usual one first
    signature: bytes = b"(?!)"  # regular expression of a file's first bytes; by default none is recognised by them


FORMATS = (
    PictureFormat("JPEG", (".jpg", ".jpeg", ".jpe", ".jfif"), rb"\xff\xd8"),
    PictureFormat("PNG", (".png",), rb"\x89PNG"),
    PictureFormat("WEBP", (".webp",), rb"(?s)RIFF.{4}WEBP"),
    PictureFormat("HEIF", (".heic", ".heif")),  # two endings, which the first bytes do not tell apart reliably
    PictureFormat("AVIF", (".avif",)),
    PictureFormat("GIF", (".gif",), rb"GIF8"),
    PictureFormat("BMP", (".bmp",), rb"BM"),
    PictureFormat("TIFF", (".tif", ".tiff"), rb"II\*\x00|MM\x00\*"),
)
SUFFIXES = tuple(suffix for picture_format in FORMATS for suffix in picture_format.suffixes)


def is_picture_name(name: str) -> bool:
    """Return whether a file's name or path ends like a picture's."""
    return os.path.splitext(name)[1].lower() in SUFFIXES


def suffix_of(data: bytes) -> str | None:
    """Return the usual suffix for a file's bytes, such as ".jpg"; None where the first bytes do not tell the format."""
    for picture_format in FORMATS:
        if re.match(picture_format.signature, data):
            return picture_format.suffixes[0]
    return None
