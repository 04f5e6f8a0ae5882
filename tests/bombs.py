"""Small files that ask their decoder for vast amounts of time or memory; made by code, since they are easily made."""

from __future__ import annotations

import io
import struct
from pathlib import Path

from PIL import Image

# 96 x 64 px, drawn by Pillow, and encoded by heif-enc of libheif 1.15 at quality 50: Pillow reads HEIC only.
HEIC = Path(__file__).with_name("drawn.heic").read_bytes()


def encoded(image: Image.Image, format: str, **options: object) -> bytes:
    """The file of a picture."""
    out = io.BytesIO()
    image.save(out, format, **options)
    return out.getvalue()


def jpeg_of_many_scans(n_scans: int = 1000, side_px: int = 2000) -> bytes:
    """A progressive JPEG whose last scan comes again and again."""
    whole = encoded(Image.new("RGB", (side_px, side_px), "red"), "JPEG", progressive=True, quality=20)
    last = whole.rindex(b"\xff\xda")
    return whole[:-2] + whole[last:-2] * n_scans + whole[-2:]


def with_size(jpeg: bytes, width: int, height: int) -> bytes:
    """A progressive JPEG that says another size."""
    frame = jpeg.index(b"\xff\xc2")
    return jpeg[: frame + 5] + struct.pack(">HH", height, width) + jpeg[frame + 9 :]


def avif_that_lies(side_px: int = 3000) -> bytes:
    """An AVIF of 100 x 100 px that holds a picture of another size."""
    whole = bytearray(encoded(Image.new("RGB", (side_px, side_px), "red"), "AVIF", speed=10))
    struct.pack_into(">II", whole, whole.index(b"ispe") + 8, 100, 100)
    return bytes(whole)


def heic_that_says(width: int, height: int) -> bytes:
    """A HEIC of 96 x 64 px that says another size."""
    whole = bytearray(HEIC)
    struct.pack_into(">II", whole, whole.index(b"ispe") + 8, width, height)
    return bytes(whole)


def heic_of_a_huge_part(side_px: int = 30_000) -> bytes:
    """A HEIC that says a size for another part, too, as it would for what is transparent of it."""
    added = struct.pack(">I4s4xII", 20, b"ispe", side_px, side_px)
    whole = bytearray(HEIC)
    at = whole.index(b"ipco") + 4
    whole[at:at] = added
    for box in (b"ipco", b"iprp", b"meta"):
        place = whole.index(box) - 4
        struct.pack_into(">I", whole, place, struct.unpack_from(">I", whole, place)[0] + len(added))
    return bytes(whole)


def huge_progressive_cmyk() -> bytes:
    """A progressive JPEG of 169 million pixels in four colours, of which nothing is there."""
    return with_size(encoded(Image.new("CMYK", (64, 64)), "JPEG", progressive=True), 13_000, 13_000)


def tiff(content: bytes, tags: dict[int, int], width: int = 16, height: int = 16) -> bytes:
    """A grey TIFF with one strip or tile; `tags` add to the usual ones, or replace them."""
    tags = {256: width, 257: height, 258: 8, 259: 1, 262: 1, 277: 1, **tags}
    at, size = (324, 325) if 322 in tags else (273, 279)
    tags |= {at: 8 + 2 + 12 * (len(tags) + 2) + 4, size: len(content)}
    entries = b"".join(struct.pack("<HHLL", tag, 4, 1, value) for tag, value in sorted(tags.items()))
    return b"II*\0" + struct.pack("<LH", 8, len(tags)) + entries + bytes(4) + content


def tiff_of_a_huge_tile(side_px: int = 30_000) -> bytes:
    """A TIFF of 16 x 16 px in a tile of 900 million."""
    return tiff(b"\x80" * 2000, {259: 32773, 322: side_px, 323: side_px})


def tiff_of_many_warnings(n_rows: int = 30_000) -> bytes:
    """A TIFF of 1 kB for each of whose rows its decoder has something to complain about."""
    noise = bytes((i * 37 + i // 7) % 256 for i in range(800))
    return tiff(noise, {258: 1, 259: 3, 278: n_rows}, 64, n_rows)
