"""The grid operator's log of its feeders: one signed line of JSON for each feeder and slot.

    {"feeder": 7, "slot": 1968420, "net_wh": -5312, "signature": "0x..."}

`net_wh` is what left the feeder towards the grid, less what it drew, by the feeder's own meter. As every record is
signed with a key that the node's settings name, it does not matter which file or server it comes from.
"""

from typing import Annotated, Self

from coincurve import PrivateKey
from net8.eip712 import Domain, StructType
from net8.signing import keccak256
from pydantic import Field, ValidationError

from net8_oracle import crypto
from net8_oracle.wire import HexBytes, WireModel

__all__ = ["FeederRecord", "RecordRefused", "feeder_domain", "parse"]

_RECORD = StructType("FeederEnergy", (("uint256", "feeder"), ("uint256", "slot"), ("int256", "net_wh")))


class RecordRefused(ValueError):
    """A line of the log that must not be used. The message says why."""


def feeder_domain(chain_id: int, exchange: str) -> Domain:
    """Where a record counts: one exchange on one chain."""
    return Domain("NET8 Feeder", "1", chain_id, exchange)


class FeederRecord(WireModel):
    """Energy of one feeder in one slot."""

    feeder: Annotated[int, Field(ge=0, lt=2**32)]
    slot: Annotated[int, Field(ge=0, lt=2**32)]
    net_wh: Annotated[int, Field(gt=-(2**40), lt=2**40)]
    signature: HexBytes

    @staticmethod
    def digest(domain: Domain, feeder: int, slot: int, net_wh: int) -> bytes:
        """The 32 bytes the grid operator signs (EIP-712)."""
        words = feeder.to_bytes(32) + slot.to_bytes(32) + net_wh.to_bytes(32, signed=True)
        return keccak256(b"\x19\x01" + domain.separator + keccak256(_RECORD.type_hash + words))

    @classmethod
    def make(cls, domain: Domain, key: PrivateKey, feeder: int, slot: int, net_wh: int) -> Self:
        """Sign a record."""
        signature = crypto.sign(key, cls.digest(domain, feeder, slot, net_wh))
        return cls(feeder=feeder, slot=slot, net_wh=net_wh, signature=signature)

    def check(self, domain: Domain, signer: bytes) -> None:
        """Refuse a record that `signer` (20 bytes) did not sign.

        Raises:
            RecordRefused: its signature is none, or another's.
        """
        try:
            by = crypto.recover(self.digest(domain, self.feeder, self.slot, self.net_wh), self.signature)
        except crypto.SignatureInvalid as fault:
            raise RecordRefused(f"feeder {self.feeder} slot {self.slot}: {fault}") from None
        if by != signer:
            raise RecordRefused(
                f"feeder {self.feeder} slot {self.slot}: signed by {crypto.address_text(by)}; "
                "check layers.feeder_log.signer and the log's source"
            )


def parse(line: bytes) -> FeederRecord:
    """A line of the log.

    Raises:
        RecordRefused: it is no record.
    """
    try:
        return FeederRecord.model_validate_json(line)
    except ValidationError as fault:
        what = fault.errors()[0]
        where = ".".join(str(part) for part in what["loc"])
        raise RecordRefused(f"a line of the feeder log is no record ({where}: {what['msg']})") from None
