"""Measures search with queries whose photos are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from photosearch.errors import PhotosearchError
from photosearch.evaluation.metrics import Retrieval, retrieval
from photosearch.evaluation.questions import KnownQuestion
from photosearch.records import UNWATCHED, Progress, Watch
from photosearch.search.fields import ALL, Field
from photosearch.search.index import Index

CAPTION_ONLY = frozenset({Field.HUMAN, Field.CAPTION})  # the sentence under the photo
_REPORT_EVERY = 25  # queries


@dataclass(frozen=True)
class Ranked:
    """A query with the best rank among its photos, from 1; None where none was found."""

    question: KnownQuestion
    caption_rank: int | None
    full_rank: int | None


@dataclass(frozen=True)
class SearchQuality:
    """How well queries find their photos: by the caption alone, and by all fields with related words."""

    caption_only: Retrieval
    all_fields: Retrieval
    ranked: tuple[Ranked, ...]
    n_photos: int  # in the index


def measure_search(index: Index, questions: Sequence[KnownQuestion], watch: Watch = UNWATCHED) -> SearchQuality:
    """Search with every query, its words taken literally; raises `PhotosearchError` when there are none."""
    if not questions:
        raise PhotosearchError("There is no query with known photos. Give some and try again.")
    ranked = []
    for number, question in enumerate(questions):
        if number % _REPORT_EVERY == 0:
            watch.on_progress(Progress(number, len(questions)))
        ranked.append(
            Ranked(
                question,
                _best_rank(index, question, CAPTION_ONLY, expand=False),
                _best_rank(index, question, ALL, expand=True),
            )
        )
    return SearchQuality(
        retrieval(result.caption_rank for result in ranked),
        retrieval(result.full_rank for result in ranked),
        tuple(ranked),
        len(index),
    )


def _best_rank(index: Index, question: KnownQuestion, fields: frozenset[Field], *, expand: bool) -> int | None:
    ranks = (index.rank(question.text, photo_id, fields=fields, expand=expand) for photo_id in question.photo_ids)
    return min((rank for rank in ranks if rank is not None), default=None)
