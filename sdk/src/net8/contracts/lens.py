"""Calls of the ExchangeLens: readable views of the EnergyExchange. It has nothing to send.

Sums are in grains, energy in Wh, prices in grains per Wh, `slot` is unix time // 900, `hour` unix time // 3600.
"""

from net8.contracts.core import Call, Contract
from net8.contracts.grid import terms_of
from net8.model import Level, Order, Outcome, Position, Terms
from net8.packing import PositionWord, positions_of
from net8.signing import checksum_address

__all__ = ["BATCH_MAX", "Lens"]

BATCH_MAX = 256  # sites in one answer of `positions_of` and `balances_of`


def _position(raw: tuple[int, int, int, int, int, int]) -> Position:
    net_wh, value, margin, outcome, exported, imported = raw
    return Position(net_wh, value, margin, Outcome(outcome), exported, imported)


class Lens(Contract):
    """The ExchangeLens."""

    NAME = "ExchangeLens"

    def exchange(self) -> Call[str]:
        """The EnergyExchange it reads."""
        return self._call("exchange", into=checksum_address)

    def terms(self, zone: int, hour: int) -> Call[tuple[Terms, bool]]:
        """Terms of an hour, and whether they are final; before that, what the default would make them."""
        return self._call("terms", zone, hour, into=terms_of)

    def is_tradable(self, zone: int, slot: int) -> Call[bool]:
        """Whether an order may be placed in a slot now."""
        return self._call("is_tradable", zone, slot, into=bool)

    def is_reported(self, zone: int, slot: int) -> Call[bool]:
        """Whether a report has settled anything in a slot."""
        return self._call("is_reported", zone, slot, into=bool)

    def depth(self, zone: int, slot: int, sell: bool) -> Call[list[Level]]:
        """One side of a book by price, best first."""
        return self._call("depth", zone, slot, sell, into=lambda levels: [Level(*level) for level in levels])

    def orders(self, zone: int, slot: int, sell: bool) -> Call[list[Order]]:
        """One side of a book order by order (the first 512), in the sequence in which they match."""
        return self._call("orders", zone, slot, sell, into=lambda orders: [Order(*order) for order in orders])

    def orders_of(self, site: int, slot: int) -> Call[list[Order]]:
        """Resting orders of a site in a slot."""
        return self._call("orders_of", site, slot, into=lambda orders: [Order(*order) for order in orders])

    def order(self, order: int) -> Call[Order]:
        """One order; its `wh` is 0 when it is gone."""
        return self._call("order", order, into=lambda raw: Order(*raw))

    def order_lock(self, order: int) -> Call[int]:
        """Grains a resting order holds."""
        return self._call("order_lock", order, into=int)

    def position(self, site: int, slot: int) -> Call[Position]:
        """A site's position in a slot."""
        return self._call("position", site, slot, into=_position)

    def margin_held(self, site: int, slot: int) -> Call[int]:
        """Grains held for a site in a slot: margin of its position and locks of its resting orders."""
        return self._call("margin_held", site, slot, into=int)

    def positions_of(self, first_site: int, count: int, hour: int) -> Call[list[PositionWord]]:
        """Positions of up to 256 consecutive sites in the four slots of an hour."""
        return self._call("positions_of", first_site, count, hour, into=lambda words: positions_of(words, hour))

    def balances_of(self, first_site: int, count: int) -> Call[list[int]]:
        """Free balances of up to 256 consecutive sites."""
        return self._call("balances_of", first_site, count, into=list)
