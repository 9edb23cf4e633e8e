"""The street's time is the chain's. The clock moves it: at a steady pace beside the app, in steps when headless."""

import time

from net8.units import slot_end, slot_of, slot_start

from scripts.street.rpc import Rpc

__all__ = ["ChainClock"]

_TICK = 0.5  # seconds between two blocks of a running clock


class ChainClock:
    """Moves the local chain's clock, never backwards."""

    def __init__(self, rpc: Rpc) -> None:
        """`rpc` of an anvil."""
        self._rpc = rpc
        self._anchor: tuple[float, int] | None = None

    def now(self) -> int:
        """Timestamp of the latest block, unix seconds."""
        return int(self._rpc.call("eth_getBlockByNumber", "latest", False)["timestamp"], 16)

    def slot(self) -> int:
        """The slot in which the chain is."""
        return slot_of(self.now())

    def go_to(self, moment: int) -> None:
        """Make `moment` the chain's time by a block of its own; nothing if it is past.

        Both the block and the clock behind it are set, so that the blocks that follow are not dated later than theirs.
        """
        if moment > self.now():
            self._rpc.batch([("anvil_setTime", (moment,)), ("evm_mine", ())])

    def go_into(self, slot: int) -> None:
        """Move to the start of a slot."""
        self.go_to(slot_start(slot))

    def finish(self, slot: int) -> None:
        """Move to the end of a slot."""
        self.go_to(slot_end(slot))

    def run_at(self, factor: float) -> None:
        """From now on let `tick` run the chain `factor` times as fast as the wall."""
        self._factor = factor
        self._anchor = (time.monotonic(), self.now())

    def tick(self) -> int:
        """Wait a moment, move the running clock on, and return the slot it is in."""
        assert self._anchor is not None, "run_at comes first"
        time.sleep(_TICK)
        since, began = self._anchor
        self.go_to(began + int((time.monotonic() - since) * self._factor))
        return self.slot()
