"""The bakery's standing bid beside the app: whoever comes by can sell to it for the next hours."""

from collections.abc import Sequence

from eth_account.signers.local import LocalAccount
from net8.client import Chain
from net8.contracts import Contracts
from net8.model import OrderKind

from scripts.street.bulk import Intent

__all__ = ["BIDS_AHEAD", "StandingBid"]

BIDS_AHEAD = 16  # slots: four hours of shopping list
PRICE = 600  # grains per Wh: more than the utility pays for feed-in, less than it charges
BID_WH = 6_000  # what its ovens use in a quarter hour
LEAST_WH = 5_000  # below which it bids again
MOST_WH = 18_000  # bid for in one slot: three times what it uses, and not more


class StandingBid:
    """Keeps a bid of at least `LEAST_WH` in the book of each coming slot, until it has bid for `MOST_WH` there."""

    def __init__(self, chain: Chain, contracts: Contracts, site: int, owner: LocalAccount) -> None:
        """The bakery is `site`, its key `owner`'s."""
        self._chain = chain
        self._to = contracts
        self._owner = owner
        self._bid: dict[int, int] = {}  # slot -> Wh bid for so far
        self.site = site

    def bids(self, slots: Sequence[int]) -> list[Intent]:
        """What is missing in the book now, as calls of the bakery."""
        resting = self._chain.read_many([self._to.lens.orders_of(self.site, slot) for slot in slots])
        intents = []
        for slot, orders in zip(slots, resting, strict=True):
            left = sum(order.wh for order in orders if not order.sell)
            bid = self._bid.get(slot, 0)
            if left < LEAST_WH and bid < MOST_WH:
                wh = min(BID_WH - left, MOST_WH - bid)
                self._bid[slot] = bid + wh
                call = self._to.exchange.place(self.site, slot, False, PRICE, wh, OrderKind.LIMIT)
                intents.append(Intent(self._owner, call))
        self._bid = {slot: wh for slot, wh in self._bid.items() if slot >= slots[0]}
        return intents
