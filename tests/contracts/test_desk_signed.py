"""Signed orders: against each other, against the book, and with a named counterparty."""

from dataclasses import replace
from pathlib import Path

import boa
import pytest

from tests.contracts.model import POST_ONLY, Entry, Reading, Wanted
from tests.contracts.offers import NOBODY, PLAIN, Offer, for_taker
from tests.contracts.signing import person
from tests.contracts.street import GRAIN, NET8, SOLAR, events

HOSTILE = Path(__file__).parent / "hostile"
KEYS = {"seller": person("seller"), "buyer": person("buyer"), "bakery": person("bakery"), "battery": person("battery")}
RELAYER = person("relayer").address
CONSENTS, APPROVES, REVERTS, BURNS, RAMBLES, MUMBLES, INTERFERES = (1 << i for i in range(7))
OVER = 2**22 - 1


@pytest.fixture
def sale(seller, slot):
    """600 Wh for at least 900 grains each."""
    return Offer(seller, slot, True, 900, 600)


@pytest.fixture
def purchase(buyer, slot):
    """600 Wh for at most 1000 grains each."""
    return Offer(buyer, slot, False, 1000, 600)


@pytest.fixture
def signed(street):
    """signed(offer, proof): as its site's owner signs it."""
    keys = {key.address: key for key in KEYS.values()}

    def sign(offer, proof=0):
        return offer.signed(street.desk, keys[street.owner_of(offer.site)], proof)

    return sign


@pytest.fixture
def match(street, signed):
    """match(offers): brings plain orders in, by the relayer."""

    def match(*offers):
        street.desk.match_signed([signed(offer) for offer in offers], [], sender=RELAYER)

    return match


def position(street, site, slot):
    found = street.lens.position(site, slot)
    return found.net_wh, found.value


def traded(street, offer):
    return street.desk.nonce_state(offer.site, offer.nonce)


# ---- match_signed ---------------------------------------------------------------------------------------------------


def test_match__one_pair__trades_in_the_middle(street, match, sale, purchase, slot):
    match(sale, purchase)
    assert position(street, sale.site, slot) == (600, 600 * 950)
    assert position(street, purchase.site, slot) == (-600, -600 * 950)
    assert (traded(street, sale), traded(street, purchase)) == (600, 600)


def test_match__one_wh_of_each__remembered(street, match, sale, purchase):
    match(replace(sale, wh=1), replace(purchase, wh=1))
    assert (traded(street, sale), traded(street, purchase)) == (1, 1)


def test_match__odd_sum_of_prices__middle_rounded_down(street, match, sale, purchase, slot):
    match(replace(purchase, price=1001), sale)
    assert position(street, sale.site, slot) == (600, 600 * 950)


def test_match__same_price__trades(street, match, sale, purchase, slot):
    match(sale, replace(purchase, price=900))
    assert position(street, sale.site, slot) == (600, 600 * 900)


def test_match__prices_do_not_cross__refused(match, sale, purchase):
    with boa.reverts("order: nothing matches"):
        match(sale, replace(purchase, price=899))
    with boa.reverts("order: nothing matches"):
        match(replace(purchase, price=899), sale)


def test_match__two_of_one_side__refused(match, sale, battery):
    with boa.reverts("order: nothing matches"):
        match(sale, replace(sale, site=battery))


def test_match__other_slot__refused(match, sale, purchase):
    with boa.reverts("order: nothing matches"):
        match(sale, replace(purchase, slot=purchase.slot + 1))


def test_match__nothing_at_all__refused(match):
    with boa.reverts("order: nothing matches"):
        match()


def test_match__large_sale_then_two_purchases__fills_both_and_waits(street, match, sale, purchase, bakery, slot):
    second = replace(purchase, site=bakery, price=950, wh=300)
    match(replace(sale, wh=1000), purchase, second)
    assert position(street, sale.site, slot) == (900, 600 * 950 + 300 * 925)
    assert traded(street, sale) == 900
    assert traded(street, second) == 300


