"""An order that the owner only signs: no transaction, no gas. Others bring it in."""

import streamlit as st
from net8.letters import Letter, LetterRefused
from net8.margin import order_lock
from net8.model import Terms
from net8.nonces import next_nonce
from net8.offers import NOBODY, Offer
from net8.units import SLOT_SECONDS, slot_of, slot_start

from net8_web import amounts, markup, show
from net8_web.amounts import Unusable
from net8_web.components import wallet
from net8_web.components.wallet import Intent
from net8_web.context import Here, start_empty
from net8_web.fields import read_or_say
from net8_web.i18n import t
from net8_web.offers import fault_words, letter_of, mine, standing_of
from net8_web.pages.offer import page
from net8_web.ticket import Draft, quote
from net8_web.trading.form import QUANTITY, price_key

__all__ = ["sign_form"]

RELAY_FEE_MAX = 2**40 - 1  # grains
_FEE, _TAKER, _NONCES = "offer_fee", "offer_taker", "_offer_nonces"


def _until(at: Here, slot: int, terms: Terms) -> int:
    """Unix seconds at which the order ends: a quarter hour, or the gate of its slot; never later than that."""
    gate = slot_start(slot - terms.gate_lead)
    ends = list(range(gate, slot_start(slot_of(at.view.now)), -SLOT_SECONDS))
    picked = st.selectbox(t("offer.f_until"), ends, format_func=show.moment, key=f"offer_until_{slot}")
    return gate if picked is None else picked


def _nonce(at: Here, site: int) -> int:
    """The one that this session uses next; looked for when the last one was used or signed with."""
    desk, signed = at.view.contracts.desk, {one.letter.offer.nonce for one in mine(at)}
    known: dict[int, int] = st.session_state.setdefault(_NONCES, {})
    nonce = known.get(site)
    if nonce is None or nonce in signed or at.view.read(desk.nonce_state(site, nonce)):
        nonce = next_nonce(lambda nonces: at.view.read_many([desk.nonce_state(site, one) for one in nonces]), signed)
        known[site] = nonce
    return nonce


def _read(at: Here, site: int, slot: int, terms: Terms, draft: Draft, until: int, fee: str, taker: str) -> Offer:
    order = quote(draft, terms, [])
    relay_fee = amounts.money(fee, zero=True) if fee.strip() else 0
    if relay_fee > RELAY_FEE_MAX:
        raise Unusable(t("offer.fee_too_large", most=show.net8(RELAY_FEE_MAX)))
    named = amounts.address(taker) if taker.strip() else NOBODY
    if named == at.record.owner:
        raise Unusable(t("offer.own_taker"))
    return Offer(site, slot, order.sell, order.price, order.wh, _nonce(at, site), until, named, relay_fee)


def _summary(at: Here, offer: Offer, terms: Terms) -> None:
    fee = 0 if offer.sell else offer.wh * terms.grid_fee
    total = offer.wh * offer.price + fee
    held = order_lock(offer.sell, offer.price, offer.wh, terms.tariff)
    free = at.view.free_balance(offer.site)
    lines = [(t("trade.f_you_get" if offer.sell else "trade.f_you_pay"), f"{show.net8(total)} · {show.euro(total)}")]
    if not offer.sell:
        lines.append((t("trade.f_fee"), show.net8(fee)))
    lines += [
        (t("offer.f_relay_fee"), show.net8(offer.relay_fee)),
        (t("offer.f_held"), show.net8(held + offer.relay_fee)),
        (t("trade.f_free"), show.net8(free)),
    ]
    markup.facts(lines)
    st.caption(t("offer.sign_note"))
    if free < held + offer.relay_fee:
        st.info(t("offer.poor_yet", missing=show.net8(held + offer.relay_fee - free)))


def _intent(at: Here, site: int, offer: Offer) -> Intent:
    """What the wallet signs, and as what the browser keeps it."""
    domain = at.view.deployment.desk_domain
    unsigned = Letter(domain, offer, b"", by_wallet=at.view.is_contract(at.view.market.sites[site].owner))
    price = show.isolate(f"{show.price_net8(offer.price)} NET8/kWh")
    label = t("offer.sign_sell" if offer.sell else "offer.sign_buy", energy=show.energy(offer.wh), price=price)
    return wallet.signature(label, offer.typed_data(domain), keep=unsigned.token)


def sign_form(at: Here, slot: int, terms: Terms, draft: Draft) -> None:
    """Draw what an order needs beyond a draft, and the button that signs it; once signed, go to its page."""
    start_empty(_FEE, _TAKER)
    until = _until(at, slot, terms)
    fee_column, taker_column = st.columns(2, vertical_alignment="bottom")
    fee = fee_column.text_input(t("offer.relay_fee"), key=_FEE, placeholder="0.01", help=t("offer.relay_fee_help"))
    taker = taker_column.text_input(t("offer.taker"), key=_TAKER, placeholder="0x…", help=t("offer.taker_help"))
    intent = None
    site = at.site
    if site is not None and draft.price.strip() and draft.quantity.strip():
        offer = read_or_say(lambda: _read(at, site, slot, terms, draft, until, fee, taker))
        if offer is not None:
            _summary(at, offer, terms)
            intent = _intent(at, site, offer)
    outcome = at.panel("offer", intent, t("offer.idle"))
    if outcome is None or outcome.status != "signed" or outcome.signature is None:
        return
    for entry in wallet.kept():
        if entry.signature == bytes.fromhex(outcome.signature[2:]):
            token = _signed(at, entry)
            if token is not None:
                at.note("offer", outcome, "offer.signed", (price_key(), QUANTITY, _FEE, _TAKER))
                st.switch_page(page(), query_params={"o": token})


def _signed(at: Here, entry: wallet.Kept) -> str | None:
    """The letter's token; None where another account than the site's owner signed, which is said."""
    try:
        return standing_of(at.view, letter_of(entry)).letter.token
    except LetterRefused as fault:
        st.warning(fault_words(fault))
        return None
