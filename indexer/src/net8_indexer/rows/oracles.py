"""Rows of oracle operators and of the court."""

from typing import get_args

from net8 import events
from net8.events import Event

from net8_indexer import schema
from net8_indexer.rows.batch import Batch, Handler, Moment

__all__ = ["HANDLERS"]

_WH = 2**24 - 1

_SeatEvent = events.Admitted | events.Removed | events.Replaced | events.Muted | events.Restored


# --- oracles ----------------------------------------------------------------------------------------------------------


def _operator(batch: Batch, event: events.OperatorRegistered, m: Moment) -> None:
    batch.rows[schema.Operator].append({"id": event.id, "at": m.at, "owner": event.owner})
    _key(batch, m, event.id, event.signer, 0)
    _stake(batch, m, event.id, "given", event.stake)


def _rotated(batch: Batch, event: events.SignerRotated, m: Moment) -> None:
    _key(batch, m, event.id, event.signer, event.until)


def _key(batch: Batch, m: Moment, operator: int, signer: str, before_until: int) -> None:
    batch.rows[schema.SignerKey].append(
        {"at": m.at, "operator": operator, "signer": signer, "before_until": before_until}
    )


def _stake_added(batch: Batch, event: events.StakeAdded, m: Moment) -> None:
    _stake(batch, m, event.id, "given", event.amount)


def _stake_withdrawn(batch: Batch, event: events.StakeWithdrawn, m: Moment) -> None:
    _stake(batch, m, event.id, "withdrawn", -event.amount)


def _slashed(batch: Batch, event: events.Slashed, m: Moment) -> None:
    _stake(batch, m, event.id, "slashed", -event.amount)


def _stake(batch: Batch, m: Moment, operator: int, kind: str, wei: int) -> None:
    batch.rows[schema.StakeChange].append(m.row(operator=operator, kind=kind, wei=wei))


def _unbonding(batch: Batch, event: events.UnbondingBegun, m: Moment) -> None:
    batch.rows[schema.Unbonding].append({"at": m.at, "operator": event.id, "ready_at": event.ready_at})


def _seat(batch: Batch, event: _SeatEvent, m: Moment) -> None:
    by = event.by if isinstance(event, events.Replaced) else None
    kind = type(event).__name__.lower()
    batch.rows[schema.Seat].append({"at": m.at, "zone": event.zone, "kind": kind, "operator": event.id, "by": by})


def _shared(batch: Batch, event: events.RewardsShared, m: Moment) -> None:
    batch.rows[schema.Reward].append(m.row(zone=event.zone, operator=None, wei=event.amount, counts=event.counts))


def _claimed(batch: Batch, event: events.RewardsClaimed, m: Moment) -> None:
    batch.rows[schema.Reward].append(m.row(zone=None, operator=event.id, wei=event.amount, counts=0))


# --- the court --------------------------------------------------------------------------------------------------------


def _disputed(batch: Batch, event: events.DisputeOpened, m: Moment) -> None:
    says = None if event.truth >> 48 & 1 else (event.truth & _WH, event.truth >> 24 & _WH)
    export_wh, import_wh = says or (None, None)
    batch.rows[schema.Dispute].append(
        m.row(
            number=event.dispute, site=event.site, slot=event.slot, tier=event.tier, export_wh=export_wh,
            import_wh=import_wh, claim=event.claim, opener=event.opener, entries_hash=event.report,
            accused=",".join(map(str, event.accused)),
        )
    )  # fmt: skip


def _step(batch: Batch, m: Moment, dispute: int, kind: str, wei: int, **values: object) -> None:
    empty = {"round": None, "operator": None, "account": None, "uphold": None, "compensation": 0, "state": None}
    batch.rows[schema.DisputeStep].append(m.row(dispute=dispute, kind=kind, wei=wei, **{**empty, **values}))


def _voted(batch: Batch, event: events.Voted, m: Moment) -> None:
    _step(batch,
        m, event.dispute, "vote", event.weight, round=event.round, operator=event.id, uphold=event.uphold
    )  # fmt: skip


def _appealed(batch: Batch, event: events.Appealed, m: Moment) -> None:
    _step(batch,
        m, event.dispute, "appeal", event.bond, round=event.round, account=event.appellant, uphold=event.uphold
    )  # fmt: skip


def _ended(batch: Batch, event: events.DisputeEnded, m: Moment) -> None:
    _step(batch, m, event.dispute, "end", event.taken, compensation=event.compensation, state=event.state)


def _equivocated(batch: Batch, event: events.Equivocated, m: Moment) -> None:
    batch.rows[schema.Penalty].append(
        m.row(
            kind="equivocation", zone=event.zone, operator=event.id, slot=None, party=event.prover,
            wei=event.slashed,
        )
    )  # fmt: skip


def _silent(batch: Batch, event: events.SilenceAlerted, m: Moment) -> None:
    batch.rows[schema.Penalty].append(
        m.row(
            kind="silence", zone=event.zone, operator=None, slot=event.slot, party=event.alerter, wei=event.taken
        )
    )  # fmt: skip


HANDLERS: dict[type[Event], Handler] = {
    events.OperatorRegistered: _operator,
    events.SignerRotated: _rotated,
    events.StakeAdded: _stake_added,
    events.StakeWithdrawn: _stake_withdrawn,
    events.Slashed: _slashed,
    events.UnbondingBegun: _unbonding,
    events.RewardsShared: _shared,
    events.RewardsClaimed: _claimed,
    events.DisputeOpened: _disputed,
    events.Voted: _voted,
    events.Appealed: _appealed,
    events.DisputeEnded: _ended,
    events.Equivocated: _equivocated,
    events.SilenceAlerted: _silent,
    **dict.fromkeys(get_args(_SeatEvent), _seat),
}
