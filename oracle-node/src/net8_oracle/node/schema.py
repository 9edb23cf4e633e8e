"""The tables of a node's store, the same in SQLite and PostgreSQL."""

from sqlalchemy import BigInteger, Boolean, Column, Integer, LargeBinary, MetaData, String, Table, UniqueConstraint

__all__ = [
    "ACCOUNT",
    "ATTEMPT",
    "BOUGHT",
    "EVIDENCE",
    "INTENT",
    "METADATA",
    "OWNER",
    "PLEDGE",
    "PROGRESS",
    "READING",
    "RESERVED",
    "SEATS",
    "SETTLEMENT",
    "SITE",
]

METADATA = MetaData()

READING = Table(
    "reading",
    METADATA,
    Column("site", BigInteger, primary_key=True, autoincrement=False),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("taken_at", BigInteger, nullable=False, index=True),
    Column("import_wh", BigInteger, nullable=False),
    Column("export_wh", BigInteger, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    Column("source_ns", BigInteger, nullable=False),
    Column("record", String, nullable=False),
)
# What the chain last told, for a start without it.
SITE = Table(
    "site",
    METADATA,
    Column("site", BigInteger, primary_key=True, autoincrement=False),
    Column("meter_key", LargeBinary, nullable=False),
    Column("nameplate", BigInteger, nullable=False),
    Column("since", BigInteger, nullable=False),
)
SEATS = Table(
    "seats",
    METADATA,
    Column("zone", BigInteger, primary_key=True, autoincrement=False),
    Column("signers", LargeBinary, nullable=False),  # 20 bytes each
)
BOUGHT = Table(
    "bought",
    METADATA,
    Column("zone", BigInteger, primary_key=True, autoincrement=False),
    Column("slot", BigInteger, primary_key=True, autoincrement=False),
    Column("part", Integer, primary_key=True, autoincrement=False),
    Column("wh", String, nullable=False),  # JSON: site index to Wh
)
PLEDGE = Table(
    "pledge",
    METADATA,
    Column("kind", String, primary_key=True),  # observation, proposal or vote
    Column("zone", BigInteger, primary_key=True, autoincrement=False),
    Column("slot", BigInteger, primary_key=True, autoincrement=False),
    Column("part", Integer, primary_key=True, autoincrement=False),
    Column("round", BigInteger, primary_key=True, autoincrement=False),
    Column("digest", LargeBinary, nullable=False),
    Column("content", LargeBinary, nullable=False),
)
# First rounds of a zone's slots up to this one: somebody may have signed there what stands nowhere.
RESERVED = Table(
    "reserved",
    METADATA,
    Column("zone", BigInteger, primary_key=True, autoincrement=False),
    Column("slot", BigInteger, nullable=False),
)
# Proofs of equivocation (`net8_oracle.node.evidence`), never pruned.
EVIDENCE = Table(
    "evidence",
    METADATA,
    Column("id", LargeBinary, primary_key=True),
    Column("kind", String, nullable=False),
    Column("signer", LargeBinary, nullable=False),
    Column("zone", BigInteger, nullable=False),
    Column("slot", BigInteger, nullable=False),
    Column("part", Integer, nullable=False),
    Column("round", BigInteger, nullable=False),
    Column("content", LargeBinary, nullable=False),
)
PROGRESS = Table(
    "progress",
    METADATA,
    Column("zone", BigInteger, primary_key=True, autoincrement=False),
    Column("next_slot", BigInteger, nullable=False),
)
# The verdict of a part of a slot until it is settled for good; block and hash say where the chain has it.
SETTLEMENT = Table(
    "settlement",
    METADATA,
    Column("zone", BigInteger, primary_key=True, autoincrement=False),
    Column("slot", BigInteger, primary_key=True, autoincrement=False),
    Column("part", Integer, primary_key=True, autoincrement=False),
    Column("verdict", LargeBinary),  # none when only the chain told of it
    Column("block", BigInteger, index=True),
    Column("block_hash", String),
)
# One row: which start of the process is the present one. Who is not, may not touch the outbox.
OWNER = Table(
    "owner",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("epoch", BigInteger, nullable=False),
)
ACCOUNT = Table(
    "account",
    METADATA,
    Column("sender", LargeBinary, primary_key=True),
    Column("next_nonce", BigInteger, nullable=False),
)
# What is to be done on chain, each under the nonce it has now.
INTENT = Table(
    "intent",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("sender", LargeBinary, nullable=False),
    Column("nonce", BigInteger, nullable=False),  # of the latest attempt
    Column("zone", BigInteger, nullable=False),
    Column("slot", BigInteger, nullable=False),
    Column("part", Integer, nullable=False),
    Column("target", String, nullable=False),
    Column("data", LargeBinary, nullable=False),
    Column("gas", BigInteger, nullable=False),
    Column("state", String, nullable=False, index=True),  # pending, mined, reverted or cancelled
    Column("epoch", BigInteger, nullable=False),  # which start of the process works on it
    Column("block", BigInteger, index=True),
    Column("block_hash", String),
    UniqueConstraint("sender", "nonce"),
)
# Everything that was ever signed for an intent, in order; any of them may be mined.
ATTEMPT = Table(
    "attempt",
    METADATA,
    Column("intent", Integer, primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("nonce", BigInteger, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("raw", LargeBinary, nullable=False),
    Column("max_fee", BigInteger, nullable=False),  # wei per gas
    Column("tip", BigInteger, nullable=False),
    Column("does_nothing", Boolean, nullable=False),  # closes the nonce in place of the intent
)