def test_match__purchase_remains__goes_on_with_the_next_sale(street, match, sale, purchase, battery, slot):
    second = replace(sale, site=battery, wh=100)
    match(replace(sale, wh=200), purchase, second)
    assert position(street, purchase.site, slot)[0] == -300
    assert [traded(street, offer) for offer in (sale, purchase, second)] == [200, 300, 100]


def test_match__order_that_cannot_trade_in_between__waits_in_its_place(street, match, sale, purchase, bakery, slot):
    other = replace(purchase, site=bakery, slot=slot + 1)
    match(sale, other, replace(sale, slot=slot + 1, nonce=1))
    assert position(street, bakery, slot + 1)[0] == -600
    assert traded(street, sale) == 0


def test_match__filled_in_two_calls__remembers_the_first(street, match, sale, purchase, bakery, slot):
    match(sale, replace(purchase, wh=200))
    match(sale, replace(purchase, site=bakery, wh=1000))
    assert position(street, sale.site, slot)[0] == 600
    assert position(street, bakery, slot)[0] == -400


def test_match__again__refused(match, sale, purchase):
    match(sale, purchase)
    with boa.reverts("order: filled"):
        match(sale, replace(purchase, nonce=1))


def test_match__one_order_twice_in_a_call__second_finds_it_filled(match, sale, purchase):
    with boa.reverts("order: filled"):
        match(sale, purchase, sale, replace(purchase, nonce=1))


def test_match__two_orders_of_one_nonce__each_within_its_energy_then_nothing(street, match, sale, purchase, slot):
    twin = replace(sale, slot=slot + 1, wh=500)
    match(sale, purchase)
    with boa.reverts("order: filled"):
        match(twin, replace(purchase, slot=slot + 1, nonce=1))
    match(replace(twin, wh=700), replace(purchase, slot=slot + 1, nonce=1))
    assert position(street, sale.site, slot + 1)[0] == 100


def test_match__two_orders_of_one_nonce_in_a_call__share_its_energy(street, match, sale, purchase, slot):
    early, late = replace(sale, wh=1000), replace(sale, wh=1000, slot=slot + 1)
    match(early, purchase, late, replace(purchase, slot=slot + 1, wh=900, nonce=1))
    assert traded(street, sale) == 1000
    assert (position(street, sale.site, slot)[0], position(street, sale.site, slot + 1)[0]) == (600, 400)


@pytest.mark.parametrize("swapped", [False, True])
def test_match__partly_filled_order_again_in_the_same_call__only_what_is_left(
    street, match, sale, purchase, battery, bakery, slot, swapped
):
    others = [replace(sale, wh=400), replace(sale, site=battery)]
    order = purchase
    if swapped:
        others = [replace(purchase, wh=400), replace(purchase, site=bakery)]
        order = sale
    match(order, others[0], order, others[1])
    assert traded(street, order) == 600
    assert abs(position(street, order.site, slot)[0]) == 600
    with boa.reverts("order: filled"):
        match(order, replace(others[1], nonce=1))


def test_match__energy_of_21_bits_is_the_most__more_bits_are_not_read(street, sale, purchase, signed):
    word, r, vs = signed(sale)
    street.desk.match_signed([(word | 7 << 21, r, vs), signed(purchase)], [], sender=RELAYER)
    assert traded(street, sale) == 600


def test_match__expired__refused(street, match, sale, purchase):
    match(replace(sale, expiry=street.now + 1, wh=300), replace(purchase, wh=300))
    with boa.reverts("order: expired"):
        match(replace(sale, expiry=street.now), purchase)


def test_match__own_order__refused(match, sale):
    with boa.reverts("order: not a pair"):
        match(sale, replace(sale, sell=False, price=1000, nonce=1))


def test_match__own_order_after_a_part_of_it_traded__refused(match, sale, purchase):
    with boa.reverts("order: not a pair"):
        match(sale, replace(purchase, wh=sale.wh - 1), replace(sale, sell=False, price=1000, nonce=1))


