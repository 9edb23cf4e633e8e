"""Keys and signatures on the hot path: raw bytes in, raw bytes out, by libsecp256k1.

An address is 20 bytes here and a signature 65 (r, s, v with v 27 or 28); `net8.signing` has the readable forms.
"""

from coincurve import PrivateKey, PublicKey
from net8.signing import checksum_address, keccak256

__all__ = ["SignatureInvalid", "address_bytes", "address_text", "own_address", "recover", "sign"]


class SignatureInvalid(ValueError):
    """A signature that no key can have made, or that is not 65 bytes ending in 27 or 28."""


def sign(key: PrivateKey, digest: bytes) -> bytes:
    """Sign a 32-byte digest; the same key and digest always give the same 65 bytes (RFC 6979)."""
    raw = key.sign_recoverable(digest, hasher=None)
    return raw[:64] + bytes([27 + raw[64]])


def recover(digest: bytes, signature: bytes) -> bytes:
    """Address (20 bytes) whose key signed `digest`.

    Raises:
        SignatureInvalid: no key can have made this signature.
    """
    if len(signature) != 65 or signature[64] not in (27, 28):
        raise SignatureInvalid("a signature is 65 bytes that end in 27 or 28")
    try:
        public = PublicKey.from_signature_and_message(signature[:64] + bytes([signature[64] - 27]), digest, hasher=None)
    except Exception as fault:  # coincurve raises bare Exception when libsecp256k1 finds no point
        raise SignatureInvalid("no key can have made this signature") from fault
    return keccak256(public.format(compressed=False)[1:])[12:]


def own_address(key: PrivateKey) -> bytes:
    """Address (20 bytes) of a private key."""
    return keccak256(key.public_key.format(compressed=False)[1:])[12:]


def address_bytes(address: str) -> bytes:
    """20 bytes of an address in text.

    Raises:
        net8.signing.SignatureRefused: it is no address, or its checksum is wrong.
    """
    return bytes.fromhex(checksum_address(address)[2:])


def address_text(address: bytes) -> str:
    """An address as people read it."""
    return checksum_address(address)
