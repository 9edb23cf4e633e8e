"""An order, or one for each of many quarter hours, that is only signed: no transaction, no gas. Others bring it in."""

import streamlit as st
from net8.letters import Letter, LetterRefused, StripLetter
from net8.model import Terms
from net8.offers import Offer, Strip
from streamlit.navigation.page import StreamlitPage

from net8_web import markup, show
from net8_web.components import wallet
from net8_web.components.wallet import Intent
from net8_web.context import Here
from net8_web.fields import read_or_say
from net8_web.i18n import t
from net8_web.offer_words import fault_words, price_words
from net8_web.offers import AnyLetter, free_nonce, letter_of, standing_of
from net8_web.ticket import Draft, Sums, quote
from net8_web.trading import conditions, summary
from net8_web.trading.batch import Batch
from net8_web.trading.conditions import Asked, Conditions
from net8_web.trading.form import QUANTITY, price_key
from net8_web.trading.many import read_batch, span_lines
from net8_web.trading.slots import open_slots

__all__ = ["sign_form"]

_SPAN = "offer_span"
_SPANS = ["one", "many"]  # quarter hours


def sign_form(at: Here, slot: int, terms: Terms, draft: Draft, page: StreamlitPage) -> None:
    """Draw what a signed order needs beyond a draft, and the button that signs it; once signed, go to its page.

    Args:
        slot: that is chosen.
        terms: of its hour.
        draft: of the order, or of each of them.
        page: that shows a letter.
    """
    span = st.segmented_control(
        t("strip.which"), _SPANS, default=_SPANS[0], required=True, key=_SPAN, label_visibility="collapsed",
        format_func=lambda span: t(f"strip.span_{span}"), width="stretch",
    )  # fmt: skip
    if span == "many":
        slots = open_slots(at)
        with st.container():  # one place, so that a sentence that comes or goes moves no field below
            orders = read_batch(at, slots, draft)
        asked = conditions.ask(at, slots[-1] if orders is None else orders.orders[-1].slot)
        intent = None if orders is None else _strip_intent(at, orders, asked)
    else:
        asked = conditions.ask(at, slot)
        intent = _order_intent(at, slot, terms, draft, asked)
    _go_to_signed(at, intent, page)


# --- what to sign ---------------------------------------------------------------------------------------------------


def _order_intent(at: Here, slot: int, terms: Terms, draft: Draft, asked: Asked) -> Intent | None:
    site = at.site
    if site is None or not (draft.price.strip() and draft.quantity.strip()):
        return None
    read = read_or_say(lambda: (quote(draft, terms, []), asked.read(at.record.owner)))
    if read is None:
        return None
    order, said = read
    _summary(at, order, said, [])
    nonce = free_nonce(at, site)
    offer = Offer(site, slot, order.sell, order.price, order.wh, nonce, said.until, said.taker, said.relay_fee)
    figures = {"energy": show.energy(order.wh), "price": price_words([order.price])}
    label = t("offer.sign_sell" if order.sell else "offer.sign_buy", **figures)
    return _intent(at, label, Letter(at.view.deployment.desk_domain, offer, b"", _is_wallets(at)))


def _strip_intent(at: Here, orders: Batch, asked: Asked) -> Intent | None:
    site = at.site
    if site is None:
        return None
    said = read_or_say(lambda: asked.read(at.record.owner))
    if said is None:
        return None
    _summary(at, orders, said, span_lines(orders))
    strip = _strip(site, free_nonce(at, site), orders, said)
    figures = {"energy": show.energy(orders.wh), "n": show.isolate(str(len(orders.orders)))}
    label = t("strip.sign_sell" if orders.sell else "strip.sign_buy", **figures)
    return _intent(at, label, StripLetter(at.view.deployment.desk_domain, strip, b"", _is_wallets(at)))


def _strip(site: int, nonce: int, orders: Batch, said: Conditions) -> Strip:
    """The orders under one signature; a slot between them that has none gets no energy."""
    first, last = orders.orders[0].slot, orders.orders[-1].slot
    legs = {one.slot: (one.price, one.wh) for one in orders.orders}
    all_legs = [legs.get(slot, (0, 0)) for slot in range(first, last + 1)]
    prices, wh = tuple(price for price, _ in all_legs), tuple(wh for _, wh in all_legs)
    return Strip(site, first, orders.sell, prices, wh, nonce, said.until, said.taker, said.relay_fee)


def _is_wallets(at: Here) -> bool:
    return at.view.is_contract(at.record.owner)


def _intent(at: Here, label: str, unsigned: AnyLetter) -> Intent:
    """What the wallet signs, and as what the browser keeps it."""
    return wallet.signature(label, unsigned.offer.typed_data(unsigned.domain), keep=unsigned.token)


def _summary(at: Here, sums: Sums, said: Conditions, before: list[tuple[str, str]]) -> None:
    markup.facts([*before, *summary.lines(at, sums, held_as="offer.f_held", relay_fee=said.relay_fee)])
    st.caption(t("offer.sign_note"))
    missing = sums.held + said.relay_fee - (0 if at.site is None else at.view.free_balance(at.site))
    if missing > 0:
        st.info(t("offer.poor_yet", missing=show.net8(missing)))


# --- once it is signed ----------------------------------------------------------------------------------------------


def _go_to_signed(at: Here, intent: Intent | None, page: StreamlitPage) -> None:
    outcome = at.panel("offer", intent, t("offer.idle"))
    if outcome is None or outcome.status != "signed" or outcome.signature is None:
        return
    for entry in wallet.kept():
        if entry.signature == bytes.fromhex(outcome.signature[2:]):
            token = _signed(at, entry)
            if token is not None:
                at.note("offer", outcome, "offer.signed", (price_key(), QUANTITY, *conditions.FIELDS))
                st.switch_page(page, query_params={"o": token})


def _signed(at: Here, entry: wallet.Kept) -> str | None:
    """The letter's token; None where another account than the site's owner signed, which is said."""
    try:
        return standing_of(at.view, letter_of(entry)).letter.token
    except LetterRefused as fault:
        st.warning(fault_words(fault))
        return None
