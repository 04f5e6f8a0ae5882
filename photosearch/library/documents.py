"""What a collection's photos can be found by: of all of them, or of those that have changed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, Table, select

from photosearch.library import schema as t
from photosearch.library.photos import newest_model
from photosearch.records import Document, PhotoState, Station, TextKind

OWNERS = (TextKind.OWNER, TextKind.HASHTAG, TextKind.ACCESSIBILITY)
_NAMED = 1.0  # the score of an object that another system named


def read_documents(connection: Connection, collection_id: int, since: int = 0) -> list[Document]:
    """The photos of a collection that there is something to say of, be it only what came with them.

    Args:
        connection: to the database.
        collection_id: the collection.
        since: a generation; photos that have not changed after it are left out.
    """
    here = (t.photo.c.collection_id == collection_id) & (t.photo.c.state != PhotoState.GONE)
    if since:
        here &= t.photo.c.generation > since
    photos = connection.execute(
        select(t.photo.c.id, t.photo.c.sha256, t.photo.c.place, t.photo.c.taken_at).where(here)
    ).all()
    pictures = select(t.photo.c.sha256).where(here)
    captions = _grouped(connection, _told(t.caption, Station.CAPTIONER, pictures).order_by(t.caption.c.rank))
    objects = _grouped(connection, _told(t.detection, Station.DETECTOR, pictures).order_by(t.detection.c.id))
    labels = _grouped(connection, _told(t.prediction, Station.CLASSIFIER, pictures))
    concepts = _grouped(connection, _told(t.prediction, Station.CONCEPTS, pictures))
    current = t.photo_text.c.superseded_at.is_(None)
    query = select(t.photo_text).join(t.photo).where(here, current).order_by(t.photo_text.c.id)
    texts: dict[tuple[str, str], list[str]] = {}
    for row in connection.execute(query):
        texts.setdefault((row.photo_id, row.kind), []).append(row.text)
    found = []
    for photo in photos:
        said = {kind: tuple(texts.get((photo.id, kind), ())) for kind in TextKind}
        told = tuple((row.label, row.score) for row in objects.get(photo.sha256, ()))
        found.append(
            Document(
                photo.id,
                human=said[TextKind.HUMAN],
                captions=(*(row.text for row in captions.get(photo.sha256, ())), *said[TextKind.IMPORTED]),
                objects=told or tuple((label, _NAMED) for label in said[TextKind.OBJECT]),
                labels=_predictions(labels.get(photo.sha256, [])),
                concepts=_predictions(concepts.get(photo.sha256, [])),
                owner=(*(text for kind in OWNERS for text in said[kind]), *filter(None, [photo.place])),
                hashtags=said[TextKind.HASHTAG],
                taken_at=photo.taken_at,
            )
        )
    return [d for d in found if d.human or d.captions or d.objects or d.labels or d.concepts or d.owner]


def _told(table: Table, station: Station, pictures: Select) -> Select:
    """What a station's latest model told of some pictures."""
    latest: ColumnElement[bool] = table.c.model_id == newest_model(station, table.c.sha256)
    return select(table).where(table.c.sha256.in_(pictures), latest)


def _grouped(connection: Connection, query: Select) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in connection.execute(query):
        found.setdefault(row.sha256, []).append(row)
    return found


def _predictions(rows: list[Row[Any]]) -> Mapping[str, float]:
    return json.loads(rows[0].found) if rows else {}
