"""Reads the documents by which search finds a collection's photos: all, or those that have changed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, Table, select

from photosearch.library import schema as t
from photosearch.library.details import parse_details, parse_facts
from photosearch.library.photos import newest_model
from photosearch.records import Document, PhotoState, Station, TextKind

OWNERS = (TextKind.OWNER, TextKind.HASHTAG, TextKind.ACCESSIBILITY)
_IMPORTED_SCORE = 1.0  # of an object that another system named


def read_documents(connection: Connection, collection_id: int, since: int = 0) -> list[Document]:
    """Read a collection's documents; photos that are gone, or that have no texts or predictions, have none.

    Args:
        connection: to the database.
        collection_id: the collection's number.
        since: a generation; photos that have not changed after it are left out.
    """
    is_selected = (t.photo.c.collection_id == collection_id) & (t.photo.c.state != PhotoState.GONE)
    if since:
        is_selected &= t.photo.c.generation > since
    photos = connection.execute(
        select(t.photo.c.id, t.photo.c.sha256, t.photo.c.facts, t.image.c.details)
        .select_from(t.photo.outerjoin(t.image))
        .where(is_selected)
    ).all()
    pictures = select(t.photo.c.sha256).where(is_selected)
    captions = _grouped(connection, _latest(t.caption, Station.CAPTIONER, pictures).order_by(t.caption.c.rank))
    objects = _grouped(connection, _latest(t.detection, Station.DETECTOR, pictures).order_by(t.detection.c.id))
    labels = _grouped(connection, _latest(t.prediction, Station.CLASSIFIER, pictures))
    concepts = _grouped(connection, _latest(t.prediction, Station.CONCEPTS, pictures))
    in_force = t.photo_text.c.superseded_at.is_(None)
    query = select(t.photo_text).join(t.photo).where(is_selected, in_force).order_by(t.photo_text.c.id)
    texts: dict[tuple[str, str], list[str]] = {}
    for row in connection.execute(query):
        texts.setdefault((row.photo_id, row.kind), []).append(row.text)
    documents = []
    for photo in photos:
        of_file = parse_details(photo.details)
        by_kind = {kind: tuple(texts.get((photo.id, kind), ())) for kind in TextKind}
        for kind in OWNERS if of_file.texts else ():
            by_kind[kind] = tuple(dict.fromkeys((*by_kind[kind], *of_file.texts_of(kind))))
        detected = tuple((row.label, row.score) for row in objects.get(photo.sha256, ()))
        documents.append(
            Document(
                photo.id,
                human=by_kind[TextKind.HUMAN],
                captions=(*(row.text for row in captions.get(photo.sha256, ())), *by_kind[TextKind.IMPORTED]),
                objects=detected or tuple((label, _IMPORTED_SCORE) for label in by_kind[TextKind.OBJECT]),
                labels=_predictions(labels.get(photo.sha256, [])),
                concepts=_predictions(concepts.get(photo.sha256, [])),
                owner=tuple(text for kind in OWNERS for text in by_kind[kind]),
                hashtags=by_kind[TextKind.HASHTAG],
                facts=parse_facts(photo.facts, photo.details),
            )
        )
    return [d for d in documents if d.human or d.captions or d.objects or d.labels or d.concepts or d.owner]


def _latest(table: Table, station: Station, pictures: Select) -> Select:
    """Select what a station's latest model found in some pictures."""
    is_latest: ColumnElement[bool] = table.c.model_id == newest_model(station, table.c.sha256)
    return select(table).where(table.c.sha256.in_(pictures), is_latest)


def _grouped(connection: Connection, query: Select) -> dict[str, list[Row]]:
    by_picture: dict[str, list[Row]] = {}
    for row in connection.execute(query):
        by_picture.setdefault(row.sha256, []).append(row)
    return by_picture


def _predictions(rows: list[Row[Any]]) -> Mapping[str, float]:
    return json.loads(rows[0].found) if rows else {}
