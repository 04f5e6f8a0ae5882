"""Data types that the library exchanges with the code that fills and searches it."""

from __future__ import annotations

import hashlib
from dataclasses import astuple, dataclass

from photosearch.records import Details


@dataclass(frozen=True)
class Pending:
    """A photo to read, as its source listed it."""

    id: str
    source: str
    source_key: str
    stamp: str  # as in `Listing`; if it differs when results are saved, the photo has changed meanwhile
    address: str | None = None  # as in `Listing`
    etag: str | None = None  # of the HTTP response that its bytes came in
    sha256: str | None = None  # of its bytes, if they were read before
    kept_path: str | None = None  # path of a kept copy within the library's folder
    listed_in: str | None = None  # the list, or the profile, that has it; None: several have it, or it is unknown
    is_captioned: bool = False  # by other models perhaps, or by a version that read less from files


@dataclass(frozen=True)
class Reading:
    """The result of reading a photo: facts about its picture, or the reason why it cannot be used."""

    photo_id: str
    stamp: str  # as in `Pending`
    sha256: str | None = None
    width_px: int = 0
    height_px: int = 0
    phash: str | None = None  # perceptual hash, 16 hexadecimal digits
    miniature: bytes | None = None  # as `images.miniature` makes it
    reason: str | None = None
    is_final: bool = True  # False: reading it again may succeed
    kept_path: str | None = None
    address: str | None = None  # where its address has changed
    etag: str | None = None
    details: Details | None = None  # what the file says of itself; None: it was not read


@dataclass(frozen=True)
class Merge:
    """How many photos a listing changed."""

    n_new: int = 0
    n_changed: int = 0
    n_unchanged: int = 0
    n_gone: int = 0

    def __add__(self, other: Merge) -> Merge:
        """Add up what two listings changed."""
        return Merge(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))


def photo_id(collection: str, source_key: str) -> str:
    """Return a photo's id, 16 hexadecimal digits that depend on nothing but its collection and key."""
    return hashlib.sha256(f"{collection}\n{source_key}".encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Origin:
    """Where photos were added from: the names that were given, and the options."""

    names: tuple[str, ...]
    options: str = "{}"  # JSON, as `sources.options` writes it


@dataclass(frozen=True)
class CollectionVersion:
    """A collection's generation with its token, which together identify one state of the collection."""

    generation: int
    token: str  # random; tells two generations of one number apart, as after a copy of the library is put back
