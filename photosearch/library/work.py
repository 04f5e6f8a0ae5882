"""What travels between the library and those who fill it."""

from __future__ import annotations

import hashlib
from dataclasses import astuple, dataclass
from datetime import datetime


@dataclass(frozen=True)
class Pending:
    """A photo that a model has yet to see."""

    id: str
    source: str
    source_key: str
    stamp: str  # as it was listed; another one by the time of saving: the photo has changed meanwhile
    address: str | None = None  # as `Listing` has it
    etag: str | None = None  # of the answer that held its bytes
    sha256: str | None = None  # of its bytes, where they were read before
    kept_path: str | None = None  # of what is kept of them, within the library's folder


@dataclass(frozen=True)
class Reading:
    """What came of reading a photo: its picture's facts, or the reason why there is none."""

    photo_id: str
    stamp: str  # the one it was listed with
    sha256: str | None = None
    width_px: int = 0
    height_px: int = 0
    phash: str | None = None
    reason: str | None = None
    is_final: bool = True  # whether the reason will hold at the next try as well
    kept_path: str | None = None
    address: str | None = None  # a new one
    etag: str | None = None
    taken_at: datetime | None = None  # by the camera; what the source said goes before
    latitude: float | None = None
    longitude: float | None = None


@dataclass(frozen=True)
class Merge:
    """What listing a source changed."""

    n_new: int = 0
    n_changed: int = 0
    n_unchanged: int = 0
    n_gone: int = 0

    def __add__(self, other: Merge) -> Merge:
        """What two listings changed together."""
        return Merge(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))


def photo_id(collection: str, source_key: str) -> str:
    """A photo's identity: its collection and its key there."""
    return hashlib.sha256(f"{collection}\n{source_key}".encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Origin:
    """Where photos were added from: what was named, and what was chosen of it."""

    names: tuple[str, ...]
    options: str = "{}"  # JSON, as `sources.options` writes it


@dataclass(frozen=True)
class Standing:
    """How a collection stands."""

    generation: int
    token: str  # another one for the same number that was come to by another way
