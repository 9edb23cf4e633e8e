"""The one writer: events of blocks in, blocks of a reorganisation out, each in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass

from net8.events import Event, Logged
from net8.model import Terms as HourTerms
from sqlalchemy import Connection, Engine, delete, func, insert, select, update
from sqlalchemy.sql import bindparam

from net8_indexer.bulk import insert_rows
from net8_indexer.database import DatabaseRefused, TwoWriters, writing
from net8_indexer.open_positions import OpenPositions, reopen
from net8_indexer.rows import TERMS_COLUMNS, Batch, Resting, add
from net8_indexer.schema import Base, Block, Order, OrderChange, Origin, Payment, SiteSlot, Terms, at_of, table_of

__all__ = ["AlreadyWritten", "SeenBlock", "Writer"]


class AlreadyWritten(Exception):
    """The last write is in the database after all, only its answer was lost; the writer stands where that left it."""


@dataclass(frozen=True, slots=True)
class SeenBlock:
    """A block as the chain gave it."""

    number: int
    hash: bytes
    time: int  # unix seconds


class Writer:
    """Writes one deployment's history. One process may do so at a time."""

    def __init__(self, engine: Engine, chain_id: int, exchange: str, first_block: int) -> None:
        """Begins, or goes on where an earlier writer stopped.

        Args:
            engine: of a database that is up to date.
            chain_id: of the deployment.
            exchange: address of its EnergyExchange.
            first_block: the first that may hold any of its events.

        Raises:
            DatabaseRefused: the database is of another deployment.
        """
        self._engine = engine
        self._first = first_block
        self._resting: dict[int, Resting] = {}
        self._terms: dict[tuple[int, int], HourTerms] = {}
        self._open = OpenPositions()
        self._is_loaded = False  # whether the three say what the database does
        self._unanswered: int | None = None  # the block that a write was to lead to, of which no answer came
        with writing(engine) as connection:
            origin = connection.execute(select(table_of(Origin))).one_or_none()
            if origin is None:
                row = {"id": 1, "chain_id": chain_id, "exchange": exchange, "genesis": None, "block": first_block - 1}
                connection.execute(insert(Origin), [row])
                self.block = first_block - 1
            elif (origin.chain_id, origin.exchange) != (chain_id, exchange):
                raise DatabaseRefused(
                    f"the database is of the exchange {origin.exchange} on chain {origin.chain_id}; "
                    "give this deployment one of its own"
                )
            else:
                self.block = origin.block

    def same_chain(self, genesis: bytes) -> None:
        """Check that a chain is the one that was followed so far, by the hash of its block 0.

        Raises:
            DatabaseRefused: it is another; nothing was changed.
        """
        with writing(self._engine) as connection:
            known = connection.execute(select(Origin.genesis)).scalar_one()
            if known is None:
                connection.execute(update(Origin).values(genesis=genesis))
            elif known != genesis:
                raise DatabaseRefused(
                    f"the chain begins with block 0x{genesis.hex()}, the database is of one that began with "
                    f"0x{known.hex()}; name a node of that chain, or give this one a new database"
                )

    def _load(self, connection: Connection) -> None:
        """What is kept in memory, as the database has it."""
        if self._is_loaded:
            return
        open_ = select(Order.at, Order.number, Order.left, Order.price).where(Order.left > 0)
        self._resting = {int(row.number): Resting(row.at, row.left, row.price) for row in connection.execute(open_)}
        self._terms = {}
        self._open.load(connection)
        self._is_loaded = True

    def _terms_of(self, connection: Connection, zone: int, hour: int) -> HourTerms:
        if (zone, hour) not in self._terms:
            columns = (getattr(Terms, name) for name in TERMS_COLUMNS)
            wanted = select(*columns).where(Terms.zone == zone, Terms.hour == hour)
            self._terms[zone, hour] = HourTerms(**connection.execute(wanted).one()._mapping)
        return self._terms[zone, hour]

    def _advance(self, connection: Connection, block: int) -> None:
        """Note how far the chain is taken in.

        Raises:
            AlreadyWritten: we had done more than we were told.
            TwoWriters: another process has done so since we did.
        """
        moved = connection.execute(update(Origin).where(Origin.block == self.block).values(block=block))
        if moved.rowcount != 1:
            if connection.execute(select(Origin.block)).scalar_one() == self._unanswered:
                self.block, self._unanswered = self._unanswered, None
                raise AlreadyWritten
            raise TwoWriters("another indexer writes to this database; stop one of the two")
        self._unanswered = block

    # --- forward ----------------------------------------------------------------------------------------------------

    def take_in(self, events: Sequence[Logged[Event]], blocks: Sequence[SeenBlock]) -> None:
        """Write the events of the blocks after the last one taken in.

        Args:
            events: in the order of the chain.
            blocks: those that the events are in, and the last one that was asked for, ascending.

        Raises:
            AlreadyWritten: see there; nothing was written.
            TwoWriters: another process writes as well; nothing was written.
        """
        times = {block.number: block.time for block in blocks}
        try:
            with writing(self._engine) as connection:
                self._advance(connection, blocks[-1].number)
                self._load(connection)
                batch = Batch(self._resting, lambda zone, hour: self._terms_of(connection, zone, hour))
                for event in events:
                    add(batch, event, times[event.block])
                for table, rows in batch.rows.items():
                    insert_rows(connection, table_of(table), rows)
                _update_orders(connection, batch.left)
                self._open.take_in(connection, batch)
                headers = [{"number": one.number, "hash": one.hash, "time": one.time} for one in blocks]
                insert_rows(connection, table_of(Block), headers)
        except BaseException:
            self._is_loaded = False  # what was changed in memory was not written
            raise
        self._answered(blocks[-1].number)

    # --- back -------------------------------------------------------------------------------------------------------

    def known_before(self, number: int) -> SeenBlock | None:
        """The latest known block below `number`."""
        latest = select(Block.number, Block.hash, Block.time).where(Block.number < number)
        with self._engine.connect() as connection:
            row = connection.execute(latest.order_by(Block.number.desc()).limit(1)).one_or_none()
        return SeenBlock(*row) if row else None

    def roll_back(self, block: int) -> None:
        """Forget all blocks after `block`, as if they had never been taken in.

        Raises:
            AlreadyWritten: see there; nothing was changed.
            TwoWriters: another process writes as well; nothing was changed.
        """
        cut = at_of(block + 1, 0)
        self._is_loaded = False
        with writing(self._engine) as connection:
            self._advance(connection, block)
            _restore_orders(connection, cut)
            _forget_slots(connection, cut)
            for mapper in Base.registry.mappers:
                table = table_of(mapper.class_)
                if "at" in table.c:
                    connection.execute(delete(table).where(table.c.at >= cut))
            connection.execute(delete(Block).where(Block.number > block))
        self._answered(block)

    def _answered(self, block: int) -> None:
        self.block, self._unanswered = block, None

    @property
    def first_block(self) -> int:
        """The first block that may hold an event of the deployment."""
        return self._first


