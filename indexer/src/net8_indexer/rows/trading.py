"""Rows of zones, sites, orders, trades and settlements."""

from net8 import events
from net8.events import Event
from net8.model import Outcome, Terms, site_zone
from net8.units import hour_of_slot, slots_of_hour

from net8_indexer import schema
from net8_indexer.rows.batch import Batch, Handler, Moment, Resting, Row

__all__ = ["HANDLERS", "TERMS_COLUMNS"]

TERMS_COLUMNS = ("feed_in", "imbalance", "grid_fee", "oracle_fee", "floor", "step", "gate_lead", "min_wh")
_TRADED, _REDUCED, _CLOSED = 0, 1, 2  # kinds of OrderChange


# --- zones and sites --------------------------------------------------------------------------------------------------


def _zone_operator(batch: Batch, event: events.ZoneCreated | events.ZoneOperatorSet, m: Moment) -> None:
    batch.rows[schema.ZoneOperator].append({"at": m.at, "zone": event.zone, "operator": event.operator})


def _site(batch: Batch, event: events.SiteRegistered, m: Moment) -> None:
    batch.rows[schema.Site].append(
        {
            "site": event.site,
            "at": m.at,
            "owner": event.owner,
            "technology": int(event.technology),
            "nameplate": event.nameplate,
            "meter_key": event.meter_key,
        }
    )


def _fixed(batch: Batch, event: events.TermsFixed, m: Moment) -> None:
    batch.terms[event.zone, event.hour] = event.terms
    row: Row = {"zone": event.zone, "hour": event.hour, "at": m.at, **_rules(event.terms)}
    batch.rows[schema.Terms].append(row)


def _default(batch: Batch, event: events.DefaultTermsSet, m: Moment) -> None:
    row: Row = {"zone": event.zone, "from_hour": event.from_hour, "at": m.at, **_rules(event.terms)}
    batch.rows[schema.DefaultTerms].append(row)


def _rules(terms: Terms) -> Row:
    return {column: getattr(terms, column) for column in TERMS_COLUMNS}


def _linked(batch: Batch, event: events.LinkSet, m: Moment) -> None:
    values = {name: getattr(event, name) for name in ("zone", "other", "capacity", "fee")}
    batch.rows[schema.Link].append({"at": m.at, **values})


# --- the market -------------------------------------------------------------------------------------------------------


def _placed(batch: Batch, event: events.OrderPlaced, m: Moment) -> None:
    place = event.place
    key = (place.zone, hour_of_slot(place.slot))
    if key not in batch.terms:
        batch.terms[key] = batch.terms_of(*key)
    price = place.price(batch.terms[key])
    batch.resting[event.order] = Resting(m.at, event.wh, price)
    row = m.row(
        number=str(event.order), zone=place.zone, slot=place.slot, sell=place.sell, price=price, site=event.site,
        wh=event.wh, left=event.wh,
    )  # fmt: skip
    batch.rows[schema.Order].append(row)
    batch.fresh[m.at] = row


def _change(batch: Batch, order: int, kind: int, wh: int, m: Moment) -> Resting:
    resting = batch.resting[order]
    resting.left -= wh
    if resting.at in batch.fresh:
        batch.fresh[resting.at]["left"] = resting.left
    else:
        batch.left[resting.at] = resting.left
    if not resting.left:
        del batch.resting[order]
    batch.rows[schema.OrderChange].append({"at": m.at, "order_at": resting.at, "kind": kind, "wh": wh})
    return resting


def _reduced(batch: Batch, event: events.OrderReduced, m: Moment) -> None:
    _change(batch, event.order, _REDUCED, batch.resting[event.order].left - event.wh, m)


def _closed(batch: Batch, event: events.OrderClosed, m: Moment) -> None:
    _change(batch, event.order, _CLOSED + int(event.reason), event.wh, m)


def _traded(batch: Batch, event: events.Trade, m: Moment) -> None:
    place, maker = event.place, _change(batch, event.order, _TRADED, event.wh, m)
    taker_zone = site_zone(event.taker)
    batch.rows[schema.Trade].append(
        m.row(
            place=0, zone=place.zone, slot=place.slot, price=maker.price, wh=event.wh, seller=event.seller,
            buyer=event.buyer, abroad=taker_zone if taker_zone != place.zone else None, order_at=maker.at,
        )
    )  # fmt: skip


def _pairs(batch: Batch, event: events.PairsTraded, m: Moment) -> None:
    batch.rows[schema.Trade] += [
        m.row(
            place=place, zone=site_zone(pair.seller), slot=pair.slot, price=pair.price, wh=pair.wh,
            seller=pair.seller, buyer=pair.buyer, abroad=None, order_at=None,
        )
        for place, pair in enumerate(event.pairs)
    ]  # fmt: skip


