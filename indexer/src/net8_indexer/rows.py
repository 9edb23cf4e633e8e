"""From events to rows: pure but for the orders that rest, which later events refer to by number."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, get_args

from net8 import events
from net8.events import Event, Logged
from net8.model import Outcome, Terms, site_zone
from net8.packing import certificate_of
from net8.units import hour_of_slot, slots_of_hour

from net8_indexer import schema
from net8_indexer.schema import Base, at_of

__all__ = ["KINDS", "TERMS_COLUMNS", "Batch", "Resting"]

TERMS_COLUMNS = ("feed_in", "imbalance", "grid_fee", "oracle_fee", "floor", "step", "gate_lead", "min_wh")

_TRADED, _REDUCED, _CLOSED = 0, 1, 2  # kinds of OrderChange
_NOBODY = "0x" + "00" * 20
_WH = 2**24 - 1

_SeatEvent = events.Admitted | events.Removed | events.Replaced | events.Muted | events.Restored

Row = dict[str, Any]


@dataclass(slots=True)
class Resting:
    """An order in the book."""

    at: int
    left: int  # Wh
    price: int


@dataclass(frozen=True, slots=True)
class _Moment:
    at: int
    time: int
    tx: bytes

    def row(self, **values: object) -> Row:
        """With where and when."""
        return {"at": self.at, "time": self.time, "tx": self.tx, **values}


def _account(address: str) -> str | None:
    return None if address == _NOBODY else address


def _text(of_anybody: str) -> str:
    """PostgreSQL's text takes every character but this one."""
    return of_anybody.replace("\0", "\ufffd")


