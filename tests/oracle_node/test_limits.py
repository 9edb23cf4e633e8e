"""What a caller without a certificate may send: by its address, over a real socket."""

import asyncio
import zlib
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web
from net8_oracle.http_server import serve
from net8_oracle.node.door import Door
from net8_oracle.node.limits import Limits
from net8_oracle.node.metrics import Metrics
from net8_oracle.node.peer_settings import LimitSettings, SourceRate
from net8_oracle.node.pins import Pins
from net8_oracle.wire import ReadingsPost, WireReading

from tests.ports import free_port

READING = WireReading(site=65537, taken_at=1, import_wh=1, export_wh=1, epoch=0, sequence=1, signature=b"\x01" * 65)
BATCH = ReadingsPost(readings=[READING] * 512).model_dump_json().encode()
CONNECTIONS = 10


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
async def url(metrics: Metrics) -> AsyncIterator[str]:
    """Where readings are taken, 4096 at once and one more a second."""
    rate = SourceRate(messages_per_s=1, messages_burst=4096)
    limits = Limits(LimitSettings(connections_per_minute=CONNECTIONS, source=rate, largest_body=2**20), metrics)
    door = Door(Pins(None, [], "", ""), limits, metrics)

    async def take(request: web.Request) -> web.Response:
        return web.Response(text=str(len((await door.readings(request)).readings)))

    port = free_port()
    routes = [web.post("/readings", take)]
    async with serve(routes, "127.0.0.1", port, largest_body=limits.largest_body, admits=limits.admits):
        yield f"http://127.0.0.1:{port}/readings"


async def post(session: aiohttp.ClientSession, url: str, **body: object) -> tuple[int, str]:
    async with session.post(url, **body) as answer:
        return answer.status, answer.headers.get("Retry-After", await answer.text())


async def test_source__more_readings_than_it_may__told_when_to_come_again(url: str, metrics: Metrics) -> None:
    async with aiohttp.ClientSession() as session:
        for _ in range(8):
            assert await post(session, url, data=BATCH) == (200, "512")
        assert await post(session, url, data=BATCH) == (429, "512")
    assert 'net8_limited_total{caller="address"} 1.0' in metrics.text().decode()


async def test_body__too_large_of_unknown_length_or_compressed__refused_unread(url: str) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield BATCH

    async with aiohttp.ClientSession() as session:
        assert (await post(session, url, data=b" " * (2**20 + 1)))[0] == 413
        assert (await post(session, url, data=pieces()))[0] == 411
        swelling = {"data": zlib.compress(BATCH), "headers": {"Content-Encoding": "deflate"}}
        assert (await post(session, url, **swelling))[0] == 400


async def test_connections__more_than_an_address_may_open__hung_up_on(url: str, metrics: Metrics) -> None:
    async def alone() -> int:
        async with aiohttp.ClientSession() as session:
            return (await post(session, url, data=BATCH[:-1]))[0]

    answers = await asyncio.gather(*[alone() for _ in range(2 * CONNECTIONS)], return_exceptions=True)
    assert answers.count(400) <= CONNECTIONS
    assert all(one == 400 or isinstance(one, aiohttp.ClientError) for one in answers)
    assert 'caller="connections"' in metrics.text().decode()
