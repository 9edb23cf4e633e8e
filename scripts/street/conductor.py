"""The loop of the street: per slot orders, delivery, settlement, and the checks after it.

In slot k everybody orders for slot k + 2, the next one whose gate is open. A slot is closed when every site is settled:
its figures are compared with the homes' data, the exchange's books are added up, and certificates are minted.
"""

import sys
import time
from collections.abc import Sequence
from decimal import Decimal

from net8.audit import audit
from net8.client import Chain
from net8.contracts import Contracts
from net8.units import WEI_PER_GRAIN, first_slot_of, format_slot, hour_of_slot

from scripts.street.bulk import Bulk, Intent
from scripts.street.caretaker import Caretaker
from scripts.street.check import first_difference
from scripts.street.clock import ChainClock
from scripts.street.processes import Processes
from scripts.street.tally import Tally
from scripts.street.tariffs import DayAhead
from scripts.street.traders import Trader, orders_for
from scripts.street.zone import TERMS, Resident

__all__ = ["AHEAD", "BooksDiffer", "Conductor", "say"]

AHEAD = TERMS.gate_lead + 1  # slots from the present one to the next that can be traded
_PATIENCE = 120.0  # seconds of the wall for a slot's settlement
_LOOK_EVERY = 0.1  # a look costs the chain and this process what nodes on the same cores would need


class BooksDiffer(RuntimeError):
    """The chain does not say what it should. The message is one sentence that says what differs."""

    def __init__(self, message: str, conserved: bool) -> None:
        """`conserved`: whether at least nothing was made or lost."""
        super().__init__(message)
        self.conserved = conserved


def say(text: str) -> None:
    """Tell the person who watches; results go to the standard output, talk does not."""
    print(text, file=sys.stderr, flush=True)


class Conductor:
    """Runs one zone."""

    def __init__(
        self, chain: Chain, contracts: Contracts, bulk: Bulk, clock: ChainClock, processes: Processes, zone: int,
        residents: Sequence[Resident], traders: Sequence[Trader], caretaker: Caretaker, tariffs: DayAhead,
    ) -> None:  # fmt: skip
        """Everything set up, nothing traded yet."""
        self._chain = chain
        self._contracts = contracts
        self._bulk = bulk
        self._clock = clock
        self._processes = processes
        self._zone = zone
        self._traders = traders
        self._caretaker = caretaker
        self._tariffs = tariffs
        self._audit_from = clock.slot()
        self.residents = list(residents)
        self.tally = Tally(chain, contracts, zone)
        self.closed: list[int] = []
        self.orders = 0
        self.certificates_wh = 0

    # --- trading ----------------------------------------------------------------------------------------------------

    def order_for(self, slot: int, more: Sequence[Intent] = ()) -> None:
        """Let everybody place an order for a coming slot, and place some more."""
        now_slot = self._clock.slot()
        self._tariffs.publish(hour_of_slot(now_slot))
        self.send([*orders_for(self._traders, slot, now_slot, TERMS, self._contracts), *more])

    def send(self, orders: Sequence[Intent]) -> None:
        """Place orders; one that is refused is told, and the others stand."""
        for outcome in self._bulk.send(orders):
            if outcome.succeeded:
                self.orders += 1
            else:
                say(f"an order of {outcome.intent.account.address} was refused: {self._bulk.why(outcome)}")

    def release(self, slot: int) -> None:
        """Empty the book of a slot whose gate has closed."""
        self._caretaker.release(slot)

    # --- settlement -------------------------------------------------------------------------------------------------

    def is_settled(self, slot: int) -> bool:
        """Whether every site of the street is settled in a slot, as far as it was read from the chain by now."""
        self.tally.catch_up()
        settled = self.tally.slots[slot].settled
        return all(resident.site in settled for resident in self.residents if resident.first_slot <= slot)

    def wait_settled(self, slot: int) -> None:
        """Wait for a slot's settlement.

        Raises:
            BooksDiffer: it does not come.
            ChildDied: a process of the street ended.
        """
        deadline = time.monotonic() + _PATIENCE
        while not self.is_settled(slot):
            self._processes.check()
            if time.monotonic() > deadline:
                raise BooksDiffer(
                    f"slot {slot} is not settled after {_PATIENCE:.0f} s; see the logs of the nodes", conserved=True
                )
            time.sleep(_LOOK_EVERY)

    def close(self, slot: int, is_last: bool = False) -> None:
        """Check a settled slot, and mint the certificates of its hour when that is over.

        Raises:
            BooksDiffer: a figure is not the input's, or the exchange's books do not add up.
        """
        tally = self.tally.slots[slot]
        self.closed.append(slot)
        self._audit()
        present = [resident for resident in self.residents if resident.first_slot <= slot]
        difference = first_difference(present, tally, slot)
        if difference is not None:
            raise BooksDiffer(difference, conserved=True)
        hour = hour_of_slot(slot)
        if slot == first_slot_of(hour + 1) - 1 or is_last:
            self.certificates_wh += self._caretaker.certify(self.residents, hour)
        say(
            f"{format_slot(slot)}: {tally.trades} trades, {tally.traded_wh / 1000:.1f} kWh, "
            f"{tally.shortfall_wh} Wh short, {tally.unused_wh} Wh unused; {len(tally.settled)} sites settled, "
            "books add up"
        )

    def _audit(self) -> None:
        """Add up the exchange's books from chain state.

        Raises:
            BooksDiffer: something was made or lost, or a market sold what nobody bought.
        """
        books = audit(self._chain, self._contracts, self._audit_from)
        self._audit_from = books.first_open_slot
        if books.surplus_wei:
            grains = Decimal(abs(books.surplus_wei)) / WEI_PER_GRAIN
            more = "more" if books.surplus_wei > 0 else "less"
            raise BooksDiffer(
                f"the exchange holds {grains:f} grains {more} NET8 than it owes (block {books.block})", conserved=False
            )
        for imbalance in books.imbalances:
            raise BooksDiffer(
                f"in slot {imbalance.slot} sales and purchases differ by {imbalance.net_wh} Wh and "
                f"{imbalance.value} grains (block {books.block})",
                conserved=False,
            )
