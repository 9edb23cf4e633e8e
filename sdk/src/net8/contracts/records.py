"""Calls of MeterRecords: what meters signed by themselves, and what it confirms."""

from collections.abc import Mapping, Sequence
from typing import Any

from net8.contracts.core import Call, Contract, nothing
from net8.model import MeterCurve, MeterKey, MeterRecord
from net8.packing import join_words
from net8.signing import Signature, checksum_address

__all__ = ["Records"]


def _key(raw: tuple[int, bytes, bytes]) -> MeterKey:
    curve, x, y = raw
    return MeterKey(MeterCurve(curve), x, y)


def _record(record: MeterRecord) -> tuple[Any, ...]:
    signature = record.r.to_bytes(32), record.s.to_bytes(32), record.parity
    return record.site, record.json, record.places, signature


class Records(Contract):
    """MeterRecords."""

    NAME = "MeterRecords"

    def set_meter_key(self, site: int, key: MeterKey) -> Call[None]:
        """Name the key of a site's meter, or with curve NONE and 32 zero bytes each none; registrar alone."""
        return self._call("set_meter_key", site, (int(key.curve), key.x, key.y), into=nothing)

    def meter_key(self, site: int) -> Call[MeterKey]:
        """The key of a site's meter."""
        return self._call("meter_key", site, into=_key)

    def registry(self) -> Call[str]:
        """The OracleRegistry, which takes reports."""
        return self._call("registry", into=checksum_address)

    def certificates(self) -> Call[str]:
        """The GreenCertificates, whose registrar names keys."""
        return self._call("certificates", into=checksum_address)

    def has_p256(self) -> Call[bool]:
        """Whether this chain verifies signatures of secp256r1."""
        return self._call("has_p256", into=bool)

    def bring(self, records: Sequence[MeterRecord]) -> Call[None]:
        """Bring up to 32 records; anyone, in any order."""
        return self._call("bring", [_record(one) for one in records], into=nothing)

    def report(
        self,
        zone: int,
        round_: int,
        entries: Sequence[int],
        signatures: Mapping[int, Signature],
        records: Sequence[MeterRecord],
    ) -> Call[int]:
        """Submit a report as `Registry.report` does, with up to 32 records of its sites; answers slots settled."""
        bitmap = sum(1 << seat for seat in signatures)
        ordered = [signatures[seat].compact for seat in sorted(signatures)]
        brought = [_record(one) for one in records]
        return self._call("report", zone, round_, join_words(entries), bitmap, ordered, brought, into=int)

    def confirm(self, site: int, slot: int) -> Call[bool]:
        """Confirm a slot whose records came before it was settled; anyone. The answer is whether it is confirmed."""
        return self._call("confirm", site, slot, into=bool)

    def is_confirmed(self, site: int, slot: int) -> Call[bool]:
        """Whether records of the site's own meter show what was settled in a slot."""
        return self._call("is_confirmed", site, slot, into=bool)

    def confirmed_mask(self, site: int, hour: int) -> Call[int]:
        """Bit i: slot i of the hour is confirmed."""
        return self._call("confirmed_mask", site, hour, into=int)

    def register_at(self, site: int, boundary: int) -> Call[tuple[int, int]]:
        """(pagination, Wh) of the record at the start of a slot; both zero where none was brought."""
        return self._call("register_at", site, boundary, into=lambda number, wh: (number, wh))
