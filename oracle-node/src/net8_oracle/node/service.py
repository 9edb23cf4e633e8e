"""The node process: everything wired together, and its HTTP face."""

import asyncio
import gc
import logging
from contextlib import AsyncExitStack
from functools import partial

import aiohttp
from aiohttp import web
from net8.contracts import Contracts
from net8.deployment import Deployment
from net8.logs import fields
from net8.units import REPORT_TIMEOUT_SLOTS, SLOT_SECONDS, slot_of

from net8_oracle import crypto, keys
from net8_oracle.clock import ChainClock, Clock, HeadPoller, WallClock
from net8_oracle.http_server import serve
from net8_oracle.node.attachments import Attachments
from net8_oracle.node.chain import ChainView
from net8_oracle.node.council import Council
from net8_oracle.node.door import Door
from net8_oracle.node.endpoints import Endpoints, Standing
from net8_oracle.node.envelopes import EnvelopesPost
from net8_oracle.node.evidence import doubled
from net8_oracle.node.finality import Finality
from net8_oracle.node.freshness import Freshness
from net8_oracle.node.inbox import BrokerInbox
from net8_oracle.node.intake import Intake
from net8_oracle.node.layers.feeder_log import feeder_domain
from net8_oracle.node.layers.watch import Watch
from net8_oracle.node.limits import Limits
from net8_oracle.node.mesh import HttpMesh
from net8_oracle.node.meters import Meters
from net8_oracle.node.metrics import Metrics
from net8_oracle.node.nats_transport import NatsTransport
from net8_oracle.node.outbox import Fenced
from net8_oracle.node.pins import Pins
from net8_oracle.node.settings import NodeSettings
from net8_oracle.node.stamps import Stamps
from net8_oracle.node.store import SqlStore, StoreUnavailable
from net8_oracle.node.transmitter import Transmitter
from net8_oracle.node.transport import PeersTransport
from net8_oracle.reading import meter_domain
from net8_oracle.rpc import Rpc, RpcRefused, RpcUnreachable
from net8_oracle.settings import ChainSettings, ConfigRefused, host_and_port

__all__ = ["run"]

log = logging.getLogger(__name__)

_PRUNE_EVERY = 3600.0  # seconds
_MOST_CONNECTIONS = 256


