"""The whole loop through JSON-RPC and the SDK: money in, orders, delivery, report, certificate, money out."""

import json
from dataclasses import replace

import pytest
from net8.eip712 import Permit
from net8.errors import (
    AgentRefused,
    AmountRefusedByContract,
    BalanceRefused,
    CertificateRefused,
    GuardianRefused,
    LinkRefused,
    MintRefused,
    OrderRefused,
    OutOfGasMoney,
    ReportRefused,
    SiteRefused,
    TermsRefused,
    TokenRefused,
    ZoneRefused,
)
from net8.events import (
    Deposited,
    EntrySkipped,
    LinkSet,
    OrderClosed,
    OrderPlaced,
    OrderReduced,
    OrdersStopped,
    Redeemed,
    Reported,
    Retired,
    Settled,
    SettledSite,
    TermsFixed,
    Trade,
    TransferBatch,
    Withdrawn,
    ZoneCreated,
)
from net8.margin import order_lock, required, settle
from net8.model import (
    AgentLimits,
    CertificateTotals,
    CloseReason,
    Configuration,
    Level,
    Link,
    OrderKind,
    Outcome,
    Position,
    SkipReason,
    Tariff,
    Technology,
)
from net8.packing import Entry, OpenSlot, OrderRequest, SettledSlot, certificate_id
from net8.signing import sign
from net8.units import WEI_PER_GRAIN, WEI_PER_NET8, grains_to_wei, hour_of_slot

from tests.chain.anvil import move_to
from tests.chain.conftest import FIVE_KWH, TARIFF_LEAD, TERMS

pytestmark = pytest.mark.chain
PRICE = 1000  # par


def trade(street, seller, buyer, slot, wh=FIVE_KWH):
    """The seller rests an offer, the buyer takes it."""
    order = seller.send(street.contracts.exchange.place(street.seller_site, slot, True, PRICE, wh))
    taken = buyer.send(street.contracts.exchange.place(street.buyer_site, slot, False, PRICE, wh))
    return order.find(OrderPlaced)[0].order, taken


# --- money in and out -----------------------------------------------------------------------------------------------


