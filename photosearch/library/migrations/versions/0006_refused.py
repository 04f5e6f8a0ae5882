"""Adds which photos of an origin could not be listed, with reasons."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("origin") as origin:
        origin.add_column(sa.Column("refused", sa.Text(), nullable=True))
