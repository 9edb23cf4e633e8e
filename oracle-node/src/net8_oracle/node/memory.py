"""What a node remembers of the chain, to begin with where no chain node answers when it starts."""

import json
from collections.abc import Iterable, Mapping

from sqlalchemy import delete, insert, select

from net8_oracle.node.database import Database
from net8_oracle.node.envelopes import Key
from net8_oracle.node.meters import RegisteredSite
from net8_oracle.node.schema import BOUGHT, SEATS, SITE

__all__ = ["ChainMemory"]

_ADDRESS = 20  # bytes


class ChainMemory:
    """Sites, seats, and what was bought in slots to come, as the chain last told them.

    Every method raises `StoreUnavailable` when the store cannot be used; what it held before stays.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep_sites(self, sites: Iterable[RegisteredSite]) -> None:
        """These sites, in place of what was known of them."""
        rows = [
            {"site": one.site, "meter_key": one.meter_key, "nameplate": one.nameplate, "since": one.since}
            for one in sites
        ]
        if rows:
            with self._database.transaction() as connection:
                connection.execute(delete(SITE).where(SITE.c.site.in_([row["site"] for row in rows])))
                connection.execute(insert(SITE), rows)

    def sites(self) -> list[RegisteredSite]:
        """All sites that were ever kept."""
        with self._database.transaction() as connection:
            rows = connection.execute(select(SITE)).all()
        return [RegisteredSite(row.site, row.meter_key, row.nameplate, row.since) for row in rows]

    def keep_signers(self, zone: int, signers: tuple[bytes, ...]) -> None:
        """Signers of a zone's operators in the order of their seats."""
        with self._database.transaction() as connection:
            connection.execute(delete(SEATS).where(SEATS.c.zone == zone))
            connection.execute(insert(SEATS).values(zone=zone, signers=b"".join(signers)))

    def signers(self) -> dict[int, tuple[bytes, ...]]:
        """The same, by zone."""
        with self._database.transaction() as connection:
            rows = connection.execute(select(SEATS)).all()
        return {
            row.zone: tuple(row.signers[at : at + _ADDRESS] for at in range(0, len(row.signers), _ADDRESS))
            for row in rows
        }

    def keep_bought(self, ahead: Mapping[Key, Mapping[int, int]]) -> None:
        """Wh bought by site index, in place of all that was kept of it."""
        rows = [{**key._asdict(), "wh": json.dumps(bought)} for key, bought in ahead.items()]
        with self._database.transaction() as connection:
            connection.execute(delete(BOUGHT))
            if rows:
                connection.execute(insert(BOUGHT), rows)

    def bought(self) -> dict[Key, dict[int, int]]:
        """Wh bought by site index, as of when it was read ahead."""
        with self._database.transaction() as connection:
            rows = connection.execute(select(BOUGHT)).all()
        return {
            Key(row.zone, row.slot, row.part): {int(index): wh for index, wh in json.loads(row.wh).items()}
            for row in rows
        }
