"""A call of a contract, made and read without a connection."""

from collections.abc import Callable
from dataclasses import astuple, dataclass, is_dataclass
from typing import ClassVar, Generic, TypeVar

from net8 import abi
from net8.signing import checksum_address

__all__ = ["Call", "Contract", "Owned", "nothing"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One call: `chain.read(call)` answers it, `sender.send(call)` makes it a transaction."""

    to: str
    data: bytes
    label: str  # "EnergyExchange.place", for messages and logs
    decode: Callable[[bytes], T]  # from returned bytes to the answer
    spare_gas: int = 0  # what it may cost beyond its estimate, when others change what it meets meanwhile


def nothing(*_: object) -> None:
    """For calls that return nothing of use."""


def _plain(value: object) -> object:
    """Dataclasses as the tuples the ABI wants."""
    if is_dataclass(value) and not isinstance(value, type):
        return astuple(value)
    if isinstance(value, list | tuple):
        return [_plain(element) for element in value]
    return value


class Contract:
    """A deployed contract. Its methods make calls; nothing is sent until a chain or a sender is given one."""

    NAME: ClassVar[str]

    def __init__(self, address: str) -> None:
        """Args: address: where the contract lives."""
        self.address = checksum_address(address)

    def _call(self, name: str, *arguments: object, into: Callable[..., T], spare_gas: int = 0) -> Call[T]:
        function = abi.load(self.NAME).function(name, len(arguments))
        data = function.encode(_plain(argument) for argument in arguments)
        label = f"{self.NAME}.{name}"
        return Call(self.address, data, label, lambda answer: into(*function.decode(answer)), spare_gas)


class Owned(Contract):
    """A contract with an owner, who can pass it on in two steps."""

    def owner(self) -> Call[str]:
        """Owner of the contract."""
        return self._call("owner", into=checksum_address)

    def pending_owner(self) -> Call[str]:
        """To whom the contract is offered."""
        return self._call("pending_owner", into=checksum_address)

    def transfer_ownership(self, owner: str) -> Call[None]:
        """Offer the contract to a new owner, who has to accept."""
        return self._call("transfer_ownership", owner, into=nothing)

    def accept_ownership(self) -> Call[None]:
        """Accept the contract that was offered."""
        return self._call("accept_ownership", into=nothing)
