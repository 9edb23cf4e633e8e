"""Events: what the contracts pack into words comes out as the dataclasses that programs use."""

import pytest
from eth_abi import encode
from net8 import events
from net8.events import (
    OrderClosed,
    OrderPlaced,
    OrderReduced,
    PairsTraded,
    PairTraded,
    Settled,
    SettledSite,
    TermsFixed,
    Trade,
    ZoneCreated,
)
from net8.model import CloseReason, Terms, site_id
from net8.packing import Entry, OrderId, join_words, pack_entries

EXCHANGE = "0x" + "11" * 20
ZONE = 3
MAKER, TAKER = site_id(ZONE, 0xFFFF), site_id(2**32 - 1, 1)
ORDER = OrderId(ZONE, 2_000_000, True, 223, 8191).pack()
OF_ORDER = ORDER | (2**21 - 1) << 96 | 0xFFFF << 120


def word(number):
    return number.to_bytes(32)


def decoded(kind, data, *indexed):
    topics = [events.topic_of(kind), *(word(value) for value in indexed)]
    log = {
        "topics": ["0x" + topic.hex() for topic in topics],
        "data": "0x" + data.hex(),
        "address": EXCHANGE,
        "blockNumber": "0x2a",
        "transactionHash": "0x" + "77" * 32,
        "logIndex": "0x1",
    }
    logged = events.decode(log)
    assert (logged.address, logged.block, logged.transaction, logged.index) == (EXCHANGE, 42, "0x" + "77" * 32, 1)
    return logged.event


@pytest.mark.parametrize("kind", [OrderPlaced, OrderReduced])
def test_decode__order_placed_or_reduced__site_number_and_energy(kind):
    event = decoded(kind, word(OF_ORDER))
    assert event == kind(MAKER, ORDER, 2**21 - 1)
    assert event.place == OrderId(ZONE, 2_000_000, True, 223, 8191)


@pytest.mark.parametrize("reason", CloseReason)
def test_decode__order_closed__reason_above_the_site(reason):
    assert decoded(OrderClosed, word(OF_ORDER | reason << 136)) == OrderClosed(MAKER, ORDER, 2**21 - 1, reason)


@pytest.mark.parametrize("sell", [True, False])
def test_decode__trade__sides_told_by_the_resting_order(sell):
    order = OrderId(ZONE, 5, sell, 0, 0).pack()
    event = decoded(Trade, word(order | 250 << 96 | 0xFFFF << 120 | TAKER << 136))
    assert event == Trade(MAKER, order, 250, TAKER)
    assert (event.seller, event.buyer) == ((MAKER, TAKER) if sell else (TAKER, MAKER))


def test_decode__pairs_traded__a_pair_a_word_both_sites_of_one_zone():
    words = [
        MAKER << 128 | 7 << 112 | 2_000_000 << 40 | 65535 << 24 | 2**21 - 1,
        MAKER << 128 | 8 << 112 | 2_000_001 << 40 | 1 << 24 | 1,
    ]
    assert decoded(PairsTraded, encode(["uint256[]"], [words])) == PairsTraded(
        (
            PairTraded(MAKER, site_id(ZONE, 7), 2_000_000, 65535, 2**21 - 1),
            PairTraded(MAKER, site_id(ZONE, 8), 2_000_001, 1, 1),
        )
    )


def test_decode__settled__results_of_the_entries_and_slots_that_settled():
    entries = [Entry(500, index, {0: (400, 0), 2: None, 3: (7, 8)}) for index in (1, 2, 3)]
    results = [1_000 | 0b1101 << 64 | 0 << 68 | 1 << 76, 0b0100 << 64 | 2 << 68 | 3 << 76]
    types = ["uint256"] * 4 + ["bytes", "uint256[]"]
    data = encode(types, [11, 12, 13, 14, join_words(pack_entries(entries)), results])
    assert decoded(Settled, data, ZONE) == Settled(
        zone=ZONE,
        shortfalls=11,
        unused=12,
        grid_fees=13,
        oracle_fees=14,
        sites=(
            SettledSite(site_id(ZONE, 1), entries[0], 1_000),
            SettledSite(site_id(ZONE, 3), Entry(500, 3, {2: None}), 0),
        ),
    )


def test_decode__terms_fixed__packed_terms_in_words():
    fields = (150, 1650, 80, 8, 200, 5, 10)  # the first seven lie 16 bits apart, the gate behind them
    packed = sum(value << 16 * i for i, value in enumerate(fields)) | 1 << 112 | 1 << 120
    terms = Terms(150, 1650, 80, 8, floor=200, step=5, gate_lead=1, min_wh=10)
    assert decoded(TermsFixed, word(packed), ZONE, 500) == TermsFixed(ZONE, 500, terms)


def test_event__changed_afterwards__refused():
    event = ZoneCreated(ZONE, EXCHANGE)
    with pytest.raises(AttributeError, match="cannot assign"):
        event.zone = 4
