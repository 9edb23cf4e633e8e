"""Agent keys: they trade within the limits an owner set, and never more."""

from dataclasses import replace

import boa
import pytest

from tests.contracts.model import FILL_OR_KILL, IMMEDIATE_OR_CANCEL, Limits, Wanted
from tests.contracts.signing import person
from tests.contracts.street import events, limits_tuple

AGENT = person("agent").address


@pytest.fixture
def limits(street, slot):
    """Buy to 1000, sell from 900, 500 Wh and 500,000 grains in all, the first hour of tomorrow, for two days."""
    return Limits(1000, 900, 500, 500_000, slot, slot + 3, street.now + 2 * 86_400)


@pytest.fixture
def hire(street, seller):
    def hire(limits, agent=AGENT, sender=None):
        street.desk.set_agent(seller, agent, limits_tuple(limits), sender=sender or person("seller").address)

    return hire


@pytest.fixture
def by_agent(street):
    """by_agent(site, wanted): the order that rests and the Wh that traded."""

    def place(site, wanted):
        order = (wanted.slot, wanted.sell, wanted.price, wanted.wh, wanted.kind, wanted.expiry)
        return street.desk.place(site, *order, sender=AGENT)

    return place


def left(street, seller):
    return Limits(*street.desk.agent_limits(seller, AGENT))


def test_set_agent__by_the_owner__limits_readable(street, seller, hire, limits):
    hire(limits)
    (event,) = events(street.desk, "AgentSet")
    assert (event.site, event.agent, tuple(event.limits)) == (seller, AGENT, limits_tuple(limits))
    assert left(street, seller) == limits


def test_set_agent__again__replaces_the_limits(street, seller, hire, limits):
    hire(limits)
    hire(replace(limits, wh=7))
    assert left(street, seller).wh == 7


def test_set_agent__widest_limits__kept_exactly(street, seller, hire):
    widest = Limits(2**16 - 1, 2**16 - 1, 2**40 - 1, 2**64 - 1, 2**32 - 1, 2**32 - 1, 2**40 - 1)
    hire(widest)
    assert left(street, seller) == widest


def test_set_agent__not_the_owner__refused(street, hire, limits):
    with boa.reverts("site: not yours"):
        hire(limits, sender=street.attacker.address)


def test_set_agent__no_address__refused(hire, limits):
    with boa.reverts("agent: no address"):
        hire(limits, agent="0x" + "00" * 20)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"buy_max": 2**16}, "agent: price out of range"),
        ({"sell_min": 2**16}, "agent: price out of range"),
        ({"wh": 2**40}, "agent: budget out of range"),
        ({"value": 2**64}, "agent: budget out of range"),
        ({"first_slot": 2**32 - 1, "last_slot": 0}, "agent: bad slots"),
        ({"last_slot": 2**32}, "agent: bad slots"),
        ({"expiry": 0}, "agent: bad expiry"),
        ({"expiry": 2**40}, "agent: bad expiry"),
    ],
)
def test_set_agent__limit_out_of_range__refused(hire, limits, change, reason):
    with boa.reverts(reason):
        hire(replace(limits, **change))


def test_place__agent_within_limits__budgets_shrink_by_the_whole_order(
    street, seller, buyer, hire, limits, slot, by_agent
):
    hire(limits)
    street.buy(buyer, slot, 1000, 20)
    order, filled = by_agent(seller, Wanted(slot, True, 950, 100))
    assert filled == 20
    assert street.lens.order(order).wh == 80
    assert left(street, seller) == replace(limits, wh=400, value=500_000 - 95_000)


def test_place__agent_cancels_again__budget_stays_used(street, seller, hire, limits, slot, by_agent):
    hire(limits)
    order, _ = by_agent(seller, Wanted(slot, True, 950, 100))
    street.desk.cancel(order, sender=AGENT)
    assert left(street, seller).wh == 400


def test_place__agent_uses_all__nothing_left_for_another(street, seller, hire, limits, slot, by_agent):
    hire(limits)
    by_agent(seller, Wanted(slot, True, 1000, 500))
    assert (left(street, seller).wh, left(street, seller).value) == (0, 0)
    with boa.reverts("agent: energy used up"):
        by_agent(seller, Wanted(slot, True, 1000, 10))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"sell": True, "price": 890}, "agent: price too low"),
        ({"sell": False, "price": 1010}, "agent: price too high"),
        ({"wh": 501, "price": 900}, "agent: energy used up"),
        ({"wh": 500, "price": 1010}, "agent: value used up"),
    ],
)
def test_place__agent_beyond_a_limit__refused(street, seller, hire, limits, slot, change, reason, by_agent):
    hire(limits)
    with boa.reverts(reason):
        by_agent(seller, replace(Wanted(slot, True, 1000, 10), **change))
    assert left(street, seller) == limits


