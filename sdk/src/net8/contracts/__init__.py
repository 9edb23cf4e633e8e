"""Calls of all contracts of a deployment: made here, answered or sent by `net8.client`.

contracts = Contracts.of(deployment)
chain.read(contracts.exchange.free_balance(site))
seller.send(contracts.exchange.place(site, slot, True, 1000, 5000))
"""

from dataclasses import dataclass
from typing import Self

from net8.contracts.certificates import Certificates
from net8.contracts.core import Call, Contract
from net8.contracts.court import Court
from net8.contracts.desk import Desk
from net8.contracts.exchange import Exchange
from net8.contracts.grid import Grid
from net8.contracts.lens import Lens
from net8.contracts.records import Records
from net8.contracts.registry import Registry
from net8.contracts.reserve import Reserve
from net8.contracts.token import Euro, Net8, Token
from net8.deployment import Deployment

__all__ = [
    "Call",
    "Certificates",
    "Contract",
    "Contracts",
    "Court",
    "Desk",
    "Euro",
    "Exchange",
    "Grid",
    "Lens",
    "Net8",
    "Records",
    "Registry",
    "Reserve",
    "Token",
]


@dataclass(frozen=True, slots=True)
class Contracts:
    """All contracts of one deployment."""

    token: Net8
    grid: Grid
    exchange: Exchange
    lens: Lens
    desk: Desk
    registry: Registry
    court: Court
    certificates: Certificates
    records: Records
    reserve: Reserve
    euro: Euro

    @classmethod
    def of(cls, deployment: Deployment) -> Self:
        """The contracts at the addresses of a deployment file."""
        return cls(
            token=Net8(deployment.address("NET8")),
            grid=Grid(deployment.address("GridRegistry")),
            exchange=Exchange(deployment.address("EnergyExchange")),
            lens=Lens(deployment.address("ExchangeLens")),
            desk=Desk(deployment.address("TradingDesk")),
            registry=Registry(deployment.address("OracleRegistry")),
            court=Court(deployment.address("OracleCourt")),
            certificates=Certificates(deployment.address("GreenCertificates")),
            records=Records(deployment.address("MeterRecords")),
            reserve=Reserve(deployment.address("Reserve")),
            euro=Euro(deployment.address("Euro")),
        )
