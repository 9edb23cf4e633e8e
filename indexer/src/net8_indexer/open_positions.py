"""Which positions are open: kept as blocks come and go, so that nobody has to look for them in a year of trades."""

from sqlalchemy import Connection, delete, func, insert, or_, select
from sqlalchemy.sql import bindparam

from net8_indexer.bulk import insert_rows
from net8_indexer.rows import Batch
from net8_indexer.schema import OpenPosition, SiteSlot, Trade, table_of

__all__ = ["OpenPositions", "reopen"]

_Place = tuple[int, int]  # site and slot


class OpenPositions:
    """Sites' slots that were traded and are not settled, as the database has them."""

    def __init__(self) -> None:
        """None; `load` reads them."""
        self._open: set[_Place] = set()

    def load(self, connection: Connection) -> None:
        """Read them from the database."""
        wanted = select(OpenPosition.site, OpenPosition.slot)
        self._open = {(row.site, row.slot) for row in connection.execute(wanted)}

    def take_in(self, connection: Connection, batch: Batch) -> None:
        """Open what the batch's trades open, close what its settlements end."""
        opened: dict[_Place, int] = {}
        for trade in batch.rows[Trade]:
            for place in ((trade["seller"], trade["slot"]), (trade["buyer"], trade["slot"])):
                if place not in self._open:
                    opened.setdefault(place, trade["at"])
        settled = {(row["site"], row["slot"]) for row in batch.rows[SiteSlot]}
        lasting = [
            {"site": site, "slot": slot, "at": at} for (site, slot), at in opened.items() if (site, slot) not in settled
        ]
        closed = self._open & settled
        table = table_of(OpenPosition)
        if lasting:
            insert_rows(connection, table, lasting)
        if closed:
            where = (table.c.site == bindparam("of_site"), table.c.slot == bindparam("of_slot"))
            rows = [{"of_site": site, "of_slot": slot} for site, slot in closed]
            connection.execute(delete(table).where(*where), rows)
        self._open -= closed
        self._open.update((row["site"], row["slot"]) for row in lasting)


def reopen(connection: Connection, site: int, slot: int, cut: int) -> None:
    """Open a position again whose settlement is forgotten, where a trade before the cut made it one."""
    of_site = or_(Trade.seller == site, Trade.buyer == site)
    first = select(func.min(Trade.at)).where(of_site, Trade.slot == slot, Trade.at < cut)
    at = connection.execute(first).scalar_one()
    if at is not None:
        connection.execute(insert(OpenPosition), [{"site": site, "slot": slot, "at": at}])