# --- settlement -------------------------------------------------------------------------------------------------------


def _settled(batch: Batch, event: events.Settled, m: Moment) -> None:
    sums = {name: getattr(event, name) for name in ("shortfalls", "unused", "grid_fees", "oracle_fees")}
    last_slot = max(slot for one in event.sites for slot in one.entry.slots())
    batch.rows[schema.Settlement].append(m.row(zone=event.zone, last_slot=last_slot, **sums))
    payments, slots = batch.rows[schema.Payment], batch.rows[schema.SiteSlot]
    for place, one in enumerate(event.sites):
        entry = one.entry
        first = slots_of_hour(entry.hour)[0]
        covered = 0
        for i, reading in entry.readings.items():
            covered |= 1 << i
            exported, imported = reading or (0, 0)
            outcome = Outcome.METERED if reading else Outcome.NO_READING
            slots.append(_site_slot(one.site, first + i, outcome, exported, imported, m))
        payments.append(_payment(m, place, one.site, entry.hour, covered, one.credited))


def _overdue(batch: Batch, event: events.SettledOverdue, m: Moment) -> None:
    hour = hour_of_slot(event.slot)
    mask = 1 << event.slot - slots_of_hour(hour)[0]
    batch.rows[schema.Payment].append(_payment(m, 0, event.site, hour, mask, event.credited))
    batch.rows[schema.SiteSlot].append(_site_slot(event.site, event.slot, event.outcome, 0, 0, m))
    batch.rows[schema.Overdue].append(m.row())


def _reported(batch: Batch, event: events.Reported, m: Moment) -> None:
    batch.rows[schema.Report].append(
        m.row(zone=event.zone, signers=event.bitmap, entries_hash=event.entries_hash, settled=event.settled)
    )


# --- money ------------------------------------------------------------------------------------------------------------


def _move(batch: Batch, m: Moment, site: int, kind: str, grains: int, party: str | None) -> None:
    batch.rows[schema.Movement].append(m.row(site=site, kind=kind, grains=grains, party=party))


def _deposited(batch: Batch, event: events.Deposited, m: Moment) -> None:
    _move(batch, m, event.site, "deposit", event.grains, event.payer)


def _withdrawn(batch: Batch, event: events.Withdrawn, m: Moment) -> None:
    _move(batch, m, event.site, "withdrawal", -event.grains, event.receiver)


def _charged(batch: Batch, event: events.Charged, m: Moment) -> None:
    _move(batch, m, event.site, "relay fee", -event.grains, None)


def _transported(batch: Batch, event: events.TradedAbroad, m: Moment) -> None:
    _move(batch, m, event.site, "transport", -event.fee * event.wh, None)


def _zone_flow(batch: Batch, m: Moment, zone: int, account: int, grains: int, party: str) -> None:
    batch.rows[schema.ZoneFlow].append(m.row(zone=zone, account=account, grains=grains, party=party))


def _pool_funded(batch: Batch, event: events.PoolFunded, m: Moment) -> None:
    _zone_flow(batch, m, event.zone, 0, event.grains, event.payer)


def _paid_out(batch: Batch, event: events.PaidOut, m: Moment) -> None:
    _zone_flow(batch, m, event.zone, event.account, -event.grains, event.receiver)


def _site_slot(site: int, slot: int, outcome: Outcome, exported: int, imported: int, m: Moment) -> Row:
    return {
        "site": site, "slot": slot, "outcome": int(outcome), "exported": exported, "imported": imported,
        "settled_at": m.at,
    }  # fmt: skip


def _payment(m: Moment, place: int, site: int, hour: int, slots: int, credited: int) -> Row:
    return {"at": m.at, "place": place, "site": site, "hour": hour, "slots": slots, "credited": credited}


HANDLERS: dict[type[Event], Handler] = {
    events.ZoneCreated: _zone_operator,
    events.ZoneOperatorSet: _zone_operator,
    events.SiteRegistered: _site,
    events.TermsFixed: _fixed,
    events.DefaultTermsSet: _default,
    events.LinkSet: _linked,
    events.OrderPlaced: _placed,
    events.OrderReduced: _reduced,
    events.OrderClosed: _closed,
    events.Trade: _traded,
    events.PairsTraded: _pairs,
    events.TradedAbroad: _transported,
    events.Settled: _settled,
    events.SettledOverdue: _overdue,
    events.Reported: _reported,
    events.Deposited: _deposited,
    events.Withdrawn: _withdrawn,
    events.Charged: _charged,
    events.PoolFunded: _pool_funded,
    events.PaidOut: _paid_out,
}
