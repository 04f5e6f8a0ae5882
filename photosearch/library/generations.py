"""A collection's generations: raised by every write that search can see.

Each has a token made at random: a copy of the library that is put back and written to may come to the same number
by another way, and is told from it by that.
"""

from __future__ import annotations

import secrets

from sqlalchemy import Connection, delete, insert, select, update

from photosearch.library import schema as t
from photosearch.library.work import Standing

KEPT = 10_000  # generations that are remembered of a collection
_TOKEN_BYTES = 8


def raise_generation(connection: Connection, collection_id: int) -> int:
    """Begin a collection's next generation; photos that are written are stamped with it."""
    here = t.collection.c.id == collection_id
    raised = update(t.collection).where(here).values(generation=t.collection.c.generation + 1)
    generation = int(connection.execute(raised.returning(t.collection.c.generation)).scalar_one())
    token = secrets.token_hex(_TOKEN_BYTES)
    values = {"collection_id": collection_id, "generation": generation, "token": token}
    connection.execute(insert(t.raised).values(values))
    old = (t.raised.c.collection_id == collection_id) & (t.raised.c.generation <= generation - KEPT)
    connection.execute(delete(t.raised).where(old))
    return generation


def read_standing(connection: Connection, collection_id: int) -> Standing:
    """How a collection stands."""
    of = (t.raised.c.collection_id == t.collection.c.id) & (t.raised.c.generation == t.collection.c.generation)
    query = select(t.collection.c.generation, t.raised.c.token).join(t.raised, of)
    row = connection.execute(query.where(t.collection.c.id == collection_id)).one()
    return Standing(int(row.generation), row.token)


def has_stood(connection: Connection, collection_id: int, standing: Standing) -> bool:
    """Whether a collection has stood so lately, or does now."""
    here = (t.raised.c.collection_id == collection_id) & (t.raised.c.generation == standing.generation)
    return connection.execute(select(t.raised.c.token).where(here)).scalar_one_or_none() == standing.token
