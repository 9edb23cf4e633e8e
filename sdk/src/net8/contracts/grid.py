"""Calls of the GridRegistry: zones, their terms hour by hour, and the sites in them.

Prices are in grains per Wh, nameplates in W, `hour` is unix time // 3600.
"""

from collections.abc import Sequence

from net8.contracts.core import Call, Owned, nothing
from net8.model import Site, Tariff, Technology, Terms
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

    def set_exchange(self, exchange: str) -> Call[None]:
        """Name the EnergyExchange, once."""
        return self._call("set_exchange", exchange, into=nothing)

    def create_zone(self, operator: str, default_terms: Terms, tariff_lead: int) -> Call[int]:
        """Open a zone; the answer is its number. `tariff_lead`: hours ahead from which the default may be fixed."""
        return self._call("create_zone", operator, default_terms, tariff_lead, into=int)

    def set_zone_operator(self, zone: int, operator: str) -> Call[None]:
        """Replace a zone's grid operator."""
        return self._call("set_zone_operator", zone, operator, into=nothing)

    # --- grid operator of a zone --------------------------------------------------------------------------------------

    def set_default_terms(self, zone: int, terms: Terms) -> Call[None]:
        """Change the default for hours nobody can trade yet."""
        return self._call("set_default_terms", zone, terms, into=nothing)

    def publish_tariffs(self, zone: int, first_hour: int, tariffs: Sequence[Tariff]) -> Call[None]:
        """Fix the tariffs of up to 24 consecutive hours."""
        return self._call("publish_tariffs", zone, first_hour, list(tariffs), into=nothing)

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

    def site(self, site: int) -> Call[Site]:
        """A site as registered; its owner is the zero address when there is no such site."""
        return self._call("site", site, into=_site)

    def site_count(self, zone: int) -> Call[int]:
        """Sites of a zone; their indices count from 1."""
        return self._call("site_count", zone, into=int)

    def consent_nonce(self, owner: str) -> Call[int]:
        """The nonce of the owner's next `SiteConsent`."""
        return self._call("consent_nonce", owner, into=int)
