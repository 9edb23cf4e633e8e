"""What is deployed: the contracts in their order, their constructor arguments, their wiring and their owner."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["CONSTRUCTORS", "EURO", "LOCAL_CHAIN_ID", "OWNED", "READ_BACK", "WIRING", "Settings", "Wire"]

LOCAL_CHAIN_ID = 31337  # anvil's own: the only chain that gets a test euro
EURO = "Euro"


@dataclass(frozen=True)
class Settings:
    """What whoever deploys decides."""

    owner: str  # of the contracts at the end
    registrar: str  # admits sites to certificates
    price: int  # smallest euro units for one NET8
    min_stake: int  # wei of NET8 of an oracle operator
    issuer: str  # of the certificates
    energy_per_net8: int  # Wh of retired certificates for one NET8
    daily_cap: int  # wei of NET8 created against production in one UTC day
    coverage_floor: int  # millionths of coverage that creating NET8 against production must leave


Addresses = Mapping[str, str]  # contract name -> address of those deployed before

# In the order of deployment: each needs only the addresses of those above it. The euro comes before all of them.
CONSTRUCTORS: dict[str, Callable[[Addresses, Settings], list[Any]]] = {
    "NET8": lambda at, settings: [],
    "GridRegistry": lambda at, settings: [],
    "EnergyExchange": lambda at, settings: [at["NET8"], at["GridRegistry"]],
    "ExchangeLens": lambda at, settings: [at["EnergyExchange"]],
    "OracleRegistry": lambda at, settings: [at["NET8"], at["EnergyExchange"], settings.min_stake],
    "OracleCourt": lambda at, settings: [at["OracleRegistry"]],
    "TradingDesk": lambda at, settings: [at["EnergyExchange"]],
    "GreenCertificates": lambda at, settings: [at["EnergyExchange"], settings.registrar, settings.issuer],
    "MeterRecords": lambda at, settings: [at["OracleRegistry"], at["GreenCertificates"]],
    "Reserve": lambda at, settings: [
        at["NET8"],
        at[EURO],
        at["GreenCertificates"],
        settings.price,
        settings.energy_per_net8,
        settings.daily_cap,
        settings.coverage_floor,
    ],
}

# Views that give a constructor's arguments back, in their order. None: changed later by right.
READ_BACK: dict[str, tuple[str | None, ...]] = {
    "NET8": (),
    "GridRegistry": (),
    "EnergyExchange": ("token", "grid"),
    "ExchangeLens": ("exchange",),
    "OracleRegistry": ("net8", "exchange", "min_stake"),
    "OracleCourt": ("registry",),
    "TradingDesk": ("exchange",),
    "GreenCertificates": ("exchange", None, "issuer"),
    "MeterRecords": ("registry", "certificates"),
    "Reserve": ("net8", "euro", "certificates", None, "energy_per_net8", "daily_cap", "coverage_floor"),
    EURO: ("decimals",),
}


@dataclass(frozen=True)
class Wire:
    """Contracts that one contract learns of after its deployment, once and for ever."""

    contract: str
    setter: str
    targets: tuple[str, ...]  # arguments of the setter
    views: tuple[tuple[str, str], ...]  # (contract, view) that gives each of them back


WIRING = (
    Wire("NET8", "set_minter", ("Reserve",), (("NET8", "minter"),)),
    Wire(
        "GridRegistry",
        "connect",
        ("EnergyExchange", "OracleRegistry", "TradingDesk"),
        (("GridRegistry", "exchange"), ("EnergyExchange", "registry"), ("EnergyExchange", "desk")),
    ),
    Wire("OracleRegistry", "connect", ("OracleCourt",), (("OracleRegistry", "court"),)),
    Wire("GreenCertificates", "connect", ("MeterRecords",), (("GreenCertificates", "records"),)),
)

OWNED = ("GridRegistry", "OracleRegistry", "GreenCertificates", "Reserve")
