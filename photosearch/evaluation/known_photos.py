"""Asking questions whose answers are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from photosearch.errors import PhotosearchError
from photosearch.evaluation.metrics import Retrieval, retrieval
from photosearch.evaluation.questions import KnownQuestion
from photosearch.records import UNWATCHED, Progress, Watch
from photosearch.search.fields import ALL, Field
from photosearch.search.index import Index

CAPTION_ONLY = frozenset({Field.HUMAN, Field.CAPTION})  # the sentence under the photo, whoever wrote it
_TELL_EVERY = 25


@dataclass(frozen=True)
class Ranked:
    """Where the best placed of a question's photos stands, from 1; None where none was found."""

    question: KnownQuestion
    caption_rank: int | None
    full_rank: int | None


@dataclass(frozen=True)
class SearchQuality:
    """How well questions find their photos: by the caption alone, and by all fields with related words."""

    caption_only: Retrieval
    all_fields: Retrieval
    ranked: tuple[Ranked, ...]
    n_photos: int  # searched


def measure_search(index: Index, questions: Sequence[KnownQuestion], watch: Watch = UNWATCHED) -> SearchQuality:
    """Ask every question, its words taken as they are; raises `PhotosearchError` when there are none."""
    if not questions:
        raise PhotosearchError("There is no query whose photos are known. Give some and try again.")
    ranked = []
    for number, question in enumerate(questions):
        if number % _TELL_EVERY == 0:
            watch.on_progress(Progress(number, len(questions)))
        ranked.append(
            Ranked(
                question,
                _best_rank(index, question, CAPTION_ONLY, expand=False),
                _best_rank(index, question, ALL, expand=True),
            )
        )
    return SearchQuality(
        retrieval(one.caption_rank for one in ranked),
        retrieval(one.full_rank for one in ranked),
        tuple(ranked),
        len(index),
    )


def _best_rank(index: Index, question: KnownQuestion, fields: frozenset[Field], *, expand: bool) -> int | None:
    ranks = (index.rank(question.text, photo_id, fields=fields, expand=expand) for photo_id in question.photo_ids)
    return min((rank for rank in ranks if rank is not None), default=None)
