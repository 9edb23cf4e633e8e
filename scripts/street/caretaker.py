"""What somebody does for everybody after the gate and after the hour: empty the book, mint the certificates."""

from collections.abc import Sequence

from eth_account.signers.local import LocalAccount
from net8.client import Chain
from net8.contracts import Contracts
from net8.events import TransferBatch

from scripts.street.bulk import Bulk, Intent
from scripts.street.zone import Resident

__all__ = ["Caretaker"]

_RELEASED_AT_ONCE = 64  # orders in one call of the exchange
_NOBODY = "0x" + "0" * 40


class Caretaker:
    """Works for a zone with an account of its own; anyone could do the releasing."""

    def __init__(self, chain: Chain, contracts: Contracts, bulk: Bulk, zone: int, account: LocalAccount) -> None:
        """`account` pays the gas of releasing."""
        self._chain = chain
        self._to = contracts
        self._bulk = bulk
        self._zone = zone
        self._account = account

    def release(self, slot: int) -> int:
        """Return the locks of all orders that still rest in a slot whose gate has closed; how many there were.

        Raises:
            Refused: the gate is open.
        """
        sides = [self._to.lens.orders(self._zone, slot, sell) for sell in (True, False)]
        resting = [order.id for side in self._chain.read_many(sides) for order in side]
        self._bulk.send_all(
            [
                Intent(self._account, self._to.exchange.release(resting[at : at + _RELEASED_AT_ONCE]))
                for at in range(0, len(resting), _RELEASED_AT_ONCE)
            ]
        )
        return len(resting)

    def certify(self, residents: Sequence[Resident], hour: int) -> int:
        """Let every producer mint the certificates of an hour; Wh minted.

        Raises:
            Refused: one of them may not.
        """
        producers = [(one, one.owner) for one in residents if one.home.nameplate and one.owner is not None]
        mintable = self._chain.read_many([self._to.certificates.mintable(one.site, hour) for one, _ in producers])
        outcomes = self._bulk.send_all(
            [
                Intent(owner, self._to.certificates.mint(one.site, hour, owner.address))
                for (one, owner), wh in zip(producers, mintable, strict=True)
                if wh
            ]
        )
        return sum(
            sum(logged.event.values)
            for outcome in outcomes
            for logged in outcome.events
            if isinstance(logged.event, TransferBatch) and logged.event.sender == _NOBODY
        )
