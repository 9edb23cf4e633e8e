"""How a site's slots ended, the latest first: from the days that the app keeps, then from the indexer."""

from dataclasses import dataclass

from net8.model import Outcome
from net8.units import slot_of

from net8_web import indexer
from net8_web.day import result_of
from net8_web.feed import View
from net8_web.indexer import Position
from net8_web.market import Market
from net8_web.older import ask_older

__all__ = ["Ended", "latest"]


@dataclass(frozen=True, slots=True)
class Ended:
    """The end of one slot. Wh and grains."""

    slot: int
    net_wh: int  # sold minus bought
    exported: int | None  # None: no meter showed it
    imported: int | None
    result: int  # what the slot brought (or cost), without what the pool paid for unused energy
    outcome: Outcome
    tx: str | None


def latest(view: View, site: int, most: int) -> tuple[list[Ended], str | None]:
    """The latest ends; and why older ones are missing, where they may be."""
    found, reason = _kept(view.market, site, most), None
    if len(found) < most:
        last = slot_of(view.market.since) - 1
        span = max(last - indexer.MOST_SLOTS + 1, 0), last
        older = ask_older(view, lambda url: indexer.positions(url, site, span))
        found += [_told(one) for one in reversed(older.told or []) if one.outcome != Outcome.OPEN]
        reason = older.reason
    return found[:most], reason


def _kept(market: Market, site: int, most: int) -> list[Ended]:
    """Worked out for no more than are asked for: there are very many."""
    found: list[Ended] = []
    for payment in reversed(market.payments_of(site)):
        for slot in sorted(payment.readings, reverse=True):
            reading = payment.readings[slot]
            end = result_of(market, site, slot, reading)
            outcome = Outcome.NO_READING if reading is None else Outcome.METERED
            found.append(Ended(slot, end.net_wh, end.exported, end.imported, end.net, outcome, payment.at.tx))
        if len(found) >= most:
            break
    return found


def _told(one: Position) -> Ended:
    metered = one.outcome == Outcome.METERED
    exported, imported = (one.exported, one.imported) if metered else (None, None)
    tx = None if one.tx is None else f"0x{one.tx}"
    result = one.value - one.charge - one.grid_fee
    return Ended(one.slot, one.net_wh, exported, imported, result, Outcome(one.outcome), tx)
