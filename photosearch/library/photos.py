"""Rows put together to photos."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import BindParameter, ColumnElement, Connection, ScalarSelect, bindparam, func, select

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


# Built once: putting a statement together takes longer than SQLite takes to answer it.
_THESE: BindParameter[str] = bindparam("these", expanding=True)
_PHOTOS = (
    select(t.photo, t.collection.c.name.label("collection"), t.image.c.width, t.image.c.height)
    .join(t.collection)
    .outerjoin(t.image)
    .where(t.photo.c.id.in_(_THESE))
)
_CAPTIONS = (
    select(t.caption.c.sha256, t.caption.c.text, t.caption.c.log_prob, t.model.c.name, t.caption.c.rank)
    .join(t.model)
    .where(t.caption.c.sha256.in_(_THESE))
    .order_by(t.caption.c.model_id.desc(), t.caption.c.rank)
)
_OBJECTS = (
    select(t.detection)
    .where(t.detection.c.sha256.in_(_THESE))
    .where(t.detection.c.model_id == newest_model(DETECTOR, t.detection.c.sha256))
    .order_by(t.detection.c.score.desc())
)
_LABELS = (
    select(t.prediction.c.sha256, t.prediction.c.term, t.prediction.c.p)
    .where(t.prediction.c.sha256.in_(_THESE), t.prediction.c.kind == "label")
    .where(t.prediction.c.model_id == newest_model(CLASSIFIER, t.prediction.c.sha256))
    .order_by(t.prediction.c.p.desc())
)
_TEXTS = (
    select(t.photo_text.c.photo_id, t.photo_text.c.kind, t.photo_text.c.text)
    .where(t.photo_text.c.photo_id.in_(_THESE), t.photo_text.c.superseded_at.is_(None))
    .order_by(t.photo_text.c.id)
)


def assemble(connection: Connection, ids: Sequence[str]) -> list[Photo]:
    """The photos of those ids that exist, in no order."""
    rows = connection.execute(_PHOTOS, {"these": list(ids)}).all()
    shas = {"these": [row.sha256 for row in rows if row.sha256]}
    captions: dict[str, list[Caption]] = {}
    for sha256, text, log_prob, model, rank in connection.execute(_CAPTIONS, shas):
        captions.setdefault(sha256, []).append(Caption(text, log_prob, model, rank))
    objects: dict[str, list[Detection]] = {}
    for row in connection.execute(_OBJECTS, shas):
        found = Detection(row.label, row.score, (row.x, row.y, row.width, row.height))
        objects.setdefault(row.sha256, []).append(found)
    labels: dict[str, list[Prediction]] = {}
    for sha256, term, p in connection.execute(_LABELS, shas):
        labels.setdefault(sha256, []).append(Prediction(term, p))
    texts: dict[tuple[str, str], list[str]] = {}
    for photo_id, kind, text in connection.execute(_TEXTS, {"these": [row.id for row in rows]}):
        texts.setdefault((photo_id, kind), []).append(text)
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
            captions=(
                *(Caption(text, None, None) for text in texts.get((row.id, "human"), ())),
                *captions.get(row.sha256, ()),
            ),
            objects=tuple(objects.get(row.sha256, ())),
            labels=tuple(labels.get(row.sha256, ())),
            owner_text=next(iter(texts.get((row.id, "owner"), ())), None),
        )
        for row in rows
    ]
