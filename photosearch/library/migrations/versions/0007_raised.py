"""Adds the latest generations of each collection, each with a random token that a restored copy does not share."""

import sqlalchemy as sa
from alembic import op

from photosearch.library.schema import BIG

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "raised",
        sa.Column("collection_id", sa.Integer, sa.ForeignKey("collection.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("generation", BIG, primary_key=True),
        sa.Column("token", sa.String(16), nullable=False),
    )
    op.execute("INSERT INTO raised (collection_id, generation, token) SELECT id, generation, '' FROM collection")
