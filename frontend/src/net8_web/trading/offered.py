"""The orders that this browser has signed and that may still be taken."""

import streamlit as st
from net8.nonces import Life
from streamlit.navigation.page import StreamlitPage

from net8_web import show
from net8_web.components import wallet
from net8_web.context import Here, here
from net8_web.i18n import t
from net8_web.offer_words import terms_words
from net8_web.offers import AnyStanding, mine
from net8_web.timing import LIVE_SECONDS

__all__ = ["my_offers"]

OFFERS_SHOWN = 10


def _line(at: Here, standing: AnyStanding, page: StreamlitPage) -> None:
    offer = standing.letter.offer
    with st.container(key=f"line_offer_{offer.nonce}"):
        text, link, button = st.columns([4, 2, 1], vertical_alignment="center")
    text.markdown(f"{terms_words(standing.letter)}  \n{t('offer.left', energy=show.energy(standing.left))}")
    link.page_link(page, label=t("offer.open"), icon=":material/qr_code_2:", query_params={"o": standing.letter.token})
    with button:
        call = at.view.contracts.desk.cancel_nonce(offer.site, offer.nonce)
        intent = wallet.call(t("trade.cancel"), call)
        at.send(_panel(standing), intent, "", "offer.cancelled", quiet=True)


def _panel(standing: AnyStanding) -> str:
    """Name of the panel that ends it; it stays until the page has heard of that, which the chain may say before."""
    return f"end_{standing.letter.offer.nonce}"


@st.fragment(run_every=LIVE_SECONDS)
def my_offers(page: StreamlitPage) -> None:
    """Draw them, the latest first, and the way to an offer that somebody else has handed over; `page` shows one."""
    at = here()
    known = [] if at.site is None else mine(at)
    alive = [one for one in known if one.life is Life.OPEN or at.is_under_way(_panel(one))]
    if alive:
        st.subheader(t("offer.mine"))
        st.caption(t("offer.mine_text"))
    for standing in reversed(alive[-OFFERS_SHOWN:]):
        _line(at, standing, page)
    st.page_link(page, label=t("offer.open_other"), icon=":material/handshake:")
