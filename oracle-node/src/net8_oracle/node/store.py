"""What a node must not forget: readings, pledges (what it signed), settlements (what a quorum signed), how far it got.

`Store` is the port; `SqlStore` keeps everything in a database (`net8_oracle.node.database`), beside the outbox.
"""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from net8.logs import fields
from sqlalchemy import ColumnElement, delete, func, select, tuple_, update

from net8_oracle.clock import Block
from net8_oracle.node.database import Database, StoreUnavailable
from net8_oracle.node.envelopes import Key, Verdict
from net8_oracle.node.evidence import Evidence
from net8_oracle.node.memory import ChainMemory
from net8_oracle.node.outbox import Outbox
from net8_oracle.node.pledges import Pledges
from net8_oracle.node.schema import EVIDENCE, PROGRESS, READING, SETTLEMENT
from net8_oracle.reading import Reading, SignedReading

__all__ = ["SqlStore", "Store", "StoreUnavailable"]

log = logging.getLogger(__name__)


class Store(Protocol):
    """Durable memory of a node. What a method has written is on disk when it returns; `pledges` say for themselves."""

    def add_readings(self, readings: Sequence[SignedReading]) -> None:
        """Store accepted readings, all or none; those already there stay as they are."""

    def readings_since(self, taken_at: int) -> list[SignedReading]:
        """Readings from `taken_at` (unix seconds) on, in order of site and sequence, and each site's latest."""

    @property
    def pledges(self) -> Pledges:
        """What was signed."""

    def add_evidence(self, evidence: Evidence) -> None:
        """Keep a proof of equivocation; it is never pruned."""

    def evidence(self) -> list[Evidence]:
        """All proofs, by slot."""

    def next_slot(self, zone: int) -> int | None:
        """The earliest slot of a zone that is not finished; None on a new node."""

    def set_next_slot(self, zone: int, slot: int) -> None:
        """All slots of the zone before `slot` are finished."""

    def keep_verdict(self, verdict: Verdict) -> None:
        """What a quorum has signed, until it is settled for good. A later round's takes the place of an earlier."""

    def settled(self, key: Key, block: Block, verdict: Verdict | None) -> None:
        """The chain has it as of this block, which may vanish again; then the verdict is needed."""

    def verdict(self, key: Key) -> Verdict | None:
        """The verdict that is kept."""

    def unsettled(self) -> list[Verdict]:
        """Verdicts that the chain does not have, by zone, slot and part."""

    def settled_in(self) -> set[Block]:
        """Blocks as of which something is settled that is not final."""

    def settled_as_of(self, block: Block) -> list[Key]:
        """What is settled as of a block. By zone, slot and part."""

    def unsettle(self, block: Block) -> None:
        """A block has vanished: what was settled as of it, is not."""

    def finalize(self, block: int) -> None:
        """What is settled as of this number or an earlier one, is for good."""

    def prune(self, taken_before: int, slot_before: int) -> None:
        """Drop readings and pledges that no report can need any more."""

    def close(self) -> None:
        """Close the store."""


def _row(signed: SignedReading) -> dict[str, Any]:
    r = signed.reading
    return {
        "site": r.site,
        "sequence": r.sequence,
        "taken_at": r.taken_at,
        "import_wh": r.import_wh,
        "export_wh": r.export_wh,
        "epoch": r.epoch,
        "signature": signed.signature,
        "source_ns": signed.source_ns,
        "record": signed.record,
    }


def _as_of(block: Block) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return SETTLEMENT.c.block == block.number, SETTLEMENT.c.block_hash == block.hash


