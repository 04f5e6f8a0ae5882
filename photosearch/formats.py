"""What the command line and the HTTP API answer with: the contracts, as plain JSON values and CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from photosearch.records import Photo, Results

_DECIMALS = 6
CSV_COLUMNS = ("source", "caption", "log_prob", "model", "edited", "objects", "labels", "owner_text", "taken_at")


def results_json(results: Results) -> dict[str, object]:
    """The answer to a query, as `search --format json` prints it; a hit's terms add up to its score."""
    return {
        "query": results.query,
        "collection": results.collection,
        "took_ms": round(results.took_ms, 2),
        "total": results.total,
        "hits": [
            {
                "rank": hit.rank,
                "score": round(hit.score, _DECIMALS),
                "photo": hit.photo.id,
                "source": hit.photo.origin,
                "caption": hit.photo.caption,
                "terms": {share.term: round(share.share, _DECIMALS) for share in hit.shares},
            }
            for hit in results.hits
        ],
    }


def photo_json(photo: Photo) -> dict[str, object]:
    """A photo with all that is known of it, as `export --format json` prints it."""
    return {
        "source": photo.origin,
        "photo": photo.id,
        "state": photo.state.value,
        "reason": photo.reason,
        "width": photo.width_px,
        "height": photo.height_px,
        "captions": [
            {"text": c.text, "log_prob": c.log_prob, "model": c.model, "edited": c.edited} for c in photo.captions
        ],
        "objects": [{"label": o.label, "score": o.score, "box": list(o.box)} for o in photo.objects],
        "labels": [{"label": label.term, "p": label.prob} for label in photo.labels],
        "owner_text": photo.owner_text,
        "taken_at": photo.taken_at.isoformat() if photo.taken_at else None,
    }


def photos_csv(photos: Iterable[Photo]) -> str:
    """One row a photo, with the caption shown first.

    A cell that a spreadsheet would take for a formula gets an apostrophe in front.
    """
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(CSV_COLUMNS)
    for photo in photos:
        first = photo.captions[0] if photo.captions else None
        row = (
            photo.origin,
            photo.caption,
            first.log_prob if first else None,
            first.model if first else None,
            first.edited if first else None,
            "; ".join(o.label for o in photo.objects),
            "; ".join(label.term for label in photo.labels),
            photo.owner_text,
            photo.taken_at.isoformat() if photo.taken_at else None,
        )
        writer.writerow(
            [
                f"'{cell}" if isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell
                for cell in row
            ]
        )
    return out.getvalue()
