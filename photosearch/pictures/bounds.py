"""What a picture file may ask of its decoder, checked in its headers before anything is decoded."""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping

from photosearch.errors import PhotoError
from photosearch.pictures.heif_sizes import coded_sizes, declared_sizes

MAX_SCANS = 100  # of a JPEG; usual progressive ones have 10, a decoder goes over the whole picture for each
MAX_SCANNED_PIXELS = 1_600_000_000  # pixels times scans: 80 million pixels in 20 scans
MAX_COEFFICIENT_BYTES = 480_000_000  # of a progressive JPEG, held while decoding: 80 million pixels in full colour
MAX_TILE_PIXELS = 1 << 22  # of a TIFF's tile or strip that is larger than the picture: 2,048 x 2,048

_MARKER = re.compile(rb"\xff+([\x02-\xcf\xd8-\xfe])")  # without RST0 to RST7 and TEM, which have no length
_START, _END, _SCAN = 0xD8, 0xD9, 0xDA
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # ITU-T T.81, table B.1
_PROGRESSIVE = (0xC2, 0xC6, 0xCA, 0xCE)
_BYTES_A_COEFFICIENT = 2

_WIDTH, _LENGTH, _COMPRESSION, _ROWS_A_STRIP, _TILE_WIDTH, _TILE_LENGTH = 256, 257, 259, 278, 322, 323  # TIFF 6.0
_COMPRESSIONS = {
    1: "none", 2: "CCITT", 3: "CCITT 3", 4: "CCITT 4", 5: "LZW", 6: "JPEG", 7: "JPEG", 8: "Deflate", 32773: "PackBits",
    32946: "Deflate", 50000: "Zstandard", 50001: "WebP",
}  # fmt: skip


def check_jpeg(data: bytes) -> None:
    """Raise `PhotoError` when a JPEG asks for too many scans, or for too much memory to put them together."""
    n_scans = n_pixels = n_bytes = 0
    is_progressive = False
    position = 0
    while marker := _MARKER.search(data, position):
        position, kind = marker.end(), marker[1][0]
        if kind == _END:
            break
        if kind == _START:
            continue
        if kind in _FRAMES:
            n_pixels, n_bytes = _frame(data, position)
            is_progressive = kind in _PROGRESSIVE
        n_scans += kind == _SCAN
        if n_bytes > MAX_COEFFICIENT_BYTES and (is_progressive or n_scans > 1):
            raise PhotoError("it is too large to decode as a progressive JPEG; save it as a baseline JPEG")
        if n_scans > MAX_SCANS or n_scans * n_pixels > MAX_SCANNED_PIXELS:
            raise PhotoError(f"it has {n_scans} scans or more, which no camera writes; save it anew")
        position += int.from_bytes(data[position : position + 2], "big")


def _frame(data: bytes, position: int) -> tuple[int, int]:
    """Return the pixels of a JPEG's frame header, and the bytes of its coefficients."""
    try:
        _, _, height, width, n_components = struct.unpack_from(">HBHHB", data, position)
        first = position + 8
        samplings = [data[first + 3 * i + 1] for i in range(n_components)]
    except (struct.error, IndexError):
        return 0, 0  # the decoder says that it is damaged
    most = max((s >> 4) for s in samplings or [1]) * max((s & 15) for s in samplings or [1]) or 1
    samples = width * height * sum((s >> 4) * (s & 15) for s in samplings) / most
    return width * height, int(samples * _BYTES_A_COEFFICIENT)


def check_tiff(tags: Mapping[int, object]) -> None:
    """Raise `PhotoError` when a TIFF's tiles or strips are vastly larger than its picture, or packed by a rare method.

    Args:
        tags: the values of its first directory, by number.
    """
    compression = _number(tags.get(_COMPRESSION), 1)
    if compression not in _COMPRESSIONS:
        raise PhotoError(f"it is packed by a rare method (TIFF compression {compression}); save it anew")
    width, height = _number(tags.get(_WIDTH), 0), _number(tags.get(_LENGTH), 0)
    tile = _number(tags.get(_TILE_WIDTH), 0) * _number(tags.get(_TILE_LENGTH), 0)
    strip = width * min(height, _number(tags.get(_ROWS_A_STRIP), height))
    if max(tile, strip) > max(width * height, MAX_TILE_PIXELS):
        raise PhotoError(f"it has tiles of {tile:,} pixels, more than the whole picture; save it anew")


def check_heif(data: bytes, max_pixels: int) -> None:
    """Raise `PhotoError` when a HEIC or AVIF says of a part that it has more than `max_pixels`, the picture or not."""
    for width, height in declared_sizes(data):
        if width * height > max_pixels:
            raise PhotoError(f"it holds a picture of {width} x {height} px, too large to decode; save it anew")


def check_avif(data: bytes, n_pixels: int) -> None:
    """Raise `PhotoError` when an AVIF holds a picture that is much larger than the `n_pixels` that it says."""
    for width, height in coded_sizes(data):
        if width * height > max(4 * n_pixels, MAX_TILE_PIXELS):
            raise PhotoError(f"it holds a picture of {width} x {height} px, but says another size; save it anew")


def _number(value: object, default: int) -> int:
    if isinstance(value, tuple) and value:
        value = value[0]
    return value if isinstance(value, int) else default
