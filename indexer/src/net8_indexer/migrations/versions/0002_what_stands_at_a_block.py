"""What stands at a block: default terms, links between zones, open positions, and when overdue slots were settled.

None of it can be told from the rows of before, so what was read is forgotten and read again from the chain.
"""

import sqlalchemy as sa
from alembic import op
from net8_indexer.migrations.again import read_again

revision = "0002"
down_revision = "0001"

_RULES = ("feed_in", "imbalance", "grid_fee", "oracle_fee", "floor", "step", "gate_lead", "min_wh")


def upgrade() -> None:
    """Make the tables, and go back to before the first block with anything in it."""
    op.create_table(
        "default_terms",
        sa.Column("at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("zone", sa.BigInteger(), nullable=False),
        sa.Column("from_hour", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in _RULES),
        sa.PrimaryKeyConstraint("at"),
    )
    op.create_table(
        "link",
        sa.Column("at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("zone", sa.BigInteger(), nullable=False),
        sa.Column("other", sa.BigInteger(), nullable=False),
        sa.Column("capacity", sa.BigInteger(), nullable=False),
        sa.Column("fee", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("at"),
    )
    op.create_table(
        "open_position",
        sa.Column("site", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("slot", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("site", "slot"),
    )
    op.create_table(
        "overdue",
        sa.Column("at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("tx", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("at"),
    )
    op.create_index("block_of_time", "block", ["time", "number"], unique=False)
    read_again()