def test_match__other_side_of_a_nonce_after_a_part_of_it_traded__does_not_meet_it(street, match, sale, purchase, slot):
    match(sale, replace(purchase, wh=sale.wh - 1), replace(sale, sell=False, price=1000))
    assert traded(street, sale) == sale.wh - 1
    assert position(street, sale.site, slot) == (sale.wh - 1, (sale.wh - 1) * 950)


def test_match__key_of_somebody_else__refused(street, sale, purchase, signed):
    forged = sale.signed(street.desk, street.attacker)
    with boa.reverts("order: not its owner"):
        street.desk.match_signed([forged, signed(purchase)], [], sender=RELAYER)


@pytest.mark.parametrize("field", ["price", "wh", "nonce", "relay_fee", "expiry"])
def test_match__changed_after_signing__refused(street, sale, purchase, signed, field):
    changed = replace(sale, **{field: getattr(sale, field) - 1 if field == "expiry" else getattr(sale, field) + 1})
    forged = (changed.word(), *signed(sale)[1:])
    with boa.reverts("order: not its owner"):
        street.desk.match_signed([forged, signed(purchase)], [], sender=RELAYER)


def test_match__no_signature__refused(street, sale, purchase, signed):
    with boa.reverts("order: bad signature"):
        street.desk.match_signed([(sale.word(), 0, 0), signed(purchase)], [], sender=RELAYER)


def test_match__unknown_site__refused(street, sale, purchase, signed):
    """Nobody owns it: no signature can be its owner's, not even one that recovers to nobody."""
    unknown = replace(sale, site=(street.zone << 16) | 0xFFFF)
    with boa.reverts("order: not its owner"):
        street.desk.match_signed([unknown.signed(street.desk, street.attacker), signed(purchase)], [], sender=RELAYER)
    with boa.reverts("order: bad signature"):
        street.desk.match_signed([(unknown.word(), 0, 0), signed(purchase)], [], sender=RELAYER)


def test_match__gate_closed__refused(street, match, sale, purchase, slot):
    street.go_to_slot(slot)
    with boa.reverts("order: gate closed"):
        match(sale, purchase)


def test_match__neighbours_and_both_nonces_of_a_word__kept_apart(street, match, sale, purchase):
    for nonce in (0, 1, 2):
        match(replace(sale, nonce=nonce, wh=10 + nonce), replace(purchase, nonce=nonce, wh=10 + nonce))
    states = [[street.desk.nonce_state(site, nonce) for nonce in range(4)] for site in (sale.site, purchase.site)]
    assert states == [[10, 11, 12, 0]] * 2
    assert sale.site >> 2 == purchase.site >> 2, "the two share their words"


# ---- other chains and contracts -------------------------------------------------------------------------------------


def test_match__signed_for_another_chain__refused(street, match, sale, purchase, signed):
    elsewhere = signed(sale), signed(purchase)
    chain_id = boa.env.evm.patch.chain_id
    boa.env.evm.patch.chain_id = chain_id + 1
    try:
        with boa.reverts("order: not its owner"):
            street.desk.match_signed(elsewhere, [], sender=RELAYER)
        match(sale, purchase)  # signed anew, on the chain after the fork
    finally:
        boa.env.evm.patch.chain_id = chain_id
    assert traded(street, sale) == 600


def test_match__signed_for_another_desk__refused(street, deploy, sale, purchase, signed):
    other = deploy("TradingDesk", street.exchange)
    assert other.exchange() == street.desk.exchange() == street.exchange.address
    with boa.reverts("order: not its owner"):
        street.desk.match_signed([sale.signed(other, KEYS["seller"]), signed(purchase)], [], sender=RELAYER)


def test_constructor__no_contract__refused(deploy, owner):
    with boa.reverts("desk: exchange no contract"):
        deploy("TradingDesk", owner)


def test_order_digest__any_fields__what_a_wallet_signs(street, sale):
    most = Offer(2**48 - 1, 2**32 - 1, True, 65535, 2**21 - 1, 2**27 - 1, 2**40 - 1, RELAYER, 2**40 - 1)
    for offer in (sale, most, replace(sale, sell=False, taker=RELAYER, relay_fee=5)):
        assert street.desk.order_digest(offer.word(), offer.taker) == offer.digest(street.desk)


