"""What a library knows of pictures: asked of the database alone, by workers on other machines, too."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from sqlalchemy import select

from photosearch.library import schema as t
from photosearch.library.engine import Database, SQLite
from photosearch.library.postgres import Postgres


class Known:
    """Which pictures the library has, and which models have seen them. Use from any thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def seen_by(self, sha256: str) -> set[int]:
        """Return the numbers of the models that have analysed a picture."""
        query = select(t.analysis.c.model_id).where(t.analysis.c.sha256 == sha256)
        with self._database.reading() as connection:
            return set(connection.execute(query).scalars())

    def is_new_to(self, model_ids: Collection[int]) -> bool:
        """Tell whether none of some models, given by their numbers, has analysed any picture."""
        query = select(t.analysis.c.model_id).where(t.analysis.c.model_id.in_(model_ids)).limit(1)
        with self._database.reading() as connection:
            return connection.execute(query).first() is None

    def has(self, sha256: str) -> bool:
        """Tell whether the library has the picture's size, perceptual hash, miniature and thumbnail."""
        query = select(t.image.c.sha256).where(t.image.c.sha256 == sha256, t.image.c.miniature.is_not(None))
        with self._database.reading() as connection:
            return connection.execute(query).first() is not None

    def token(self) -> str:
        """Return the random token that tells this library from others; a copy of it has the same."""
        with self._database.reading() as connection:
            return connection.execute(select(t.identity.c.token)).scalar_one()

    def close(self) -> None:
        """Close the database's connections."""
        self._database.engine.dispose()


def open_database(folder: Path, url: str | None) -> Database:
    """Open a library's database as it is, without making or migrating tables; raises as `Library` does."""
    return Postgres(url) if url else SQLite(folder)
