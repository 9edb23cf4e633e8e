"""The tables as they began."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_OPEN = sa.text('"left" > 0')


def upgrade() -> None:
    """From an empty database."""

    op.create_table(
        "admission",
        sa.Column("at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("site", sa.BigInteger(), nullable=False),
        sa.Column("admitted", sa.Boolean(), nullable=False),
        sa.Column("configuration", sa.SmallInteger(), nullable=False),
        sa.Column("location", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("at"),
    )
    op.create_index("ix_admission_site", "admission", ["site"], unique=False)
    op.create_table(
        "block",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_table(
        "certificate_move",
        sa.Column("at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("place", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("site", sa.BigInteger(), nullable=False),
        sa.Column("hour", sa.BigInteger(), nullable=False),
        sa.Column("sender", sa.String(), nullable=True),
        sa.Column("receiver", sa.String(), nullable=True),
        sa.Column("wh", sa.BigInteger(), nullable=False),
        sa.Column("tx", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("at", "place"),
    )
    op.create_index("certificate_move_of_certificate", "certificate_move", ["site", "hour"], unique=False)
    op.create_index("ix_certificate_move_receiver", "certificate_move", ["receiver"], unique=False)
    op.create_index("ix_certificate_move_sender", "certificate_move", ["sender"], unique=False)
    op.create_table(
        "dispute",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("site", sa.BigInteger(), nullable=False),
        sa.Column("slot", sa.BigInteger(), nullable=False),
        sa.Column("tier", sa.SmallInteger(), nullable=False),
        sa.Column("export_wh", sa.BigInteger(), nullable=True),
        sa.Column("import_wh", sa.BigInteger(), nullable=True),
        sa.Column("claim", sa.String(length=78), nullable=False),
        sa.Column("opener", sa.String(), nullable=False),
        sa.Column("accused", sa.String(), nullable=False),
        sa.Column("tx", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_index("dispute_of_site", "dispute", ["site", "slot"], unique=False)
    op.create_table(
        "dispute_step",
        sa.Column("at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("dispute", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=6), nullable=False),
        sa.Column("round", sa.SmallInteger(), nullable=True),
        sa.Column("operator", sa.BigInteger(), nullable=True),
        sa.Column("account", sa.String(), nullable=True),
        sa.Column("uphold", sa.Boolean(), nullable=True),
        sa.Column("wei", sa.String(length=78), nullable=False),
        sa.Column("compensation", sa.String(length=78), nullable=False),
        sa.Column("state", sa.SmallInteger(), nullable=True),
        sa.Column("tx", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("at"),
    )
    op.create_index("ix_dispute_step_dispute", "dispute_step", ["dispute"], unique=False)
    op.create_table(
        "movement",
        sa.Column("at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("site", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("grains", sa.BigInteger(), nullable=False),
        sa.Column("party", sa.String(), nullable=True),
        sa.Column("tx", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("at"),
    )
    op.create_index("ix_movement_site", "movement", ["site"], unique=False)
    op.create_table(
        "operator",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "order_change",
        sa.Column("at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("order_at", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.SmallInteger(), nullable=False),
        sa.Column("wh", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("at"),
    )
    op.create_index("ix_order_change_order_at", "order_change", ["order_at"], unique=False)
    op.create_table(
        "orders",
        sa.Column("at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.String(length=25), nullable=False),
        sa.Column("zone", sa.BigInteger(), nullable=False),
        sa.Column("slot", sa.BigInteger(), nullable=False),
        sa.Column("sell", sa.Boolean(), nullable=False),
        sa.Column("price", sa.BigInteger(), nullable=False),
        sa.Column("site", sa.BigInteger(), nullable=False),
        sa.Column("wh", sa.BigInteger(), nullable=False),
        sa.Column("left", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("at"),
    )
    op.create_index("ix_orders_number", "orders", ["number"], unique=False)
    op.create_index("order_of_market", "orders", ["zone", "slot"], unique=False)
    op.create_index("order_of_site", "orders", ["site", "slot"], unique=False)
    op.create_index("order_open", "orders", ["left"], unique=False, sqlite_where=_OPEN, postgresql_where=_OPEN)
    op.create_table(
        "origin",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("exchange", sa.String(), nullable=False),
        sa.Column("genesis", sa.LargeBinary(), nullable=True),
        sa.Column("block", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "payment",
        sa.Column("at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("place", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("site", sa.BigInteger(), nullable=False),
        sa.Column("hour", sa.BigInteger(), nullable=False),
        sa.Column("slots", sa.SmallInteger(), nullable=False),
        sa.Column("credited", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("at", "place"),
    )
    op.create_index("payment_of_site", "payment", ["site", "hour"], unique=False)
    op.create_table(
        "penalty",
        sa.Column("at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("zone", sa.BigInteger(), nullable=False),
        sa.Column("operator", sa.BigInteger(), nullable=True),
        sa.Column("slot", sa.BigInteger(), nullable=True),
        sa.Column("party", sa.String(), nullable=False),
        sa.Column("wei", sa.String(length=78), nullable=False),
        sa.Column("tx", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("at"),
    )
    op.create_index("ix_penalty_zone", "penalty", ["zone"], unique=False)
    op.create_table(
        "report",
        sa.Column("at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("zone", sa.BigInteger(), nullable=False),
        sa.Column("signers", sa.BigInteger(), nullable=False),
        sa.Column("entries_hash", sa.LargeBinary(), nullable=False),
        sa.Column("settled", sa.BigInteger(), nullable=False),
        sa.Column("tx", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("at"),
    )
    op.create_index("ix_report_tx", "report", ["tx"], unique=False)
    op.create_index("report_of_zone", "report", ["zone", "at"], unique=False)
    op.create_table(
        "reserve_flow",
        sa.Column("at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("party", sa.String(), nullable=True),
        sa.Column("net8", sa.String(length=78), nullable=False),
        sa.Column("euros", sa.String(length=78), nullable=False),
        sa.Column("energy", sa.BigInteger(), nullable=False),
        sa.Column("tx", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("at"),
    )
    op.create_table(
        "reserve_price",
        sa.Column("at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("price", sa.String(length=78), nullable=False),
        sa.PrimaryKeyConstraint("at"),
    )
    op.create_table(
        "retirement",
        sa.Column("at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("site", sa.BigInteger(), nullable=False),
        sa.Column("hour", sa.BigInteger(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("wh", sa.BigInteger(), nullable=False),
        sa.Column("beneficiary", sa.String(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("consumer", sa.BigInteger(), nullable=False),
        sa.Column("slot", sa.BigInteger(), nullable=False),
        sa.Column("tx", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("at"),
    )
    op.create_index("ix_retirement_account", "retirement", ["account"], unique=False)
    op.create_index("retirement_of_certificate", "retirement", ["site", "hour"], unique=False)
    op.create_table(
        "reward",
        sa.Column("at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("zone", sa.BigInteger(), nullable=True),
        sa.Column("operator", sa.BigInteger(), nullable=True),
        sa.Column("wei", sa.String(length=78), nullable=False),
        sa.Column("counts", sa.String(length=78), nullable=False),
        sa.Column("tx", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("at"),
    )
    op.create_index("ix_reward_operator", "reward", ["operator"], unique=False)
    op.create_index("ix_reward_zone", "reward", ["zone"], unique=False)
    op.create_table(
        "seat",
        sa.Column("at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("zone", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("operator", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("at"),
    )
    op.create_index("ix_seat_zone", "seat", ["zone"], unique=False)
    op.create_table(
        "settlement",
        sa.Column("at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("zone", sa.BigInteger(), nullable=False),
        sa.Column("last_slot", sa.BigInteger(), nullable=False),
        sa.Column("shortfalls", sa.BigInteger(), nullable=False),
        sa.Column("unused", sa.BigInteger(), nullable=False),
        sa.Column("grid_fees", sa.BigInteger(), nullable=False),
        sa.Column("oracle_fees", sa.BigInteger(), nullable=False),
        sa.Column("tx", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("at"),
    )
    op.create_index("ix_settlement_tx", "settlement", ["tx"], unique=False)
    op.create_table(
        "signer_key",
        sa.Column("at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("operator", sa.BigInteger(), nullable=False),
        sa.Column("signer", sa.String(), nullable=False),
        sa.Column("before_until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("at"),
    )
    op.create_index("ix_signer_key_operator", "signer_key", ["operator"], unique=False)
    op.create_index("ix_signer_key_signer", "signer_key", ["signer"], unique=False)
    op.create_table(
        "site",
        sa.Column("site", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("technology", sa.SmallInteger(), nullable=False),
        sa.Column("nameplate", sa.BigInteger(), nullable=False),
        sa.Column("meter_key", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("site"),
    )
    op.create_index("ix_site_owner", "site", ["owner"], unique=False)
    op.create_table(
        "site_slot",
        sa.Column("site", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("slot", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("outcome", sa.SmallInteger(), nullable=False),
        sa.Column("exported", sa.BigInteger(), nullable=False),
        sa.Column("imported", sa.BigInteger(), nullable=False),
        sa.Column("settled_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("site", "slot"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "stake_change",
        sa.Column("at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("operator", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("wei", sa.String(length=78), nullable=False),
        sa.Column("tx", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("at"),
    )
    op.create_index("ix_stake_change_operator", "stake_change", ["operator"], unique=False)
    op.create_table(
        "terms",
        sa.Column("zone", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hour", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("feed_in", sa.BigInteger(), nullable=False),
        sa.Column("imbalance", sa.BigInteger(), nullable=False),
        sa.Column("grid_fee", sa.BigInteger(), nullable=False),
        sa.Column("oracle_fee", sa.BigInteger(), nullable=False),
        sa.Column("floor", sa.BigInteger(), nullable=False),
        sa.Column("step", sa.BigInteger(), nullable=False),
        sa.Column("gate_lead", sa.BigInteger(), nullable=False),
        sa.Column("min_wh", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("zone", "hour"),
    )
    op.create_index("ix_terms_at", "terms", ["at"], unique=False)
    op.create_table(
        "trade",
        sa.Column("at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("place", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("zone", sa.BigInteger(), nullable=False),
        sa.Column("slot", sa.BigInteger(), nullable=False),
        sa.Column("price", sa.BigInteger(), nullable=False),
        sa.Column("wh", sa.BigInteger(), nullable=False),
        sa.Column("seller", sa.BigInteger(), nullable=False),
        sa.Column("buyer", sa.BigInteger(), nullable=False),
        sa.Column("abroad", sa.BigInteger(), nullable=True),
        sa.Column("order_at", sa.BigInteger(), nullable=True),
        sa.Column("tx", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("at", "place"),
    )
    op.create_index("trade_of_abroad", "trade", ["abroad", "slot"], unique=False)
    op.create_index("trade_of_buyer", "trade", ["buyer", "slot"], unique=False)
    op.create_index("trade_of_market", "trade", ["zone", "slot"], unique=False)
    op.create_index("trade_of_seller", "trade", ["seller", "slot"], unique=False)
    op.create_index("trade_of_zone", "trade", ["zone", "at", "place"], unique=False)
    op.create_table(
        "unbonding",
        sa.Column("at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("operator", sa.BigInteger(), nullable=False),
        sa.Column("ready_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("at"),
    )
    op.create_index("ix_unbonding_operator", "unbonding", ["operator"], unique=False)
    op.create_table(
        "zone_flow",
        sa.Column("at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("zone", sa.BigInteger(), nullable=False),
        sa.Column("account", sa.SmallInteger(), nullable=False),
        sa.Column("grains", sa.BigInteger(), nullable=False),
        sa.Column("party", sa.String(), nullable=False),
        sa.Column("tx", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("at"),
    )
    op.create_index("ix_zone_flow_zone", "zone_flow", ["zone"], unique=False)
    op.create_table(
        "zone_operator",
        sa.Column("at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("zone", sa.BigInteger(), nullable=False),
        sa.Column("operator", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("at"),
    )
    op.create_index("ix_zone_operator_zone", "zone_operator", ["zone"], unique=False)
