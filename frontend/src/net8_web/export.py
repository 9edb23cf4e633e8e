"""Files for somebody's books: what sites traded, hold and were settled for, and which certificates were retired.

docs/export.md says what each column is. A column's name carries its unit. Times are UTC in ISO 8601, numbers are whole
and exact: nothing is ever rounded.
"""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from net8.model import Outcome
from net8.packing import certificate_of
from net8.units import first_slot_of, slot_start

from net8_web.day import result_of
from net8_web.indexer import Position, Retirement, Trade
from net8_web.market import Market

__all__ = [
    "Row",
    "as_csv",
    "as_json",
    "known_settlement_rows",
    "position_rows",
    "retirement_rows",
    "settlement_rows",
    "trade_rows",
]

Row = dict[str, Any]  # column -> text, whole number, True or False, or nothing
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")  # a text that begins so is calculated by spreadsheets


@dataclass(frozen=True, slots=True)
class _End:
    """How a slot of a site ended, whoever told it."""

    site: int
    slot: int
    outcome: int
    net_wh: int
    exported: int | None
    imported: int | None
    short: int
    unused: int
    value: int
    charge: int
    grid_fee: int
    settled_at: int | None
    tx: str | None  # without 0x

    def row(self) -> Row:
        return {
            "site": self.site,
            "slot_start_utc": _utc(slot_start(self.slot)),
            "outcome": _outcome(self.outcome),
            "net_sold_wh": self.net_wh,
            "exported_wh": self.exported,
            "imported_wh": self.imported,
            "short_wh": self.short,
            "unused_wh": self.unused,
            "value_grains": self.value,
            "charge_grains": self.charge,
            "grid_fee_grains": self.grid_fee,
            "result_grains": self.value - self.charge - self.grid_fee,
            "settled_at_utc": None if self.settled_at is None else _utc(self.settled_at),
            "transaction": None if self.tx is None else f"0x{self.tx}",
        }


def _utc(unix: int) -> str:
    return f"{datetime.fromtimestamp(unix, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _outcome(outcome: int) -> str:
    return Outcome(outcome).name.lower()


# --- rows -----------------------------------------------------------------------------------------------------------


def trade_rows(site: int, trades: Sequence[Trade]) -> list[Row]:
    """What a site bought and sold, in the order given."""
    return [
        {
            "site": site,
            "side": "sold" if trade.seller == site else "bought",
            "zone": trade.zone,
            "slot_start_utc": _utc(slot_start(trade.slot)),
            "traded_at_utc": _utc(trade.time),
            "energy_wh": trade.wh,
            "price_grains_per_wh": trade.price,
            "value_grains": trade.wh * trade.price,
            "counterparty_site": trade.buyer if trade.seller == site else trade.seller,
            "beside_book": trade.beside_book,
            "transaction": f"0x{trade.tx}",
        }
        for trade in trades
    ]


def position_rows(site: int, positions: Sequence[Position]) -> list[Row]:
    """What a site's trades come to in each slot that it traded."""
    return [
        {
            "site": site,
            "slot_start_utc": _utc(slot_start(one.slot)),
            "outcome": _outcome(one.outcome),
            "net_sold_wh": one.net_wh,
            "value_grains": one.value,
            "margin_grains": one.margin,
        }
        for one in positions
        if one.net_wh or one.value or one.outcome == Outcome.OPEN
    ]


def retirement_rows(market: Market, retirements: Sequence[Retirement]) -> list[Row]:
    """Certificates that an account used up, in the order given; `market` knows the sites they are of."""
    return [_retirement_row(market, one) for one in retirements]


def _retirement_row(market: Market, one: Retirement) -> Row:
    site, hour = certificate_of(int(one.id))
    known = market.sites.get(site)
    return {
        "certificate": one.id,
        "site": site,
        "hour_start_utc": _utc(slot_start(first_slot_of(hour))),
        "technology": None if known is None else known.technology.name.lower(),
        "energy_wh": one.wh,
        "beneficiary": one.beneficiary,
        "purpose": one.purpose,
        "consumer_site": one.consumer,
        "consumption_slot_start_utc": None if one.slot is None else _utc(slot_start(one.slot)),
        "retired_at_utc": _utc(one.time),
        "transaction": f"0x{one.tx}",
    }


def settlement_rows(site: int, positions: Sequence[Position]) -> list[Row]:
    """How a site's slots ended, those without a trade too."""
    return [
        _End(
            site, one.slot, one.outcome, one.net_wh, one.exported, one.imported, one.short, one.unused, one.value,
            one.charge, one.grid_fee, one.settled_at, one.tx,
        ).row()
        for one in positions
        if one.outcome != Outcome.OPEN
    ]  # fmt: skip


def known_settlement_rows(market: Market, site: int, slots: range) -> list[Row]:
    """As `settlement_rows`, from what the app has seen of the chain by itself."""
    found = []
    for payment in market.payments_of(site):
        for slot, reading in payment.readings.items():
            if slot in slots:
                end = result_of(market, site, slot, reading)
                outcome = Outcome.NO_READING if reading is None else Outcome.METERED
                found.append(
                    _End(
                        site, slot, outcome, end.net_wh, end.exported, end.imported, end.short, end.unused, end.value,
                        end.penalty, end.grid_fee, payment.at.time, payment.at.tx.removeprefix("0x"),
                    )
                )  # fmt: skip
    return [end.row() for end in sorted(found, key=lambda end: end.slot)]


# --- files ----------------------------------------------------------------------------------------------------------


def as_csv(rows: Sequence[Row]) -> bytes:
    """Rows as RFC 4180 has them, the names of the columns first.

    A text that a spreadsheet would calculate gets an apostrophe before it; numbers are never changed.
    """
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, list(rows[0]) if rows else [])
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
    return out.getvalue().encode()


def _cell(value: object) -> object:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return value


def as_json(rows: Sequence[Row]) -> bytes:
    """Rows as a list of objects with the same names; what is not known is null."""
    return (json.dumps(list(rows), indent=1, ensure_ascii=False) + "\n").encode()
