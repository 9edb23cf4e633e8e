"""Calls of the TradingDesk: trading for sites whose owner is not the caller.

Prices are in grains per Wh, energy in Wh, `slot` is unix time // 900.
"""

from collections.abc import Sequence

from net8.contracts.core import Call, Contract, nothing
from net8.contracts.exchange import ONE_TAKE
from net8.model import AgentLimits, OrderKind
from net8.packing import OrderRequest

__all__ = ["Desk"]


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

    def replace(self, order: int, price: int, wh: int) -> Call[tuple[int, int]]:
        """Change a resting order; the answer is (order that rests now or 0, Wh traded at once)."""
        return self._call("replace", order, price, wh, into=lambda *answer: answer, spare_gas=ONE_TAKE)

    def cancel(self, order: int) -> Call[None]:
        """Take an order of the agent's site out of the book."""
        return self._call("cancel", order, into=nothing)

    def cancel_many(self, site: int, orders: Sequence[int]) -> Call[None]:
        """Take up to 96 orders of a site out of the book; those that are gone already are passed over."""
        return self._call("cancel_many", site, list(orders), into=nothing)

    # --- views ------------------------------------------------------------------------------------------------------

    def agent_limits(self, site: int, agent: str) -> Call[AgentLimits]:
        """What an agent may still do for a site; all zero when it may do nothing."""
        return self._call("agent_limits", site, agent, into=lambda raw: AgentLimits(*raw))
