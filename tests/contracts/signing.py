"""Keys and signatures of the people in the contract tests."""

from collections.abc import Iterable
from typing import Any

import boa
import coincurve
from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_utils import keccak

SITE_CONSENT = {
    "SiteConsent": [
        {"name": "zone", "type": "uint256"},
        {"name": "owner", "type": "address"},
        {"name": "technology", "type": "uint256"},
        {"name": "nameplate", "type": "uint256"},
        {"name": "meter_key", "type": "address"},
        {"name": "nonce", "type": "uint256"},
        {"name": "deadline", "type": "uint256"},
    ]
}
PERMIT = {
    "Permit": [
        {"name": "owner", "type": "address"},
        {"name": "spender", "type": "address"},
        {"name": "value", "type": "uint256"},
        {"name": "nonce", "type": "uint256"},
        {"name": "deadline", "type": "uint256"},
    ]
}


def person(role: str) -> LocalAccount:
    """The same key for the same role in every run; for tests alone."""
    return Account.from_key(keccak(text=f"NET8 test: {role}"))


def domain(name: str, contract: Any) -> dict[str, Any]:
    """EIP-712 domain, version 1, of a contract on the chain under test."""
    return {
        "name": name,
        "version": "1",
        "chainId": boa.env.evm.patch.chain_id,
        "verifyingContract": contract.address,
    }


def compact(signature: bytes) -> tuple[bytes, bytes]:
    """EIP-2098: (r, vs) of a recoverable signature r | s | parity."""
    parity, s = signature[64], int.from_bytes(signature[32:64])
    return signature[:32], (parity << 255 | s).to_bytes(32)


def sign_digest(digest: bytes, signers: Iterable[LocalAccount]) -> list[tuple[bytes, bytes]]:
    """Compact signatures of one digest, in the order of the signers."""
    keys = (coincurve.PrivateKey(bytes(signer.key)) for signer in signers)
    return [compact(key.sign_recoverable(digest, hasher=None)) for key in keys]


def consent(
    grid: Any, zone: int, owner: LocalAccount, technology: int, nameplate: int, meter_key: str, deadline: int
) -> bytes:
    """A site owner's signed consent to the registration of his site."""
    message = {
        "zone": zone,
        "owner": owner.address,
        "technology": technology,
        "nameplate": nameplate,
        "meter_key": meter_key,
        "nonce": grid.consent_nonce(owner.address),
        "deadline": deadline,
    }
    return bytes(owner.sign_typed_data(domain("NET8 GridRegistry", grid), SITE_CONSENT, message).signature)
