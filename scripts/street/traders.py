"""How homes trade: what they expect of a slot, what they ask for it, and the orders that follow.

Rules, the same for everyone:
- A home knows its own meter's slots up to the last one that is over, and nothing later.
- It expects the coming slot to be like its last two, the later one counting more, and is off by a random part of that.
- Whoever expects a surplus offers it, whoever expects a deficit bids for it; one order per home and slot.
- A seller asks somewhere between the feed-in price and par, a buyer bids between somewhat below par and par:
  where exactly is the home's patience, drawn once for each, and a little mood, drawn for each order.
"""

from collections.abc import Sequence
from decimal import Decimal

import numpy as np
from eth_account.signers.local import LocalAccount
from net8.contracts import Contracts
from net8.model import Terms
from net8.packing import ORDER_WH_MAX, OrderRequest

from scripts.street.bulk import Intent
from scripts.street.zone import Resident

__all__ = ["MeterBook", "Trader", "orders_for", "traders_of"]

FORECAST_ERROR = 0.12  # standard deviation, as a part of what is expected
LATEST_WEIGHT = Decimal("0.7")  # of the last slot; the one before it has the rest
ASK_FROM, ASK_TO = 350, 700  # grains per Wh; the grid goes from 200 to 1315
BID_FROM, BID_TO = 550, 900
MOOD = 40  # grains per Wh up or down


class MeterBook:
    """What a home's own meter has counted. The future is not in it."""

    def __init__(self, resident: Resident) -> None:
        """The book of a resident's meter."""
        self._resident = resident

    def surplus(self, slot: int, now_slot: int) -> Decimal:
        """Wh exported minus imported in a slot that is over.

        Raises:
            LookupError: the slot is not over at `now_slot`.
        """
        if slot >= now_slot:
            raise LookupError(f"slot {slot} is not over in slot {now_slot}: nobody knows what it will bring")
        exported, imported = self._resident.net(slot)
        return exported - imported


class Trader:
    """One home's way of trading."""

    def __init__(self, resident: Resident, owner: LocalAccount, generator: np.random.Generator) -> None:
        """`owner` signs the orders; `generator` is the trader's own, so that others do not change what it draws."""
        self.site = resident.site
        self.owner = owner
        self._book = MeterBook(resident)
        self._generator = generator
        self._patience = float(generator.uniform())  # 0: trades at any price, 1: waits for the best

    def expect(self, now_slot: int) -> int:
        """Wh of surplus (or, below zero, deficit) expected in a coming slot."""
        latest = self._book.surplus(now_slot - 1, now_slot)
        before = self._book.surplus(now_slot - 2, now_slot)
        trend = latest * LATEST_WEIGHT + before * (1 - LATEST_WEIGHT)
        return round(float(trend) * (1 + FORECAST_ERROR * float(self._generator.normal())))

    def order(self, slot: int, now_slot: int, terms: Terms) -> OrderRequest | None:
        """The home's order in a coming slot; none when what it expects is below the smallest order."""
        surplus = self.expect(now_slot)
        mood = MOOD * float(self._generator.uniform(-1, 1))
        if abs(surplus) < terms.min_wh:
            return None
        if surplus > 0:
            wish = ASK_FROM + self._patience * (ASK_TO - ASK_FROM)
        else:
            wish = BID_TO - self._patience * (BID_TO - BID_FROM)
        price = terms.nearest_price(round(wish + mood))
        return OrderRequest(slot, surplus > 0, price, min(abs(surplus), ORDER_WH_MAX))


def traders_of(residents: Sequence[Resident], seed: int) -> list[Trader]:
    """A trader for each resident whose key the street has, each with its own stream of the one seed."""
    streams = np.random.default_rng([seed, 1]).spawn(len(residents))
    return [
        Trader(resident, resident.owner, stream)
        for resident, stream in zip(residents, streams, strict=True)
        if resident.owner is not None
    ]


def orders_for(traders: Sequence[Trader], slot: int, now_slot: int, terms: Terms, contracts: Contracts) -> list[Intent]:
    """All homes' orders in a slot, as calls of their owners."""
    intents = []
    for trader in traders:
        order = trader.order(slot, now_slot, terms)
        if order is not None:
            call = contracts.exchange.place(trader.site, slot, order.sell, order.price, order.wh, order.kind)
            intents.append(Intent(trader.owner, call))
    return intents
