"""Calls of the EnergyExchange: balances, orders, settlement. Its readable views are the `Lens`.

Amounts named `wei` are NET8 in wei and whole grains (10**11 wei); every other sum is in grains. Energy is in Wh,
prices in grains per Wh, `slot` is unix time // 900, `hour` unix time // 3600.
"""

from collections.abc import Sequence

from net8.contracts.core import Call, Contract, nothing
from net8.model import OrderKind, ZoneAccount
from net8.packing import OrderRequest, PositionWord
from net8.signing import Signature, checksum_address

__all__ = ["ONE_TAKE", "Exchange"]

ONE_TAKE = 800_000  # gas: an order may meet up to 64 others that were not there when it was tried


class Exchange(Contract):
    """The EnergyExchange. What only the grid registry, the oracle registry or the desk may call is not here."""

    NAME = "EnergyExchange"

    # --- money ------------------------------------------------------------------------------------------------------

    def fund_pool(self, zone: int, wei: int) -> Call[None]:
        """Add NET8 to a zone's balancing pool; anyone with an allowance."""
        return self._call("fund_pool", zone, wei, into=nothing)

    def deposit(self, site: int, wei: int) -> Call[None]:
        """Add the caller's NET8 to a site's balance; needs an allowance."""
        return self._call("deposit", site, wei, into=nothing)

    def deposit_with_permit(self, site: int, wei: int, deadline: int, signature: Signature) -> Call[None]:
        """The same with the caller's signed `Permit` instead of an allowance."""
        r, s = signature.r.to_bytes(32), signature.s.to_bytes(32)
        return self._call("deposit_with_permit", site, wei, deadline, signature.v, r, s, into=nothing)

    def withdraw(self, site: int, wei: int, receiver: str) -> Call[None]:
        """Pay out of a site's free balance."""
        return self._call("withdraw", site, wei, receiver, into=nothing)

    # --- trading ----------------------------------------------------------------------------------------------------

    def place(
        self,
        site: int,
        slot: int,
        sell: bool,
        price: int,
        wh: int,
        kind: OrderKind = OrderKind.LIMIT,
        expiry: int = 0,
    ) -> Call[tuple[int, int]]:
        """Place an order; the answer is (resting order or 0, Wh traded at once). Owner of the site.

        Args:
            site: that trades.
            slot: quarter hour of delivery.
            sell: or buy.
            price: limit in grains per Wh, on the zone's grid.
            wh: energy.
            kind: what happens to the part that does not match at once.
            expiry: unix seconds from which a resting order trades no more; 0 for the gate of its slot.
        """
        return self._call(
            "place", site, slot, sell, price, wh, int(kind), expiry, into=lambda *answer: answer, spare_gas=ONE_TAKE
        )

    def place_many(self, site: int, orders: Sequence[OrderRequest]) -> Call[None]:
        """Place up to 96 orders of a site, all or none."""
        return self._call("place_many", site, [order.pack() for order in orders], into=nothing, spare_gas=ONE_TAKE)

    def reduce(self, order: int, wh: int) -> Call[None]:
        """Leave only `wh` of a resting order, which keeps its number and its place in the queue."""
        return self._call("reduce", order, wh, into=nothing)

    def cancel(self, order: int) -> Call[None]:
        """Take an order out of the book."""
        return self._call("cancel", order, into=nothing)

    def cancel_many(self, orders: Sequence[int]) -> Call[None]:
        """Take up to 96 orders out of the book; those that are gone already are passed over."""
        return self._call("cancel_many", list(orders), into=nothing)

    def release(self, orders: Sequence[int]) -> Call[None]:
        """Take up to 64 orders that have expired or whose gate has closed out of the book; anyone."""
        return self._call("release", list(orders), into=nothing)

    def fix_terms(self, zone: int, hour: int) -> Call[None]:
        """Fix the default terms of an hour that has none published; anyone."""
        return self._call("fix_terms", zone, hour, into=nothing)

    def settle_overdue(self, site: int, slot: int) -> Call[None]:
        """Settle a position for which no report came within a week; anyone."""
        return self._call("settle_overdue", site, slot, into=nothing)

    # --- views ------------------------------------------------------------------------------------------------------

    def token(self) -> Call[str]:
        """The NET8 token."""
        return self._call("token", into=checksum_address)

    def grid(self) -> Call[str]:
        """The GridRegistry that admits sites and sets terms."""
        return self._call("grid", into=checksum_address)

    def registry(self) -> Call[str]:
        """The OracleRegistry; the zero address before it is named."""
        return self._call("registry", into=checksum_address)

    def desk(self) -> Call[str]:
        """The TradingDesk; the zero address before it is named."""
        return self._call("desk", into=checksum_address)

    def stopped_until(self) -> Call[int]:
        """Unix seconds before which nothing new is traded."""
        return self._call("stopped_until", into=int)

    def owner_of(self, site: int) -> Call[str]:
        """Who may trade and withdraw for a site; the zero address when there is no such site."""
        return self._call("owner_of", site, into=checksum_address)

    def zone_account(self, zone: int) -> Call[ZoneAccount]:
        """Pool and fees of a zone."""
        return self._call("zone_account", zone, into=ZoneAccount)

    def terms_word(self, zone: int, hour: int) -> Call[int]:
        """Packed terms the exchange keeps for an hour (`net8.packing.TermsWord`); 0 before the hour's first use."""
        return self._call("terms_word", zone << 32 | hour, into=int)

    def free_balance(self, site: int) -> Call[int]:
        """Grains a site can trade with or withdraw."""
        return self._call("free_balance", site, into=int)

    def position_words_of(self, site: int, first_hour: int, count: int) -> Call[list[PositionWord]]:
        """Positions of a site in up to 24 consecutive hours."""
        return self._call(
            "position_words_of", site, first_hour, count,
            into=lambda words: [PositionWord.unpack(word, first_hour + i) for i, word in enumerate(words)],
        )  # fmt: skip
