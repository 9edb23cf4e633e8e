"""The exchange and its oracle registry against the reference model, over random histories of a whole street.

Two zones, five owners, seven sites. Every rule does the same on chain and in the model; after every step all money,
positions and books are equal, and the numbered invariants of the exchange hold for what lies in its storage. At the end
of some histories every view is compared. The environment variable HYPOTHESIS_PROFILE chooses how long: `default`, or
`nightly` for many more and longer histories.
"""

import os
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, replace
from itertools import chain, count
from typing import Any, ClassVar

import boa
import pytest
from boa.contracts.base_evm_contract import BoaError
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from tests.contracts.model import (
    AT_BOUND,
    EMPTY,
    EXPIRED,
    FILL_OR_KILL,
    FILLED,
    IMMEDIATE_OR_CANCEL,
    LIMIT,
    OPEN,
    POST_ONLY,
    RELEASED,
    REPORT_TIMEOUT,
    RING_HOURS,
    RING_SLOTS,
    SELF_TRADE,
    SLOT,
    Entry,
    Exchange,
    Order,
    Pair,
    Position,
    Reading,
    Refused,
    Take,
    Tariff,
    Terms,
    Wanted,
)
from tests.contracts.signing import person
from tests.contracts.street import (
    CONSUMER,
    GRAIN,
    NET8,
    SOLAR,
    STORAGE,
    Street,
    cell_of,
    closed,
    events,
    pairs_traded,
    tariff_tuple,
    terms_tuple,
    trades,
)
from tests.contracts.words import Words

PROFILES = {
    # actions in all, at least; steps in a history, at most; where the seeds begin (anywhere, where there is none)
    "default": (5_000, 50, 0),
    "nightly": (200_000, 100, None),
}
HISTORIES_AT_ONCE = 20
VIEWS_EVERY = 3  # histories: the views of all that is left cost as much as twenty actions
MARKETS_AT_THE_END, ORDERS_AT_THE_END = 5, 12  # how many the last comparison looks at
MUST_HAPPEN = {
    "matched",
    "rested",
    "settled",
    "reduced",
    "cancelled with others",
    "released, expired",
    "released, gated",
    "met an order, expired",
    "pairs traded",
    "taken abroad",
    "stopped",
    "refused, order: trading is stopped",
    "overdue, settled on the way",
}
LEAST_ACTIONS, STEPS, SEED = PROFILES[os.environ.get("HYPOTHESIS_PROFILE", "default")]

# The second zone is the extreme one: dearest energy, so that positions reach their bound, no fees, a far gate.
TERMS = (
    Terms(),
    Terms(feed_in=150, imbalance=65535, grid_fee=0, oracle_fee=0, floor=160, step=234, gate_lead=3, min_wh=1),
)
LEAD = 24  # hours
# Of the sites: two owners have two each, one of them in both zones; the last two sites are in the second zone.
OWNERS = ["two roofs", "here and abroad", "a shop", "two roofs", "a battery", "here and abroad", "a neighbour"]
NAMEPLATES = [40_000, 0, 1_000_000, 10_003, *[4 * (2**23 - 1)] * 3]  # W
BALANCES = [5_000 * NET8, 2_000 * NET8, 300 * NET8, NET8, 50_000 * NET8, 10**6 * NET8, 10**6 * NET8]

MEETINGS = {
    FILLED: "filled",
    EMPTY: "gone",
    SELF_TRADE: "one's own",
    AT_BOUND: "its site at the bound",
    EXPIRED: "expired",
}
MASK_REPORTED = 15 << 128  # the only bits of a terms word that change

# Few levels and few slots, so that orders meet.
LEVELS = st.sampled_from([0, 90, 91, 92, 223])
ENERGIES = st.one_of(st.integers(10, 60), st.integers(1, 5_000), st.sampled_from([9, 2**17, 2**20, 2**21 - 1, 2**21]))
OFFSETS = st.sampled_from([1, 2, 2, 2, 4, 5, 5, 100, 673])  # slots from now
NEAR = st.sampled_from([0, 0, 0, 1])
KINDS = st.sampled_from([LIMIT, LIMIT, LIMIT, IMMEDIATE_OR_CANCEL, FILL_OR_KILL, POST_ONLY, 4])
SITES = st.integers(0, len(OWNERS) - 1)
CALLERS = st.sampled_from(["owner", "owner", "owner", "owner", "desk", "stranger"])
EXPIRIES = st.sampled_from([0, 0, 0, 0, 1, SLOT, 3 * SLOT, 86_400, -1, 2**32])  # seconds from now; 0 for none
PICKS = st.integers(0, 10**6)  # an index into whatever there is by then


@dataclass
class World:
    """Where every history begins."""

    street: Street
    model: Exchange
    words: Words  # of the exchange: what is compared after every step is read as it lies, the views at the end
    zones: list[int]
    sites: list[int]


@pytest.fixture(scope="module")
def world(street: Street) -> World:
    model = Exchange(street.desk.address)
    model.now = street.now
    model.create_zone(street.grid_operator.address, Terms(), 168)  # the zone that the street itself has opened
    world = World(street, model, Words(street.exchange), [], [])
    for terms in TERMS:
        zone = street.open_zone(terms, LEAD)
        assert zone == model.create_zone(street.grid_operator.address, terms, LEAD)
        world.zones.append(zone)
    for i, (owner, nameplate, balance) in enumerate(zip(OWNERS, NAMEPLATES, BALANCES, strict=True)):
        zone = world.zones[i >= 5]
        technology = (CONSUMER, SOLAR, STORAGE)[i % 3]
        site = street.connect(person(owner), technology, nameplate, balance, zone)
        assert site == model.register_site(zone, person(owner).address, technology, nameplate, "meter")
        model.deposit(site, balance)
        world.sites.append(site)
    street.token.approve(street.exchange, 2**256 - 1, sender=street.rich())
    street.grid.set_guardian(person("guardian").address, sender=street.owner)
    return world


