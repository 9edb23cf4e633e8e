"""Gas of each kind of call, in virgin storage and one turn of the ring later.

Makers sell, each with another order resting elsewhere; a market that is measured holds three far levels with one
order each, but for the first order in a market or an hour. Every scenario has an hour of its own, so that no call
warms or fills a word for the next. The hours' tariffs are published beforehand, as grid operators do every day; only
`place_first_in_hour` is the first order in an hour that has the zone's default tariff, and fixes it. The second turn
is the same in the same cells, which reports and releases have emptied.
"""

from collections.abc import Iterator, Sequence
from itertools import product
from typing import NamedTuple

from net8.model import OrderKind
from net8.packing import Entry, OrderRequest
from net8.units import WEI_PER_NET8, first_slot_of, hour_of, slot_end, slots_of_hour

from bench import signed
from bench.site import BUYERS, SELLERS, TARIFF_LEAD, TERMS, Zone

__all__ = ["ALL_IN", "RING_HOURS", "STATES", "Row", "rows"]

RING_HOURS = 1_024  # after which the exchange's storage comes round again
DAY_HOURS = 24
STATES = ("virgin", "recycled")
ALL_IN = "all_in"  # the one row of several transactions
WH = 1_000  # of one order
PRICE = TERMS.floor + 100 * TERMS.step  # grains per Wh
FAR_LEVELS = (180, 200, 220)
TEN = 10
MAKERS = SELLERS[:TEN]
FAR_MAKERS = SELLERS[20:23]
TAKER = BUYERS[0]
DAY = 96  # orders of one place_many
NONCES_ALIVE = 128  # of a site; after so many, nonce words come round
PUBLISHED = 96  # hours of a turn, more than its scenarios use


class Row(NamedTuple):
    """What the chain's latest transaction used, just sent; `ALL_IN` adds those that placed what it took."""

    key: str
    state: str
    used: int  # gas
    units: int = 1  # what the row counts: orders, pairs, slots

    @property
    def gas(self) -> int:
        """Of one unit."""
        return round(self.used / self.units)


def rows(zone: Zone, states: Sequence[str] = STATES) -> Iterator[Row]:
    """In both states, or in the first alone, which takes seconds."""
    first_hour = hour_of(zone.now())
    for turn, state in enumerate(states):
        scenarios = _Turn(zone, first_hour + turn * RING_HOURS, turn)
        for key, used, units in scenarios.run():
            yield Row(key, state, used, units)
        yield Row("net8_transfer", state, _transfer(zone))
        if state != states[-1]:
            scenarios.clear_up()
            zone.move_to((first_hour + (turn + 1) * RING_HOURS) * 3600 + 1)


def _transfer(zone: Zone) -> int:
    """From one holder to another."""
    return zone.of_site(SELLERS[0], zone.contracts.token.transfer(zone.owners[1], WEI_PER_NET8))


