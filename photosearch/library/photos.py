"""Builds photos from the rows of several tables."""

from __future__ import annotations

import json
from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, Select, select

from photosearch.library import schema as t
from photosearch.library.among import among_these
from photosearch.library.analyses import Analyses, by_analysis, findings_of
from photosearch.library.details import join_details
from photosearch.records import Caption, DetailedPhoto, Detection, Photo, PhotoState, Prediction, Station, TextKind


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
_SENTENCES = findings_of(
    t.caption, t.caption.c.text, t.caption.c.log_prob, t.caption.c.rank, t.caption.c.is_unsure
).order_by(t.caption.c.rank)
_CAPTIONS = _SENTENCES.where(t.caption.c.rank == 0)  # the best of each model
_OBJECTS = findings_of(
    t.detection, *(t.detection.c[name] for name in ("label", "score", "x", "y", "width", "height"))
).order_by(t.detection.c.score.desc(), t.detection.c.id)
_PREDICTIONS = findings_of(t.prediction, t.prediction.c.found)
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
    shas = sorted({photo.sha256 for photo in photos if photo.sha256})
    analyses = Analyses(connection, shas)
    predictions = by_analysis(connection.execute(_PREDICTIONS, {"these": shas}).all())

    def predicted(photo: Photo, station: Station) -> tuple[Prediction, ...]:
        found = predictions.get(analyses.latest(photo.sha256, station))
        return parse_predictions(found[0][0]) if found else ()

    return [
        DetailedPhoto(
            **vars(photo), labels=predicted(photo, Station.CLASSIFIER), concepts=predicted(photo, Station.CONCEPTS)
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
    shas = [row.sha256 for row in rows if row.sha256]
    analyses = Analyses(connection, shas)
    captions, objects = (
        by_analysis(connection.execute(query, {"these": shas}).all()) for query in (sentences, _OBJECTS)
    )
    texts: dict[str, list[tuple[TextKind, str]]] = {}
    for photo_id, kind, text in connection.execute(_TEXTS, {"these": [row.id for row in rows]}).all():
        texts.setdefault(photo_id, []).append((TextKind(kind), text))
    photos = []
    # Rows are unpacked, since to ask each of them for its columns by name takes longer than all else here.
    for photo_id, source, key, state, reason, address, sha256, facts, collection, width, height, details in rows:
        own = texts.get(photo_id, ())
        told = (
            Caption(text, log_prob, model, *about)
            for number, model in analyses.models(sha256, Station.CAPTIONER)
            for text, log_prob, *about in captions.get((sha256, number), ())
        )
        seen = objects.get(analyses.latest(sha256, Station.DETECTOR), ())
        detected = tuple([Detection(label, score, tuple(box)) for label, score, *box in seen])
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
                captions=(*_sentences(own, TextKind.HUMAN), *told, *_sentences(own, TextKind.IMPORTED)),
                objects=detected or _imported_objects(own),
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
