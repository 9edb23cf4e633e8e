"""What a page needs to know: the chain as last seen, whose wallet is connected, which site is shown."""

from dataclasses import dataclass

import streamlit as st
from net8.model import Site, site_index, site_zone

from net8_web import markup, show
from net8_web.components.wallet import Account, Intent, Network, Outcome, account, panel
from net8_web.feed import View, feed
from net8_web.i18n import t
from net8_web.words import sentence

__all__ = ["Here", "celebrate", "choose_site", "here", "no_site_note", "site_name"]

_CHOSEN = "_site"
_SAID = "_said"


@dataclass(frozen=True, slots=True)
class Here:
    """One session's surroundings at one moment."""

    view: View
    network: Network
    account: Account
    site: int | None  # the connected wallet's, as chosen
    zone: int | None  # of the site, else the first there is

    @property
    def record(self) -> Site:
        """The shown site as registered; ask for `site` first."""
        if self.site is None:
            raise ValueError("no site is shown")
        return self.view.market.sites[self.site]

    def panel(self, key: str, intent: Intent | None, idle: str, *, quiet: bool = False) -> tuple[Outcome | None, bool]:
        """A sign panel (`net8_web.components.wallet.panel`) that puts refusals into the session's words."""
        return panel(self.network, f"panel_{key}", intent, idle, sentence, quiet=quiet)

    def celebrate(self, text: str, **values: object) -> None:
        """Say `text` (a key of the tables) in the next run, which the caller starts: a toast of this one is lost."""
        st.session_state[_SAID] = (text, values)

    def caught_up(self, outcome: Outcome) -> None:
        """Wait until the shared view holds the block of a confirmed transaction."""
        block = outcome.block or 0
        feed().catch_up(lambda view: view.head.number >= block)


def celebrate() -> None:
    """Show what the run before left to be said; once per run, on every page."""
    said = st.session_state.get(_SAID)
    if said:
        text, values = said
        st.toast(t(text, **values), icon=":material/check_circle:", duration="long")
        st.session_state[_SAID] = None  # only now: a run that is overtaken ends at its next element


def here() -> Here:
    """The session's surroundings now; cheap, call it in every run and fragment."""
    view = feed().view()
    who = account()
    mine = view.market.sites_of(who.address) if who.address else []
    chosen = st.session_state.get(_CHOSEN)
    site = chosen if chosen in mine else (mine[-1] if mine else None)
    zone = site_zone(site) if site else next(iter(view.market.zones), None)
    return Here(view, view.network, who, site, zone)


def site_name(site: int) -> str:
    """`Site 3`"""
    return t("site.name", index=show.isolate(str(site_index(site))))


def choose_site(at: Here) -> None:
    """Which of several sites is shown; nothing to choose, nothing shown."""
    mine = at.view.market.sites_of(at.account.address) if at.account.address else []
    if len(mine) > 1 and at.site:
        st.selectbox(t("site.choose"), mine, index=mine.index(at.site), format_func=site_name, key=_CHOSEN)


def no_site_note(at: Here) -> None:
    """What stands on a page that needs a site when there is none: why, and the way out."""
    if at.account.address is None:
        markup.empty(t("problem.no_wallet"), t("problem.no_wallet_way"))
    else:
        markup.empty(t("problem.no_site"), t("problem.no_site_way", address=show.isolate(at.account.address)))