def _update_orders(connection: Connection, left: dict[int, int]) -> None:
    if left:
        table = table_of(Order)
        statement = update(table).where(table.c.at == bindparam("order_at")).values(left=bindparam("now_left"))
        connection.execute(statement, [{"order_at": at, "now_left": now} for at, now in left.items()])


def _restore_orders(connection: Connection, cut: int) -> None:
    """Give orders back what changes after the cut took from them."""
    table = table_of(Order)
    taken = (
        select(OrderChange.order_at, func.sum(OrderChange.wh).label("wh"))
        .where(OrderChange.at >= cut, OrderChange.order_at < cut)
        .group_by(OrderChange.order_at)
    )
    rows = [{"of_order": row.order_at, "back": int(row.wh)} for row in connection.execute(taken)]
    if rows:
        restore = update(table).where(table.c.at == bindparam("of_order"))
        connection.execute(restore.values(left=table.c.left + bindparam("back")), rows)


def _forget_slots(connection: Connection, cut: int) -> None:
    """Slots lie by site, not by place in the chain: payments tell which were settled after the cut."""
    gone = [
        {"gone_site": row.site, "gone_slot": 4 * row.hour + i}
        for row in connection.execute(select(Payment.site, Payment.hour, Payment.slots).where(Payment.at >= cut))
        for i in range(4)
        if row.slots >> i & 1
    ]
    if gone:
        table = table_of(SiteSlot)
        where = (table.c.site == bindparam("gone_site"), table.c.slot == bindparam("gone_slot"))
        connection.execute(delete(table).where(*where), gone)
    for row in gone:
        reopen(connection, row["gone_site"], row["gone_slot"], cut)