@dataclass(slots=True)
class Batch:
    """Rows of the events of some blocks, in the order of the chain.

    Args:
        resting: orders in the book by number; kept up to date here.
        terms_of: terms of a zone's hour that were fixed before this batch.
    """

    resting: dict[int, Resting]
    terms_of: Callable[[int, int], Terms]
    rows: dict[type[Base], list[Row]] = field(default_factory=lambda: defaultdict(list))
    left: dict[int, int] = field(default_factory=dict)  # Order.at -> Wh left, of earlier batches' orders that changed
    _terms: dict[tuple[int, int], Terms] = field(default_factory=dict)
    _fresh: dict[int, Row] = field(default_factory=dict)  # Order.at -> row of this batch

    def add(self, logged: Logged[Event], time: int) -> None:
        """Take in one event; kinds that have no table pass by."""
        handler = _HANDLERS.get(type(logged.event))
        if handler is not None:
            moment = _Moment(at_of(logged.block, logged.index), time, bytes.fromhex(logged.transaction[2:]))
            handler(self, logged.event, moment)

    # --- zones and sites --------------------------------------------------------------------------------------------

    def _zone_operator(self, event: events.ZoneCreated | events.ZoneOperatorSet, m: _Moment) -> None:
        self.rows[schema.ZoneOperator].append({"at": m.at, "zone": event.zone, "operator": event.operator})

    def _site(self, event: events.SiteRegistered, m: _Moment) -> None:
        self.rows[schema.Site].append(
            {
                "site": event.site,
                "at": m.at,
                "owner": event.owner,
                "technology": int(event.technology),
                "nameplate": event.nameplate,
                "meter_key": event.meter_key,
            }
        )

    def _fixed(self, event: events.TermsFixed, m: _Moment) -> None:
        terms = event.terms
        self._terms[event.zone, event.hour] = terms
        values = {column: getattr(terms, column) for column in TERMS_COLUMNS}
        self.rows[schema.Terms].append({"zone": event.zone, "hour": event.hour, "at": m.at, **values})

    # --- the market -------------------------------------------------------------------------------------------------

    def _placed(self, event: events.OrderPlaced, m: _Moment) -> None:
        place = event.place
        key = (place.zone, hour_of_slot(place.slot))
        if key not in self._terms:
            self._terms[key] = self.terms_of(*key)
        price = place.price(self._terms[key])
        self.resting[event.order] = Resting(m.at, event.wh, price)
        row: Row = {
            "at": m.at, "number": str(event.order), "zone": place.zone, "slot": place.slot, "sell": place.sell,
            "price": price, "site": event.site, "wh": event.wh, "left": event.wh,
        }  # fmt: skip
        self.rows[schema.Order].append(row)
        self._fresh[m.at] = row

    def _change(self, order: int, kind: int, wh: int, m: _Moment) -> Resting:
        resting = self.resting[order]
        resting.left -= wh
        if resting.at in self._fresh:
            self._fresh[resting.at]["left"] = resting.left
        else:
            self.left[resting.at] = resting.left
        if not resting.left:
            del self.resting[order]
        self.rows[schema.OrderChange].append({"at": m.at, "order_at": resting.at, "kind": kind, "wh": wh})
        return resting

    def _reduced(self, event: events.OrderReduced, m: _Moment) -> None:
        self._change(event.order, _REDUCED, self.resting[event.order].left - event.wh, m)

    def _closed(self, event: events.OrderClosed, m: _Moment) -> None:
        self._change(event.order, _CLOSED + int(event.reason), event.wh, m)

    def _traded(self, event: events.Trade, m: _Moment) -> None:
        place, maker = event.place, self._change(event.order, _TRADED, event.wh, m)
        self.rows[schema.Trade].append(
            m.row(
                place=0, zone=place.zone, slot=place.slot, price=maker.price, wh=event.wh, seller=event.seller,
                buyer=event.buyer, order_at=maker.at,
            )
        )  # fmt: skip

    def _pairs(self, event: events.PairsTraded, m: _Moment) -> None:
        self.rows[schema.Trade] += [
            m.row(
                place=place, zone=site_zone(pair.seller), slot=pair.slot, price=pair.price, wh=pair.wh,
                seller=pair.seller, buyer=pair.buyer, order_at=None,
            )
            for place, pair in enumerate(event.pairs)
        ]  # fmt: skip

    # --- settlement -------------------------------------------------------------------------------------------------

    def _settled(self, event: events.Settled, m: _Moment) -> None:
        sums = {name: getattr(event, name) for name in ("shortfalls", "unused", "grid_fees", "oracle_fees")}
        last_slot = max(slot for one in event.sites for slot in one.entry.slots())
        self.rows[schema.Settlement].append(m.row(zone=event.zone, last_slot=last_slot, **sums))
        payments, slots = self.rows[schema.Payment], self.rows[schema.SiteSlot]
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

    def _overdue(self, event: events.SettledOverdue, m: _Moment) -> None:
        hour = hour_of_slot(event.slot)
        mask = 1 << event.slot - slots_of_hour(hour)[0]
        self.rows[schema.Payment].append(_payment(m, 0, event.site, hour, mask, event.credited))
        self.rows[schema.SiteSlot].append(_site_slot(event.site, event.slot, event.outcome, 0, 0, m))

    def _reported(self, event: events.Reported, m: _Moment) -> None:
        self.rows[schema.Report].append(
            m.row(zone=event.zone, signers=event.bitmap, entries_hash=event.entries_hash, settled=event.settled)
        )

    # --- money ------------------------------------------------------------------------------------------------------

    def _move(self, m: _Moment, site: int, kind: str, grains: int, party: str | None) -> None:
        self.rows[schema.Movement].append(m.row(site=site, kind=kind, grains=grains, party=party))

    def _deposited(self, event: events.Deposited, m: _Moment) -> None:
        self._move(m, event.site, "deposit", event.grains, event.payer)

    def _withdrawn(self, event: events.Withdrawn, m: _Moment) -> None:
        self._move(m, event.site, "withdrawal", -event.grains, event.receiver)

    def _charged(self, event: events.Charged, m: _Moment) -> None:
        self._move(m, event.site, "relay fee", -event.grains, None)

    def _transported(self, event: events.TradedAbroad, m: _Moment) -> None:
        self._move(m, event.site, "transport", -event.fee * event.wh, None)

    def _zone_flow(self, m: _Moment, zone: int, account: int, grains: int, party: str) -> None:
        self.rows[schema.ZoneFlow].append(m.row(zone=zone, account=account, grains=grains, party=party))

    def _pool_funded(self, event: events.PoolFunded, m: _Moment) -> None:
        self._zone_flow(m, event.zone, 0, event.grains, event.payer)

    def _paid_out(self, event: events.PaidOut, m: _Moment) -> None:
        self._zone_flow(m, event.zone, event.account, -event.grains, event.receiver)

    def _reserve(self, m: _Moment, kind: str, party: str | None, net8: int, euros: int, energy: int = 0) -> None:
        self.rows[schema.ReserveFlow].append(m.row(kind=kind, party=party, net8=net8, euros=euros, energy=energy))

    def _minted(self, event: events.Minted, m: _Moment) -> None:
        self._reserve(m, "mint", event.receiver, event.net8, event.euros)

    def _redeemed(self, event: events.Redeemed, m: _Moment) -> None:
        self._reserve(m, "redeem", event.holder, -event.net8, -event.euros)

    def _from_production(self, event: events.MintedFromProduction, m: _Moment) -> None:
        self._reserve(m, "production", event.receiver, event.net8, 0, event.energy)

    def _backing_added(self, event: events.BackingAdded, m: _Moment) -> None:
        self._reserve(m, "backing", event.giver, 0, event.euros)

    def _loss(self, event: events.LossRecognised, m: _Moment) -> None:
        self._reserve(m, "loss", None, 0, -event.euros)

    def _priced(self, event: events.PriceSet, m: _Moment) -> None:
        self.rows[schema.ReservePrice].append({"at": m.at, "time": m.time, "price": event.price})

    # --- certificates -----------------------------------------------------------------------------------------------

    def _admitted_site(self, event: events.SiteAdmitted, m: _Moment) -> None:
        configuration = int(event.configuration)
        self._admission(m, event.site, True, configuration, event.location)

    def _dismissed_site(self, event: events.SiteDismissed, m: _Moment) -> None:
        self._admission(m, event.site, False, 0, "")

    def _admission(self, m: _Moment, site: int, admitted: bool, configuration: int, location: str) -> None:
        self.rows[schema.Admission].append(
            {"at": m.at, "site": site, "admitted": admitted, "configuration": configuration, "location": location}
        )

    def _passed_on(self, m: _Moment, sender: str, receiver: str, moved: list[tuple[int, int]]) -> None:
        for place, (certificate, wh) in enumerate(moved):
            if not wh:
                continue  # anybody may pass on nothing of what never was, by an id of any size
            site, hour = certificate_of(certificate)
            self.rows[schema.CertificateMove].append(
                m.row(place=place, site=site, hour=hour, sender=_account(sender), receiver=_account(receiver), wh=wh)
            )

    def _single(self, event: events.TransferSingle, m: _Moment) -> None:
        self._passed_on(m, event.sender, event.receiver, [(event.id, event.value)])

    def _several(self, event: events.TransferBatch, m: _Moment) -> None:
        self._passed_on(m, event.sender, event.receiver, list(zip(event.ids, event.values, strict=True)))

    def _retired(self, event: events.Retired, m: _Moment) -> None:
        site, hour = certificate_of(event.id)
        self.rows[schema.Retirement].append(
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

    # --- oracles ----------------------------------------------------------------------------------------------------

    def _operator(self, event: events.OperatorRegistered, m: _Moment) -> None:
        self.rows[schema.Operator].append({"id": event.id, "at": m.at, "owner": event.owner})
        self._key(m, event.id, event.signer, 0)
        self._stake(m, event.id, "given", event.stake)

    def _rotated(self, event: events.SignerRotated, m: _Moment) -> None:
        self._key(m, event.id, event.signer, event.until)

    def _key(self, m: _Moment, operator: int, signer: str, before_until: int) -> None:
        self.rows[schema.SignerKey].append(
            {"at": m.at, "operator": operator, "signer": signer, "before_until": before_until}
        )

    def _stake_added(self, event: events.StakeAdded, m: _Moment) -> None:
        self._stake(m, event.id, "given", event.amount)

    def _stake_withdrawn(self, event: events.StakeWithdrawn, m: _Moment) -> None:
        self._stake(m, event.id, "withdrawn", -event.amount)

    def _slashed(self, event: events.Slashed, m: _Moment) -> None:
        self._stake(m, event.id, "slashed", -event.amount)

    def _stake(self, m: _Moment, operator: int, kind: str, wei: int) -> None:
        self.rows[schema.StakeChange].append(m.row(operator=operator, kind=kind, wei=wei))

    def _unbonding(self, event: events.UnbondingBegun, m: _Moment) -> None:
        self.rows[schema.Unbonding].append({"at": m.at, "operator": event.id, "ready_at": event.ready_at})

    def _seat(self, event: _SeatEvent, m: _Moment) -> None:
        by = event.by if isinstance(event, events.Replaced) else None
        kind = type(event).__name__.lower()
        self.rows[schema.Seat].append({"at": m.at, "zone": event.zone, "kind": kind, "operator": event.id, "by": by})

    def _shared(self, event: events.RewardsShared, m: _Moment) -> None:
        self.rows[schema.Reward].append(m.row(zone=event.zone, operator=None, wei=event.amount, counts=event.counts))

    def _claimed(self, event: events.RewardsClaimed, m: _Moment) -> None:
        self.rows[schema.Reward].append(m.row(zone=None, operator=event.id, wei=event.amount, counts=0))

    # --- the court --------------------------------------------------------------------------------------------------

    def _disputed(self, event: events.DisputeOpened, m: _Moment) -> None:
        says = None if event.truth >> 48 & 1 else (event.truth & _WH, event.truth >> 24 & _WH)
        export_wh, import_wh = says or (None, None)
        self.rows[schema.Dispute].append(
            m.row(
                number=event.dispute, site=event.site, slot=event.slot, tier=event.tier, export_wh=export_wh,
                import_wh=import_wh, claim=event.claim, opener=event.opener, accused=",".join(map(str, event.accused)),
            )
        )  # fmt: skip

    def _step(self, m: _Moment, dispute: int, kind: str, wei: int, **values: object) -> None:
        empty = {"round": None, "operator": None, "account": None, "uphold": None, "compensation": 0, "state": None}
        self.rows[schema.DisputeStep].append(m.row(dispute=dispute, kind=kind, wei=wei, **{**empty, **values}))

    def _voted(self, event: events.Voted, m: _Moment) -> None:
        self._step(
            m, event.dispute, "vote", event.weight, round=event.round, operator=event.id, uphold=event.uphold
        )  # fmt: skip

    def _appealed(self, event: events.Appealed, m: _Moment) -> None:
        self._step(
            m, event.dispute, "appeal", event.bond, round=event.round, account=event.appellant, uphold=event.uphold
        )  # fmt: skip

    def _ended(self, event: events.DisputeEnded, m: _Moment) -> None:
        self._step(m, event.dispute, "end", event.taken, compensation=event.compensation, state=event.state)

    def _equivocated(self, event: events.Equivocated, m: _Moment) -> None:
        self.rows[schema.Penalty].append(
            m.row(
                kind="equivocation", zone=event.zone, operator=event.id, slot=None, party=event.prover,
                wei=event.slashed,
            )
        )  # fmt: skip

    def _silent(self, event: events.SilenceAlerted, m: _Moment) -> None:
        self.rows[schema.Penalty].append(
            m.row(
                kind="silence", zone=event.zone, operator=None, slot=event.slot, party=event.alerter, wei=event.taken
            )
        )  # fmt: skip


def _site_slot(site: int, slot: int, outcome: Outcome, exported: int, imported: int, m: _Moment) -> Row:
    return {
        "site": site, "slot": slot, "outcome": int(outcome), "exported": exported, "imported": imported,
        "settled_at": m.at,
    }  # fmt: skip


def _payment(m: _Moment, place: int, site: int, hour: int, slots: int, credited: int) -> Row:
    return {"at": m.at, "place": place, "site": site, "hour": hour, "slots": slots, "credited": credited}


_HANDLERS: dict[type[Event], Callable[[Batch, Any, _Moment], None]] = {
    events.ZoneCreated: Batch._zone_operator,
    events.ZoneOperatorSet: Batch._zone_operator,
    events.SiteRegistered: Batch._site,
    events.TermsFixed: Batch._fixed,
    events.OrderPlaced: Batch._placed,
    events.OrderReduced: Batch._reduced,
    events.OrderClosed: Batch._closed,
    events.Trade: Batch._traded,
    events.PairsTraded: Batch._pairs,
    events.TradedAbroad: Batch._transported,
    events.Settled: Batch._settled,
    events.SettledOverdue: Batch._overdue,
    events.Reported: Batch._reported,
    events.Deposited: Batch._deposited,
    events.Withdrawn: Batch._withdrawn,
    events.Charged: Batch._charged,
    events.PoolFunded: Batch._pool_funded,
    events.PaidOut: Batch._paid_out,
    events.Minted: Batch._minted,
    events.Redeemed: Batch._redeemed,
    events.MintedFromProduction: Batch._from_production,
    events.BackingAdded: Batch._backing_added,
    events.LossRecognised: Batch._loss,
    events.SiteAdmitted: Batch._admitted_site,
    events.SiteDismissed: Batch._dismissed_site,
    events.TransferSingle: Batch._single,
    events.TransferBatch: Batch._several,
    events.Retired: Batch._retired,
    events.OperatorRegistered: Batch._operator,
    events.SignerRotated: Batch._rotated,
    events.StakeAdded: Batch._stake_added,
    events.StakeWithdrawn: Batch._stake_withdrawn,
    events.Slashed: Batch._slashed,
    events.UnbondingBegun: Batch._unbonding,
    **dict.fromkeys(get_args(_SeatEvent), Batch._seat),
    events.RewardsShared: Batch._shared,
    events.RewardsClaimed: Batch._claimed,
    events.DisputeOpened: Batch._disputed,
    events.Voted: Batch._voted,
    events.Appealed: Batch._appealed,
    events.DisputeEnded: Batch._ended,
    events.Equivocated: Batch._equivocated,
    events.SilenceAlerted: Batch._silent,
    events.PriceSet: Batch._priced,
}

KINDS = tuple(_HANDLERS)  # kinds of events that have tables
