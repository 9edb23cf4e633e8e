"""The gateway process: meters -> signed readings -> store -> operators."""

import asyncio
import logging
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
from aiohttp import web
from net8.logs import fields
from net8.units import REPORT_TIMEOUT_SLOTS, SLOT_SECONDS

from net8_oracle import keys
from net8_oracle.clock import ChainClock, Clock, HeadPoller, WallClock
from net8_oracle.gateway.continuity import Continuity
from net8_oracle.gateway.meter import Meter, Taken
from net8_oracle.gateway.publisher import Publisher, encode
from net8_oracle.gateway.settings import GatewaySettings, MeterSettings, OperatorSettings
from net8_oracle.gateway.sources import make
from net8_oracle.gateway.state import SourceSettings
from net8_oracle.gateway.store import GatewayStore
from net8_oracle.gateway.ways import BrokerLink, HttpWay, MqttWay, Way
from net8_oracle.http_server import serve
from net8_oracle.reading import SignedReading, meter_domain
from net8_oracle.rpc import Rpc
from net8_oracle.settings import host_and_port
from net8_oracle.tls import knowing

__all__ = ["run"]

log = logging.getLogger(__name__)

_SIGN_AT_ONCE = 128  # readings signed, stored and sent together: a post costs more than signing ten readings
_POST_TIMEOUT = 10.0  # seconds
_PRUNE_EVERY = 3600.0  # seconds


class Gateway:
    """All meters of one process."""

    def __init__(self, settings: GatewaySettings, folder: Path) -> None:
        """Checks everything the configuration names: deployment, keystores, sources, store.

        Raises:
            ConfigRefused, KeyRefused: something named there does not exist or cannot be used.
        """
        self._settings = settings
        contracts = settings.chain.contracts()
        self._chain_id = contracts.chain_id
        self._domain = meter_domain(contracts.chain_id, contracts.address("EnergyExchange"))
        self._sources = [
            make(meter.source, f"meters[{i}].source", folder) for i, meter in enumerate(settings.meters, start=1)
        ]
        self._keys = [keys.load(meter.keystore, self._password(meter)) for meter in settings.meters]
        self._store = GatewayStore(settings.store)
        self._taken: asyncio.Queue[Taken] = asyncio.Queue()
        self._publishers: list[Publisher] = []
        self._meters: list[Meter] = []
        self._clock: Clock = WallClock()

    def _password(self, meter: MeterSettings) -> str:
        return meter.password() if meter.names_password else self._settings.password()

    def _continuity(self, meter: MeterSettings, told: SourceSettings) -> Continuity:
        last, serial = self._store.last(meter.site), self._store.serial(meter.site, meter.epoch)
        return Continuity(meter.site, meter.epoch, told, last, serial)

    def _way(self, operator: OperatorSettings, session: aiohttp.ClientSession, link: BrokerLink | None) -> Way:
        if operator.url is not None:
            tls = knowing(operator.certificate) if operator.certificate is not None else None
            return HttpWay(session, operator.url, tls)
        assert link is not None, "the configuration names a broker"
        assert operator.signer is not None, "an operator is named by its url or by its signer"
        return MqttWay(link, self._chain_id, self._domain, operator.signer)

    async def run(self) -> None:
        """Read and publish until cancelled."""
        settings = self._settings
        async with AsyncExitStack() as stack, asyncio.TaskGroup() as tasks:
            stack.callback(self._store.close)
            # Publishers bound their posts themselves: those to one operator never wait for another's connections.
            session = await stack.enter_async_context(
                aiohttp.ClientSession(
                    auto_decompress=False,
                    connector=aiohttp.TCPConnector(limit=0),
                    timeout=aiohttp.ClientTimeout(total=_POST_TIMEOUT),
                )
            )
            if settings.chain.clock == "chain":
                rpc = Rpc(session, settings.chain.rpc[0], settings.chain.timeout_ms / 1000)
                poller = HeadPoller(rpc, settings.chain.poll_ms / 1000)
                tasks.create_task(poller.run())
                self._clock = ChainClock(poller)
            link = BrokerLink(settings.broker, self._chain_id) if settings.broker is not None else None
            self._publishers = [Publisher(self._way(one, session, link), self._store) for one in settings.operators]
            if link is not None:
                tasks.create_task(link.run())
            self._meters = [
                Meter(key, source, self._clock, self._continuity(meter, told))
                for meter, key, (source, told) in zip(settings.meters, self._keys, self._sources, strict=True)
            ]
            if settings.listen is not None:
                await stack.enter_async_context(serve(self._routes(), *host_and_port(settings.listen)))
            for publisher in self._publishers:
                tasks.create_task(publisher.run())
            for meter in self._meters:
                stack.push_async_callback(meter.close)
                tasks.create_task(meter.run(self._taken.put_nowait))
            tasks.create_task(self._record())
            tasks.create_task(self._prune())
            log.info("gateway started", extra=fields(meters=len(self._meters), operators=len(self._publishers)))

    async def _record(self) -> None:
        """Sign, store, then offer to the operators: what was published is never forgotten."""
        while True:
            taken = [await self._taken.get()]
            while len(taken) < _SIGN_AT_ONCE and not self._taken.empty():
                taken.append(self._taken.get_nowait())
            signed = [
                SignedReading.make(one.reading, self._domain, one.meter.key, one.source_ns, one.record) for one in taken
            ]
            serials = {one.meter.site: one.meter.serial for one in taken if one.meter.serial is not None}
            readings = encode(self._store.append(signed, serials))
            for publisher in self._publishers:
                publisher.offer(readings)
            await asyncio.sleep(0)

    async def _prune(self) -> None:
        """Drop what is too old to be settled."""
        while True:
            await asyncio.sleep(_PRUNE_EVERY)
            before = self._clock.now() - (REPORT_TIMEOUT_SLOTS + 1) * SLOT_SECONDS
            dropped = self._store.prune([publisher.operator for publisher in self._publishers], before)
            log.info("old readings dropped", extra=fields(readings=dropped))

    def _routes(self) -> list[web.RouteDef]:
        return [web.get("/healthz", self._healthz), web.get("/status", self._status)]

    async def _healthz(self, request: web.Request) -> web.Response:
        problems = [meter.fault for meter in self._meters if meter.fault is not None]
        if not any(publisher.reachable for publisher in self._publishers):
            problems.append("no operator is reached")
        return web.json_response({"healthy": not problems, "problems": problems}, status=503 if problems else 200)

    async def _status(self, request: web.Request) -> web.Response:
        return web.json_response(
            {
                "now": self._clock.now(),
                "meters": [
                    {"site": meter.site, "serial": meter.serial, "fault": meter.fault} for meter in self._meters
                ],
                "operators": [
                    {"operator": one.operator, "reachable": one.reachable, "backlog": one.backlog}
                    for one in self._publishers
                ],
            }
        )


async def run(settings: GatewaySettings, folder: Path) -> None:
    """Run a gateway until cancelled; relative paths of sources count from `folder`."""
    await Gateway(settings, folder).run()
