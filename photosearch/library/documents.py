"""What a collection's photos can be found by, read whole."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, Table, select

from photosearch.library import schema as t
from photosearch.library.photos import newest_model
from photosearch.records import Document, PhotoState
from photosearch.stations import Station

HUMAN = "human"  # the kind of text that stands in for a caption
OWNERS = ("owner", "hashtag", "accessibility", "place")


def read_documents(connection: Connection, collection_id: int) -> list[Document]:
    """The ready photos of a collection that there is something to say of."""
    here = (t.photo.c.collection_id == collection_id) & (t.photo.c.state == PhotoState.READY)
    photos = connection.execute(select(t.photo.c.id, t.photo.c.sha256, t.photo.c.place).where(here)).all()
    pictures = select(t.photo.c.sha256).where(here)
    captions = _grouped(connection, _told(t.caption, Station.CAPTIONER, pictures).order_by(t.caption.c.rank))
    objects = _grouped(connection, _told(t.detection, Station.DETECTOR, pictures))
    labels = _grouped(connection, _told(t.prediction, Station.CLASSIFIER, pictures))
    concepts = _grouped(connection, _told(t.prediction, Station.CONCEPTS, pictures))
    current = t.photo_text.c.superseded_at.is_(None)
    said = select(t.photo_text).join(t.photo).where(here, current).order_by(t.photo_text.c.id)
    texts: dict[tuple[str, str], list[str]] = {}
    for row in connection.execute(said):
        texts.setdefault((row.photo_id, row.kind), []).append(row.text)
    found = [
        Document(
            photo.id,
            human=tuple(texts.get((photo.id, HUMAN), ())),
            captions=tuple(row.text for row in captions.get(photo.sha256, ())),
            objects=tuple((row.label, row.score) for row in objects.get(photo.sha256, ())),
            labels=_predictions(labels.get(photo.sha256, [])),
            concepts=_predictions(concepts.get(photo.sha256, [])),
            owner=(
                *(text for kind in OWNERS for text in texts.get((photo.id, kind), ())),
                *filter(None, [photo.place]),
            ),
        )
        for photo in photos
    ]
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
