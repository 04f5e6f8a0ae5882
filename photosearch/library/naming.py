"""Finds collections by their names, and numbers models, within the caller's transaction."""

from __future__ import annotations

import time

from sqlalchemy import Connection, Row, Select, bindparam, insert, select

from photosearch.errors import CollectionNotFound
from photosearch.library import schema as t
from photosearch.records import Station

_COLLECTION = select(t.collection.c.id).where(t.collection.c.name == bindparam("name"))  # built once: see `photos`


def read_names(connection: Connection) -> list[str]:
    """Return the names of all collections, in order."""
    return list(connection.execute(select(t.collection.c.name).order_by(t.collection.c.name)).scalars())


def find_collection(connection: Connection, name: str) -> int:
    """Return a collection's number; raises `CollectionNotFound`."""
    return int(read_about(connection, name, _COLLECTION).id)


def read_about(connection: Connection, name: str, query: Select) -> Row:
    """Return the row that a query with the parameter `name` gives for a collection; raises `CollectionNotFound`."""
    try:
        row = connection.execute(query, {"name": name}).one_or_none()
    except UnicodeEncodeError:
        row = None  # bytes from a command line that are no Unicode, which no stored name contains
    if row is None:
        names = read_names(connection)
        existing = f"There are: {', '.join(names)}." if names else "There are none yet; add one first."
        raise CollectionNotFound(f'Collection "{name}" was not found. {existing}')
    return row


def find_or_make_collection(connection: Connection, name: str) -> int:
    """Return a collection's number; one that does not exist is made."""
    number = connection.execute(_COLLECTION, {"name": name}).scalar_one_or_none()
    if number is None:
        # The clock gives the first generation: a collection that was removed and added again must not repeat one that
        # a reader still remembers.
        values = {"name": name, "generation": time.time_ns() // 1_000_000}
        number = connection.execute(insert(t.collection).values(values).returning(t.collection.c.id)).scalar_one()
    return int(number)


def find_or_make_model(connection: Connection, station: Station, name: str, digest: str) -> int:
    """Return the number of a model; one that is new to the library is added."""
    query = select(t.model.c.id).where(t.model.c.station == station, t.model.c.digest == digest)
    number = connection.execute(query).scalar_one_or_none()
    if number is None:
        values = {"station": station, "name": name, "digest": digest}
        number = connection.execute(insert(t.model).values(values).returning(t.model.c.id)).scalar_one()
    return int(number)
