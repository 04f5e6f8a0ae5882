"""Adds to each picture its miniature, by which near-duplicates are told from other pictures with a similar hash."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("image", sa.Column("miniature", sa.LargeBinary(), nullable=True))
