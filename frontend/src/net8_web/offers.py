"""Signed orders and strips: what has become of one, and which this browser has signed."""

from dataclasses import dataclass, replace

import streamlit as st
from net8.contracts.wallet import accepts
from net8.errors import ChainFault, Refused
from net8.letters import Fault, Letter, LetterRefused, StripLetter, read
from net8.nonces import Life, left, life, next_nonce, strip_left, strip_life
from net8.offers import Strip

from net8_web.components import wallet
from net8_web.context import Here
from net8_web.feed import View

__all__ = [
    "AnyLetter",
    "AnyStanding",
    "Leg",
    "Standing",
    "StripStanding",
    "free_nonce",
    "letter_of",
    "mine",
    "standing_of",
]

_NONCES = "_offer_nonces"

AnyLetter = Letter | StripLetter


@dataclass(frozen=True, slots=True)
class Standing:
    """A letter that the owner of its site has signed, and what has become of it by now."""

    letter: Letter
    owner: str
    life: Life
    left: int  # Wh that have not traded

    @property
    def wh(self) -> int:
        """Energy as signed."""
        return self.letter.offer.wh


@dataclass(frozen=True, slots=True)
class Leg:
    """A slot of a strip that has energy in it."""

    slot: int
    price: int  # grains per Wh
    wh: int  # as signed
    left: int  # Wh that have not traded


@dataclass(frozen=True, slots=True)
class StripStanding:
    """The same of a strip."""

    letter: StripLetter
    owner: str
    life: Life
    legs: tuple[Leg, ...]

    @property
    def left(self) -> int:
        """Wh that have not traded, in all slots."""
        return sum(leg.left for leg in self.legs)

    @property
    def wh(self) -> int:
        """Energy as signed, in all slots."""
        return sum(leg.wh for leg in self.legs)


AnyStanding = Standing | StripStanding


def standing_of(view: View, letter: AnyLetter) -> AnyStanding:
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
    if isinstance(letter, Letter):
        return Standing(letter, owner, life(letter.offer, state, view.now), left(letter.offer, state))
    strip, traded = letter.offer, view.read(desk.strip_traded(offer.site, offer.nonce))
    legs = _legs(strip, strip_left(strip, state, traded))
    return StripStanding(letter, owner, strip_life(strip, state, traded, view.now), legs)


def _legs(strip: Strip, remaining: tuple[int, ...]) -> tuple[Leg, ...]:
    found = zip(strip.slots, strip.prices, strip.wh, remaining, strict=True)
    return tuple(Leg(slot, price, wh, rest) for slot, price, wh, rest in found if wh)


def _wallet_accepts(view: View, letter: AnyLetter, owner: str) -> bool:
    """Whether the contract wallet that owns the site stands by the signature, as it would tell the desk."""
    question = accepts(owner, letter.offer.digest(letter.domain), letter.signature)

    def ask() -> bool:
        try:
            return view.chain.read(question, sender=view.contracts.desk.address)
        except (Refused, ChainFault):  # it gives no answer that counts: the desk takes that for a no as well
            return False

    return view.memo(("wallet accepts", owner, question.data), ask)


def letter_of(entry: wallet.Kept) -> AnyLetter:
    """What the browser has kept as a letter.

    Raises:
        LetterRefused: it is none.
    """
    return replace(read(entry.keep), signature=entry.signature)


def mine(at: Here) -> list[AnyStanding]:
    """What this browser has signed for the shown site, oldest first; what it says itself is checked like anything."""
    letters = [letter for entry in wallet.kept() if (letter := _readable(entry)) and letter.offer.site == at.site]
    _look_up(at.view, letters)
    found = []
    for letter in letters:
        try:
            found.append(standing_of(at.view, letter))
        except LetterRefused:
            continue  # of another deployment, or of an owner before
    return found


def _look_up(view: View, letters: list[AnyLetter]) -> None:
    """All that is asked of the chain about letters, in one question for each kind of answer."""
    desk = view.contracts.desk
    places = [(one.offer.site, one.offer.nonce) for one in letters]
    view.read_many([desk.nonce_state(*place) for place in places])
    strips = [place for place, one in zip(places, letters, strict=True) if isinstance(one, StripLetter)]
    view.read_many([desk.strip_traded(*place) for place in strips])


def _readable(entry: wallet.Kept) -> AnyLetter | None:
    """The letter, unless somebody else wrote something there."""
    try:
        return letter_of(entry)
    except LetterRefused:
        return None


def free_nonce(at: Here, site: int) -> int:
    """The number that this session signs with next; looked for when the last one was used or signed with."""
    desk, signed = at.view.contracts.desk, {one.letter.offer.nonce for one in mine(at)}
    known: dict[int, int] = st.session_state.setdefault(_NONCES, {})
    nonce = known.get(site)
    if nonce is None or nonce in signed or at.view.read(desk.nonce_state(site, nonce)):
        nonce = next_nonce(lambda nonces: at.view.read_many([desk.nonce_state(site, one) for one in nonces]), signed)
        known[site] = nonce
    return nonce
