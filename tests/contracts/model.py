"""A plain reference model of the energy exchange: what the contract must do, said without packing or gas.

Money is whole grains (10**11 wei), energy whole Wh, time unix seconds. Nothing here reads the contract: tests run
both side by side and compare them. A refused call raises `Refused` and changes nothing.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field, replace

SLOT = 900  # seconds in a slot
HORIZON = 672  # slots ahead that can be traded
REPORT_TIMEOUT = 672  # slots after a slot's end in which a report still counts
RING_HOURS = 1024  # hours of positions that are kept per site
RING_SLOTS = 4 * RING_HOURS
POOL_DELAY = 21 * 86_400  # seconds between asking for pool money and getting it
POOL_WINDOW = 7 * 86_400  # seconds in which it can then be taken
LEVELS = 224
MAX_VISITS = 64  # places in the book that one take looks at
MAX_SWEEP = 64  # places that one order clears when the ring comes round
MAX_NET_WH = 2**21 - 1
MAX_VALUE = 2**33 - 1
MAX_ORDER_WH = 2**21 - 1
MAX_PLACES = 2**11 - 1  # orders at one price before the level must empty once
NUMBERS = 2**13  # that the orders of a level have in turn
MAX_STOP = 3 * 86_400  # seconds for which the guardian may stop new orders
STOP_PAUSE = 7 * 86_400  # seconds between two stops

LIMIT, IMMEDIATE_OR_CANCEL, FILL_OR_KILL, POST_ONLY = range(4)
BY_OWNER, RELEASED, SELF_TRADE, AT_BOUND, EXPIRED = range(5)  # why an order was closed
FILLED, EMPTY = 100, 101  # what else a take may find at a place of the book
OPEN, METERED, NO_READING, AS_TRADED = range(4)
UNORDERED, UNKNOWN_SITE, NOT_OVER, TOO_LATE, ALREADY_SETTLED, ABOVE_NAMEPLATE = range(1, 7)  # why an entry is skipped


class Refused(Exception):
    """A call that must change nothing. `reasons` are all faults the call has; a contract may name any one of them."""

    def __init__(self, *reasons: str) -> None:
        super().__init__(" / ".join(reasons))
        self.reasons = frozenset(reasons)


@dataclass(frozen=True)
class Terms:
    """Rules of a zone's market hour, in grains per Wh but the gate lead (slots) and the least order (Wh)."""

    feed_in: int = 80
    imbalance: int = 3000
    grid_fee: int = 100
    oracle_fee: int = 10
    floor: int = 100
    step: int = 10
    gate_lead: int = 0
    min_wh: int = 10

    def word(self) -> int:
        """As the exchange keeps them, before any report."""
        prices = self.feed_in | self.imbalance << 16 | self.grid_fee << 32 | self.oracle_fee << 48
        return prices | self.floor << 64 | self.step << 80 | self.min_wh << 96 | self.gate_lead << 112 | 1 << 120

    def price(self, level: int) -> int:
        return self.floor + level * self.step

    def level(self, price: int) -> int | None:
        """Level of a price, or None when the price is off the grid."""
        level, rest = divmod(price - self.floor, self.step)
        return level if rest == 0 and 0 <= level < LEVELS else None

    def faults(self) -> list[str]:
        """Why these terms are refused: defaulting or wasting could pay, or a number does not fit its field."""
        top = self.price(LEVELS - 1)
        wrong = {
            "terms: empty price grid": self.step < 1 or self.floor < 1,
            "terms: price too high": max(self.floor, self.step, self.imbalance) > 65535,
            "terms: imbalance price too low": 4 * self.imbalance < 5 * top,
            "terms: feed-in too high": self.feed_in >= self.floor,
            "terms: grid fee too high": self.grid_fee > top,
            "terms: oracle fee too high": self.oracle_fee > self.grid_fee,
            "terms: gate too early": self.gate_lead > 96,
            "terms: bad minimum order": not 1 <= self.min_wh <= 65535,
        }
        return [fault for fault, found in wrong.items() if found]

    def margin(self, net_wh: int, value: int) -> int:
        """What covers the worst outcome of a position."""
        return max(0, -value + self.grid_fee * max(-net_wh, 0), net_wh * self.imbalance - value)

    def lock(self, sell: bool, price: int, wh: int) -> int:
        """What a resting order holds: the margin of its full fill."""
        return self.margin(wh, price * wh) if sell else self.margin(-wh, -price * wh)


@dataclass(frozen=True)
class Tariff:
    feed_in: int
    imbalance: int
    grid_fee: int


@dataclass
class Limits:
    """What an agent may do at the trading desk; `wh` and `value` shrink with every order and never grow back."""

    buy_max: int
    sell_min: int
    wh: int
    value: int
    first_slot: int
    last_slot: int
    expiry: int


