"""Signed orders, strips and trading between zones through JSON-RPC and the SDK."""

import pytest
from net8.audit import audit
from net8.errors import NonceRefused, OrderRefused
from net8.events import (
    Charged,
    EarningsClaimed,
    OrderPlaced,
    PairsTraded,
    PairTraded,
    StripFilled,
    TradedAbroad,
    ZoneCreated,
)
from net8.model import OrderKind, Technology
from net8.offers import NOBODY, Offer, Proof, Strip
from net8.signing import sign
from net8.units import slot_of

from tests.chain.anvil import START
from tests.chain.conftest import TARIFF_LEAD, TERMS, register

pytestmark = pytest.mark.chain
PRICE = 1000
FIRST_SLOT = slot_of(START)
FOREVER = 2**40 - 1


def offers(street, slot, relay_fee=0, **seller_fields):
    """A sale at 900 and a purchase at 1000, 400 Wh, each with its owner's key."""
    sale = Offer(street.seller_site, slot, True, 900, 400, 0, FOREVER, relay_fee=relay_fee, **seller_fields)
    purchase = Offer(street.buyer_site, slot, False, 1000, 400, 0, FOREVER, relay_fee=relay_fee)
    return (sale, street.people.seller), (purchase, street.people.buyer)


def signed(street, offer, who, **proof):
    return offer.signed(sign(bytes(who.key), offer.digest(street.deployment.desk_domain)), **proof)


def pairs(receipt):
    """What a call traded beside the book, all of it in one event."""
    (event,) = receipt.find(PairsTraded)
    return list(event.pairs)


def test_digests__orders_and_strips__same_as_the_desk_s(street):
    taker = street.people.buyer.address
    offer = Offer(street.seller_site, street.slot, True, 900, 400, 77, 2**39, taker, 123)
    strip = Strip(street.buyer_site, street.slot, False, [900] * 7, [1, 2, 3, 4, 5, 6, 0], 78, 2**39, taker, 9)
    desk, domain = street.contracts.desk, street.deployment.desk_domain
    assert street.chain.read(desk.order_digest(offer.pack(), taker)) == offer.digest(domain)
    assert street.chain.read(desk.strip_digest(strip.signed(None), taker)) == strip.digest(domain)


def test_match_signed__by_a_relayer__trades_in_the_middle_and_pays_him(street, stranger):
    desk, who = street.contracts.desk, street.people.stranger.address
    orders = [signed(street, *one) for one in offers(street, street.slot, relay_fee=5)]
    receipt = stranger.send(desk.match_signed(orders))
    assert pairs(receipt) == [PairTraded(street.seller_site, street.buyer_site, street.slot, 950, 400)]
    assert receipt.find(Charged) == [Charged(street.seller_site, 5), Charged(street.buyer_site, 5)]
    assert street.chain.read(street.contracts.lens.position(street.seller_site, street.slot)).value == 400 * 950
    assert street.chain.read_many([desk.earned(who), desk.nonce_state(street.seller_site, 0)]) == [10, 400]
    result = audit(street.chain, street.contracts, FIRST_SLOT)
    assert (result.conserved, result.desk) == (True, 10)
    assert stranger.send(desk.claim(who)).find(EarningsClaimed) == [EarningsClaimed(who, who, 10)]
    assert audit(street.chain, street.contracts, FIRST_SLOT).conserved
    with pytest.raises(OrderRefused, match="traded in full already"):
        stranger.send(desk.match_signed(orders))


def test_match_signed__nonce_cancelled_by_its_owner__refused(street, seller, stranger):
    desk = street.contracts.desk
    orders = [signed(street, *one) for one in offers(street, street.slot)]
    seller.send(desk.cancel_nonce(street.seller_site, 0))
    with pytest.raises(NonceRefused, match="is over or was cancelled"):
        stranger.send(desk.match_signed(orders))