def test_deposit_with_permit__signed_by_its_owner__one_transaction(street, buyer):
    amount = 7 * WEI_PER_NET8
    who = street.people.buyer
    street.sender(who).send(street.contracts.token.approve(street.contracts.exchange.address, 0))
    nonce = street.chain.read(street.contracts.token.nonces(who.address))
    permit = Permit(who.address, street.contracts.exchange.address, amount, nonce, 2**40)
    signature = sign(bytes(who.key), permit.digest(street.deployment.token_domain))
    before = street.chain.read(street.contracts.exchange.free_balance(street.buyer_site))
    receipt = buyer.send(street.contracts.exchange.deposit_with_permit(street.buyer_site, amount, 2**40, signature))
    assert receipt.find(Deposited) == [Deposited(street.buyer_site, who.address, amount // WEI_PER_GRAIN)]
    after = street.chain.read(street.contracts.exchange.free_balance(street.buyer_site))
    assert after - before == amount // WEI_PER_GRAIN


def test_deposit_with_permit__signed_by_somebody_else__refused(street, buyer):
    who = street.people.buyer
    buyer.send(street.contracts.token.approve(street.contracts.exchange.address, 0))
    permit = Permit(who.address, street.contracts.exchange.address, WEI_PER_NET8, 0, 2**40)
    forged = sign(bytes(street.people.stranger.key), permit.digest(street.deployment.token_domain))
    with pytest.raises(TokenRefused, match="not signed by the holder"):
        buyer.send(street.contracts.exchange.deposit_with_permit(street.buyer_site, WEI_PER_NET8, 2**40, forged))


def test_withdraw__part_of_the_balance__arrives(street, seller):
    who = street.people.seller.address
    before = street.chain.read(street.contracts.token.balance_of(who))
    receipt = seller.send(street.contracts.exchange.withdraw(street.seller_site, grains_to_wei(123), who))
    assert receipt.find(Withdrawn) == [Withdrawn(street.seller_site, who, 123)]
    assert street.chain.read(street.contracts.token.balance_of(who)) - before == grains_to_wei(123)


# --- orders ---------------------------------------------------------------------------------------------------------


def test_place__resting_offer__in_book_and_locked(street, seller):
    slot = street.slot
    receipt = seller.send(street.contracts.exchange.place(street.seller_site, slot, True, PRICE, FIVE_KWH))
    order = receipt.find(OrderPlaced)[0].order
    lens = street.contracts.lens
    assert street.chain.read(lens.depth(street.zone, slot, True)) == [Level(PRICE, FIVE_KWH, 1)]
    assert street.chain.read(lens.depth(street.zone, slot, False)) == []
    (resting,) = street.chain.read(lens.orders_of(street.seller_site, slot))
    assert (resting.id, resting.site, resting.sell, resting.price, resting.wh) == (
        order, street.seller_site, True, PRICE, FIVE_KWH,
    )  # fmt: skip
    assert street.chain.read(lens.order(order)) == resting
    expected = order_lock(True, PRICE, FIVE_KWH, TERMS.tariff)
    assert street.chain.read(lens.order_lock(order)) == expected
    assert street.chain.read(lens.margin_held(street.seller_site, slot)) == expected
    assert receipt.find(OrderPlaced)[0].place.price(TERMS) == PRICE


def test_place__crossing_bid__trades_at_the_resting_price(street, seller, buyer):
    slot = street.slot
    order, taken = trade(street, seller, buyer, slot)
    assert taken.find(Trade) == [Trade(street.seller_site, order, FIVE_KWH, street.buyer_site)]
    assert (taken.find(Trade)[0].seller, taken.find(Trade)[0].buyer) == (street.seller_site, street.buyer_site)
    lens = street.contracts.lens
    sold, bought = street.chain.read_many(
        [lens.position(street.seller_site, slot), lens.position(street.buyer_site, slot)]
    )
    value = PRICE * FIVE_KWH
    assert sold == Position(FIVE_KWH, value, required(FIVE_KWH, value, TERMS.tariff), Outcome.OPEN, 0, 0)
    assert bought == Position(-FIVE_KWH, -value, required(-FIVE_KWH, -value, TERMS.tariff), Outcome.OPEN, 0, 0)
    words = street.chain.read(lens.positions_of(street.seller_site, 2, hour_of_slot(slot)))
    assert [word.slots[slot % 4].net_wh for word in words] == [FIVE_KWH, -FIVE_KWH]


def test_read__transaction_as_its_sender__answers_what_it_would_do(street, seller):
    call = street.contracts.exchange.place(street.seller_site, street.slot, True, PRICE, FIVE_KWH)
    order, filled = street.chain.read(call, sender=seller.address)
    assert filled == 0
    assert seller.send(call).find(OrderPlaced)[0].order == order


def test_place_many__day_of_orders__all_rest(street, seller):
    first = street.slot
    requests = [OrderRequest(first + i, True, PRICE, 500) for i in range(40)]
    receipt = seller.send(street.contracts.exchange.place_many(street.seller_site, requests))
    placed = receipt.find(OrderPlaced)
    assert [event.place.slot for event in placed] == [first + i for i in range(40)]


def test_cancel__own_order__gone_and_unlocked(street, seller):
    exchange, lens = street.contracts.exchange, street.contracts.lens
    before = street.chain.read(exchange.free_balance(street.seller_site))
    placed = seller.send(exchange.place(street.seller_site, street.slot, True, PRICE, FIVE_KWH))
    order = placed.find(OrderPlaced)[0].order
    assert seller.send(exchange.cancel(order)).find(OrderClosed) == [
        OrderClosed(street.seller_site, order, FIVE_KWH, CloseReason.CANCELLED)
    ]
    assert street.chain.read(exchange.free_balance(street.seller_site)) == before
    assert street.chain.read(lens.order(order)).wh == 0


def test_release__after_the_gate__by_anyone(street, seller, stranger):
    slot = street.slot
    exchange = street.contracts.exchange
    placed = seller.send(exchange.place(street.seller_site, slot, True, PRICE, FIVE_KWH))
    order = placed.find(OrderPlaced)[0].order
    with pytest.raises(OrderRefused, match="only its site can cancel"):
        stranger.send(exchange.release([order]))
    street.finish(slot - 1)
    assert stranger.send(exchange.release([order])).find(OrderClosed)[0].reason is CloseReason.RELEASED


def test_release__order_with_a_time_of_its_own__once_that_has_passed(street, seller, stranger):
    exchange, expiry = street.contracts.exchange, street.chain.block().timestamp + 600
    placed = seller.send(exchange.place(street.seller_site, street.slot, True, PRICE, FIVE_KWH, expiry=expiry))
    order = placed.find(OrderPlaced)[0].order
    with pytest.raises(OrderRefused, match="only its site can cancel"):
        stranger.send(exchange.release([order]))
    move_to(street.chain, expiry)
    assert stranger.send(exchange.release([order])).find(OrderClosed)[0].reason is CloseReason.EXPIRED


def test_reduce__resting_order__smaller_in_its_place(street, seller):
    exchange = street.contracts.exchange
    order = seller.send(exchange.place(street.seller_site, street.slot, True, PRICE, 900)).find(OrderPlaced)[0].order
    reduced = seller.send(exchange.reduce(order, 400))
    assert reduced.find(OrderReduced) == [OrderReduced(street.seller_site, order, 400)]
    assert street.chain.read(street.contracts.lens.order(order)).wh == 400
    with pytest.raises(OrderRefused, match="can only be made smaller"):
        seller.send(exchange.reduce(order, 401))


def test_cancel_many__one_gone_already__passed_over(street, seller):
    exchange, first = street.contracts.exchange, street.slot
    requests = [OrderRequest(first + i, True, PRICE, 500, expiry=first * 900) for i in range(3)]
    placed = seller.send(exchange.place_many(street.seller_site, requests)).find(OrderPlaced)
    orders = [event.order for event in placed]
    seller.send(exchange.cancel(orders[1]))
    assert [event.order for event in seller.send(exchange.cancel_many(orders)).find(OrderClosed)] == orders[::2]


def test_stop_orders__by_the_guardian__nothing_new_while_cancels_and_withdrawals_go_on(street, seller, stranger):
    exchange, grid, who = street.contracts.exchange, street.contracts.grid, street.people.seller.address
    resting = seller.send(exchange.place(street.seller_site, street.slot, True, PRICE, 500)).find(OrderPlaced)[0]
    with pytest.raises(GuardianRefused, match="Only the guardian"):
        stranger.send(grid.stop_orders(3600))
    street.sender(street.people.owner).send(grid.set_guardian(stranger.address))
    (stopped,) = stranger.send(grid.stop_orders(3600)).find(OrdersStopped)
    assert street.chain.read_many([exchange.stopped_until(), grid.stopped_until()]) == [stopped.until] * 2
    with pytest.raises(OrderRefused, match="stopped new orders for a while"):
        seller.send(exchange.place(street.seller_site, street.slot, True, PRICE, 500))
    seller.send(exchange.cancel(resting.order))
    seller.send(exchange.withdraw(street.seller_site, grains_to_wei(1), who))
    stranger.send(grid.resume_orders())
    assert seller.send(exchange.place(street.seller_site, street.slot, True, PRICE, 500)).find(OrderPlaced)


def test_publish_tariffs__hours_ahead__tradable_at_once_with_the_published_terms(street, seller, grid_operator):
    exchange, grid, lens = street.contracts.exchange, street.contracts.grid, street.contracts.lens
    hour = hour_of_slot(street.slot) + TARIFF_LEAD
    slot = 4 * hour
    assert not street.chain.read(lens.is_tradable(street.zone, slot))
    receipt = grid_operator.send(grid.publish_tariffs(street.zone, hour, [Tariff(200, 2400, 30)] * 24))
    terms = replace(TERMS, feed_in=200, imbalance=2400, grid_fee=30)
    assert receipt.find(TermsFixed) == [TermsFixed(street.zone, hour + i, terms) for i in range(24)]
    assert street.chain.read(lens.is_tradable(street.zone, slot))
    assert street.chain.read(lens.terms(street.zone, hour)) == (terms, True)
    seller.send(exchange.place(street.seller_site, slot, True, PRICE, 500))
    assert street.chain.read(lens.margin_held(street.seller_site, slot)) == order_lock(True, PRICE, 500, terms.tariff)
    with pytest.raises(TermsRefused, match="fixed already"):
        grid_operator.send(grid.publish_tariffs(street.zone, hour, [Tariff(200, 2400, 30)]))


def test_link__set_by_one_operator_alone__closed_until_the_other_agrees(street, grid_operator):
    grid, owner = street.contracts.grid, street.sender(street.people.owner)
    other = owner.send(grid.create_zone(street.people.owner.address, TERMS, TARIFF_LEAD)).find(ZoneCreated)[0].zone
    assert grid_operator.send(grid.set_link(street.zone, other, 9000, 15)).find(LinkSet) == [
        LinkSet(street.zone, other, 9000, 15)
    ]
    assert street.chain.read(grid.link(street.zone, other)) == Link(0, 15, 0)
    owner.send(grid.set_link(other, street.zone, 7000, 5))
    assert street.chain.read(grid.link(street.zone, other)) == Link(7000, 15, 5)
    with pytest.raises(LinkRefused, match="another zone that exists"):
        grid_operator.send(grid.set_link(street.zone, other + 1, 1, 1))


def test_agent__within_and_beyond_limits__trades_or_is_refused(street, seller, stranger):
    slot = street.slot
    limits = AgentLimits(
        buy_max=900, sell_min=1000, wh=8000, value=10**8, first_slot=slot, last_slot=slot, expiry=2**39
    )
    desk = street.contracts.desk
    seller.send(desk.set_agent(street.seller_site, stranger.address, limits))
    assert street.chain.read(desk.agent_limits(street.seller_site, stranger.address)) == limits
    placed = stranger.send(desk.place(street.seller_site, slot, True, 1000, FIVE_KWH)).find(OrderPlaced)
    assert street.chain.read(desk.agent_limits(street.seller_site, stranger.address)).wh == 3000
    with pytest.raises(AgentRefused, match="may not sell at this price"):
        stranger.send(desk.place(street.seller_site, slot, True, 995, 100))
    with pytest.raises(AgentRefused, match="used up its budget of energy"):
        stranger.send(desk.place(street.seller_site, slot, True, 1000, FIVE_KWH))
    assert stranger.send(desk.cancel(placed[0].order)).find(OrderClosed)
    seller.send(desk.revoke_agent(street.seller_site, stranger.address))
    with pytest.raises(AgentRefused, match="is no agent of the site"):
        stranger.send(desk.place(street.seller_site, slot, True, 1000, 100))


# --- settlement -----------------------------------------------------------------------------------------------------


def test_report__signed_by_three_of_four__pays_what_the_margin_module_says(street, seller, buyer, oracle):
    slot = street.slot
    exchange, lens = street.contracts.exchange, street.contracts.lens
    trade(street, seller, buyer, slot)
    sold, bought = street.chain.read_many([exchange.free_balance(s) for s in (street.seller_site, street.buyer_site)])
    street.finish(slot)
    hour, quarter = hour_of_slot(slot), slot % 4
    receipt = oracle.send(
        street.report(
            Entry(hour, street.seller_site & 65535, {quarter: (4600, 0)}),
            Entry(hour, street.buyer_site & 65535, {quarter: (0, 4900)}),
        )
    )
    value = PRICE * FIVE_KWH
    tariff = Tariff(TERMS.feed_in, TERMS.imbalance, TERMS.grid_fee)
    delivered = settle(FIVE_KWH, value, 4600, 0, tariff)
    used = settle(-FIVE_KWH, -value, 0, 4900, tariff)
    (event,) = receipt.find(Settled)
    assert event.sites == (
        SettledSite(street.seller_site, Entry(hour, 1, {quarter: (4600, 0)}), delivered.payout),
        SettledSite(street.buyer_site, Entry(hour, 2, {quarter: (0, 4900)}), used.payout + used.feed_in),
    )
    assert (event.zone, event.shortfalls, event.unused) == (street.zone, delivered.charge, used.feed_in)
    assert event.grid_fees + event.oracle_fees == used.grid_fee
    after = street.chain.read_many([exchange.free_balance(s) for s in (street.seller_site, street.buyer_site)])
    assert after == [sold + delivered.payout, bought + used.payout + used.feed_in]
    account = street.chain.read(exchange.zone_account(street.zone))
    assert account.pool == delivered.charge - used.feed_in
    assert account.grid_fees + account.oracle_fees == used.grid_fee
    settled = street.chain.read(lens.position(street.seller_site, slot))
    assert (settled.outcome, settled.exported, settled.is_settled) == (Outcome.METERED, 4600, True)
    reported = receipt.find(Reported)[0]
    assert (reported.zone, reported.bitmap, reported.settled) == (street.zone, 0b111, 2)
    assert street.chain.read(lens.is_reported(street.zone, slot))


def test_report__impossible_entry__skipped_with_its_reason(street, oracle):
    slot = street.slot
    street.finish(slot)
    hour, quarter = hour_of_slot(slot), slot % 4
    receipt = oracle.send(
        street.report(
            Entry(hour, street.seller_site & 65535, {quarter: (6251, 0)}),
            Entry(hour, street.buyer_site & 65535, {quarter: None}),
        )
    )
    assert receipt.find(EntrySkipped) == [
        EntrySkipped(street.seller_site, hour, 1 << quarter, SkipReason.ABOVE_NAMEPLATE)
    ]
    assert street.chain.read(street.contracts.lens.position(street.buyer_site, slot)).outcome is Outcome.NO_READING


@pytest.mark.parametrize("signers", [0, 2])
def test_report__too_few_signatures__refused(street, oracle, signers):
    street.finish(street.slot)
    entry = Entry(hour_of_slot(street.slot) - 3, 1, {0: (0, 0)})
    with pytest.raises(ReportRefused, match="Too few operators signed"):
        oracle.send(street.report(entry, signers=signers))


def test_report__twice__second_settles_nothing(street, oracle):
    slot = street.slot
    street.finish(slot)
    call = street.report(Entry(hour_of_slot(slot), 1, {slot % 4: (10, 0)}))
    oracle.send(call)
    with pytest.raises(ReportRefused, match="settled already or impossible"):
        oracle.send(call)


def test_settle_overdue__week_without_report__as_traded(street, seller, buyer, stranger):
    slot = street.slot
    exchange, lens = street.contracts.exchange, street.contracts.lens
    trade(street, seller, buyer, slot)
    street.finish(slot + 673)
    stranger.send(exchange.settle_overdue(street.seller_site, slot))
    position = street.chain.read(lens.position(street.seller_site, slot))
    assert (position.outcome, position.exported) == (Outcome.AS_TRADED, FIVE_KWH)


# --- certificates and redemption ------------------------------------------------------------------------------------


def test_certificates__settled_export__minted_once_and_retired(street, seller, oracle, registrar):
    slot = street.slot
    hour = hour_of_slot(slot)
    certificates, who = street.contracts.certificates, street.people.seller.address
    street.finish(slot)
    oracle.send(street.report(Entry(hour, street.seller_site & 65535, {slot % 4: (4600, 0)})))
    before, word = street.chain.read(street.contracts.exchange.position_words_of(street.seller_site, hour - 1, 2))
    assert word.slots[slot % 4] == SettledSlot(Outcome.METERED, exported=4600, imported=0)
    assert before.slots == (OpenSlot(),) * 4
    with pytest.raises(SiteRefused, match="not admitted to certificates"):
        seller.send(certificates.mint(street.seller_site, hour, who))
    registrar.send(certificates.admit(street.seller_site, "10YBE----------2", Configuration.ALONE))
    assert street.chain.read(certificates.mintable(street.seller_site, hour)) == 4600
    token = certificate_id(street.seller_site, hour)
    minted = seller.send(certificates.mint(street.seller_site, hour, who))
    assert minted.find(TransferBatch) == [TransferBatch(who, "0x" + "0" * 40, who, (token,), (4600,))]
    assert street.chain.read(certificates.balances_of(who, [token, token + 1])) == [4600, 0]
    with pytest.raises(MintRefused, match="Nothing settled and clean is left"):
        seller.send(certificates.mint(street.seller_site, hour, who))
    retired = seller.send(certificates.retire(who, {token: 600}, "the bakery", "2026"))
    assert retired.find(Retired) == [Retired(token, who, 600, "the bakery", "2026", 0, 0)]
    assert street.chain.read(certificates.totals_of(token)) == CertificateTotals(4600, 4000, 600, 0)
    said = street.chain.read(certificates.certificate(token))
    assert (said.device, said.technology, said.location) == (street.seller_site, Technology.SOLAR, "10YBE----------2")
    assert json.loads(street.chain.read(certificates.metadata(token)))["properties"]["issued_wh"] == 4600
    with pytest.raises(CertificateRefused, match="fewer certificates"):
        seller.send(certificates.retire(who, {token: 4001}, "the bakery", "2026"))


def test_reserve__redeem__pays_euros_at_the_nominal_price(street, seller):
    who = street.people.seller.address
    seller.send(street.contracts.token.approve(street.contracts.reserve.address, WEI_PER_NET8))
    receipt = seller.send(street.contracts.reserve.redeem(WEI_PER_NET8, who))
    assert receipt.find(Redeemed) == [Redeemed(who, who, WEI_PER_NET8, 3_000_000)]
    backing = street.chain.read(street.contracts.reserve.backing())
    assert (backing.coverage, backing.euros) == (1_000_000, backing.owed)
    assert street.chain.read(street.contracts.euro.balance_of(who)) == 3_000_000


# --- refusals -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "refusal", "sentence"),
    [
        (lambda s, e: e.place(s.seller_site, 1, True, PRICE, 500), OrderRefused, "Trading in this slot has ended"),
        (lambda s, e: e.place(s.seller_site, s.slot + 700, True, PRICE, 500), OrderRefused, "more than a week ahead"),
        (lambda s, e: e.place(s.seller_site, s.slot + 200, True, PRICE, 500), TermsRefused, "may still change"),
        (
            lambda s, e: e.place(s.seller_site, s.slot, True, PRICE + 1, 500),
            OrderRefused,
            "not one of the zone's steps",
        ),
        (lambda s, e: e.place(s.seller_site, s.slot, True, PRICE, 9), OrderRefused, "smaller than the zone's minimum"),
        (lambda s, e: e.place(s.seller_site, s.slot, True, PRICE, 2**21), OrderRefused, "larger than a site can trade"),
        (
            lambda s, e: e.place(s.seller_site, s.slot, True, PRICE, 500, OrderKind.FILL_OR_KILL),
            OrderRefused,
            "cannot fill the whole order",
        ),
        (lambda s, e: e.place(s.seller_site, s.slot, True, 300, 2_000_000), BalanceRefused, "balance is too low"),
        (lambda s, e: e.place(s.buyer_site, s.slot, True, PRICE, 500), SiteRefused, "belongs to another account"),
        (lambda s, e: e.cancel(s.zone << 49 | s.slot << 25), OrderRefused, "no longer in the book"),
        (lambda s, e: e.deposit(s.seller_site, 1), AmountRefusedByContract, "not a whole number of grains"),
        (lambda s, e: e.deposit(s.seller_site, 0), AmountRefusedByContract, "amount is zero"),
        (lambda s, e: e.deposit(99, WEI_PER_GRAIN), SiteRefused, "no such site"),
        (lambda s, e: e.deposit(s.seller_site, 10**6 * WEI_PER_NET8), TokenRefused, "allowance is too small"),
        (
            lambda s, _: s.contracts.grid.withdraw_fees(s.zone, "0x" + "1" * 40),
            ZoneRefused,
            "Only the zone's grid operator",
        ),
        (
            lambda s, _: s.contracts.grid.register_site(
                s.zone, "0x" + "1" * 40, Technology.SOLAR, 1, "0x" + "1" * 40, 2**40, b"\0" * 65
            ),
            ZoneRefused,
            "Only the zone's grid operator",
        ),
    ],
)
def test_send__contract_would_refuse__typed_and_nothing_sent(street, seller, call, refusal, sentence):
    before = street.chain.request("eth_getTransactionCount", [seller.address, "pending"])
    with pytest.raises(refusal, match=sentence) as refused:
        seller.send(call(street, street.contracts.exchange))
    assert refused.value.call.split(".")[1] in str(refused.value)
    assert street.chain.request("eth_getTransactionCount", [seller.address, "pending"]) == before


def test_send__account_without_gas_money__refused_in_words(street):
    from eth_account import Account

    pauper = street.sender(Account.create())
    with pytest.raises(OutOfGasMoney, match="cannot pay for the transaction"):
        pauper.send(street.contracts.exchange.fix_terms(street.zone, hour_of_slot(street.slot)))
