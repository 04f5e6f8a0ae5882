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
    signature: bytes  # regular expression of a file's first bytes


FORMATS = (
    PictureFormat("JPEG", (".jpg", ".jpeg", ".jpe", ".jfif"), rb"\xff\xd8"),
    PictureFormat("PNG", (".png",), rb"\x89PNG"),
    PictureFormat("WEBP", (".webp",), rb"(?s)RIFF.{4}WEBP"),
    PictureFormat("AVIF", (".avif",), rb"(?s).{4}ftyp(?:avi[fs]|mi[fa][1f].{4,40}?avi[fs])"),
    PictureFormat("HEIF", (".heic", ".heif", ".hif"), rb"(?s).{4}ftyp(?:hei[cmsx]|hev[cmsx]|mif1|msf1)"),
    PictureFormat("GIF", (".gif",), rb"GIF8"),
    PictureFormat("BMP", (".bmp",), rb"(?s)BM.{12}[\x0c\x28\x34\x38\x40\x6c\x7c]\x00\x00\x00"),
    PictureFormat("TIFF", (".tif", ".tiff"), rb"II\*\x00|MM\x00\*"),
)
SUFFIXES = tuple(suffix for picture_format in FORMATS for suffix in picture_format.suffixes)
N_TELLING_BYTES = 64  # of a file's beginning; enough for every signature
_SHARED = ("TIFF",)  # cameras' raw files begin like these, and only their previews can be read


def is_picture_name(name: str) -> bool:
    """Return whether a file's name or path ends like a picture's."""
    return os.path.splitext(name)[1].lower() in SUFFIXES


def format_of(data: bytes) -> PictureFormat | None:
    """Return the format that a file's first bytes tell; None where they tell none."""
    return next((known for known in FORMATS if re.match(known.signature, data)), None)


def begins_like_picture(data: bytes) -> bool:
    """Return whether a file is a picture by its first bytes, whatever its name; a TIFF is known by its name only."""
    known = format_of(data)
    return known is not None and known.name not in _SHARED


def suffix_of(data: bytes) -> str | None:
    """Return the usual suffix for a file's bytes, such as ".jpg"; None where the first bytes do not tell the format."""
    known = format_of(data)
    return known.suffixes[0] if known else None