class _Turn:
    """All scenarios once, each in the next free hour."""

    def __init__(self, zone: Zone, now_hour: int, turn: int) -> None:
        self._zone = zone
        self._book = zone.contracts.exchange
        self._first_nonce = 1 + turn * NONCES_ALIVE
        self._default_hour = now_hour + 3
        self._first = self._next = now_hour + TARIFF_LEAD + 1
        self._settled: set[tuple[int, int]] = set()  # hour and slot of it
        zone.publish(range(self._first, self._first + PUBLISHED))

    def run(self) -> Iterator[tuple[str, int, int]]:
        """Key, gas of the transaction that was just sent, and what it is divided by."""
        self._rest_elsewhere()
        self._round_trip()
        yield "place_first_in_hour", self._sell(MAKERS[0], first_slot_of(self._default_hour)), 1
        yield "place_first_in_market", self._sell(MAKERS[0], first_slot_of(self._hour())), 1
        yield "place_new_tick", self._place_new_tick(), 1
        yield "place_existing", self._place_existing(), 1
        yield "take_1_full", self._take([PRICE]), 1
        placed, taken = self._ten_same_tick()
        yield "take_10_same_tick", taken, 1
        yield ALL_IN, placed + taken, TEN
        yield "take_10_ticks", self._take([PRICE + i * TERMS.step for i in range(TEN)]), 1
        yield "cancel", self._cancel_fifth(), 1
        yield "place_many_96_per_order", self._place_many(), DAY
        pair_hours, strip_hour = (self._hour(), self._hour()), self._hour(DAY_HOURS)
        yield from signed.rows(self._zone, pair_hours, strip_hour, self._first_nonce)
        four, one = self._trade_hour(range(4)), self._trade_hour(range(1))
        self._zone.move_to(slot_end(first_slot_of(self._next)) + 1)
        sites = len(SELLERS) + len(BUYERS)
        yield "settle_per_site_slot_100x4", self._settle(four, range(4)), sites * 4
        yield "settle_per_site_slot_100x1", self._settle(one, range(1)), sites
        self._settled = {*((four, i) for i in range(4)), (one, 0)}

    # --- acting -----------------------------------------------------------------------------------------------------

    def _hour(self, count: int = 1) -> int:
        hour, self._next = self._next, self._next + count
        return hour

    def _market(self) -> int:
        """A slot of an hour of its own, with three far levels."""
        slot = first_slot_of(self._hour())
        for maker, level in zip(FAR_MAKERS, FAR_LEVELS, strict=True):
            self._sell(maker, slot, TERMS.floor + level * TERMS.step)
        return slot

    def _place(self, index: int, slot: int, sell: bool, price: int, wh: int, kind: OrderKind = OrderKind.LIMIT) -> int:
        return self._zone.of_site(index, self._book.place(self._zone.site(index), slot, sell, price, wh, kind))

    def _sell(self, maker: int, slot: int, price: int = PRICE) -> int:
        return self._place(maker, slot, True, price, WH)

    def _buy(self, slot: int, price: int, wh: int) -> int:
        return self._place(TAKER, slot, False, price, wh)

    # --- scenarios --------------------------------------------------------------------------------------------------

    def _rest_elsewhere(self) -> None:
        slot = first_slot_of(self._hour())
        for maker in (*MAKERS, TAKER):
            self._place(maker, slot, maker != TAKER, PRICE if maker != TAKER else TERMS.floor, WH)

    def _round_trip(self) -> None:
        slot = first_slot_of(self._hour())
        self._sell(FAR_MAKERS[0], slot)
        self._buy(slot, PRICE, WH)

    def _place_new_tick(self) -> int:
        return self._sell(MAKERS[0], self._market())

    def _place_existing(self) -> int:
        slot = self._market()
        self._sell(MAKERS[1], slot)
        return self._sell(MAKERS[0], slot)

    def _take(self, prices: list[int]) -> int:
        slot = self._market()
        for maker, price in zip(MAKERS, prices, strict=False):
            self._sell(maker, slot, price)
        return self._buy(slot, max(prices), WH * len(prices))

    def _ten_same_tick(self) -> tuple[int, int]:
        """The placing of ten orders at one price, and the take of all ten: what they cost from beginning to end.

        Nothing is left to do for the makers: the report that settles everybody pays them.
        """
        slot = self._market()
        placed = sum(self._sell(maker, slot) for maker in MAKERS)
        return placed, self._buy(slot, PRICE, WH * TEN)

    def _cancel_fifth(self) -> int:
        slot = self._market()
        for maker in MAKERS:
            self._sell(maker, slot)
        fifth = MAKERS[4]
        (order,) = self._zone.chain.read(self._zone.contracts.lens.orders_of(self._zone.site(fifth), slot))
        return self._zone.of_site(fifth, self._book.cancel(order.id))

    def _place_many(self) -> int:
        first = first_slot_of(self._hour(DAY_HOURS))
        orders = [OrderRequest(first + i, True, PRICE, WH) for i in range(DAY)]
        return self._zone.of_site(MAKERS[0], self._book.place_many(self._zone.site(MAKERS[0]), orders))

    # --- settlement -------------------------------------------------------------------------------------------------

    def _trade_hour(self, slots: range) -> int:
        """Each seller sells to a buyer in these slots of an hour; the hour."""
        hour = self._hour()
        for indexes, sell in ((SELLERS, True), (BUYERS, False)):
            for index in indexes:
                orders = [OrderRequest(first_slot_of(hour) + i, sell, PRICE, WH) for i in slots]
                self._zone.of_site(index, self._book.place_many(self._zone.site(index), orders))
        return hour

    def _settle(self, hour: int, slots: range) -> int:
        """Half the sellers are short, half the buyers leave energy unused."""
        entries = []
        for index in (*SELLERS, *BUYERS):
            metered = WH if index % 2 else WH // 2
            reading = (metered, 0) if index in SELLERS else (0, metered)
            entries.append(Entry(hour, index, dict.fromkeys(slots, reading)))
        return self._zone.report(entries)

    def clear_up(self) -> None:
        """Release what rests and settle what is left, as a zone's operators do every hour."""
        lens, chain = self._zone.contracts.lens, self._zone.chain
        hours = [self._default_hour, *range(self._first, self._next)]
        slots = [slot for hour in hours for slot in slots_of_hour(hour)]
        books = chain.read_many([lens.orders(self._zone.number, *side) for side in product(slots, (True, False))])
        resting = [order.id for book in books for order in book]
        for i in range(0, len(resting), 64):
            self._zone.send(self._zone.owners[0], self._book.release(resting[i : i + 64]))
        everybody = (*SELLERS, *BUYERS)
        for hour in hours:
            left = [i for i in range(4) if (hour, i) not in self._settled]
            if left:
                entries = [Entry(hour, index, dict.fromkeys(left, (0, 0))) for index in everybody]
                self._zone.report(entries)