def order_tuple(order: Order) -> tuple[int, int, bool, int, int, int]:
    return order.id, order.site, order.sell, order.price, order.wh, order.expiry


def now_and_then(machine: "StreetMachine") -> bool:
    """Keeps the rules around trading from taking the place of trading."""
    return machine.steps % 3 == 0


class StreetMachine(RuleBasedStateMachine):
    """Rules act on both sides; the invariant compares. `touched` are the markets to look at closely after a step."""

    world: World
    happened: ClassVar[Counter[str]] = Counter()  # over all histories
    actions: ClassVar[int] = 0  # over all histories
    ended: ClassVar[Iterator[int]] = count()  # histories

    def __init__(self) -> None:
        super().__init__()
        self.anchor = boa.env.anchor()
        self.anchor.__enter__()
        self.street, self.zones, self.sites = self.world.street, self.world.zones, self.world.sites
        self.model = deepcopy(self.world.model)
        self.touched: set[tuple[int, int]] = set()
        self.seen: set[tuple[int, int]] = set()
        self.fixed: dict[int, int] = {}  # terms words that were seen
        self.settled: dict[tuple[int, int], Position] = {}  # (site, slot)
        self.steps = 0

    def teardown(self) -> None:
        try:
            if next(self.ended) % VIEWS_EVERY == 0:
                self.compare_everything()
        finally:
            self.anchor.__exit__(None, None, None)

    # ---- acting on both ---------------------------------------------------------------------------------------------

    def both(self, modelled: Any, real: Any) -> tuple[Any, Any] | None:
        """Both succeed, or both refuse and the contract names one of the faults that the model sees."""
        faults: frozenset[str] = frozenset()
        try:
            expected = modelled()
        except Refused as refused:
            faults = refused.reasons
        if not faults:
            return expected, real()
        with pytest.raises(BoaError) as error:
            real()
        said = str(error.value.stack_trace.last_frame.pretty_vm_reason)
        assert any(fault in said for fault in faults), f"expected {set(faults)}, got {said}"
        self.happened[f"refused, {min(faults)}"] += 1
        return None

    def caller(self, site: int, kind: str) -> str:
        known = {"owner": self.model.sites[site].owner, "desk": self.street.desk.address}
        return known.get(kind) or person(kind).address

    def look_at(self, zone: int, *slots: int) -> None:
        self.touched.update((zone, slot) for slot in slots)

    def want(
        self,
        site: int,
        offset: int,
        sell: bool,
        level: int,
        wh: int,
        kind: int,
        off_grid: bool = False,
        expiry: int = 0,
    ) -> Wanted:
        return self.want_in(site >> 16, offset, sell, level, wh, kind, off_grid, expiry)

    def want_in(
        self,
        zone: int,
        offset: int,
        sell: bool,
        level: int,
        wh: int,
        kind: int,
        off_grid: bool = False,
        expiry: int = 0,
    ) -> Wanted:
        """An order in a zone's market; `expiry` in seconds from now, 0 for none."""
        slot = self.model.now_slot + offset
        self.look_at(zone, slot, *({slot - RING_SLOTS} & {seen for _, seen in self.seen}))
        price = self.model.terms(zone, slot // 4).price(level) + off_grid
        return Wanted(slot, sell, price, wh, kind, expiry and self.model.now + expiry)

    def traded(self) -> list[tuple[int, int]]:
        """(site, slot) of all open positions, oldest first."""
        found = [
            (site, 4 * cell.hour + quarter)
            for (site, _), cell in self.model.hours.items()
            for quarter, position in enumerate(cell.slots)
            if position.outcome == OPEN and position.traded
        ]
        return sorted(found, key=lambda both: both[1])

    def count_what_settled(self, contract: Any) -> None:
        """What another turn of the ring had left behind."""
        self.happened["overdue, settled on the way"] += len(events(contract, "SettledOverdue"))
        self.happened["forgotten, released on the way"] += sum(reason == RELEASED for _, _, reason in closed(contract))

    # ---- trading ----------------------------------------------------------------------------------------------------

    @rule(
        i=SITES,
        offset=OFFSETS,
        sell=st.booleans(),
        level=LEVELS,
        wh=ENERGIES,
        kind=KINDS,
        by=CALLERS,
        off_grid=st.sampled_from([False] * 15 + [True]),
        expiry=EXPIRIES,
    )
    def place(
        self,
        i: int,
        offset: int,
        sell: bool,
        level: int,
        wh: int,
        kind: int,
        by: str,
        off_grid: bool = False,
        expiry: int = 0,
    ) -> None:
        site = self.sites[i]
        wanted, caller = self.want(site, offset, sell, level, wh, kind, off_grid, expiry), self.caller(site, by)
        result = self.both(
            lambda: self.model.place(caller, site, wanted),
            lambda: self.street.place(site, wanted, sender=caller),
        )
        if result is None:
            return
        placed, (order, filled) = result
        assert (placed.order.id if placed.order else 0, placed.filled) == (order, filled)
        self.compare_take(site, placed.take)
        lapsed = [e.wh for e in events(self.street.exchange, "OrderLapsed")]
        assert lapsed == ([placed.lapsed] if placed.lapsed else [])
        self.happened["matched" if filled else "rested" if order else "lapsed"] += 1

    def compare_take(self, site: int, take: Take) -> None:
        assert trades(self.street.exchange) == [(o.id, o.site, site, q) for o, q, _ in take.steps if q]
        self.happened["stopped by the bound on work"] += take.stopped
        for _, _, reason in take.steps:
            self.happened[f"met an order, {MEETINGS[reason]}"] += 1
        self.count_what_settled(self.street.exchange)

    # What most orders are, and where they meet: the same two markets for two hours, and again a turn of the ring later.

    @rule(i=SITES, n=NEAR, level=st.sampled_from([0, 90, 90, 91]), wh=st.integers(10, 500))
    def sell(self, i: int, n: int, level: int, wh: int) -> None:
        self.place(i, self.near(n), True, level, wh, LIMIT, "owner")

    @rule(i=SITES, n=NEAR, level=st.sampled_from([90, 91, 91, 223]), wh=st.integers(10, 500))
    def buy(self, i: int, n: int, level: int, wh: int) -> None:
        self.place(i, self.near(n), False, level, wh, LIMIT, "owner")

    @rule(i=SITES, n=NEAR, sell=st.booleans(), wh=st.integers(10, 500), seconds=st.integers(1, 2 * SLOT))
    def offer_for_a_while(self, i: int, n: int, sell: bool, wh: int, seconds: int) -> None:
        self.place(i, self.near(n), sell, 90, wh, LIMIT, "owner", expiry=seconds)

    @rule(i=SITES, j=SITES, n=NEAR, wh=st.integers(10, 500))
    def walk_past_what_has_expired(self, i: int, j: int, n: int, wh: int) -> None:
        """Somebody offers for a minute, and a buyer comes after it."""
        self.place(i, self.near(n), True, 90, wh, LIMIT, "owner", expiry=60)
        self.move(60)
        self.place(j, self.near(n), False, 91, wh, LIMIT, "owner")

    @precondition(lambda self: self.steps % 4 == 0 and (self.traded() or self.model.orders))
    @rule(pick=PICKS, other=SITES)
    def trade_a_turn_later(self, pick: int, other: int) -> None:
        """Where a position or an order was left behind, its site trades again when the ring has come round."""
        left = self.traded() + [(order.site, order.slot) for order in self.model.orders.values()]
        site, slot = left[pick % len(left)]
        slot += RING_SLOTS
        if slot > self.model.now_slot + 80:
            self.move((slot - 8) * SLOT - self.model.now)
        if slot > self.model.now_slot + 3:
            offset = slot - self.model.now_slot
            self.place(self.sites.index(site), offset, True, 90, 50, LIMIT, "owner")
            self.place(other, offset, False, 90, 30, LIMIT, "owner")

    @rule(i=SITES, j=SITES, n=NEAR, wh=st.integers(10, 500))
    def trade(self, i: int, j: int, n: int, wh: int) -> None:
        self.place(i, self.near(n), True, 90, wh, LIMIT, "owner")
        self.place(j, self.near(n), False, 91, wh, LIMIT, "owner")

    def near(self, n: int) -> int:
        """Slots from now to one of the two busy markets; never gated."""
        return 8 - (self.model.now_slot + 4) % 8 + 4 + n

    @rule(i=SITES, offset=OFFSETS, orders=st.lists(st.tuples(st.booleans(), LEVELS, ENERGIES, KINDS), max_size=6))
    def place_many(self, i: int, offset: int, orders: list[tuple[bool, int, int, int]]) -> None:
        site = self.sites[i]
        wanted = [self.want(site, offset + n % 3, *order) for n, order in enumerate(orders)]
        owner = self.model.sites[site].owner
        self.both(
            lambda: self.model.place_many(owner, site, wanted),
            lambda: self.street.exchange.place_many(site, [one.packed() for one in wanted], sender=owner),
        )

    @rule(
        i=SITES,
        n=NEAR,
        sell=st.booleans(),
        level=st.sampled_from([0, 12, 13, 90, 223]),
        wh=st.integers(10, 1000),
        kind=st.sampled_from([IMMEDIATE_OR_CANCEL] * 5 + [FILL_OR_KILL, LIMIT]),
        fees=st.tuples(st.integers(0, 50), st.sampled_from([0, 1, 2**16 - 1])),
        by=st.sampled_from(["desk"] * 7 + ["owner"]),
    )
    def take_abroad(
        self, i: int, n: int, sell: bool, level: int, wh: int, kind: int, fees: tuple[int, int], by: str
    ) -> None:
        site = self.sites[i]
        away = self.zones[site >> 16 == self.zones[0]]
        wanted, caller = self.want_in(away, self.near(n), sell, level, wh, kind), self.caller(site, by)
        self.look_at(site >> 16, wanted.slot)
        asked = (wanted.slot, sell, wanted.price, wh, kind, *fees)
        result = self.both(
            lambda: self.model.take_abroad(caller, site, away, wanted, *fees),
            lambda: self.street.exchange.take_abroad(site, away, *asked, sender=caller),
        )
        if result:
            (modelled, take), filled = result
            assert modelled == filled
            self.compare_take(site, take)
            self.happened["taken abroad" if filled else "lapsed abroad"] += 1

    @rule(i=SITES, n=NEAR, sell=st.booleans(), level=st.sampled_from([0, 12, 13, 90]), wh=st.integers(10, 500), j=SITES)
    def trade_abroad(self, i: int, n: int, sell: bool, level: int, wh: int, j: int) -> None:
        """Somebody rests in one zone, and a site of the other takes it."""
        maker, taker = (0, 5 + i % 2) if self.sites[j] >> 16 == self.zones[1] else (5 + j % 2, i % 5)
        self.place(maker, self.near(n), sell, level, wh, POST_ONLY, "owner")
        self.take_abroad(taker, n, not sell, level, wh + j, IMMEDIATE_OR_CANCEL, (i, j), "desk")

    @rule(
        picks=st.lists(
            st.tuples(SITES, SITES, NEAR, st.sampled_from([100, 160, 1000, 1007, 2330, 99]), ENERGIES), max_size=5
        ),
        fee=st.sampled_from([0, 0, 0, 1, 10**6]),
        by=st.sampled_from(["desk"] * 9 + ["stranger"]),
    )
    def trade_pairs(self, picks: list[tuple[int, int, int, int, int]], fee: int, by: str) -> None:
        pairs = [
            Pair(self.sites[i], self.sites[j], self.model.now_slot + self.near(n), price, wh, fee, fee // 2)
            for i, j, n, price, wh in picks
        ]
        for pair in pairs:
            self.look_at(pair.seller >> 16, pair.slot)
        caller = self.caller(self.sites[0], by)
        fills = [self.street.fill(pair) for pair in pairs]
        result = self.both(
            lambda: self.model.trade(caller, pairs), lambda: self.street.exchange.trade(fills, sender=caller)
        )
        if result:
            expected = [(p.seller, p.buyer, p.slot, p.price, p.wh) for p in pairs]
            assert pairs_traded(self.street.exchange) == expected
            self.happened["pairs traded"] += len(pairs)
            self.count_what_settled(self.street.exchange)

    @rule(i=st.integers(0, 4), j=st.integers(0, 4), n=NEAR, price=st.integers(100, 2330), wh=st.integers(1, 500))
    def trade_a_pair(self, i: int, j: int, n: int, price: int, wh: int) -> None:
        self.trade_pairs([(i, j, n, price, wh)] * 2, 3, "desk")

    @precondition(now_and_then)
    @rule(i=SITES, offset=OFFSETS, sell=st.booleans(), level=LEVELS, count=st.integers(20, 70))
    def spread_dust(self, i: int, offset: int, sell: bool, level: int, count: int) -> None:
        site = self.sites[i]
        wanted = [self.want(site, offset, sell, level, 10, POST_ONLY)] * count
        owner = self.model.sites[site].owner
        self.both(
            lambda: self.model.place_many(owner, site, wanted),
            lambda: self.street.exchange.place_many(site, [one.packed() for one in wanted], sender=owner),
        )

    @precondition(lambda self: self.model.numbers)
    @rule(pick=PICKS, by=CALLERS, resting=st.booleans())
    def cancel(self, pick: int, by: str, resting: bool) -> None:
        numbers = list(self.model.orders) if resting and self.model.orders else list(self.model.numbers)
        number = numbers[pick % len(numbers)]
        self.look_at(*self.model.numbers[number])
        site = self.model.orders[number].site if number in self.model.orders else self.sites[pick % len(self.sites)]
        caller = self.caller(site, by)
        self.both(lambda: self.model.cancel(caller, number), lambda: self.street.exchange.cancel(number, sender=caller))

    @precondition(lambda self: self.model.numbers)
    @rule(pick=PICKS, wh=st.one_of(ENERGIES, st.none()), by=CALLERS, resting=st.sampled_from([True, True, True, False]))
    def reduce(self, pick: int, wh: int | None, by: str, resting: bool) -> None:
        numbers = list(self.model.orders) if resting and self.model.orders else list(self.model.numbers)
        number = numbers[pick % len(numbers)]
        self.look_at(*self.model.numbers[number])
        order = self.model.orders.get(number)
        caller = self.caller(order.site if order else self.sites[0], by)
        left = wh if wh is not None else (order.wh * 2 // 3 if order else 10)
        result = self.both(
            lambda: self.model.reduce(caller, number, left),
            lambda: self.street.exchange.reduce(number, left, sender=caller),
        )
        self.happened["reduced"] += result is not None

    @precondition(lambda self: self.model.numbers)
    @rule(pick=PICKS, count=st.integers(0, 20), by=CALLERS, own=st.sampled_from([True, True, True, False]))
    def cancel_many(self, pick: int, count: int, by: str, own: bool) -> None:
        numbers = list(self.model.numbers)
        site = self.sites[pick % len(self.sites)]
        if own:
            numbers = [n for n in numbers if n not in self.model.orders or self.model.orders[n].site == site]
        chosen = (numbers[pick % len(numbers) :] + numbers)[:count] if numbers else []
        for number in chosen:
            self.look_at(*self.model.numbers[number])
        caller = self.caller(site, by)
        there = sum(number in self.model.orders for number in set(chosen))
        result = self.both(
            lambda: self.model.cancel_many(caller, chosen),
            lambda: self.street.exchange.cancel_many(chosen, sender=caller),
        )
        if result:
            assert len(closed(self.street.exchange)) == there
            self.happened["cancelled with others"] += there

    @precondition(lambda self: self.model.numbers)
    @rule(pick=PICKS, count=st.integers(1, 64), careless=st.sampled_from([True, False, False]))
    def release(self, pick: int, count: int, careless: bool) -> None:
        numbers = list(self.model.numbers)
        if not careless:
            orders = self.model.orders
            numbers = [
                n
                for n in numbers
                if n not in orders or not self.model.gate_open(*self.model.numbers[n]) or self.model.expired(orders[n])
            ]
        chosen = (numbers[pick % len(numbers) :] + numbers)[:count] if numbers else []
        for number in chosen:
            self.look_at(*self.model.numbers[number])
        result = self.both(lambda: self.model.release(chosen), lambda: self.street.exchange.release(chosen))
        if result:
            assert [order for order, _, _ in closed(self.street.exchange)] == result[0]
            for _, _, reason in closed(self.street.exchange):
                self.happened["released, expired" if reason == EXPIRED else "released, gated"] += 1

    # ---- money and the guardian -------------------------------------------------------------------------------------

    @precondition(now_and_then)
    @rule(i=SITES, grains=st.integers(1, 10**9))
    def deposit(self, i: int, grains: int) -> None:
        site, patron = self.sites[i], person("patron").address
        self.both(
            lambda: self.model.deposit(site, grains),
            lambda: self.street.exchange.deposit(site, grains * GRAIN, sender=patron),
        )

    @precondition(now_and_then)
    @rule(i=SITES, share=st.sampled_from([1, 2, 1000]), more=st.booleans(), by=CALLERS)
    def withdraw(self, i: int, share: int, more: bool, by: str) -> None:
        site = self.sites[i]
        grains, caller = self.model.sites[site].free // share + more, self.caller(site, by)
        if grains:
            self.both(
                lambda: self.model.withdraw(caller, site, grains),
                lambda: self.street.exchange.withdraw(site, grains * GRAIN, person("savings").address, sender=caller),
            )

    @precondition(now_and_then)
    @rule(i=SITES, grains=st.integers(1, 10**6), by=st.sampled_from(["desk", "desk", "owner"]))
    def charge(self, i: int, grains: int, by: str) -> None:
        site = self.sites[i]
        caller = self.caller(site, by)
        self.both(
            lambda: self.model.charge(caller, site, grains),
            lambda: self.street.exchange.charge(site, grains, sender=caller),
        )

    @precondition(now_and_then)
    @rule(share=st.sampled_from([1, 2]), by=st.sampled_from(["desk", "stranger"]))
    def pay_relayers(self, share: int, by: str) -> None:
        grains, caller = self.model.sites[0].free // share, self.caller(0, by)
        if grains:
            self.both(
                lambda: self.model.withdraw(caller, 0, grains),
                lambda: self.street.exchange.withdraw(0, grains * GRAIN, person("relayer").address, sender=caller),
            )

    @precondition(lambda self: self.steps % 10 == 0)
    @rule(seconds=st.sampled_from([1, SLOT, SLOT, 3 * 86_400, 3 * 86_400 + 1]))
    def stop_orders(self, seconds: int) -> None:
        guardian = person("guardian").address
        result = self.both(
            lambda: self.model.stop_orders(seconds), lambda: self.street.grid.stop_orders(seconds, sender=guardian)
        )
        self.happened["stopped"] += result is not None

    @precondition(lambda self: self.model.now < self.model.stopped_until or self.steps % 20 == 0)
    @rule(by=st.sampled_from(["guardian", "owner"]))
    def resume_orders(self, by: str) -> None:
        caller = person("guardian").address if by == "guardian" else self.street.owner
        self.both(self.model.resume_orders, lambda: self.street.grid.resume_orders(sender=caller))

    @rule(zone=st.integers(0, 1), what=st.sampled_from(["fund", "ask", "ask", "take", "take", "fees"]), grains=PICKS)
    def operate(self, zone: int, what: str, grains: int) -> None:
        zone, operator = self.zones[zone], self.street.grid_operator.address
        exchange, grid, model, grains = self.street.exchange, self.street.grid, self.model, grains + 1
        if what == "fund":
            patron = person("patron").address
            self.both(
                lambda: model.fund_pool(zone, grains),
                lambda: exchange.fund_pool(zone, grains * GRAIN, sender=patron),
            )
        elif what == "ask":
            self.both(
                lambda: model.request_pool_withdrawal(zone, grains),
                lambda: grid.request_pool_withdrawal(zone, grains, sender=operator),
            )
        else:
            take = "withdraw_pool" if what == "take" else "withdraw_fees"
            result = self.both(
                lambda: getattr(model, take)(zone),
                lambda: getattr(grid, take)(zone, person("utility").address, sender=operator),
            )
            assert result is None or result[0] == result[1]

    # ---- terms ------------------------------------------------------------------------------------------------------

    @precondition(now_and_then)
    @rule(
        zone=st.integers(0, 1),
        ahead=st.integers(LEAD, LEAD + 2),
        tariffs=st.lists(
            st.builds(Tariff, st.integers(0, 99), st.integers(2_912, 6_000), st.integers(9, 400)),
            min_size=1,
            max_size=3,
        ),
    )
    def publish_tariffs(self, zone: int, ahead: int, tariffs: list[Tariff]) -> None:
        zone = self.zones[zone]
        hour = self.model.now_hour + ahead
        self.both(
            lambda: self.model.publish_tariffs(zone, hour, tariffs),
            lambda: self.street.grid.publish_tariffs(
                zone, hour, [tariff_tuple(t) for t in tariffs], sender=self.street.grid_operator.address
            ),
        )

    @precondition(now_and_then)
    @rule(
        zone=st.integers(0, 1),
        change=st.fixed_dictionaries(
            {}, optional={"gate_lead": st.integers(0, 4), "min_wh": st.integers(1, 20), "floor": st.integers(151, 170)}
        ),
    )
    def set_default_terms(self, zone: int, change: dict[str, int]) -> None:
        terms = replace(TERMS[zone], **change)
        zone = self.zones[zone]
        self.both(
            lambda: self.model.set_default_terms(zone, terms),
            lambda: self.street.grid.set_default_terms(
                zone, terms_tuple(terms), sender=self.street.grid_operator.address
            ),
        )

    @precondition(now_and_then)
    @rule(zone=st.integers(0, 1), ahead=st.integers(0, LEAD + 1))
    def fix_terms(self, zone: int, ahead: int) -> None:
        zone, hour = self.zones[zone], self.model.now_hour + ahead
        self.both(lambda: self.model.fix_terms(zone, hour), lambda: self.street.exchange.fix_terms(zone, hour))

    # ---- reports ----------------------------------------------------------------------------------------------------

    def reading(self, site: int, slot: int, mood: int) -> Reading | None:
        """What a meter might have counted: as traded, a bit off, nothing, no reading, or impossible."""
        position = self.model.position(site, slot)
        sold, bought = max(position.net_wh, 0), max(-position.net_wh, 0)
        most = self.model.sites[site].nameplate // 4 if site in self.model.sites else 0
        return (
            Reading(min(sold, most), bought),
            Reading(min(sold, most), bought),
            Reading(min(sold // 2, most), bought // 3),
            Reading(most, bought + 7),
            Reading(0, 0),
            None,
            Reading(most + 1, bought),
        )[mood % 7]

    @rule(
        zone=st.integers(0, 1),
        pick=PICKS,
        back=st.integers(0, 6),
        mask=st.integers(1, 15),
        hours=st.integers(1, 2),
        moods=st.lists(st.integers(0, 7), min_size=8, max_size=8),
        unsorted=st.sampled_from([False] * 5 + [True]),
        signers=st.sampled_from([(0, 1, 2), (0, 1, 3), (1, 2, 3), (0, 1, 2, 3)]),
    )
    def report(
        self,
        zone: int,
        pick: int,
        back: int,
        mask: int,
        hours: int,
        moods: list[int],
        unsorted: bool,
        signers: tuple[int, ...],
    ) -> None:
        zone = self.zones[zone]
        waiting = [slot for site, slot in self.traded() if site >> 16 == zone and self.model.slot_over(slot)]
        slot = waiting[-1 - pick % len(waiting)] if waiting and pick % 4 else self.model.now_slot - back
        entries = []
        for hour in range(slot // 4, slot // 4 + hours):
            for index, mood in enumerate(moods[: self.model.zones[zone].sites + 1]):
                if mood == 7:
                    continue
                site = zone << 16 | index + 1
                mask_here = mask | 1 << slot % 4 if hour == slot // 4 else mask
                readings = {q: self.reading(site, 4 * hour + q, mood) for q in range(4) if mask_here >> q & 1}
                entries.append(Entry(site, hour, readings))
            self.look_at(zone, *range(4 * hour, 4 * hour + 4))
        if unsorted:
            entries.reverse()
        result = self.both(
            lambda: self.model.settle(zone, entries),
            lambda: self.street.report(*entries, zone=zone, signers=signers),
        )
        if result is None:
            return
        settlement, settled = result
        assert settlement.settled == settled
        skipped = [
            (e.site, 4 * e.hour + q, e.reason)
            for e in events(self.street.registry, "EntrySkipped")
            for q in range(4)
            if e.slots >> q & 1
        ]
        assert sorted(skipped) == sorted(settlement.skipped)
        self.happened["settled"] += settled
        for _, _, reason in settlement.skipped:
            self.happened[f"skipped, reason {reason}"] += 1
        self.count_what_settled(self.street.registry)

    @rule(pick=PICKS, any_site=st.booleans())
    def settle_overdue(self, pick: int, any_site: bool) -> None:
        waiting = self.traded()
        if waiting and not any_site:
            site, slot = waiting[pick % len(waiting)]
        else:
            site, slot = self.sites[pick % len(self.sites)], self.model.now_slot - pick % 1000
        self.look_at(site >> 16, slot)
        result = self.both(
            lambda: self.model.settle_overdue(site, slot), lambda: self.street.exchange.settle_overdue(site, slot)
        )
        if result:
            (settled,) = events(self.street.exchange, "SettledOverdue")
            assert (settled.site, settled.slot, settled.outcome) == (site, slot, result[0])
            self.happened[f"overdue, outcome {settled.outcome}"] += 1

    # ---- time -------------------------------------------------------------------------------------------------------

    @rule(seconds=st.one_of(st.integers(1, SLOT), st.sampled_from([SLOT, 3 * SLOT, 5 * SLOT, 86_400])))
    def wait(self, seconds: int) -> None:
        self.move(seconds)

    @rule(slots=st.sampled_from([REPORT_TIMEOUT, REPORT_TIMEOUT + 3, RING_SLOTS - 5, RING_SLOTS, RING_SLOTS + 1]))
    def wait_long(self, slots: int) -> None:
        self.move(slots * SLOT)

    def move(self, seconds: int) -> None:
        self.model.now += seconds
        self.street.go_to(self.model.now)

    # ---- comparing --------------------------------------------------------------------------------------------------
    # Numbers are those of the invariants in EnergyExchange.vy. Equality with the model carries each of them over from
    # what the model can only do right; what can be read off the chain's own words is checked there as well.

    @invariant()
    def money_is_equal_and_adds_up(self) -> None:
        """1 and 3; and 8, as the model pays nobody but who may ask for it."""
        self.steps += 1
        type(self).actions += 1
        accounts = [self.model.zones[zone] for zone in self.zones]
        expected = [self.model.held * GRAIN]
        expected += [grains for zone in accounts for grains in (zone.pool, zone.grid_fees, zone.oracle_fees)]
        expected += [self.model.sites[site].free for site in (0, *self.sites)]
        assert min(expected) >= 0
        assert [self.held(), *chain.from_iterable(map(self.accounts_of, self.zones)), *self.balances()] == expected
        assert self.model.accounted() == self.model.held

    def held(self) -> int:
        """Wei of NET8 that the token says the exchange has."""
        return Words(self.street.token)("erc20.balanceOf", int(self.street.exchange.address, 16))

    def accounts_of(self, zone: int) -> tuple[int, int, int]:
        """Grains in pool, grid fees and oracle fees."""
        word = self.world.words("zones._accounts", zone)
        return word & (2**80 - 1), word >> 80 & (2**80 - 1), word >> 160

    def balances(self) -> list[int]:
        """Free grains of account 0 and of all sites, settled credit included."""
        words = self.world.words
        return [
            (words("sites._accounts", site) & (2**64 - 1))
            + (words("sites._lanes", site >> 2) >> 64 * (site & 3) & (2**40 - 1))
            for site in (0, *self.sites)
        ]

    @invariant()
    def touched_markets_are_equal(self) -> None:
        self.seen |= self.touched
        for hour in {slot // 4 for _, slot in self.touched}:
            self.compare_hour(hour)
        for zone, slot in self.touched:
            self.compare_market(zone, slot)
        for zone, hour in {(zone, slot // 4) for zone, slot in self.touched}:
            self.compare_terms(zone, hour)
        self.touched.clear()

    def compare_hour(self, hour: int) -> None:
        """2 and 7."""
        on_chain: dict[tuple[int, int], Position] = {}
        for zone in self.zones:
            for site in range(zone << 16 | 1, (zone << 16 | 1) + self.model.zones[zone].sites):
                word = self.world.words("positions.position_word", site << 10 | hour % RING_HOURS)
                for quarter in range(4):
                    found = cell_of(word if word >> 232 == hour else 0, quarter)
                    on_chain[site, 4 * hour + quarter] = found
        for (site, slot), position in on_chain.items():
            assert position == self.model.position(site, slot)
            if position.outcome != OPEN:
                assert self.model.slot_over(slot), "settled before it was over"
                assert self.settled.setdefault((site, slot), position) == position, "settled twice"
        for slot in range(4 * hour, 4 * hour + 4):
            if slot not in self.model.begun:
                positions = [on_chain[site, slot] for site in self.sites]
                assert sum(position.net_wh for position in positions) == 0
                assert sum(position.value for position in positions) == 0

    def compare_market(self, zone: int, slot: int) -> None:
        """4 and 5."""
        best = {}
        terms = self.model.terms(zone, slot // 4)
        for sell in (True, False):
            resting = self.model.book(zone, slot, sell)
            word = self.world.words("book.side_word", (zone << 13) | (slot % RING_SLOTS << 1) | sell)
            bitmap = word & (2**224 - 1) if word >> 224 == slot else 0
            assert bitmap == sum({1 << (terms.level(order.price) or 0) for order in resting})
            best[sell] = resting[0].price if resting else None
            depth = [tuple(level) for level in self.street.lens.depth(zone, slot, sell)] if resting or bitmap else []
            assert depth == self.model.depth(zone, slot, sell)
        if best[True] is not None and best[False] is not None:
            assert best[False] < best[True]

    def compare_terms(self, zone: int, hour: int) -> None:
        """6."""
        state, key = self.model.zones[zone], zone << 32 | hour
        word = self.world.words("zones.terms_word", key)
        if hour in state.fixed:
            reported = sum(1 << 128 + quarter for quarter in range(4) if 4 * hour + quarter in state.reported)
            assert word == state.fixed[hour].word() | reported
            assert self.fixed.setdefault(key, word & ~MASK_REPORTED) == word & ~MASK_REPORTED, "terms changed"
        else:
            assert word == 0
            for slot in range(4 * hour, 4 * hour + 4):
                assert not any(self.model.book(zone, slot, sell) for sell in (True, False))
                assert not any(self.model.position(site, slot).traded for site in self.sites if site >> 16 == zone)

    def compare_everything(self) -> None:
        """Every view, of the markets and orders that were touched last."""
        lens, exchange, model = self.street.lens, self.street.exchange, self.model
        latest = sorted(self.seen, key=lambda market: market[1])[-MARKETS_AT_THE_END:]
        for zone, slot in latest:
            self.compare_market(zone, slot)
            for sell in (True, False):
                book = [order_tuple(order) for order in model.book(zone, slot, sell)]
                assert [tuple(order) for order in lens.orders(zone, slot, sell)] == book
            assert lens.is_reported(zone, slot) == (slot in model.zones[zone].reported)
            assert lens.is_tradable(zone, slot) == model.tradable(zone, slot)
            for site in [site for site in self.sites if site >> 16 == zone]:
                position = model.position(site, slot)
                assert tuple(lens.position(site, slot)) == (
                    position.net_wh,
                    position.value,
                    model.position_margin(site, slot),
                    position.outcome,
                    position.exported,
                    position.imported,
                )
                assert lens.margin_held(site, slot) == model.margin_held(site, slot)
                orders = [order_tuple(order) for order in model.orders_of(site, slot)]
                assert [tuple(order) for order in lens.orders_of(site, slot)] == orders
        for zone, hour in sorted({(zone, slot // 4) for zone, slot in latest}):
            self.compare_hour(hour)
            self.compare_terms(zone, hour)
            if hour >= model.now_hour:
                terms, final = lens.terms(zone, hour)
                assert tuple(terms) == terms_tuple(model.terms(zone, hour))
                assert final == model.fixable(zone, hour)
            first, count = zone << 16 | 1, model.zones[zone].sites
            for site, word in enumerate(lens.positions_of(first, count, hour), first):
                assert exchange.position_words_of(site, hour, 1) == [word]
        for number in list(model.numbers)[-ORDERS_AT_THE_END:]:
            order = model.orders.get(number)
            assert tuple(lens.order(number)) == (order_tuple(order) if order else (0, 0, False, 0, 0, 0))
            assert lens.order_lock(number) == (model.order_lock(order) if order else 0)
        assert self.street.token.balanceOf(exchange) == self.held()
        for zone in self.zones:
            assert exchange.zone_account(zone) == self.accounts_of(zone)
            first, count = zone << 16 | 1, model.zones[zone].sites
            balances = [model.sites[site].free for site in range(first, first + count)]
            assert list(lens.balances_of(first, count)) == balances
        for key, word in self.fixed.items():
            assert exchange.terms_word(key) & ~MASK_REPORTED == word, "terms changed"


@pytest.mark.timeout(0)  # the nightly profile runs for hours
def test_street__any_history__equals_the_model_and_keeps_every_invariant(world):
    StreetMachine.world = world
    assert RING_HOURS * 4 == RING_SLOTS
    begin = random.SystemRandom().randrange(2**64) if SEED is None else SEED
    for number in count(begin):
        run_state_machine_as_test(
            seed(number)(StreetMachine),
            settings=settings(
                max_examples=HISTORIES_AT_ONCE,
                stateful_step_count=STEPS,
                database=None,
                deadline=None,
                phases=[Phase.explicit, Phase.generate],
                suppress_health_check=list(HealthCheck),
            ),
        )
        print(f"{StreetMachine.actions:7} of {LEAST_ACTIONS} actions, seeds {begin} to {number}", flush=True)
        missing = MUST_HAPPEN - (+StreetMachine.happened).keys()
        if StreetMachine.actions >= (2 if missing else 1) * LEAST_ACTIONS:  # Hypothesis ends histories where it likes
            break
    for what, times in sorted(StreetMachine.happened.items()):
        print(f"{times:6} {what}")
    assert not missing, f"these histories prove little: never {missing}"


# Histories in which a fault once showed, as Hypothesis prints them: what `make fuzz` finds is kept here.


@contextmanager
def history(world: World) -> Iterator[StreetMachine]:
    StreetMachine.world = world
    machine = StreetMachine()
    try:
        yield machine
        machine.money_is_equal_and_adds_up()
        machine.touched_markets_are_equal()
    finally:
        machine.teardown()


def test_history__batch_across_the_end_of_the_horizon__refused_like_its_last_order(world):
    with history(world) as state:
        before = state.happened["refused, order: beyond the horizon"]
        state.publish_tariffs(zone=0, ahead=167, tariffs=[Tariff(50, 3_000, 100), Tariff(50, 3_000, 100)])
        state.place_many(i=0, offset=671, orders=[(True, 90, 50, LIMIT)] * 3)
        assert state.happened["refused, order: beyond the horizon"] == before + 1
        state.place_many(i=0, offset=671, orders=[(True, 90, 50, LIMIT)] * 2)
        assert len(state.model.orders) == 2


def test_history__batch_of_nothing_while_trading_is_stopped__refused_like_any_other(world):
    with history(world) as state:
        state.stop_orders(seconds=900)
        before = state.happened["refused, order: trading is stopped"]
        state.place_many(i=3, offset=1, orders=[])
        assert state.happened["refused, order: trading is stopped"] == before + 1


def test_history__default_changed_twice_since_an_hour_that_nobody_used__reported_all_the_same(world):
    with history(world) as state:
        state.set_default_terms(zone=1, change={"min_wh": 15})
        state.wait(seconds=86_400)
        state.wait(seconds=3_600)
        state.set_default_terms(zone=1, change={"min_wh": 2})
        settled = state.happened["settled"]
        state.report(back=1, hours=1, mask=15, moods=[0] * 8, pick=0, signers=(0, 1, 2), unsorted=False, zone=1)
        assert state.happened["settled"] > settled


def test_history__tariffs_with_a_fault_in_a_later_hour_and_a_fixed_first_one__refused(world):
    with history(world) as state:
        state.publish_tariffs(zone=0, ahead=26, tariffs=[Tariff(50, 3_000, 100)])
        before = state.happened["refused, terms: already fixed"]
        state.publish_tariffs(zone=0, ahead=26, tariffs=[Tariff(50, 3_000, 100), Tariff(50, 3_000, 9)])
        assert state.happened["refused, terms: already fixed"] == before + 1
