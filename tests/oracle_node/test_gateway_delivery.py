"""A gateway's store and its delivery: in order, repeated, remembered, and never twice under one number."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from net8_oracle.gateway import publisher as publishing
from net8_oracle.gateway.publisher import Publisher, encode
from net8_oracle.gateway.store import GatewayStore
from net8_oracle.gateway.ways import HttpWay
from net8_oracle.http_server import serve
from net8_oracle.reading import Reading, SignedReading
from net8_oracle.settings import ConfigRefused
from net8_oracle.wire import ReadingsAnswer, ReadingsPost, Refusal

from tests.oracle_node.mesh import METER_DOMAIN, private_key
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

    def serving(self) -> object:
        return serve([web.post("/readings", self._readings)], "127.0.0.1", self.port)

    async def _readings(self, request: web.Request) -> web.Response:
        if self.status != 200:
            return web.Response(status=self.status)
        readings = ReadingsPost.model_validate_json(await request.read()).readings
        later = [(r.site, r.sequence) for r in readings if r.site in self.later]
        refused = [Refusal(site=r.site, sequence=r.sequence, reason="no") for r in readings if r.site in self.refuse]
        self.got += [(r.site, r.sequence) for r in readings if r.site not in self.later]
        answer = ReadingsAnswer(accepted=len(readings) - len(later) - len(refused), later=later, refused=refused)
        return web.Response(body=answer.model_dump_json().encode(), content_type="application/json")

    async def until(self, count: int) -> None:
        async with asyncio.timeout(20):
            while len(self.got) < count:  # noqa: ASYNC110 - a plain list
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
