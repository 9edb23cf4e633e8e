"""What a roof made by quarter hours, from the record that its inverter keeps.

No meter that the chain knows shows it: those stand at the connection, behind the home's own use. So a household pastes
the record into its session, and it is kept nowhere else.
"""

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from itertools import pairwise
from statistics import mode

from net8.units import SLOT_SECONDS, slot_of

from net8_web.amounts import Unusable
from net8_web.i18n import t

__all__ = ["LONGEST_RECORD", "OwnUse", "own_use", "read_record"]

LONGEST_RECORD = 500_000  # letters: a month in steps of five minutes, and more
_FIRST_YEAR, _LAST_YEAR = 2000, 2999
_MOST_WH = 10_000_000  # in one step: the largest plant that a quarter hour of an order has room for, and more
_IN_UNIT = re.compile(r"(.*[\s(\[_])?(k?wh)[)\]]?\s*", re.IGNORECASE)  # `Energy (kWh)`, `made_wh`, `Wh`
_NOT_ISO = ("%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M:%S")
_SHOWN = 30  # letters of what cannot be read


@dataclass(frozen=True, slots=True)
class OwnUse:
    """Sums over the slots that both the record and the meter know. Wh."""

    slots: int
    made: int
    exported: int
    imported: int

    @property
    def kept(self) -> int:
        """What the home used of its own; a record that is a little behind its meter makes it no less than nothing."""
        return max(self.made - self.exported, 0)


def own_use(record: Mapping[int, int], readings: Mapping[int, tuple[int, int]]) -> OwnUse:
    """Of what the roof made and what the meter showed.

    Args:
        record: Wh made by slot.
        readings: (Wh out, Wh in) by slot.
    """
    both = record.keys() & readings.keys()
    return OwnUse(
        len(both),
        sum(record[slot] for slot in both),
        sum(readings[slot][0] for slot in both),
        sum(readings[slot][1] for slot in both),
    )


def read_record(text: str, zone: tzinfo) -> dict[int, int]:
    """Wh made by slot; a step counts in the one in which it begins.

    Args:
        text: CSV with a first line of names, the time at which a step begins in the first column, and the energy in
            the first whose name ends in `Wh` or `kWh`; parted by commas, semicolons or, as spreadsheets copy, tabs.
        zone: of times that name none.

    Raises:
        Unusable: in one sentence that names the line and what is wrong with it.
    """
    lines = _lines(text)
    names = next(lines, [])
    column, wh_each = _energy_column(names)
    sums: dict[int, Decimal] = {}
    times: list[int] = []
    for number, line in enumerate(lines, start=2):
        if not any(line):
            continue
        try:
            time = _time(line[0], zone, times[-1] if times else None)
            amount = _amount(line[column] if column < len(line) else "")
        except Unusable as fault:
            raise Unusable(t("roof.line", number=number, fault=str(fault))) from None
        times.append(time)
        if amount is not None:
            slot = slot_of(time)
            sums[slot] = sums.get(slot, Decimal(0)) + amount * wh_each
    _check_steps(times)
    return {slot: int(wh.to_integral_value(ROUND_HALF_EVEN)) for slot, wh in sums.items()}


def _lines(text: str) -> Iterator[list[str]]:
    lines = text.strip("\ufeff\r\n ").splitlines()
    parted = next((mark for mark in ";\t" if lines and mark in lines[0]), ",")
    try:
        yield from csv.reader(lines, delimiter=parted, strict=True)
    except csv.Error:
        raise Unusable(t("roof.not_csv")) from None


def _energy_column(names: list[str]) -> tuple[int, int]:
    """Its place, and the Wh that one of its unit is."""
    for column, name in enumerate(names[1:], start=1):
        if unit := _IN_UNIT.fullmatch(name):
            return column, 1000 if unit[2].lower() == "kwh" else 1
    raise Unusable(t("roof.no_unit"))


def _time(text: str, zone: tzinfo, before: int | None) -> int:
    """Unix seconds; of the two hours of one name, when clocks are put back, the one that fits the line before."""
    moment = _moment(text.strip())
    if moment.tzinfo is not None:
        choices = [int(moment.timestamp())]
    else:
        choices = [int(moment.replace(tzinfo=zone, fold=fold).timestamp()) for fold in (0, 1)]
    later = [time for time in choices if before is None or time > before]
    if not later:
        raise Unusable(t("roof.backwards"))
    return later[0]


def _moment(text: str) -> datetime:
    for form in (None, *_NOT_ISO):
        try:
            moment = datetime.fromisoformat(text) if form is None else datetime.strptime(text, form)
        except ValueError:
            continue
        if _FIRST_YEAR <= moment.year <= _LAST_YEAR:
            return moment
    raise Unusable(t("roof.no_time", text=text[:_SHOWN]))


def _amount(text: str) -> Decimal | None:
    """None where there is none, as in steps in which the inverter slept."""
    typed = text.strip()
    if not typed:
        return None
    try:
        amount = Decimal(typed if "." in typed else typed.replace(",", "."))
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or not 0 <= amount <= _MOST_WH:
        raise Unusable(t("roof.no_amount", text=typed[:_SHOWN]))
    return amount


def _check_steps(times: list[int]) -> None:
    if len(times) < 2:
        raise Unusable(t("roof.empty"))
    step = mode(later - earlier for earlier, later in pairwise(times))
    if step > SLOT_SECONDS:
        raise Unusable(t("roof.too_coarse", minutes=step // 60))