def test_place__agent_at_its_prices_and_slots__allowed(street, seller, hire, limits, slot, by_agent):
    hire(limits)
    assert by_agent(seller, Wanted(slot, True, 900, 10))[0]
    assert by_agent(seller, Wanted(slot + 3, False, 1000, 10))[0]
    assert left(street, seller) == replace(limits, wh=480, value=500_000 - 19_000)


@pytest.mark.parametrize("offset", [-1, 4])
def test_place__agent_in_another_slot__refused(street, seller, hire, limits, slot, offset, by_agent):
    hire(limits)
    with boa.reverts("agent: slot not allowed"):
        by_agent(seller, Wanted(slot + offset, True, 1000, 10))


def test_place__agent_at_the_last_moment__allowed_then_refused(street, seller, hire, limits, slot, by_agent):
    hire(replace(limits, expiry=street.now + 100))
    street.go_to(street.now + 99)
    order, _ = by_agent(seller, Wanted(slot, True, 1000, 10))
    street.go_to(street.now + 1)
    with boa.reverts("agent: expired"):
        by_agent(seller, Wanted(slot, True, 1000, 10))
    with boa.reverts("agent: expired"):
        street.desk.cancel(order, sender=AGENT)


def test_place__refused_for_another_reason__budget_untouched(street, seller, hire, limits, slot, by_agent):
    hire(limits)
    with boa.reverts("order: cannot fill"):
        by_agent(seller, Wanted(slot, True, 1000, 10, FILL_OR_KILL))
    assert left(street, seller) == limits


def test_place_many__agent__each_order_uses_the_budget(street, seller, hire, limits, slot):
    hire(limits)
    wanted = [Wanted(slot + i, True, 1000, 100) for i in range(4)]
    street.desk.place_many(seller, [w.packed() for w in wanted], sender=AGENT)
    assert (left(street, seller).wh, left(street, seller).value) == (100, 100_000)


def test_place_many__agent_beyond_the_budget_in_the_last__none_is_placed(street, seller, hire, limits, slot):
    hire(limits)
    wanted = [Wanted(slot + i, True, 1000, 126) for i in range(4)]
    with boa.reverts("agent: energy used up"):
        street.desk.place_many(seller, [w.packed() for w in wanted], sender=AGENT)
    assert left(street, seller) == limits
    assert street.lens.depth(street.zone, slot, True) == []


def test_place_many__agent__each_order_within_the_limit_of_its_side(street, seller, hire, limits, slot):
    hire(limits)
    for sell, price, reason in ((True, 890, "agent: price too low"), (False, 1010, "agent: price too high")):
        with boa.reverts(reason):
            street.desk.place_many(seller, [Wanted(slot, sell, price, 10).packed()], sender=AGENT)
    wanted = [Wanted(slot, True, 1010, 10), Wanted(slot, False, 890, 10, IMMEDIATE_OR_CANCEL)]
    street.desk.place_many(seller, [w.packed() for w in wanted], sender=AGENT)
    assert left(street, seller) == replace(limits, wh=480, value=500_000 - 10_100 - 8_900)


def test_cancel__by_an_agent__any_order_of_the_site(street, seller, hire, limits, slot):
    hire(limits)
    order = street.sell(seller, slot, 1000, 10)
    street.desk.cancel(order, sender=AGENT)
    assert street.lens.order(order).wh == 0


def test_cancel__agent_of_another_site__refused(street, seller, buyer, hire, limits, slot):
    hire(limits)
    order = street.buy(buyer, slot, 1000, 10)
    with boa.reverts("agent: unknown"):
        street.desk.cancel(order, sender=AGENT)


def test_place__agent_of_another_site__refused(street, buyer, hire, limits, slot, by_agent):
    hire(limits)
    with boa.reverts("agent: unknown"):
        by_agent(buyer, Wanted(slot, True, 1000, 10))


def test_revoke_agent__at_once__no_more_orders(street, seller, hire, limits, slot, by_agent):
    hire(limits)
    street.desk.revoke_agent(seller, AGENT, sender=person("seller").address)
    assert events(street.desk, "AgentRevoked")[0] == (seller, AGENT)
    assert left(street, seller) == Limits(0, 0, 0, 0, 0, 0, 0)
    with boa.reverts("agent: unknown"):
        by_agent(seller, Wanted(slot, True, 1000, 10))


def test_revoke_agent__not_the_owner__refused(street, seller, hire, limits):
    hire(limits)
    with boa.reverts("site: not yours"):
        street.desk.revoke_agent(seller, AGENT, sender=street.attacker.address)


def test_revoke_agent__unknown_key__refused(street, seller):
    with boa.reverts("agent: unknown"):
        street.desk.revoke_agent(seller, street.attacker.address, sender=person("seller").address)


def test_set_agent__by_an_agent__refused(street, seller, hire, limits):
    hire(limits)
    with boa.reverts("site: not yours"):
        hire(limits, agent=street.attacker.address, sender=AGENT)
