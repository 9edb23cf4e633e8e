"""What a node has signed, so that it never signs anything else in its place.

What is signed in a round is stored before. Only the first round does not wait for the disk: the process reserves it
ahead, for slots to come, and whatever starts after it keeps out of what it had. So what was signed there has to be
known no longer than the process lives.
"""

from dataclasses import dataclass

from sqlalchemy import Connection, delete, func, select, update

from net8_oracle.node.database import Database, StoreUnavailable
from net8_oracle.node.envelopes import Key
from net8_oracle.node.schema import PLEDGE, RESERVED

__all__ = ["Pledge", "Pledges"]

_NO_SLOT = -1
_KEPT = 64  # slots before the latest signed one in whose first rounds more may be signed: far more than are under way


@dataclass(frozen=True, slots=True)
class Pledge:
    """What a node has signed for one kind of envelope in one round, and will never sign differently."""

    digest: bytes
    content: bytes  # what the digest was made of


class Pledges:
    """Pledges of one start of the process. Methods raise `StoreUnavailable` when the database cannot be used."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._first: dict[tuple[str, Key], Pledge] = {}  # of first rounds
        self._ours: dict[int, range] = {}  # zone -> slots in whose first round only this start may sign
        self._used: dict[int, int] = {}  # zone -> the last of them in which it has
        self._ended = False
        # Compiled once: a round waits for what is pledged, and SQLAlchemy for its statement half as long again.
        add = self._database.insert(PLEDGE).on_conflict_do_nothing()
        self._add = str(add.compile(dialect=self._database.dialect))

    # --- first rounds ------------------------------------------------------------------------------------------

    def reserve(self, zone: int, slot: int) -> None:
        """Reserve the first round of a zone's slots up to this one, but of those that somebody has reserved before."""
        ours = self._ours.get(zone, range(0))
        if slot < ours.stop:
            return
        if self._ended:
            raise StoreUnavailable("nothing is signed any more, the process ends; start it again")
        with self._database.transaction() as connection:
            taken = self._taken(connection, zone)
            if taken < slot:
                connection.execute(update(RESERVED).where(RESERVED.c.zone == zone).values(slot=slot))
        begin = ours.start if ours and ours.stop == taken + 1 else taken + 1
        self._ours[zone] = range(begin, slot + 1)

    def _taken(self, connection: Connection, zone: int) -> int:
        """The last slot that is reserved, held until the transaction ends: two processes may have one database."""
        connection.execute(self._database.insert(RESERVED).values(zone=zone, slot=_NO_SLOT).on_conflict_do_nothing())
        held = select(RESERVED.c.slot).where(RESERVED.c.zone == zone).with_for_update()
        reserved = int(connection.execute(held).scalar_one())
        # Versions that know of no reservations store first rounds like the others.
        signed = select(func.max(PLEDGE.c.slot)).where(PLEDGE.c.zone == zone, PLEDGE.c.round == 0)
        return max(reserved, int(connection.execute(signed).scalar() or _NO_SLOT))

    def _pledge_first(self, kind: str, key: Key, pledge: Pledge) -> Pledge | None:
        if (held := self._first.get((kind, key))) is not None:
            return held
        self.reserve(key.zone, key.slot)
        if key.slot not in self._ours[key.zone]:
            return None
        self._first[kind, key] = pledge
        if key.slot > self._used.get(key.zone, _NO_SLOT):
            self._used[key.zone] = key.slot
            self._forget(key.zone, key.slot - _KEPT)
        return pledge

    def _forget(self, zone: int, before: int) -> None:
        """Give up the first rounds of earlier slots, and with them what was signed there."""
        ours = self._ours[zone]
        self._ours[zone] = range(max(ours.start, before), ours.stop)
        for kind, key in [one for one in self._first if one[1].zone == zone and one[1].slot < before]:
            del self._first[kind, key]

    def give_back(self) -> None:
        """The process ends in good order: what it reserved and has not used is the next one's. It signs no more."""
        self._ended, ours, self._ours = True, self._ours, {}
        for zone, slots in ours.items():
            used = max(self._used.get(zone, _NO_SLOT), slots.start - 1)
            with self._database.transaction() as connection:
                last = RESERVED.c.zone == zone, RESERVED.c.slot == slots.stop - 1
                connection.execute(update(RESERVED).where(*last).values(slot=used))

    # --- all rounds --------------------------------------------------------------------------------------------

    def pledge(self, kind: str, key: Key, round_: int, pledge: Pledge) -> Pledge | None:
        """Note what is about to be signed, unless something was signed there before.

        Returns:
            What holds; None where an earlier start may have signed what nobody knows, and nothing may be signed now.
        """
        if round_ == 0:
            return self._pledge_first(kind, key, pledge)
        with self._database.transaction() as connection:
            row = kind, *key, round_, pledge.digest, pledge.content  # in the order of the columns
            added = connection.exec_driver_sql(self._add, row).rowcount
            return pledge if added else self._stored(connection, kind, key, round_) or pledge

    def pledged(self, kind: str, key: Key, round_: int) -> Pledge | None:
        """What was signed there before, as far as this start can know."""
        if (held := self._first.get((kind, key))) is not None and round_ == 0:
            return held
        with self._database.transaction() as connection:
            return self._stored(connection, kind, key, round_)

    def _stored(self, connection: Connection, kind: str, key: Key, round_: int) -> Pledge | None:
        row = connection.execute(
            select(PLEDGE.c.digest, PLEDGE.c.content).where(
                PLEDGE.c.kind == kind,
                PLEDGE.c.zone == key.zone,
                PLEDGE.c.slot == key.slot,
                PLEDGE.c.part == key.part,
                PLEDGE.c.round == round_,
            )
        ).first()
        return Pledge(row.digest, row.content) if row else None

    def begins_in(self, key: Key) -> int:
        """The round in which to take a part up: the last in which something was signed, or the first that is free."""
        here = PLEDGE.c.zone == key.zone, PLEDGE.c.slot == key.slot, PLEDGE.c.part == key.part
        with self._database.transaction() as connection:
            last = connection.execute(select(func.max(PLEDGE.c.round)).where(*here)).scalar()
            free = key.slot in self._ours.get(key.zone, ()) or key.slot > self._taken(connection, key.zone)
        return max(int(last or 0), 0 if free else 1)

    def prune(self, connection: Connection, slot_before: int) -> None:
        """Drop those of earlier slots, which no report can need any more."""
        connection.execute(delete(PLEDGE).where(PLEDGE.c.slot < slot_before))
