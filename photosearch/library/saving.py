"""Saves a batch's results, within the caller's transaction."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from sqlalchemy import Connection, case, delete, insert, select, update

from photosearch.library import schema as t
from photosearch.library.details import details_json
from photosearch.library.work import Reading
from photosearch.records import Findings, PhotoState, Prediction, TextKind

_PROB_DECIMALS = 4


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
            "details": None if r.details is None else details_json(r.details),
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


def save_reading(connection: Connection, reading: Reading, state: PhotoState) -> None:
    """Save what came of reading a photo, unless it was listed as changed or gone meanwhile.

    `state` is that of a photo that could be read.
    """
    values: dict[str, object] = {"reason": reading.reason}
    if reading.sha256:
        values |= {"sha256": reading.sha256, "state": state}
    elif reading.is_final:
        values["state"] = PhotoState.FAILED
    else:  # the next run reads it again; until then its earlier results stay
        values["state"] = case((t.photo.c.state == PhotoState.FAILED, PhotoState.NEW), else_=t.photo.c.state)
    for name in ("address", "etag"):
        if getattr(reading, name) is not None:
            values[name] = getattr(reading, name)
    is_unchanged = (t.photo.c.stamp == reading.stamp) & (t.photo.c.state != PhotoState.GONE)
    is_it = t.photo.c.id == reading.photo_id
    saved = connection.execute(update(t.photo).where(is_it, is_unchanged).values(values))
    if saved.rowcount and reading.sha256:
        _bind_corrections(connection, reading.photo_id, reading.sha256)
        _take_over_corrections(connection, reading.photo_id, reading.sha256)


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


def save_findings(connection: Connection, model_id: int, findings: Mapping[str, Findings]) -> None:
    """Save what a model found in pictures, by their SHA-256, in place of its earlier findings."""
    if not findings:
        return
    tables = (t.caption, t.detection, t.prediction, t.analysis)
    for table in tables:
        connection.execute(delete(table).where(table.c.model_id == model_id, table.c.sha256.in_(list(findings))))
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
    for table, rows in zip(tables, (captions, detections, predictions, analyses), strict=True):
        if rows:
            connection.execute(insert(table), rows)


def _as_json(predicted: Sequence[Prediction]) -> str:
    best: dict[str, float] = {}
    for p in predicted:
        best.setdefault(p.term, round(p.prob, _PROB_DECIMALS))
    return json.dumps(best, ensure_ascii=False)
