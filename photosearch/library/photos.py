"""Rows put together to photos."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, ScalarSelect, func, select

from photosearch.library import schema as t
from photosearch.records import Caption, Detection, Photo, PhotoState, Prediction

CAPTIONER, DETECTOR, CLASSIFIER = "captioner", "detector", "classifier"  # stations, as models are filed


def newest_model(station: str, sha256: ColumnElement[str]) -> ScalarSelect[int]:
    """The number of the newest model of a station that has seen a picture."""
    seen = t.analysis.c.sha256 == sha256
    both = t.analysis.join(t.model)
    return (
        select(func.max(t.analysis.c.model_id))
        .select_from(both)
        .where(seen, t.model.c.station == station)
        .scalar_subquery()
    )


def assemble(connection: Connection, condition: ColumnElement[bool]) -> list[Photo]:
    """The photos that meet a condition, in no order."""
    query = (
        select(t.photo, t.collection.c.name.label("collection"), t.image.c.width, t.image.c.height)
        .join(t.collection)
        .outerjoin(t.image)
        .where(condition)
    )
    rows = connection.execute(query).all()
    shas, ids = [row.sha256 for row in rows if row.sha256], [row.id for row in rows]
    captions = _captions(connection, shas)
    objects = _objects(connection, shas)
    labels = _labels(connection, shas)
    texts = _texts(connection, ids)
    return [
        Photo(
            id=row.id,
            collection=row.collection,
            source=row.source,
            source_key=row.source_key,
            state=PhotoState(row.state),
            reason=row.reason,
            sha256=row.sha256,
            width_px=row.width,
            height_px=row.height,
            permalink=row.permalink,
            taken_at=row.taken_at,
            captions=(*texts.get((row.id, "human"), ()), *captions.get(row.sha256, ())),
            objects=tuple(objects.get(row.sha256, ())),
            labels=tuple(labels.get(row.sha256, ())),
            owner_text=next((text.text for text in texts.get((row.id, "owner"), ())), None),
        )
        for row in rows
    ]


def _captions(connection: Connection, shas: list[str]) -> dict[str, list[Caption]]:
    query = (
        select(t.caption, t.model.c.name)
        .join(t.model)
        .where(t.caption.c.sha256.in_(shas))
        .order_by(t.caption.c.model_id.desc(), t.caption.c.rank)
    )
    found: dict[str, list[Caption]] = {}
    for row in connection.execute(query):
        found.setdefault(row.sha256, []).append(Caption(row.text, row.log_prob, row.name, row.rank))
    return found


def _objects(connection: Connection, shas: list[str]) -> dict[str, list[Detection]]:
    d = t.detection.c
    newest = newest_model(DETECTOR, d.sha256)
    query = select(t.detection).where(d.sha256.in_(shas), d.model_id == newest).order_by(d.score.desc())
    found: dict[str, list[Detection]] = {}
    for row in connection.execute(query):
        found.setdefault(row.sha256, []).append(Detection(row.label, row.score, (row.x, row.y, row.width, row.height)))
    return found


def _labels(connection: Connection, shas: list[str]) -> dict[str, list[Prediction]]:
    p = t.prediction.c
    newest = newest_model(CLASSIFIER, p.sha256)
    query = select(t.prediction).where(p.sha256.in_(shas), p.kind == "label", p.model_id == newest).order_by(p.p.desc())
    found: dict[str, list[Prediction]] = {}
    for row in connection.execute(query):
        found.setdefault(row.sha256, []).append(Prediction(row.term, row.p))
    return found


def _texts(connection: Connection, ids: list[str]) -> dict[tuple[str, str], list[Caption]]:
    query = select(t.photo_text).where(t.photo_text.c.photo_id.in_(ids), t.photo_text.c.superseded_at.is_(None))
    found: dict[tuple[str, str], list[Caption]] = {}
    for row in connection.execute(query.order_by(t.photo_text.c.id)):
        found.setdefault((row.photo_id, row.kind), []).append(Caption(row.text, None, None))
    return found
