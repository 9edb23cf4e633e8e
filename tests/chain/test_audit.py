"""The audit: every grain is found wherever it is, and one grain too many or too few is noticed."""

import time

import pytest
from net8.audit import Imbalance, audit
from net8.margin import order_lock, required
from net8.packing import Entry, OrderRequest
from net8.units import WEI_PER_GRAIN, hour_of_slot, slot_of

from tests.chain.anvil import START
from tests.chain.conftest import FIVE_KWH, TERMS
from tests.chain.test_trading import PRICE, trade

pytestmark = pytest.mark.chain
FIRST_SLOT = slot_of(START)


def test_audit__money_in_every_place__conserved_with_every_component(street, seller, buyer, oracle):
    exchange = street.contracts.exchange
    settled_slot, traded_slot, resting_slot = street.slot, street.slot + 5, street.slot + 20
    trade(street, seller, buyer, settled_slot)
    trade(street, seller, buyer, traded_slot)
    seller.send(exchange.place(street.seller_site, resting_slot, True, PRICE, 700))
    buyer.send(exchange.place(street.buyer_site, resting_slot + 1, False, PRICE, 300))
    street.finish(settled_slot)
    hour, quarter = hour_of_slot(settled_slot), settled_slot % 4
    oracle.send(street.report(Entry(hour, 1, {quarter: (4000, 0)}), Entry(hour, 2, {quarter: (0, FIVE_KWH)})))

    result = audit(street.chain, street.contracts, FIRST_SLOT)

    assert result.conserved, result
    (zone,) = result.zones
    value = PRICE * FIVE_KWH
    tariff = TERMS.tariff
    assert zone.locks == order_lock(True, PRICE, 700, tariff) + order_lock(False, PRICE, 300, tariff)
    assert zone.positions == required(FIVE_KWH, value, tariff) + value + required(-FIVE_KWH, -value, tariff) - value
    assert zone.pool == 1000 * TERMS.imbalance
    assert zone.grid_fees == FIVE_KWH * (TERMS.grid_fee - TERMS.oracle_fee)
    assert zone.oracle_fees == FIVE_KWH * TERMS.oracle_fee
    assert zone.free == sum(
        street.chain.read_many([exchange.free_balance(site) for site in (street.seller_site, street.buyer_site)])
    )
    assert result.owed * WEI_PER_GRAIN == result.held_wei
    assert result.first_open_slot == slot_of(street.chain.block().timestamp)


def test_audit__open_position_in_the_past__next_audit_must_begin_there(street, seller, buyer):
    slot = street.slot
    trade(street, seller, buyer, slot)
    street.finish(slot + 30)
    result = audit(street.chain, street.contracts, FIRST_SLOT)
    assert (result.conserved, result.first_open_slot) == (True, slot)
    assert audit(street.chain, street.contracts, result.first_open_slot).conserved
    assert not audit(street.chain, street.contracts, slot + 8).conserved


def storage_of_balance(chain, token, account):
    """Where the token keeps an account's balance."""
    amount = chain.read(token.balance_of(account))
    for base in range(64):
        slot = chain.request("web3_sha3", ["0x" + base.to_bytes(32).hex() + account[2:].lower().rjust(64, "0")])
        if int(chain.request("eth_getStorageAt", [token.address, slot, "latest"]), 16) == amount:
            return slot, amount
    raise AssertionError("the token's balances were not found")


@pytest.mark.parametrize("change", [-WEI_PER_GRAIN, WEI_PER_GRAIN, 1])
def test_audit__token_balance_changed_behind_the_exchange__not_conserved(street, change):
    token = street.contracts.token
    slot, amount = storage_of_balance(street.chain, token, street.contracts.exchange.address)
    street.chain.request("anvil_setStorageAt", [token.address, slot, "0x" + (amount + change).to_bytes(32).hex()])
    result = audit(street.chain, street.contracts, FIRST_SLOT)
    assert (result.conserved, result.surplus_wei) == (False, change)


def storage_read_by(street, call):
    """Storage words of the exchange that a view reads."""
    request = {"to": call.to, "data": "0x" + call.data.hex()}
    trace = street.chain.request("debug_traceCall", [request, "latest", {"tracer": "prestateTracer"}])
    words = trace[street.contracts.exchange.address.lower()]["storage"]
    return {key: int(word, 16) for key, word in words.items()}


def store(street, key, word):
    street.chain.request("anvil_setStorageAt", [street.contracts.exchange.address, key, "0x" + word.to_bytes(32).hex()])


def test_audit__one_grain_moved_in_the_exchange__not_conserved(street):
    words = storage_read_by(street, street.contracts.exchange.free_balance(street.seller_site))
    account = max(words, key=words.__getitem__)  # the owner's address makes it the largest word
    store(street, account, words[account] + 1)
    result = audit(street.chain, street.contracts, FIRST_SLOT)
    assert (result.conserved, result.surplus_wei) == (False, -WEI_PER_GRAIN)


def test_audit__position_changed_behind_the_exchange__slot_named(street, seller, buyer):
    slot = street.slot
    trade(street, seller, buyer, slot)
    words = storage_read_by(street, street.contracts.lens.position(street.seller_site, slot))
    (position,) = [key for key, word in words.items() if word >> 232 == hour_of_slot(slot)]
    store(street, position, words[position] + (1 << 58 * (slot % 4) + 34))  # one Wh more sold
    result = audit(street.chain, street.contracts, FIRST_SLOT)
    assert result.imbalances == (Imbalance(slot, net_wh=1, value=0),)
    assert not result.conserved


def test_audit__at_an_earlier_block__sees_that_block(street, seller):
    before = street.chain.block().number
    seller.send(street.contracts.exchange.place(street.seller_site, street.slot, True, PRICE, 700))
    earlier = audit(street.chain, street.contracts, FIRST_SLOT, before)
    latest = audit(street.chain, street.contracts, FIRST_SLOT)
    assert (earlier.block, earlier.zones[0].locks) == (before, 0)
    assert latest.zones[0].locks == order_lock(True, PRICE, 700, TERMS.tariff)
    assert earlier.conserved
    assert latest.conserved


def test_audit__twelve_open_slots__well_under_a_second(street, seller, buyer):
    first = street.slot
    sells = [OrderRequest(first + i, True, PRICE, 500) for i in range(12)]
    seller.send(street.contracts.exchange.place_many(street.seller_site, sells))
    buys = [OrderRequest(first + i, False, PRICE, 250) for i in range(12)]
    buyer.send(street.contracts.exchange.place_many(street.buyer_site, buys))
    audit(street.chain, street.contracts, FIRST_SLOT)
    began = time.perf_counter()
    result = audit(street.chain, street.contracts, FIRST_SLOT)
    assert result.conserved
    assert time.perf_counter() - began < 2, "generous, for a busy machine; measured 0.2 s on an idle one"
