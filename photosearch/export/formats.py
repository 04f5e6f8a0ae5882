"""The JSON and CSV that the command line, the HTTP API and exported files have in common."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from photosearch.records import CollectionInfo, DetailedPhoto, Failure, Report, Results, Share, TextKind

if TYPE_CHECKING:
    from photosearch.evaluation.described_photos import Measured

_DECIMALS = 6
_FORMULA = re.compile(r"(?:^|(?<=[;\t\r\n]))(?= *[=+\-@\uff1d\uff0b\uff0d\uff20])|^(?=[\t\r])")  # also in full width
CSV_COLUMNS = ("source", "caption", "log_prob", "model", "edited", "objects", "labels", "owner_text", "taken_at")


def results_json(results: Results, *, explain: bool = False) -> dict[str, object]:
    """Return the answer to a query, as `search --format json` prints it.

    The `terms` of a hit add up to its score. `notes`, if any, tell people which parts of the query were left out, and
    the like; `dates`, which words were understood as dates. `has_more` says that more photos were found than `total`
    counts.

    Args:
        results: the answer.
        explain: whether each hit has its `shares` as well: a term of the photo, its field, what it adds to the score,
            and the query's term that it matches; where the two differ, also their relation and its weight.
    """
    return {
        "query": results.query,
        "collection": results.collection,
        "took_ms": round(results.took_ms, 2),
        "total": results.total,
        **({"has_more": True} if results.has_more else {}),
        "hits": [
            {
                "rank": hit.rank,
                "score": round(hit.score, _DECIMALS),
                "photo": hit.photo.id,
                "source": hit.photo.origin,
                "caption": hit.photo.caption,
                "terms": {term: round(share, _DECIMALS) for term, share in hit.by_term().items()},
                **({"shares": [_share_json(share) for share in hit.shares]} if explain else {}),
            }
            for hit in results.hits
        ],
        **({"dates": list(results.dates)} if results.dates else {}),
        **({"notes": list(results.notes)} if results.notes else {}),
    }


def _share_json(share: Share) -> dict[str, object]:
    values: dict[str, object] = {
        "term": share.term,
        "field": str(share.field),
        "share": round(share.share, _DECIMALS),
        "for": share.word,
    }
    return values | ({"relation": share.relation, "strength": share.strength} if share.relation else {})


def photo_json(photo: DetailedPhoto) -> dict[str, object]:
    """Return everything known about a photo, as `export --format json` prints it."""
    return {
        "source": photo.origin,
        "photo": photo.id,
        "state": photo.state.value,
        "reason": photo.reason,
        "width": photo.width_px,
        "height": photo.height_px,
        "captions": [
            {"text": c.text, "log_prob": c.log_prob, "model": c.model, "edited": c.edited, "unsure": c.is_unsure}
            for c in photo.captions
        ],
        "objects": [{"label": o.label, "score": o.score, "box": list(o.box)} for o in photo.objects],
        "labels": [{"label": label.term, "p": label.prob} for label in photo.labels],
        "concepts": [{"term": concept.term, "p": concept.prob} for concept in photo.concepts],
        "owner_text": photo.owner_text,
        "taken_at": _when(photo),
        **({"taken_at_from": "file name"} if photo.details.is_dated_by_name else {}),
        "place": photo.details.place,
        "latitude": photo.details.latitude,
        "longitude": photo.details.longitude,
        "likes": photo.details.n_likes,
        "comments": photo.details.n_comments,
        "hashtags": photo.details.texts_of(TextKind.HASHTAG),
        "mentions": photo.details.texts_of(TextKind.MENTION),
        "accessibility": photo.details.texts_of(TextKind.ACCESSIBILITY),
    }


def _when(photo: DetailedPhoto) -> str | None:
    return photo.details.dated_at.isoformat() if photo.details.dated_at else None


def photos_csv(photos: Iterable[DetailedPhoto]) -> str:
    """Return a table with one row for each photo, with the caption that is shown."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(CSV_COLUMNS)
    writer.writerows(map(csv_row, photos))
    return out.getvalue()