# ---- named taker ----------------------------------------------------------------------------------------------------


def test_match__named_taker_both_ways__trades(street, sale, purchase, signed):
    sale, purchase = replace(sale, taker=KEYS["buyer"].address), replace(purchase, taker=KEYS["seller"].address)
    proofs = [for_taker(sale.taker), for_taker(purchase.taker)]
    street.desk.match_signed([signed(sale, 1), signed(purchase, 2)], proofs, sender=RELAYER)
    assert traded(street, sale) == 600


@pytest.mark.parametrize("first", [True, False])
def test_match__somebody_else_than_the_named_taker__refused(street, sale, purchase, signed, first):
    sale = replace(sale, taker=KEYS["bakery"].address)
    orders = [signed(sale, 1), signed(purchase)]
    with boa.reverts("order: not its taker"):
        street.desk.match_signed(orders if first else orders[::-1], [for_taker(sale.taker)], sender=RELAYER)


def test_match__taker_left_out_by_the_caller__refused(street, sale, purchase, signed):
    sale = replace(sale, taker=KEYS["bakery"].address)
    with boa.reverts("order: not its owner"):
        street.desk.match_signed([signed(sale), signed(purchase)], [], sender=RELAYER)


def test_match__proof_missing__refused(street, sale, purchase, signed):
    with boa.reverts("order: proof missing"):
        street.desk.match_signed([signed(sale, 2), signed(purchase)], [for_taker(NOBODY)], sender=RELAYER)


def test_accept__by_the_named_taker__trades_at_the_offers_price(street, sale, purchase, signed, slot):
    sale = replace(sale, taker=KEYS["buyer"].address)
    street.desk.accept_signed(signed(sale), for_taker(sale.taker), purchase.site, 250, sender=sale.taker)
    assert position(street, purchase.site, slot) == (-250, -250 * 900)
    assert traded(street, sale) == 250


def test_accept__purchase_of_anyone__caller_sells(street, sale, purchase, signed, slot):
    street.desk.accept_signed(signed(purchase), PLAIN, sale.site, 600, sender=KEYS["seller"].address)
    assert position(street, sale.site, slot) == (600, 600 * 1000)


def test_accept__more_than_is_left__refused(street, sale, purchase, match, signed):
    match(sale, replace(purchase, wh=200))
    with boa.reverts("order: less is left"):
        street.desk.accept_signed(signed(sale), PLAIN, purchase.site, 401, sender=KEYS["buyer"].address)
    street.desk.accept_signed(signed(sale), PLAIN, purchase.site, 400, sender=KEYS["buyer"].address)


def test_accept__not_the_named_taker__refused(street, sale, purchase, signed):
    sale = replace(sale, taker=KEYS["bakery"].address)
    with boa.reverts("order: not its taker"):
        street.desk.accept_signed(signed(sale), for_taker(sale.taker), purchase.site, 10, sender=KEYS["buyer"].address)


def test_accept__for_a_site_of_somebody_else__refused(street, sale, purchase, signed):
    with boa.reverts("order: not its owner"):
        street.desk.accept_signed(signed(sale), PLAIN, purchase.site, 10, sender=street.attacker.address)


def test_accept__nothing__refused(street, sale, purchase, signed):
    with boa.reverts("order: not a pair"):
        street.desk.accept_signed(signed(sale), PLAIN, purchase.site, 0, sender=KEYS["buyer"].address)


# ---- against the book -----------------------------------------------------------------------------------------------


def test_take__better_price_in_the_book__trades_there_and_nothing_rests(street, purchase, seller, signed, slot):
    street.sell(seller, slot, 800, 250)
    filled = street.desk.take_signed(signed(purchase), PLAIN, sender=RELAYER)
    assert filled == 250
    assert position(street, purchase.site, slot) == (-250, -250 * 800)
    assert street.lens.depth(street.zone, slot, False) == []
    assert traded(street, purchase) == 250


