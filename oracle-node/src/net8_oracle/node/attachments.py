"""Records of meters that go with a report: those that the chain takes, one by one asked beforehand.

They hold back no report: what the chain would refuse is left out and said; where the chain does not answer, the report
goes alone. Whoever has the records can bring them later.
"""

import asyncio
import logging
from collections.abc import Iterator
from itertools import islice
from typing import Protocol, TypeVar

from net8.contracts import Call
from net8.contracts.records import Records
from net8.errors import Refused
from net8.logs import fields
from net8.model import MeterCurve, MeterRecord

from net8_oracle.node.envelopes import Key
from net8_oracle.node.meters import Meters, RegisteredSite
from net8_oracle.node.records import RecordRefused, meter_record
from net8_oracle.reading import SignedReading
from net8_oracle.rpc import RpcRefused, RpcUnreachable

__all__ = ["RECORD_GAS", "Attachments"]

log = logging.getLogger(__name__)

RECORD_GAS = 300_000  # above the dearest record of 1,024 bytes; what is not used is not paid
_MOST = 32  # records in one call
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
        """Records at the end of a slot, and at its start where the chain has none; at most `most`, and at most 32."""
        most = min(most, _MOST)
        found = await asyncio.gather(*(self._taken(key.slot, one) for one in islice(self._signed(key), most)))
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
            known = await self._chain.read(self._records.register_at(site, slot))
            new = readings if known == (0, 0) else readings[-1:]
            records = [meter_record(site, one.record, key) for one in new]
            await self._chain.read(self._records.bring(records))
            return records
        except (RecordRefused, Refused, RpcRefused) as fault:
            log.warning("record of a meter left out", extra=fields(site=site, slot=slot, reason=str(fault)))
        except RpcUnreachable as fault:
            log.warning("records of meters not looked at", extra=fields(site=site, slot=slot, reason=str(fault)))
        return []
