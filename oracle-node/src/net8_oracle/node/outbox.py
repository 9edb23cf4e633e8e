"""The outbox: what this node sends to the chain, with every transaction that it ever signed for it.

A nonce, what it is for and the signed bytes are stored in one transaction of the database before anything is sent;
each replacement likewise. Where the last answer of a database server was lost, something may be stored that nobody was
told of: the outbox is in doubt then, and what is pending has to be looked through. One start of the process works on
the outbox at a time: it takes a new epoch and claims what it goes on with, and whoever is still at work under an older
epoch is refused from then on.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, func, insert, select, update

from net8_oracle.clock import Block
from net8_oracle.node.database import Database, StoreUnavailable
from net8_oracle.node.envelopes import Key
from net8_oracle.node.schema import ACCOUNT, ATTEMPT, INTENT, OWNER

__all__ = ["Attempt", "Fenced", "Intent", "Outbox", "Signing"]


class Fenced(RuntimeError):
    """Another process has taken this store over; this one must stop."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One signed transaction."""

    nonce: int
    hash: bytes
    raw: bytes
    max_fee: int  # wei per gas
    tip: int
    does_nothing: bool = False  # only closes the nonce


@dataclass(frozen=True, slots=True)
class Intent:
    """What is to be done on chain."""

    id: int
    key: Key
    target: str
    data: bytes
    gas: int
    attempts: tuple[Attempt, ...]

    @property
    def latest(self) -> Attempt:
        """The attempt that counts now; earlier ones may still be mined in its place."""
        return self.attempts[-1]


Signing = Callable[[int], Attempt]  # makes the attempt for a nonce


