"""Stores a picture's predictions in one row, and the time of each analysis."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Sixty rows of one term each were 15 KB a photo; nothing has been written to the table so far.
    op.drop_table("prediction")
    op.create_table(
        "prediction",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("model_id", sa.Integer(), nullable=False),
        sa.Column("found", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["model_id"], ["model.id"]),
        sa.ForeignKeyConstraint(["sha256"], ["image.sha256"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("sha256", "model_id"),
    )
    op.add_column("analysis", sa.Column("at", sa.Float(), nullable=False, server_default="0"))
