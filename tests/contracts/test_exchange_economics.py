"""What pays and what does not, for any terms that the checks let through: nobody gains by failing his neighbours."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import boa
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tests.contracts.model import (
    AS_TRADED,
    IMMEDIATE_OR_CANCEL,
    LEVELS,
    METERED,
    REPORT_TIMEOUT,
    Entry,
    Pair,
    Reading,
    Terms,
    Wanted,
)
from tests.contracts.signing import person
from tests.contracts.street import GRAIN, SOLAR, Street

FORTUNE = 10**12  # grains: more than any position here can need
MOST_WH = 10_000
EXAMPLES = 400 if os.environ.get("HYPOTHESIS_PROFILE") == "nightly" else 15
USUAL = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much],
)


@st.composite
def allowed_terms(draw: st.DrawFn) -> Terms:
    """Terms that the grid registry accepts, with every bound within reach."""
    floor = draw(st.integers(1, 2_000))
    step = draw(st.integers(1, 200))
    top = floor + (LEVELS - 1) * step
    least = -(-5 * top // 4)
    assume(least <= 65_535)
    grid_fee = draw(st.sampled_from([0, 1, top]) | st.integers(0, top))
    terms = Terms(
        feed_in=draw(st.sampled_from([0, floor - 1]) | st.integers(0, floor - 1)),
        imbalance=draw(st.sampled_from([least, 65_535]) | st.integers(least, 65_535)),
        grid_fee=grid_fee,
        oracle_fee=draw(st.integers(0, grid_fee)),
        floor=floor,
        step=step,
        min_wh=1,
    )
    assert not terms.faults()
    return terms


LEVEL = st.sampled_from([0, LEVELS - 1]) | st.integers(0, LEVELS - 1)
ENERGY = st.integers(1, MOST_WH)
SHARE = st.sampled_from([0, 1]) | st.floats(0, 1)
READING = st.none() | st.tuples(st.integers(0, MOST_WH), st.integers(0, MOST_WH))


class Village:
    """Zones with full pools and rich sites, for one example; `names` are the owners."""

    def __init__(self, street: Street, *zones: Terms) -> None:
        self.street, self.terms = street, {}
        for terms in zones:
            zone = street.open_zone(terms, 168)
            self.terms[zone] = terms
            street.exchange.fund_pool(zone, FORTUNE * GRAIN, sender=person("patron").address)
        self.zones = list(self.terms)
        self.slot = street.now_slot + 96
        self.started: dict[int, int] = {}

    def settle_in(self, name: str, zone: int = 0) -> int:
        """A site in one of the zones, with a fortune."""
        site = self.street.connect(person(name), SOLAR, 4 * MOST_WH, FORTUNE, self.zones[zone])
        self.started[site] = self.street.free(site)
        return site

    def trade(self, seller: int, buyer: int, price: int, wh: int) -> None:
        self.street.trade(seller, buyer, self.slot, price, wh)

    def withdraw_orders(self, site: int) -> None:
        orders = [order.id for order in self.street.lens.orders_of(site, self.slot)]
        self.street.exchange.cancel_many(orders, sender=self.street.owner_of(site))

    def report(self, readings: dict[int, tuple[int, int] | None]) -> None:
        """What the oracles of each zone agreed on, (exported, imported) or nothing read."""
        self.street.go_to_slot(max(self.slot + 1, self.street.now_slot))
        for zone in self.zones:
            entries = [
                Entry(site, self.slot // 4, {self.slot % 4: Reading(*reading) if reading else None})
                for site, reading in sorted(readings.items())
                if site >> 16 == zone
            ]
            if entries:
                self.street.report(*entries, zone=zone)

    def time_out(self) -> None:
        """No report counts any more: what is open settles without one."""
        self.street.go_to_slot(self.slot + 1 + REPORT_TIMEOUT, 1)
        for site in self.started:
            position = self.street.lens.position(site, self.slot)
            if position.outcome == 0 and (position.net_wh, position.value) != (0, 0):
                self.street.exchange.settle_overdue(site, self.slot)

    def gain(self, *sites: int) -> int:
        """Grains that sites have more than they came with."""
        return sum(self.street.free(site) - self.started[site] for site in sites or self.started)

    def collected(self) -> int:
        """Grains that the zones have more than they came with."""
        accounts = (self.street.exchange.zone_account(zone) for zone in self.zones)
        return sum(sum(account) for account in accounts) - FORTUNE * len(self.zones)


@pytest.fixture(scope="module")
def patron(street):
    """Fills the pools."""
    patron = street.rich()
    street.give(patron, 10**4 * FORTUNE)
    return patron


@pytest.fixture
def village(street, patron):
    """village(*terms): opens them for the time of a `with`."""

    @contextmanager
    def open_village(*zones: Terms) -> Iterator[Village]:
        with boa.env.anchor():
            yield Village(street, *zones)

    return open_village


# ---- one's own zone -------------------------------------------------------------------------------------------------


@USUAL
@given(terms=allowed_terms(), level=LEVEL, wh=ENERGY, share=SHARE)
def test_default__any_terms_and_price__costs_a_quarter_more_than_the_energy_missing_brought(
    village, terms, level, wh, share
):
    delivered, price = int(wh * share), terms.price(level)
    with village(terms) as v:
        seller, buyer = v.settle_in("seller"), v.settle_in("buyer")
        v.trade(seller, buyer, price, wh)
        v.report({seller: (delivered, 0), buyer: (0, wh)})
        missing = wh - delivered
        assert v.gain(seller) == price * wh - terms.imbalance * missing
        assert 4 * (v.gain(seller) - price * delivered) <= -price * missing
        assert v.gain(buyer) == -(price + terms.grid_fee) * wh
        assert v.gain() + v.collected() == 0


@USUAL
@given(terms=allowed_terms(), level=LEVEL, wh=ENERGY)
def test_default__any_terms__dearer_than_buying_back_at_the_highest_price_there_is(village, terms, level, wh):
    with village(terms) as v:
        defaulter, careful, buyer = (v.settle_in(name) for name in ("defaulter", "careful", "buyer"))
        helper = v.settle_in("helper")
        for seller in (defaulter, careful):
            v.trade(seller, buyer, terms.price(level), wh)
        v.trade(helper, careful, terms.price(LEVELS - 1), wh)
        v.report({defaulter: (0, 0), careful: (0, 0)})
        assert v.gain(defaulter) < v.gain(careful)


@USUAL
@given(terms=allowed_terms(), level=LEVEL, wh=ENERGY, used=SHARE)
def test_buying_to_waste__any_terms_and_full_pool__every_wasted_wh_costs(village, terms, level, wh, used):
    price, used_wh = terms.price(level), int(wh * used)
    with village(terms) as v:
        seller, buyer = v.settle_in("seller"), v.settle_in("buyer")
        v.trade(seller, buyer, price, wh)
        v.report({seller: (wh, 0), buyer: (0, used_wh)})
        wasted = wh - used_wh
        assert v.gain(buyer) == -(price + terms.grid_fee) * wh + terms.feed_in * wasted
        assert v.gain(buyer) <= -(price + terms.grid_fee) * used_wh - wasted
        assert v.gain() + v.collected() == 0


@USUAL
@given(terms=allowed_terms(), level=LEVEL, wh=ENERGY, reading=READING, seller_unplugs=st.booleans())
def test_unplugging__any_terms_and_reading__never_better_than_being_read(
    village, terms, level, wh, reading, seller_unplugs
):
    gains = []
    for unplugged in (True, False):
        with village(terms) as v:
            seller, buyer = v.settle_in("seller"), v.settle_in("buyer")
            v.trade(seller, buyer, terms.price(level), wh)
            site = seller if seller_unplugs else buyer
            v.report({site: None if unplugged else reading})
            gains.append(v.gain(site))
            assert v.street.lens.position(site, v.slot).margin == 0
    assert gains[0] <= gains[1]


# ---- two zones ------------------------------------------------------------------------------------------------------


@USUAL
@given(home=allowed_terms(), abroad=allowed_terms(), level=LEVEL, wh=ENERGY, fees=st.tuples(ENERGY, ENERGY))
def test_abroad__any_two_tariffs__neither_waste_nor_default_of_the_taker_pays(village, home, abroad, level, wh, fees):
    price = abroad.price(level)
    with village(home, abroad) as v:
        taker, seller_abroad, buyer_abroad = v.settle_in("taker"), v.settle_in("a", 1), v.settle_in("b", 1)
        other = v.settle_in("another taker")
        v.street.sell(seller_abroad, v.slot, price, wh)
        to_waste = Wanted(v.slot, False, price, wh, IMMEDIATE_OR_CANCEL)
        bought = v.street.take_abroad(taker, v.zones[1], to_waste, *fees)
        assert bought == (wh if price > home.feed_in else 0)
        v.withdraw_orders(seller_abroad)
        v.street.buy(buyer_abroad, v.slot, price, wh)
        to_default = Wanted(v.slot, True, price, wh, IMMEDIATE_OR_CANCEL)
        sold = v.street.take_abroad(other, v.zones[1], to_default, *fees)
        assert sold == (wh if price < home.imbalance else 0)
        v.withdraw_orders(buyer_abroad)
        v.report({taker: (0, 0), other: (0, 0), seller_abroad: (wh, 0), buyer_abroad: (0, wh)})
        assert v.gain(taker) <= -bought
        assert v.gain(other) <= -sold
        assert v.gain() + v.collected() == 0


ACTION = st.tuples(
    st.sampled_from(["rest", "take", "abroad", "pair", "cancel"]),
    st.integers(0, 4),
    st.integers(0, 4),
    st.booleans(),
    LEVEL,
    st.integers(1, 2_000),
)


def act(v: Village, sites: list[int], action: tuple[str, int, int, bool, int, int]) -> None:
    """One step of a coalition; what is refused has not happened."""
    what, i, j, sell, level, wh = action
    site, street = sites[i], v.street
    zone = v.zones[site >> 16 == v.zones[0]] if what == "abroad" else site >> 16
    price = v.terms[zone].price(level)
    wanted = Wanted(v.slot, sell, price, wh, IMMEDIATE_OR_CANCEL if what in ("take", "abroad") else 0)
    calls = {
        "cancel": lambda: v.withdraw_orders(site),
        "abroad": lambda: street.take_abroad(site, zone, wanted, j, wh % 7),
        "pair": lambda: street.pair(Pair(*((site, sites[j]) if sell else (sites[j], site)), v.slot, price, wh)),
    }
    reason = refusal_of(calls.get(what, lambda: street.place(site, wanted)))
    assert reason is None or ": " in reason, f"refused without a reason: {reason}"


def refusal_of(call: Callable[[], object]) -> str | None:
    """Why a call is refused; nothing for one that is not."""
    try:
        call()
    except boa.BoaError as refused:
        return str(refused.stack_trace.last_frame.pretty_vm_reason)
    return None


@USUAL
@given(
    home=allowed_terms(),
    abroad=allowed_terms(),
    actions=st.lists(ACTION, min_size=5, max_size=25),
    readings=st.lists(st.sampled_from(["out"]) | READING, min_size=5, max_size=5),
)
def test_coalition__any_sequence_of_its_own_making__gets_at_most_the_feed_in_price_of_what_it_delivered(
    village, home, abroad, actions, readings
):
    """Whatever five sites of one coalition do among themselves in two zones with full pools, and whatever their meters
    show or the oracles leave out: all they can gain is the feed-in price of energy that counts as delivered. Where
    nothing does, they gain nothing; and with everything settled, what they lost is in the zones' accounts.
    """
    with village(home, abroad) as v:
        sites = [v.settle_in(name, i >= 3) for i, name in enumerate(("a", "b", "c", "d", "e"))]
        for action in actions:
            act(v, sites, action)
        sold = {site: max(v.street.lens.position(site, v.slot).net_wh, 0) for site in sites}
        known = {site: reading for site, reading in zip(sites, readings, strict=True) if reading != "out"}
        v.report(known)
        v.time_out()
        for site in sites:
            v.withdraw_orders(site)
        delivered = 0
        for site in sites:
            became = v.street.lens.position(site, v.slot)
            if became.outcome in (METERED, AS_TRADED):
                delivered += min(became.exported, sold[site])
        assert v.gain() <= max(home.feed_in, abroad.feed_in) * delivered
        assert v.gain() + v.collected() == 0


# ---- reports that come late, in part, or not at all -----------------------------------------------------------------


@USUAL
@given(terms=allowed_terms(), level=LEVEL, wh=ENERGY)
def test_no_report__ever__both_get_exactly_what_they_agreed(village, terms, level, wh):
    price = terms.price(level)
    with village(terms) as v:
        seller, buyer = v.settle_in("seller"), v.settle_in("buyer")
        v.trade(seller, buyer, price, wh)
        v.time_out()
        assert v.gain(seller) == price * wh
        assert v.gain(buyer) == -(price + terms.grid_fee) * wh
        assert v.street.pool(v.zones[0]) == FORTUNE


@USUAL
@given(
    terms=allowed_terms(),
    trades=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), LEVEL, ENERGY), min_size=1, max_size=8),
    order=st.permutations(range(4)),
    delays=st.lists(st.integers(0, REPORT_TIMEOUT // 3), min_size=4, max_size=4),
    readings=st.lists(READING, min_size=4, max_size=4),
)
def test_reports__one_by_one_in_any_order_and_late__pay_what_one_report_pays(
    village, terms, trades, order, delays, readings
):
    """With pools that do not run dry, when a site is reported changes nothing for anybody."""
    results = []
    for at_once in (True, False):
        with village(replace(terms)) as v:
            sites = [v.settle_in(name) for name in ("a", "b", "c", "d")]
            for i, j, level, wh in trades:
                if i != j:
                    v.trade(sites[i], sites[j], terms.price(level), wh)
            known = dict(zip(sites, readings, strict=True))
            if at_once:
                v.report(known)
            else:
                for i in order[:3]:
                    v.report({sites[i]: known[sites[i]]})
                    v.street.go_to_slot(min(v.street.now_slot + delays[i], v.slot + REPORT_TIMEOUT))
                v.report({sites[order[3]]: known[sites[order[3]]]})
            results.append(([v.gain(site) for site in sites], v.collected()))
            assert v.gain() + v.collected() == 0
    assert results[0] == results[1]


def test_market_of_a_year__hours_that_were_never_traded__cost_nothing(street, village, terms):
    """Reports of idle sites move no money at all."""
    with village(terms) as v:
        sites = [v.settle_in(name) for name in ("a", "b")]
        v.report(dict.fromkeys(sites, (500, 300)))
        assert v.gain() == v.collected() == 0
