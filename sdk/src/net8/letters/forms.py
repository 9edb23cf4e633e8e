"""How a letter is written: the parts of a token, and the fields of a file.

Token, base64 for addresses: version 1 | flags 1 (1 taker, 2 contract wallet, 4 strip) | chain id 8 | desk 20 |
order's word or strip's head 32 | a strip's slots as runs | taker 20 where flagged | signature |
first 4 bytes of the hash of all that.
"""

from enum import IntFlag
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from net8.deployment import Address
from net8.offers import LEGS_MAX
from net8.signing import keccak256

__all__ = [
    "CHECK_BYTES",
    "VERSION",
    "WALLET_SIGNATURE_MAX",
    "Flag",
    "OrderFields",
    "OrderFile",
    "StripFields",
    "StripFile",
    "check",
]

VERSION = 1
CHECK_BYTES = 4
WALLET_SIGNATURE_MAX = 512  # bytes


class Flag(IntFlag):
    """What a token has beside the least."""

    TAKER = 1
    WALLET = 2
    STRIP = 4


def check(body: bytes) -> bytes:
    """The bytes that tell whether a token is whole."""
    return keccak256(body)[:CHECK_BYTES]


Whole = Annotated[int, Field(ge=0, lt=2**64)]
OfSlots = Annotated[tuple[Whole, ...], Field(min_length=1, max_length=LEGS_MAX)]


class _Common(BaseModel):
    """The same names as in what a wallet shows."""

    model_config = ConfigDict(extra="forbid", strict=True)

    site: Whole
    sell: bool
    nonce: Whole
    expiry: Whole
    taker: Address
    relay_fee: Whole


class OrderFields(_Common):
    """An order in a file."""

    slot: Whole
    price: Whole
    wh: Whole


class StripFields(_Common):
    """A strip in a file."""

    first_slot: Whole
    prices: OfSlots
    wh: OfSlots


class _File(BaseModel):
    """What every file has."""

    model_config = ConfigDict(extra="forbid", strict=True)

    net8: str
    version: Literal[1]
    chain_id: Whole
    desk: Address
    by_contract_wallet: bool
    signature: Annotated[str, Field(pattern=r"^0x([0-9a-fA-F]{2})*$", max_length=2 + 2 * WALLET_SIGNATURE_MAX)]


class OrderFile(_File):
    """A letter of an order in a file."""

    net8: Literal["signed order"]
    order: OrderFields


class StripFile(_File):
    """A letter of a strip in a file."""

    net8: Literal["signed strip"]
    strip: StripFields
