"""What the public demo may tell everybody; the API and the pages ask here."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from photosearch.errors import CollectionNotFound, PhotoNotFound, PhotosearchError, ReadOnlyError
from photosearch.records import Details, Photo
from photosearch.search.published import published_facts

AnyPhoto = TypeVar("AnyPhoto", bound=Photo)
UNREADABLE = "The library cannot be read at the moment. Try again later."
_HARMLESS = (CollectionNotFound, PhotoNotFound, ReadOnlyError)  # they repeat what was asked for, and name no file


def published(photo: AnyPhoto) -> AnyPhoto:
    """Return a photo without what only its owner may know: its path, why it failed, and where exactly it was taken.

    Of its facts only those of `published.PUBLISHED` are left.
    """
    details = Details(**published_facts(photo.details), texts=photo.details.texts)  # type: ignore[arg-type]
    return replace(photo, source_key=photo.name, address=None, reason=None, details=details)


def public_message(error: PhotosearchError) -> str:
    """Return what visitors are told of an error: its message where it names no file of this machine."""
    return str(error) if isinstance(error, _HARMLESS) else UNREADABLE
