"""The part of a node that takes readings, listening on a broker, without a chain."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from net8_oracle import crypto
from net8_oracle.broker import BrokerSettings
from net8_oracle.node.inbox import BrokerInbox
from net8_oracle.node.intake import Intake
from net8_oracle.node.meters import Meters, RegisteredSite
from net8_oracle.node.metrics import Metrics
from net8_oracle.node.store import SqlStore

from tests.oracle_node.broker import Mosquitto
from tests.oracle_node.mesh import METER_DOMAIN, HandClock, private_key

CHAIN, SITE, START = 31337, 65_537, 900 * 2_000_000
METER, SIGNER = private_key("meter"), private_key("signer")


class Node:
    """The part of a node that takes readings, listening on a broker."""

    def __init__(self, folder: Path, broker: Mosquitto) -> None:
        site = RegisteredSite(SITE, crypto.own_address(METER), 10_000, 0)
        self.clock = HandClock(START + 900 * 10)
        self.store = SqlStore(folder / "node.sqlite")
        self.heard: list[tuple[int, int]] = []
        intake = Intake(
            Meters(METER_DOMAIN, lambda number: site if number == SITE else None),
            self.clock,
            self.store,
            Metrics(),
            lambda *heard: self.heard.append(heard),
        )
        self.inbox = BrokerInbox(BrokerSettings(url=broker.url), CHAIN, METER_DOMAIN, SIGNER, intake.take)

    def stored(self) -> list[int]:
        return [one.reading.sequence for one in self.store.readings_since(0)]


@asynccontextmanager
async def running(*works: Any) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(work) for work in works]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
