"""Oracles: who signs, how fresh the reports are, and what the nodes say of themselves."""

import streamlit as st
from net8.model import DisputeState, DisputeTier, site_index, site_zone
from net8.units import grains_to_net8, slot_of, wei_to_grains

from net8_web import indexer, markup, show
from net8_web.context import Here, here
from net8_web.i18n import t
from net8_web.indexer import Dispute, IndexerUnusable
from net8_web.nodes import NodeStatus, statuses
from net8_web.older import ask_older, say_recent_only
from net8_web.timing import LIVE_SECONDS

__all__ = ["render"]

REPORTS_SHOWN = 10
DISPUTES_SHOWN = 20


def render() -> None:
    """Draw the page."""
    st.caption(t("oracles.text"))
    _live()


@st.fragment(run_every=LIVE_SECONDS)
def _live() -> None:
    at = here()
    _freshness(at)
    _operators(at)
    _signing(at)
    _nodes(at)
    _disputes(at)
    _reports(at)


def _freshness(at: Here) -> None:
    st.subheader(t("oracles.zones"))
    market = at.view.market
    if not market.zones:
        markup.empty(t("problem.no_zone"), t("problem.no_zone_way"))
        return
    over = slot_of(at.view.now) - 1  # the latest slot that has ended
    lines = []
    for zone in sorted(market.zones):
        seats, latest = len(market.seats.get(zone, ())), market.last_settled.get(zone)
        if latest is None:
            fresh, state = t("oracles.never"), show.NOTHING
        else:
            fresh = show.slot(latest)
            behind = over - latest
            state = t("oracles.fresh") if behind <= 0 else t("oracles.behind", slots=show.isolate(str(behind)))
        quorum = t("oracles.quorum", quorum=2 * seats // 3 + 1, n=seats) if seats else show.NOTHING
        lines.append([show.isolate(str(zone)), quorum, fresh, state])
    columns = [t("col.zone"), t("col.quorum"), t("col.fresh"), t("col.state")]
    markup.rows(t("oracles.zones"), columns, lines)


def _operators(at: Here) -> None:
    st.subheader(t("oracles.operators"))
    market, registry = at.view.market, at.view.contracts.registry
    if not market.operators:
        markup.empty(t("oracles.no_operators"), t("oracles.no_operators_way"))
        return
    lines = []
    for number in sorted(market.operators):
        operator = at.view.read(registry.operator(number))
        zones = ", ".join(str(zone) for zone, seats in sorted(market.seats.items()) if number in seats)
        stake = show.isolate(f"{grains_to_net8(wei_to_grains(operator.stake)):,.2f} NET8")
        state = t("oracles.unbonding" if operator.unbonding_at else "oracles.bonded")
        lines.append([show.isolate(str(number)), show.short(operator.signer), stake, zones or show.NOTHING, state])
    columns = [t("col.operator"), t("col.signer"), t("col.stake"), t("col.zones"), t("col.state")]
    markup.rows(t("oracles.operators"), columns, lines, numeric=(2,))


def _signing(at: Here) -> None:
    """How fast a zone's reports are, and who did not sign: absent, or of another opinion."""
    if at.zone is None:
        return
    st.subheader(t("oracles.signing"))
    try:
        url = indexer.require_current(at.view.settings.indexer, at.view.head.number)
        found, seats = indexer.latency(url, at.zone), indexer.seats(url, at.zone)
    except IndexerUnusable as fault:
        st.caption(t("oracles.signing_unknown", reason=fault))
        return
    number = {"n": found.reports, "zone": at.zone, "median": found.median, "most": found.most}
    st.caption(t("oracles.speed", **{name: show.isolate(str(value)) for name, value in number.items()}))
    lines = [
        [
            show.isolate(str(seat.operator)),
            show.isolate(str(signed)),
            show.isolate(str(found.reports - signed)),
            t("oracles.muted" if seat.muted else "oracles.may_sign"),
        ]
        for seat, signed in zip(seats, found.signed, strict=False)  # a seat may be new since the other was read
    ]
    columns = [t("col.operator"), t("oracles.signed"), t("oracles.not_signed"), t("col.state")]
    markup.rows(t("oracles.signing"), columns, lines, numeric=(1, 2))


def _nodes(at: Here) -> None:
    st.subheader(t("oracles.nodes"))
    addresses = at.view.settings.nodes
    if not addresses:
        markup.empty(t("oracles.no_nodes"), t("oracles.no_nodes_way"))
        return
    lines = [_node_line(status) for status in statuses(addresses)]
    columns = [t("col.node"), t("col.state"), t("col.signer"), t("oracles.node_block"), t("oracles.node_outbox")]
    markup.rows(t("oracles.nodes"), columns, lines, numeric=(3, 4))


def _node_line(status: NodeStatus) -> list[str]:
    state = t("oracles.node_up" if status.up else "oracles.node_down")
    signer = show.NOTHING if status.signer is None else show.short(status.signer)
    figures = [
        show.NOTHING if number is None else show.isolate(f"{number:,}") for number in (status.block, status.outbox)
    ]
    return [show.isolate(status.address), state, signer, *figures]


def _disputes(at: Here) -> None:
    st.subheader(t("oracles.disputes"))
    st.caption(t("oracles.disputes_text"))
    try:
        url = indexer.require_current(at.view.settings.indexer, at.view.head.number)
        found = indexer.disputes(url, DISPUTES_SHOWN)
    except IndexerUnusable as fault:
        st.info(t("oracles.disputes_unknown", reason=str(fault)), icon=":material/database_off:")
        return
    if not found:
        markup.empty(t("oracles.no_disputes"), t("oracles.no_disputes_way"))
        return
    columns = ["col.time", "col.site", "col.slot", "oracles.disputed_as", "oracles.accused", "oracles.at_stake"]
    names = [t(name) for name in (*columns, "col.state")]
    markup.rows(t("oracles.disputes"), names, [_dispute_line(one) for one in found], wrapped=(3, 6))


def _dispute_line(one: Dispute) -> list[str]:
    truth = t("outcome.no_reading")
    if one.export_wh is not None and one.import_wh is not None:
        energies = {"exported": show.energy(one.export_wh), "imported": show.energy(one.import_wh)}
        truth = t("oracles.reading", **energies)
    state = t(f"oracles.dispute_{DisputeState(one.state).name.lower()}")
    if one.settled_in is None:
        state = t("oracles.dispute_unsettled", state=state)
    return [
        show.moment(one.time),
        t(
            "certificate.site",
            index=show.isolate(str(site_index(one.site))),
            zone=show.isolate(str(site_zone(one.site))),
        ),
        show.slot(one.slot),
        truth,
        show.isolate(", ".join(str(operator) for operator in one.accused)),
        t(f"oracles.tier_{DisputeTier(one.tier).name.lower()}"),
        state,
    ]


def _reports(at: Here) -> None:
    st.subheader(t("oracles.latest"))
    market, reason = at.view.market, None
    lines = [
        _report_line(one.at.time, one.zone, one.signers, one.settled, one.at.tx)
        for one in reversed(market.reports[-REPORTS_SHOWN:])
    ]
    if len(lines) < REPORTS_SHOWN:
        older = ask_older(at.view, lambda url: indexer.reports(url, REPORTS_SHOWN))
        lines += [
            _report_line(one.time, one.zone, len(one.signers), one.settled, f"0x{one.tx}")
            for one in older.told or []
            if one.time < market.since
        ]
        reason = older.reason
    if lines:
        columns = [t("col.time"), t("col.zone"), t("col.reports"), t("col.settled"), t("col.tx")]
        markup.rows(t("oracles.latest"), columns, lines[:REPORTS_SHOWN], numeric=(3,))
    else:
        markup.empty(t("oracles.no_reports"), t("oracles.no_reports_way"))
    say_recent_only(at.view, reason)


def _report_line(time: int, zone: int, signers: int, settled: int, tx: str) -> list[str]:
    return [
        show.moment(time),
        show.isolate(str(zone)),
        t("oracles.signed_by", n=show.isolate(str(signers))),
        show.isolate(str(settled)),
        show.short(tx),
    ]
