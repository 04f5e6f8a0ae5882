"""What tells a collection from one of the same name and number that was removed before: its first generation."""

import sqlalchemy as sa
from alembic import op

from photosearch.library.schema import BIG

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("collection") as collection:
        collection.add_column(sa.Column("made", BIG, nullable=True))
    op.execute("UPDATE collection SET made = generation")
