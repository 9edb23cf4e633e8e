"""A gateway's store and its delivery: in order, at once, repeated, remembered, and never twice under one number."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from net8_oracle.gateway import publisher as publishing
from net8_oracle.gateway import service
from net8_oracle.gateway.publisher import Publisher, encode
from net8_oracle.gateway.settings import GatewaySettings
from net8_oracle.gateway.store import GatewayStore
from net8_oracle.gateway.ways import HttpWay, NotDelivered
from net8_oracle.http_server import serve
from net8_oracle.reading import Reading, SignedReading
from net8_oracle.settings import ConfigRefused, load
from net8_oracle.wire import ReadingsAnswer, ReadingsPost, Refusal

from tests.oracle_node.inbox import running
from tests.oracle_node.mesh import ADDRESS, METER_DOMAIN, private_key
from tests.oracle_node.processes import PASSWORD, write_keystore
from tests.oracle_node.test_configuration import CONTRACT, DEPLOYMENT, NAMES
from tests.ports import free_port

KEY = private_key("meter")


def signed(site: int, sequence: int) -> SignedReading:
    reading = Reading(site, 900 * sequence, 10 * sequence, 0, 0, sequence)
    return SignedReading.make(reading, METER_DOMAIN, KEY, sequence)


class OperatorStandIn:
    """An HTTP server that answers readings as it is told to."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.got: list[tuple[int, int]] = []
        self.later: set[int] = set()
        self.refuse: set[int] = set()
        self.status = 200
        self.acknowledging = asyncio.Event()
        self.acknowledging.set()

    def serving(self) -> object:
        return serve([web.post("/readings", self._readings)], "127.0.0.1", self.port)

    async def _readings(self, request: web.Request) -> web.Response:
        if self.status != 200:
            return web.Response(status=self.status)
        readings = ReadingsPost.model_validate_json(await request.read()).readings
        later = [(r.site, r.sequence) for r in readings if r.site in self.later]
        refused = [Refusal(site=r.site, sequence=r.sequence, reason="no") for r in readings if r.site in self.refuse]
        self.got += [(r.site, r.sequence) for r in readings if r.site not in self.later]
        await self.acknowledging.wait()
        answer = ReadingsAnswer(accepted=len(readings) - len(later) - len(refused), later=later, refused=refused)
        return web.Response(body=answer.model_dump_json().encode(), content_type="application/json")

    async def until(self, count: int) -> None:
        async with asyncio.timeout(20):
            while len(self.got) < count:  # noqa: ASYNC110 - a plain list
                await asyncio.sleep(0.01)


Numbers = list[tuple[int, int]]  # site and sequence of each reading


class WayStandIn:
    """To an operator that answers a post when the test does so; posts are numbered from 0 in the order they came."""

    name = "operator"

    def __init__(self, at_once: int) -> None:
        self.at_once = at_once
        self.posts: list[Numbers] = []
        self._answers: list[asyncio.Future[ReadingsAnswer]] = []

    async def post(self, body: bytes) -> ReadingsAnswer:
        self.posts.append([(r.site, r.sequence) for r in ReadingsPost.model_validate_json(body).readings])
        self._answers.append(asyncio.get_running_loop().create_future())
        return await self._answers[-1]

    @property
    def under_way(self) -> list[Numbers]:
        """Posts that have no answer."""
        return [post for post, answer in zip(self.posts, self._answers, strict=True) if not answer.done()]

    async def acknowledge(self, number: int, later: Sequence[tuple[int, int]] = ()) -> None:
        """All of a post is taken, except what is wanted later."""
        taken = len(self.posts[number]) - len(later)
        self._answers[number].set_result(ReadingsAnswer(accepted=taken, later=list(later), refused=[]))
        await settled()

    async def fail(self, number: int) -> None:
        """A post finds nobody."""
        self._answers[number].set_exception(NotDelivered("nobody there"))
        await settled()

    async def until(self, posts: int) -> None:
        """That many were sent, and no other follows at once."""
        async with asyncio.timeout(20):
            while len(self.posts) < posts:  # noqa: ASYNC110 - a plain list
                await asyncio.sleep(0.001)
        await settled()
        assert len(self.posts) == posts


async def settled() -> None:
    """Whatever needs no time has happened."""
    for _ in range(20):
        await asyncio.sleep(0)


async def until_delivered(publisher: Publisher) -> None:
    async with asyncio.timeout(20):
        while publisher.backlog:  # noqa: ASYNC110 - a plain number
            await asyncio.sleep(0.01)


