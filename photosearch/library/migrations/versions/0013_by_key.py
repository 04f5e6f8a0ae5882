"""Lays captions and analyses in the order of their keys in SQLite, which then finds one in one step, not in two."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name != "sqlite":
        return
    _lay_by_key(
        "analysis",
        sa.Column("error", sa.Text()),
        sa.Column("at", sa.Float(), nullable=False, server_default="0"),
        key=("sha256", "model_id"),
    )
    _lay_by_key(
        "caption",
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("log_prob", sa.Float(), nullable=False),
        sa.Column("is_unsure", sa.Boolean(), nullable=False, server_default=sa.false()),
        key=("sha256", "model_id", "rank"),
    )


def _lay_by_key(name: str, *columns: sa.Column, key: tuple[str, ...]) -> None:
    """Copy a table into one without row numbers, which takes its place."""
    by_key = op.create_table(
        f"{name}_by_key",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("model_id", sa.Integer(), nullable=False),
        *columns,
        sa.ForeignKeyConstraint(["model_id"], ["model.id"]),
        sa.ForeignKeyConstraint(["sha256"], ["image.sha256"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint(*key),
        sqlite_with_rowid=False,
    )
    before = sa.table(name, *(sa.column(column.name) for column in by_key.columns))
    names = [column.name for column in by_key.columns]
    in_order = sa.select(before).order_by(*(before.c[part] for part in key))
    op.execute(by_key.insert().from_select(names, in_order))
    op.drop_table(name)
    op.rename_table(by_key.name, name)
