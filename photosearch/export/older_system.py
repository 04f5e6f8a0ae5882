"""Writes the older system's three files: addresses, captions, and its database."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import chain, count
from pathlib import Path

from photosearch.errors import PhotoError, PhotosearchError
from photosearch.files import clean_name, write_whole
from photosearch.records import Photo
from photosearch.sources.addresses import check_url
from photosearch.sources.urls import read_json

DATABASE = "photosearch_db.json"
_MAX_NAME_BYTES = 200  # of a collection's name within a file's: most file systems take 255 in all


def write_older_system_files(folder: Path, collection: str, photos: Sequence[Photo]) -> list[Path]:
    """Write the three files and return their paths; an existing database keeps its other collections.

    Raises:
        PhotosearchError: no photo has an address, the existing database has another form, or a file cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        written = []
        for name, text in older_system_files(collection, photos, _read_database(folder / DATABASE)).items():
            with write_whole(folder / name) as part:
                part.write_text(text, encoding="utf-8")
            written.append(folder / name)
    except OSError as error:
        raise PhotosearchError(
            f'"{folder}" cannot be written: {error.strerror}. Choose another with --output.'
        ) from error
    return written


def _read_database(path: Path) -> Mapping[str, object]:
    if not path.exists():
        return {}
    content = read_json(path)
    if not isinstance(content, dict) or not all(isinstance(entries, list) for entries in content.values()):
        raise PhotosearchError(
            f'"{path}" exists, but is not a database of the older system. Move it, or choose another --output.'
        )
    return content


def has_address(photo: Photo) -> bool:
    """Tell whether a photo has an address, by which the older system identifies photos."""
    try:
        check_url(_address(photo))
    except PhotoError:
        return False
    return True


def older_system_files(
    collection: str, photos: Sequence[Photo], others: Mapping[str, object] | None = None
) -> dict[str, str]:
    """Return the text of each of the three files, by the file's name; photos without an address are left out.

    Args:
        collection: its name.
        photos: of the collection.
        others: the database's entries so far; one for the same collection is replaced.

    Raises:
        PhotosearchError: there are photos, and none has an address.
    """
    n_photos = len(photos)
    photos = [photo for photo in photos if has_address(photo)]
    if n_photos and not photos:
        raise PhotosearchError(
            f'No photo of "{collection}" has an address, by which the older system identifies photos.'
            " Export it as JSON or CSV."
        )
    addresses = _addresses(photos)
    database = [
        {
            "url": address,
            "caption": photo.caption,
            "yolo_objects": [detection.label for detection in photo.objects],
        }
        for address, photo in zip(addresses, photos, strict=True)
    ]
    name = clean_name(collection, _MAX_NAME_BYTES) or "photos"
    return {
        f"url_list_{name}.json": _json(addresses),
        f"captions_dict_{name}.json": _json({entry["url"]: entry["caption"] for entry in database}),
        DATABASE: _json({**(others or {}), collection: database}),
    }


def _addresses(photos: Sequence[Photo]) -> list[str]:
    """Return an address for each photo; further photos with the same address get numbers, as Instagram's slides do."""
    taken: dict[str, None] = {}
    for photo in photos:
        first = _address(photo)
        numbered = (f"{first}?img_index={number}" for number in count(2))
        taken[next(address for address in chain([first], numbered) if address not in taken)] = None
    return list(taken)


def _address(photo: Photo) -> str:
    """Return the picture's own address if it has one, since the older system shows it."""
    return photo.source_key if "://" in photo.source_key else photo.origin


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"
