"""Orders with a time of their own: when it may be, what a taker does once it is over, who clears the order away."""

import boa
import pytest

from tests.contracts.model import (
    EXPIRED,
    FILL_OR_KILL,
    IMMEDIATE_OR_CANCEL,
    POST_ONLY,
    RELEASED,
    RING_SLOTS,
    SELF_TRADE,
    Wanted,
)
from tests.contracts.signing import person
from tests.contracts.street import NET8, SOLAR, closed, trades

LOCK = 2000  # grains per Wh that a sale at 1000 locks


@pytest.fixture
def until(street):
    """An hour from now."""
    return street.now + 3600


@pytest.fixture
def offer(street, slot, until):
    """offer(site, wh, price, expiry): a sale with a time of its own; its number."""

    def offer(site, wh=50, price=1000, expiry=None):
        return street.place(site, Wanted(slot, True, price, wh, expiry=until if expiry is None else expiry))[0]

    return offer


def test_place__with_an_expiry__shown_and_taken_a_second_before(street, seller, buyer, slot, offer, until):
    order = offer(seller)
    assert tuple(street.lens.order(order)) == (order, seller, True, 1000, 50, until)
    street.go_to(until - 1)
    street.buy(buyer, slot, 1000, 50)
    assert trades(street.exchange) == [(order, seller, buyer, 50)]


@pytest.mark.parametrize("shift", [0, -1, -(10**6)])
def test_place__expiry_not_in_the_future__refused(street, seller, offer, shift):
    with boa.reverts("order: bad expiry"):
        offer(seller, expiry=street.now + shift)
    assert offer(seller, expiry=street.now + 1)


@pytest.mark.parametrize("expiry", [2**32, 2**40, 2**255])
def test_place__expiry_beyond_32_bits__refused(seller, offer, expiry):
    with boa.reverts("order: bad expiry"):
        offer(seller, expiry=expiry)


def test_take__expires_when_31_bits_no_longer_hold_the_time__still_there_today(street, seller, buyer, slot, offer):
    order = offer(seller, expiry=2**31 + 1)
    street.buy(buyer, slot, 1000, 50)
    assert trades(street.exchange) == [(order, seller, buyer, 50)]


def test_place__last_expiry_of_all__accepted(street, seller, offer):
    assert street.lens.order(offer(seller, expiry=2**32 - 1)).expiry == 2**32 - 1


@pytest.mark.parametrize("kind", [IMMEDIATE_OR_CANCEL, FILL_OR_KILL, POST_ONLY])
def test_place__bad_expiry_whatever_the_kind__refused(street, seller, slot, kind):
    with boa.reverts("order: bad expiry"):
        street.place(seller, Wanted(slot, True, 1000, 10, kind, street.now))


def test_place_many__expiries_of_their_own__each_kept(street, seller, slot, until):
    expiries = [0, until, until + 1, 2**32 - 1]
    wanted = [Wanted(slot + i, True, 1000, 10, expiry=expiry).packed() for i, expiry in enumerate(expiries)]
    street.exchange.place_many(seller, wanted, sender=street.owner_of(seller))
    found = [street.lens.orders_of(seller, slot + i)[0].expiry for i in range(4)]
    assert found == expiries


def test_place_many__one_expiry_over__none_is_placed(street, seller, slot, until):
    wanted = [Wanted(slot, True, 1000, 10, expiry=expiry).packed() for expiry in (until, street.now)]
    with boa.reverts("order: bad expiry"):
        street.exchange.place_many(seller, wanted, sender=street.owner_of(seller))
    assert street.lens.orders(street.zone, slot, True) == []


# ---- a taker meets it -----------------------------------------------------------------------------------------------


def test_take__expired_maker__passed_over_and_its_lock_returned(street, seller, battery, buyer, slot, offer, until):
    before = street.free(seller)
    old, good = offer(seller), offer(battery, expiry=0)
    street.go_to(until)
    assert street.place(buyer, Wanted(slot, False, 1000, 20)) == (0, 20)
    assert closed(street.exchange) == [(old, 50, EXPIRED)]
    assert trades(street.exchange) == [(good, battery, buyer, 20)]
    assert street.free(seller) == before
    assert street.lens.position(seller, slot).net_wh == 0


def test_take__only_expired_makers__rests_in_their_place(street, seller, buyer, slot, offer, until):
    old = offer(seller)
    street.go_to(until)
    order, filled = street.place(buyer, Wanted(slot, False, 1000, 20))
    assert (filled, street.lens.order(order).wh) == (0, 20)
    assert closed(street.exchange) == [(old, 50, EXPIRED)]
    assert street.lens.orders(street.zone, slot, True) == []


def test_take__fill_or_kill_meets_an_expired_order__refused_and_nothing_changes(
    street, seller, buyer, slot, offer, until
):
    old = offer(seller)
    street.go_to(until)
    with boa.reverts("order: cannot fill"):
        street.buy(buyer, slot, 1000, 10, FILL_OR_KILL)
    assert street.lens.order(old).wh == 50


def test_take__own_order_expired__dropped_as_ones_own(street, battery, slot, offer, until):
    own = offer(battery)
    street.go_to(until)
    street.buy(battery, slot, 1000, 10)
    assert closed(street.exchange) == [(own, 50, SELF_TRADE)]


