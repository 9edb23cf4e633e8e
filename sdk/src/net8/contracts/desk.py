"""Calls of the TradingDesk: trading for sites whose owner is not the caller.

Prices are in grains per Wh, energy in Wh, `slot` is unix time // 900.
"""

from collections.abc import Sequence

from net8.contracts.core import Call, Contract, nothing
from net8.contracts.exchange import ONE_TAKE
from net8.model import AgentLimits, OrderKind
from net8.offers import LEGS_MAX, Proof, Signed, SignedStrip
from net8.packing import OrderRequest

__all__ = ["ALL_SLOTS", "PLAIN", "Desk"]

ALL_SLOTS = 2**LEGS_MAX - 1  # of a strip
PLAIN = Proof()  # of an order that a key has signed and anyone may take


class Desk(Contract):
    """The TradingDesk."""

    NAME = "TradingDesk"

    # --- site owner -------------------------------------------------------------------------------------------------

    def set_agent(self, site: int, agent: str, limits: AgentLimits) -> Call[None]:
        """Let a key trade for a site within limits."""
        return self._call("set_agent", site, agent, limits, into=nothing)

    def revoke_agent(self, site: int, agent: str) -> Call[None]:
        """End an agent's rights at once."""
        return self._call("revoke_agent", site, agent, into=nothing)

    def take_abroad(
        self, site: int, zone: int, slot: int, sell: bool, price: int, wh: int, kind: OrderKind, max_fee: int
    ) -> Call[int]:
        """Take from another zone's market; the answer is Wh traded.

        Args:
            site: that trades.
            zone: whose market it takes from; not the site's own.
            slot: quarter hour of delivery.
            sell: or buy.
            price: limit in grains per Wh, on that market's grid; transport comes on top.
            wh: energy.
            kind: immediate-or-cancel or fill-or-kill.
            max_fee: dearest transport accepted, grains per Wh.
        """
        arguments = (site, zone, slot, sell, price, wh, int(kind), max_fee)
        return self._call("take_abroad", *arguments, into=int, spare_gas=ONE_TAKE)

    def cancel_nonce(self, site: int, nonce: int) -> Call[None]:
        """End whatever was signed with a nonce for a site."""
        return self._call("cancel_nonce", site, nonce, into=nothing)

    def cancel_nonces_below(self, site: int, nonce: int) -> Call[None]:
        """End whatever was signed for a site with a lower nonce, used before or not."""
        return self._call("cancel_nonces_below", site, nonce, into=nothing)

    def accept_signed(self, signed: Signed, proof: Proof, site: int, wh: int) -> Call[None]:
        """Trade a signed order with the caller's own site, at the order's price."""
        return self._call("accept_signed", signed, proof, site, wh, into=nothing)

    # --- site owner or agent ----------------------------------------------------------------------------------------

    def replace(self, order: int, price: int, wh: int) -> Call[tuple[int, int]]:
        """Change a resting order; the answer is (order that rests now or 0, Wh traded at once).

        Less energy at the same price keeps number and place; anything else is a new order.
        """
        return self._call("replace", order, price, wh, into=lambda *answer: answer, spare_gas=ONE_TAKE)

    def cancel_range(self, site: int, first_slot: int, last_slot: int) -> Call[tuple[int, int]]:
        """Cancel all resting orders of a site in slots; the answer is (orders cancelled, slot to go on from)."""
        return self._call("cancel_range", site, first_slot, last_slot, into=lambda *answer: answer)

    # --- agent ------------------------------------------------------------------------------------------------------

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
        """Place an order as its site's agent, as `Exchange.place` does for the owner."""
        return self._call(
            "place", site, slot, sell, price, wh, int(kind), expiry, into=lambda *answer: answer, spare_gas=ONE_TAKE
        )

    def place_many(self, site: int, orders: Sequence[OrderRequest]) -> Call[None]:
        """Place up to 96 orders of a site as its agent, all or none."""
        return self._call("place_many", site, [order.pack() for order in orders], into=nothing, spare_gas=ONE_TAKE)

    def cancel(self, order: int) -> Call[None]:
        """Take an order of the agent's site out of the book."""
        return self._call("cancel", order, into=nothing)

    def cancel_many(self, site: int, orders: Sequence[int]) -> Call[None]:
        """Take up to 96 orders of a site out of the book; those that are gone already are passed over."""
        return self._call("cancel_many", site, list(orders), into=nothing)

    # --- anyone: bringing in what owners have signed -----------------------------------------------------------------

    def match_signed(self, orders: Sequence[Signed], proofs: Sequence[Proof] = ()) -> Call[None]:
        """Trade up to 32 signed orders with each other, each with the one before it that waits; all or nothing."""
        return self._call("match_signed", list(orders), list(proofs), into=nothing)

    def take_signed(self, signed: Signed, proof: Proof = PLAIN) -> Call[int]:
        """Trade a signed order with the book; the answer is Wh traded."""
        return self._call("take_signed", signed, proof, into=int, spare_gas=ONE_TAKE)

    def match_strips(
        self,
        sale: SignedStrip,
        purchase: SignedStrip,
        slots: int = ALL_SLOTS,
        sale_proof: Proof = PLAIN,
        purchase_proof: Proof = PLAIN,
    ) -> Call[int]:
        """Trade two strips where their prices cross; the answer is Wh. Bit i of `slots` is slot i of the sale."""
        return self._call("match_strips", sale, sale_proof, purchase, purchase_proof, slots, into=int)

    def take_strip(self, strip: SignedStrip, slots: int = ALL_SLOTS, proof: Proof = PLAIN) -> Call[int]:
        """Trade a strip with the book; the answer is Wh traded."""
        return self._call("take_strip", strip, proof, slots, into=int, spare_gas=ONE_TAKE)

    def claim(self, receiver: str) -> Call[int]:
        """Take the relay fees the caller has earned; the answer is grains paid."""
        return self._call("claim", receiver, into=int)

    # --- views ------------------------------------------------------------------------------------------------------

    def agent_limits(self, site: int, agent: str) -> Call[AgentLimits]:
        """What an agent may still do for a site; all zero when it may do nothing."""
        return self._call("agent_limits", site, agent, into=lambda raw: AgentLimits(*raw))

    def earned(self, relayer: str) -> Call[int]:
        """Grains of relay fees that wait for an account."""
        return self._call("earned", relayer, into=int)

    def nonce_state(self, site: int, nonce: int) -> Call[int]:
        """Raw state of a nonce: 0 unused, below 2**21 the Wh that traded, then a strip's; 2**22 - 1 over."""
        return self._call("nonce_state", site, nonce, into=int)

    def strip_traded(self, site: int, nonce: int) -> Call[list[int]]:
        """Wh of the strip with a nonce that have traded, slot by slot; zeros for a nonce that is no strip's."""
        return self._call("strip_traded", site, nonce, into=list)

    def link_used(self, zone: int, other: int, slot: int) -> Call[int]:
        """Wh that two zones have traded with each other in a slot."""
        return self._call("link_used", zone, other, slot, into=int)

    def order_digest(self, terms: int, taker: str) -> Call[bytes]:
        """What an order's owner signs (`net8.offers.Offer.digest`)."""
        return self._call("order_digest", terms, taker, into=bytes)

    def strip_digest(self, strip: SignedStrip, taker: str) -> Call[bytes]:
        """What a strip's owner signs (`net8.offers.Strip.digest`)."""
        return self._call("strip_digest", strip, taker, into=bytes)
