"""Turns the columns of a photo's facts into one of JSON, and adds what a file says of itself to its picture."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_FACTS = ("permalink", "taken_at", "place", "latitude", "longitude", "n_likes", "n_comments")
_AT_ONCE = 5_000
_PHOTO = sa.table(
    "photo",
    sa.column("id", sa.String),
    sa.column("facts", sa.Text),
    *(sa.column(name, sa.DateTime if name == "taken_at" else sa.Text) for name in _FACTS if name[0] in "pt"),
    *(sa.column(name) for name in _FACTS if name[0] not in "pt"),
)


def upgrade() -> None:
    op.add_column("image", sa.Column("details", sa.Text(), nullable=True))
    op.add_column("photo", sa.Column("facts", sa.Text(), nullable=True))
    connection = op.get_bind()
    columns = (_PHOTO.c.id, *(_PHOTO.c[name] for name in _FACTS))
    has_facts = sa.or_(*(_PHOTO.c[name].is_not(None) for name in _FACTS))
    rows = connection.execute(sa.select(*columns).where(has_facts)).all()
    fill = sa.update(_PHOTO).where(_PHOTO.c.id == sa.bindparam("of")).values(facts=sa.bindparam("to_facts"))
    for first in range(0, len(rows), _AT_ONCE):
        connection.execute(
            fill, [{"of": row.id, "to_facts": _as_json(row._mapping)} for row in rows[first : first + _AT_ONCE]]
        )
    for name in _FACTS:  # not by a copy of the table, whose end would delete all that refers to its rows
        op.execute(f"ALTER TABLE photo DROP COLUMN {name}")


def _as_json(row: sa.RowMapping) -> str:
    facts = {name: row[name] for name in _FACTS if row[name] is not None}
    if "taken_at" in facts:
        facts["taken_at"] = facts["taken_at"].isoformat()
    return json.dumps(facts)
