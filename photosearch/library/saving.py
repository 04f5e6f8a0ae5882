"""Saves a batch's results, within the caller's transaction."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import numpy as np
from sqlalchemy import Connection, Row, bindparam, delete, insert, select, update

from photosearch.library import schema as t
from photosearch.library.among import among_these
from photosearch.library.details import details_json
from photosearch.library.generations import raise_generation
from photosearch.library.work import Reading
from photosearch.records import Findings, PhotoState, Prediction, TextKind

_PROB_DECIMALS = 4


def save_batch(
    connection: Connection,
    readings: Sequence[Reading],
    findings: Mapping[int, Mapping[str, Findings]],
    state: PhotoState,
) -> None:
    """Save a batch's results as `Library.save` does, and mark the photos that they change with a new generation."""
    pictures = sorted({sha256 for by_picture in findings.values() for sha256 in by_picture})
    ids = [reading.photo_id for reading in readings]
    changed = set(connection.execute(select(t.photo.c.collection_id).where(t.photo.c.id.in_(ids))).scalars())
    if pictures:  # other collections may have the same picture
        others = select(t.photo.c.collection_id).where(t.photo.c.sha256.in_(pictures))
        changed.update(connection.execute(others).scalars())
    generations = {number: raise_generation(connection, number) for number in sorted(changed)}
    save_images(connection, readings)
    for model_id, by_picture in findings.items():
        save_findings(connection, model_id, by_picture)
    save_readings(connection, readings, state)
    for collection_id, generation in generations.items():
        is_changed = t.photo.c.id.in_(ids) | t.photo.c.sha256.in_(pictures)
        in_collection = t.photo.c.collection_id == collection_id
        connection.execute(update(t.photo).where(in_collection, is_changed).values(generation=generation))


def save_images(connection: Connection, readings: Sequence[Reading]) -> None:
    """Add the pictures that the library does not have; of others save only what it did not know yet.

    That is the path of a kept copy or a miniature where there is none, and details that were read anew.
    """
    images = {
        r.sha256: {
            "sha256": r.sha256,
            "width": r.width_px,
            "height": r.height_px,
            "phash": r.phash,
            "miniature": r.miniature,
            "kept_path": r.kept_path,
            "details": None if r.details is None else details_json(r.details, of_file=True),
        }
        for r in readings
        if r.sha256
    }
    columns = (t.image.c.sha256, t.image.c.kept_path, t.image.c.details, t.image.c.miniature)
    existing = {row.sha256: row for row in connection.execute(select(*columns).where(columns[0].in_(list(images))))}
    if new := [values for sha256, values in images.items() if sha256 not in existing]:
        connection.execute(insert(t.image), new)
    for sha256, row in existing.items():
        values = {}
        if images[sha256]["kept_path"] and not row.kept_path:
            values["kept_path"] = images[sha256]["kept_path"]
        if images[sha256]["miniature"] and not row.miniature:
            values["miniature"] = images[sha256]["miniature"]
        if images[sha256]["details"] not in (None, row.details):
            values["details"] = images[sha256]["details"]
        if values:
            connection.execute(update(t.image).where(t.image.c.sha256 == sha256).values(values))


def save_readings(connection: Connection, readings: Sequence[Reading], state: PhotoState) -> None:
    """Save what came of reading photos, unless they were listed as changed or gone meanwhile.

    `state` is that of photos that could be read, but for those that are captioned and were only read again. What is the
    same for all is asked once: building a statement takes longer than SQLite takes to run it, and keeps the models'
    threads waiting.
    """
    before = {row.id: row for row in connection.execute(_LISTED, {"these": [r.photo_id for r in readings]})}
    saved = [r for r in readings if r.photo_id in before and before[r.photo_id].stamp == r.stamp]
    if not saved:
        return
    connection.execute(_UPDATED, [_of_reading(r, before[r.photo_id], state) for r in saved])
    corrected = set(connection.execute(_CORRECTED, {"these": [r.photo_id for r in saved]}).scalars())
    read = sorted({reading.sha256 for reading in saved if reading.sha256})
    moved: set[str] = set(connection.execute(_MOVED, {"these": read}).scalars())
    for reading in saved:
        if reading.sha256 and reading.photo_id in corrected:
            _bind_corrections(connection, reading.photo_id, reading.sha256)
        if reading.sha256 and reading.sha256 in moved:
            _take_over_corrections(connection, reading.photo_id, reading.sha256)


_LISTED = select(*(t.photo.c[name] for name in ("id", "stamp", "state", "sha256", "address", "etag"))).where(
    among_these(t.photo.c.id), t.photo.c.state != PhotoState.GONE
)
_UPDATED = (
    update(t.photo)
    .where(t.photo.c.id == bindparam("its_id"))
    .values({name: bindparam(f"its_{name}") for name in ("reason", "state", "sha256", "address", "etag")})
)
_CORRECTED = select(t.photo_text.c.photo_id).where(
    among_these(t.photo_text.c.photo_id), t.photo_text.c.kind == TextKind.HUMAN
)
_MOVED = select(t.photo.c.sha256).where(among_these(t.photo.c.sha256), t.photo.c.state == PhotoState.GONE)