@dataclass
class Site:
    owner: str
    technology: int
    nameplate: int
    meter_key: str
    free: int = 0


@dataclass
class Order:
    id: int
    site: int
    slot: int
    sell: bool
    price: int
    wh: int
    zone: int
    expiry: int = 0  # unix time from which it trades no more; 0 for the gate of its slot


@dataclass
class Position:
    net_wh: int = 0
    value: int = 0
    outcome: int = OPEN
    exported: int = 0
    imported: int = 0

    @property
    def traded(self) -> bool:
        return (self.net_wh, self.value) != (0, 0)


@dataclass
class Hour:
    """The four positions of a site in one hour: one cell of its ring."""

    hour: int
    slots: list[Position] = field(default_factory=lambda: [Position() for _ in range(4)])


@dataclass(frozen=True)
class Reading:
    """What a report says of a site in one slot; `None` stands for a signed "no reading"."""

    exported: int
    imported: int


@dataclass(frozen=True)
class Entry:
    """A site's part of a report: readings of some of an hour's four slots."""

    site: int
    hour: int
    readings: dict[int, Reading | None]  # slot of the hour (0..3) -> reading

    def word(self) -> int:
        word = (self.site & 0xFFFF) << 200 | self.hour << 216
        for quarter, reading in self.readings.items():
            word |= 1 << (192 + quarter)
            if reading is None:
                word |= 1 << (196 + quarter)
            else:
                word |= (reading.exported | reading.imported << 24) << (48 * quarter)
        return word


@dataclass
class Zone:
    operator: str
    tariff_lead: int  # hours
    defaults: list[tuple[int, Terms]]  # (first hour, terms), later ones win
    fixed: dict[int, Terms] = field(default_factory=dict)
    sites: int = 0
    reported: set[int] = field(default_factory=set)  # slots
    pool: int = 0
    grid_fees: int = 0
    oracle_fees: int = 0
    withdrawal: int = 0
    withdrawal_ready_at: int = 0

    def default(self, hour: int) -> Terms:
        return [terms for first, terms in self.defaults if first <= hour][-1]


@dataclass(frozen=True)
class Wanted:
    """An order as its site asks for it."""

    slot: int
    sell: bool
    price: int
    wh: int
    kind: int = LIMIT
    expiry: int = 0  # unix time; 0 for the gate of the slot

    def packed(self) -> int:
        """As `place_many` takes it."""
        order = self.wh | self.price << 24 | self.kind << 48 | self.sell << 56
        return order | self.slot << 64 | self.expiry << 96

    def crosses(self, resting: Order) -> bool:
        return resting.price >= self.price if self.sell else resting.price <= self.price


@dataclass(frozen=True)
class Pair:
    """A trade whose two sides have signed."""

    seller: int
    buyer: int
    slot: int
    price: int
    wh: int
    seller_fee: int = 0  # grains, to the desk
    buyer_fee: int = 0


@dataclass
class Take:
    """What a take meets: (resting order, Wh filled or 0 when it is dropped, why dropped), and the Wh left over."""

    steps: list[tuple[Order, int, int]]
    left: int
    stopped: bool  # by the bound on work, with crossing orders still there

    def position_change(self, sell: bool) -> tuple[int, int]:
        """The taker's (net Wh, value)."""
        sign = 1 if sell else -1
        return sign * sum(q for _, q, _ in self.steps), sign * sum(q * o.price for o, q, _ in self.steps)


@dataclass
class Placed:
    order: Order | None  # what rests
    filled: int  # Wh
    lapsed: int  # Wh neither filled nor resting
    take: Take


@dataclass
class Settlement:
    settled: int
    skipped: list[tuple[int, int, int]]  # (site, slot, reason)


