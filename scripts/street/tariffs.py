"""What the grid operator does every day: publish the tariffs of the next, cheap at noon and dear in the evening."""

from dataclasses import replace

from eth_account.signers.local import LocalAccount
from net8.contracts import Contracts
from net8.model import Tariff

from scripts.street.bulk import Bulk, Intent
from scripts.street.zone import TARIFF_LEAD, TERMS

__all__ = ["DayAhead", "tariff_of"]

HOURS_A_DAY = 24
NOON, EVENING = range(11, 15), range(17, 21)  # hours of the street's local day


def tariff_of(local_hour: int) -> Tariff:
    """The tariff of an hour of the day, 0 to 23: lines are empty when the sun is high, and full at supper."""
    usual = TERMS.tariff
    if local_hour in NOON:
        return replace(usual, feed_in=usual.feed_in - 30, grid_fee=usual.grid_fee // 2)
    if local_hour in EVENING:
        return replace(usual, imbalance=usual.imbalance + 250, grid_fee=usual.grid_fee * 3 // 2)
    return usual


class DayAhead:
    """Keeps the tariffs of a whole day published, beyond the hours that are too near to be changed."""

    def __init__(self, contracts: Contracts, bulk: Bulk, zone: int, account: LocalAccount, midnight_hour: int) -> None:
        """`account` operates `zone`'s grid, where some local day begins at `midnight_hour`."""
        self._to = contracts
        self._bulk = bulk
        self._zone = zone
        self._account = account
        self._midnight = midnight_hour
        self._next: int | None = None  # the first hour that is not published

    def publish(self, now_hour: int) -> None:
        """Publish the tariffs of the next day, once it is time.

        Raises:
            Refused: somebody else published some of them.
        """
        nearest = now_hour + TARIFF_LEAD + 1
        first = nearest if self._next is None else self._next
        if first < nearest + HOURS_A_DAY:
            tariffs = [tariff_of((first + i - self._midnight) % HOURS_A_DAY) for i in range(HOURS_A_DAY)]
            call = self._to.grid.publish_tariffs(self._zone, first, tariffs)
            self._bulk.send_all([Intent(self._account, call)])
            self._next = first + HOURS_A_DAY
