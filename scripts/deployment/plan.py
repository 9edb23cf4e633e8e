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
    base_uri: str  # of the certificates' metadata


Addresses = Mapping[str, str]  # contract name -> address of those deployed before

# In the order of deployment: each needs only the addresses of those above it. The euro comes before all of them.
CONSTRUCTORS: dict[str, Callable[[Addresses, Settings], list[Any]]] = {
    "NET8": lambda at, settings: [],
    "GridRegistry": lambda at, settings: [],
    "EnergyExchange": lambda at, settings: [at["NET8"], at["GridRegistry"]],
    "ExchangeLens": lambda at, settings: [at["EnergyExchange"]],
    "OracleRegistry": lambda at, settings: [at["NET8"], at["EnergyExchange"], settings.min_stake],
    "TradingDesk": lambda at, settings: [at["EnergyExchange"]],
    "GreenCertificates": lambda at, settings: [at["EnergyExchange"], settings.registrar, settings.base_uri],
    "Reserve": lambda at, settings: [at["NET8"], at[EURO], settings.price],
}

# Views that give a constructor's arguments back, in their order. None: changed later by right (the registrar).
READ_BACK: dict[str, tuple[str | None, ...]] = {
    "NET8": (),
    "GridRegistry": (),
    "EnergyExchange": ("token", "grid"),
    "ExchangeLens": ("exchange",),
    "OracleRegistry": ("net8", "exchange", "min_stake"),
    "TradingDesk": ("exchange",),
    "GreenCertificates": ("exchange", None, "base_uri"),
    "Reserve": ("net8", "euro", "price"),
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
)

OWNED = ("GridRegistry", "OracleRegistry", "GreenCertificates")
