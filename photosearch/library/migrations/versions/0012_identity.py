"""Adds a random token that tells the library from others whose pictures are kept in the same place."""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    identity = op.create_table("identity", sa.Column("token", sa.String(32), primary_key=True))
    op.bulk_insert(identity, [{"token": secrets.token_hex(16)}])
