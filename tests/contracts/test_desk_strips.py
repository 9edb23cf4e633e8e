"""Strips: a day of orders under one signature."""

from dataclasses import replace

import boa
import pytest

from tests.contracts.offers import PLAIN, Offer, StripOffer, for_taker
from tests.contracts.signing import person
from tests.contracts.street import events

SELLER, BUYER, BAKERY = person("seller"), person("buyer"), person("bakery")
RELAYER = person("relayer").address
DAY = 96
ALL = 2**DAY - 1
OVER = 2**22 - 1
STRIP = 2**21


@pytest.fixture
def sale(seller, slot):
    """A day from `slot` on: 100 + i Wh in slot i for 900, nothing in every tenth slot."""
    return StripOffer(seller, slot, True, (900,) * DAY, tuple(0 if i % 10 == 9 else 100 + i for i in range(DAY)))


@pytest.fixture
def purchase(buyer, slot):
    """A day from `slot` on: 150 Wh in every slot, dearer every hour."""
    return StripOffer(buyer, slot, False, tuple(900 + 10 * (i // 4) for i in range(DAY)), (150,) * DAY)


@pytest.fixture
def match(street):
    """match(sale, purchase, slots): brings two strips in, by the relayer; Wh traded."""

    def match(sale, purchase, slots=ALL):
        first, second = sale.signed(street.desk, SELLER), purchase.signed(street.desk, BUYER)
        return street.desk.match_strips(
            first, for_taker(sale.taker), second, for_taker(purchase.taker), slots, sender=RELAYER
        )

    return match


def traded(street, strip):
    return list(street.desk.strip_traded(strip.site, strip.nonce))[: len(strip.wh)]


def net(street, site, slots):
    return [street.lens.position(site, slot).net_wh for slot in slots]


def test_match__two_days__each_slot_for_itself_in_the_middle(street, match, sale, purchase, slot):
    wanted = [min(a, b) for a, b in zip(sale.wh, purchase.wh, strict=True)]
    assert match(sale, purchase) == sum(wanted)
    fills = events(street.desk, "StripFilled")
    assert [(event.site, event.fill) for event in fills] == [(sale.site, sum(wanted)), (purchase.site, sum(wanted))]
    assert traded(street, sale) == wanted
    assert traded(street, purchase) == wanted
    assert net(street, sale.site, range(slot, slot + DAY)) == wanted
    assert street.lens.position(sale.site, slot + 8).value == 108 * (900 + 920) // 2


def test_match__again__only_what_is_left(street, match, sale, purchase):
    match(sale, replace(purchase, wh=(151,) * DAY))
    more = replace(purchase, nonce=1, wh=(60,) * DAY)
    left = [max(0, a - 151) for a in sale.wh]
    assert match(sale, more) == sum(min(60, wh) for wh in left)
    assert traded(street, sale) == [min(a, 211) for a in sale.wh]
    assert max(a - b for a, b in zip(traded(street, sale), sale.wh, strict=True)) == 0


def test_match__nothing_left__refused(match, sale, purchase):
    sale = replace(sale, wh=(100,) * DAY)
    match(sale, purchase)
    with boa.reverts("strip: nothing matches"):
        match(sale, replace(purchase, nonce=1))


def test_match__some_slots_left_out__untouched_until_another_call(street, match, sale, purchase):
    assert match(sale, purchase, 0b1001 << 40) == 140 + 143
    assert [i for i, wh in enumerate(traded(street, sale)) if wh] == [40, 43]
    assert street.desk.nonce_state(sale.site, 0) == STRIP | 1 << 3
    match(sale, purchase, 1)
    assert [i for i, wh in enumerate(traded(street, sale)) if wh] == [0, 40, 43]


@pytest.mark.parametrize("shift", [-95, -5, 3, 95])
def test_match__days_that_overlap__trade_where_they_do(street, match, sale, purchase, slot, shift):
    sale = replace(sale, wh=(100,) * DAY)
    match(sale, replace(purchase, first_slot=slot + shift))
    common = range(max(0, shift), min(DAY, DAY + shift))
    assert [i for i, wh in enumerate(traded(street, sale)) if wh] == list(common)


@pytest.mark.parametrize("shift", [-96, 96])
def test_match__days_that_do_not_overlap__refused(match, sale, purchase, slot, shift):
    with boa.reverts("strip: nothing matches"):
        match(sale, replace(purchase, first_slot=slot + shift))


def test_match__prices_cross_in_some_slots__only_those(street, match, sale, purchase):
    match(replace(sale, prices=(1000,) * DAY, wh=(50,) * DAY), purchase)
    assert [i for i, wh in enumerate(traded(street, sale)) if wh] == list(range(40, DAY))


@pytest.mark.parametrize("count", [1, 5, 6, 7, 12, 13, 95])
def test_match__short_strips__any_length(street, match, sale, purchase, count):
    sale = replace(sale, prices=(900,) * count, wh=tuple(range(11, 11 + count)), relay_fee=1)
    assert match(sale, purchase) == sum(sale.wh)
    assert street.desk.earned(RELAYER) == 1
    assert traded(street, sale) == list(sale.wh)


def test_match__largest_energies__kept_exactly(street, match, sale, purchase):
    largest = 2**21 - 1
    wh = tuple(largest if i % 5 == 0 else 10 for i in range(DAY))
    match(replace(sale, wh=wh), replace(purchase, wh=(largest,) * DAY), sum(1 << i for i in range(DAY) if i % 5))
    assert traded(street, sale) == [0 if i % 5 == 0 else 10 for i in range(DAY)]


def test_match__much_energy_in_all_slots_of_a_word__remembered(street, match, sale, purchase):
    sale, purchase = (
        replace(one, prices=(900,) * 12, wh=(20_000 + extra,) * 12) for one, extra in ((sale, 0), (purchase, 1))
    )
    assert match(sale, purchase) == 240_000
    assert traded(street, purchase) == [20_000] * 12
    with boa.reverts("strip: nothing matches"):
        match(sale, replace(purchase, nonce=1))


@pytest.mark.parametrize("count", [0, 97, 127])
def test_match__bad_number_of_slots__refused(street, sale, purchase, count):
    word, _, r, vs = sale.signed(street.desk, SELLER)
    for words in (sale.legs(), [0] * min(16, -(-count // 6))):
        with boa.reverts("strip: bad number of slots"):
            street.desk.match_strips(
                (word & ~127 | count, words, r, vs), PLAIN, purchase.signed(street.desk, BUYER), PLAIN, ALL
            )


@pytest.mark.parametrize("words", [0, 15])
def test_match__legs_left_out__refused(street, sale, purchase, words):
    head, legs, r, vs = sale.signed(street.desk, SELLER)
    with boa.reverts("strip: bad number of slots"):
        street.desk.match_strips((head, legs[:words], r, vs), PLAIN, purchase.signed(street.desk, BUYER), PLAIN, ALL)


def test_match__sides_exchanged__refused(street, sale, purchase):
    first, second = sale.signed(street.desk, SELLER), purchase.signed(street.desk, BUYER)
    for pair in ((second, first), (first, first), (second, second)):
        with boa.reverts("strip: wrong side"):
            street.desk.match_strips(pair[0], PLAIN, pair[1], PLAIN, ALL, sender=RELAYER)


@pytest.mark.parametrize("change", [{"prices": 905}, {"wh": 101}])
def test_match__leg_changed_after_signing__refused(street, sale, purchase, change):
    ((field, number),) = change.items()
    changed = replace(sale, **{field: (*getattr(sale, field)[:-1], number)})
    _, _, r, vs = sale.signed(street.desk, SELLER)
    with boa.reverts("order: not its owner"):
        street.desk.match_strips(
            (changed.head(), changed.legs(), r, vs), PLAIN, purchase.signed(street.desk, BUYER), PLAIN, ALL
        )


def test_match__signature_of_nobody__refused(street, sale, purchase):
    with boa.reverts("order: bad signature"):
        street.desk.match_strips(
            (sale.head(), sale.legs(), 0, 0), PLAIN, purchase.signed(street.desk, BUYER), PLAIN, ALL
        )


def test_match__expired__refused(street, match, sale, purchase):
    with boa.reverts("order: expired"):
        match(sale, replace(purchase, expiry=street.now))


def test_match__one_slot_gated__refused_unless_left_out(street, match, sale, purchase, slot):
    street.go_to_slot(slot)
    with boa.reverts("order: gate closed"):
        match(sale, purchase)
    match(sale, purchase, ALL - 1)
    assert traded(street, sale)[:2] == [0, 101]


def test_match__named_takers__only_they(street, match, sale, purchase):
    with boa.reverts("order: not its taker"):
        match(replace(sale, taker=BAKERY.address), purchase)
    with boa.reverts("order: not its taker"):
        match(sale, replace(purchase, taker=BAKERY.address))
    assert match(replace(sale, taker=BUYER.address), replace(purchase, taker=SELLER.address)) > 0


# ---- nonces ---------------------------------------------------------------------------------------------------------


def test_cancel_nonce__of_a_strip__never_trades_again(street, match, sale, purchase):
    match(sale, purchase, 1)
    street.desk.cancel_nonce(sale.site, 0, sender=SELLER.address)
    assert street.desk.nonce_state(sale.site, 0) == OVER
    assert traded(street, sale) == [0] * DAY
    with boa.reverts("nonce: is over"):
        match(sale, replace(purchase, nonce=1))


def test_cancel_nonces_below__strip_among_them__never_trades_again(street, match, sale, purchase):
    match(sale, purchase, 1)
    street.desk.cancel_nonces_below(sale.site, 1, sender=SELLER.address)
    with boa.reverts("nonce: is over"):
        match(sale, replace(purchase, nonce=1))


def test_nonce__used_by_an_order__no_strip(street, match, sale, purchase, seller, buyer, slot):
    orders = [
        Offer(seller, slot, True, 900, 50).signed(street.desk, SELLER),
        Offer(buyer, slot, False, 900, 50, 9).signed(street.desk, BUYER),
    ]
    street.desk.match_signed(orders, [], sender=RELAYER)
    with boa.reverts("nonce: is over"):
        match(sale, purchase)


def test_nonce__used_by_a_strip__no_order(street, match, sale, purchase, seller, buyer, slot):
    match(sale, purchase, 1)
    orders = [
        Offer(seller, slot, True, 900, 2**21 - 1).signed(street.desk, SELLER),
        Offer(buyer, slot, False, 900, 50, 9).signed(street.desk, BUYER),
    ]
    with boa.reverts("order: filled"):
        street.desk.match_signed(orders, [], sender=RELAYER)


def test_match__strip_of_the_next_round__finds_no_trace_of_the_earlier(street, match, sale, purchase):
    match(sale, purchase)
    later = replace(sale, nonce=128, wh=(10,) * DAY)
    assert match(later, replace(purchase, nonce=1), 0b111) == 30
    assert traded(street, later) == [10, 10, 10] + [0] * (DAY - 3)
    assert match(later, replace(purchase, nonce=1)) == 10 * (DAY - 3)
    with boa.reverts("nonce: is over"):
        match(sale, replace(purchase, nonce=2))


@pytest.mark.parametrize("nonce", [1, 64, 127])
def test_match__strips_with_other_nonces__each_its_own_words(street, match, sale, purchase, nonce):
    match(sale, purchase, 0b11)
    match(replace(sale, nonce=nonce), replace(purchase, nonce=nonce), 0b110)
    assert traded(street, sale)[:3] == [100, 101, 0]
    assert traded(street, replace(sale, nonce=nonce))[:3] == [0, 101, 102]
    assert traded(street, purchase)[:3] == [100, 101, 0]


# ---- relay fee and book ---------------------------------------------------------------------------------------------


def test_match__relay_fees__in_proportion_to_the_whole_strip(street, match, sale, purchase):
    sale, purchase = replace(sale, wh=(100,) * DAY, relay_fee=960), replace(purchase, relay_fee=1000)
    before = street.free(sale.site)
    match(sale, purchase, 0b11)
    assert street.desk.earned(RELAYER) == 20 + 13
    assert before - street.free(sale.site) == 2 * 100 * (3000 - 900) + 20
    match(sale, purchase)
    assert street.desk.earned(RELAYER) == 33 + 940 + 652
    assert street.free(0) == street.desk.earned(RELAYER)


@pytest.mark.parametrize("fee", [0, 1, 200])
def test_take__day_against_the_book__as_far_as_it_goes(street, sale, buyer, slot, fee):
    for i in (0, 5, 8):
        street.buy(buyer, slot + i, 950, 60)
    sale = replace(sale, relay_fee=-(-fee * sum(sale.wh) // 180))
    assert street.desk.take_strip(sale.signed(street.desk, SELLER), PLAIN, 0b100100001, sender=RELAYER) == 180
    assert traded(street, sale)[:9] == [60, 0, 0, 0, 0, 60, 0, 0, 60]
    assert net(street, sale.site, [slot, slot + 5]) == [60, 60]
    assert street.lens.depth(street.zone, slot, True) == []
    assert street.desk.earned(RELAYER) == fee == street.free(0)


def test_take__day_of_purchases__bought_from_the_book(street, purchase, seller, slot):
    for i in (0, 11):
        street.sell(seller, slot + i, 900, 60)
    assert street.desk.take_strip(purchase.signed(street.desk, BUYER), PLAIN, 1 | 1 << 11, sender=RELAYER) == 120
    assert net(street, purchase.site, [slot, slot + 11]) == [-60, -60]


def test_take__after_a_match__only_what_is_left(street, match, sale, purchase, buyer, slot):
    sale = replace(sale, wh=(200,) * DAY)
    match(sale, purchase)
    street.buy(buyer, slot, 900, 500)
    assert street.desk.take_strip(sale.signed(street.desk, SELLER), PLAIN, 1, sender=RELAYER) == 50
    with boa.reverts("strip: nothing matches"):
        street.desk.take_strip(sale.signed(street.desk, SELLER), PLAIN, 1, sender=RELAYER)


def test_take__named_taker__refused(street, sale):
    sale = replace(sale, taker=BUYER.address)
    with boa.reverts("order: has a named taker"):
        street.desk.take_strip(sale.signed(street.desk, SELLER), for_taker(sale.taker), ALL, sender=RELAYER)


def test_take__key_of_somebody_else__refused(street, sale):
    with boa.reverts("order: not its owner"):
        street.desk.take_strip(sale.signed(street.desk, street.attacker), PLAIN, ALL, sender=RELAYER)


def test_strip_digest__any_length__what_a_wallet_signs(street, sale):
    ends = (2**27 - 1, 2**40 - 1, BUYER.address, 2**40 - 1)
    most = StripOffer(2**48 - 1, 2**32 - 1, True, (65535,), (2**21 - 1,), *ends)
    for strip in (sale, most, replace(sale, sell=False, prices=(7,), wh=(0,), relay_fee=3, taker=BUYER.address)):
        digest = street.desk.strip_digest((strip.head(), strip.legs(), 0, 0), strip.taker)
        assert digest == strip.digest(street.desk)
