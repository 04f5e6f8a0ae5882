"""Reads what search needs of a collection's photos, of all or of those that have changed: documents, hashes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy import Connection, select

from photosearch.library import schema as t
from photosearch.library.among import among_these
from photosearch.library.analyses import Analyses, by_analysis, findings_of
from photosearch.library.details import parse_details, parse_facts
from photosearch.library.photos import is_shown
from photosearch.records import Document, PhotoState, Station, TextKind

OWNERS = (TextKind.OWNER, TextKind.HASHTAG, TextKind.ACCESSIBILITY)
_IMPORTED_SCORE = 1.0  # of an object that another system named
_AT_ONCE = 500  # photos read together: a document with two hundred predictions takes some 25 KB of memory

# Built once, since building a statement takes longer than SQLite takes to run it.
_PHOTOS = (
    select(t.photo.c.id, t.photo.c.sha256, t.photo.c.facts, t.image.c.details)
    .select_from(t.photo.outerjoin(t.image))
    .where(among_these(t.photo.c.id))
)
_TEXTS = (
    select(t.photo_text.c.photo_id, t.photo_text.c.kind, t.photo_text.c.text)
    .join(t.photo)
    .where(among_these(t.photo_text.c.photo_id), is_shown())
    .order_by(t.photo_text.c.id)
)
_CAPTIONS = findings_of(t.caption, t.caption.c.text).order_by(t.caption.c.rank)
_OBJECTS = findings_of(t.detection, t.detection.c.label, t.detection.c.score).order_by(t.detection.c.id)
_PREDICTIONS = findings_of(t.prediction, t.prediction.c.found)


def read_ids(connection: Connection, collection_id: int, since: int = 0) -> list[str]:
    """Read the ids of a collection's photos that are not gone, in order; only those changed after a generation."""
    is_selected = (t.photo.c.collection_id == collection_id) & (t.photo.c.state != PhotoState.GONE)
    if since:
        is_selected &= t.photo.c.generation > since
    return sorted(connection.execute(select(t.photo.c.id).where(is_selected)).scalars())


def read_changed(connection: Connection, collection_id: int, since: int) -> list[str]:
    """Read the ids of all photos that have changed after a generation, those that are gone included."""
    is_changed = (t.photo.c.collection_id == collection_id) & (t.photo.c.generation > since)
    return list(connection.execute(select(t.photo.c.id).where(is_changed)).scalars())


def read_hashes(connection: Connection, collection_id: int, since: int = 0) -> dict[str, str]:
    """Read the perceptual hash of each photo's picture, by the photo's id; only of those changed after a generation."""
    is_selected = (t.photo.c.collection_id == collection_id) & (t.photo.c.state != PhotoState.GONE)
    if since:
        is_selected &= t.photo.c.generation > since
    query = select(t.photo.c.id, t.image.c.phash).join(t.image).where(is_selected, t.image.c.phash.is_not(None))
    return {row.id: row.phash for row in connection.execute(query)}


def read_miniatures(connection: Connection, ids: Sequence[str]) -> dict[str, bytes]:
    """Read the miniatures of some photos' pictures, by the photos' ids; none of those that have none."""
    found: dict[str, bytes] = {}
    for first in range(0, len(ids), _AT_ONCE):
        is_wanted = t.photo.c.id.in_(ids[first : first + _AT_ONCE]) & t.image.c.miniature.is_not(None)
        rows = connection.execute(select(t.photo.c.id, t.image.c.miniature).join(t.image).where(is_wanted))
        found.update((row.id, row.miniature) for row in rows)
    return found


def read_documents(connection: Connection, ids: Sequence[str]) -> Iterator[Document]:
    """Yield the documents of photos, a few hundred at a time; photos of which nothing is known have none."""
    for first in range(0, len(ids), _AT_ONCE):
        for document in _read_batch(connection, ids[first : first + _AT_ONCE]):
            if document != Document(document.photo_id):
                yield document


def _read_batch(connection: Connection, ids: Sequence[str]) -> Iterator[Document]:
    """Yield the documents of some photos, in the order of their ids."""
    photos = {row.id: row for row in connection.execute(_PHOTOS, {"these": list(ids)}).all()}
    shas = sorted({row.sha256 for row in photos.values() if row.sha256})
    analyses = Analyses(connection, shas)
    captions, objects, predictions = (
        by_analysis(connection.execute(query, {"these": shas}).all()) for query in (_CAPTIONS, _OBJECTS, _PREDICTIONS)
    )
    texts: dict[tuple[str, str], list[str]] = {}
    for photo_id, kind, text in connection.execute(_TEXTS, {"these": list(photos)}).all():
        texts.setdefault((photo_id, kind), []).append(text)
    for photo in (photos[photo_id] for photo_id in ids if photo_id in photos):
        of_file = parse_details(photo.details)
        by_kind = {kind: tuple(texts.get((photo.id, kind), ())) for kind in TextKind}
        for kind in OWNERS if of_file.texts else ():
            by_kind[kind] = tuple(dict.fromkeys((*by_kind[kind], *of_file.texts_of(kind))))
        of_captioner, of_detector, of_classifier, of_concepts = (
            analyses.latest(photo.sha256, station)
            for station in (Station.CAPTIONER, Station.DETECTOR, Station.CLASSIFIER, Station.CONCEPTS)
        )
        detected = tuple((label, score) for label, score in objects.get(of_detector, ()))
        yield Document(
            photo.id,
            human=by_kind[TextKind.HUMAN],
            captions=(*(text for (text,) in captions.get(of_captioner, ())), *by_kind[TextKind.IMPORTED]),
            objects=detected or tuple((label, _IMPORTED_SCORE) for label in by_kind[TextKind.OBJECT]),
            labels=_predictions(predictions.get(of_classifier, ())),
            concepts=_predictions(predictions.get(of_concepts, ())),
            owner=tuple(text for kind in OWNERS for text in by_kind[kind]),
            hashtags=by_kind[TextKind.HASHTAG],
            facts=parse_facts(photo.facts, photo.details),
        )


def _predictions(found: Sequence[tuple]) -> Mapping[str, float]:
    return json.loads(found[0][0]) if found else {}
