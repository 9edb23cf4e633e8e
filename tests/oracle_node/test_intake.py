"""Readings as a node takes them: handed on at once, written when no round is under way, acknowledged when on disk."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from net8_oracle import crypto
from net8_oracle.node import intake as intakes
from net8_oracle.node.intake import Intake
from net8_oracle.node.meters import Meters, RegisteredSite
from net8_oracle.node.metrics import Metrics
from net8_oracle.node.store import SqlStore
from net8_oracle.reading import Reading, SignedReading
from net8_oracle.wire import ReadingsAnswer, ReadingsPost, WireReading

from tests.oracle_node.mesh import METER_DOMAIN, HandClock, private_key

METER, SITE, START = private_key("meter"), 65_537, 900 * 2_000_000


def post(sequence: int) -> ReadingsPost:
    reading = Reading(SITE, START + 900 * sequence, 10 * sequence, 0, 0, sequence)
    return ReadingsPost(readings=[WireReading.of(SignedReading.make(reading, METER_DOMAIN, METER, 1))])


class Taking:
    """An intake, and what came of it."""

    def __init__(self, folder: Path) -> None:
        site = RegisteredSite(SITE, crypto.own_address(METER), 10_000, 0)
        self.agreeing = False
        self.heard = asyncio.Event()
        self.store = SqlStore(folder / "node.sqlite")
        meters, clock = Meters(METER_DOMAIN, lambda _: site), HandClock(START + 900 * 10)
        self.intake = Intake(
            meters, clock, self.store, Metrics(), lambda *_: self.heard.set(), lambda: self.agreeing
        )  # fmt: skip

    def stored(self) -> list[int]:
        return [one.reading.sequence for one in self.store.readings_since(0)]

    async def take(self, sequence: int) -> "asyncio.Task[ReadingsAnswer]":
        """Hand a reading over; returns when it was handed on."""
        self.heard.clear()
        task = asyncio.create_task(self.intake.take(post(sequence)))
        await asyncio.wait_for(self.heard.wait(), 20)
        return task


@pytest.fixture
async def taking(tmp_path: Path) -> AsyncIterator[Taking]:
    made = Taking(tmp_path)
    yield made
    made.store.close()


async def test_reading__while_nothing_is_agreed_on__acknowledged_when_on_disk(taking: Taking) -> None:
    task = await taking.take(1)
    assert taking.stored() == []
    assert (await asyncio.wait_for(task, 20)).accepted == 1
    assert taking.stored() == [1]


async def test_reading__in_the_middle_of_a_round__written_and_acknowledged_after_it(
    taking: Taking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intakes, "_STORE_LATEST", 3600.0)
    taking.agreeing = True
    task = await taking.take(1)
    await asyncio.sleep(2 * intakes._STORE_AFTER)
    assert not task.done()
    assert taking.stored() == []
    taking.agreeing = False
    await asyncio.wait_for(task, 20)
    assert taking.stored() == [1]


async def test_reading__in_a_round_that_lasts__written_all_the_same(taking: Taking) -> None:
    taking.agreeing = True
    first, second = await taking.take(1), await taking.take(2)
    await asyncio.wait_for(asyncio.gather(first, second), 20)
    assert taking.stored() == [1, 2]
