"""Which photos are still to be read, or to be analysed by a model."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, exists, or_, select

from photosearch.library import schema as t
from photosearch.library.details import is_read_by_this_version
from photosearch.library.work import Pending
from photosearch.records import PhotoState

# The columns of a `Pending`, but for its last one.
PLACE = tuple(t.photo.c[name] for name in ("id", "source", "source_key", "stamp", "address", "etag", "sha256"))
PLACE += (t.image.c.kept_path, t.photo.c.listed_in)


def read_pending(
    connection: Connection, collection_id: int | None, model_ids: Sequence[int], *, redo: bool = False
) -> list[Pending]:
    """List pending photos as `Library.pending` says; `collection_id` None: of all collections."""
    p = t.photo.c
    is_captioned = p.state == PhotoState.READY
    query = select(*PLACE, is_captioned).select_from(t.photo.outerjoin(t.image)).order_by(p.collection_id, p.source_key)
    if redo:
        query = query.where(p.state.not_in((PhotoState.GONE, PhotoState.NO_PICTURE)))
    else:
        is_analysed = (
            exists().where(t.analysis.c.sha256 == t.photo.c.sha256, t.analysis.c.model_id == model_id)
            for model_id in model_ids
        )
        is_missing = or_(_is_read_by_older_version(), *(~by_model for by_model in is_analysed))
        query = query.where((p.state == PhotoState.NEW) | (is_captioned & is_missing))
    if collection_id is not None:
        query = query.where(p.collection_id == collection_id)
    return [Pending(*tuple(row)) for row in connection.execute(query)]


def _is_read_by_older_version() -> ColumnElement[bool]:
    """Select photos of which less was read than the present version reads; kept copies hold nothing but the picture."""
    i = t.image.c
    has_all_facts = i.kept_path.is_not(None) | (i.details.is_not(None) & is_read_by_this_version(i.details))
    return t.photo.c.sha256.is_not(None) & ~(has_all_facts & i.miniature.is_not(None))
