"""Who sat in a zone, and who signed a report, by playing the changes of its seats."""

from collections import defaultdict
from dataclasses import dataclass

from sqlalchemy import Connection, select

from net8_indexer.queries.paging import AnyRow
from net8_indexer.schema import Seat, SignerKey

__all__ = ["SeatRow", "Signer", "seated", "seated_by_zone", "seats", "signers_of"]


@dataclass(frozen=True, slots=True)
class SeatRow:
    """Who sits in a zone."""

    seat: int
    operator: int
    muted: bool


@dataclass(frozen=True, slots=True)
class Signer:
    """An operator who signed a report, and the key of that time."""

    operator: int
    signer: str


class _Seats:
    """The seats of one zone, as changes are played: a removed one's seat goes to the last, as on chain."""

    def __init__(self) -> None:
        """No seats."""
        self.ids: list[int] = []
        self.muted: set[int] = set()

    def play(self, row: AnyRow) -> None:
        """Take in one change."""
        if row.kind == "admitted":
            self.ids.append(row.operator)
        elif row.kind == "removed":
            place = self.ids.index(row.operator)
            self.ids[place] = self.ids[-1]
            self.ids.pop()
            self.muted.discard(row.operator)
        elif row.kind == "replaced":
            self.ids[self.ids.index(row.operator)] = row.by
            self.muted.discard(row.operator)
        elif row.kind == "muted":
            self.muted.add(row.operator)
        else:
            self.muted.discard(row.operator)


def _played(db: Connection, zone: int | None = None, before: int | None = None) -> dict[int, _Seats]:
    wanted = select(*Seat.__table__.c).order_by(Seat.at)
    if zone is not None:
        wanted = wanted.where(Seat.zone == zone)
    if before is not None:
        wanted = wanted.where(Seat.at < before)
    found: defaultdict[int, _Seats] = defaultdict(_Seats)
    for row in db.execute(wanted):
        found[row.zone].play(row)
    return found


def seated(db: Connection) -> tuple[defaultdict[int, list[int]], defaultdict[int, list[int]]]:
    """Zones of each operator, and those in which it is muted."""
    zones: defaultdict[int, list[int]] = defaultdict(list)
    muted: defaultdict[int, list[int]] = defaultdict(list)
    for zone, seated in sorted(_played(db).items()):
        for operator in seated.ids:
            zones[operator].append(zone)
            if operator in seated.muted:
                muted[operator].append(zone)
    return zones, muted


def seated_by_zone(db: Connection) -> dict[int, list[int]]:
    """Operators of each zone, in the order of its seats."""
    return {zone: played.ids for zone, played in _played(db).items()}


def seats(db: Connection, zone: int) -> list[SeatRow]:
    """Who sits in a zone, in the order of seats; at most 31."""
    played = _played(db, zone).get(zone, _Seats())
    return [SeatRow(seat, operator, operator in played.muted) for seat, operator in enumerate(played.ids)]


def signers_of(db: Connection, zone: int, at: int, bitmap: int) -> list[Signer]:
    """Who signed a report that was logged at `at`, by the seats of that moment."""
    ids = _played(db, zone, at).get(zone, _Seats()).ids
    signed = [operator for seat, operator in enumerate(ids) if bitmap >> seat & 1]
    keys = db.execute(
        select(SignerKey.operator, SignerKey.signer)
        .where(SignerKey.operator.in_(signed), SignerKey.at < at)
        .order_by(SignerKey.at)
    )
    signer = {row.operator: row.signer for row in keys}
    return [Signer(operator, signer[operator]) for operator in signed]
