"""Adds the list of addresses that has a photo, so that updating one list does not mark another's photos as gone."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("photo") as photo:
        photo.add_column(sa.Column("listed_in", sa.Text(), nullable=True))
