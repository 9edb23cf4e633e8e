"""Certificate: one certificate's whole origin and use, for whoever has its address; made for paper too."""

from datetime import UTC, datetime

import segno
import streamlit as st
from net8.model import Certificate, Outcome, site_index, site_zone
from net8.packing import certificate_of
from net8.units import slot_start, slots_of_hour

from net8_web import markup, show
from net8_web.context import Here, here
from net8_web.i18n import t
from net8_web.indexer import Retired, SettledSlot
from net8_web.markup import Cell
from net8_web.older import say_recent_only
from net8_web.provenance import Provenance, number_of, provenance_of, round_of

__all__ = ["render"]


def render() -> None:
    """Draw the page. Nobody needs a wallet for it, and nothing on it moves: it is a document."""
    at = here()
    st.subheader(t("certificate.title"))
    st.caption(t("certificate.text"))
    number = number_of(st.query_params.get("id"))
    if number is None:
        markup.empty(t("certificate.bad_id"), t("certificate.bad_id_way"))
        return
    site, _ = certificate_of(number)
    known = at.view.read(at.view.contracts.certificates.certificate(number))
    if known is None or not known.totals.issued:
        names = {"index": site_index(site), "zone": site_zone(site), "id": number}
        way = t("certificate.none_way", **{name: show.isolate(str(value)) for name, value in names.items()})
        markup.empty(t("certificate.none"), way)
        return
    found = provenance_of(at.view, number)
    if found.reason is not None:
        st.info(t("indexer.chain_alone", reason=found.reason), icon=":material/database_off:")
    _totals(known)
    facts, code = st.columns([3, 1], gap="large")
    with facts:
        _origin(at, number, known)
    with code:
        _code(number)
    _slots(at, number, found)
    _uses(at, found)


def _utc(unix: int, form: str = "%Y-%m-%d %H:%M") -> str:
    return datetime.fromtimestamp(unix, UTC).strftime(form)


def _totals(known: Certificate) -> None:
    columns = st.columns(4)
    for column, name in zip(columns, ("issued", "held", "retired", "expired"), strict=True):
        energy = show.energy(getattr(known.totals, name))
        column.metric(t(f"certificate.{name}"), energy, border=True, height="stretch")


def _origin(at: Here, number: int, known: Certificate) -> None:
    st.subheader(t("certificate.origin"))
    index, zone = show.isolate(str(site_index(known.device))), show.isolate(str(site_zone(known.device)))
    span = f"{_utc(known.interval_start)}\N{EN DASH}{_utc(known.interval_end, '%H:%M')} UTC"
    markup.facts(
        [
            (t("certificate.f_site"), t("certificate.site", index=index, zone=zone)),
            (t("col.technology"), show.technology(known.technology)),
            (t("certificate.f_nameplate"), show.power(known.nameplate)),
            (t("certificate.f_location"), show.isolate(known.location)),
            (t("certificate.f_interval"), show.isolate(span)),
            (t("certificate.f_issuer"), show.isolate(known.issuer)),
            (t("certificate.f_configuration"), t(f"certificate.configuration_{known.configuration:d}")),
            (t("certificate.f_assurance"), t(f"certificate.assurance_{known.assurance}")),
            (t("certificate.f_expires"), show.isolate(f"{_utc(known.expires_at)} UTC")),
            (t("certificate.f_number"), show.isolate(str(number))),
            (t("certificate.f_contract"), show.isolate(at.view.contracts.certificates.address)),
        ]
    )


def _code(number: int) -> None:
    """The page's own address, to be scanned from paper; a browser tells its own way to the app."""
    if st.context.url is None:
        return
    address = f"{st.context.url}?id={number}"
    picture = segno.make_qr(address, error="m").svg_data_uri(scale=4, border=4)
    markup.picture(picture, t("certificate.qr"), t("certificate.own_address", address=show.isolate(address)))


# --- reports --------------------------------------------------------------------------------------------------------


