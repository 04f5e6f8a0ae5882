"""How far each collection's photos are: counted anew only where a collection has changed."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from photosearch.library import schema as t
from photosearch.records import CollectionInfo, PhotoState

_STANDINGS = (
    select(t.collection.c.id, t.collection.c.name, t.collection.c.generation, t.raised.c.token)
    .outerjoin(
        t.raised,
        (t.raised.c.collection_id == t.collection.c.id) & (t.raised.c.generation == t.collection.c.generation),
    )
    .order_by(t.collection.c.name)
)


class Counts:
    """The collections as they were counted last; every write that changes a photo's state raises a generation."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, str, int, str | None], CollectionInfo] = {}

    def read(self, connection: Connection) -> list[CollectionInfo]:
        """All collections by name, with the states of their photos."""
        known = self._known
        standings = [(row.id, row.name, row.generation, row.token) for row in connection.execute(_STANDINGS)]
        self._known = {now: known.get(now) or _count(connection, *now[:3]) for now in standings}
        return list(self._known.values())


def _count(connection: Connection, collection_id: int, name: str, generation: int) -> CollectionInfo:
    query = select(t.photo.c.state, func.count()).where(t.photo.c.collection_id == collection_id)
    n = {PhotoState(state): count for state, count in connection.execute(query.group_by(t.photo.c.state))}
    ready, failed, new = (n.get(state, 0) for state in (PhotoState.READY, PhotoState.FAILED, PhotoState.NEW))
    return CollectionInfo(name, generation, ready + failed + new, ready, failed, new)
