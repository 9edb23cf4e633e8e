"""How many logs a second the indexer takes in, from a chain node's JSON to rows on disk, and how fast it answers.

The logs are those of a community of 100 homes, encoded as the contracts do: half of them offer energy in each slot, the
other half buys it, and each hour is settled by one report. The reference, in the same run, is a plain `executemany` of
the same rows into the same tables.

`python -m bench.indexer --days 365` measures a year; `--database postgresql+pg8000://user@host/name` another store.
"""

import argparse
import hashlib
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from eth_abi.abi import encode
from net8 import abi, events
from net8.events import Event, decode_all, topic_of
from net8.model import Technology
from net8.packing import Entry, OrderId, join_words
from net8.units import first_slot_of
from net8_indexer.database import open_database, reading, upgrade
from net8_indexer.queries import certificates, community, market, neighbours, oracles, sites
from net8_indexer.schema import Base, table_of
from net8_indexer.writer import SeenBlock, Writer
from sqlalchemy import Connection, Engine, func, make_url, select

__all__ = ["Log", "batched", "hour_logs", "lines", "log_of", "measure", "slot_logs", "write_history"]

HOMES, ZONE, DAYS = 100, 1, 7
FIRST_HOUR = 500_000  # since 1970
ACCOUNT = "0x" + "11" * 20
STEP = 24  # blocks in one step: a follower that catches up takes as many logs as a chain node gives
ASKED = 20  # times for each question

T = TypeVar("T")
Log = dict[str, Any]


def batched(items: Iterable[T], count: int) -> Iterator[list[T]]:
    """Items in lists of a length, the last one shorter."""
    rest = iter(items)
    while batch := list(islice(rest, count)):
        yield batch


def log_of(kind: type[Event], block: int, index: int, *values: Any) -> Log:  # noqa: ANN401 - of any ABI type
    """One log as a chain node gives it."""
    inputs = list(zip(abi.load(kind.CONTRACT).events[kind.__name__].inputs, values, strict=True))
    topics = [encode([typ], [value]) for (_, typ, indexed), value in inputs if indexed]
    data = [(typ, value) for (_, typ, indexed), value in inputs if not indexed]
    return {
        "address": ACCOUNT,
        "topics": ["0x" + topic.hex() for topic in (topic_of(kind), *topics)],
        "data": "0x" + encode([typ for typ, _ in data], [value for _, value in data]).hex(),
        "blockNumber": hex(block),
        "transactionHash": "0x" + _hash(block).hex(),
        "logIndex": hex(index),
    }


def _hash(block: int) -> bytes:
    return hashlib.sha256(block.to_bytes(8)).digest()


def _beginning() -> list[Log]:
    """A zone, its operators and its homes."""
    logs = [log_of(events.ZoneCreated, 1, 0, ZONE, ACCOUNT)]
    logs += [log_of(events.OperatorRegistered, 1, i, i, ACCOUNT, ACCOUNT, 10**21) for i in range(1, 5)]
    logs += [log_of(events.Admitted, 1, 4 + i, ZONE, i) for i in range(1, 5)]
    for home in range(1, HOMES + 1):
        values = ZONE << 16 | home, ACCOUNT, int(Technology.SOLAR), 10_000, ACCOUNT
        logs.append(log_of(events.SiteRegistered, 1, 100 + home, *values))
    return logs


