"""The library's tables, and their migration from older versions.

What models found belongs to an image, which is identified by its bytes. What people, posts or imported files say
belongs to a photo, which is identified by its collection and key.
"""

from __future__ import annotations

import secrets
from pathlib import Path

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    DateTime,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    insert,
    inspect,
    text,
)

from photosearch.errors import LibraryError
from photosearch.library.engine import Database

HEAD = "0013"  # the newest migration
_MIGRATIONS = Path(__file__).parent / "migrations"

# In PostgreSQL, too, integers have 64 bits and texts are ordered by their bytes, as in SQLite by default.
BIG = Integer().with_variant(BigInteger(), "postgresql")
ORDERED = Text().with_variant(Text(collation="C"), "postgresql")

# Small rows that are read by their key lie in its order in SQLite, without row numbers: a key is stored once, and a row
# is found in one step in place of two.
metadata = MetaData()

identity: Table = Table("identity", metadata, Column("token", String(32), primary_key=True))  # one row
collection: Table = Table(
    "collection",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", ORDERED, nullable=False, unique=True),
    Column("generation", BIG, nullable=False),
)
raised: Table = Table(
    "raised",
    metadata,
    Column("collection_id", ForeignKey("collection.id", ondelete="CASCADE"), primary_key=True),
    Column("generation", BIG, primary_key=True),
    Column("token", String(16), nullable=False),
)
image: Table = Table(
    "image",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("phash", String(16)),
    Column("kept_path", Text),
    Column("details", Text),  # JSON: what the file says of itself; NULL: it was not read for it yet
    Column("miniature", LargeBinary),  # as `images.miniature` makes it; NULL: read before there were any
)
photo: Table = Table(
    "photo",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("collection_id", ForeignKey("collection.id", ondelete="CASCADE"), nullable=False),
    Column("source_key", ORDERED, nullable=False),
    Column("sha256", ForeignKey("image.sha256")),
    Column("source", String(20), nullable=False),
    Column("stamp", Text, nullable=False),
    Column("state", String(10), nullable=False),
    Column("reason", Text),
    Column("generation", BIG, nullable=False),
    Column("address", Text),  # where the bytes are, unless the key says it
    Column("etag", Text),
    Column("listed_in", Text),  # the one list that has it; NULL: several have it, or it is unknown
    Column("facts", Text),  # JSON: what the source says; the file's own facts are in `image.details`
    # PostgreSQL cannot index long keys; there the id, which depends on collection and key alone, is unique instead.
    UniqueConstraint("collection_id", "source_key").ddl_if(dialect="sqlite"),
    Index("photo_by_generation", "collection_id", "generation"),
    Index("photo_by_sha256", "sha256"),
)
photo_text: Table = Table(
    "photo_text",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("photo_id", ForeignKey("photo.id", ondelete="CASCADE"), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("text", Text, nullable=False),
    Column("who", Text),
    Column("at", DateTime, nullable=False),
    Column("superseded_at", DateTime),
    Column("sha256", String(64)),  # of the picture that a correction was made for; NULL: it was not read yet
    Index("photo_text_by_photo", "photo_id"),
)
model: Table = Table(
    "model",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("station", String(20), nullable=False),
    Column("name", Text, nullable=False),
    Column("digest", String(64), nullable=False),
    UniqueConstraint("station", "digest"),
)
analysis: Table = Table(
    "analysis",
    metadata,
    Column("sha256", ForeignKey("image.sha256", ondelete="CASCADE"), primary_key=True),
    Column("model_id", ForeignKey("model.id"), primary_key=True),
    Column("error", Text),
    Column("at", Float, nullable=False, server_default="0"),  # seconds since 1970; the latest model's results count
    sqlite_with_rowid=False,
)
caption: Table = Table(
    "caption",
    metadata,
    Column("sha256", ForeignKey("image.sha256", ondelete="CASCADE"), primary_key=True),
    Column("model_id", ForeignKey("model.id"), primary_key=True),
    Column("rank", Integer, primary_key=True),
    Column("text", Text, nullable=False),
    Column("log_prob", Float, nullable=False),
    Column("is_unsure", Boolean, nullable=False, server_default=false()),
    sqlite_with_rowid=False,
)
detection: Table = Table(
    "detection",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("sha256", ForeignKey("image.sha256", ondelete="CASCADE"), nullable=False),
    Column("model_id", ForeignKey("model.id"), nullable=False),
    Column("label", Text, nullable=False),
    Column("score", Float, nullable=False),
    Column("x", Float, nullable=False),
    Column("y", Float, nullable=False),
    Column("width", Float, nullable=False),
    Column("height", Float, nullable=False),
    Index("detection_by_image", "sha256", "model_id"),
)
prediction: Table = Table(
    "prediction",
    metadata,
    Column("sha256", ForeignKey("image.sha256", ondelete="CASCADE"), primary_key=True),
    Column("model_id", ForeignKey("model.id"), primary_key=True),
    Column("found", Text, nullable=False),  # JSON: term to probability, highest first
)
job: Table = Table(
    "job",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", String(20), nullable=False),
    Column("state", String(10), nullable=False),
    Column("owner", Text, nullable=False),
    Column("heartbeat", DateTime, nullable=False),
    Column("done", Integer, nullable=False),
    Column("total", Integer, nullable=False),
    Column("title", Text),  # for people: what the run does
    Column("began", DateTime),
)
origin: Table = Table(
    "origin",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("collection_id", ForeignKey("collection.id", ondelete="CASCADE"), nullable=False),
    Column("names", Text, nullable=False),  # JSON: the names that were given to add it
    Column("options", Text, nullable=False),  # JSON: the options of its source
    Column("at", DateTime, nullable=False),  # when it was last added
    Column("refused", Text),  # JSON: keys of photos that could not be listed, each with its reason
)


def bring_up_to_date(database: Database) -> None:
    """Create the tables, or migrate them to the newest schema; only one process at a time does so.

    Raises:
        LibraryError: the library was made by a newer version, the database is not photosearch's, or a copy of the
            library could not be made before the migration.
    """
    with database.reading() as connection:
        if _version(connection, database) == HEAD:
            return
    with database.writing() as connection:
        version = _version(connection, database)  # again, since another process may have migrated it meanwhile
        if version is None and connection.dialect.name == "sqlite":  # in PostgreSQL the indexes are not the metadata's
            _create(connection)
        elif version != HEAD:
            _migrate(connection, database, version)


def _create(connection: Connection) -> None:
    """Create the tables as the migrations would, but at once: Alembic alone takes a quarter of a second to import."""
    metadata.create_all(connection)
    connection.execute(insert(identity).values(token=secrets.token_hex(16)))
    version = Table("alembic_version", MetaData(), Column("version_num", String(32), primary_key=True))
    version.create(connection)
    connection.execute(insert(version).values(version_num=HEAD))


def _migrate(connection: Connection, database: Database, version: str | None) -> None:
    """Bring tables of an older version up to date; raises `LibraryError`."""
    from alembic import command  # takes long to import and is seldom needed
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    revisions = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if version is not None and version not in revisions:
        raise LibraryError(
            f"{database.name} was made by a newer version of photosearch (schema {version}; this one knows {HEAD})."
            f" Update photosearch, or {database.elsewhere}."
        )
    if version is not None:
        database.keep_copy(version)
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _version(connection: Connection, database: Database) -> str | None:
    """Return the schema's version, None for an empty database; raises `LibraryError` where the tables are not ours."""
    tables = inspect(connection).get_table_names()
    if "alembic_version" in tables and "photo" in tables:
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
    if tables:
        raise LibraryError(
            f"{database.name} is a database, but no library of photosearch."
            f" {database.elsewhere[0].upper()}{database.elsewhere[1:]}."
        )
    return None
