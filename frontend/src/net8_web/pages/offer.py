"""Offer: a signed order, for whoever was handed its link: to take it, to bring it to the book, or to end it."""

import segno
import streamlit as st
from net8.letters import LetterRefused, read
from net8.nonces import Life
from net8.offers import NOBODY
from net8.units import slot_start
from streamlit.navigation.page import StreamlitPage

from net8_web import markup, show
from net8_web.components import wallet
from net8_web.context import Here, here
from net8_web.i18n import t
from net8_web.offer_words import fault_words, legs_table, price_words, terms_words
from net8_web.offers import AnyLetter, AnyStanding, Standing, StripStanding, standing_of
from net8_web.timing import FORM_SECONDS
from net8_web.trading.accepting import accept_form
from net8_web.trading.relaying import earnings, relay_form
from net8_web.trading.slots import open_legs

__all__ = ["page", "render"]

_TEXT = "offer_text"
FINEST_CODE = 15  # version of a QR code, 77 squares a side
SQUARE_PX = 3  # how wide a square of it is drawn
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
def _offer(letter: AnyLetter) -> None:
    at = here()
    try:
        standing = standing_of(at.view, letter)
    except LetterRefused as fault:
        st.error(fault_words(fault), icon=":material/gpp_bad:")
        return
    _terms(at, standing)
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


def _terms(at: Here, standing: AnyStanding) -> None:
    offer = standing.letter.offer
    st.markdown(f"**{terms_words(standing.letter)}**")
    note = t(f"offer.life_{standing.life}")
    if standing.life is Life.OPEN:
        st.success(note, icon=":material/verified:")
    else:
        st.info(note, icon=":material/block:")
    own = _order_lines(standing) if isinstance(standing, Standing) else _strip_lines(standing)
    markup.facts(
        [
            *own,
            (t("offer.f_until"), show.moment(min(offer.expiry, slot_start(_last_slot(standing))))),
            (t("offer.f_taker"), t("offer.anyone") if offer.taker == NOBODY else show.isolate(offer.taker)),
            (t("offer.f_relay_fee"), show.net8(offer.relay_fee)),
            (t("offer.f_signer"), show.isolate(standing.owner)),
            (t("offer.f_nonce"), show.isolate(str(offer.nonce))),
        ]
    )
    if isinstance(standing, StripStanding):
        tradable = {leg.slot for leg in open_legs(at.view, standing)}
        legs_table(standing.legs, [leg.slot for leg in standing.legs if leg.slot not in tradable])


def _last_slot(standing: AnyStanding) -> int:
    """After whose start nothing of it can trade, whenever it expires."""
    return standing.letter.offer.slot if isinstance(standing, Standing) else standing.legs[-1].slot


def _order_lines(standing: Standing) -> list[tuple[str, str]]:
    price = standing.letter.offer.price
    both = f"{show.price_net8(price)} NET8/kWh · {show.price_euro(price)} EUR/kWh"
    return [(t("offer.f_left"), show.energy(standing.left)), (t("trade.f_price"), show.isolate(both))]


def _strip_lines(standing: StripStanding) -> list[tuple[str, str]]:
    value, left = (sum(leg.price * getattr(leg, name) for leg in standing.legs) for name in ("wh", "left"))
    return [
        (t("trade.f_price"), price_words([leg.price for leg in standing.legs])),
        (t("batch.f_energy"), show.energy(standing.wh)),
        (t("strip.f_value"), f"{show.net8(value)} · {show.euro(value)}"),
        (t("offer.f_left"), show.energy(standing.left)),
        (t("strip.f_left_value"), f"{show.net8(left)} · {show.euro(left)}"),
    ]


def _own(at: Here, standing: AnyStanding) -> None:
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


def _hand_over(letter: AnyLetter) -> None:
    """Its link, as a QR code too, and its file."""
    st.subheader(t("offer.hand_over"))
    st.caption(t("offer.hand_over_text"))
    if st.context.url is not None:  # a browser tells its own way to the app
        link = f"{st.context.url}?o={letter.token}"
        st.code(link, language=None, wrap_lines=True)
        _code(link)
    st.download_button(
        t("offer.save"),
        letter.json,
        file_name=f"net8-offer-{letter.offer.nonce}.json",
        mime="application/json",
        icon=":material/download:",
        on_click="ignore",
        key="offer_save",
    )


def _code(link: str) -> None:
    """The link as a QR code, where a camera could read one."""
    code = segno.make_qr(link, error="l")
    if int(code.version) > FINEST_CODE:
        st.caption(t("offer.qr_too_fine"))
        return
    width = int(code.symbol_size(SQUARE_PX)[0])
    markup.picture(code.svg_data_uri(scale=SQUARE_PX), t("offer.qr"), t("offer.qr_text"), width)