def csv_row(photo: DetailedPhoto) -> list[object]:
    """Return a photo's cells, as `csv_cell` writes them, in the order of `CSV_COLUMNS`."""
    first = photo.captions[0] if photo.captions else None
    cells = (
        photo.origin,
        photo.caption,
        first.log_prob if first else None,
        first.model if first else None,
        first.edited if first else None,
        "; ".join(o.label for o in photo.objects),
        "; ".join(label.term for label in photo.labels),
        photo.owner_text,
        _when(photo),
    )
    return [csv_cell(cell) for cell in cells]


def csv_cell(value: object) -> object:
    """Return a cell's value; text that spreadsheets would take for a formula gets an apostrophe in front of that.

    Where semicolons or tabs separate cells, a formula may begin in the middle of ours, as it may behind a line break.
    """
    return _FORMULA.sub("'", value) if isinstance(value, str) else value


def collection_json(info: CollectionInfo) -> dict[str, object]:
    """Return a collection's name and the numbers of its photos."""
    return {
        "name": info.name,
        "photos": info.n_photos,
        "captioned": info.n_ready,
        "to_do": info.n_new,
        "failed": info.n_failed,
        "without_picture": info.n_without_picture,
    }


def report_json(report: Report) -> dict[str, object]:
    """Return what a run did, as `add --format json` and `caption --format json` print it."""
    return {
        "new": report.n_new,
        "changed": report.n_changed,
        "unchanged": report.n_unchanged,
        "gone": report.n_gone,
        "skipped": report.n_left_out,
        "left_out": dict(report.left_out),
        "fetched": report.n_fetched,
        "captioned": report.n_captioned,
        "reused": report.n_reused,
        "failures": failures_json(report.failures),
        "notes": list(report.notes),
    }


def failures_json(failures: Iterable[Failure]) -> list[dict[str, str]]:
    """Return the photos that could not be used, with the reasons."""
    return [{"source": failure.source_key, "reason": failure.reason} for failure in failures]


def measured_json(measured: Measured) -> dict[str, object]:
    """Return the measurements as `evaluate --json` prints them."""
    return {
        "photos": measured.n_photos,
        "queries": measured.n_queries,
        **{f"BLEU-{n}": score for n, score in enumerate(measured.bleu, start=1)},
        "CIDEr-D": measured.cider_d,
        "ROUGE-L": measured.rouge_l,
        "different_sentences": measured.n_different,
        "words_a_sentence": measured.mean_words,
        "retrieval": {
            name: {
                "R@1": r.recall_at_1,
                "R@5": r.recall_at_5,
                "R@10": r.recall_at_10,
                "median_rank": None if math.isinf(r.median_rank) else r.median_rank,
                "MRR": r.mean_reciprocal_rank,
            }
            for name, r in measured.retrieval.items()
        },
    }


def measured_table(measured: Measured) -> str:
    """Return the measurements as two tables in Markdown, which the model card shows as well."""
    captions = [f"BLEU-{n} | {score:.3f}" for n, score in enumerate(measured.bleu, start=1)]
    captions += [f"CIDEr-D | {measured.cider_d:.3f}", f"ROUGE-L | {measured.rouge_l:.3f}"]
    captions += [f"different sentences | {measured.n_different:,}", f"words a sentence | {measured.mean_words:.1f}"]
    rows = [
        f"{name} | {r.recall_at_1:.3f} | {r.recall_at_5:.3f} | {r.recall_at_10:.3f} | {r.median_rank:g}"
        f" | {r.mean_reciprocal_rank:.3f}"
        for name, r in measured.retrieval.items()
    ]
    return "\n".join(
        [
            f"| captions of {measured.n_photos:,} photos | |",
            "| --- | --- |",
            *(f"| {row} |" for row in captions),
            "",
            f"| {measured.n_queries:,} descriptions as queries | R@1 | R@5 | R@10 | median rank | MRR |",
            "| --- | --- | --- | --- | --- | --- |",
            *(f"| {row} |" for row in rows),
        ]
    )
