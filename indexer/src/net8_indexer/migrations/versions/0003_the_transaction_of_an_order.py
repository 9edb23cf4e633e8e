"""When and by which transaction an order came to rest; read again from the chain, as no row of before tells it."""

import sqlalchemy as sa
from alembic import op
from net8_indexer.migrations.again import read_again

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add both columns to what is emptied first."""
    read_again()
    with op.batch_alter_table("orders") as table:
        table.add_column(sa.Column("time", sa.BigInteger(), nullable=False))
        table.add_column(sa.Column("tx", sa.LargeBinary(), nullable=False))
