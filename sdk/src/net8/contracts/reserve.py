"""Calls of the Reserve. Euros are in the stablecoin's smallest unit, NET8 in wei."""

from collections.abc import Mapping

from net8.contracts.core import Call, Owned, nothing
from net8.model import Backing
from net8.signing import checksum_address

__all__ = ["Reserve"]


class Reserve(Owned):
    """The Reserve."""

    NAME = "Reserve"

    def mint(self, euros: int, receiver: str) -> Call[int]:
        """Pay euros in and create NET8 at the nominal price; needs an allowance. The answer is wei created."""
        return self._call("mint", euros, receiver, into=int)

    def mint_from_production(self, wh_by_id: Mapping[int, int], receiver: str) -> Call[int]:
        """Retire certificates of the sender, of up to 24 ids, and create NET8 for them; the answer is wei created.

        Needs `Certificates.approve_all` of the Reserve.
        """
        ids, amounts = list(wh_by_id.keys()), list(wh_by_id.values())
        return self._call("mint_from_production", ids, amounts, receiver, into=int)

    def redeem(self, wei: int, receiver: str) -> Call[int]:
        """Destroy NET8 and take euros; needs an allowance. The answer is euro units paid."""
        return self._call("redeem", wei, receiver, into=int)

    def add_backing(self, euros: int) -> Call[None]:
        """Give euros for nothing; needs an allowance."""
        return self._call("add_backing", euros, into=nothing)

    def recognise_loss(self) -> Call[int]:
        """Take note that the stablecoin took euros away; the answer is euro units lost."""
        return self._call("recognise_loss", into=int)

    def set_price(self, price: int) -> Call[None]:
        """Move the nominal price by at most a hundredth, once a day; owner of the contract."""
        return self._call("set_price", price, into=nothing)

    def backing(self) -> Call[Backing]:
        """What is held, what exists and where it came from, what that is worth, and the coverage."""
        return self._call("backing", into=lambda raw: Backing(*raw))

    def net8_for(self, euros: int) -> Call[int]:
        """Wei that `mint` would create now."""
        return self._call("net8_for", euros, into=int)

    def euros_for(self, wei: int) -> Call[int]:
        """Euro units that `redeem` would pay now."""
        return self._call("euros_for", wei, into=int)

    def price(self) -> Call[int]:
        """Nominal price: euro units per NET8."""
        return self._call("price", into=int)

    def price_set_at(self) -> Call[int]:
        """When the price last changed, unix seconds."""
        return self._call("price_set_at", into=int)

    def least_price(self) -> Call[int]:
        """What the price never falls below: euro units per NET8."""
        return self._call("least_price", into=int)

    def most_price(self) -> Call[int]:
        """What the price never rises above: euro units per NET8."""
        return self._call("most_price", into=int)

    def energy_per_net8(self) -> Call[int]:
        """Wh to retire for one NET8."""
        return self._call("energy_per_net8", into=int)

    def energy_retired(self) -> Call[int]:
        """Wh retired against NET8, ever."""
        return self._call("energy_retired", into=int)

    def daily_cap(self) -> Call[int]:
        """Wei that may be created against production in one UTC day."""
        return self._call("daily_cap", into=int)

    def cap_left(self) -> Call[int]:
        """Wei that may still be created against production today."""
        return self._call("cap_left", into=int)

    def coverage_floor(self) -> Call[int]:
        """Coverage in millionths that minting against production must leave."""
        return self._call("coverage_floor", into=int)

    def certificates(self) -> Call[str]:
        """The GreenCertificates it accepts."""
        return self._call("certificates", into=checksum_address)

    def euros_held(self) -> Call[int]:
        """Euro units that back NET8."""
        return self._call("euros_held", into=int)

    def euro(self) -> Call[str]:
        """The stablecoin."""
        return self._call("euro", into=checksum_address)

    def net8(self) -> Call[str]:
        """The NET8 token."""
        return self._call("net8", into=checksum_address)