def test_take__rest_of_an_order__within_what_is_left(street, sale, buyer, match, purchase, signed, slot):
    match(sale, replace(purchase, wh=400))
    street.buy(buyer, slot, 900, 1000)
    assert street.desk.take_signed(signed(sale), PLAIN, sender=RELAYER) == 200
    with boa.reverts("order: filled"):
        street.desk.take_signed(signed(sale), PLAIN, sender=RELAYER)


def test_take__nothing_crosses__refused(street, purchase, seller, signed, slot):
    street.sell(seller, slot, 1010, 250)
    with boa.reverts("order: nothing matches"):
        street.desk.take_signed(signed(purchase), PLAIN, sender=RELAYER)


def test_take__named_taker__refused(street, purchase, seller, signed, slot):
    street.sell(seller, slot, 800, 250)
    purchase = replace(purchase, taker=KEYS["seller"].address)
    with boa.reverts("order: has a named taker"):
        street.desk.take_signed(signed(purchase), for_taker(purchase.taker), sender=RELAYER)


def test_take__key_of_somebody_else__refused(street, purchase, seller, slot):
    street.sell(seller, slot, 800, 250)
    with boa.reverts("order: not its owner"):
        street.desk.take_signed(purchase.signed(street.desk, street.attacker), PLAIN, sender=RELAYER)


def test_take__expired__refused(street, purchase, signed):
    with boa.reverts("order: expired"):
        street.desk.take_signed(signed(replace(purchase, expiry=street.now)), PLAIN, sender=RELAYER)


# ---- nonces ---------------------------------------------------------------------------------------------------------


def test_cancel_nonce__before_it_is_used__order_never_trades(street, match, sale, purchase):
    street.desk.cancel_nonce(sale.site, 0, sender=KEYS["seller"].address)
    assert events(street.desk, "NonceCancelled")[0] == (sale.site, 0)
    assert traded(street, sale) == OVER
    for wh in (600, 2**21 - 1):
        with boa.reverts("nonce: is over"):
            match(replace(sale, wh=wh), purchase)


def test_cancel_nonce__partly_filled__rest_never_trades(street, match, sale, purchase):
    match(sale, replace(purchase, wh=1))
    street.desk.cancel_nonce(sale.site, 0, sender=KEYS["seller"].address)
    with boa.reverts("nonce: is over"):
        match(sale, replace(purchase, nonce=1))


def test_cancel_nonce__its_neighbours__stay(street, match, sale, purchase):
    street.desk.cancel_nonce(sale.site, 1, sender=KEYS["seller"].address)
    match(sale, replace(purchase, nonce=1))
    assert [street.desk.nonce_state(sale.site, nonce) for nonce in range(3)] == [600, OVER, 0]


def test_cancel_nonce__twice__refused(street, seller):
    street.desk.cancel_nonce(seller, 7, sender=KEYS["seller"].address)
    with boa.reverts("nonce: is over"):
        street.desk.cancel_nonce(seller, 7, sender=KEYS["seller"].address)


def test_cancel_nonce__not_the_owner__refused(street, seller):
    with boa.reverts("site: not yours"):
        street.desk.cancel_nonce(seller, 0, sender=street.attacker.address)


def test_cancel_nonce__no_nonce__refused(street, seller):
    with boa.reverts("nonce: out of range"):
        street.desk.cancel_nonce(seller, 2**27, sender=KEYS["seller"].address)
    with boa.reverts("nonce: out of range"):
        street.desk.nonce_state(seller, 2**27)


@pytest.mark.parametrize("below", [0, 1, 2, 63, 64, 127, 128, 129, 300, 2**27 - 128])
def test_cancel_nonces_below__any_number__exactly_those(street, seller, below):
    street.desk.cancel_nonces_below(seller, below, sender=KEYS["seller"].address)
    assert events(street.desk, "NoncesCancelledBelow")[0] == (seller, below)
    over = {
        nonce for nonce in range(max(below - 140, 0), below + 128) if street.desk.nonce_state(seller, nonce) == OVER
    }
    assert over == set(range(max(below - 140, 0), below))
    assert {street.desk.nonce_state(seller + 1, nonce) for nonce in range(128)} == {0}


