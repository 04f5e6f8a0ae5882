"""Adds the picture that each correction was made for; of earlier corrections it is the photo's present one."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("photo_text", sa.Column("sha256", sa.String(64), nullable=True))
    op.execute(
        "UPDATE photo_text SET sha256 = (SELECT photo.sha256 FROM photo WHERE photo.id = photo_text.photo_id)"
        " WHERE kind = 'human'"
    )
