"""Somebody's own records as a file: the form that asks which, and the file once it is made."""

from dataclasses import dataclass

import streamlit as st
from net8.units import HORIZON_SLOTS, SLOT_SECONDS, slot_of

from net8_web import export, indexer, show
from net8_web.context import Here, here
from net8_web.day import SLOTS_OF_DAY
from net8_web.export import Row
from net8_web.i18n import t
from net8_web.indexer import IndexerUnusable, Span
from net8_web.older import say_recent_only

__all__ = ["files"]

OF_SITES, OF_ACCOUNT = ("trades", "positions", "settlements"), ("retirements",)  # kinds of files
DAYS = (7, 31, 365)  # to choose from
_FILE = "_export_file"


@dataclass(frozen=True, slots=True)
class _Choice:
    """Which file somebody wants."""

    kind: str
    days: int
    form: str  # csv or json
    account: str
    sites: tuple[int, ...]  # the account's

    @property
    def name(self) -> str:
        return f"net8-{self.kind}.{self.form}"


@dataclass(slots=True)
class _File:
    """The file that was asked for last, made when it is shown first."""

    wanted: _Choice | None = None
    rows: list[Row] | None = None
    made_at: int = 0

    def ask(self, choice: _Choice) -> None:
        """Somebody pressed the button."""
        self.wanted, self.rows = choice, None


@st.fragment
def files() -> None:
    """Draw the form, and the file that was asked for."""
    at = here()
    account = at.account.address
    if account is None:
        return
    sites = tuple(at.view.market.sites_of(account))
    url: str | None = None
    kinds, why_less = (OF_SITES if sites else ()) + OF_ACCOUNT, None
    try:
        url = indexer.require_current(at.view.settings.indexer, at.view.head.number)
    except IndexerUnusable as fault:
        kinds, why_less = ("settlements",) if sites else (), str(fault)
    if not kinds:
        return
    st.subheader(t("export.title"))
    st.caption(t("export.text"))
    if why_less is not None:
        st.info(t("export.chain_alone", reason=why_less), icon=":material/database_off:")
        if at.view.market.since:
            say_recent_only(at.view, why_less)
    file: _File = st.session_state.setdefault(_FILE, _File())
    choice = _choose_file(kinds, account, sites)
    st.button(t("export.make"), icon=":material/table_view:", key="export_make", on_click=file.ask, args=(choice,))
    if file.wanted != choice:
        return
    try:
        _offer(at, url, file, choice)
    except IndexerUnusable as fault:
        st.warning(t("export.failed", reason=str(fault)), icon=":material/database_off:")


def _choose_file(kinds: tuple[str, ...], account: str, sites: tuple[int, ...]) -> _Choice:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        kind = st.segmented_control(
            t("export.what"), kinds, default=kinds[0], required=True, key=f"export_what_{'_'.join(kinds)}",
            format_func=lambda kind: t(f"export.{kind}"),
        )  # fmt: skip
        days = st.segmented_control(
            t("export.days"), DAYS, default=DAYS[1], required=True, key="export_days",
            format_func=lambda days: t(f"export.days_{days}"),
        )  # fmt: skip
        form = st.segmented_control(
            t("export.form"), ("csv", "json"), default="csv", required=True, key="export_form", format_func=str.upper
        )
    return _Choice(kind, days, form, account, sites)


def _offer(at: Here, url: str | None, file: _File, choice: _Choice) -> None:
    rows, made_at = file.rows, file.made_at
    if rows is None:
        rows, made_at = _rows(at, url, choice), at.view.now
        file.rows, file.made_at = rows, made_at
    if not rows:
        st.info(t("export.nothing"))
        return
    st.download_button(
        t("export.save", name=show.isolate(choice.name)),
        export.as_csv(rows) if choice.form == "csv" else export.as_json(rows),
        file_name=choice.name,
        mime="text/csv" if choice.form == "csv" else "application/json",
        icon=":material/download:",
        on_click="ignore",
        type="primary",
        key="export_save",
    )
    st.caption(t("export.lines", n=show.isolate(f"{len(rows):,}"), moment=show.moment(made_at)))


def _rows(at: Here, url: str | None, choice: _Choice) -> list[Row]:
    """Of all sites, those of one after those of another: from the indexer, else what the chain alone tells."""
    if url is not None and choice.kind in OF_ACCOUNT:
        since = at.view.now - SLOTS_OF_DAY * SLOT_SECONDS * choice.days
        return export.retirement_rows(at.view.market, indexer.retirements_by(url, choice.account, since))
    now = slot_of(at.view.now)
    span = now - SLOTS_OF_DAY * choice.days, now + HORIZON_SLOTS
    if url is None:
        slots = range(span[0], span[1] + 1)
        return [row for site in choice.sites for row in export.known_settlement_rows(at.view.market, site, slots)]
    return [row for site in choice.sites for row in _told(url, choice.kind, site, span)]


def _told(url: str, kind: str, site: int, span: Span) -> list[Row]:
    if kind == "trades":
        return export.trade_rows(site, indexer.trades(url, site, span))
    positions = indexer.positions(url, site, span)
    return (export.position_rows if kind == "positions" else export.settlement_rows)(site, positions)