class Exchange:
    """The model. Every method that takes `caller` is an external call of that address at time `now`."""

    def __init__(self, desk: str) -> None:
        self.now = 0
        self.desk = desk
        self.stopped_until = 0
        self.zones: dict[int, Zone] = {}
        self.sites: dict[int, Site] = {0: Site(desk, 0, 0, "none")}  # 0 is the desk's own account
        self.hours: dict[tuple[int, int], Hour] = {}  # (site, hour modulo the ring)
        self.begun: set[int] = set()  # slots in which something has settled
        self.books: dict[tuple[int, int, bool], dict[int, list[Order]]] = {}  # price -> places, first come first
        self.sides: dict[tuple[int, int, bool], int] = {}  # (zone, slot modulo the ring, sell) -> slot it serves
        self.orders: dict[int, Order] = {}  # those that rest
        self.numbers: dict[int, tuple[int, int]] = {}  # of all orders that ever rested: (zone, slot)
        self.used: dict[tuple[int, int, bool, int], tuple[int, int]] = {}  # level -> orders ever, when it last emptied
        self.held = 0

    # ---- time and terms ---------------------------------------------------------------------------------------------

    @property
    def now_slot(self) -> int:
        return self.now // SLOT

    @property
    def now_hour(self) -> int:
        return self.now_slot // 4

    def terms(self, zone: int, hour: int) -> Terms:
        """Terms that hold in an hour: the fixed ones, or else those that would be fixed now."""
        state = self.zones[zone]
        return state.fixed.get(hour) or state.default(hour)

    def fixable(self, zone: int, hour: int) -> bool:
        """Whether an hour without terms of its own may take the default now: it is near enough that none can follow."""
        return hour in self.zones[zone].fixed or hour <= self.now_hour + self.zones[zone].tariff_lead

    def gate_open(self, zone: int, slot: int) -> bool:
        return self.now_slot + self.terms(zone, slot // 4).gate_lead < slot

    def tradable(self, zone: int, slot: int) -> bool:
        return slot <= self.now_slot + HORIZON and self.fixable(zone, slot // 4) and self.gate_open(zone, slot)

    def fix(self, zone: int, hour: int) -> Terms:
        return self.zones[zone].fixed.setdefault(hour, self.terms(zone, hour))

    def fix_terms(self, zone: int, hour: int) -> None:
        if not self.fixable(zone, hour):
            raise Refused("terms: not fixed yet")
        self.fix(zone, hour)

    # ---- zones ------------------------------------------------------------------------------------------------------

    def create_zone(self, operator: str, terms: Terms, tariff_lead: int) -> int:
        if terms.faults():
            raise Refused(*terms.faults())
        zone = len(self.zones) + 1
        self.zones[zone] = Zone(operator, tariff_lead, [(0, terms)])
        return zone

    def set_default_terms(self, zone: int, terms: Terms) -> int:
        """New default for hours that nobody can trade yet; returns the first of them."""
        if terms.faults():
            raise Refused(*terms.faults())
        state = self.zones[zone]
        if self.now_hour < state.defaults[-1][0]:
            raise Refused("terms: change under way")
        first = self.now_hour + state.tariff_lead + 1
        # Of hours that are past and were never used, older defaults are forgotten: nobody has a position there.
        state.defaults = [(0, state.defaults[-1][1]), (first, terms)]
        return first

    def publish_tariffs(self, zone: int, first_hour: int, tariffs: list[Tariff]) -> None:
        state = self.zones[zone]
        planned: dict[int, Terms] = {}
        faults = []  # of all hours: the contract looks at all tariffs before it fixes any
        for hour, tariff in enumerate(tariffs, first_hour):
            terms = replace(
                state.default(hour), feed_in=tariff.feed_in, imbalance=tariff.imbalance, grid_fee=tariff.grid_fee
            )
            faults += terms.faults()
            if hour in state.fixed:
                faults.append("terms: already fixed")
            if first_hour <= self.now_hour + state.tariff_lead:
                faults.append("terms: published too late")
            planned[hour] = terms
        if faults:
            raise Refused(*faults)
        state.fixed.update(planned)

    # ---- sites and balances -----------------------------------------------------------------------------------------

    def register_site(self, zone: int, owner: str, technology: int, nameplate: int, meter_key: str) -> int:
        self.zones[zone].sites += 1
        site = zone << 16 | self.zones[zone].sites
        self.sites[site] = Site(owner, technology, nameplate, meter_key)
        return site

    def deposit(self, site: int, grains: int) -> None:
        self.sites[site].free += grains
        self.held += grains

    def withdraw(self, caller: str, site: int, grains: int) -> None:
        faults = []
        if self.sites[site].owner != caller:
            faults.append("site: not yours")
        if self.sites[site].free < grains:
            faults.append("balance: too low")
        if faults:
            raise Refused(*faults)
        self.sites[site].free -= grains
        self.held -= grains

    def fund_pool(self, zone: int, grains: int) -> None:
        self.zones[zone].pool += grains
        self.held += grains

    def request_pool_withdrawal(self, zone: int, grains: int) -> None:
        if grains > self.zones[zone].pool:
            raise Refused("pool: holds less")
        self.zones[zone].withdrawal = grains
        self.zones[zone].withdrawal_ready_at = self.now + POOL_DELAY

    def withdraw_pool(self, zone: int) -> int:
        """What was asked for, or what is left of it after settlements in between."""
        state = self.zones[zone]
        if state.withdrawal == 0:
            raise Refused("pool: nothing requested")
        if self.now < state.withdrawal_ready_at:
            raise Refused("pool: delay not over")
        if self.now >= state.withdrawal_ready_at + POOL_WINDOW:
            raise Refused("pool: announced too long ago")
        paid = min(state.withdrawal, state.pool)
        if paid == 0:
            raise Refused("zone: nothing to pay")
        state.withdrawal = 0
        state.pool -= paid
        self.held -= paid
        return paid

    def withdraw_fees(self, zone: int) -> int:
        state = self.zones[zone]
        if state.grid_fees == 0:
            raise Refused("zone: nothing to pay")
        paid, state.grid_fees = state.grid_fees, 0
        self.held -= paid
        return paid

    def charge(self, caller: str, site: int, grains: int) -> None:
        """A fee that a site's owner has signed for goes to the desk's account."""
        faults = []
        if caller != self.desk:
            faults.append("exchange: only the desk")
        if self.sites[site].free < grains:
            faults.append("balance: too low")
        if faults:
            raise Refused(*faults)
        self.sites[site].free -= grains
        self.sites[0].free += grains

    # ---- guardian ---------------------------------------------------------------------------------------------------

    def stop_orders(self, seconds: int) -> None:
        if not 0 < seconds <= MAX_STOP:
            raise Refused("guardian: bad duration")
        if self.stopped_until and self.now < self.stopped_until + STOP_PAUSE:
            raise Refused("guardian: too soon again")
        self.stopped_until = self.now + seconds

    def resume_orders(self) -> None:
        if self.now >= self.stopped_until:
            raise Refused("guardian: not stopped")
        self.stopped_until = self.now

    def _stop_faults(self) -> list[str]:
        return ["order: trading is stopped"] if self.now < self.stopped_until else []

    # ---- positions --------------------------------------------------------------------------------------------------

    def position(self, site: int, slot: int) -> Position:
        """A site's position in a slot; empty when the ring has moved on."""
        cell = self.hours.get((site, slot // 4 % RING_HOURS))
        return cell.slots[slot % 4] if cell and cell.hour == slot // 4 else Position()

    def position_margin(self, site: int, slot: int) -> int:
        position = self.position(site, slot)
        return self.terms(site >> 16, slot // 4).margin(position.net_wh, position.value) if position.traded else 0

    def margin_held(self, site: int, slot: int) -> int:
        locks = sum(self.order_lock(o) for o in self.orders.values() if (o.site, o.slot) == (site, slot))
        return self.position_margin(site, slot) + locks

    def order_lock(self, order: Order) -> int:
        return self.terms(order.zone, order.slot // 4).lock(order.sell, order.price, order.wh)

    def _cell(self, site: int, slot: int) -> Position:
        """The position to write. A cell that still holds an older hour is settled first: it is long overdue."""
        key, hour = (site, slot // 4 % RING_HOURS), slot // 4
        cell = self.hours.get(key)
        if cell is None or cell.hour != hour:
            if cell is not None:
                assert cell.hour < hour
                for quarter, old in enumerate(cell.slots):
                    if old.outcome == OPEN and old.traded:
                        self._settle_overdue(site, 4 * cell.hour + quarter)
            cell = self.hours[key] = Hour(hour)
        return cell.slots[slot % 4]

    def _change(self, site: int, slot: int, net_wh: int, value: int) -> None:
        """Add a fill to a position and move the change of its margin from or to the free balance."""
        terms, position = self.terms(site >> 16, slot // 4), self._cell(site, slot)
        before = terms.margin(position.net_wh, position.value)
        position.net_wh += net_wh
        position.value += value
        self.sites[site].free -= terms.margin(position.net_wh, position.value) - before

    def _fits(self, site: int, slot: int, net_wh: int, value: int) -> bool:
        position = self.position(site, slot)
        return abs(position.net_wh + net_wh) <= MAX_NET_WH and abs(position.value + value) <= MAX_VALUE

    # ---- trading ----------------------------------------------------------------------------------------------------

    def places(self, zone: int, slot: int, sell: bool) -> Iterator[Order]:
        """Places of one side by price, then time. One whose order left stays, empty, until a take passes it."""
        levels = self.books.get((zone, slot, sell), {})
        for price in sorted(levels, reverse=not sell):
            yield from levels[price]

    def book(self, zone: int, slot: int, sell: bool) -> list[Order]:
        """Resting orders of one side, best first."""
        return [order for order in self.places(zone, slot, sell) if order.wh]

    def depth(self, zone: int, slot: int, sell: bool) -> list[tuple[int, int, int]]:
        """(price, Wh, number of orders) of each level, best first, without orders that have expired."""
        levels: dict[int, list[int]] = {}
        for order in self.book(zone, slot, sell):
            if not self.expired(order):
                levels.setdefault(order.price, []).append(order.wh)
        return [(price, sum(energies), len(energies)) for price, energies in levels.items()]

    def expired(self, order: Order) -> bool:
        return 0 < order.expiry <= self.now

    def orders_of(self, site: int, slot: int) -> list[Order]:
        """Resting orders of a site in a slot, sales first."""
        return [o for sell in (True, False) for o in self.book(site >> 16, slot, sell) if o.site == site]

    def close(self, order_id: int) -> None:
        """Take an order off the book and give its lock back."""
        order = self.orders.pop(order_id)
        self.sites[order.site].free += self.order_lock(order)
        order.wh = 0
        self._forget_empty_level(order)

    def _forget_empty_level(self, order: Order) -> None:
        levels = self.books[order.zone, order.slot, order.sell]
        if not any(other.wh for other in levels[order.price]):
            del levels[order.price]
            level = self._level_key(order.zone, order.slot, order.sell, order.price)
            self.used[level] = (self.used[level][0], self.used[level][0])

    def _level_key(self, zone: int, slot: int, sell: bool, price: int) -> tuple[int, int, bool, int]:
        """A level of the ring: its numbers run on from one slot that uses it to the next."""
        level = self.terms(zone, slot // 4).level(price)
        assert level is not None
        return zone, slot % RING_SLOTS, sell, level

    def market_faults(self, zone: int, slot: int) -> list[str]:
        """Why nothing may be traded in a slot now."""
        faults = []
        if not self.gate_open(zone, slot):
            faults.append("order: gate closed")
        if slot > self.now_slot + HORIZON:
            faults.append("order: beyond the horizon")
        if not self.fixable(zone, slot // 4):
            faults.append("terms: not fixed yet")
        return faults

    def placement_faults(self, zone: int, wanted: Wanted) -> list[str]:
        """What is wrong with an order before the book is looked at."""
        terms = self.terms(zone, wanted.slot // 4)
        faults = self._stop_faults() + self.market_faults(zone, wanted.slot)
        if terms.level(wanted.price) is None:
            faults.append("order: off the price grid")
        if wanted.wh < terms.min_wh:
            faults.append("order: below minimum size")
        if wanted.wh > MAX_ORDER_WH or wanted.wh * wanted.price > MAX_VALUE:
            faults.append("order: too large")
        if wanted.kind not in (LIMIT, IMMEDIATE_OR_CANCEL, FILL_OR_KILL, POST_ONLY):
            faults.append("order: unknown kind")
        if wanted.expiry and not self.now < wanted.expiry < 2**32:
            faults.append("order: bad expiry")
        return faults

    def _may_trade(self, caller: str, site: int) -> bool:
        return site in self.sites and caller in (self.sites[site].owner, self.desk)

    def place(self, caller: str, site: int, wanted: Wanted) -> Placed:
        """Match against the other side, then rest or drop what is left."""
        return self.place_many(caller, site, [wanted])[0]

    def place_many(self, caller: str, site: int, wanted: list[Wanted]) -> list[Placed]:
        """All of them or none; the balance must suffice for all of them together."""
        with self.atomic():
            if faults := self._stop_faults():
                raise Refused(*faults)
            placed = [self._place(caller, site, one) for one in wanted]
            if self.sites[site].free < 0:
                raise Refused("balance: too low")
            return placed

    def _place(self, caller: str, site: int, wanted: Wanted) -> Placed:
        if not self._may_trade(caller, site):
            raise Refused("site: not yours", *self._stop_faults())
        zone = site >> 16
        faults = self.placement_faults(zone, wanted)
        if faults:
            raise Refused(*faults)
        if wanted.kind == POST_ONLY and any(wanted.crosses(o) for o in self.book(zone, wanted.slot, not wanted.sell)):
            raise Refused("order: would match")
        take = self._take(site, zone, wanted)
        terms = self.fix(zone, wanted.slot // 4)
        rests = take.left if wanted.kind in (LIMIT, POST_ONLY) and not take.stopped else 0
        self.sites[site].free -= terms.lock(wanted.sell, wanted.price, rests)
        resting = self._rest(site, wanted, rests) if rests else None
        return Placed(resting, wanted.wh - take.left, take.left - rests, take)

    def take_abroad(
        self, caller: str, site: int, zone: int, wanted: Wanted, home_fee: int, away_fee: int
    ) -> tuple[int, Take]:
        """Take in another zone's market, under the terms of the site's own: never where waste or default would pay."""
        with self.atomic():
            home = site >> 16
            if caller != self.desk:
                raise Refused("exchange: only the desk", *self._stop_faults())
            if zone == home or wanted.kind not in (IMMEDIATE_OR_CANCEL, FILL_OR_KILL):
                raise Refused("order: not a take abroad", *self._stop_faults())
            markets = [zone, home] if self.book(zone, wanted.slot, not wanted.sell) else [zone]
            faults = self.placement_faults(zone, wanted)
            for market in markets[1:]:
                faults += self.market_faults(market, wanted.slot)
            if faults:
                raise Refused(*faults)
            for market in markets:
                self.fix(market, wanted.slot // 4)
            take = self._take(site, zone, wanted)
            filled = wanted.wh - take.left
            self.zones[home].grid_fees += filled * home_fee
            self.zones[zone].grid_fees += filled * away_fee
            self.sites[site].free -= filled * (home_fee + away_fee)
            if self.sites[site].free < 0:
                raise Refused("balance: too low")
            return filled, take

    def _take(self, site: int, zone: int, wanted: Wanted) -> Take:
        """What crosses trades."""
        take = self.plan(site, zone, wanted)
        faults = []
        if not self._fits(site, wanted.slot, *take.position_change(wanted.sell)):
            faults.append("position: at its bound")
        if wanted.kind == FILL_OR_KILL and take.left:
            faults.append("order: cannot fill")
        if faults:
            raise Refused(*faults)
        for order, quantity, reason in take.steps:
            if quantity:
                self._fill(site, order, quantity)
            elif reason != EMPTY:
                if reason == AT_BOUND:
                    self._cell(order.site, order.slot)
                self.close(order.id)
            self._pass(order)
        return take

    # ---- pairs ------------------------------------------------------------------------------------------------------

    def trade(self, caller: str, pairs: list[Pair]) -> None:
        """Trades that both sides have signed. A site is charged when another takes its part, not at each fill."""
        with self.atomic():
            if caller != self.desk:
                raise Refused("exchange: only the desk", *self._stop_faults())
            if self._stop_faults():
                raise Refused(*self._stop_faults())
            due = {True: 0, False: 0}  # of the present seller (True) and the present buyer
            party: dict[bool, int | None] = {True: None, False: None}
            for pair in pairs:
                for sells, site in ((True, pair.seller), (False, pair.buyer)):
                    if party[sells] != site:
                        self._charge(party[sells], due[sells])
                        party[sells], due[sells] = site, 0
                faults = self._pair_faults(pair)
                if faults:
                    raise Refused(*faults)
                self.fix(pair.seller >> 16, pair.slot // 4)
                for sells, site, fee in ((True, pair.seller, pair.seller_fee), (False, pair.buyer, pair.buyer_fee)):
                    due[sells] += self._add(site, pair.slot, sells, pair.wh, pair.price) + fee
                    self.sites[0].free += fee
            for sells in (True, False):
                self._charge(party[sells], due[sells])

    def _charge(self, site: int | None, due: int) -> None:
        if site is not None:
            self.sites[site].free -= due
            if self.sites[site].free < 0:
                raise Refused("balance: too low")

    def _pair_faults(self, pair: Pair) -> list[str]:
        zone = pair.seller >> 16
        faults = self.market_faults(zone, pair.slot)
        terms = self.terms(zone, pair.slot // 4)
        if (
            pair.buyer >> 16 != zone
            or self.sites[pair.buyer].owner == self.sites[pair.seller].owner
            or not 1 <= pair.wh <= MAX_ORDER_WH
            or not terms.floor <= pair.price <= terms.price(LEVELS - 1)
        ):
            faults.append("order: not a pair")
        value = pair.wh * pair.price
        if not (
            self._fits(pair.seller, pair.slot, pair.wh, value) and self._fits(pair.buyer, pair.slot, -pair.wh, -value)
        ):
            faults.append("position: at its bound")
        return faults

    def _add(self, site: int, slot: int, sells: bool, wh: int, price: int) -> int:
        """Add a trade to a position; what its margin grew by, which the caller charges."""
        terms, position = self.terms(site >> 16, slot // 4), self._cell(site, slot)
        before = terms.margin(position.net_wh, position.value)
        position.net_wh += wh if sells else -wh
        position.value += wh * price if sells else -wh * price
        return terms.margin(position.net_wh, position.value) - before

    # ---- the book ---------------------------------------------------------------------------------------------------

    def _pass(self, order: Order) -> None:
        """A take does not come back to a place that it left empty."""
        places = self.books[order.zone, order.slot, order.sell].get(order.price)
        if places and order.wh == 0 and places[0] is order:
            places.pop(0)

    def sound(self, site: int, zone: int, wanted: Wanted, price: int) -> bool:
        """Whether a site may trade at a price: abroad, its own terms must make neither waste nor default pay."""
        if site >> 16 == zone:
            return True
        terms = self.terms(site >> 16, wanted.slot // 4)
        return price < terms.imbalance if wanted.sell else price > terms.feed_in

    def plan(self, site: int, zone: int, wanted: Wanted) -> Take:
        """What a take would meet, best price and oldest order first; empty places count as met."""
        take = Take([], wanted.wh, False)
        pending: dict[int, tuple[int, int]] = {}

        def reachable(order: Order) -> bool:
            return wanted.crosses(order) and self.sound(site, zone, wanted, order.price)

        for order in self.places(zone, wanted.slot, not wanted.sell):
            if take.left == 0 or not wanted.crosses(order):
                break
            if not reachable(order):
                continue
            if len(take.steps) == MAX_VISITS:
                met = {met.id for met, _, _ in take.steps}
                rest = self.book(zone, wanted.slot, not wanted.sell)
                take.stopped = any(reachable(other) and other.id not in met for other in rest)
                break
            if order.wh == 0:
                take.steps.append((order, 0, EMPTY))
                continue
            if self.sites[order.site].owner == self.sites[site].owner:
                take.steps.append((order, 0, SELF_TRADE))
                continue
            if self.expired(order):
                take.steps.append((order, 0, EXPIRED))
                continue
            quantity = min(take.left, order.wh)
            sign = 1 if order.sell else -1
            net_wh, value = pending.get(order.site, (0, 0))
            net_wh, value = net_wh + sign * quantity, value + sign * quantity * order.price
            if not self._fits(order.site, wanted.slot, net_wh, value):
                take.steps.append((order, 0, AT_BOUND))
                continue
            pending[order.site] = (net_wh, value)
            take.steps.append((order, quantity, FILLED))
            take.left -= quantity
        return take

    def _fill(self, taker: int, order: Order, wh: int) -> None:
        sign, value = (1 if order.sell else -1), wh * order.price
        self.sites[order.site].free += self.terms(order.zone, order.slot // 4).lock(order.sell, order.price, wh)
        self._change(order.site, order.slot, sign * wh, sign * value)
        self._change(taker, order.slot, -sign * wh, -sign * value)
        order.wh -= wh
        if order.wh == 0:
            del self.orders[order.id]
            self._forget_empty_level(order)

    def _rest(self, site: int, wanted: Wanted, wh: int) -> Order:
        """Queue an order. What another slot left behind on this side of the ring is released on the way."""
        zone, slot, sell = site >> 16, wanted.slot, wanted.sell
        side = (zone, slot % RING_SLOTS, sell)
        if self.sides.get(side, slot) != slot:
            left_behind = list(self.places(zone, self.sides[side], sell))
            if len(left_behind) > MAX_SWEEP:
                raise Refused("book: release old orders")
            for old in left_behind:
                if old.wh:
                    self.close(old.id)
        self.sides[side] = slot
        order = Order(self._new_number(zone, wanted), site, slot, sell, wanted.price, wh, zone, wanted.expiry)
        self.orders[order.id] = order
        self.books.setdefault((zone, slot, sell), {}).setdefault(wanted.price, []).append(order)
        return order

    def _new_number(self, zone: int, wanted: Wanted) -> int:
        """Numbers of a level run from 0 and come again only after 8,192 orders."""
        key = self._level_key(zone, wanted.slot, wanted.sell, wanted.price)
        used, when_emptied = self.used.get(key, (0, 0))
        if used - when_emptied == MAX_PLACES:
            raise Refused("order: level is full")
        self.used[key] = (used + 1, when_emptied)
        number = zone << 49 | wanted.slot << 25 | wanted.sell << 24 | key[3] << 16 | used % NUMBERS
        self.numbers[number] = (zone, wanted.slot)
        return number

    def cancel(self, caller: str, order_id: int) -> None:
        if order_id not in self.orders:
            raise Refused("order: gone")
        self._check_trader(caller, order_id)
        self.close(order_id)

    def cancel_many(self, caller: str, order_ids: list[int]) -> None:
        """What is gone already is passed over; one that is not the caller's refuses all."""
        there = [order_id for order_id in dict.fromkeys(order_ids) if order_id in self.orders]
        for order_id in there:
            self._check_trader(caller, order_id)
        for order_id in there:
            self.close(order_id)

    def reduce(self, caller: str, order_id: int, wh: int) -> None:
        """Make an order smaller where it stands."""
        zone, slot = self.numbers[order_id]
        terms, order = self.terms(zone, slot // 4), self.orders.get(order_id)
        faults = ["order: below minimum size"] if wh < terms.min_wh else []
        if order is None:
            raise Refused("order: gone", *faults)
        if not self._may_trade(caller, order.site):
            faults.append("site: not yours")
        if wh >= order.wh:
            faults.append("order: not less")
        if faults:
            raise Refused(*faults)
        self.sites[order.site].free += terms.lock(order.sell, order.price, order.wh - wh)
        order.wh = wh

    def _check_trader(self, caller: str, order_id: int) -> None:
        if not self._may_trade(caller, self.orders[order_id].site):
            raise Refused("site: not yours")

    def release(self, order_ids: list[int]) -> list[int]:
        """Close orders that can trade no more; anyone may. What is gone already is passed over."""
        there = [order_id for order_id in dict.fromkeys(order_ids) if order_id in self.orders]
        if any(self.gate_open(*self.numbers[i]) and not self.expired(self.orders[i]) for i in there):
            raise Refused("order: still open")
        for order_id in there:
            self.close(order_id)
        return there

    # ---- settlement -------------------------------------------------------------------------------------------------

    def slot_over(self, slot: int) -> bool:
        return self.now >= (slot + 1) * SLOT

    def timed_out(self, slot: int) -> bool:
        return self.now > (slot + 1 + REPORT_TIMEOUT) * SLOT

    def settle(self, zone: int, entries: list[Entry]) -> Settlement:
        """One report: all shortfalls go to the pool before it pays for unused energy, in the order of the entries."""
        with self.atomic():
            result = Settlement(0, [])
            owed: list[tuple[int, int]] = []  # (site, grains for unused energy)
            last = (-1, -1)
            for entry in entries:
                ordered = (entry.hour, entry.site) > last
                hour = range(4 * entry.hour, 4 * entry.hour + 4)
                if (
                    ordered
                    and entry.site in self.sites
                    and any(self.slot_over(slot) and not self.timed_out(slot) for slot in hour)
                ):
                    self.fix(zone, entry.hour)
                for quarter, reading in sorted(entry.readings.items()):
                    slot = 4 * entry.hour + quarter
                    reason = self._skip_reason(entry.site, slot, reading) if ordered else UNORDERED
                    if reason:
                        result.skipped.append((entry.site, slot, reason))
                        continue
                    outcome = NO_READING if reading is None else METERED
                    unused = self._settle(entry.site, slot, outcome, reading)
                    owed.append((entry.site, unused * self.terms(zone, entry.hour).feed_in))
                    self.zones[zone].reported.add(slot)
                    result.settled += 1
                    last = (entry.hour, entry.site)  # what cannot be used does not count for the order
            if result.settled == 0:
                raise Refused("report: settles nothing")
            for site, grains in owed:
                paid = min(grains, self.zones[zone].pool)
                self.zones[zone].pool -= paid
                self.sites[site].free += paid
            return result

    def _skip_reason(self, site: int, slot: int, reading: Reading | None) -> int:
        if site not in self.sites:
            return UNKNOWN_SITE
        if not self.slot_over(slot):
            return NOT_OVER
        if self.timed_out(slot):
            return TOO_LATE
        self._cell(site, slot)  # what an older hour left in the cell is settled first, whatever becomes of this one
        if self.position(site, slot).outcome != OPEN:
            return ALREADY_SETTLED
        if reading is not None and 4 * reading.exported > self.sites[site].nameplate:
            return ABOVE_NAMEPLATE
        return 0

    def _settle(self, site: int, slot: int, outcome: int, reading: Reading | None) -> int:
        """Settle one position from its own margin; returns the Wh bought but not used."""
        self.begun.add(slot)
        position, state = self._cell(site, slot), self.zones[site >> 16]
        terms = self.terms(site >> 16, slot // 4)
        sold, bought = max(position.net_wh, 0), max(-position.net_wh, 0)
        short = unused = 0
        if outcome == NO_READING:
            short = sold
        elif outcome == METERED:
            assert reading is not None
            short, unused = sold - min(reading.exported, sold), bought - min(reading.imported, bought)
        penalty, fee = short * terms.imbalance, bought * terms.grid_fee
        payout = terms.margin(position.net_wh, position.value) + position.value - penalty - fee
        assert payout >= 0, "margin did not cover an outcome"
        self.sites[site].free += payout
        state.pool += penalty
        state.oracle_fees += bought * terms.oracle_fee
        state.grid_fees += fee - bought * terms.oracle_fee
        exported = reading.exported if reading else sold if outcome == AS_TRADED else 0
        imported = min(reading.imported, bought) if reading else bought
        position.net_wh, position.value = 0, 0
        position.outcome, position.exported, position.imported = outcome, exported, imported
        return unused

    def settle_overdue(self, site: int, slot: int) -> int:
        """After the timeout: no reading where the zone had a report for the slot, as traded where it had none."""
        if site not in self.sites:
            raise Refused("site: unknown")
        if not self.timed_out(slot):
            raise Refused("position: not overdue")
        position = self.position(site, slot)
        if position.outcome != OPEN or not position.traded:
            raise Refused("position: nothing to settle")
        return self._settle_overdue(site, slot)

    def _settle_overdue(self, site: int, slot: int) -> int:
        outcome = NO_READING if slot in self.zones[site >> 16].reported else AS_TRADED
        self._settle(site, slot, outcome, None)
        return outcome

    # ---- the whole --------------------------------------------------------------------------------------------------

    def accounted(self) -> int:
        """Every grain the exchange answers for: must equal what it holds."""
        free = sum(site.free for site in self.sites.values())
        locks = sum(self.order_lock(order) for order in self.orders.values())
        positions = 0
        for (site, _), cell in self.hours.items():
            for quarter, position in enumerate(cell.slots):
                if position.outcome == OPEN:
                    positions += self.position_margin(site, 4 * cell.hour + quarter) + position.value
        zones = sum(zone.pool + zone.grid_fees + zone.oracle_fees for zone in self.zones.values())
        return free + locks + positions + zones

    @contextmanager
    def atomic(self) -> Iterator[None]:
        """A refusal inside leaves everything as it was."""
        keep = deepcopy(self.__dict__)
        try:
            yield
        except Refused:
            self.__dict__.update(keep)
            raise
