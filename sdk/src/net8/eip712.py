"""What people and nodes sign (EIP-712): consent to a site, reports, permits, and the domains that bind them.

`digest` is what a key signs, `typed_data` the same for a wallet (`eth_signTypedData_v4`). The hashes equal those of
the contracts; a test compares them. Other messages of a program of its own (a node's observation) are made with
`StructType`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from net8.signing import checksum_address, keccak256

__all__ = [
    "DESK_NAME",
    "GRID_NAME",
    "REGISTRY_NAME",
    "TOKEN_NAME",
    "VERSION",
    "Domain",
    "MessageRefused",
    "Permit",
    "Report",
    "SiteConsent",
    "StructType",
    "Value",
    "desk_domain",
    "grid_domain",
    "registry_domain",
    "token_domain",
]

DESK_NAME = "NET8 TradingDesk"
GRID_NAME = "NET8 GridRegistry"
REGISTRY_NAME = "NET8 OracleRegistry"
TOKEN_NAME = "NET8"  # noqa: S105
VERSION = "1"

Value = int | str | bytes | Sequence[int]


class MessageRefused(ValueError):
    """A value that does not fit its field. The message names the field."""


def _encode(kind: str, name: str, value: object) -> bytes:
    """One field as the 32 bytes that enter the struct's hash."""
    if kind == "string" and isinstance(value, str):
        return keccak256(value.encode())
    if kind == "bytes" and isinstance(value, bytes):
        return keccak256(value)
    if kind == "address" and isinstance(value, str):
        return bytes.fromhex(checksum_address(value)[2:]).rjust(32, b"\0")
    if kind == "bytes32" and isinstance(value, bytes) and len(value) == 32:
        return value
    if kind == "bool" and isinstance(value, bool):
        return int(value).to_bytes(32)
    if kind == "uint256" and isinstance(value, int) and 0 <= value < 2**256:
        return value.to_bytes(32)
    if kind.endswith("[]") and isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return keccak256(b"".join(_encode(kind[:-2], name, element) for element in value))
    raise MessageRefused(f"{name} is {value!r}, which is no {kind}")


def _for_wallet(kind: str, value: object) -> object:
    """One field as JSON for a wallet: numbers as decimal strings, because JavaScript's are too short."""
    if isinstance(value, list | tuple):
        return [_for_wallet(kind[:-2], element) for element in value]
    if isinstance(value, bytes):
        return "0x" + value.hex()
    return str(value) if kind == "uint256" else value


@dataclass(frozen=True)
class StructType:
    """A struct of EIP-712 with fields of atomic types or arrays of them.

    Types known: uint256, address, bytes32, bytes, string, bool, and their dynamic arrays.
    """

    name: str
    fields: tuple[tuple[str, str], ...]  # (type, name), in the order of the declaration

    @cached_property
    def type_hash(self) -> bytes:
        """Hash of the declaration, such as `Report(uint256 zone,uint256 round,uint256[] entries)`."""
        declared = ",".join(f"{kind} {name}" for kind, name in self.fields)
        return keccak256(f"{self.name}({declared})".encode())

    def hash(self, values: Mapping[str, Value]) -> bytes:
        """Hash of one message.

        Raises:
            MessageRefused: a value does not fit its type.
        """
        return keccak256(self.type_hash + b"".join(_encode(kind, name, values[name]) for kind, name in self.fields))

    def digest(self, domain: "Domain", values: Mapping[str, Value]) -> bytes:
        """The 32 bytes to sign for one message in `domain`."""
        return keccak256(b"\x19\x01" + domain.separator + self.hash(values))

    def typed_data(self, domain: "Domain", values: Mapping[str, Value]) -> dict[str, Any]:
        """One message in `domain` as wallets take it; plain JSON."""
        self.hash(values)  # refuses what does not fit
        return {
            "types": {
                "EIP712Domain": [{"name": name, "type": kind} for kind, name in _DOMAIN.fields],
                self.name: [{"name": name, "type": kind} for kind, name in self.fields],
            },
            "primaryType": self.name,
            "domain": {
                "name": domain.name,
                "version": domain.version,
                "chainId": domain.chain_id,
                "verifyingContract": checksum_address(domain.contract),
            },
            "message": {name: _for_wallet(kind, values[name]) for kind, name in self.fields},
        }


