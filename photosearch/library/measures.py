"""Queries over a whole collection: its photos' names, and how confident the captioner was of its captions."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import exists, select

from photosearch.library import schema as t
from photosearch.library.analyses import newest_model
from photosearch.library.details import parse_facts
from photosearch.library.library import Library
from photosearch.library.photos import is_shown
from photosearch.records import PhotoState, Station, TextKind


@dataclass(frozen=True)
class PhotoNames:
    """The names by which people may call a photo."""

    photo_id: str
    source_key: str
    permalink: str | None

    @property
    def file_name(self) -> str:
        """Return the last part of the key."""
        return self.source_key.replace("\\", "/").rpartition("/")[2]


@dataclass(frozen=True)
class SureCaption:
    """The caption shown under a photo, with the captioner's confidence."""

    photo_id: str
    sha256: str
    text: str
    log_prob: float  # nats a word, <= 0


def read_names(library: Library, collection: str) -> list[PhotoNames]:
    """Return the names of a collection's photos without those that are gone; raises `CollectionNotFound`."""
    library.generation(collection)  # raises where there is no such collection
    present = (t.collection.c.name == collection) & (t.photo.c.state != PhotoState.GONE)
    query = select(t.photo.c.id, t.photo.c.source_key, t.photo.c.facts).join(t.collection).where(present)
    with library.reading() as connection:
        rows = connection.execute(query)
        return [PhotoNames(id_, key, parse_facts(facts, None).permalink) for id_, key, facts in rows]


def read_confidence(library: Library, collection: str) -> list[SureCaption]:
    """Return the models' captions that nobody corrected, the least confident first; raises `CollectionNotFound`."""
    library.generation(collection)
    corrected = exists().where(
        t.photo_text.c.photo_id == t.photo.c.id,
        t.photo_text.c.kind == TextKind.HUMAN,
        is_shown(),
    )
    query = (
        select(t.photo.c.id, t.photo.c.sha256, t.caption.c.text, t.caption.c.log_prob)
        .select_from(
            t.photo.join(t.collection).join(
                t.caption,
                (t.caption.c.sha256 == t.photo.c.sha256)
                & (t.caption.c.rank == 0)
                & (t.caption.c.model_id == newest_model(Station.CAPTIONER, t.photo.c.sha256)),
            )
        )
        .where(t.collection.c.name == collection, t.photo.c.state == PhotoState.READY, ~corrected)
        .order_by(t.caption.c.log_prob, t.photo.c.id)
    )
    with library.reading() as connection:
        return [SureCaption(*row) for row in connection.execute(query)]
