"""Taking a signed strip: a strip of one's own that meets it is signed for its maker alone, then both are brought in."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import streamlit as st
from net8.contracts import Call
from net8.letters import StripLetter
from net8.model import Terms, site_zone
from net8.nonces import Life
from net8.offers import LEGS_MAX, Strip
from net8.units import hour_of_slot

from net8_web import amounts, markup, show
from net8_web.components import wallet
from net8_web.components.wallet import Intent
from net8_web.context import Here
from net8_web.fields import read_or_say
from net8_web.i18n import t
from net8_web.offers import Leg, StripStanding, free_nonce, mine
from net8_web.ticket import Sums, sums, together
from net8_web.trading import summary
from net8_web.trading.placing import default_note, place_unless_refused
from net8_web.trading.slots import choose_range, open_legs

__all__ = ["intent"]


@dataclass(frozen=True, slots=True)
class _Share:
    """What somebody takes of one slot."""

    leg: Leg
    wh: int
    terms: Terms


def intent(at: Here, site: int, standing: StripStanding) -> Intent | None:
    """What to sign next, with what it comes to shown: first the own strip, then the transaction; None where nothing can
    be taken, which is said.
    """
    among = open_legs(at.view, standing)
    if not among:
        st.info(t("strip.none_open"))
        return None
    shares = _shares(at, standing, among)
    if not shares:
        return None
    due = _show_sums(at, standing, shares)
    own = _own_strip(standing, site, shares)
    signed = _signed(at, own)
    figures = {"energy": show.energy(sum(own.wh)), "n": show.isolate(str(len(shares)))}
    if signed is None:
        if due.held > at.view.free_balance(site):
            st.info(t("offer.poor_yet", missing=show.net8(due.held - at.view.free_balance(site))))
        st.caption(t("strip.two_steps"))
        return _sign_intent(at, replace(own, nonce=free_nonce(at, site)), t("strip.sign_own", **figures))
    label = t("strip.take_sell" if own.sell else "strip.take_buy", **figures)
    call = _match(at, standing, signed, shares)
    return place_unless_refused(at, site, label, call, due.held, others_poor="accept.maker_poor")


# --- how much -------------------------------------------------------------------------------------------------------


def _shares(at: Here, standing: StripStanding, among: Sequence[Leg]) -> list[_Share]:
    """What the fields mean, slot by slot."""
    offer = standing.letter.offer
    name = f"take_{offer.site}_{offer.nonce}"
    slots = set(choose_range(name, [leg.slot for leg in among], LEGS_MAX))
    typed = st.text_input(t("strip.most_each"), key=f"{name}_most", placeholder="5", help=t("strip.most_each_help"))
    most = read_or_say(lambda: amounts.energy(typed)) if typed.strip() else max(leg.left for leg in among)
    found = []
    for leg in among:
        terms = at.view.terms(site_zone(offer.site), hour_of_slot(leg.slot))
        if leg.slot in slots and most is not None and terms is not None:
            found.append(_Share(leg, min(leg.left, most), terms))
    return found


def _show_sums(at: Here, standing: StripStanding, shares: Sequence[_Share]) -> Sums:
    offer = standing.letter.offer
    due = together([sums(not offer.sell, share.leg.price, share.wh, share.terms) for share in shares])
    wh = sum(share.wh for share in shares)
    energy = t("batch.f_energy"), show.energy(wh)
    reward = [summary.reward_line(offer.relay_fee, wh, standing.wh)] if offer.relay_fee else []
    markup.facts([energy, *summary.lines(at, due, held_as="batch.f_margin"), *reward])
    worst = sum(share.wh * (share.terms.imbalance - share.leg.price) for share in shares)
    imbalance = max(share.terms.imbalance for share in shares)
    st.caption(default_note(due.sell, worst, imbalance, min(share.terms.feed_in for share in shares)))
    return due


# --- the own strip --------------------------------------------------------------------------------------------------


def _own_strip(standing: StripStanding, site: int, shares: Sequence[_Share]) -> Strip:
    """The other side of the maker's strip, which nobody but he can meet; its number is still open."""
    offer, first = standing.letter.offer, shares[0].leg.slot
    taken = {share.leg.slot: (share.leg.price, share.wh) for share in shares}
    legs = [taken.get(slot, (0, 0)) for slot in range(first, shares[-1].leg.slot + 1)]
    prices, wh = tuple(price for price, _ in legs), tuple(wh for _, wh in legs)
    return Strip(site, first, not offer.sell, prices, wh, 0, offer.expiry, standing.owner)


def _signed(at: Here, own: Strip) -> StripLetter | None:
    """What this browser has signed that says the same of these slots, if nothing of it has traded yet."""
    untouched = (one for one in mine(at) if one.life is Life.OPEN and one.left == one.wh)
    strips = (one.letter for one in untouched if isinstance(one, StripStanding))
    return next((letter for letter in strips if _covers(letter.offer, own)), None)


def _covers(signed: Strip, own: Strip) -> bool:
    """Whether a strip is another one, or that and more: gates close between the two steps."""
    alike = replace(signed, nonce=0, first_slot=own.first_slot, prices=own.prices, wh=own.wh) == own
    return alike and _legs(own) <= _legs(signed)


def _legs(strip: Strip) -> set[tuple[int, int, int]]:
    return {leg for leg in zip(strip.slots, strip.prices, strip.wh, strict=True) if leg[2]}


def _sign_intent(at: Here, own: Strip, label: str) -> Intent:
    domain = at.view.deployment.desk_domain
    unsigned = StripLetter(domain, own, b"", by_wallet=at.view.is_contract(at.record.owner))
    return wallet.signature(label, own.typed_data(domain), keep=unsigned.token)


def _match(at: Here, standing: StripStanding, own: StripLetter, shares: Sequence[_Share]) -> Call[int]:
    """Both strips for the desk, the sale first, in the chosen slots alone."""
    maker = standing.letter, standing.letter.proof(standing.owner)
    taker = own, own.proof(at.record.owner)
    (sale, sale_proof), (purchase, purchase_proof) = (maker, taker) if maker[0].offer.sell else (taker, maker)
    slots = sum(1 << share.leg.slot - sale.offer.first_slot for share in shares)
    desk = at.view.contracts.desk
    return desk.match_strips(sale.signed, purchase.signed, slots, sale_proof, purchase_proof)
