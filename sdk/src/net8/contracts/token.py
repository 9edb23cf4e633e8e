"""Calls of the NET8 token and of the euro behind it. Amounts are in the token's smallest unit."""

from net8.abi import CallRefused
from net8.contracts.core import Call, Contract, nothing
from net8.eip712 import Domain
from net8.signing import Signature, checksum_address

__all__ = ["Euro", "Net8", "Token"]


_DOMAIN_FIELDS = b"\x0f"  # name, version, chain and contract, and nothing else


def _domain(fields: bytes, name: str, version: str, chain_id: int, contract: str, *_: object) -> Domain:
    if fields != _DOMAIN_FIELDS:
        raise CallRefused(f"{name} at {contract} signs in a domain of other fields than NET8 knows; approve instead")
    return Domain(name, version, chain_id, checksum_address(contract))


class Token(Contract):
    """NET8 (ERC-20 with EIP-2612 permit)."""

    NAME = "NET8"

    def transfer(self, receiver: str, amount: int) -> Call[bool]:
        """Pass the caller's tokens on."""
        return self._call("transfer", receiver, amount, into=bool)

    def transfer_from(self, holder: str, receiver: str, amount: int) -> Call[bool]:
        """Pass on tokens of a holder who allowed it."""
        return self._call("transferFrom", holder, receiver, amount, into=bool)

    def approve(self, spender: str, amount: int) -> Call[bool]:
        """Allow a spender to take up to `amount` of the caller."""
        return self._call("approve", spender, amount, into=bool)

    def permit(self, owner: str, spender: str, amount: int, deadline: int, signature: Signature) -> Call[None]:
        """The same by the owner's signed `Permit`; anyone may submit it."""
        r, s = signature.r.to_bytes(32), signature.s.to_bytes(32)
        return self._call("permit", owner, spender, amount, deadline, signature.v, r, s, into=nothing)

    def burn(self, amount: int) -> Call[None]:
        """Destroy the caller's own tokens."""
        return self._call("burn", amount, into=nothing)

    def balance_of(self, account: str) -> Call[int]:
        """What an account holds."""
        return self._call("balanceOf", account, into=int)

    def allowance(self, owner: str, spender: str) -> Call[int]:
        """What a spender may still take of an owner."""
        return self._call("allowance", owner, spender, into=int)

    def total_supply(self) -> Call[int]:
        """All there is."""
        return self._call("totalSupply", into=int)

    def nonces(self, owner: str) -> Call[int]:
        """The nonce of the owner's next `Permit`."""
        return self._call("nonces", owner, into=int)

    def decimals(self) -> Call[int]:
        """Decimals of the unit people use."""
        return self._call("decimals", into=int)

    def symbol(self) -> Call[str]:
        """Short name."""
        return self._call("symbol", into=str)

    def domain(self) -> Call[Domain]:
        """Where its permits count, as the token itself tells (EIP-5267); one without permits refuses."""
        return self._call("eip712Domain", into=_domain)

    def owner(self) -> Call[str]:
        """Owner of the contract."""
        return self._call("owner", into=checksum_address)


class Net8(Token):
    """The NET8 token with what only it has."""

    def set_minter(self, minter: str) -> Call[None]:
        """Name the Reserve, once; the deployer alone."""
        return self._call("set_minter", minter, into=nothing)

    def minter(self) -> Call[str]:
        """Who alone creates NET8."""
        return self._call("minter", into=checksum_address)


class Euro(Token):
    """A euro stablecoin; `mint` exists on the local chain's euro alone."""

    NAME = "TestEuro"

    def mint(self, receiver: str, amount: int) -> Call[None]:
        """Create euros of a local chain; its owner alone."""
        return self._call("mint", receiver, amount, into=nothing)