class SqlStore:
    """The store in a database."""

    def __init__(self, where: Path | str, password: str | None = None) -> None:
        """Open or create it: a file, or PostgreSQL by URL.

        Raises:
            ConfigRefused: it cannot be opened or is no database.
        """
        self._database = Database(where, password)
        self.pledges = Pledges(self._database)

    def outbox(self, sender: bytes) -> Outbox:
        """The outbox of a transmitter account."""
        return Outbox(self._database, sender)

    def chain_memory(self) -> ChainMemory:
        """What the node remembers of the chain."""
        return ChainMemory(self._database)

    def close(self) -> None:
        """Close the database."""
        try:
            self.pledges.give_back()
        except StoreUnavailable as fault:  # the next start passes over the first round of a slot
            log.warning("reservation not given back", extra=fields(reason=str(fault)))
        self._database.close()

    # --- readings ----------------------------------------------------------------------------------------------

    def add_readings(self, readings: Sequence[SignedReading]) -> None:
        """Store accepted readings, all or none."""
        if readings:
            with self._database.transaction() as connection:
                connection.execute(
                    self._database.insert(READING).on_conflict_do_nothing(), [_row(signed) for signed in readings]
                )

    def readings_since(self, taken_at: int) -> list[SignedReading]:
        """Readings from `taken_at` on, and each site's latest."""
        latest = select(READING.c.site, func.max(READING.c.sequence)).group_by(READING.c.site)
        with self._database.transaction() as connection:
            rows = connection.execute(
                select(READING)
                .where((READING.c.taken_at >= taken_at) | tuple_(READING.c.site, READING.c.sequence).in_(latest))
                .order_by(READING.c.site, READING.c.sequence)
            ).all()
        return [
            SignedReading(
                Reading(row.site, row.taken_at, row.import_wh, row.export_wh, row.epoch, row.sequence),
                row.signature,
                row.source_ns,
                row.record,
            )
            for row in rows
        ]

    # --- evidence ----------------------------------------------------------------------------------------------

    def add_evidence(self, evidence: Evidence) -> None:
        """Keep a proof of equivocation; it is never pruned."""
        with self._database.transaction() as connection:
            connection.execute(
                self._database.insert(EVIDENCE).on_conflict_do_nothing(),
                {
                    "id": evidence.id,
                    "kind": evidence.kind,
                    "signer": evidence.signer,
                    **evidence.key._asdict(),
                    "round": evidence.round,
                    "content": evidence.content,
                },
            )

    def evidence(self) -> list[Evidence]:
        """All proofs, by slot."""
        with self._database.transaction() as connection:
            rows = connection.execute(select(EVIDENCE).order_by(EVIDENCE.c.slot, EVIDENCE.c.id)).all()
        return [Evidence(r.kind, r.signer, Key(r.zone, r.slot, r.part), r.round, r.content) for r in rows]

    # --- progress ----------------------------------------------------------------------------------------------

    def next_slot(self, zone: int) -> int | None:
        """The earliest slot of a zone that is not finished."""
        with self._database.transaction() as connection:
            return connection.execute(select(PROGRESS.c.next_slot).where(PROGRESS.c.zone == zone)).scalar()

    def set_next_slot(self, zone: int, slot: int) -> None:
        """All slots of the zone before `slot` are finished."""
        with self._database.transaction() as connection:
            statement = self._database.insert(PROGRESS).values(zone=zone, next_slot=slot)
            connection.execute(
                statement.on_conflict_do_update(
                    index_elements=["zone"], set_={"next_slot": statement.excluded.next_slot}
                )
            )

    # --- settlements -------------------------------------------------------------------------------------------

    def _upsert(self, key: Key, **values: object) -> None:
        with self._database.transaction() as connection:
            statement = self._database.insert(SETTLEMENT).values(**key._asdict(), **values)
            connection.execute(statement.on_conflict_do_update(index_elements=["zone", "slot", "part"], set_=values))

    def keep_verdict(self, verdict: Verdict) -> None:
        """What a quorum has signed, until it is settled for good."""
        self._upsert(verdict.key, verdict=verdict.model_dump_json().encode())

    def settled(self, key: Key, block: Block, verdict: Verdict | None) -> None:
        """The chain has it as of this block; a verdict that is kept stays."""
        kept = {} if verdict is None else {"verdict": verdict.model_dump_json().encode()}
        self._upsert(key, block=block.number, block_hash=block.hash, **kept)

    def verdict(self, key: Key) -> Verdict | None:
        """The verdict that is kept."""
        with self._database.transaction() as connection:
            kept = connection.execute(
                select(SETTLEMENT.c.verdict).where(
                    SETTLEMENT.c.zone == key.zone, SETTLEMENT.c.slot == key.slot, SETTLEMENT.c.part == key.part
                )
            ).scalar()
        return None if kept is None else Verdict.model_validate_json(kept)

    def unsettled(self) -> list[Verdict]:
        """Verdicts that the chain does not have."""
        with self._database.transaction() as connection:
            kept = connection.execute(
                select(SETTLEMENT.c.verdict)
                .where(SETTLEMENT.c.block.is_(None), SETTLEMENT.c.verdict.is_not(None))
                .order_by(SETTLEMENT.c.zone, SETTLEMENT.c.slot, SETTLEMENT.c.part)
            ).scalars()
            return [Verdict.model_validate_json(one) for one in kept]

    def settled_in(self) -> set[Block]:
        """Blocks as of which something is settled that is not final."""
        with self._database.transaction() as connection:
            rows = connection.execute(
                select(SETTLEMENT.c.block, SETTLEMENT.c.block_hash).where(SETTLEMENT.c.block.is_not(None))
            ).all()
        return {Block(row.block, row.block_hash) for row in rows}

    def settled_as_of(self, block: Block) -> list[Key]:
        """What is settled as of a block."""
        columns = SETTLEMENT.c.zone, SETTLEMENT.c.slot, SETTLEMENT.c.part
        with self._database.transaction() as connection:
            rows = connection.execute(select(*columns).where(*_as_of(block)).order_by(*columns)).all()
        return [Key(*row) for row in rows]

    def unsettle(self, block: Block) -> None:
        """A block has vanished: what was settled as of it, is not."""
        with self._database.transaction() as connection:
            connection.execute(update(SETTLEMENT).where(*_as_of(block)).values(block=None, block_hash=None))

    def finalize(self, block: int) -> None:
        """What is settled as of this number or an earlier one, is for good."""
        with self._database.transaction() as connection:
            connection.execute(delete(SETTLEMENT).where(SETTLEMENT.c.block <= block))

    # --- retention ---------------------------------------------------------------------------------------------

    def prune(self, taken_before: int, slot_before: int) -> None:
        """Drop readings, pledges and verdicts that no report can need any more, but each site's latest reading."""
        later = READING.alias()
        has_later = select(later.c.site).where(later.c.site == READING.c.site, later.c.sequence > READING.c.sequence)
        with self._database.transaction() as connection:
            connection.execute(delete(READING).where(READING.c.taken_at < taken_before, has_later.exists()))
            self.pledges.prune(connection, slot_before)
            connection.execute(delete(SETTLEMENT).where(SETTLEMENT.c.slot < slot_before))
