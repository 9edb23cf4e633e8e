"""Operators that talk through a NATS server nobody trusts: four real nodes, a gateway, and a real server.

Node 3 reads without limits, so that the check of a flood is seen to fail where they are missing.
"""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace

import nats
import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js.api import DeliverPolicy
from net8_oracle import crypto
from net8_oracle.node import nats_transport, report
from net8_oracle.node.envelopes import Message, SignedReadings, Vote
from net8_oracle.node.limits import Limits
from net8_oracle.node.metrics import Metrics
from net8_oracle.node.nats_transport import NatsTransport, NatsUnreachable, look
from net8_oracle.node.peer_settings import LimitSettings, NatsSettings
from net8_oracle.wire import WireReading

from tests.oracle_node.local_chain import LocalChain, Zone
from tests.oracle_node.nats_server import PASSWORD, STRANGER, NatsServer
from tests.oracle_node.processes import PASSWORD as KEY_PASSWORD
from tests.oracle_node.processes import NodeProcess, Place, Street, get_json, wait_for
from tests.oracle_node.test_mutual_tls import check, metric, reach

pytestmark = pytest.mark.chain

WITHOUT_LIMITS = [str(Path(__file__).with_name("misbehaving.py")), "open-door"]
FLOOD, BURST, PER_SECOND = 8_000, 4_096, 20  # envelopes: those that are none, and what a peer may send
EXAMPLE = Path(__file__).parents[2] / "oracle-node" / "deploy" / "nats-server.conf"


class Running(Street):
    """A street whose slots the tests of this module end, one after the other."""

    slot: int
    server: NatsServer

    def __init__(self, folder: Path, zone: Zone, server: NatsServer) -> None:
        self.server = server
        budget = f"[limits.peer]\nmessages_burst = {BURST}\nmessages_per_s = {PER_SECOND}\n"
        super().__init__(folder, zone, lambda operator, place: server.table(operator, place) + budget)
        server.configure(zone.operators, self.places)

    def settle(self, count: int = 1, seconds: float = 20.0) -> None:
        """The next slots must settle."""
        for _ in range(count):
            self.end_slot(self.slot)
            self.wait_settled(self.slot, seconds)
            self.slot += 1


