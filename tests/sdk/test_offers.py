"""Signed orders and strips: every field at its bits, and nothing that does not fit."""

import pytest
from net8.eip712 import desk_domain
from net8.offers import LEGS_MAX, Offer, Signed, Strip
from net8.packing import WordRefused
from net8.signing import sign

DESK = "0x" + "33" * 20
DOMAIN = desk_domain(31337, DESK)
KEY = b"\x01" * 32
OFFER = Offer(site=65537, slot=2_000_000, sell=True, price=900, wh=5000, nonce=7, expiry=1_800_000_000, relay_fee=11)


def changed(**fields):
    return Offer(**({name: getattr(OFFER, name) for name in Offer.__slots__} | fields))


def test_offer__known_parts__at_their_bits():
    assert OFFER.pack(proof=2) == (
        5000 | 900 << 24 | 2_000_000 << 40 | 7 << 72 | 11 << 104 | 1_800_000_000 << 144 | 65537 << 184 | 1 << 232
        | 2 << 240
    )  # fmt: skip


def test_offer__signed_by_a_key__compact_signature_beside_the_word():
    signature = sign(KEY, OFFER.digest(DOMAIN))
    r, vs = (int.from_bytes(part) for part in signature.compact)
    assert OFFER.signed(signature) == Signed(OFFER.pack(), r, vs)


def test_offer__signed_by_a_wallet__signature_stands_in_the_proof():
    assert OFFER.signed(None, proof=1) == Signed(OFFER.pack(1), 0, 0)


@pytest.mark.parametrize(
    "fields",
    [
        {"site": 0}, {"site": 2**48}, {"slot": 2**32}, {"price": 2**16}, {"wh": 0}, {"wh": 2**21}, {"nonce": 2**27},
        {"expiry": 2**40}, {"relay_fee": 2**40}, {"relay_fee": -1},
    ],
)  # fmt: skip
def test_offer__field_out_of_range__refused(fields):
    with pytest.raises(WordRefused, match="it must be from"):
        changed(**fields).pack()


@pytest.mark.parametrize("name", [name for name in Offer.__slots__ if name not in ("sell", "taker")])
def test_offer__any_field_changed__another_digest(name):
    assert changed(**{name: getattr(OFFER, name) + 1}).digest(DOMAIN) != OFFER.digest(DOMAIN)


def test_strip__seven_legs__six_to_a_word_and_their_number_in_the_head():
    strip = Strip(65537, 2_000_000, False, [700 + i for i in range(7)], [10 * i for i in range(7)], 8, 1_800_000_000)
    signed = strip.signed(sign(KEY, strip.digest(DOMAIN)))
    assert signed.head == 7 | 2_000_000 << 40 | 8 << 72 | 1_800_000_000 << 144 | 65537 << 184
    assert signed.legs == (sum((10 * i | (700 + i) << 24) << 40 * i for i in range(6)), 60 | 706 << 24)


@pytest.mark.parametrize(
    ("prices", "wh", "sentence"),
    [
        ([], [], "number of slots is 0"),
        ([1] * (LEGS_MAX + 1), [1] * (LEGS_MAX + 1), "number of slots is 97"),
        ([1, 2], [1], "2 prices and 1 energies"),
    ],
)
def test_strip__impossible_number_of_slots__refused(prices, wh, sentence):
    with pytest.raises(WordRefused, match=sentence):
        Strip(65537, 1, True, prices, wh, 0, 1).signed(None)
