"""Signed readings: what a gateway publishes and an oracle node accepts."""

from dataclasses import dataclass
from typing import Self

from coincurve import PrivateKey
from net8.eip712 import Domain, StructType
from net8.signing import keccak256
from net8.units import SLOT_SECONDS

from net8_oracle import crypto

__all__ = ["BOUNDARY_TOLERANCE", "Reading", "ReadingRefused", "SignedReading", "boundary_of", "meter_domain"]

BOUNDARY_TOLERANCE = 60  # seconds after a slot boundary within which a reading still counts as taken at it

_READING = StructType(
    "Reading",
    (
        ("uint256", "site"),
        ("uint256", "taken_at"),
        ("uint256", "import_wh"),
        ("uint256", "export_wh"),
        ("uint256", "epoch"),
        ("uint256", "sequence"),
    ),
)


class ReadingRefused(ValueError):
    """A reading that must not be used. The message says what is wrong and what the operator can do."""


def meter_domain(chain_id: int, exchange: str) -> Domain:
    """Where a meter's signature counts: one exchange on one chain."""
    return Domain("NET8 Meter", "1", chain_id, exchange)


@dataclass(frozen=True, slots=True)
class Reading:
    """State of a meter's two registers at one moment.

    Registers are cumulative and count whole Wh, as OBIS 1.8.0 (import) and 2.8.0 (export) do;
    energy of a slot is the difference of two readings, never a power times a duration.
    """

    site: int
    taken_at: int  # unix seconds, the meter's own clock
    import_wh: int
    export_wh: int
    epoch: int  # raised when a meter is replaced: registers restart, history does not
    sequence: int  # raised by one with every reading of the site, never reused

    def digest(self, domain: Domain) -> bytes:
        """The 32 bytes the meter key signs (EIP-712)."""
        fields = (self.site, self.taken_at, self.import_wh, self.export_wh, self.epoch, self.sequence)
        body = keccak256(_READING.type_hash + b"".join(value.to_bytes(32) for value in fields))
        return keccak256(b"\x19\x01" + domain.separator + body)

    def since(self, earlier: Self) -> tuple[int, int]:
        """Energy (import, export) in Wh from `earlier` to now.

        Raises:
            ReadingRefused: a register or the clock ran backwards, or the meter was replaced in between.
        """
        if (self.site, self.epoch) != (earlier.site, earlier.epoch):
            raise ReadingRefused(
                f"site {self.site}: meter epoch went from {earlier.epoch} to {self.epoch}; "
                "energy across a change of meter is not known"
            )
        imported, exported = self.import_wh - earlier.import_wh, self.export_wh - earlier.export_wh
        if self.taken_at <= earlier.taken_at or imported < 0 or exported < 0:
            raise ReadingRefused(f"site {self.site}: registers or clock ran backwards; check the meter and its source")
        return imported, exported

    def check_follows(self, earlier: Self) -> None:
        """Refuse what cannot come after `earlier` on an honest meter.

        A higher epoch declares a new meter, whose registers may restart; its clock may not.

        Raises:
            ReadingRefused: the sequence, a register, the epoch or the clock ran backwards.
        """
        if self.sequence <= earlier.sequence:
            raise ReadingRefused(
                f"site {self.site}: sequence {self.sequence} after {earlier.sequence}; "
                "let one gateway alone read this meter"
            )
        if self.epoch > earlier.epoch and self.taken_at > earlier.taken_at:
            return
        self.since(earlier)


def boundary_of(taken_at: int) -> int | None:
    """The slot at whose start a reading counts as taken, or None when it was taken too long after."""
    return taken_at // SLOT_SECONDS if taken_at % SLOT_SECONDS <= BOUNDARY_TOLERANCE else None


@dataclass(frozen=True, slots=True)
class SignedReading:
    """A reading with its meter's signature.

    What follows the signature is not signed, and nothing is decided by it. `source_ns` says when the source returned it
    (wall clock, ns), for measuring latency; `record` is what the meter signed by itself (OCMF), for the chain to check.
    """

    reading: Reading
    signature: bytes
    source_ns: int
    record: str = ""

    @classmethod
    def make(cls, reading: Reading, domain: Domain, key: PrivateKey, source_ns: int, record: str = "") -> Self:
        """Sign `reading` with the site's meter key."""
        return cls(reading, crypto.sign(key, reading.digest(domain)), source_ns, record)

    def signer(self, domain: Domain) -> bytes:
        """Address (20 bytes) of the key that signed.

        Raises:
            ReadingRefused: the signature is none.
        """
        try:
            return crypto.recover(self.reading.digest(domain), self.signature)
        except crypto.SignatureInvalid as fault:
            raise ReadingRefused(f"site {self.reading.site}: {fault}; check the gateway's keystore") from None
