"""Offer: a signed order, for whoever was handed its link: to take it, to bring it to the book, or to end it."""

import segno
import streamlit as st
from net8.letters import Letter, LetterRefused, read
from net8.nonces import Life
from net8.offers import NOBODY
from streamlit.navigation.page import StreamlitPage

from net8_web import markup, show
from net8_web.components import wallet
from net8_web.context import Here, here
from net8_web.i18n import t
from net8_web.offers import Standing, fault_words, standing_of, terms_words
from net8_web.timing import FORM_SECONDS
from net8_web.trading.accepting import accept_form
from net8_web.trading.relaying import earnings, relay_form

__all__ = ["page", "render"]

_TEXT = "offer_text"
LONGEST_FIELD = 10_000  # characters; what is longer than a letter is said, what is longer than this is not even sent


def page() -> StreamlitPage:
    """The page for navigation, and for links to it: with `o` in its address."""
    return st.Page(render, title=t("offer.title"), url_path="offer", visibility="hidden")


def render() -> None:
    """Draw the page."""
    st.subheader(t("offer.title"))
    given = st.query_params.get("o")
    if given is None:
        st.caption(t("offer.text"))
        _paste()
        return
    try:
        letter = read(given)
    except LetterRefused as fault:
        st.error(fault_words(fault), icon=":material/link_off:")
        _paste()
        return
    _offer(letter)
    _earnings()


def _paste() -> None:
    """A link or a file that came another way."""
    text = st.text_area(t("offer.paste"), key=_TEXT, height=160, max_chars=LONGEST_FIELD)
    if not text.strip():
        return
    try:
        token = read(text).token
    except LetterRefused as fault:
        st.warning(fault_words(fault))
        return
    st.query_params["o"] = token
    st.rerun()


@st.fragment(run_every=FORM_SECONDS)
def _offer(letter: Letter) -> None:
    at = here()
    try:
        standing = standing_of(at.view, letter)
    except LetterRefused as fault:
        st.error(fault_words(fault), icon=":material/gpp_bad:")
        return
    _terms(standing)
    who = at.account.address
    if who is None:
        markup.empty(t("offer.no_wallet"), t("offer.no_wallet_way"))
        at.panel("offer_connect", None, "")
    elif who == standing.owner:
        _own(at, standing)
    elif standing.life is not Life.OPEN:
        _finish(at)
    else:
        take, bring = st.columns(2, gap="large")
        with take:
            accept_form(at, standing)
        with bring:
            relay_form(at, standing)


def _finish(at: Here) -> None:
    """The page may hear that nothing is left before it hears that this very account has taken it."""
    for key, done in (("accept", "accept.done"), ("relay", "relay.done")):
        if at.is_under_way(key):
            at.send(key, None, t(f"{key}.idle"), done)


@st.fragment(run_every=FORM_SECONDS)
def _earnings() -> None:
    earnings(here())


def _terms(standing: Standing) -> None:
    offer = standing.letter.offer
    st.markdown(f"**{terms_words(standing.letter)}**")
    note = t(f"offer.life_{standing.life}")
    if standing.life is Life.OPEN:
        st.success(note, icon=":material/verified:")
    else:
        st.info(note, icon=":material/block:")
    both = f"{show.price_net8(offer.price)} NET8/kWh · {show.price_euro(offer.price)} EUR/kWh"
    taker = t("offer.anyone") if offer.taker == NOBODY else show.isolate(offer.taker)
    markup.facts(
        [
            (t("offer.f_left"), show.energy(standing.left)),
            (t("trade.f_price"), show.isolate(both)),
            (t("offer.f_until"), show.moment(offer.expiry)),
            (t("offer.f_taker"), taker),
            (t("offer.f_relay_fee"), show.net8(offer.relay_fee)),
            (t("offer.f_signer"), show.isolate(standing.owner)),
            (t("offer.f_nonce"), show.isolate(str(offer.nonce))),
        ]
    )


def _own(at: Here, standing: Standing) -> None:
    """What the owner does with it: hand it over, or end it."""
    if standing.life is not Life.OPEN:
        return
    hand, end = st.columns(2, gap="large")
    with hand:
        _hand_over(standing.letter)
    with end:
        st.subheader(t("offer.end"))
        st.caption(t("offer.end_text"))
        offer = standing.letter.offer
        call = at.view.contracts.desk.cancel_nonce(offer.site, offer.nonce)
        at.send("cancel_nonce", wallet.call(t("offer.cancel"), call), "", "offer.cancelled")


def _hand_over(letter: Letter) -> None:
    """Its link, as a QR code too, and its file."""
    st.subheader(t("offer.hand_over"))
    st.caption(t("offer.hand_over_text"))
    if st.context.url is not None:  # a browser tells its own way to the app
        link = f"{st.context.url}?o={letter.token}"
        st.code(link, language=None, wrap_lines=True)
        picture = segno.make_qr(link, error="l").svg_data_uri(scale=4, border=4)
        markup.picture(picture, t("offer.qr"), t("offer.qr_text"))
    st.download_button(
        t("offer.save"),
        letter.json,
        file_name=f"net8-offer-{letter.offer.nonce}.json",
        mime="application/json",
        icon=":material/download:",
        on_click="ignore",
        key="offer_save",
    )
