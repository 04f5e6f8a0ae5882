"""Builds photos from the rows of several tables."""

from __future__ import annotations

import json
from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, ScalarSelect, Select, select

from photosearch.library import schema as t
from photosearch.library.among import among_these
from photosearch.library.details import join_details
from photosearch.records import Caption, DetailedPhoto, Detection, Photo, PhotoState, Prediction, Station, TextKind


def newest_model(station: Station, sha256: ColumnElement[str]) -> ScalarSelect[int]:
    """Select the number of a station's model that analysed a picture last."""
    return (
        select(t.analysis.c.model_id)
        .select_from(t.analysis.join(t.model))
        .where(t.analysis.c.sha256 == sha256, t.model.c.station == station)
        .order_by(t.analysis.c.at.desc(), t.analysis.c.model_id.desc())
        .limit(1)
        .scalar_subquery()
    )


def is_shown() -> ColumnElement[bool]:
    """Select the texts that are neither replaced nor corrections of an earlier picture of their photo."""
    is_of_picture = t.photo_text.c.sha256.is_(None) | (t.photo_text.c.sha256 == t.photo.c.sha256)
    return t.photo_text.c.superseded_at.is_(None) & is_of_picture


# Built once, since building a statement takes longer than SQLite takes to run it.
_SHOWN = ("id", "source", "source_key", "state", "reason", "address", "sha256", "facts")  # of a photo
_OF_IMAGE = ("width", "height", "details")
_PHOTOS = (
    select(*(t.photo.c[name] for name in _SHOWN), t.collection.c.name, *(t.image.c[name] for name in _OF_IMAGE))
    .join(t.collection)
    .outerjoin(t.image)
    .where(among_these(t.photo.c.id))
)
_ABOUT_CAPTION = (t.caption.c.rank, t.caption.c.is_unsure)
_SENTENCES = (
    select(t.caption.c.sha256, t.caption.c.text, t.caption.c.log_prob, t.model.c.name, *_ABOUT_CAPTION)
    .select_from(
        t.caption.join(t.model).join(
            t.analysis,
            (t.analysis.c.sha256 == t.caption.c.sha256) & (t.analysis.c.model_id == t.caption.c.model_id),
        )
    )
    .where(among_these(t.caption.c.sha256))
    .order_by(t.analysis.c.at.desc(), t.caption.c.model_id.desc(), t.caption.c.rank)
)
_CAPTIONS = _SENTENCES.where(t.caption.c.rank == 0)  # the best of each model
_OBJECTS = (
    select(*(t.detection.c[name] for name in ("sha256", "label", "score", "x", "y", "width", "height")))
    .where(among_these(t.detection.c.sha256))
    .where(t.detection.c.model_id == newest_model(Station.DETECTOR, t.detection.c.sha256))
    .order_by(t.detection.c.score.desc(), t.detection.c.id)
)


def _predictions(station: Station) -> Select:
    return (
        select(t.prediction.c.sha256, t.prediction.c.found)
        .where(among_these(t.prediction.c.sha256))
        .where(t.prediction.c.model_id == newest_model(station, t.prediction.c.sha256))
    )


_LABELS, _CONCEPTS = _predictions(Station.CLASSIFIER), _predictions(Station.CONCEPTS)
_TEXTS = (
    select(t.photo_text.c.photo_id, t.photo_text.c.kind, t.photo_text.c.text)
    .join(t.photo)
    .where(among_these(t.photo_text.c.photo_id), is_shown())
    .order_by(t.photo_text.c.id)
)


def parse_predictions(text: str) -> tuple[Prediction, ...]:
    """Parse predictions from the JSON in which the table stores them."""
    return tuple(map(Prediction._make, json.loads(text).items()))


def assemble_detailed(connection: Connection, ids: Sequence[str]) -> list[DetailedPhoto]:
    """Read photos with all that models found, in no particular order; ids that do not exist are left out."""
    photos = assemble(connection, ids, _SENTENCES)
    shas = {"these": sorted({photo.sha256 for photo in photos if photo.sha256})}
    labels, concepts = (
        {sha256: parse_predictions(text) for sha256, text in connection.execute(query, shas)}
        for query in (_LABELS, _CONCEPTS)
    )
    return [
        DetailedPhoto(
            **vars(photo), labels=labels.get(photo.sha256 or "", ()), concepts=concepts.get(photo.sha256 or "", ())
        )
        for photo in photos
    ]


def ids_by_key(collection_id: int, states: Sequence[PhotoState]) -> Select:
    """Return the query for the ids of a collection's photos in some states, ordered by key."""
    is_listed = (t.photo.c.collection_id == collection_id) & t.photo.c.state.in_(states)
    return select(t.photo.c.id).where(is_listed).order_by(t.photo.c.source_key, t.photo.c.id)


def assemble(connection: Connection, ids: Sequence[str], sentences: Select = _CAPTIONS) -> list[Photo]:
    """Read photos by their ids, in no particular order; ids that do not exist are left out.

    `sentences` selects which of the models' sentences are read: what is not shown takes longer to read than the rest.
    """
    rows = connection.execute(_PHOTOS, {"these": list(ids)}).all()
    shas = {"these": [row.sha256 for row in rows if row.sha256]}
    captions: dict[str, list[Caption]] = {}
    for sha256, *caption in connection.execute(sentences, shas).all():
        captions.setdefault(sha256, []).append(Caption(*caption))
    objects: dict[str, list[Detection]] = {}
    for sha256, label, score, *box in connection.execute(_OBJECTS, shas).all():
        objects.setdefault(sha256, []).append(Detection(label, score, tuple(box)))
    texts: dict[str, list[tuple[TextKind, str]]] = {}
    for photo_id, kind, text in connection.execute(_TEXTS, {"these": [row.id for row in rows]}).all():
        texts.setdefault(photo_id, []).append((TextKind(kind), text))
    photos = []
    # Rows are unpacked, since to ask each of them for its columns by name takes longer than all else here.
    for photo_id, source, key, state, reason, address, sha256, facts, collection, width, height, details in rows:
        own, found = texts.get(photo_id, ()), captions.get(sha256, ())
        photos.append(
            Photo(
                id=photo_id,
                collection=collection,
                source=source,
                source_key=key,
                state=PhotoState(state),
                reason=reason,
                address=address,
                sha256=sha256,
                width_px=width,
                height_px=height,
                captions=(*_sentences(own, TextKind.HUMAN), *found, *_sentences(own, TextKind.IMPORTED)),
                objects=tuple(objects.get(sha256, ())) or _imported_objects(own),
                details=join_details(facts, details, (pair for pair in own if pair[0] is not TextKind.HUMAN)),
            )
        )
    return photos


def _sentences(texts: Sequence[tuple[TextKind, str]], kind: TextKind) -> Sequence[Caption]:
    """Return the sentences of a person, whom no model's name stands for, or of another system."""
    model = None if kind is TextKind.HUMAN else kind.value
    return [Caption(text, None, model) for text_kind, text in texts if text_kind is kind] if texts else ()


def _imported_objects(texts: Sequence[tuple[TextKind, str]]) -> tuple[Detection, ...]:
    """Return the objects that another system named; it gives no boxes, so each spans the whole photo."""
    return tuple(Detection(text, 1.0, (0.0, 0.0, 1.0, 1.0)) for kind, text in texts if kind == TextKind.OBJECT)