def slot_logs(slot: int, block: int) -> list[Log]:
    """Half of the homes offer at their own price, and the others take it."""
    logs = []
    if slot % 4 == 0:
        terms = 80 | 6000 << 16 | 200 << 32 | 20 << 48 | 100 << 64 | 20 << 80 | 100 << 96 | 1 << 112
        logs.append(log_of(events.TermsFixed, block, 0, ZONE, slot // 4, terms))
    for seller in range(1, HOMES // 2 + 1):
        order = OrderId(ZONE, slot, True, seller, 1).pack()
        wh, buyer = 500 + (slot * seller) % 1_000, ZONE << 16 | HOMES // 2 + seller
        word = order | wh << 96 | seller << 120
        logs.append(log_of(events.OrderPlaced, block, len(logs), word))
        logs.append(log_of(events.Trade, block, len(logs), word | buyer << 136))
    return logs


def hour_logs(hour: int, block: int) -> list[Log]:
    """A report that settles an hour of all homes, and says that one in twenty falls short."""
    entries, credited = [], []
    for home in range(1, HOMES + 1):
        exported = 0 if (hour + home) % 20 == 0 else 1_800
        reading = (exported, 0) if home <= HOMES // 2 else (0, 1_800)
        credited.append(len(entries) << 68 | 15 << 64 | 4_000_000)
        entries.append(Entry(hour, home, dict.fromkeys(range(4), reading)).pack())
    sums = ZONE, 10**6, 10**5, 10**5, 10**4
    return [
        log_of(events.Settled, block, 200, *sums, join_words(entries), credited),
        log_of(events.Reported, block, 201, ZONE, 7, _hash(block), 4 * HOMES),
    ]


def _blocks(days: int) -> Iterator[tuple[SeenBlock, list[Log]]]:
    """A block a slot."""
    first_slot = first_slot_of(FIRST_HOUR)
    yield SeenBlock(1, _hash(1), first_slot * 900 - 1), _beginning()
    for number in range(96 * days):
        slot, block = first_slot + number, number + 2
        logs = slot_logs(slot, block)
        if slot % 4 == 3:
            logs += hour_logs(slot // 4, block)
        yield SeenBlock(block, _hash(block), (slot + 1) * 900), logs


def write_history(engine: Engine, days: int) -> tuple[int, float]:
    """Fill an empty database through the indexer's own decoding and writing: (logs, seconds that these took)."""
    writer = Writer(engine, 31337, ACCOUNT, 0)
    count, seconds = 0, 0.0
    for step in batched(_blocks(days), STEP):
        logs = [log for _, one in step for log in one]
        began = time.perf_counter()
        writer.take_in(decode_all(logs), [block for block, _ in step])
        seconds += time.perf_counter() - began
        count += len(logs)
    return count, seconds


def _plainly(engine: Engine, path: Path) -> tuple[int, float]:
    """The same rows by the driver's `executemany`, into the same tables with the same indexes: (rows, seconds)."""
    upgrade(open_database(make_url(f"sqlite:///{path}")))
    count, seconds = 0, 0.0
    with engine.connect() as source, closing(sqlite3.connect(path)) as target:
        target.execute("PRAGMA synchronous = NORMAL")
        for mapper in Base.registry.mappers:
            table = table_of(mapper.class_)
            columns = ", ".join(f'"{column.name}"' for column in table.c)
            places = ", ".join("?" * len(table.c))
            for rows in batched(source.exec_driver_sql(f"SELECT {columns} FROM {table.name}"), 50_000):
                began = time.perf_counter()
                target.executemany(f"INSERT INTO {table.name} ({columns}) VALUES ({places})", rows)
                target.commit()
                seconds += time.perf_counter() - began
                count += len(rows)
    return count, seconds


def _questions(days: int) -> dict[str, Callable[[Connection], object]]:
    """What pages ask, of the last day or of a month."""
    last = first_slot_of(FIRST_HOUR) + 96 * days - 1
    day, week, month = (last - 96 * span + 1 for span in (1, min(7, days), min(31, days)))
    site = ZONE << 16 | 7
    return {
        "trades of a zone, a page": lambda db: market.trades(db, zone=ZONE),
        "trades of a site, a page": lambda db: market.trades(db, site=site),
        "book and trades of a day's slots": lambda db: market.open_slots(db, ZONE, day, last),
        "candles of a month's slots": lambda db: market.slot_candles(db, ZONE, month, last),
        "positions of a site, a day": lambda db: sites.positions(db, site, day, last),
        "results of a site, a month": lambda db: sites.days(db, site, month, last),
        "balance of a site": lambda db: sites.balance(db, site),
        "who supplied whom, a day": lambda db: community.flows(db, ZONE, day, last),
        "who supplied whom, a week": lambda db: community.flows(db, ZONE, week, last),
        "what zones supply each other, a week": lambda db: community.exchanged(db, week, last),
        "a site beside its neighbours, a week": lambda db: neighbours.standing(db, site, week, last),
        "days of a zone, a month": lambda db: community.zone_days(db, ZONE, month, last),
        "certificates of a zone, a page": lambda db: certificates.certificates(db, zone=ZONE),
        "latency of a zone": lambda db: oracles.latency(db, ZONE),
        "reports, a page": lambda db: oracles.reports(db, zone=ZONE),
    }


def _answers(engine: Engine, days: int) -> dict[str, float]:
    """Median milliseconds of each question."""
    found = {}
    for name, ask in _questions(days).items():
        took = []
        for _ in range(ASKED):
            began = time.perf_counter()
            with reading(engine) as db:
                ask(db)
            took.append((time.perf_counter() - began) * 1e3)
        found[name] = round(statistics.median(took), 1)
    return found


def measure(days: int = DAYS, database: str | None = None) -> dict[str, Any]:
    """Rates and answers over a history of some days, in SQLite or in an empty database that is named."""
    with tempfile.TemporaryDirectory() as folder:
        engine = open_database(make_url(database or f"sqlite:///{folder}/net8.sqlite"))
        upgrade(engine)
        logs, seconds = write_history(engine, days)
        with engine.connect() as db:
            slots = db.execute(select(func.count()).select_from(Base.metadata.tables["site_slot"])).scalar_one()
        answers = _answers(engine, days)
        rows, plain_seconds = _plainly(engine, Path(folder) / "plain.sqlite")
        engine.dispose()
    return {
        "days": days, "logs": logs, "rows": rows, "site_slots": slots, "logs_per_second": round(logs / seconds),
        "rows_per_second": round(rows / seconds), "plain_rows_per_second": round(rows / plain_seconds),
        "answers_ms": answers,
    }  # fmt: skip


def lines(measured: dict[str, Any]) -> list[str]:
    """The figures in words."""
    return [
        f"indexed: {measured['logs_per_second']:,} logs a second, {measured['rows_per_second']:,} rows a second "
        f"({measured['days']} days of {HOMES} homes, {measured['logs']:,} logs, {measured['site_slots']:,} settled "
        f"site-slots; a plain executemany of the same rows: {measured['plain_rows_per_second']:,} rows a second)",
        *(f"  {name}: {milliseconds} ms" for name, milliseconds in measured["answers_ms"].items()),
    ]


def main() -> None:
    """Measure what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m bench.indexer")
    parser.add_argument("--days", type=int, default=DAYS)
    parser.add_argument("--database", help="URL of an empty database; default: a SQLite file of its own")
    arguments = parser.parse_args()
    print(*lines(measure(arguments.days, arguments.database)), sep="\n")


if __name__ == "__main__":
    main()