class Outbox:
    """The outbox of one transmitter account."""

    def __init__(self, database: Database, sender: bytes) -> None:
        self._database = database
        self._sender = sender
        self._epoch = 0
        self.in_doubt = False  # whether something may be pending that nobody was told of

    # --- who works on it ---------------------------------------------------------------------------------------

    def take_over(self) -> None:
        """Be the one that works on the store; all that were before are refused from now on."""
        with self._database.transaction() as connection:
            last = connection.execute(select(OWNER.c.epoch).where(OWNER.c.id == 1).with_for_update()).scalar()
            self._epoch = (last or 0) + 1
            if last is None:
                connection.execute(insert(OWNER), {"id": 1, "epoch": self._epoch})
            else:
                connection.execute(update(OWNER).where(OWNER.c.id == 1).values(epoch=self._epoch))

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        """One transaction of the process that works on the outbox.

        Raises:
            Fenced: another process has taken over.
            StoreUnavailable: nothing was stored, or only the answer was lost.
        """
        try:
            with self._database.transaction() as connection:
                self._check_owner(connection)
                yield connection
        except StoreUnavailable:
            self.in_doubt = True
            raise

    def _check_owner(self, connection: Connection) -> None:
        owner = connection.execute(select(OWNER.c.epoch).where(OWNER.c.id == 1).with_for_update()).scalar()
        if owner != self._epoch:
            raise Fenced("another process works on this store now; stop one of the two, each needs a store of its own")

    def claim(self, id_: int) -> Intent | None:
        """Take a pending intent from an earlier start of the process; None when it was claimed since or is done."""
        with self._writing() as connection:
            claimed = connection.execute(
                update(INTENT)
                .where(INTENT.c.id == id_, INTENT.c.state == "pending", INTENT.c.epoch < self._epoch)
                .values(epoch=self._epoch)
            ).rowcount
            return self._read(connection, select(INTENT).where(INTENT.c.id == id_))[0] if claimed else None

    # --- reading -----------------------------------------------------------------------------------------------

    def _mine(self) -> Select[Any]:
        return select(INTENT).where(INTENT.c.sender == self._sender)

    def _read(self, connection: Connection, query: Select[Any]) -> list[Intent]:
        rows = connection.execute(query.order_by(INTENT.c.nonce)).all()
        tried = select(ATTEMPT).where(ATTEMPT.c.intent.in_([row.id for row in rows])).order_by(ATTEMPT.c.number)
        attempts: dict[int, list[Attempt]] = {row.id: [] for row in rows}
        for one in connection.execute(tried).all() if rows else ():
            attempts[one.intent].append(Attempt(one.nonce, one.hash, one.raw, one.max_fee, one.tip, one.does_nothing))
        return [self._intent(row, attempts[row.id]) for row in rows]

    def _intent(self, row: Row[Any], attempts: Sequence[Attempt]) -> Intent:
        return Intent(row.id, Key(row.zone, row.slot, row.part), row.target, row.data, row.gas, tuple(attempts))

    def pending(self) -> list[Intent]:
        """Intents whose end is not known, by nonce."""
        with self._database.transaction() as connection:
            return self._read(connection, self._mine().where(INTENT.c.state == "pending"))

    def has_nonce(self) -> bool:
        """Whether the next nonce is known; the chain tells it to a new store."""
        with self._database.transaction() as connection:
            known = select(ACCOUNT.c.next_nonce).where(ACCOUNT.c.sender == self._sender)
            return connection.execute(known).first() is not None

    # --- writing -----------------------------------------------------------------------------------------------

    def _take_nonce(self, connection: Connection, at_least: int) -> int:
        account = select(ACCOUNT.c.next_nonce).where(ACCOUNT.c.sender == self._sender).with_for_update()
        known = connection.execute(account).scalar()
        nonce = max(known or 0, at_least)
        if known is None:
            connection.execute(insert(ACCOUNT), {"sender": self._sender, "next_nonce": nonce + 1})
        else:
            connection.execute(update(ACCOUNT).where(ACCOUNT.c.sender == self._sender).values(next_nonce=nonce + 1))
        return nonce

    def _tried(self, connection: Connection, intent: Intent) -> int:
        """Attempts that are stored, perhaps more than the process knows."""
        stored = select(func.count()).where(ATTEMPT.c.intent == intent.id)
        return int(connection.execute(stored).scalar_one())

    def _add(self, connection: Connection, intent: int, number: int, attempt: Attempt) -> None:
        connection.execute(
            insert(ATTEMPT),
            {
                "intent": intent,
                "number": number,
                "nonce": attempt.nonce,
                "hash": attempt.hash,
                "raw": attempt.raw,
                "max_fee": attempt.max_fee,
                "tip": attempt.tip,
                "does_nothing": attempt.does_nothing,
            },
        )

    def reserve(self, key: Key, target: str, data: bytes, gas: int, sign: Signing, first_nonce: int) -> Intent:
        """Store the next nonce, what it is for and the signed bytes, in one transaction, before the broadcast.

        Args:
            first_nonce: where the account stands on chain; counts only for a store that knows no nonce yet.

        Raises:
            Fenced: another process has taken over.
            StoreUnavailable: nothing was stored, or only the answer was lost; nothing may be sent.
        """
        with self._writing() as connection:
            attempt = sign(self._take_nonce(connection, first_nonce))
            id_ = connection.execute(
                insert(INTENT),
                {
                    "sender": self._sender,
                    "nonce": attempt.nonce,
                    **key._asdict(),
                    "target": target,
                    "data": data,
                    "gas": gas,
                    "state": "pending",
                    "epoch": self._epoch,
                },
            ).inserted_primary_key
            assert id_ is not None, "both databases number the intents"
            self._add(connection, id_[0], 0, attempt)
        return Intent(id_[0], key, target, data, gas, (attempt,))

    def replace(self, intent: Intent, attempt: Attempt) -> Intent:
        """Store a further attempt under the same nonce, before it is sent."""
        with self._writing() as connection:
            self._add(connection, intent.id, self._tried(connection, intent), attempt)
        return replace(intent, attempts=(*intent.attempts, attempt))

    def renumber(self, intent: Intent, sign: Signing, at_least: int) -> Intent:
        """Store an attempt under a new nonce, the old one being another transaction's."""
        with self._writing() as connection:
            attempt = sign(self._take_nonce(connection, at_least))
            connection.execute(update(INTENT).where(INTENT.c.id == intent.id).values(nonce=attempt.nonce))
            self._add(connection, intent.id, self._tried(connection, intent), attempt)
        return replace(intent, attempts=(*intent.attempts, attempt))

    def close_gap(self, first: int, sign: Callable[[Intent, int], Attempt]) -> dict[int, Intent]:
        """Number all pending intents anew from nonce `first`, where the chain waits; they by id."""
        moved: dict[int, Intent] = {}
        with self._writing() as connection:
            pending = self._read(connection, self._mine().where(INTENT.c.state == "pending"))
            for nonce, intent in enumerate(pending, first):
                attempt = sign(intent, nonce)
                connection.execute(update(INTENT).where(INTENT.c.id == intent.id).values(nonce=nonce))
                self._add(connection, intent.id, len(intent.attempts), attempt)
                moved[intent.id] = replace(intent, attempts=(*intent.attempts, attempt))
            connection.execute(
                update(ACCOUNT).where(ACCOUNT.c.sender == self._sender).values(next_nonce=first + len(pending))
            )
        return moved

    def close(self, intent: Intent, state: str, block: Block) -> None:
        """The end of a pending intent, in a block: `mined`, `reverted` or `cancelled`. It may vanish again."""
        with self._writing() as connection:
            connection.execute(
                update(INTENT)
                .where(INTENT.c.id == intent.id, INTENT.c.state == "pending")
                .values(state=state, block=block.number, block_hash=block.hash)
            )

    def reopen(self, block: Block) -> list[Intent]:
        """A block has vanished: what ended in it is pending again. By nonce."""
        with self._writing() as connection:
            gone = self._mine().where(INTENT.c.block == block.number, INTENT.c.block_hash == block.hash)
            intents = self._read(connection, gone)
            connection.execute(
                update(INTENT)
                .where(INTENT.c.id.in_([intent.id for intent in intents]))
                .values(state="pending", block=None, block_hash=None)
            )
        return intents

    def ended_in(self) -> set[Block]:
        """Blocks in which something ended that is not final."""
        with self._database.transaction() as connection:
            rows = connection.execute(
                select(INTENT.c.block, INTENT.c.block_hash).where(
                    INTENT.c.sender == self._sender, INTENT.c.block.is_not(None)
                )
            ).all()
        return {Block(row.block, row.block_hash) for row in rows}

    def finalize(self, block: int) -> None:
        """What ended in the block of this number or an earlier one, is final and dropped."""
        with self._database.transaction() as connection:
            old = select(INTENT.c.id).where(INTENT.c.sender == self._sender, INTENT.c.block <= block)
            connection.execute(delete(ATTEMPT).where(ATTEMPT.c.intent.in_(old)))
            connection.execute(delete(INTENT).where(INTENT.c.sender == self._sender, INTENT.c.block <= block))
