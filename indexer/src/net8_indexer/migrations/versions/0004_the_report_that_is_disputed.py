"""Which report a dispute is about; read again from the chain, as no row of before tells it."""

import sqlalchemy as sa
from alembic import op
from net8_indexer.migrations.again import read_again

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the column to what is emptied first."""
    read_again()
    with op.batch_alter_table("dispute") as table:
        table.add_column(sa.Column("entries_hash", sa.LargeBinary(), nullable=False))
