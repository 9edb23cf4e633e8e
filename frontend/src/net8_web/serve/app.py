"""Entry of the app: `streamlit run app.py`, or `net8-web`."""

from pathlib import Path

import streamlit as st
from net8_web import show
from net8_web.components import wallet
from net8_web.context import celebrate
from net8_web.feed import Feed, Problem, View, feed
from net8_web.i18n import t
from net8_web.pages import (
    certificate,
    certificates,
    community,
    offer,
    operate,
    oracles,
    portfolio,
    reserve,
    street,
    trade,
)
from net8_web.settings import SettingsRefused
from net8_web.timing import LIVE_SECONDS

PACKAGE = Path(__file__).parents[1]


def _settings_or_stop() -> Feed:
    try:
        return feed()
    except SettingsRefused as fault:
        st.error(t("problem.settings", reason=str(fault)), icon=":material/error:")
        st.stop()


def _view_or_stop(following: Feed) -> View:
    view, problem = following.state()
    if view is None:
        _wait_for_chain(problem)
        st.stop()
    return view


@st.fragment(run_every=2.0)
def _wait_for_chain(problem: Problem | None) -> None:
    """Say what is wrong, and look again by itself."""
    view, latest = feed().state()
    if view is not None:
        st.rerun()
    shown = latest or problem
    if shown is None:
        st.info(t("problem.looking"))
        return
    key = "problem.chain_down_empty" if shown.key == "problem.chain_down" else shown.key
    st.error(t(key, **shown.values), icon=":material/cloud_off:")


@st.fragment(run_every=LIVE_SECONDS)
def _clock() -> None:
    """The chain's time, and whether it still answers."""
    view, problem = feed().state()
    if view is None:
        st.rerun()
        return
    now = t("clock.now", day=show.day(view.now), time=show.isolate(show.clock(view.now)))
    st.caption(f":material/schedule: {now} · {t('clock.block', number=show.isolate(str(view.head.number)))}")
    if problem is not None:
        st.warning(t(problem.key, **problem.values), icon=":material/cloud_off:")


def main() -> None:
    """One run of the app."""
    st.set_page_config(page_title="NET8", page_icon=str(PACKAGE / "assets" / "icon.svg"), layout="wide")
    st.logo(str(PACKAGE / "assets" / "logo.svg"), size="large")
    page = st.navigation(
        [
            st.Page(street.render, title=t("nav.home"), icon=":material/home:", url_path="street", default=True),
            st.Page(trade.render, title=t("nav.trade"), icon=":material/swap_vert:", url_path="trade"),
            st.Page(
                portfolio.render,
                title=t("nav.portfolio"),
                icon=":material/account_balance_wallet:",
                url_path="portfolio",
            ),
            st.Page(community.render, title=t("nav.community"), icon=":material/groups:", url_path="community"),
            st.Page(certificates.render, title=t("nav.certificates"), icon=":material/eco:", url_path="certificates"),
            st.Page(reserve.render, title=t("nav.reserve"), icon=":material/savings:", url_path="reserve"),
            st.Page(oracles.render, title=t("nav.oracles"), icon=":material/verified:", url_path="oracles"),
            st.Page(operate.render, title=t("nav.operate"), icon=":material/tune:", url_path="operate"),
            st.Page(certificate.render, title=t("certificate.title"), url_path="certificate", visibility="hidden"),
            offer.page(),
        ],
        position="top",
    )
    following = _settings_or_stop()
    view = _view_or_stop(following)
    account = wallet.bar(view.network, view.settings.walletconnect)
    with st.container(key="clock"):
        _clock()
    with st.container():  # always there, so that a note that comes or goes moves no field somebody types into
        if account.address is not None and account.chain_id not in (None, view.network.chain_id):
            st.info(t("problem.wrong_network", name=view.network.name), icon=":material/swap_horiz:")
    celebrate()
    page.run()


main()