@pytest.fixture(scope="module")
def street(local_chain: LocalChain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("street")
    made = Running(folder, local_chain.new_zone(operators=4, sites=5), NatsServer(tmp_path_factory.mktemp("nats")))
    try:
        made.server.start()
        made.slot = made.begin({3: WITHOUT_LIMITS})
        yield made
    finally:
        made.stop()
        made.server.kill()


@asynccontextmanager
async def connected(server: NatsServer, place: Place) -> AsyncIterator[Client]:
    """Somebody who was let in and may publish anywhere."""
    tls = ssl.create_default_context(cafile=server.certificate)
    tls.load_cert_chain(place.certificate, place.certificate.with_suffix(".key"), KEY_PASSWORD)
    client = await nats.connect(server.url, tls=tls, user=STRANGER, password=PASSWORD)
    try:
        yield client
    finally:
        await client.close()


# --- a street ------------------------------------------------------------------------------------------------------


def test_slots__through_nats__settle(street: Running) -> None:
    street.settle(4)
    assert all(peer["reachable"] for node in street.nodes for peer in node.status()["peers"])
    assert reach(f"{street.nodes[0].url}/envelopes", None, b'{"envelopes": []}') == 404, "nobody comes in by HTTP"


def test_leader__restarted_late__leads_with_what_it_missed(street: Running) -> None:
    leader = report.leader_seat(street.slot, 0, 0, 4)
    absent = [street.nodes[seat] for seat in (leader, (leader + 1) % 4)]
    present = [node for node in street.nodes if node not in absent]
    for node in absent:
        node.kill()
    street.end_slot(street.slot)
    wait_for(lambda: all(any(o["observing"] for o in n.status()["open"]) for n in present), "two have observed")
    for node in absent:
        node.start(*(WITHOUT_LIMITS if node is street.nodes[3] else []))
    street.wait_settled(street.slot, 60)
    street.slot += 1


def test_server__killed_and_started_again__slots_settle_after_that(street: Running) -> None:
    node = street.nodes[0]
    street.server.kill()
    wait_for(lambda: "NATS server" in str(get_json(f"{node.url}/healthz")["problems"]), "health tells of it")
    street.end_slot(street.slot)
    time.sleep(0.5)
    assert not street.settled(street.slot)
    street.server.start()
    street.wait_settled(street.slot, 60)
    street.slot += 1
    street.settle(2)
    assert "NATS server" not in str(get_json(f"{node.url}/healthz")["problems"])


def check_flood_is_bounded(node: NodeProcess, before: float, begun: float) -> None:
    """No more of a peer's subject was read than a peer may send."""
    read = metric(node, 'net8_events_total{event="envelopes_unreadable"}') - before
    assert 0 < read <= BURST + PER_SECOND * (time.monotonic() - begun)


async def test_subject_of_one_peer__flooded_with_garbage__bounded_while_slots_settle(street: Running) -> None:
    flooded, (honest, gullible) = street.zone.operators[1], (street.nodes[0], street.nodes[3])
    counted = 'net8_events_total{event="envelopes_unreadable"}'
    before, begun = [metric(node, counted) for node in (honest, gullible)], time.monotonic()
    async with connected(street.server, street.places[0]) as stranger:
        of_another_zone = vote(street.zone.number + 1, 1).model_dump_json().encode()
        garbage = b"", b"\xff" * 1_000, b'{"kind": "vote"}', b"[" * 10_000, of_another_zone
        for number in range(FLOOD):
            subject = f"net8.31337.{street.zone.number}.{flooded.address}"
            await stranger.publish(subject, garbage[number % len(garbage)], headers={"Status": "503"})
        await stranger.flush()
    await asyncio.to_thread(street.settle, 2, 60)
    # Not more often than a node lets one address call.
    wait_for(lambda: metric(gullible, counted) - before[1] >= FLOOD, "who has no limits reads it all", 180, every=0.5)
    check_flood_is_bounded(honest, before[0], begun)
    with pytest.raises(AssertionError):
        check_flood_is_bounded(gullible, before[1], begun)
    assert "no envelope, dropped" in honest.log()


def test_check__server_there_and_gone__says_so(street: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    node = street.nodes[2]
    told = check(node, monkeypatch)
    assert "ok   NATS server: answers, version" in told
    assert f"ok   stream of zone {street.zone.number}: is there, with" in told
    assert "FAIL NATS" not in told
    street.server.kill()
    assert f"FAIL NATS server: NATS server {street.server.url}: " in check(node, monkeypatch)
    street.server.start()


# --- one transport alone ---------------------------------------------------------------------------------------------


class Speaker:
    """A transport of one operator and what it has heard."""

    def __init__(self, street: Running, seat: int, zone: int) -> None:
        place, operators = street.places[seat], street.zone.operators
        operator = operators[seat]
        self.settings = settings = NatsSettings(
            url=street.server.url,
            username=operator.address,
            password_file=street.server.password_file,
            ca_file=street.server.certificate,
            certificate=place.certificate,
            key=place.certificate.with_suffix(".key"),
        )
        signers = [crypto.address_bytes(one.address) for one in operators]
        metrics = Metrics()
        limits = Limits(LimitSettings(), metrics)
        peers = [one for one in signers if one != signers[seat]]
        tls = settings.tls(KEY_PASSWORD)
        self.transport = NatsTransport(settings, tls, 31337, [zone], signers[seat], peers, limits, metrics)
        self.heard: list[Message] = []
        self.transport.on_message = self.heard.append

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Speaker"]:
        task = asyncio.create_task(self.transport.run())
        try:
            yield self
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def vote(zone: int, number: int) -> Vote:
    return Vote(zone=zone, slot=number, part=0, round=0, report=b"\x01" * 32, signature=b"\x02" * 65)


async def until_heard(speaker: Speaker, slots: list[int], seconds: float = 10.0) -> None:
    """It has heard these votes, in this order, and nothing else."""
    async with asyncio.timeout(seconds):
        while len(speaker.heard) < len(slots):  # noqa: ASYNC110 - a list is plain
            await asyncio.sleep(0.01)
    assert [message.slot for message in speaker.heard] == slots


async def check_missed_is_heard(street: Running, zone: int, seconds: float) -> None:
    """What was said while a peer was away it hears once, all of it that is for it, and again when it is restarted."""
    saying, hearing = Speaker(street, 0, zone), Speaker(street, 1, zone)
    to, other = (crypto.address_bytes(street.zone.operators[seat].address) for seat in (1, 2))
    async with saying.running():
        for number in (1, 2, 2):
            saying.transport.broadcast(vote(zone, number))
        saying.transport.send(other, vote(zone, 3))
        saying.transport.send(to, vote(zone, 4))
        tls, said = saying.settings.tls(KEY_PASSWORD), {street.zone.operators[0].address: 4}
        async with asyncio.timeout(10):
            while (await look(saying.settings, tls, 31337, [zone])).streams[zone] != said:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        async with hearing.running():
            await until_heard(hearing, [1, 2, 4], seconds)
        async with Speaker(street, 1, zone).running() as again:
            await until_heard(again, [1, 2, 4], seconds)


async def test_envelopes__said_while_a_peer_was_away__heard_once_by_those_they_are_for(
    street: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    await check_missed_is_heard(street, 1_001, 10)
    monkeypatch.setattr("nats.js.api.DeliverPolicy", SimpleNamespace(ALL=DeliverPolicy.NEW))
    with pytest.raises(TimeoutError):
        await check_missed_is_heard(street, 1_002, 1)


@pytest.mark.parametrize("server_too", [False, True])
async def test_connection__lost_with_envelopes_on_their_way__each_comes_once_and_soon(
    street: Running, monkeypatch: pytest.MonkeyPatch, server_too: bool
) -> None:
    said, zone = list(range(1, 201)), 1_007 + server_too
    saying, hearing = Speaker(street, 0, zone), Speaker(street, 1, zone)
    take = hearing.transport._take

    breaks = asyncio.Event()

    async def take_until_it_breaks(zone: int, signer: bytes, message: Msg) -> None:
        if len(hearing.heard) == 100:
            breaks.set()
            await asyncio.sleep(60 * server_too)
            raise ConnectionResetError
        await take(zone, signer, message)

    monkeypatch.setattr(hearing.transport, "_take", take_until_it_breaks)
    async with saying.running(), hearing.running():
        for number in said:
            saying.transport.broadcast(vote(zone, number))
        await asyncio.wait_for(breaks.wait(), 20)
        monkeypatch.undo()
        if server_too:
            await asyncio.to_thread(street.server.kill)
            await asyncio.to_thread(street.server.start)
        await until_heard(hearing, said, 20)


async def test_connection__lost__nothing_is_missed(street: Running) -> None:
    saying, hearing = Speaker(street, 0, 1_003), Speaker(street, 1, 1_003)
    async with saying.running(), hearing.running():
        saying.transport.broadcast(vote(1_003, 1))
        await until_heard(hearing, [1])
        await asyncio.to_thread(street.server.kill)
        saying.transport.broadcast(vote(1_003, 2))
        await asyncio.to_thread(street.server.start)
        async with asyncio.timeout(20):
            while vote(1_003, 2) not in hearing.heard:  # noqa: ASYNC110 - a list is plain
                await asyncio.sleep(0.01)
        assert not hearing.transport.problem


@pytest.mark.parametrize("stream_too", [False, True])
async def test_consumer__deleted_by_somebody__made_anew(
    street: Running, monkeypatch: pytest.MonkeyPatch, stream_too: bool
) -> None:
    monkeypatch.setattr(nats_transport, "_HEARTBEAT", 0.2)
    zone = 1_009 + stream_too
    saying, hearing = Speaker(street, 0, zone), Speaker(street, 1, zone)
    async with saying.running(), hearing.running(), connected(street.server, street.places[0]) as stranger:
        saying.transport.broadcast(vote(zone, 1))
        await until_heard(hearing, [1])
        listener, speaker = street.zone.operators[1].address, street.zone.operators[0].address
        if stream_too:
            await stranger.jsm().delete_stream(f"net8-31337-{zone}")
        else:
            await stranger.jsm().delete_consumer(f"net8-31337-{zone}", f"{listener}-{speaker}")
        saying.transport.broadcast(vote(zone, 2))
        await until_heard(hearing, [1, 2])


async def test_envelope__refused_by_the_server__dropped_and_the_next_one_goes(street: Running) -> None:
    reading = WireReading(site=1, taken_at=1, import_wh=1, export_wh=1, epoch=0, sequence=1, signature=b"\x02" * 65)
    large = SignedReadings(zone=1_004, slot=1, part=0, round=0, readings=[reading] * 20)
    saying, hearing = Speaker(street, 0, 1_004), Speaker(street, 1, 1_004)
    async with connected(street.server, street.places[0]) as first:
        await first.jsm().add_stream(name="net8-31337-1004", subjects=["net8.31337.1004.*"], max_msg_size=1_000)
    async with saying.running(), hearing.running():
        saying.transport.broadcast(large)
        saying.transport.broadcast(vote(1_004, 2))
        await until_heard(hearing, [2])


async def test_server__frozen__told_of_within_seconds(street: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nats_transport, "_ANSWER_WITHIN", 1.0)
    saying = Speaker(street, 0, 1_005)
    async with saying.running(), asyncio.timeout(20):
        while saying.transport.problem:  # noqa: ASYNC110 - a text is plain
            await asyncio.sleep(0.01)
        street.server.pause()
        said = 0
        while not saying.transport.problem:  # the first may have been taken just before the server stood still
            said += 1
            saying.transport.broadcast(vote(1_005, said))
            await asyncio.sleep(0.2)
    street.server.resume()


def test_example_of_a_server__as_delivered__taken(street: Running) -> None:
    server, example = street.server, EXAMPLE.read_text()
    there = {"server.pem": server.certificate, "server.key": server.key, "operators.pem": server.callers}
    for name, path in there.items():
        example = example.replace(f"/etc/nats/{name}", str(path))
    assert not server.tried(example)
    assert "unknown field" in server.tried(example.replace("max_payload", "most_payload"))


async def given_to_who_asks_for_no_tls(folder: Path) -> bytes:
    """What we send to a server, or somebody on the way, that says there is no TLS."""
    got: asyncio.Queue[bytes] = asyncio.Queue()

    async def in_the_clear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b'INFO {"server_id": "x", "version": "2.9.10", "auth_required": true, "max_payload": 8388608}\r\n')
        got.put_nowait(await reader.read(1000))
        writer.close()

    (folder / "password.txt").write_text(PASSWORD)
    async with await asyncio.start_server(in_the_clear, "127.0.0.1", 0) as server:
        url = f"tls://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        settings = NatsSettings(url=url, username="operator", password_file=folder / "password.txt")
        with pytest.raises(NatsUnreachable):
            await look(settings, settings.tls(""), 31337, [1])
        return await asyncio.wait_for(got.get(), 10)


async def test_server__asks_for_no_tls__gets_no_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert await given_to_who_asks_for_no_tls(tmp_path) == b""
    done = asyncio.Event()
    done.set()
    monkeypatch.setattr(nats_transport, "_handshakes", lambda tls: done)
    monkeypatch.setattr(nats_transport, "_ANSWER_WITHIN", 1.0)
    assert PASSWORD.encode() in await given_to_who_asks_for_no_tls(tmp_path)
