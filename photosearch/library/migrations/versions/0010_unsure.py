"""Adds whether a model was unsure of a caption."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("caption", sa.Column("is_unsure", sa.Boolean(), nullable=False, server_default=sa.false()))
