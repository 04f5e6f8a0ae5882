"""How a batch's results are kept, within the transaction of the one who calls."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, delete, insert, select

from photosearch.library import schema as t
from photosearch.library.work import Reading
from photosearch.records import Prediction
from photosearch.stations import Findings

_PROB_DECIMALS = 4


def save_images(connection: Connection, readings: Sequence[Reading]) -> None:
    """Keep the pictures' facts; those known stay as they are."""
    images = {
        r.sha256: {"sha256": r.sha256, "width": r.width_px, "height": r.height_px, "phash": r.phash}
        for r in readings
        if r.sha256
    }
    known = set(connection.execute(select(t.image.c.sha256).where(t.image.c.sha256.in_(list(images)))).scalars())
    if new := [values for sha256, values in images.items() if sha256 not in known]:
        connection.execute(insert(t.image), new)


def save_findings(connection: Connection, model_id: int, findings: Mapping[str, Findings]) -> None:
    """Keep what a model told of pictures, by their SHA-256, in place of what it told of them before."""
    if not findings:
        return
    tables = (t.caption, t.detection, t.prediction, t.analysis)
    for table in tables:
        connection.execute(delete(table).where(table.c.model_id == model_id, table.c.sha256.in_(list(findings))))
    captions, detections, predictions = [], [], []
    for sha256, told in findings.items():
        key = {"sha256": sha256, "model_id": model_id}
        captions += [{**key, "rank": c.rank, "text": c.text, "log_prob": c.log_prob} for c in told.captions]
        for o in told.objects:
            x, y, width, height = o.box
            detections.append(
                {**key, "label": o.label, "score": o.score, "x": x, "y": y, "width": width, "height": height}
            )
        if predicted := (told.labels or told.concepts):
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
