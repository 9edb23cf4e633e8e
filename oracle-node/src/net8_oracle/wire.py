"""What gateways and nodes say to each other over HTTP, as JSON.

POST /readings    {"readings": [Reading ...]} -> {"accepted", "later": [[site, sequence]], "refused": [Refusal ...]}
GET /envelopes    a stream (WebSocket): {"envelopes": [observation | proposal | vote | verdict | readings ...]}

Bytes are 0x and hexadecimal digits. Nothing here is trusted before its signature is checked.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, PlainValidator

from net8_oracle.reading import Reading, SignedReading

__all__ = ["LARGEST_RECORD", "HexBytes", "ReadingsAnswer", "ReadingsPost", "Refusal", "WireReading"]

READINGS_PER_POST = 512
LARGEST_RECORD = 2_048  # characters of what a meter signed by itself, the signature included


def _bytes_of(value: object) -> bytes:
    if isinstance(value, bytes):
        return value
    if not isinstance(value, str) or not value.startswith("0x"):
        raise ValueError("bytes are written as 0x and hexadecimal digits")
    return bytes.fromhex(value[2:])


HexBytes = Annotated[bytes, PlainValidator(_bytes_of), PlainSerializer(lambda raw: "0x" + raw.hex(), return_type=str)]
Word = Annotated[int, Field(ge=0, lt=2**64)]


class WireModel(BaseModel):
    """A message: frozen, and nothing unknown in it."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class WireReading(WireModel):
    """A signed reading as a gateway sends it."""

    site: Annotated[int, Field(ge=1, lt=2**48)]
    taken_at: Annotated[int, Field(ge=0, lt=2**40)]
    import_wh: Annotated[int, Field(ge=0, lt=2**62)]
    export_wh: Annotated[int, Field(ge=0, lt=2**62)]
    epoch: Annotated[int, Field(ge=0, lt=2**32)]
    sequence: Annotated[int, Field(ge=1, lt=2**62)]
    signature: HexBytes
    source_ns: Annotated[int, Field(ge=0, lt=2**63)] = 0
    record: Annotated[str, Field(max_length=LARGEST_RECORD, pattern=r"^[ -~]*$")] = ""  # printable ASCII

    @classmethod
    def of(cls, signed: SignedReading) -> "WireReading":
        """From a signed reading."""
        r = signed.reading
        return cls(
            site=r.site,
            taken_at=r.taken_at,
            import_wh=r.import_wh,
            export_wh=r.export_wh,
            epoch=r.epoch,
            sequence=r.sequence,
            signature=signed.signature,
            source_ns=signed.source_ns,
            record=signed.record,
        )

    def signed(self) -> SignedReading:
        """As the reading it is."""
        reading = Reading(self.site, self.taken_at, self.import_wh, self.export_wh, self.epoch, self.sequence)
        return SignedReading(reading, self.signature, self.source_ns, self.record)


class ReadingsPost(WireModel):
    """A batch of readings."""

    readings: Annotated[list[WireReading], Field(max_length=READINGS_PER_POST)]


class Refusal(WireModel):
    """A reading that will never be accepted, and why."""

    site: int
    sequence: int
    reason: str


class ReadingsAnswer(WireModel):
    """What a node did with a batch. Readings named in `later` are to be sent again, all others are not."""

    accepted: int
    later: list[tuple[int, int]]
    refused: list[Refusal]
