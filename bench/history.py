"""A year of a hundred homes in the database of an indexer, on a chain that has the blocks of that year.

The chain's zone and sites are real, and so are the last hours. What lies between, the contracts never saw: blocks are
mined empty, one an hour, and the logs of `bench.indexer`'s community are written for them through the indexer's own
writer. Sellers mint what they produced day by day, and retire some of it each week.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from net8 import events
from net8.client.rpc import Answer, Ask, Flow, Request, result_of
from net8.config import validated
from net8.events import decode_all
from net8.model import site_id
from net8.packing import certificate_id
from net8.units import HOUR_SECONDS, hour_of, slots_of_hour
from net8_indexer.database import open_database, upgrade
from net8_indexer.follower import Follower
from net8_indexer.settings import IndexerSettings
from net8_indexer.writer import SeenBlock, Writer

from bench.indexer import Log, batched, hour_logs, log_of, slot_logs
from bench.site import SELLERS, Zone

__all__ = ["write"]

HOURS_OF_DAY = 24
BLOCKS = 6  # in one step of the writer
HEADERS = 100  # in one question
NOBODY = "0x" + "0" * 40
WH_OF_HOUR = 7_200  # that a seller of the community delivers
RETIRED_WH, RETIRED_EVERY_DAYS = 500, 7


def write(zone: Zone, settings: dict[str, object], days: int) -> int:
    """Index what the chain has so far, let days pass, and write their history; the number of logs that were written.

    Args:
        zone: on the chain, newly opened.
        settings: content of the indexer's configuration file.
        days: so many.
    """
    checked = validated(IndexerSettings, settings, "settings", Path())
    engine = open_database(checked.database.address())
    upgrade(engine)
    deployment = zone.deployment
    writer = Writer(engine, deployment.chain_id, deployment.address("EnergyExchange"), deployment.first_block)
    follower = Follower([zone.chain], deployment, writer, 1)
    while not follower.look():
        pass
    count = 0
    for step in batched(_history(zone, _mine(zone, days)), BLOCKS):
        logs = [log for _, one in step for log in one]
        writer.take_in(decode_all(logs), [block for block, _ in step])
        count += len(logs)
    engine.dispose()
    return count


def _mine(zone: Zone, days: int) -> range:
    """Blocks of so many days, each at the end of an hour; their numbers."""
    first, hours = zone.chain.block().number + 1, HOURS_OF_DAY * days
    zone.move_to((hour_of(zone.now()) + 2) * HOUR_SECONDS)
    for done in range(1, hours, HOURS_OF_DAY):
        zone.chain.request("anvil_mine", [hex(min(HOURS_OF_DAY, hours - done)), hex(HOUR_SECONDS)])
    return range(first, first + hours)


def _headers(numbers: Sequence[int]) -> Flow[list[dict[str, Any]]]:
    asked: list[Request] = [("eth_getBlockByNumber", [hex(number), False]) for number in numbers]
    answers: list[Answer] = yield Ask(asked)
    return [result_of(answer, method) for answer, (method, _) in zip(answers, asked, strict=True)]


def _history(zone: Zone, blocks: range) -> Iterator[tuple[SeenBlock, list[Log]]]:
    """Each block with what happened in its hour."""
    for numbers in batched(blocks, HEADERS):
        for number, header in zip(numbers, zone.chain.run(_headers(numbers)), strict=True):
            time = int(header["timestamp"], 16)
            hour = hour_of(time) - 1
            logs = [log for slot in slots_of_hour(hour) for log in slot_logs(slot, number)]
            logs += hour_logs(hour, number)
            if hour % HOURS_OF_DAY == HOURS_OF_DAY - 1:
                logs += _certified(zone, hour, number)
            for index, log in enumerate(logs):
                log["logIndex"] = hex(index)
            yield SeenBlock(number, bytes.fromhex(header["hash"][2:]), time), logs


def _certified(zone: Zone, last_hour: int, block: int) -> list[Log]:
    """Sellers mint a day's hours; each week they retire something of it."""
    logs: list[Log] = []

    def add(kind: type[events.Event], *values: object) -> None:
        logs.append(log_of(kind, block, 0, *values))

    hours = range(last_hour - HOURS_OF_DAY + 1, last_hour + 1)
    for index in SELLERS:
        owner, site = zone.owners[index - 1], site_id(zone.number, index)
        produced = [certificate_id(site, hour) for hour in hours if (hour + index) % 20]  # the others fall short
        add(events.TransferBatch, owner, NOBODY, owner, produced, [WH_OF_HOUR] * len(produced))
        if last_hour // HOURS_OF_DAY % RETIRED_EVERY_DAYS == 0:
            add(events.TransferSingle, owner, owner, NOBODY, produced[0], RETIRED_WH)
            add(events.Retired, produced[0], owner, RETIRED_WH, "The bakery", "Bread", 0, 0)
    return logs