def _of_reading(reading: Reading, before: Row, state: PhotoState) -> dict[str, object]:
    """Return what is to be kept of a photo that was read."""
    if reading.sha256 == before.sha256 and before.state == PhotoState.READY:
        state = PhotoState.READY
    if not reading.sha256:
        is_failed = before.state == PhotoState.FAILED
        # Where it is not final the next run reads it again; until then its earlier results stay.
        state = PhotoState.FAILED if reading.is_final else PhotoState.NEW if is_failed else PhotoState(before.state)
    return {
        "its_id": reading.photo_id,
        "its_reason": reading.reason,
        "its_state": state,
        "its_sha256": reading.sha256 or before.sha256,
        "its_address": before.address if reading.address is None else reading.address,
        "its_etag": before.etag if reading.etag is None else reading.etag,
    }


def _bind_corrections(connection: Connection, photo_id: str, sha256: str) -> None:
    """Let a photo's corrections belong to its picture that was read, if they were made for it.

    That is so where none had been read, and where only the file's metadata has changed since.
    """
    corrections = (t.photo_text.c.photo_id == photo_id) & (t.photo_text.c.kind == TextKind.HUMAN)
    pictures = set(connection.execute(select(t.photo_text.c.sha256).where(corrections)).scalars())
    same = [of for of in pictures if of is None or (of != sha256 and _are_same(connection, of, sha256))]
    for of in same:
        binding = update(t.photo_text).where(corrections, t.photo_text.c.sha256.is_not_distinct_from(of))
        connection.execute(binding.values(sha256=sha256))


def _are_same(connection: Connection, one: str, other: str) -> bool:
    """Return whether two files hold the same picture: equal in size, perceptual hash and miniature, if that is known.

    All three are computed from the pixels, so that equal pixels give equal ones.
    """
    columns = (t.image.c.width, t.image.c.height, t.image.c.phash, t.image.c.miniature)
    rows = connection.execute(select(*columns).where(t.image.c.sha256.in_([one, other]))).all()
    if len(rows) != 2 or None in (rows[0].phash, rows[1].phash) or rows[0][:3] != rows[1][:3]:
        return False
    return None in (rows[0].miniature, rows[1].miniature) or rows[0].miniature == rows[1].miniature


def _take_over_corrections(connection: Connection, photo_id: str, sha256: str) -> None:
    """Move corrections from a photo that is gone to one with the same picture: its file was moved or renamed."""
    collection_id = select(t.photo.c.collection_id).where(t.photo.c.id == photo_id).scalar_subquery()
    same = (t.photo.c.collection_id == collection_id) & (t.photo.c.sha256 == sha256)
    query = select(t.photo.c.id).where(same, t.photo.c.state == PhotoState.GONE).order_by(t.photo.c.id).limit(1)
    gone = connection.execute(query).scalar_one_or_none()
    in_force = (t.photo_text.c.kind == TextKind.HUMAN) & t.photo_text.c.superseded_at.is_(None)
    own = (t.photo_text.c.photo_id == photo_id) & in_force
    of_picture = select(t.photo_text.c.id).where(own, t.photo_text.c.sha256 == sha256).limit(1)
    if gone is None or connection.execute(of_picture).first() is not None:
        return
    now = datetime.now(UTC).replace(tzinfo=None)
    connection.execute(
        update(t.photo_text).where(own).values(superseded_at=now)
    )  # those of a picture that was replaced
    is_correction = (t.photo_text.c.photo_id == gone) & (t.photo_text.c.kind == TextKind.HUMAN)
    connection.execute(update(t.photo_text).where(is_correction).values(photo_id=photo_id))
    connection.execute(update(t.photo).where(t.photo.c.id == gone).values(sha256=None))  # so that it is not found again


_FOUND = (t.caption, t.detection, t.prediction, t.analysis)
_FORGOTTEN = [
    delete(table).where(table.c.model_id == bindparam("model"), among_these(table.c.sha256)) for table in _FOUND
]


def save_findings(connection: Connection, model_id: int, findings: Mapping[str, Findings]) -> None:
    """Save what a model found in pictures, by their SHA-256, in place of its earlier findings."""
    if not findings:
        return
    for statement in _FORGOTTEN:
        connection.execute(statement, {"model": model_id, "these": list(findings)})
    captions, detections, predictions = [], [], []
    for sha256, of_picture in findings.items():
        key = {"sha256": sha256, "model_id": model_id}
        captions += [
            {**key, "rank": c.rank, "text": c.text, "log_prob": c.log_prob, "is_unsure": c.is_unsure}
            for c in of_picture.captions
        ]
        for o in of_picture.objects:
            x, y, width, height = o.box
            detections.append(
                {**key, "label": o.label, "score": o.score, "x": x, "y": y, "width": width, "height": height}
            )
        if predicted := (of_picture.labels or of_picture.concepts):
            predictions.append({**key, "found": _as_json(predicted)})
    analyses = [{"sha256": sha256, "model_id": model_id, "at": time.time()} for sha256 in findings]
    for table, rows in zip(_FOUND, (captions, detections, predictions, analyses), strict=True):
        if rows:
            connection.execute(insert(table), rows)


def _as_json(predicted: Sequence[Prediction]) -> str:
    terms, probs = zip(*predicted, strict=True)
    rounded = np.round(probs, _PROB_DECIMALS).tolist()  # at once: a third of the time that `round` takes for each
    best = dict(zip(terms, rounded, strict=True))
    if len(best) < len(predicted):  # of a term predicted twice the first one counts, as it is likelier
        best |= dict(zip(reversed(terms), reversed(rounded), strict=True))
    return json.dumps(best, ensure_ascii=False)