class Node:
    """One operator's node."""

    def __init__(self, settings: NodeSettings) -> None:
        """Opens what the configuration names.

        Raises:
            ConfigRefused, KeyRefused: something named there does not exist or cannot be used.
        """
        self._settings = settings
        self._contracts = settings.chain.contracts()
        password = settings.keys.password()
        self._signer = keys.load(settings.keys.signer, password)
        self._transmitter_key = keys.load(settings.keys.transmitter, password)
        self._me = crypto.own_address(self._signer)
        self._store = SqlStore(settings.store.where, settings.store.secret())
        self._stamps = Stamps(settings.stamps)
        self._metrics = Metrics()
        self._pins = Pins(settings.mesh, settings.peers, crypto.address_text(self._me), password)
        self._limits = Limits(settings.limits, self._metrics)
        self._door = Door(self._pins, self._limits, self._metrics)
        self._mesh_tls = self._pins.serving(self._door.refused)
        self._tls = self._pins.serving_gateways() if settings.listen_tls else None
        self._nats_tls = settings.nats.tls(password) if settings.nats is not None else None
        self._inbox: BrokerInbox | None = None

    async def run(self) -> None:
        """Serve and agree until cancelled."""
        settings, contracts = self._settings, self._contracts
        calls = Contracts.of(contracts)
        async with AsyncExitStack() as stack, asyncio.TaskGroup() as tasks:
            stack.callback(self._store.close)
            stack.callback(self._stamps.close)
            session = await stack.enter_async_context(
                aiohttp.ClientSession(
                    timeout=aiohttp.ClientTimeout(total=10.0),
                    connector=aiohttp.TCPConnector(limit=_MOST_CONNECTIONS, limit_per_host=0, keepalive_timeout=3600),
                )
            )
            chain = self._endpoints = _endpoints(settings.chain, session, contracts)
            self._poller = HeadPoller(chain, settings.chain.poll_ms / 1000)
            self._clock: Clock = ChainClock(self._poller) if settings.chain.clock == "chain" else WallClock()
            self._chain = ChainView(chain, self._poller, self._clock, calls, settings.zones, self._store.chain_memory())
            readings_domain = meter_domain(contracts.chain_id, contracts.address("EnergyExchange"))
            self._meters = Meters(readings_domain, self._chain.site)
            outbox = self._store.outbox(crypto.own_address(self._transmitter_key))
            self._transmitter = Transmitter(
                chain,
                self._poller,
                outbox,
                contracts.chain_id,
                self._transmitter_key,
                settings.chain.fee_cap_gwei * 10**9,
                settings.chain.resend_ms / 1000,
            )
            self._mesh = self._way_to_peers(session)
            log_domain = feeder_domain(contracts.chain_id, contracts.address("EnergyExchange"))
            supply = Watch(settings.layers, self._meters, self._chain.site, self._clock, session, log_domain)
            self._council = Council(
                key=self._signer,
                domain=contracts.registry_domain,
                registry=calls.registry,
                records=calls.records,
                attachments=Attachments(self._chain, calls.records, self._meters),
                zones=settings.zones,
                clock=self._clock,
                chain=self._chain,
                meters=self._meters,
                layers=supply.judges,
                store=self._store,
                transport=self._mesh,
                transmitter=self._transmitter,
                timing=settings.timing.seconds(),
                stamps=self._stamps,
                metrics=self._metrics,
            )
            self._freshness = [
                Freshness(self._chain, self._clock, zone, settings.health.fresh_within_s) for zone in settings.zones
            ]
            self._intake = Intake(
                self._meters, self._clock, self._store, self._metrics, self._council.heard, self._council.agreeing
            )
            stack.push_async_callback(self._council.close)
            finality = Finality(
                chain, self._poller, self._store, outbox, settings.chain.final_blocks, self._council.vanished
            )
            await self._start()
            for site, boundary in doubled(self._store.evidence()):
                self._meters.doubt(site, boundary)
            self._meters.restore(
                self._store.readings_since(self._clock.now() - (REPORT_TIMEOUT_SLOTS + 2) * SLOT_SECONDS)
            )
            self._expose()
            await self._listen(stack)
            for work in (chain.run(), self._poller.run(), self._chain.run(), self._mesh.run(), finality.run()):
                tasks.create_task(work)
            if settings.broker is not None:
                self._inbox = BrokerInbox(
                    settings.broker, contracts.chain_id, readings_domain, self._signer, self._intake.take
                )
                tasks.create_task(self._inbox.run())
            for work in (self._prune(), self._stop_when_fenced(), self._transmitter.resume(self._council.resumed)):
                tasks.create_task(work)
            if settings.chain.clock == "wall":
                tasks.create_task(self._chain.read_ahead())
            tasks.create_task(self._council.take_up_kept())
            tasks.create_task(supply.run())
            for zone in settings.zones:
                tasks.create_task(self._council.run_zone(zone))
                tasks.create_task(self._council.watch_silence(zone))
            for watch in self._freshness:
                tasks.create_task(watch.run())
            gc.freeze()  # what is loaded by now stays; looking through it would hold up a round by tens of ms
            log.info(
                "node started",
                extra=fields(
                    signer=crypto.address_text(self._me),
                    transmitter=crypto.address_text(self._transmitter.address),
                    zones=settings.zones,
                    peers=len(self._mesh.peers),
                    listed=all(self._council.listed().values()),
                ),
            )

    def _way_to_peers(self, session: aiohttp.ClientSession) -> PeersTransport:
        settings = self._settings
        peers = {crypto.address_bytes(peer.signer): peer.url or "" for peer in settings.peers}
        peers.pop(self._me, None)  # one list of peers may serve all operators
        if settings.nats is None:
            return HttpMesh(session, peers, self._pins.calling)
        return NatsTransport(
            settings.nats,
            self._nats_tls,
            self._contracts.chain_id,
            settings.zones,
            self._me,
            list(peers),
            self._limits,
            self._metrics,
        )

    async def _start(self) -> None:
        """Begin with what a chain node tells, or, while none answers, with what one told before a restart.

        Raises:
            ConfigRefused: what no chain node can mend: another chain, other contracts.
        """
        told, knows_enough = "", None
        while True:
            try:
                if knows_enough is None:
                    knows_its_nonce = self._transmitter.take_over()
                    knows_enough = self._chain.recall() and knows_its_nonce
                await self._chain.load()
                await self._transmitter.learn_nonce()
                return
            except (RpcUnreachable, StoreUnavailable) as fault:
                if all(one.standing is Standing.WRONG for one in self._endpoints.all):
                    raise ConfigRefused(self._endpoints.all[0].reason) from None
                if isinstance(fault, RpcUnreachable) and knows_enough and self._settings.chain.clock == "wall":
                    log.warning("started without the chain", extra=fields(reason=str(fault)))
                    return
                if told != str(fault):
                    log.warning("waiting to start", extra=fields(reason=str(fault)))
                told = str(fault)
                await asyncio.sleep(0.5)
            except RpcRefused as fault:
                raise ConfigRefused(
                    f"the contracts of {self._settings.chain.deployment} do not answer on this chain ({fault}); "
                    "check chain.rpc and chain.deployment"
                ) from None

    async def _stop_when_fenced(self) -> None:
        try:
            await self._transmitter.until_fenced()
        except Fenced as fault:
            raise ConfigRefused(f"store {self._settings.store.url}: {fault}") from None

    async def _prune(self) -> None:
        while True:
            await asyncio.sleep(_PRUNE_EVERY)
            now = self._clock.now()
            oldest = slot_of(now) - REPORT_TIMEOUT_SLOTS - 2
            try:
                self._store.prune(oldest * SLOT_SECONDS, oldest)
            except StoreUnavailable as fault:
                log.error("store not pruned", extra=fields(reason=str(fault)))

    # --- HTTP --------------------------------------------------------------------------------------------------

    async def _listen(self, stack: AsyncExitStack) -> None:
        """Peers come in by a door of their own, unless they come without TLS."""
        public = [
            web.post("/readings", self._post_readings),
            web.get("/healthz", self._get_health),
            web.get("/metrics", self._get_metrics),
            web.get("/status", self._get_status),
        ]
        for_peers = [web.get("/envelopes", self._get_envelopes)] if self._settings.nats is None else []
        mesh = self._settings.mesh
        open_ = partial(serve, largest_body=self._limits.largest_body, admits=self._limits.admits)
        if mesh is None or mesh.listen is None:
            public += for_peers
        else:
            for_peers.append(web.get("/status", self._get_status))
            await stack.enter_async_context(open_(for_peers, *host_and_port(mesh.listen), tls=self._mesh_tls))
        await stack.enter_async_context(open_(public, *host_and_port(self._settings.listen), tls=self._tls))
        stack.push_async_callback(self._door.close)

    async def _post_readings(self, request: web.Request) -> web.Response:
        post = await self._door.readings(request)
        try:
            answer = await self._intake.take(post)
        except StoreUnavailable as fault:
            raise web.HTTPServiceUnavailable(text=f"{fault}\n") from None
        return web.Response(body=answer.model_dump_json().encode(), content_type="application/json")

    async def _get_envelopes(self, request: web.Request) -> web.StreamResponse:
        return await self._door.envelopes(request, self._take_envelopes)

    def _take_envelopes(self, post: EnvelopesPost) -> None:
        for envelope in post.envelopes:
            self._council.on_message(envelope)

    async def _get_health(self, request: web.Request) -> web.Response:
        await self._door.question(request)
        problems = self._problems()
        return web.json_response({"healthy": not problems, "problems": problems}, status=503 if problems else 200)

    def _fresh(self) -> float:
        return float(not any(watch.problem for watch in self._freshness))

    def _problems(self) -> list[str]:
        problems = []
        if not self._poller.reachable:
            problems.append("no chain node answers")
        problems += [one.reason for one in self._endpoints.all if one.standing is Standing.WRONG]
        if self._transmitter.problem:
            problems.append(self._transmitter.problem)
        problems += [
            f"the chain does not list this node's signer in zone {zone}"
            for zone, listed in self._council.listed().items()
            if not listed
        ]
        if self._inbox is not None and not self._inbox.reachable:
            problems.append("the broker that readings come through is not reached")
        if self._mesh.problem:
            problems.append(self._mesh.problem)
        problems += [watch.problem for watch in self._freshness if watch.problem]
        overdue = [one.key for one in self._council.in_progress() if one.overdue(self._clock.now())]
        problems += [f"zone {key.zone} slot {key.slot} has readings but no report" for key in overdue[:3]]
        return problems

    async def _get_metrics(self, request: web.Request) -> web.Response:
        await self._door.question(request)
        return web.Response(body=self._metrics.text(), headers={"Content-Type": "text/plain; version=0.0.4"})

    async def _get_status(self, request: web.Request) -> web.Response:
        await self._door.question(request)
        signers = {zone: self._chain.signers(zone) for zone in self._settings.zones}
        return web.json_response(
            {
                "signer": crypto.address_text(self._me),
                "transmitter": crypto.address_text(self._transmitter.address),
                "now": self._clock.now(),
                "block": self._poller.head.number if self._poller.head else None,
                "problems": self._problems(),
                "zones": [
                    {
                        "zone": zone,
                        "operators": len(listed),
                        "seat": listed.index(self._me) if self._me in listed else None,
                        "sites": sum(len(self._chain.sites_of(zone, part)) for part in range(self._chain.parts(zone))),
                        "last_settled_slot": self._council.last_settled.get(zone),
                        "layers": self._council.rests_on.get(zone),
                        "silent_sites": self._council.silent_sites(zone),
                    }
                    for zone, listed in signers.items()
                ],
                "peers": [
                    {"signer": crypto.address_text(signer), "url": peer.url, "reachable": peer.reachable}
                    for signer, peer in self._mesh.peers.items()
                ],
                "open": [
                    {
                        **one.key._asdict(),
                        "round": one.round,
                        "observing": one.observing,
                        "verdict": one.verdict is not None,
                        "transmitting": one.transmitting,
                    }
                    for one in self._council.in_progress()[:20]
                ],
                "outbox": self._transmitter.waiting,
                "chain_nodes": [
                    {"url": one.rpc.url, "standing": one.standing.value, "reason": one.reason}
                    for one in self._endpoints.all
                ],
            }
        )

    def _expose(self) -> None:
        gauge = self._metrics.gauge
        gauge("net8_open_slots", "Parts of slots not settled yet.", lambda: len(self._council.in_progress()))
        gauge("net8_outbox", "Transactions without receipt.", lambda: self._transmitter.waiting)
        gauge(
            "net8_listed",
            "1 when the chain lists the signer in every zone.",
            lambda: float(all(self._council.listed().values())),
        )
        gauge("net8_reports_fresh", "1 when the chain shows a fresh report of every zone.", self._fresh)
        gauge("net8_chain_reachable", "1 when the chain node answers.", lambda: float(self._poller.reachable))
        gauge(
            "net8_head_timestamp",
            "Time of the latest block, unix seconds.",
            lambda: self._poller.head.timestamp if self._poller.head else 0,
        )
        gauge(
            "net8_certificate_until",
            "End of this node's certificate, unix seconds; 0 without TLS.",
            lambda: self._pins.own.until.timestamp() if self._pins.own is not None else 0,
        )
        gauge(
            "net8_last_settled_slot",
            "The latest slot settled in any zone.",
            lambda: max(self._council.last_settled.values(), default=0),
        )


def _endpoints(settings: ChainSettings, session: aiohttp.ClientSession, contracts: Deployment) -> Endpoints:
    """The chain nodes of a configuration, each checked for the contracts that a node uses."""
    rpcs = [Rpc(session, url, settings.timeout_ms / 1000) for url in settings.rpc]
    used = (contracts.contracts[name] for name in ("GridRegistry", "EnergyExchange", "ExchangeLens", "OracleRegistry"))
    return Endpoints(rpcs, contracts.chain_id, {record.address: record.code_hash for record in used})


async def run(settings: NodeSettings) -> None:
    """Run a node until cancelled."""
    await Node(settings).run()
