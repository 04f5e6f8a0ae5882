"""What the public demo may tell: nothing of this machine, and nothing by accident."""

from __future__ import annotations

from dataclasses import fields

import pytest

from photosearch import errors
from photosearch.access.publication import public_message, published
from photosearch.errors import PhotosearchError
from photosearch.records import Details, Photo, PhotoState

SECRET = "/home/me/private"  # noqa: S105
TOLD = {"CollectionNotFound", "PhotoNotFound", "ReadOnlyError"}
KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, PhotosearchError)]


@pytest.mark.parametrize("kind", KINDS)
def test_only_errors_that_name_no_file_are_told(kind: type[PhotosearchError]) -> None:
    assert (SECRET in public_message(kind(f"{SECRET} is damaged."))) is (kind.__name__ in TOLD)


def test_of_details_only_those_on_the_list_are_published() -> None:
    known = {field.name: f"secret {field.name}" for field in fields(Details)}
    photo = Photo("1", "c", "folder", f"{SECRET}/a.jpg", PhotoState.FAILED, SECRET, details=Details(**known))  # type: ignore[arg-type]
    shown = published(photo)
    assert SECRET not in repr(shown)
    assert (shown.name, shown.details.place) == ("a.jpg", "secret place")
    assert shown.details.latitude is None
    assert shown.details.longitude is None
