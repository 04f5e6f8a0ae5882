"""The original bytes of photos, and larger pictures made from them than the thumbnails."""

from __future__ import annotations

import hashlib

from photosearch.errors import PhotoError, PhotoNotFound
from photosearch.library import Library, Pending
from photosearch.library.upkeep import locate
from photosearch.pictures import images
from photosearch.pictures.decoding.decoder import decode_picture
from photosearch.settings import Settings
from photosearch.sources.budget import expect_bytes, reading_one_photo
from photosearch.sources.kinds import kind_named
from photosearch.sources.reading import Reader

N_AT_ONCE = 2  # originals that pages read at the same time


def find_listed(library: Library, photo_id: str) -> Pending:
    """Return the photo as the library lists it; raise `PhotoNotFound` for an unknown id."""
    photo = locate(library, [photo_id]).get(photo_id)
    if photo is None:
        raise PhotoNotFound(f'Photo "{photo_id}" was not found.')
    return photo


def read_original(library: Library, settings: Settings, photo: Pending) -> bytes:
    """Read the bytes that the models analysed: from the source, or the kept copy of a fetched photo.

    Raises:
        PhotoError: the photo has not been read yet, is gone, or has changed since.
    """
    if photo.sha256 is None:
        raise PhotoError("it was not read yet")
    if kind_named(photo.source).is_fetched:
        return library.files.read_kept(photo.kept_path, expect_bytes)
    with Reader(settings) as reader:
        content = reader.read(photo, images.MAX_FILE_BYTES)
    if content is None or hashlib.sha256(content.data).hexdigest() != photo.sha256:
        raise PhotoError("the file has changed since it was read")
    return content.data


def make_rendition(library: Library, settings: Settings, photo: Pending, side_px: int) -> bytes:
    """Make a JPEG of the photo, longer side at most `side_px`, no metadata; raise as `read_original` does."""
    with reading_one_photo():
        return images.thumbnail(decode_picture(read_original(library, settings, photo), side_px), side_px)
