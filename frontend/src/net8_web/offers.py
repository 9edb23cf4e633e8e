"""Signed orders in words: what one says, what has become of it, and which this browser has signed."""

from dataclasses import dataclass, replace

from net8.errors import Refused
from net8.letters import Fault, Letter, LetterRefused, read
from net8.model import site_index
from net8.nonces import Life, left, life
from net8.offers import NOBODY

from net8_web import show
from net8_web.components import wallet
from net8_web.context import Here
from net8_web.feed import View
from net8_web.i18n import t

__all__ = ["Standing", "fault_words", "letter_of", "mine", "standing_of", "terms_words"]

_WALLET_SAYS_NO = {"order: wallet says no", "order: bad signature"}


@dataclass(frozen=True, slots=True)
class Standing:
    """A letter that the owner of its site has signed, and what has become of it by now."""

    letter: Letter
    owner: str
    life: Life
    left: int  # Wh that have not traded


def fault_words(fault: LetterRefused) -> str:
    """What is wrong with a letter, in the session's language."""
    return t(f"offer.fault_{fault.fault}", part=show.isolate(fault.part))


def terms_words(letter: Letter) -> str:
    """`Site 3 sells 5.00 kWh at 0.0900 NET8/kWh, 23 Nov, 14:15-14:30`"""
    offer = letter.offer
    return t(
        "offer.sells" if offer.sell else "offer.buys",
        site=t("site.name", index=show.isolate(str(site_index(offer.site)))),
        energy=show.energy(offer.wh),
        price=show.isolate(f"{show.price_net8(offer.price)} NET8/kWh"),
        slot=show.slot(offer.slot),
    )


def standing_of(view: View, letter: Letter) -> Standing:
    """What has become of a letter.

    Raises:
        LetterRefused: it is for another chain or contract, or its terms are not what the site's owner signed.
    """
    offer, desk = letter.offer, view.contracts.desk
    owner = view.read(view.contracts.exchange.owner_of(offer.site))
    letter.require_signed(view.deployment.desk_domain, owner)
    if letter.by_wallet and not _wallet_accepts(view, letter, owner):
        raise LetterRefused(Fault.NOT_SIGNED)
    state = view.read(desk.nonce_state(offer.site, offer.nonce))
    return Standing(letter, owner, life(offer, state, view.now), left(offer, state))


def _wallet_accepts(view: View, letter: Letter, owner: str) -> bool:
    """Whether the contract wallet that owns the site stands by the signature: the desk asks it before all else."""
    offer = letter.offer
    taker = owner if offer.taker == NOBODY else offer.taker
    call = view.contracts.desk.accept_signed(letter.signed, letter.proof(owner), offer.site, 1)

    def ask() -> bool:
        try:
            view.try_call(call, taker)
        except Refused as refused:
            return refused.reason not in _WALLET_SAYS_NO
        return True

    return view.memo(("wallet accepts", call.data), ask)


def letter_of(entry: wallet.Kept) -> Letter:
    """What the browser has kept as a letter.

    Raises:
        LetterRefused: it is none.
    """
    return replace(read(entry.keep), signature=entry.signature)


def mine(at: Here) -> list[Standing]:
    """What this browser has signed for the shown site, oldest first; what it says itself is checked like anything."""
    letters = [letter for entry in wallet.kept() if (letter := _readable(entry)) and letter.offer.site == at.site]
    desk = at.view.contracts.desk
    at.view.read_many([desk.nonce_state(one.offer.site, one.offer.nonce) for one in letters])  # in one question
    found = []
    for letter in letters:
        try:
            found.append(standing_of(at.view, letter))
        except LetterRefused:
            continue  # of another deployment, or of an owner before
    return found


def _readable(entry: wallet.Kept) -> Letter | None:
    """The letter, unless somebody else wrote something there."""
    try:
        return letter_of(entry)
    except LetterRefused:
        return None
