"""What a page needs to know: the chain as last seen, whose wallet is connected, which site is shown."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NoReturn

import streamlit as st
from net8.contracts import Call
from net8.errors import Refused
from net8.model import Site, site_index, site_zone

from net8_web import markup, show
from net8_web.components.wallet import Account, Intent, Network, Outcome, account, last_outcome, outbox, panel
from net8_web.feed import View, feed
from net8_web.i18n import t
from net8_web.words import sentence

__all__ = ["Here", "celebrate", "choose_site", "here", "no_site_note", "site_name", "start_anew", "start_empty"]

_CHOSEN = "_site"
_NOTES = "_notes"
_SAID_S = 8.0  # less than a toast stands: a browser shows one that comes again while it stands no second time


@dataclass(slots=True)
class _Notes:
    """What a session carries from one run to the next.

    A newer run may end the present one at any use of `st.session_state` or `st`: a note of several parts is whole only
    when it is written into an object that is already held.
    """

    said: tuple[str, dict[str, object], float] | None = None  # key of the tables, its values, monotonic seconds
    concluded: dict[str, Outcome] = field(default_factory=dict)  # by panel: what has been acted upon
    emptied: set[str] = field(default_factory=set)  # fields that start empty in the next run
    promised: dict[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)  # by intent: `done` and `empties`
    waiting: set[str] = field(default_factory=set)  # hashes of what was sent and not mined
    told: set[str] = field(default_factory=set)  # hashes of what was said to be done


def _notes() -> _Notes:
    if _NOTES not in st.session_state:
        st.session_state[_NOTES] = _Notes()
    notes: _Notes = st.session_state[_NOTES]
    return notes


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

    def transaction(self, tx: str, text: str | None = None) -> markup.Cell:
        """A cell that leads to a transaction (0x...) where there is an explorer; without a text its short hash."""
        explorer = self.view.settings.explorer
        to = None if explorer is None else f"{explorer.rstrip('/')}/tx/{tx}"
        return markup.Cell(show.short(tx) if text is None else text, to, tx)

    def refused(self, call: Call[Any]) -> Refused | None:
        """What the contract would say now if the connected account sent `call`; None when it would do it."""
        who = self.account.address
        if who is None:
            return None

        def ask() -> Refused | None:
            try:
                self.view.try_call(call, who)
            except Refused as refused:
                return refused
            return None

        return self.view.memo(("dry run", call.to, call.data, who), ask)

    def refusal(self, call: Call[Any]) -> str | None:
        """The same in words."""
        refused = self.refused(call)
        return None if refused is None else sentence(refused)

    def panel(self, key: str, intent: Intent | None, idle: str, *, quiet: bool = False) -> Outcome | None:
        """A sign panel (`net8_web.components.wallet.panel`) that puts refusals into the session's words.

        Returns:
            Its outcome, run after run until `conclude` is called for it; a run that is overtaken loses nothing.
        """
        outcome = panel(self.network, f"panel_{key}", intent, idle, sentence, quiet=quiet)
        return None if outcome == _notes().concluded.get(key) else outcome

    def is_under_way(self, key: str) -> bool:
        """Whether what the panel `key` sent is not dealt with yet: then it must be drawn, even with no intent."""
        outcome = last_outcome(f"panel_{key}")
        if outcome is None or outcome == _notes().concluded.get(key):
            return False
        return outcome.status not in ("failed", "reverted")

    def send(
        self,
        key: str,
        intent: Intent | None,
        idle: str,
        done: str,
        *,
        quiet: bool = False,
        empties: tuple[str, ...] = (),
    ) -> None:
        """A sign panel for a transaction; once it is confirmed the page shows what it changed and says `done`.

        Several transactions one after the other may share a panel: each says its own `done`, also when the page has
        gone on to the next before it hears that one is confirmed.

        Args:
            done: key of the tables.
            empties: fields of the form that start empty again; they ask `start_empty`.
        """
        promised = _notes().promised
        if intent is not None:
            promised[intent.id] = done, empties
        outcome = self.panel(key, intent, idle, quiet=quiet)
        if outcome is not None and outcome.status == "confirmed":
            block = outcome.block or 0
            feed().catch_up(lambda view: view.head.number >= block)
            self.conclude(key, outcome, *promised.get(outcome.id, (done, empties)))

    def note(self, key: str, outcome: Outcome, text: str, empties: tuple[str, ...] = (), **values: object) -> None:
        """Take an outcome as dealt with; the next run says `text`, a key of the tables."""
        notes = _notes()
        if outcome.hash not in notes.told:
            notes.said = (text, values, time.monotonic())
        if outcome.hash is not None:
            notes.told.add(outcome.hash)
        notes.emptied.update(empties)
        notes.concluded[key] = outcome

    def conclude(
        self, key: str, outcome: Outcome, text: str, empties: tuple[str, ...] = (), **values: object
    ) -> NoReturn:
        """The same, and start that run: a toast of this one would be lost."""
        self.note(key, outcome, text, empties, **values)
        st.rerun()


def start_anew(field_name: str, begin: Callable[[], None]) -> None:
    """Call `begin` if a transaction has used up what a field said; before the field is drawn."""
    emptied = _notes().emptied
    if field_name in emptied:
        begin()
        emptied.discard(field_name)  # only now: `begin` may be where a run that is overtaken ends


def start_empty(*fields: str) -> None:
    """Empty those of the fields that a transaction has used up; before they are drawn."""
    for name in fields:
        start_anew(name, partial(st.session_state.__setitem__, name, ""))


def celebrate() -> None:
    """Show what a run before left to be said; once per run, on every page.

    Every run of the next seconds says it: the browser drops what it has not drawn of a run that another overtakes.
    """
    notes = _notes()
    _hear_outbox(notes)
    if notes.said is None:
        return
    text, values, since = notes.said
    if time.monotonic() - since < _SAID_S:
        st.toast(t(text, **values), icon=":material/check_circle:", duration="long")


def _hear_outbox(notes: _Notes) -> None:
    """Keep the promises of panels that may be gone when theirs is confirmed, as a cancelled order's line is."""
    for entry in outbox():
        known = {entry["hash"], str(entry.get("replaced"))}  # sped up in the wallet, it has another hash
        if entry.get("status") in ("pending", "unseen"):
            notes.waiting.add(entry["hash"])
        elif entry.get("status") == "confirmed" and known & notes.waiting:
            promise = notes.promised.get(str(entry.get("id")))
            if promise is not None and entry["hash"] not in notes.told:
                block = entry.get("block")
                feed().catch_up(lambda view: view.head.number >= (block if isinstance(block, int) else 0))  # noqa: B023
                notes.told.add(entry["hash"])
                notes.said = promise[0], {}, time.monotonic()
                notes.emptied.update(promise[1])
            notes.waiting -= known  # only now: a run that is overtaken may end where it asks for the feed


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
    with st.container():  # always there, so that a second site moves no field somebody types into
        if len(mine) > 1 and at.site:
            st.selectbox(t("site.choose"), mine, index=mine.index(at.site), format_func=site_name, key=_CHOSEN)


def no_site_note(at: Here) -> None:
    """What stands on a page that needs a site when there is none: why, and the way out."""
    if at.account.address is None:
        markup.empty(t("problem.no_wallet"), t("problem.no_wallet_way"))
    else:
        markup.empty(t("problem.no_site"), t("problem.no_site_way", address=show.isolate(at.account.address)))