_DOMAIN = StructType(
    "EIP712Domain",
    (("string", "name"), ("string", "version"), ("uint256", "chainId"), ("address", "verifyingContract")),
)
_SITE_CONSENT = StructType(
    "SiteConsent",
    (
        ("uint256", "zone"),
        ("address", "owner"),
        ("uint256", "technology"),
        ("uint256", "nameplate"),
        ("address", "meter_key"),
        ("uint256", "nonce"),
        ("uint256", "deadline"),
    ),
)
_REPORT = StructType("Report", (("uint256", "zone"), ("uint256", "round"), ("uint256[]", "entries")))
_PERMIT = StructType(
    "Permit",
    (
        ("address", "owner"),
        ("address", "spender"),
        ("uint256", "value"),
        ("uint256", "nonce"),
        ("uint256", "deadline"),
    ),
)


@dataclass(frozen=True)
class Domain:
    """Where a signature counts: one contract on one chain."""

    name: str
    version: str
    chain_id: int
    contract: str

    @cached_property
    def separator(self) -> bytes:
        """The domain separator of EIP-712."""
        return _DOMAIN.hash(
            {
                "name": self.name,
                "version": self.version,
                "chainId": self.chain_id,
                "verifyingContract": self.contract,
            }
        )


def desk_domain(chain_id: int, contract: str) -> Domain:
    """Domain of a TradingDesk."""
    return Domain(DESK_NAME, VERSION, chain_id, contract)


def grid_domain(chain_id: int, contract: str) -> Domain:
    """Domain of a GridRegistry."""
    return Domain(GRID_NAME, VERSION, chain_id, contract)


def registry_domain(chain_id: int, contract: str) -> Domain:
    """Domain of an OracleRegistry."""
    return Domain(REGISTRY_NAME, VERSION, chain_id, contract)


def token_domain(chain_id: int, contract: str) -> Domain:
    """Domain of a NET8 token."""
    return Domain(TOKEN_NAME, VERSION, chain_id, contract)


@dataclass(frozen=True, slots=True)
class SiteConsent:
    """An owner's consent to the registration of a site."""

    zone: int
    owner: str
    technology: int
    nameplate: int  # W
    meter_key: str
    nonce: int  # `consent_nonce` of the owner
    deadline: int  # unix seconds

    def _values(self) -> dict[str, Value]:
        return {name: getattr(self, name) for _, name in _SITE_CONSENT.fields}

    def digest(self, domain: Domain) -> bytes:
        """The 32 bytes the owner signs."""
        return _SITE_CONSENT.digest(domain, self._values())

    def typed_data(self, domain: Domain) -> dict[str, Any]:
        """The same for a wallet."""
        return _SITE_CONSENT.typed_data(domain, self._values())


@dataclass(frozen=True, slots=True)
class Report:
    """What a quorum of operators signs for a zone: settlement entries, ascending."""

    zone: int
    round: int  # of the operators' agreement; nobody honest signs two different reports in one
    entries: tuple[int, ...]  # packed words, see `net8.packing.pack_entries`

    def _values(self) -> dict[str, Value]:
        return {"zone": self.zone, "round": self.round, "entries": self.entries}

    def digest(self, domain: Domain) -> bytes:
        """The 32 bytes each operator signs."""
        return _REPORT.digest(domain, self._values())

    def typed_data(self, domain: Domain) -> dict[str, Any]:
        """The same for a wallet or a remote signer."""
        return _REPORT.typed_data(domain, self._values())


@dataclass(frozen=True, slots=True)
class Permit:
    """An owner's allowance of tokens to a spender (EIP-2612)."""

    owner: str
    spender: str
    value: int  # wei
    nonce: int  # `nonces` of the owner
    deadline: int  # unix seconds

    def _values(self) -> dict[str, Value]:
        return {name: getattr(self, name) for _, name in _PERMIT.fields}

    def digest(self, domain: Domain) -> bytes:
        """The 32 bytes the owner signs."""
        return _PERMIT.digest(domain, self._values())

    def typed_data(self, domain: Domain) -> dict[str, Any]:
        """The same for a wallet."""
        return _PERMIT.typed_data(domain, self._values())
