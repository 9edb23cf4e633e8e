"""Calls of the Reserve. Euros are in the stablecoin's smallest unit, NET8 in wei."""

from net8.contracts.core import Call, Contract
from net8.model import Backing
from net8.signing import checksum_address

__all__ = ["Reserve"]


class Reserve(Contract):
    """The Reserve."""

    NAME = "Reserve"

    def mint(self, euros: int, receiver: str) -> Call[int]:
        """Pay euros in and create NET8 at the nominal price; needs an allowance. The answer is wei created."""
        return self._call("mint", euros, receiver, into=int)

    def redeem(self, wei: int, receiver: str) -> Call[int]:
        """Destroy NET8 and take euros; needs an allowance. The answer is euro units paid."""
        return self._call("redeem", wei, receiver, into=int)

    def add_backing(self, euros: int) -> Call[None]:
        """Give euros for nothing; needs an allowance."""
        return self._call("add_backing", euros, into=lambda: None)

    def recognise_loss(self) -> Call[int]:
        """Take note that the stablecoin took euros away; the answer is euro units lost."""
        return self._call("recognise_loss", into=int)

    def backing(self) -> Call[Backing]:
        """What is held, what exists, what that is worth, and the coverage."""
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

    def euros_held(self) -> Call[int]:
        """Euro units that back NET8."""
        return self._call("euros_held", into=int)

    def euro(self) -> Call[str]:
        """The stablecoin."""
        return self._call("euro", into=checksum_address)

    def net8(self) -> Call[str]:
        """The NET8 token."""
        return self._call("net8", into=checksum_address)
