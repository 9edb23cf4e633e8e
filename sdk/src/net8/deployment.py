"""Where the contracts are: `deployments/<chain id>.json`, written by the deploy script."""

import json
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from net8.eip712 import Domain, desk_domain, grid_domain, registry_domain, token_domain
from net8.signing import SignatureRefused, checksum_address

__all__ = ["CONTRACTS", "ContractRecord", "Deployment", "DeploymentRefused", "load"]

CONTRACTS = (
    "NET8",
    "GridRegistry",
    "EnergyExchange",
    "ExchangeLens",
    "OracleRegistry",
    "OracleCourt",
    "TradingDesk",
    "GreenCertificates",
    "MeterRecords",
    "Reserve",
    "Euro",
)


class DeploymentRefused(ValueError):
    """A deployment file that cannot be used. The message says what is wrong and what to do."""


def _checksummed(address: str) -> str:
    try:
        return checksum_address(address)
    except SignatureRefused as fault:
        raise ValueError(str(fault)) from None


Address = Annotated[str, AfterValidator(_checksummed)]


class ContractRecord(BaseModel):
    """One deployed contract."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    address: Address
    block: int = Field(ge=0)  # of the deployment: logs start here
    args: list[Any]  # of the constructor
    code_hash: str = Field(pattern=r"^0x[0-9a-f]{64}$")  # keccak of the runtime code


class Deployment(BaseModel):
    """All contracts of one chain."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    chain_id: int = Field(ge=1)
    owner: Address
    contracts: dict[str, ContractRecord]

    @model_validator(mode="after")
    def _complete(self) -> Self:
        missing = [name for name in CONTRACTS if name not in self.contracts]
        if missing:
            raise ValueError(f"{', '.join(missing)} missing; deploy again, the script continues where it stopped")
        return self

    def address(self, name: str) -> str:
        """Address of a contract by its name in `CONTRACTS`."""
        try:
            return self.contracts[name].address
        except KeyError:
            raise DeploymentRefused(f"no contract named {name}; there are {', '.join(self.contracts)}") from None

    @property
    def first_block(self) -> int:
        """The earliest block with an event of these contracts."""
        return min(record.block for record in self.contracts.values())

    @property
    def desk_domain(self) -> Domain:
        """Where signed orders and strips count."""
        return desk_domain(self.chain_id, self.address("TradingDesk"))

    @property
    def grid_domain(self) -> Domain:
        """Where consents to sites count."""
        return grid_domain(self.chain_id, self.address("GridRegistry"))

    @property
    def registry_domain(self) -> Domain:
        """Where reports count."""
        return registry_domain(self.chain_id, self.address("OracleRegistry"))

    @property
    def token_domain(self) -> Domain:
        """Where permits count."""
        return token_domain(self.chain_id, self.address("NET8"))


def load(path: str | Path) -> Deployment:
    """Read and check a deployment file.

    Raises:
        DeploymentRefused: there is no such file, it is no JSON, or a field is missing or wrong.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DeploymentRefused(f"{path} does not exist; deploy first, or give the path of your chain's file") from None
    except (OSError, ValueError) as fault:
        raise DeploymentRefused(f"{path} cannot be read as JSON ({fault}); deploy again to rewrite it") from None
    try:
        return Deployment.model_validate(content)
    except ValidationError as fault:
        first = fault.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        what = first["msg"].removeprefix("Value error, ")
        raise DeploymentRefused(f"{path}: {where}: {what}") from None
