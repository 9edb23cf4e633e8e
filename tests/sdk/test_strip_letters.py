"""Signed strips that pass from hand to hand: whole, or refused in one sentence."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import replace

import pytest
from net8.letters import LONGEST, Fault, Letter, LetterRefused, StripLetter, read
from net8.offers import LEGS_MAX, Offer, Proof, Strip
from net8.packing import WordRefused
from net8.signing import keccak256, sign

from tests.sdk.letters import DOMAIN, KEY, OTHER_KEY, OWNER, TAKER, changer, fault_of

STRIP = Strip(
    site=65537, first_slot=2_000_000, sell=True, prices=(900, 900, 0, 950), wh=(5000, 5000, 0, 100), nonce=7,
    expiry=1_800_000_000, relay_fee=11,
)  # fmt: skip
UNLIKE = replace(STRIP, prices=tuple(range(65_440, 65_536)), wh=tuple(range(2**21 - 96, 2**21)), taker=TAKER)


def letter(strip: Strip = STRIP, key: bytes = KEY) -> StripLetter:
    return StripLetter(DOMAIN, strip, sign(key, strip.digest(DOMAIN)).to_bytes())


LETTERS = {
    "plain": letter(),
    "one slot": letter(replace(STRIP, prices=(1,), wh=(1,))),
    "a day alike": letter(replace(STRIP, prices=(900,) * 96, wh=(500,) * 96)),
    "a day unlike": letter(UNLIKE),
    "wallet": StripLetter(DOMAIN, UNLIKE, bytes(range(256)) * 2, by_wallet=True),
    "unsigned": StripLetter(DOMAIN, STRIP, b""),
}
changed = changer(letter(), "strip")


def respelt(given: StripLetter, at: int, new: bytes, instead_of: int | None = None) -> str:
    """The token with other bytes from byte `at` on, made whole again as anybody can."""
    token = given.token
    body = urlsafe_b64decode(token + "=" * (-len(token) % 4))[:-4]
    body = body[:at] + new + body[at + (len(new) if instead_of is None else instead_of) :]
    return urlsafe_b64encode(body + keccak256(body)[:4]).decode().rstrip("=")


@pytest.mark.parametrize("given", LETTERS.values(), ids=LETTERS)
def test_read__token_link_or_file__the_same_letter(given: StripLetter) -> None:
    for text in (given.token, f" https://app.example/offer?o={given.token}&x=1\n", given.json):
        found = read(text)
        assert isinstance(found, StripLetter)
        assert (found.offer, found.domain, found.by_wallet) == (given.offer, given.domain, given.by_wallet)
        assert found.token == given.token
        assert len(text) < LONGEST


def test_token__slots_alike__short_enough_for_a_code() -> None:
    assert len(LETTERS["a day alike"].token) < 250
    assert len(LETTERS["a day unlike"].token) < 1_100


def test_read__order__not_a_strip() -> None:
    offer = Offer(site=1, slot=1, sell=True, price=1, wh=1, nonce=1, expiry=1)
    assert isinstance(read(Letter(DOMAIN, offer, b"").token), Letter)


def test_read__any_character_changed_or_lost__torn() -> None:
    token = letter().token
    for i, character in enumerate(token):
        other = "A" if character != "A" else "B"
        assert fault_of(token[:i] + other + token[i + 1 :]) is Fault.TORN
        assert fault_of(token[:i] + token[i + 1 :]) is Fault.TORN


HEAD_END, RUN = 62, 6
HOSTILE = {
    "no slots": respelt(letter(), HEAD_END - 1, b"\0"),
    "more slots than said": respelt(letter(), HEAD_END - 1, b"\3"),
    "fewer slots than said": respelt(letter(), HEAD_END - 1, b"\x7f"),
    "97 slots": respelt(LETTERS["a day alike"], HEAD_END - 1, b"\x61\x61", RUN + 1 - 5),
    "an empty run": respelt(letter(), HEAD_END, b"\0"),
    "a run told twice": respelt(letter(), HEAD_END, b"\1\x03\x84\0\x13\x88" * 2, RUN),
    "too much energy": respelt(letter(), HEAD_END + 3, b"\xff\xff\xff"),
    "no energy": respelt(letter(replace(STRIP, prices=(1,), wh=(1,))), HEAD_END + 3, b"\0\0\0"),
    "runs cut off": respelt(LETTERS["unsigned"], HEAD_END + RUN + 3, b"", 99),
    "a proof": respelt(letter(), 31, b"\1"),
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_read__token_that_says_nonsense__bad_part(text: str) -> None:
    assert fault_of(text) is Fault.BAD_PART


@pytest.mark.parametrize(
    "text",
    [
        changed(net8="signed order"),
        changed(prices=[900] * 3),
        changed(prices=[], wh=[]),
        changed(prices=[1] * 97, wh=[1] * 97),
        changed(prices=[2**16] * 4),
        changed(prices=["900"] * 4),
        changed(prices="9" * 4),
        changed(wh=[2**21] * 4),
        changed(wh=[0] * 4),
        changed(wh=[-1] * 4),
        changed(first_slot=2**32),
        changed(more="than that"),
    ],
    ids=lambda text: str(len(text)),
)
def test_read__file_that_says_nonsense__bad_part(text: str) -> None:
    assert fault_of(text) is Fault.BAD_PART


def test_read__bad_part__named() -> None:
    with pytest.raises(LetterRefused, match=r"the part 'strip\.prices\.1' of the signed order is missing or wrong"):
        read(changed(prices=[1, -1, 1, 1]))


def test_require_signed__owner__accepted_and_others_refused() -> None:
    letter().require_signed(DOMAIN, OWNER)
    assert letter(UNLIKE).proof(OWNER) == Proof(TAKER)
    for other in (letter(key=OTHER_KEY), replace(letter(), offer=replace(STRIP, wh=(5001, 5000, 0, 100)))):
        with pytest.raises(LetterRefused) as refused:
            other.require_signed(DOMAIN, OWNER)
        assert refused.value.fault is Fault.NOT_SIGNED


def test_unpack__head_of_a_strip__the_same_strip() -> None:
    legs = list(zip(UNLIKE.prices, UNLIKE.wh, strict=True))
    assert Strip.unpack(UNLIKE.head, legs, TAKER) == UNLIKE
    assert Strip.slots_in(UNLIKE.head) == len(UNLIKE.slots) == LEGS_MAX
    with pytest.raises(WordRefused, match="bits that no strip has"):
        Strip.unpack(UNLIKE.head | 1 << 250, legs, TAKER)
    with pytest.raises(WordRefused):
        Strip.unpack(UNLIKE.head, legs[1:], TAKER)