def test_cancel_nonces_below__some_used_some_cancelled__used_ones_above_stay(street, match, sale, purchase):
    for nonce in (3, 4, 5):
        match(replace(sale, nonce=nonce, wh=50), replace(purchase, nonce=nonce, wh=20))
    street.desk.cancel_nonces_below(sale.site, 5, sender=KEYS["seller"].address)
    assert [street.desk.nonce_state(sale.site, nonce) for nonce in range(3, 7)] == [OVER, OVER, 20, 0]
    street.desk.cancel_nonces_below(sale.site, 5, sender=KEYS["seller"].address)
    assert street.desk.nonce_state(sale.site, 5) == 20


def test_cancel_nonces_below__lower_than_before__revives_nothing(street, seller):
    street.desk.cancel_nonces_below(seller, 200, sender=KEYS["seller"].address)
    street.desk.cancel_nonces_below(seller, 3, sender=KEYS["seller"].address)
    assert {street.desk.nonce_state(seller, nonce) for nonce in range(200)} == {OVER}
    assert street.desk.nonce_state(seller, 200) == 0


def test_cancel_nonces_below__not_the_owner__refused(street, seller):
    with boa.reverts("site: not yours"):
        street.desk.cancel_nonces_below(seller, 5, sender=street.attacker.address)


def test_cancel_nonces_below__nothing_would_be_left__refused(street, seller):
    with boa.reverts("nonce: out of range"):
        street.desk.cancel_nonces_below(seller, 2**27 - 127, sender=KEYS["seller"].address)


def test_match__nonce_of_the_next_round__ends_the_ones_of_the_round_before(street, match, sale, purchase):
    match(replace(sale, wh=50), replace(purchase, wh=50))
    match(replace(sale, nonce=128, wh=70), replace(purchase, nonce=2, wh=70))
    assert [street.desk.nonce_state(sale.site, nonce) for nonce in (0, 1, 2, 128, 129)] == [OVER, OVER, 0, 70, 0]
    with boa.reverts("nonce: is over"):
        match(replace(sale, wh=500), replace(purchase, nonce=3))


def test_match__as_many_orders_as_a_call_takes__all_trade(match, sale, purchase, street):
    match(*(replace(one, nonce=2 * i, wh=10) for i in range(16) for one in (sale, purchase)))
    assert [street.desk.nonce_state(purchase.site, 2 * i) for i in range(16)] == [10] * 16


def test_match__round_ends_while_an_order_of_it_waits__refused(match, sale, purchase, slot):
    newer = replace(sale, nonce=128, slot=slot + 1)
    with boa.reverts("nonce: is over"):
        match(
            replace(purchase, slot=slot + 1, nonce=1, wh=900),
            newer,
            replace(sale, nonce=0, slot=slot + 1, wh=100),
        )


# ---- relay fees -----------------------------------------------------------------------------------------------------


def test_match__relay_fees__in_proportion_to_what_filled(street, match, sale, purchase):
    before = street.free(sale.site), street.free(purchase.site)
    sale, purchase = replace(sale, relay_fee=999), replace(purchase, relay_fee=70, wh=200)
    match(sale, purchase)
    assert street.desk.earned(RELAYER) == 333 + 70
    assert street.free(0) == 403
    terms = 3000 * 200 - 200 * 950 + 333, 200 * (950 + 100) + 70
    assert (before[0] - street.free(sale.site), before[1] - street.free(purchase.site)) == terms


def test_match__largest_relay_fee__charged_in_full(street, match, sale, purchase):
    street.fund(purchase.site, 110_000 * NET8)
    before = street.free(purchase.site)
    match(sale, replace(purchase, relay_fee=2**40 - 1))
    assert street.desk.earned(RELAYER) == 2**40 - 1
    assert street.free(purchase.site) == before - 600 * (950 + 100) - (2**40 - 1)


