"""Adds the address of a photo's bytes, for keys that do not say it, and more of its details."""

import sqlalchemy as sa
from alembic import op

from photosearch.library.schema import BIG

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("photo") as photo:
        photo.add_column(sa.Column("address", sa.Text(), nullable=True))
        photo.add_column(sa.Column("etag", sa.Text(), nullable=True))
        photo.add_column(sa.Column("latitude", sa.Float(), nullable=True))
        photo.add_column(sa.Column("longitude", sa.Float(), nullable=True))
        photo.add_column(sa.Column("n_likes", BIG, nullable=True))
        photo.add_column(sa.Column("n_comments", BIG, nullable=True))
