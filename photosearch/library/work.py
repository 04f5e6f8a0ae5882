"""What travels between the library and those who fill it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True)
class Pending:
    """A photo that a model has yet to see."""

    id: str
    source: str
    source_key: str
    stamp: str  # as it was listed; another one by the time of saving: the photo has changed meanwhile


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


@dataclass(frozen=True)
class Merge:
    """What listing a source changed."""

    n_new: int
    n_changed: int
    n_unchanged: int
    n_gone: int


def photo_id(collection: str, source_key: str) -> str:
    """A photo's identity: its collection and its key there."""
    return hashlib.sha256(f"{collection}\n{source_key}".encode()).hexdigest()[:16]