def test_match__filled_in_many_parts__never_more_than_the_whole_fee(street, match, sale, purchase):
    sale = replace(sale, relay_fee=100)
    for nonce, wh in enumerate((7, 11, 13, 569)):
        match(sale, replace(purchase, wh=wh, nonce=nonce))
    assert street.desk.earned(RELAYER) == 1 + 1 + 2 + 94


def test_take__relay_fee__charged_to_the_site(street, purchase, seller, signed, slot):
    street.sell(seller, slot, 800, 300)
    before = street.free(purchase.site)
    street.desk.take_signed(signed(replace(purchase, relay_fee=1000)), PLAIN, sender=RELAYER)
    assert street.desk.earned(RELAYER) == 500
    assert before - street.free(purchase.site) == 300 * 900 + 500


@pytest.mark.parametrize("sell", [True, False])
def test_accept__relay_fee__paid_to_who_accepts(street, sale, purchase, signed, sell):
    offer, other = (sale, purchase) if sell else (purchase, sale)
    other_owner = street.owner_of(other.site)
    street.desk.accept_signed(signed(replace(offer, relay_fee=60)), PLAIN, other.site, 300, sender=other_owner)
    assert street.desk.earned(other_owner) == 30


def test_claim__earned__paid_once(street, match, sale, purchase):
    match(replace(sale, relay_fee=123), purchase)
    receiver = person("receiver").address
    assert street.desk.claim(receiver, sender=RELAYER) == 123
    assert events(street.desk, "EarningsClaimed")[0] == (RELAYER, receiver, 123)
    assert street.token.balanceOf(receiver) == 123 * GRAIN
    assert street.free(0) == 0
    with boa.reverts("earnings: none"):
        street.desk.claim(receiver, sender=RELAYER)


