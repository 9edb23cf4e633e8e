"""Packed words: what goes in comes out, and nothing spills into its neighbour."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from net8.model import LEVELS, OrderKind, Outcome, Terms
from net8.packing import (
    NET_WH_MAX,
    ORDER_WH_MAX,
    VALUE_MAX,
    Entry,
    OpenSlot,
    OrderId,
    OrderRequest,
    PositionWord,
    SettledSlot,
    WordRefused,
    certificate_id,
    certificate_of,
    order_of,
    pack_entries,
    position_of,
)

zones = st.integers(1, 2**32 - 1)
slots = st.integers(0, 2**24 - 1)
energies = st.integers(0, 2**24 - 1)
order_ids = st.builds(
    OrderId, zone=zones, slot=slots, sell=st.booleans(), level=st.integers(0, LEVELS - 1), index=st.integers(0, 8191)
)
requests = st.builds(
    OrderRequest,
    slot=slots,
    sell=st.booleans(),
    price=st.integers(1, 2**24 - 1),
    wh=st.integers(1, ORDER_WH_MAX),
    kind=st.sampled_from(OrderKind),
    expiry=st.integers(0, 2**32 - 1),
)
open_slots = st.builds(OpenSlot, net_wh=st.integers(-NET_WH_MAX, NET_WH_MAX), value=st.integers(-VALUE_MAX, VALUE_MAX))
settled_slots = st.builds(
    SettledSlot,
    outcome=st.sampled_from([Outcome.METERED, Outcome.NO_READING, Outcome.AS_TRADED]),
    exported=energies,
    imported=energies,
)
any_slot = open_slots | settled_slots
position_words = st.builds(
    PositionWord, hour=st.integers(1, 2**24 - 1), slots=st.tuples(any_slot, any_slot, any_slot, any_slot)
)
entries = st.builds(
    Entry,
    hour=st.integers(0, 2**32 - 1),
    index=st.integers(1, 65535),
    readings=st.dictionaries(st.integers(0, 3), st.none() | st.tuples(energies, energies), min_size=1),
)


@given(order_ids)
def test_order_id__packed_and_unpacked__unchanged(order):
    assert OrderId.unpack(order.pack()) == order


def test_order_id__known_parts__at_their_bits():
    order = OrderId(zone=1, slot=2_000_000, sell=True, level=5, index=7)
    assert order.pack() == 1 << 49 | 2_000_000 << 25 | 1 << 24 | 5 << 16 | 7


@given(requests)
def test_order_request__packed_and_unpacked__unchanged(request_):
    assert OrderRequest.unpack(request_.pack()) == request_


def test_order_request__known_parts__at_their_bits():
    word = OrderRequest(slot=9, sell=True, price=1000, wh=250, kind=OrderKind.POST_ONLY, expiry=77).pack()
    assert word == 250 | 1000 << 24 | 3 << 48 | 1 << 56 | 9 << 64 | 77 << 96


@given(position_words)
def test_position_word__packed_and_unpacked__unchanged(word):
    assert PositionWord.unpack(word.pack(), word.hour) == word


@given(position_words)
def test_position_word__left_by_another_hour__counts_as_empty(word):
    assert PositionWord.unpack(word.pack(), word.hour + 1).slots == (OpenSlot(),) * 4


def test_position_word__extreme_neighbours__do_not_touch():
    low, high = OpenSlot(-NET_WH_MAX, -VALUE_MAX), OpenSlot(NET_WH_MAX, VALUE_MAX)
    word = PositionWord(495_000, (low, high, low, high))
    assert PositionWord.unpack(word.pack(), 495_000).slots == (low, high, low, high)


def test_position__open_and_settled__shown_as_the_view_does():
    assert position_of(OpenSlot(-500, -400_000), margin=410_000).margin == 410_000
    settled = position_of(SettledSlot(Outcome.NO_READING, 0, 500), margin=0)
    assert (settled.outcome, settled.imported, settled.net_wh, settled.is_settled) == (2, 500, 0, True)


@given(entries)
def test_entry__packed_and_unpacked__unchanged(entry):
    assert Entry.unpack(entry.pack()) == entry


def test_entry__known_parts__at_their_bits():
    entry = Entry(hour=495_000, index=3, readings={0: (11, 12), 3: None, 1: (21, 22)})
    assert entry.pack() == (
        495_000 << 216 | 3 << 200 | 0b1000 << 196 | 0b1011 << 192 | 22 << 72 | 21 << 48 | 12 << 24 | 11
    )
    assert entry.slots() == [1_980_000, 1_980_001, 1_980_003]
    assert entry.site(2) == 2 << 16 | 3


@given(st.lists(entries, unique_by=lambda entry: (entry.hour, entry.index), max_size=20))
def test_pack_entries__any_order__ascending_by_hour_then_site(many):
    prefixes = [word >> 200 for word in pack_entries(many)]
    assert prefixes == sorted((entry.hour << 16) | entry.index for entry in many)


def test_pack_entries__site_twice_in_an_hour__refused():
    with pytest.raises(WordRefused, match="site 4 has two entries for hour 7; merge them"):
        pack_entries([Entry(7, 4, {0: (1, 0)}), Entry(7, 4, {1: (1, 0)})])


def test_entry__no_slot__refused():
    with pytest.raises(WordRefused, match="covers no slot"):
        Entry(7, 4, {}).pack()


@pytest.mark.parametrize(
    "value",
    [
        OrderId(0, 1, True, 0, 0),
        OrderId(1, 2**24, True, 0, 0),
        OrderId(1, 1, True, LEVELS, 0),
        OrderId(1, 1, True, 0, 8192),
        OrderRequest(1, True, 0, 1),
        OrderRequest(1, True, 2**24, 1),
        OrderRequest(1, True, 1, 0),
        OrderRequest(1, True, 1, ORDER_WH_MAX + 1),
        OrderRequest(1, True, 1, 1, expiry=2**32),
        OpenSlot(NET_WH_MAX + 1, 0),
        OpenSlot(0, -VALUE_MAX - 1),
        SettledSlot(Outcome.OPEN, 0, 0),
        SettledSlot(Outcome.METERED, 2**24, 0),
        SettledSlot(Outcome.METERED, 0, -1),
        Entry(1, 0, {0: (0, 0)}),
        Entry(1, 1, {4: (0, 0)}),
        Entry(1, 1, {0: (2**24, 0)}),
        Entry(1, 1, {0: (0, -1)}),
    ],
)
def test_pack__field_out_of_range__refused(value):
    with pytest.raises(WordRefused, match="it must be from"):
        value.pack()


@pytest.mark.parametrize(
    ("unpack", "word"),
    [
        (OrderId.unpack, 0),
        (OrderId.unpack, 1 << 49 | 255 << 16),
        (OrderId.unpack, 1 << 49 | 1 << 13),
        (OrderRequest.unpack, 1 << 128),
        (OrderRequest.unpack, 1 << 136),
        (OrderRequest.unpack, 4 << 48),
        (OrderRequest.unpack, 2 << 56),
        (Entry.unpack, 1 << 248),
        (Entry.unpack, -1),
    ],
)
def test_unpack__impossible_word__refused(unpack, word):
    with pytest.raises(WordRefused):
        unpack(word)


@given(st.integers(1, 2**48), st.integers(0, 2**32 - 1))
def test_certificate_id__packed_and_unpacked__unchanged(site, hour):
    assert certificate_of(certificate_id(site, hour)) == (site, hour)


def test_order_of__id_and_terms__price_from_the_grid():
    terms = Terms(250, 2000, 20, 2, floor=300, step=5, gate_lead=1, min_wh=10)
    order = order_of(OrderId(1, 2_000_000, False, 140, 3).pack(), site=65537, wh=40, terms=terms)
    assert (order.price, order.sell, order.wh, order.site) == (1000, False, 40, 65537)