@pytest.fixture
def store(tmp_path: Path) -> GatewayStore:
    return GatewayStore(tmp_path / "gateway.sqlite")


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses as short as a test bears."""
    monkeypatch.setattr(publishing, "_FIRST_PAUSE", 0.02)
    monkeypatch.setattr(publishing, "_LATER_PAUSE", 0.05)


def test_store__sequence_used_twice__nothing_is_stored(store: GatewayStore) -> None:
    store.append([signed(1, 1)])
    with pytest.raises(sqlite3.IntegrityError):
        store.append([signed(2, 1), signed(1, 1)])
    assert store.last(2) is None
    assert [one.signed.reading.site for one in store.undelivered("a")] == [1]


def test_store__reopened__has_what_was_signed_and_delivered(store: GatewayStore, tmp_path: Path) -> None:
    stored = store.append([signed(1, 1), signed(1, 2), signed(1, 3)])
    store.mark_delivered("a", stored[1].place)
    store.mark_delivered("a", stored[0].place)
    store.close()
    again = GatewayStore(tmp_path / "gateway.sqlite")
    assert [one.signed for one in again.undelivered("a")] == [signed(1, 3)]
    assert len(again.undelivered("b")) == 3
    assert again.last(1) == signed(1, 3).reading


def test_store__pruned__old_ones_go_but_each_sites_latest_stays(store: GatewayStore) -> None:
    store.append([signed(1, 1), signed(1, 2), signed(2, 1)])
    assert store.prune(["a"], 900 * 50) == 1
    assert [one.signed.reading.sequence for one in store.undelivered("a")] == [2, 1]


def test_store__is_no_database__one_sentence(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("not a database, and longer than the header of one" * 10)
    with pytest.raises(ConfigRefused, match="cannot be opened"):
        GatewayStore(tmp_path / "x")


async def test_publisher__operator_away_and_back__everything_in_order(
    store: GatewayStore, session: aiohttp.ClientSession
) -> None:
    operator = OperatorStandIn()
    publisher = Publisher(HttpWay(session, operator.url), store)
    task = asyncio.create_task(publisher.run())
    for sequence in (1, 2, 3):
        publisher.offer(encode(store.append([signed(1, sequence)])))
        await asyncio.sleep(0.05)
    assert publisher.backlog == 3
    assert not publisher.reachable
    async with operator.serving():  # type: ignore[attr-defined]
        await operator.until(3)
        operator.status = 503
        publisher.offer(encode(store.append([signed(1, 4)])))
        await asyncio.sleep(0.1)
        operator.status = 200
        await operator.until(4)
    task.cancel()
    assert operator.got == [(1, 1), (1, 2), (1, 3), (1, 4)]
    assert store.undelivered(operator.url) == []


async def test_publisher__restarted__goes_on_behind_what_was_acknowledged(
    store: GatewayStore, session: aiohttp.ClientSession
) -> None:
    operator = OperatorStandIn()
    async with operator.serving():  # type: ignore[attr-defined]
        first = asyncio.create_task(Publisher(HttpWay(session, operator.url), store).run())
        store.append([signed(1, 1)])
        again = Publisher(HttpWay(session, operator.url), store)
        first.cancel()
        task = asyncio.create_task(again.run())
        await operator.until(1)
        await asyncio.sleep(0.05)
        task.cancel()
        store.append([signed(1, 2)])
        third = asyncio.create_task(Publisher(HttpWay(session, operator.url), store).run())
        await operator.until(2)
        third.cancel()
    assert operator.got == [(1, 1), (1, 2)]


async def test_publisher__site_unknown_yet__repeated_without_holding_up_others(
    store: GatewayStore, session: aiohttp.ClientSession
) -> None:
    operator = OperatorStandIn()
    operator.later = {1}
    publisher = Publisher(HttpWay(session, operator.url), store)
    async with operator.serving():  # type: ignore[attr-defined]
        task = asyncio.create_task(publisher.run())
        publisher.offer(encode(store.append([signed(1, 1), signed(2, 1), signed(1, 2), signed(2, 2)])))
        await operator.until(2)
        assert len(store.undelivered(operator.url)) == 4, "nothing behind the first open one counts as delivered"
        operator.later = set()
        await operator.until(4)
        await asyncio.sleep(0.05)
        task.cancel()
    assert operator.got == [(2, 1), (2, 2), (1, 1), (1, 2)]
    assert store.undelivered(operator.url) == []


async def test_publisher__reading_refused_for_good__said_and_not_repeated(
    store: GatewayStore, session: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    operator = OperatorStandIn()
    operator.refuse = {1}
    publisher = Publisher(HttpWay(session, operator.url), store)
    async with operator.serving():  # type: ignore[attr-defined]
        task = asyncio.create_task(publisher.run())
        publisher.offer(encode(store.append([signed(1, 1)])))
        await operator.until(1)
        await asyncio.sleep(0.1)
        task.cancel()
    assert operator.got == [(1, 1)]
    assert "reading refused" in caplog.messages


async def test_publisher__acknowledgement_of_another_site_outstanding__sent_at_once(
    store: GatewayStore, session: aiohttp.ClientSession
) -> None:
    operator = OperatorStandIn()
    operator.acknowledging.clear()
    publisher = Publisher(HttpWay(session, operator.url), store)
    async with operator.serving(), running(publisher.run()):  # type: ignore[attr-defined]
        for count, site in enumerate((1, 2, 3), start=1):
            publisher.offer(encode(store.append([signed(site, 1)])))
            await operator.until(count)
        assert publisher.backlog == 3
        assert len(store.undelivered(operator.url)) == 3, "nothing was acknowledged"
        operator.acknowledging.set()
        await until_delivered(publisher)
    assert operator.got == [(1, 1), (2, 1), (3, 1)]
    assert store.undelivered(operator.url) == []


async def test_publisher__acknowledgement_of_the_same_site_outstanding__waits_and_others_go_on(
    store: GatewayStore,
) -> None:
    way = WayStandIn(at_once=9)
    publisher = Publisher(way, store)
    async with running(publisher.run()):
        publisher.offer(encode(store.append([signed(1, 1)])))
        await way.until(1)
        publisher.offer(encode(store.append([signed(1, 2), signed(2, 1), signed(1, 3)])))
        await way.until(2)
        assert way.under_way == [[(1, 1)], [(2, 1)]]
        await way.acknowledge(1)
        assert len(store.undelivered(way.name)) == 4, "nothing behind an open one counts as delivered"
        await way.acknowledge(0)
        assert way.under_way == [[(1, 2), (1, 3)]]
        assert [one.signed for one in store.undelivered(way.name)] == [signed(1, 2), signed(2, 1), signed(1, 3)]
        await way.acknowledge(2)
    assert publisher.backlog == 0
    assert store.undelivered(way.name) == []


async def test_publisher__all_posts_taken__further_readings_wait_and_go_as_one_batch(store: GatewayStore) -> None:
    way = WayStandIn(at_once=2)
    publisher = Publisher(way, store)
    async with running(publisher.run()):
        for site in (1, 2, 3, 4):
            publisher.offer(encode(store.append([signed(site, 1)])))
            await settled()
        assert way.under_way == [[(1, 1)], [(2, 1)]]
        await way.acknowledge(1)
        assert way.under_way == [[(1, 1)], [(3, 1), (4, 1)]]
        await way.acknowledge(0)
        await way.acknowledge(2)
    assert len(way.posts) == 3
    assert store.undelivered(way.name) == []


async def test_publisher__more_than_a_post_holds__the_rest_follows_when_its_sites_are_free(
    store: GatewayStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publishing, "READINGS_PER_POST", 2)
    store.append([signed(1, 1), signed(1, 2), signed(2, 1), signed(1, 3)])
    way = WayStandIn(at_once=9)
    async with running(Publisher(way, store).run()):
        await way.until(2)
        assert way.under_way == [[(1, 1), (1, 2)], [(2, 1)]]
        await way.acknowledge(0)
        assert way.under_way == [[(2, 1)], [(1, 3)]]


async def test_publisher__operator_goes_away_with_many_under_way__one_post_at_a_time_until_it_answers(
    store: GatewayStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publishing, "READINGS_PER_POST", 2)
    way = WayStandIn(at_once=3)
    publisher = Publisher(way, store)
    async with running(publisher.run()):
        for site in (1, 2, 3):
            publisher.offer(encode(store.append([signed(site, 1)])))
            await settled()
        publisher.offer(encode(store.append([signed(1, 2), signed(4, 1)])))
        await way.fail(1)
        await asyncio.sleep(0.1)
        assert way.under_way == [[(1, 1)], [(3, 1)]], "nothing new while others may still fail"
        await way.fail(2)
        await way.fail(0)
        assert not publisher.reachable
        assert publisher.backlog == 5
        await way.until(4)
        assert way.under_way == [[(1, 1), (2, 1)]]
        publisher.offer(encode(store.append([signed(5, 1)])))
        await asyncio.sleep(0.1)
        await way.fail(3)
        await way.until(5)
        assert way.under_way == [[(1, 1), (2, 1)]]
        assert len(store.undelivered(way.name)) == 6, "nothing was acknowledged"
        await way.acknowledge(4)
        assert publisher.reachable
        assert way.under_way == [[(3, 1), (1, 2)], [(4, 1), (5, 1)]], "several at once again"
        await way.acknowledge(5)
        await way.acknowledge(6)
    assert store.undelivered(way.name) == []


async def test_publisher__one_fails_and_another_is_taken__only_the_failed_one_is_repeated(store: GatewayStore) -> None:
    way = WayStandIn(at_once=2)
    publisher = Publisher(way, store)
    async with running(publisher.run()):
        for site in (1, 2):
            publisher.offer(encode(store.append([signed(site, 1)])))
            await settled()
        await way.fail(0)
        await way.acknowledge(1)
        await way.until(3)
        assert way.under_way == [[(1, 1)]]
        assert len(store.undelivered(way.name)) == 2
        await way.acknowledge(2)
    assert store.undelivered(way.name) == []


async def test_publisher__cancelled_with_many_under_way__after_a_restart_all_not_acknowledged_is_sent_again(
    store: GatewayStore,
) -> None:
    way = WayStandIn(at_once=9)
    publisher = Publisher(way, store)
    async with running(publisher.run()):
        for site in (1, 2, 3):
            publisher.offer(encode(store.append([signed(site, 1)])))
            await settled()
        publisher.offer(encode(store.append([signed(3, 2)])))
        await way.acknowledge(0)
        await way.acknowledge(2)
        assert way.under_way == [[(2, 1)], [(3, 2)]]
    left = [one.signed for one in store.undelivered(way.name)]
    assert left == [signed(2, 1), signed(3, 1), signed(3, 2)], "delivered is what lies before the first open one"
    again = WayStandIn(at_once=9)
    async with running(Publisher(again, store).run()):
        await again.until(1)
        assert again.under_way == [[(2, 1), (3, 1), (3, 2)]]
        await again.acknowledge(0)
    assert store.undelivered(way.name) == []


async def test_publisher__one_site_of_a_batch_unknown__its_readings_rest_and_those_of_the_others_do_not(
    store: GatewayStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publishing, "_LATER_PAUSE", 1.0)
    way = WayStandIn(at_once=1)
    publisher = Publisher(way, store)
    async with running(publisher.run()):
        publisher.offer(encode(store.append([signed(1, 1), signed(2, 1)])))
        await way.until(1)
        await way.acknowledge(0, later=[(1, 1)])
        assert (way.under_way, publisher.backlog) == ([], 1)
        publisher.offer(encode(store.append([signed(1, 2), signed(2, 2)])))
        await way.until(2)
        assert way.under_way == [[(2, 2)]], "sent at once, though a site of its last batch rests"
        await way.acknowledge(1)
        await way.until(3)
        assert way.under_way == [[(1, 1), (1, 2)]]
        await way.acknowledge(2)
    assert store.undelivered(way.name) == []


async def test_gateway__many_operators_that_acknowledge_late__none_waits_for_another_s_connections(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Eight operators hold back every acknowledgement: more posts than a session has connections by default."""
    monkeypatch.setattr(service, "_POST_TIMEOUT", 60.0)  # what waits for a connection fails no earlier than the test
    sites = [65_537 + place for place in range(HttpWay.at_once)]
    operators = [OperatorStandIn() for _ in range(8)]
    for operator in operators:
        operator.acknowledging.clear()
    monkeypatch.setenv("GATEWAY_TEST_PASSWORD", PASSWORD)
    contracts = ", ".join(CONTRACT % (name, ADDRESS, "00" * 32) for name in NAMES)
    (tmp_path / "deployment.json").write_text(DEPLOYMENT % (ADDRESS, contracts))
    (tmp_path / "homes.csv").write_text("slot_local,load_1\na,0.1\n")
    write_keystore(tmp_path / "meter.json", KEY.secret)
    (tmp_path / "gateway.toml").write_text(
        'store = "gateway.sqlite"\npassword_env = "GATEWAY_TEST_PASSWORD"\n[chain]\ndeployment = "deployment.json"\n'
        + "".join(f'[[operators]]\nurl = "{operator.url}"\n' for operator in operators)
        + "".join(
            f'[[meters]]\nsite = {site}\nkeystore = "meter.json"\n[meters.source]\nkind = "csv"\n'
            f'path = "homes.csv"\nload = "load_1"\ndelay_ms = {40 * place}\n'
            for place, site in enumerate(sites)
        )
    )
    settings = load(GatewaySettings, tmp_path / "gateway.toml")
    async with AsyncExitStack() as stack:
        for operator in operators:
            await stack.enter_async_context(operator.serving())  # type: ignore[arg-type]
            stack.callback(operator.acknowledging.set)
        async with running(service.run(settings, tmp_path)):
            for operator in operators:
                await operator.until(len(sites))
    assert [sorted(site for site, _ in operator.got) for operator in operators] == [sites] * 8