def test_claim__reports_settled_meanwhile__paid_all_the_same(street, match, sale, purchase, slot):
    match(replace(sale, relay_fee=123), purchase)
    street.end(slot)
    street.report(Entry(sale.site, slot // 4, {slot % 4: Reading(600, 0)}))
    assert street.free(0) == 123
    assert street.desk.claim(RELAYER, sender=RELAYER) == 123


def test_claim__nothing_earned__refused(street):
    with boa.reverts("earnings: none"):
        street.desk.claim(street.attacker.address, sender=street.attacker.address)


def test_match__fee_beyond_the_balance__refused(street, match, sale, purchase):
    street.leave(sale.site, 600 * (3000 - 950) + 9)
    with boa.reverts("balance: too low"):
        match(replace(sale, relay_fee=10), purchase)
    match(replace(sale, relay_fee=9), purchase)


# ---- contract wallets -----------------------------------------------------------------------------------------------


@pytest.fixture
def wallet(street):
    """A contract that owns a site."""
    contract = boa.load(str(HOSTILE / "Wallet.vy"), street.desk)
    operator = street.grid.zone_operator(street.zone)
    arguments = (street.zone, contract, SOLAR, 1_000_000, person("meter of a wallet").address, street.now, b"")
    site = street.grid.register_site(*arguments, sender=operator)
    street.give(contract.address, 1_000 * NET8)
    contract.fund(street.token, street.exchange, site, 1_000 * NET8 * GRAIN)
    return contract, site


@pytest.fixture
def by_wallet(street, wallet, sale, purchase, signed):
    """by_wallet(signature): matches a sale of the wallet's site."""
    contract, site = wallet
    sale = replace(sale, site=site)

    def match(signature=b"wallet", digest_of=sale):
        contract.approve(digest_of.digest(street.desk), b"wallet")
        orders = [(sale.word(1), 0, 0), signed(purchase)]
        street.desk.match_signed(orders, [(NOBODY, contract, signature)], sender=RELAYER)
        return street.desk.nonce_state(site, 0)

    return match


@pytest.mark.parametrize("mood", [CONSENTS, APPROVES, RAMBLES])
def test_wallet__accepts__trades(wallet, by_wallet, mood):
    wallet[0].feel(mood)
    assert by_wallet() == 600


@pytest.mark.parametrize("mood", [REVERTS, BURNS, MUMBLES, INTERFERES])
def test_wallet__hostile__own_order_refused(wallet, by_wallet, mood):
    wallet[0].feel(mood)
    with boa.reverts("order: wallet says no"):
        by_wallet()


def test_wallet__other_signature__refused(wallet, by_wallet):
    wallet[0].feel(APPROVES)
    with boa.reverts("order: wallet says no"):
        by_wallet(signature=b"forged")


def test_wallet__approved_another_order__refused(wallet, by_wallet, sale):
    wallet[0].feel(APPROVES)
    with boa.reverts("order: wallet says no"):
        by_wallet(digest_of=sale)


def test_wallet__burns_gas__takes_a_bounded_part_of_it(street, wallet, by_wallet):
    wallet[0].feel(BURNS)
    with boa.reverts("order: wallet says no"):
        by_wallet()
    asked = [
        call for call in street.desk._computation.children if call.msg.code_address.hex() in wallet[0].address.lower()
    ]
    assert [call.msg.gas for call in asked] == [500_000]


def test_wallet__of_another_site__refused(street, wallet, sale, purchase, signed):
    orders = [(sale.word(1), 0, 0), signed(purchase)]
    with boa.reverts("order: not its owner"):
        street.desk.match_signed(orders, [(NOBODY, wallet[0], b"")], sender=RELAYER)


def test_wallet__no_contract__refused(street, sale, purchase, signed):
    orders = [(sale.word(1), 0, 0), signed(purchase)]
    with boa.reverts("order: wallet says no"):
        street.desk.match_signed(orders, [(NOBODY, KEYS["seller"].address, b"")], sender=RELAYER)


def test_wallet__against_the_book__trades(street, wallet, sale, buyer, slot):
    contract, site = wallet
    street.buy(buyer, slot, 950, 100)
    filled = street.desk.take_signed(
        (replace(sale, site=site).word(), 0, 0), (NOBODY, contract, b"any"), sender=RELAYER
    )
    assert filled == 100


def test_wallet__cancels_its_nonce__order_never_trades(wallet, by_wallet):
    wallet[0].cancel_nonce(0)
    with boa.reverts("nonce: is over"):
        by_wallet()


# ---- guardian's stop ------------------------------------------------------------------------------------------------


@pytest.fixture
def stop(street, owner):
    """stop(): a guardian stops trading for an hour."""

    def stop():
        guardian = person("guardian").address
        street.grid.set_guardian(guardian, sender=owner)
        street.go_to(street.now + 8 * 86_400)
        street.grid.stop_orders(3600, sender=guardian)

    return stop


def test_stop__signed_orders__refused_until_it_is_over(street, stop, seller, buyer, match):
    stop()
    slot = street.now_slot + 96
    sale, purchase = Offer(seller, slot, True, 900, 600), Offer(buyer, slot, False, 1000, 600)
    with boa.reverts("order: trading is stopped"):
        match(sale, purchase)
    street.go_to(street.now + 3600)
    match(sale, purchase)
    assert traded(street, sale) == 600


def test_stop__cancelling_nonces_and_claiming__goes_on(street, stop, match, sale, purchase):
    match(replace(sale, relay_fee=5), purchase)
    stop()
    street.desk.cancel_nonce(sale.site, 9, sender=KEYS["seller"].address)
    street.desk.cancel_nonces_below(sale.site, 9, sender=KEYS["seller"].address)
    assert street.desk.nonce_state(sale.site, 9) == OVER
    assert street.desk.claim(RELAYER, sender=RELAYER) == 5


def test_place_post_only__crossing_a_signed_order__unaffected(street, sale, buyer, slot):
    """A signed order is not in the book before somebody brings it in."""
    order, _ = street.place(buyer, Wanted(slot, False, sale.price, 100, POST_ONLY))
    assert order != 0
