"""Calls of the EnergyExchange: balances, orders, settlement. Its readable views are the `Lens`.

Amounts named `wei` are NET8 in wei and whole grains (10**11 wei); every other sum is in grains. Energy is in Wh,
prices in grains per Wh, `slot` is unix time // 900, `hour` unix time // 3600.
"""

from collections.abc import Sequence

from net8.contracts.core import Call, Owned, nothing
from net8.model import AgentLimits, OrderKind, PoolRequest, Production, ZoneAccount
from net8.packing import Entry, OrderRequest, pack_entries
from net8.signing import Signature, checksum_address

__all__ = ["Exchange"]

_ONE_TAKE = 800_000  # gas: an order may meet up to 64 others that were not there when it was tried


class Exchange(Owned):
    """The EnergyExchange."""

    NAME = "EnergyExchange"

    # --- owner of the contract --------------------------------------------------------------------------------------

    def set_registry(self, registry: str) -> Call[None]:
        """Name the OracleRegistry, once."""
        return self._call("set_registry", registry, into=nothing)

    # --- grid operator of a zone ------------------------------------------------------------------------------------

    def fund_pool(self, zone: int, wei: int) -> Call[None]:
        """Add NET8 to a zone's balancing pool; anyone with an allowance."""
        return self._call("fund_pool", zone, wei, into=nothing)

    def request_pool_withdrawal(self, zone: int, grains: int) -> Call[None]:
        """Announce a withdrawal from the pool."""
        return self._call("request_pool_withdrawal", zone, grains, into=nothing)

    def withdraw_pool(self, zone: int, receiver: str) -> Call[int]:
        """Take what was announced; the answer is grains paid."""
        return self._call("withdraw_pool", zone, receiver, into=int)

    def withdraw_fees(self, zone: int, receiver: str) -> Call[int]:
        """Take the collected grid fees; the answer is grains paid."""
        return self._call("withdraw_fees", zone, receiver, into=int)

    # --- site owner -------------------------------------------------------------------------------------------------

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

    def set_agent(self, site: int, agent: str, limits: AgentLimits) -> Call[None]:
        """Let a key trade for a site within limits."""
        return self._call("set_agent", site, agent, limits, into=nothing)

    def revoke_agent(self, site: int, agent: str) -> Call[None]:
        """End an agent's rights at once."""
        return self._call("revoke_agent", site, agent, into=nothing)

    # --- trading ----------------------------------------------------------------------------------------------------

    def place(
        self, site: int, slot: int, sell: bool, price: int, wh: int, kind: OrderKind = OrderKind.LIMIT
    ) -> Call[tuple[int, int]]:
        """Place an order; the answer is (resting order or 0, Wh traded at once)."""
        arguments = (site, slot, sell, price, wh, int(kind))
        return self._call("place", *arguments, into=lambda order, wh: (int(order), int(wh)), spare_gas=_ONE_TAKE)

    def place_many(self, site: int, orders: Sequence[OrderRequest]) -> Call[None]:
        """Place up to 96 orders of a site, all or none."""
        return self._call("place_many", site, [order.pack() for order in orders], into=nothing, spare_gas=_ONE_TAKE)

    def cancel(self, order: int) -> Call[None]:
        """Take an order out of the book."""
        return self._call("cancel", order, into=nothing)

    def release(self, orders: Sequence[int]) -> Call[None]:
        """Take up to 64 orders whose gate has closed out of the book; anyone."""
        return self._call("release", list(orders), into=nothing)

    def fix_terms(self, zone: int, hour: int) -> Call[None]:
        """Fix the default terms of an hour that has none published; anyone."""
        return self._call("fix_terms", zone, hour, into=nothing)

    def settle_overdue(self, site: int, slot: int) -> Call[None]:
        """Settle a position for which no report came within a week; anyone."""
        return self._call("settle_overdue", site, slot, into=nothing)

    def settle(self, zone: int, entries: Sequence[Entry]) -> Call[int]:
        """Settle a report's entries; the OracleRegistry alone."""
        return self._call("settle", zone, pack_entries(entries), into=int)

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

    def zone_account(self, zone: int) -> Call[ZoneAccount]:
        """Pool and fees of a zone."""
        return self._call("zone_account", zone, into=ZoneAccount)

    def pool_request(self, zone: int) -> Call[PoolRequest]:
        """The announced withdrawal from a zone's pool."""
        return self._call("pool_requests", zone, into=lambda raw: PoolRequest(*raw))

    def terms_word(self, zone: int, hour: int) -> Call[int]:
        """Packed terms the exchange keeps for an hour (`net8.packing.TermsWord`); 0 before the hour's first use."""
        return self._call("terms_word", zone << 32 | hour, into=int)

    def free_balance(self, site: int) -> Call[int]:
        """Grains a site can trade with or withdraw."""
        return self._call("free_balance", site, into=int)

    def production(self, site: int, hour: int) -> Call[Production]:
        """Settled export of a site in an hour."""
        return self._call("production", site, hour, into=Production.of)

    def agent_limits(self, site: int, agent: str) -> Call[AgentLimits]:
        """What an agent may still do for a site; all zero when it may do nothing."""
        return self._call("agent_limits", site, agent, into=lambda raw: AgentLimits(*raw))