def test_take__between_live_orders_of_a_long_queue__only_expired_ones_fall_out(street, buyer, slot, offer, until):
    """Twenty orders in one queue: inline places, queue words and three words of times, every third without a time."""
    makers = [street.connect(person(f"maker {i}"), SOLAR, 100_000, NET8) for i in range(20)]
    expiries = [0 if i % 3 == 0 else until + i for i in range(20)]
    orders = [offer(maker, 10, expiry=expiry) for maker, expiry in zip(makers, expiries, strict=True)]
    assert [order.expiry for order in street.lens.orders(street.zone, slot, True)] == expiries
    street.go_to(until + 10)
    gone = [i for i in range(20) if 0 < expiries[i] <= until + 10]
    live = [i for i in range(20) if i not in gone]
    street.buy(buyer, slot, 1000, 10 * len(live))
    assert closed(street.exchange) == [(orders[i], 10, EXPIRED) for i in gone]
    assert trades(street.exchange) == [(orders[i], makers[i], buyer, 10) for i in live]


def test_fill__in_part__expiry_stays(street, seller, buyer, slot, offer, until):
    order = offer(seller)
    street.buy(buyer, slot, 1000, 20)
    assert tuple(street.lens.order(order)) == (order, seller, True, 1000, 30, until)
    street.go_to(until)
    street.place(buyer, Wanted(slot, False, 1000, 10, IMMEDIATE_OR_CANCEL))
    assert closed(street.exchange) == [(order, 30, EXPIRED)]


def test_fill__in_part_and_reduced_in_the_queue__expiry_stays(street, seller, battery, slot, offer, until):
    for _ in range(6):
        offer(battery, 10, expiry=0)
    order = offer(seller)
    street.exchange.reduce(order, 20, sender=street.owner_of(seller))
    assert street.lens.order(order).expiry == until


def test_depth__expired_orders__not_counted(street, seller, battery, slot, offer, until):
    offer(seller, 50)
    offer(battery, 20, expiry=0)
    offer(seller, 10, price=1010)
    assert [tuple(level) for level in street.lens.depth(street.zone, slot, True)] == [(1000, 70, 2), (1010, 10, 1)]
    street.go_to(until)
    assert [tuple(level) for level in street.lens.depth(street.zone, slot, True)] == [(1000, 20, 1)]
    assert street.lens.margin_held(seller, slot) == 50 * LOCK + 10 * 1990


# ---- release --------------------------------------------------------------------------------------------------------


def test_release__expired__by_anyone_and_lock_returned(street, seller, offer, until):
    before = street.free(seller)
    order = offer(seller)
    street.go_to(until)
    street.release(order)
    assert closed(street.exchange) == [(order, 50, EXPIRED)]
    assert street.free(seller) == before


def test_release__a_second_before_its_time__refused(street, seller, offer, until):
    order = offer(seller)
    street.go_to(until - 1)
    with boa.reverts("order: still open"):
        street.release(order)


def test_release__expired_beside_one_without_a_time__refused_together_released_alone(street, seller, offer, until):
    timed, plain = offer(seller), offer(seller, expiry=0)
    street.go_to(until)
    with boa.reverts("order: still open"):
        street.release(timed, plain)
    street.release(timed)
    assert street.lens.order(plain).wh == 50


def test_release__gated_and_expired__reason_is_the_gate(street, seller, slot, offer):
    order = offer(seller)
    street.go_to_slot(slot)
    street.release(order)
    assert closed(street.exchange) == [(order, 50, RELEASED)]


def test_release__gate_before_its_time__released_as_gated(street, seller, slot, offer):
    order = offer(seller, expiry=2**32 - 1)
    street.go_to_slot(slot)
    street.release(order)
    assert closed(street.exchange) == [(order, 50, RELEASED)]


def test_cancel__expired_order__its_owner_still_can(street, seller, offer, until):
    before = street.free(seller)
    order = offer(seller)
    street.go_to(until)
    street.cancel(order)
    assert street.free(seller) == before


# ---- what lies in the words of times --------------------------------------------------------------------------------


def test_expiry_word__eight_places__nine_orders_use_two_words(street, seller, slot, until):
    wanted = [Wanted(slot, True, 1000, 10, expiry=until + i).packed() for i in range(9)]
    street.exchange.place_many(seller, wanted, sender=street.owner_of(seller))
    level_key = (street.zone << 13 | slot % 4096 << 1 | 1) << 8 | 90
    words = [street.exchange.expiry_word(level_key << 8 | i) for i in range(2)]
    assert words[0] == sum(until + i << 32 * i for i in range(8))
    assert words[1] == until + 8


def test_expiry_word__emptied_level_refilled__old_times_do_not_hold(street, seller, buyer, slot, offer, until):
    street.cancel(offer(seller))
    plain = offer(seller, expiry=0)
    later = offer(seller, expiry=until + 7200)
    street.go_to(until)
    assert [street.lens.order(order).expiry for order in (plain, later)] == [0, until + 7200]
    street.buy(buyer, slot, 1000, 100)
    assert [order for order, *_ in trades(street.exchange)] == [plain, later]


def test_expiry_word__ring_comes_round__stale_times_do_not_hold(street, seller, buyer, slot, until):
    wanted = [Wanted(slot, True, 1000, 10, expiry=until).packed()] * 10
    street.exchange.place_many(seller, wanted, sender=street.owner_of(seller))
    street.go_to_slot(slot + RING_SLOTS - 96)
    later, fresh = slot + RING_SLOTS, street.now + 60
    plain = street.sell(seller, later, 1000, 10)
    assert len(closed(street.exchange)) == 10
    timed = street.place(seller, Wanted(later, True, 1000, 10, expiry=fresh))[0]
    assert [order.expiry for order in street.lens.orders(street.zone, later, True)] == [0, fresh]
    street.buy(buyer, later, 1000, 20)
    assert [order for order, *_ in trades(street.exchange)] == [plain, timed]
