"""Keys, addresses and signatures over 32-byte digests, by libsecp256k1.

Light enough for a machine beside a meter: a signature takes well under a millisecond and nothing of web3 is loaded.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Self

import sha3
from coincurve import PrivateKey, PublicKey

__all__ = [
    "Signature",
    "SignatureRefused",
    "address_of",
    "checksum_address",
    "keccak256",
    "recover",
    "sign",
]

_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
_HALF_ORDER = _ORDER // 2
_ADDRESS_DIGITS = re.compile("[0-9a-fA-F]{40}")


class SignatureRefused(ValueError):
    """A signature, key or address that cannot be one. The message says what is wrong with it."""


def keccak256(data: bytes) -> bytes:
    """The chain's hash of `data`, 32 bytes."""
    return bytes(sha3.keccak_256(data).digest())


@lru_cache(maxsize=4_096)  # logs and answers name the same few addresses again and again
def checksum_address(address: str | bytes) -> str:
    """An address in the spelling of EIP-55, from 20 bytes or 40 hex digits with 0x.

    Raises:
        SignatureRefused: it is no address, or its mixed-case checksum is wrong (a mistyped digit).
    """
    digits = address.hex() if isinstance(address, bytes) else address.removeprefix("0x")
    if not _ADDRESS_DIGITS.fullmatch(digits) or digits == address:
        raise SignatureRefused(f"{address!r} is no address; an address is 0x and 40 hexadecimal digits")
    lower = digits.lower()
    digest = keccak256(lower.encode()).hex()
    proper = "".join(c.upper() if int(h, 16) >= 8 else c for c, h in zip(lower, digest, strict=False))
    if digits not in (lower, digits.upper(), proper):
        raise SignatureRefused(f"address {address!r} fails its checksum; copy it again")
    return "0x" + proper


def _address(public: PublicKey) -> str:
    return checksum_address(keccak256(public.format(compressed=False)[1:])[12:])


def _private(key: bytes | PrivateKey) -> PrivateKey:
    if isinstance(key, PrivateKey):
        return key
    try:
        return PrivateKey(key)
    except ValueError:
        raise SignatureRefused("that is no private key; a key is 32 bytes, not all zero") from None


def address_of(key: bytes | PrivateKey) -> str:
    """Address of a private key."""
    return _address(_private(key).public_key)


@dataclass(frozen=True, slots=True)
class Signature:
    """An ECDSA signature with its recovery bit, always with the lower of the two possible s."""

    r: int
    s: int
    odd: bool  # parity of the nonce point's y

    def __post_init__(self) -> None:
        if not (0 < self.r < _ORDER and 0 < self.s <= _HALF_ORDER):
            raise SignatureRefused("the signature is out of range; sign again with a standard wallet")

    @property
    def v(self) -> int:
        """27 or 28, as `ecrecover` and `permit` take it."""
        return 27 + self.odd

    @property
    def compact(self) -> tuple[bytes, bytes]:
        """(r, vs) of EIP-2098, as `report` takes it."""
        return self.r.to_bytes(32), (self.odd << 255 | self.s).to_bytes(32)

    def to_bytes(self) -> bytes:
        """65 bytes r, s, v, as wallets give them."""
        return self.r.to_bytes(32) + self.s.to_bytes(32) + bytes([self.v])

    @classmethod
    def of_compact(cls, r: bytes, vs: bytes) -> Self:
        """From (r, vs) of EIP-2098, 32 bytes each."""
        if len(r) != 32 or len(vs) != 32:
            raise SignatureRefused("a compact signature is twice 32 bytes")
        packed = int.from_bytes(vs)
        return cls(int.from_bytes(r), packed & (1 << 255) - 1, bool(packed >> 255))

    @classmethod
    def of_bytes(cls, raw: bytes) -> Self:
        """From the 65 bytes a wallet returns (v 0, 1, 27 or 28) or the 64 of EIP-2098.

        A high s is brought to its low twin: both are valid for the same message, contracts take only the low one.
        """
        if len(raw) == 64:
            return cls.of_compact(raw[:32], raw[32:])
        if len(raw) != 65 or raw[64] not in (0, 1, 27, 28):
            raise SignatureRefused(f"a signature is 65 bytes ending in 27 or 28, or 64 bytes; this is {len(raw)} bytes")
        r, s, odd = int.from_bytes(raw[:32]), int.from_bytes(raw[32:64]), bool(raw[64] % 27)
        return cls(r, _ORDER - s, not odd) if _HALF_ORDER < s < _ORDER else cls(r, s, odd)


def sign(key: bytes | PrivateKey, digest: bytes) -> Signature:
    """Sign a 32-byte digest. The same key and digest give the same signature (RFC 6979)."""
    if len(digest) != 32:
        raise SignatureRefused(f"a digest is 32 bytes, not {len(digest)}")
    raw = _private(key).sign_recoverable(digest, hasher=None)
    return Signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:64]), bool(raw[64]))


def recover(digest: bytes, signature: Signature) -> str:
    """Address whose key signed `digest`.

    Raises:
        SignatureRefused: no key can have made this signature.
    """
    if len(digest) != 32:
        raise SignatureRefused(f"a digest is 32 bytes, not {len(digest)}")
    raw = signature.r.to_bytes(32) + signature.s.to_bytes(32) + bytes([signature.odd])
    try:
        return _address(PublicKey.from_signature_and_message(raw, digest, hasher=None))
    except Exception as fault:  # coincurve raises bare Exception when libsecp256k1 finds no point
        raise SignatureRefused("no key can have made this signature; sign again") from fault
