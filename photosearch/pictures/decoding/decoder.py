"""Pictures decoded in other processes: one that crashes its decoder or exceeds a limit costs one photo, not the run.

Use from any thread.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image

from photosearch.errors import PhotoError
from photosearch.pictures.decoding.pool import ask
from photosearch.pictures.decoding.protocol import Header, from_json
from photosearch.pictures.images import DRAFT_SIDE_PX, Picture
from photosearch.records import Details

_MAX_JPEG_BYTES = 5_000_000  # of a thumbnail and of a kept copy together


@dataclass(frozen=True)
class Prepared:
    """All that is made of a photo's bytes when they are read."""

    picture: Picture
    thumbnail: bytes  # a JPEG
    kept: bytes  # a larger JPEG; empty where none was wanted
    phash: str
    details: Details


def decode_picture(data: bytes, side_px: int = DRAFT_SIDE_PX) -> Picture:
    """Decode a file's bytes as `images.decode` does, in another process.

    Raises:
        PhotoError: as `images.decode`; or it took too long or too much memory, or crashed the decoder.
    """
    header, blobs = ask({"work": "decode", "side_px": side_px}, data, 3 * side_px**2)
    return _picture(header, blobs, data)


def prepare_photo(data: bytes, kept_side_px: int | None = None) -> Prepared:
    """Decode a photo; make its thumbnail and perceptual hash, read its EXIF; raises `PhotoError` as `decode_picture`.

    Args:
        data: the file's bytes.
        kept_side_px: of a larger JPEG that is wanted, too; None: it is not.
    """
    request = {"work": "prepare", "side_px": DRAFT_SIDE_PX, "kept_side_px": kept_side_px}
    header, blobs = ask(request, data, 3 * DRAFT_SIDE_PX**2 + _MAX_JPEG_BYTES)
    try:
        _, thumbnail, kept = blobs
        return Prepared(_picture(header, blobs, data), thumbnail, kept, str(header["phash"]), _details(header))
    except (KeyError, ValueError, TypeError) as error:
        raise _odd_answer() from error


def read_details_apart(data: bytes) -> Details:
    """Read what a file says of itself as `embedded.read_details` does, in another process; raises `PhotoError`."""
    header, _ = ask({"work": "details"}, data, 0)
    return _details(header)


def _picture(header: Header, blobs: Sequence[bytes], data: bytes) -> Picture:
    try:
        width, height = (int(side) for side in header["size"])  # type: ignore[attr-defined]
        rgb = Image.frombytes("RGB", (width, height), blobs[0])
        whole = [int(str(header[name])) for name in ("width_px", "height_px")]
        return Picture(hashlib.sha256(data).hexdigest(), whole[0], whole[1], rgb)
    except (KeyError, ValueError, TypeError, IndexError) as error:
        raise _odd_answer() from error


def _details(header: Header) -> Details:
    try:
        return from_json(header.get("details"))
    except (LookupError, ValueError, TypeError) as error:
        raise _odd_answer() from error


def _odd_answer() -> PhotoError:
    return PhotoError("the picture confused its decoder; it may be damaged")
