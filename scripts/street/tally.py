"""What happened on the chain, slot by slot, read from its events: trades, settlements, reports."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from net8.client import Chain
from net8.contracts import Contracts
from net8.events import Reported, Settled, Trade
from net8.units import slots_of_hour

__all__ = ["SlotTally", "Tally"]


@dataclass
class SlotTally:
    """One slot."""

    trades: int = 0
    traded_wh: int = 0
    net_wh: Counter[int] = field(default_factory=Counter)  # by site: sold minus bought
    settled: dict[int, tuple[int, int] | None] = field(default_factory=dict)  # by site: (export, import), None unread

    def sold(self, site: int) -> int:
        """Wh a site sold on balance."""
        return max(self.net_wh[site], 0)

    def bought(self, site: int) -> int:
        """Wh a site bought on balance."""
        return max(-self.net_wh[site], 0)

    @property
    def shortfall_wh(self) -> int:
        """Sold but not exported; without a reading nothing was."""
        return sum(self.sold(site) - min(self._exported(site), self.sold(site)) for site in self.net_wh)

    @property
    def unused_wh(self) -> int:
        """Bought but not imported; without a reading everything was."""
        return sum(self.bought(site) - min(self._imported(site), self.bought(site)) for site in self.net_wh)

    def _exported(self, site: int) -> int:
        reading = self.settled.get(site)
        return 0 if reading is None else reading[0]

    def _imported(self, site: int) -> int:
        reading = self.settled.get(site)
        return self.bought(site) if reading is None else reading[1]


class Tally:
    """All slots of a zone, kept up to date by `catch_up`."""

    def __init__(self, chain: Chain, contracts: Contracts, zone: int) -> None:
        """Starts with the block after the present one."""
        self._chain = chain
        self._contracts = contracts
        self._zone = zone
        self._next_block = chain.block().number + 1
        self.slots: defaultdict[int, SlotTally] = defaultdict(SlotTally)
        self.reports = 0

    def catch_up(self) -> None:
        """Take in the events of all blocks since the last time."""
        head = self._chain.block().number
        if head < self._next_block:
            return
        kinds = (Trade, Settled, Reported)
        sources = (self._contracts.exchange, self._contracts.registry)
        for logged in self._chain.events(sources, kinds, self._next_block, head):
            event = logged.event
            if isinstance(event, Trade):
                self._trade(event)
            elif isinstance(event, Settled):
                self._settled(event)
            elif isinstance(event, Reported) and event.zone == self._zone:
                self.reports += 1
        self._next_block = head + 1

    def _trade(self, trade: Trade) -> None:
        slot = self.slots[trade.place.slot]
        slot.trades += 1
        slot.traded_wh += trade.wh
        slot.net_wh[trade.seller] += trade.wh
        slot.net_wh[trade.buyer] -= trade.wh

    def _settled(self, settled: Settled) -> None:
        for one in settled.sites:
            for place, reading in one.entry.readings.items():
                self.slots[slots_of_hour(one.entry.hour)[place]].settled[one.site] = reading
