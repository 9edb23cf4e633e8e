"""Rows of the Reserve and of certificates."""

from net8 import events
from net8.events import Event
from net8.packing import certificate_of

from net8_indexer import schema
from net8_indexer.rows.batch import Batch, Handler, Moment

__all__ = ["HANDLERS"]

_NOBODY = "0x" + "00" * 20


def _account(address: str) -> str | None:
    return None if address == _NOBODY else address


def _text(of_anybody: str) -> str:
    """PostgreSQL's text takes every character but this one."""
    return of_anybody.replace("\0", "\ufffd")


def _reserve(batch: Batch, m: Moment, kind: str, party: str | None, net8: int, euros: int, energy: int = 0) -> None:
    batch.rows[schema.ReserveFlow].append(m.row(kind=kind, party=party, net8=net8, euros=euros, energy=energy))


def _minted(batch: Batch, event: events.Minted, m: Moment) -> None:
    _reserve(batch, m, "mint", event.receiver, event.net8, event.euros)


def _redeemed(batch: Batch, event: events.Redeemed, m: Moment) -> None:
    _reserve(batch, m, "redeem", event.holder, -event.net8, -event.euros)


def _from_production(batch: Batch, event: events.MintedFromProduction, m: Moment) -> None:
    _reserve(batch, m, "production", event.receiver, event.net8, 0, event.energy)


def _backing_added(batch: Batch, event: events.BackingAdded, m: Moment) -> None:
    _reserve(batch, m, "backing", event.giver, 0, event.euros)


def _loss(batch: Batch, event: events.LossRecognised, m: Moment) -> None:
    _reserve(batch, m, "loss", None, 0, -event.euros)


def _priced(batch: Batch, event: events.PriceSet, m: Moment) -> None:
    batch.rows[schema.ReservePrice].append({"at": m.at, "time": m.time, "price": event.price})


# --- certificates -----------------------------------------------------------------------------------------------------


def _admitted_site(batch: Batch, event: events.SiteAdmitted, m: Moment) -> None:
    configuration = int(event.configuration)
    _admission(batch, m, event.site, True, configuration, event.location)


def _dismissed_site(batch: Batch, event: events.SiteDismissed, m: Moment) -> None:
    _admission(batch, m, event.site, False, 0, "")


def _admission(batch: Batch, m: Moment, site: int, admitted: bool, configuration: int, location: str) -> None:
    batch.rows[schema.Admission].append(
        {"at": m.at, "site": site, "admitted": admitted, "configuration": configuration, "location": location}
    )


def _passed_on(batch: Batch, m: Moment, sender: str, receiver: str, moved: list[tuple[int, int]]) -> None:
    for place, (certificate, wh) in enumerate(moved):
        if not wh:
            continue  # anybody may pass on nothing of what never was, by an id of any size
        site, hour = certificate_of(certificate)
        batch.rows[schema.CertificateMove].append(
            m.row(place=place, site=site, hour=hour, sender=_account(sender), receiver=_account(receiver), wh=wh)
        )


def _single(batch: Batch, event: events.TransferSingle, m: Moment) -> None:
    _passed_on(batch, m, event.sender, event.receiver, [(event.id, event.value)])


def _several(batch: Batch, event: events.TransferBatch, m: Moment) -> None:
    _passed_on(batch, m, event.sender, event.receiver, list(zip(event.ids, event.values, strict=True)))


def _retired(batch: Batch, event: events.Retired, m: Moment) -> None:
    site, hour = certificate_of(event.id)
    batch.rows[schema.Retirement].append(
        m.row(
            site=site,
            hour=hour,
            account=event.account,
            wh=event.amount,
            beneficiary=_text(event.beneficiary),
            purpose=_text(event.purpose),
            consumer=event.site,
            slot=event.slot,
        )
    )


HANDLERS: dict[type[Event], Handler] = {
    events.Minted: _minted,
    events.Redeemed: _redeemed,
    events.MintedFromProduction: _from_production,
    events.BackingAdded: _backing_added,
    events.LossRecognised: _loss,
    events.SiteAdmitted: _admitted_site,
    events.SiteDismissed: _dismissed_site,
    events.TransferSingle: _single,
    events.TransferBatch: _several,
    events.Retired: _retired,
    events.PriceSet: _priced,
}
