"""Calls of the GridRegistry: zones, their terms hour by hour, and the sites in them.

Prices are in grains per Wh, nameplates in W, `hour` is unix time // 3600.
"""

from collections.abc import Sequence

from net8.contracts.core import Call, Owned, nothing
from net8.model import Link, PoolRequest, Site, Tariff, Technology, Terms
from net8.signing import Signature, checksum_address

__all__ = ["Grid", "terms_of"]


def _site(raw: tuple[str, int, int, str]) -> Site:
    owner, technology, nameplate, meter_key = raw
    return Site(checksum_address(owner), Technology(technology), nameplate, checksum_address(meter_key))


def terms_of(raw: tuple[int, ...], final: bool) -> tuple[Terms, bool]:
    """Terms as the views of several contracts give them."""
    return Terms(*raw), final


class Grid(Owned):
    """The GridRegistry."""

    NAME = "GridRegistry"

    # --- owner of the contract ----------------------------------------------------------------------------------------

    def connect(self, exchange: str, registry: str, desk: str) -> Call[None]:
        """Name the EnergyExchange, and to it the OracleRegistry and the TradingDesk; once."""
        return self._call("connect", exchange, registry, desk, into=nothing)

    def set_guardian(self, guardian: str) -> Call[None]:
        """Name who may stop new orders for a while; the zero address for nobody."""
        return self._call("set_guardian", guardian, into=nothing)

    def create_zone(self, operator: str, default_terms: Terms, tariff_lead: int) -> Call[int]:
        """Open a zone; the answer is its number. `tariff_lead`: hours ahead from which the default may be fixed."""
        return self._call("create_zone", operator, default_terms, tariff_lead, into=int)

    def set_zone_operator(self, zone: int, operator: str) -> Call[None]:
        """Replace a zone's grid operator."""
        return self._call("set_zone_operator", zone, operator, into=nothing)

    # --- guardian -----------------------------------------------------------------------------------------------------

    def stop_orders(self, seconds: int) -> Call[None]:
        """Stop new orders for at most three days, then not again for a week."""
        return self._call("stop_orders", seconds, into=nothing)

    def resume_orders(self) -> Call[None]:
        """End a stop early; the owner may too."""
        return self._call("resume_orders", into=nothing)

    # --- grid operator of a zone --------------------------------------------------------------------------------------

    def set_default_terms(self, zone: int, terms: Terms) -> Call[None]:
        """Change the default for hours nobody can trade yet."""
        return self._call("set_default_terms", zone, terms, into=nothing)

    def publish_tariffs(self, zone: int, first_hour: int, tariffs: Sequence[Tariff]) -> Call[None]:
        """Fix the tariffs of up to 24 consecutive hours."""
        return self._call("publish_tariffs", zone, first_hour, list(tariffs), into=nothing)

    def request_pool_withdrawal(self, zone: int, grains: int) -> Call[None]:
        """Announce a withdrawal from the balancing pool."""
        return self._call("request_pool_withdrawal", zone, grains, into=nothing)

    def withdraw_pool(self, zone: int, receiver: str) -> Call[int]:
        """Take what was announced three weeks ago; the answer is grains paid."""
        return self._call("withdraw_pool", zone, receiver, into=int)

    def withdraw_fees(self, zone: int, receiver: str) -> Call[int]:
        """Take the collected grid fees; the answer is grains paid."""
        return self._call("withdraw_fees", zone, receiver, into=int)

    def set_link(self, zone: int, other: int, capacity: int, fee: int) -> Call[None]:
        """Let sites of two zones trade with each other, as far as the other's operator does the same.

        Args:
            zone: the operator's own.
            other: the other zone.
            capacity: Wh in a slot; 0 ends it.
            fee: grains per Wh for carrying energy through `zone`.
        """
        return self._call("set_link", zone, other, capacity, fee, into=nothing)

    def register_site(
        self,
        zone: int,
        owner: str,
        technology: Technology,
        nameplate: int,
        meter_key: str,
        deadline: int,
        signature: Signature | bytes,
    ) -> Call[int]:
        """Admit a site with its owner's signed `SiteConsent`; the answer is its id. `nameplate` in W."""
        raw = signature.to_bytes() if isinstance(signature, Signature) else signature
        return self._call("register_site", zone, owner, int(technology), nameplate, meter_key, deadline, raw, into=int)

    # --- views --------------------------------------------------------------------------------------------------------

    def exchange(self) -> Call[str]:
        """The EnergyExchange; the zero address before it is named."""
        return self._call("exchange", into=checksum_address)

    def guardian(self) -> Call[str]:
        """Who may stop new orders; the zero address for nobody."""
        return self._call("guardian", into=checksum_address)

    def stopped_until(self) -> Call[int]:
        """Unix seconds until which the guardian's latest stop lasts."""
        return self._call("stopped_until", into=int)

    def zone_count(self) -> Call[int]:
        """Zones there are; they count from 1."""
        return self._call("zone_count", into=int)

    def zone_operator(self, zone: int) -> Call[str]:
        """Grid operator of a zone; the zero address when there is no such zone."""
        return self._call("zone_operator", zone, into=checksum_address)

    def tariff_lead(self, zone: int) -> Call[int]:
        """Hours ahead from which an hour without a published tariff has the default."""
        return self._call("tariff_lead", zone, into=int)

    def terms(self, zone: int, hour: int) -> Call[tuple[Terms, bool]]:
        """Terms of an hour, and whether they are final; before that, what the default would make them."""
        return self._call("terms", zone, hour, into=terms_of)

    def link(self, zone: int, other: int) -> Call[Link]:
        """What two zones may trade with each other."""
        return self._call("link", zone, other, into=Link)

    def pool_request(self, zone: int) -> Call[PoolRequest]:
        """The announced withdrawal from a zone's pool."""
        return self._call("pool_requests", zone, into=lambda raw: PoolRequest(*raw))

    def site(self, site: int) -> Call[Site]:
        """A site as registered; its owner is the zero address when there is no such site."""
        return self._call("site", site, into=_site)

    def site_count(self, zone: int) -> Call[int]:
        """Sites of a zone; their indices count from 1."""
        return self._call("site_count", zone, into=int)

    def consent_nonce(self, owner: str) -> Call[int]:
        """The nonce of the owner's next `SiteConsent`."""
        return self._call("consent_nonce", owner, into=int)