def test_accept_signed__offer_to_a_named_taker__his_alone(street, buyer, stranger):
    desk, slot = street.contracts.desk, street.slot
    (sale, owner), _ = offers(street, slot, taker=street.people.buyer.address)
    proof = Proof(taker=street.people.buyer.address)
    receipt = buyer.send(desk.accept_signed(signed(street, sale, owner), proof, street.buyer_site, 100))
    assert pairs(receipt) == [PairTraded(street.seller_site, street.buyer_site, slot, 900, 100)]
    with pytest.raises(OrderRefused, match="names the one who may take it"):
        stranger.send(desk.take_signed(signed(street, sale, owner), proof))


def test_match_strips__a_day_against_a_day__every_slot_trades(street, stranger):
    desk, first = street.contracts.desk, street.slot
    day = ([PRICE] * 24, [500] * 24)
    sale = Strip(street.seller_site, first, True, *day, 1, FOREVER)
    purchase = Strip(street.buyer_site, first, False, *day, 1, FOREVER)
    strips = [signed(street, sale, street.people.seller), signed(street, purchase, street.people.buyer)]
    receipt = stranger.send(desk.match_strips(*strips))
    assert [trade.slot for trade in pairs(receipt)] == list(range(first, first + 24))
    assert receipt.find(StripFilled) == [
        StripFilled(street.seller_site, 1, 24 * 500),
        StripFilled(street.buyer_site, 1, 24 * 500),
    ]
    assert street.chain.read(desk.strip_traded(street.seller_site, 1)) == [500] * 24 + [0] * 72
    assert audit(street.chain, street.contracts, FIRST_SLOT).conserved


def test_take_abroad__linked_zones__fees_paid_capacity_used_and_conserved(street, seller, grid_operator):
    grid, desk, exchange = street.contracts.grid, street.contracts.desk, street.contracts.exchange
    people, slot = street.people, street.slot
    owner = street.sender(people.owner)
    created = owner.send(grid.create_zone(people.grid_operator.address, TERMS, TARIFF_LEAD))
    other = created.find(ZoneCreated)[0].zone
    site = register(
        street.chain, street.contracts, street.deployment, people, other, people.stranger, Technology.NONE, 0
    )
    owner.send(street.contracts.token.approve(exchange.address, 10**19))
    owner.send(exchange.deposit(site, 10**19))
    grid_operator.send(grid.set_link(street.zone, other, 300, 7))
    grid_operator.send(grid.set_link(other, street.zone, 9000, 5))
    assert seller.send(exchange.place(street.seller_site, slot, True, PRICE, 500)).find(OrderPlaced)
    take = desk.take_abroad(site, street.zone, slot, False, PRICE, 400, OrderKind.IMMEDIATE_OR_CANCEL, 12)
    receipt = street.sender(people.stranger).send(take)
    assert receipt.find(TradedAbroad) == [TradedAbroad(site, street.zone, slot, False, 300, 12)]
    assert street.chain.read(desk.link_used(other, street.zone, slot)) == 300
    accounts = street.chain.read_many([exchange.zone_account(zone) for zone in (street.zone, other)])
    assert [account.grid_fees for account in accounts] == [300 * 7, 300 * 5]
    result = audit(street.chain, street.contracts, FIRST_SLOT)
    assert result.conserved, result
    assert [zone.nets[slot] for zone in result.zones] == [(300, 300 * PRICE), (-300, -300 * PRICE)]


def test_replace_and_cancel_range__own_orders__changed_and_gone(street, seller):
    desk, exchange, lens = street.contracts.desk, street.contracts.exchange, street.contracts.lens
    order = seller.send(exchange.place(street.seller_site, street.slot, True, PRICE, 500)).find(OrderPlaced)[0].order
    seller.send(desk.replace(order, PRICE, 300))
    assert street.chain.read(lens.order(order)).wh == 300
    replaced = seller.send(desk.replace(order, PRICE + 5, 600)).find(OrderPlaced)[0]
    assert (replaced.place.price(TERMS), replaced.wh) == (PRICE + 5, 600)
    seller.send(desk.cancel_range(street.seller_site, street.slot, street.slot + 3))
    assert street.chain.read(lens.orders_of(street.seller_site, street.slot)) == []


def test_proof__plain__names_nobody():
    assert Proof() == Proof(NOBODY, NOBODY, b"")
