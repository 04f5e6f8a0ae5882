"""A collection's generations: every write that changes what search finds raises the number by one.

Each has a random token: when an older copy of the library is put back and written to, it reaches the same number
again with other photos, and the token tells the two apart.
"""

from __future__ import annotations

import secrets

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from photosearch.library import schema as t
from photosearch.library.naming import read_about
from photosearch.library.work import CollectionVersion

KEPT = 10_000  # latest generations of a collection whose tokens are kept
_TOKEN_BYTES = 8


def raise_generation(connection: Connection, collection_id: int) -> int:
    """Start the collection's next generation and return its number, which the caller writes to the changed photos."""
    is_it = t.collection.c.id == collection_id
    raised = update(t.collection).where(is_it).values(generation=t.collection.c.generation + 1)
    generation = int(connection.execute(raised.returning(t.collection.c.generation)).scalar_one())
    token = secrets.token_hex(_TOKEN_BYTES)
    values = {"collection_id": collection_id, "generation": generation, "token": token}
    connection.execute(insert(t.raised).values(values))
    old = (t.raised.c.collection_id == collection_id) & (t.raised.c.generation <= generation - KEPT)
    connection.execute(delete(t.raised).where(old))
    return generation


# Built once: every search asks for it, and building the statement takes longer than SQLite takes to run it.
_VERSION = (
    select(t.collection.c.generation, t.raised.c.token)
    .join(
        t.raised,
        (t.raised.c.collection_id == t.collection.c.id) & (t.raised.c.generation == t.collection.c.generation),
    )
    .where(t.collection.c.name == bindparam("name"))
)


def read_version(connection: Connection, collection: str) -> CollectionVersion:
    """Return a collection's generation with its token; raises `CollectionNotFound`."""
    row = read_about(connection, collection, _VERSION)
    return CollectionVersion(int(row.generation), row.token)


def had_version(connection: Connection, collection_id: int, version: CollectionVersion) -> bool:
    """Tell whether the collection was once in this state, or is now; False where that was too long ago to know."""
    is_it = (t.raised.c.collection_id == collection_id) & (t.raised.c.generation == version.generation)
    return connection.execute(select(t.raised.c.token).where(is_it)).scalar_one_or_none() == version.token
