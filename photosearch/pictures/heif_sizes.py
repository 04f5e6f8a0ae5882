"""The sizes of the pictures that an AVIF or HEIC file holds (ISO/IEC 23008-12).

Both say the size of each picture and part; the pictures of an AVIF say it once more in their own headers (AV1 5.5).
Those of a HEIC are held against the file's word by its decoder, libheif, before it takes memory for them.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

_SEQUENCE_HEADER = 1  # the type of an open bitstream unit
_HEAD_BYTES = 64  # of an item: more than the units up to its sequence header take


def coded_sizes(data: bytes) -> list[tuple[int, int]]:
    """Return width and height of each coded picture that can be found; what is damaged is left to the decoder."""
    sizes: list[tuple[int, int]] = []
    try:
        for offset in _item_offsets(_box(_box(data, b"meta")[4:], b"iloc")):
            size = _coded_size(data[offset : offset + _HEAD_BYTES])
            if size is not None:
                sizes.append(size)
    except (struct.error, IndexError, ValueError):
        pass
    return sizes


def declared_sizes(data: bytes) -> list[tuple[int, int]]:
    """Return width and height of each picture, part of a picture or thumbnail, as the file says them."""
    try:
        properties = _box(_box(_box(data, b"meta")[4:], b"iprp"), b"ipco")
        return [struct.unpack_from(">II", properties, at + 4) for kind, at, _ in _boxes(properties) if kind == b"ispe"]
    except (struct.error, ValueError):
        return []


def _box(data: bytes, name: bytes) -> bytes:
    """Return the content of a box; raises `ValueError` where there is none."""
    for kind, start, end in _boxes(data):
        if kind == name:
            return data[start:end]
    raise ValueError(f"no {name!r}")


def _boxes(data: bytes) -> Iterator[tuple[bytes, int, int | None]]:
    """Yield the name of each box, and where its content starts and ends, until one that is damaged or over 4 GB."""
    at = 0
    while at + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        if size == 1 or (size and size < 8):
            return
        yield kind, at + 8, at + size if size else None
        if not size:
            return
        at += size


def _item_offsets(iloc: bytes) -> Iterator[int]:
    """Yield where each item's first bytes lie in the file."""
    version, sizes = iloc[0], struct.unpack_from(">H", iloc, 4)[0]
    offset_bytes, length_bytes, base_bytes, index_bytes = ((sizes >> shift) & 15 for shift in (12, 8, 4, 0))
    wide = 4 if version == 2 else 2
    n_items, at = int.from_bytes(iloc[6 : 6 + wide], "big"), 6 + wide
    for _ in range(n_items):
        at += wide
        method = iloc[at + 1] & 15 if version else 0
        at += 4 if version else 2  # with the data reference
        base, at = int.from_bytes(iloc[at : at + base_bytes], "big"), at + base_bytes
        n_extents, at = struct.unpack_from(">H", iloc, at)[0], at + 2
        for i in range(n_extents):
            at += index_bytes if version else 0
            offset = int.from_bytes(iloc[at : at + offset_bytes], "big")
            at += offset_bytes + length_bytes
            if i == 0 and method == 0:
                yield base + offset


def _coded_size(item: bytes) -> tuple[int, int] | None:
    """Return the size in an item's sequence header; None where it has none, or one with a clock."""
    at = 0
    while at + 2 <= len(item):
        kind, has_extension, has_size = item[at] >> 3 & 15, item[at] & 4, item[at] & 2
        if item[at] & 0x81 or not has_size:
            return None  # no unit, or one that goes on to the item's end
        at += 2 if has_extension else 1
        length = item[at]
        if length & 0x80:
            return None  # longer than any header
        if kind == _SEQUENCE_HEADER:
            return _sequence_size(_Bits(item[at + 1 : at + 1 + length]))
        at += 1 + length
    return None


class _Bits:
    """Reads numbers of some bits each."""

    def __init__(self, data: bytes) -> None:
        self._value, self._n_left = int.from_bytes(data, "big"), 8 * len(data)

    def read(self, n: int) -> int:
        """Return the next `n` bits as a number; raises `ValueError` at the end."""
        self._n_left -= n
        if self._n_left < 0:
            raise ValueError("the header ends early")
        return self._value >> self._n_left & ((1 << n) - 1)


def _sequence_size(bits: _Bits) -> tuple[int, int] | None:
    bits.read(4)  # profile, still picture
    if bits.read(1):  # a reduced header
        bits.read(5)
    else:
        if bits.read(1):
            return None  # timing
        has_delay = bits.read(1)
        for _ in range(bits.read(5) + 1):
            bits.read(12)
            if bits.read(5) > 7:
                bits.read(1)
            if has_delay and bits.read(1):
                bits.read(4)
    width_bits, height_bits = bits.read(4) + 1, bits.read(4) + 1
    return bits.read(width_bits) + 1, bits.read(height_bits) + 1
