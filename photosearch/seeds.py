"""The older system's three files, written back."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from itertools import chain, count

from photosearch.records import Photo

_MOST_BYTES = 200  # of a collection's name within a file's: most file systems take 255 in all


def seed_files(collection: str, photos: Sequence[Photo]) -> dict[str, str]:
    """The three files' names with their text. A photo without an address stands under what it is shown by."""
    addresses = _addresses(photos)
    database = [
        {
            "url": address,
            "caption": photo.caption,
            "yolo_objects": [found.label for found in photo.objects],
        }
        for address, photo in zip(addresses, photos, strict=True)
    ]
    name = _file_name(collection)
    return {
        f"url_list_{name}.json": _json(addresses),
        f"captions_dict_{name}.json": _json({entry["url"]: entry["caption"] for entry in database}),
        "photosearch_db.json": _json({collection: database}),
    }


def _file_name(collection: str) -> str:
    """A collection's name as a part of a file's, on any system."""
    name = re.sub(r'[\x00-\x1f<>:"/\\|?*]', "_", collection).encode("utf-8", "replace")[:_MOST_BYTES]
    return name.decode("utf-8", "ignore").strip(". ") or "photos"


def _addresses(photos: Sequence[Photo]) -> list[str]:
    """One a photo. Slides share their post's; the further ones are numbered, as Instagram does it."""
    taken: dict[str, None] = {}
    for photo in photos:
        first = _address(photo)
        numbered = (f"{first}?img_index={number}" for number in count(2))
        taken[next(address for address in chain([first], numbered) if address not in taken)] = None
    return list(taken)


def _address(photo: Photo) -> str:
    """The picture's own address where it has one: the older system shows it."""
    return photo.source_key if "://" in photo.source_key else photo.origin


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"
