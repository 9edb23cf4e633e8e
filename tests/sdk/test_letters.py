"""Signed orders that pass from hand to hand: whole, or refused in one sentence."""

from dataclasses import replace

import pytest
from net8.eip712 import desk_domain
from net8.letters import LONGEST, Fault, Letter, LetterRefused, read
from net8.offers import Offer, Proof
from net8.packing import WordRefused
from net8.signing import checksum_address, sign

from tests.sdk.letters import DOMAIN, KEY, OTHER_KEY, OWNER, TAKER, changer, fault_of

OFFER = Offer(site=65537, slot=2_000_000, sell=True, price=900, wh=5000, nonce=7, expiry=1_800_000_000, relay_fee=11)


def letter(offer: Offer = OFFER, domain=DOMAIN, key: bytes = KEY) -> Letter:
    return Letter(domain, offer, sign(key, offer.digest(domain)).to_bytes())


LETTERS = {
    "plain": letter(),
    "taker": letter(replace(OFFER, taker=TAKER, sell=False, relay_fee=0)),
    "wallet": Letter(DOMAIN, OFFER, bytes(range(256)) * 2, by_wallet=True),
    "unsigned": Letter(DOMAIN, OFFER, b""),
}
changed = changer(letter(), "order")


@pytest.mark.parametrize("given", LETTERS.values(), ids=LETTERS)
def test_read__token_link_or_file__the_same_letter(given: Letter) -> None:
    for text in (given.token, f" https://app.example/offer?o={given.token}&x=1\n", given.json):
        found = read(text)
        assert (found.offer, found.domain, found.by_wallet) == (given.offer, given.domain, given.by_wallet)
        assert found.token == given.token


def test_token__with_a_taker__short_enough_for_a_code() -> None:
    assert len(LETTERS["taker"].token) < 250
    assert len(LETTERS["wallet"].token) < LONGEST / 4


def test_read__any_character_changed_or_lost__torn() -> None:
    token = letter().token
    for i, character in enumerate(token):
        other = "A" if character != "A" else "B"
        assert fault_of(token[:i] + other + token[i + 1 :]) is Fault.TORN
        assert fault_of(token[:i] + token[i + 1 :]) is Fault.TORN


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", Fault.NO_LETTER),
        ("hello neighbour", Fault.NO_LETTER),
        ("http://[", Fault.NO_LETTER),
        ("https://app.example/offer?o=", Fault.NO_LETTER),
        ("A", Fault.TORN),
        ("{}", Fault.BAD_PART),
        ("{", Fault.NO_LETTER),
        ("{" * 1_000, Fault.NO_LETTER),
        ('{"order":' * 400, Fault.NO_LETTER),
        ("A" * (LONGEST + 1), Fault.TOO_LONG),
        ("{" * 100_000, Fault.TOO_LONG),
        (changed(net8="consent"), Fault.BAD_PART),
        (changed(version=2), Fault.BAD_PART),
        (changed(chain_id=-1), Fault.BAD_PART),
        (changed(chain_id="31337"), Fault.BAD_PART),
        (changed(price=2**16), Fault.BAD_PART),
        (changed(wh=0), Fault.BAD_PART),
        (changed(wh=5000.5), Fault.BAD_PART),
        (changed(sell=1), Fault.BAD_PART),
        (changed(taker="0x12"), Fault.BAD_PART),
        (changed(signature="0x12"), Fault.BAD_PART),
        (changed(signature="0x" + "00" * 600), Fault.BAD_PART),
        (changed(signature="0x" + "00" * 65), Fault.BAD_PART),
        (changed(more="than that"), Fault.BAD_PART),
    ],
    ids=lambda value: None if isinstance(value, Fault) else value[:20] + str(len(value)),
)
def test_read__no_letter__refused(text: str, fault: Fault) -> None:
    assert fault_of(text) is fault


def test_read__bad_part__named() -> None:
    with pytest.raises(LetterRefused, match=r"the part 'order\.price' of the signed order is missing or wrong"):
        read(changed(price=-1))


def test_read__part_with_a_name_of_somebody_elses__name_is_not_repeated() -> None:
    with pytest.raises(LetterRefused, match="the part 'file' of the signed order is missing or wrong"):
        read(changed(**{"[win](https://evil.example)": 1}))


def test_require_signed__owner__accepted() -> None:
    letter().require_signed(DOMAIN, OWNER)
    assert letter().proof(OWNER) == Proof()
    assert LETTERS["taker"].proof(OWNER) == Proof(TAKER)


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        (letter(domain=desk_domain(1, DOMAIN.contract)), Fault.OTHER_CHAIN),
        (letter(domain=desk_domain(31337, checksum_address("0x" + "44" * 20))), Fault.OTHER_DESK),
        (letter(key=OTHER_KEY), Fault.NOT_SIGNED),
        (replace(letter(), offer=replace(OFFER, price=1)), Fault.NOT_SIGNED),
        (replace(letter(), offer=replace(OFFER, taker=TAKER)), Fault.NOT_SIGNED),
        (LETTERS["unsigned"], Fault.NOT_SIGNED),
    ],
    ids=["chain", "desk", "key", "price", "taker", "unsigned"],
)
def test_require_signed__not_what_the_owner_signed_here__refused(given: Letter, fault: Fault) -> None:
    with pytest.raises(LetterRefused) as refused:
        given.require_signed(DOMAIN, OWNER)
    assert refused.value.fault is fault


def test_require_signed__contract_wallet__is_for_the_desk_to_ask() -> None:
    given = LETTERS["wallet"]
    given.require_signed(DOMAIN, OWNER)
    assert given.proof(OWNER) == Proof(wallet=OWNER, signature=given.signature)
    assert (given.signed.r, given.signed.vs) == (0, 0)


@pytest.mark.parametrize("word", [0, 1 << 22, OFFER.pack() | 1 << 250], ids=["empty", "gap", "proof"])
def test_unpack__word_of_no_order__refused(word: int) -> None:
    with pytest.raises(WordRefused):
        Offer.unpack(word)
