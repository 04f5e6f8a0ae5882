"""Adds a run's title and start, and where a collection's photos were added from."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("job") as job:
        job.add_column(sa.Column("title", sa.Text(), nullable=True))
        job.add_column(sa.Column("began", sa.DateTime(), nullable=True))
    op.create_table(
        "origin",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("collection_id", sa.Integer(), sa.ForeignKey("collection.id", ondelete="CASCADE"), nullable=False),
        sa.Column("names", sa.Text(), nullable=False),
        sa.Column("options", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
    )
