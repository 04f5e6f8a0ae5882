"""Numbers of photos by state, counted again only for collections that have changed."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from photosearch.library import schema as t
from photosearch.records import CollectionInfo, PhotoState

_GENERATIONS = (
    select(t.collection.c.id, t.collection.c.name, t.collection.c.generation, t.raised.c.token)
    .outerjoin(
        t.raised,
        (t.raised.c.collection_id == t.collection.c.id) & (t.raised.c.generation == t.collection.c.generation),
    )
    .order_by(t.collection.c.name)
)


class Counts:
    """The numbers of the last count; they hold until the collection's generation is raised."""

    def __init__(self) -> None:
        self._counted: dict[tuple[int, str, int, str | None], CollectionInfo] = {}

    def read(self, connection: Connection) -> list[CollectionInfo]:
        """List all collections by name, with the numbers of their photos by state."""
        before = self._counted
        states = [(row.id, row.name, row.generation, row.token) for row in connection.execute(_GENERATIONS)]
        self._counted = {state: before.get(state) or _count(connection, *state[:3]) for state in states}
        return list(self._counted.values())


def _count(connection: Connection, collection_id: int, name: str, generation: int) -> CollectionInfo:
    counts = select(t.photo.c.state, func.count(), func.count(t.photo.c.sha256))
    rows = connection.execute(counts.where(t.photo.c.collection_id == collection_id).group_by(t.photo.c.state)).all()
    n = {PhotoState(state): count for state, count, _ in rows}
    of = {state: n.get(state, 0) for state in PhotoState if state is not PhotoState.GONE}
    return CollectionInfo(
        name,
        generation,
        n_photos=sum(of.values()),
        n_ready=of[PhotoState.READY],
        n_failed=of[PhotoState.FAILED],
        n_new=of[PhotoState.NEW],
        n_without_picture=of[PhotoState.NO_PICTURE],
        n_unread=sum(count - n_read for state, count, n_read in rows if state == PhotoState.NEW),
    )
