"""The texts of a photo that phrases are searched in, and its hashtags."""

from __future__ import annotations

import re
from collections.abc import Iterator

from photosearch.records import Document
from photosearch.search.query import fold_tag

SURE = 0.5  # a photo counts as showing what was predicted with at least this probability
_HASHTAG = re.compile(r"#(\w+)")


def texts(document: Document) -> Iterator[str]:
    """Yield all texts of a photo: captions or corrections, the owner's texts, objects, sure labels."""
    yield from document.human or document.captions
    yield from document.owner
    yield from dict.fromkeys(label for label, _ in document.objects)
    yield from (label for label, prob in document.labels.items() if prob >= SURE)


def hashtags(document: Document) -> set[str]:
    """Return a photo's hashtags as they are compared, those in the owner's texts included."""
    written = (tag for text in document.owner for tag in _HASHTAG.findall(text))
    return {fold_tag(tag.lstrip("#")) for tag in (*document.hashtags, *written)}
