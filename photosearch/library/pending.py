"""Which photos are still to be read, or to be analysed by a model."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, exists, false, or_, select

from photosearch.library import schema as t
from photosearch.library.work import Pending
from photosearch.records import PhotoState


def read_pending(
    connection: Connection, collection_id: int | None, model_ids: Sequence[int], *, redo: bool = False
) -> list[Pending]:
    """List pending photos as `Library.pending` says; `collection_id` None: of all collections."""
    p = t.photo.c
    columns = (p.id, p.source, p.source_key, p.stamp, p.address, p.etag, p.sha256, t.image.c.kept_path)
    query = select(*columns).select_from(t.photo.outerjoin(t.image)).order_by(p.collection_id, p.source_key)
    if redo:
        query = query.where(p.state.not_in((PhotoState.GONE, PhotoState.NO_PICTURE)))
    else:
        is_analysed = (
            exists().where(t.analysis.c.sha256 == t.photo.c.sha256, t.analysis.c.model_id == model_id)
            for model_id in model_ids
        )
        is_missing = or_(false(), *(~by_model for by_model in is_analysed))
        query = query.where((p.state == PhotoState.NEW) | ((p.state == PhotoState.READY) & is_missing))
    if collection_id is not None:
        query = query.where(p.collection_id == collection_id)
    return [Pending(*row) for row in connection.execute(query)]