def _slots(at: Here, number: int, found: Provenance) -> None:
    st.subheader(t("certificate.reports"))
    st.caption(t("certificate.reports_text"))
    site, hour = certificate_of(number)
    minted = at.view.read(at.view.contracts.certificates.minted_mask(site, hour))
    confirmed = at.view.read(at.view.contracts.records.confirmed_mask(site, hour))
    lines = [
        _slot_line(at, slot, found, bool(minted >> i & 1), bool(confirmed >> i & 1))
        for i, slot in enumerate(slots_of_hour(hour))
    ]
    columns = [
        t("col.quarter"),
        t("col.energy"),
        t("col.outcome"),
        t("col.meter_record"),
        t("certificate.signed_by"),
        t("col.round"),
        t("col.settled_at"),
        t("col.tx"),
    ]
    markup.rows(t("certificate.reports"), columns, lines, numeric=(1,))
    _check(found)


def _slot_line(at: Here, slot: int, found: Provenance, minted: bool, confirmed: bool) -> list[str | Cell]:
    settled, start = found.slots.get(slot), slot_start(slot)
    name = show.isolate(f"{_utc(start, '%H:%M')}\N{EN DASH}{_utc(start + 900, '%H:%M')}")
    if settled is None:
        is_unknown = found.reason is not None and start < at.view.market.since
        said = t("certificate.not_kept" if is_unknown else "certificate.no_report")
        return [name, show.NOTHING, said, *[show.NOTHING] * 5]
    outcome = show.outcome(Outcome(settled.outcome))
    round_ = None if settled.tx is None else round_of(at.view, settled.tx)
    return [
        name,
        show.energy(settled.exported),
        outcome if minted or not settled.exported else f"{outcome}, {t('certificate.not_in')}",
        t("certificate.confirmed" if confirmed else "certificate.unconfirmed"),
        _signed(at, settled),
        show.NOTHING if round_ is None else show.isolate(str(round_)),
        show.NOTHING if settled.settled_at is None else show.isolate(_utc(settled.settled_at)),
        show.NOTHING if settled.tx is None else at.transaction(f"0x{settled.tx}"),
    ]


def _signed(at: Here, settled: SettledSlot) -> str:
    """Which operators signed the report, or how many where only the chain tells."""
    if settled.signers:
        return show.isolate(", ".join(str(one.operator) for one in settled.signers))
    counts = [report.signers for report in at.view.market.reports if report.at.tx == f"0x{settled.tx}"]
    return t("oracles.signed_by", n=show.isolate(str(counts[0]))) if counts else show.NOTHING


def _check(found: Provenance) -> None:
    """Keys and transactions in full, as somebody who checks them needs them, on paper too."""
    keys = {one.signer: one.operator for settled in found.slots.values() for one in settled.signers}
    transactions = {settled.tx: slot for slot, settled in sorted(found.slots.items()) if settled.tx is not None}
    pairs = [
        (t("certificate.key_of", operator=show.isolate(str(operator))), show.isolate(signer))
        for signer, operator in sorted(keys.items(), key=lambda pair: pair[1])
    ]
    pairs += [
        (t("certificate.settled_in", time=show.isolate(_utc(slot_start(slot), "%H:%M"))), show.isolate(f"0x{tx}"))
        for tx, slot in transactions.items()
    ]
    if pairs:
        markup.facts(pairs)


# --- retirements ----------------------------------------------------------------------------------------------------


def _uses(at: Here, found: Provenance) -> None:
    st.subheader(t("certificate.retirements"))
    if at.view.market.since:
        say_recent_only(at.view, found.reason)
    if not found.used:
        markup.empty(t("certificate.no_retirement"), t("certificate.no_retirement_way"))
        return
    columns = [
        t("certificates.beneficiary"),
        t("certificates.purpose"),
        t("col.energy"),
        t("col.time_utc"),
        t("col.account"),
        t("col.tx"),
    ]
    lines = [_use_line(at, one) for one in found.used]
    markup.rows(t("certificate.retirements"), columns, lines, numeric=(2,), wrapped=(0, 1))


def _use_line(at: Here, one: Retired) -> list[str | Cell]:
    return [
        one.beneficiary,
        one.purpose or show.NOTHING,
        show.energy(one.wh),
        show.isolate(_utc(one.time)),
        Cell(show.short(one.account), whole=one.account),
        at.transaction(f"0x{one.tx}"),
    ]
