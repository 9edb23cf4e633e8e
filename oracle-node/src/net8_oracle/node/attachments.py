"""Records of meters that go with a report: those that the chain takes, one by one asked beforehand.

They hold back no report: what the chain would refuse is left out and said; where the chain does not answer, the report
goes alone. Whoever has the records can bring them later.
"""

import asyncio
import logging
from collections.abc import Iterator
from typing import Protocol, TypeVar

from net8.contracts import Call
from net8.contracts.records import Records
from net8.errors import Refused
from net8.logs import fields
from net8.model import MeterCurve, MeterKey, MeterRecord
from net8.units import SLOT_SECONDS

from net8_oracle.node.envelopes import Key
from net8_oracle.node.meters import Meters, RegisteredSite
from net8_oracle.node.records import RecordRefused, meter_record, shown
from net8_oracle.reading import SignedReading, boundary_of
from net8_oracle.rpc import RpcRefused, RpcUnreachable

__all__ = ["RECORD_GAS", "Attachments"]

log = logging.getLogger(__name__)

RECORD_GAS = 400_000  # above the dearest record of 1,024 bytes, in storage never used; what is not used is not paid
_MOST = 32  # records in one call
_PATIENCE = 2.0  # seconds that a report waits for the chain to be asked about records
T = TypeVar("T")


class Chain(Protocol):
    """What this asks the chain."""

    def sites_of(self, zone: int, part: int) -> list[RegisteredSite]:
        """The sites of a part, ascending."""

    async def read(self, call: Call[T]) -> T:
        """The answer of a view, or of a call that is tried and not sent."""


class Attachments:
    """What meters signed for the slots that a node reports."""

    def __init__(self, chain: Chain, records: Records, meters: Meters) -> None:
        """`records` are the calls of MeterRecords."""
        self._chain = chain
        self._records = records
        self._meters = meters

    async def of(self, key: Key, most: int) -> list[MeterRecord]:
        """Records at the end of a slot, and at its start where the chain has none; at most `most`, and at most 32.

        Where there are more, another site comes first in every slot.
        """
        most, signed = min(most, _MOST), list(self._signed(key))
        first = key.slot % max(1, len(signed))
        looked_at = (signed[first:] + signed[:first])[: 2 * _MOST]
        try:
            async with asyncio.timeout(_PATIENCE):
                found = await asyncio.gather(*(self._taken(key.slot, one) for one in looked_at if most))
        except TimeoutError:
            log.warning("records of meters left out", extra=fields(**key._asdict(), reason="the chain node is slow"))
            return []
        return [record for records in found for record in records][:most]

    def _signed(self, key: Key) -> Iterator[list[SignedReading]]:
        for site in self._chain.sites_of(key.zone, key.part):
            readings = [one for one in self._meters.at_boundaries(site.site, key.slot) if one.record]
            if readings:
                yield readings

    async def _taken(self, slot: int, readings: list[SignedReading]) -> list[MeterRecord]:
        """Of a site's readings at the two ends of a slot, the records that are new to the chain and good."""
        site = readings[0].reading.site
        try:
            key = await self._chain.read(self._records.meter_key(site))
            if key.curve is MeterCurve.NONE:
                return []
            records = []
            for one in readings:
                boundary = one.reading.taken_at // SLOT_SECONDS
                if await self._chain.read(self._records.register_at(site, boundary)) == (0, 0):
                    records.append(_checked(one, key))
            if records:
                await self._chain.read(self._records.bring(records))
            return records
        except (RecordRefused, Refused, RpcRefused) as fault:
            log.warning("record of a meter left out", extra=fields(site=site, slot=slot, reason=str(fault)))
        except RpcUnreachable as fault:
            log.warning("records of meters not looked at", extra=fields(site=site, slot=slot, reason=str(fault)))
        except Exception:  # a text of anybody's making must not end a settlement
            log.exception("record of a meter left out", extra=fields(site=site, slot=slot))
        return []


def _checked(signed: SignedReading, key: MeterKey) -> MeterRecord:
    """The record that came with a reading, which says the same.

    Raises:
        RecordRefused: it is none, or says something else.
    """
    reading = signed.reading
    record = meter_record(reading.site, signed.record, key)
    taken_at, export_wh = shown(record)
    if boundary_of(taken_at) != boundary_of(reading.taken_at) or export_wh != reading.export_wh:
        raise RecordRefused(f"site {reading.site}: the record is not of the reading it came with")
    return record
