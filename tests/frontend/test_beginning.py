"""The app begins where the indexer is, and knows what it would know from the whole chain; else it reads the chain."""

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests
from net8_indexer.schema import OpenPosition
from net8_web import beginning, feed
from net8_web.feed import Feed
from net8_web.market import Market
from net8_web.settings import read
from sqlalchemy import Engine, select

from tests.frontend.serving import served
from tests.indexer.indexing import follower_of, settings_of, to_head
from tests.indexer.street import RandomStreet
from tests.oracle_node.local_chain import LocalChain

DAY = 86_400
WARNING = "reading the chain from its first block on, because "


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalChain]:
    """anvil with all contracts."""
    made = LocalChain(tmp_path_factory.mktemp("chain"))
    yield made
    made.stop()


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for an indexer that never comes to the chain's block."""
    monkeypatch.setattr(feed, "AGAIN_S", 0.05)


@contextmanager
def following(chain: LocalChain, indexer: str | None = None) -> Iterator[Feed]:
    """A feed of the app, once it is at the chain's head."""
    settings = {"NET8_RPC_URL": chain.url, "NET8_DEPLOYMENT": str(chain.deployment_file)}
    made = Feed(read(settings | ({} if indexer is None else {"NET8_INDEXER": indexer})))
    try:
        reach(made, chain)
        yield made
    finally:
        made.stop()


def reach(made: Feed, chain: LocalChain) -> Market:
    """The feed's market once it is at the chain's head."""
    head, deadline = chain.chain.block(), time.monotonic() + 60
    while (view := made.state()[0]) is None or view.head.hash != head.hash:
        assert time.monotonic() < deadline, "the head is never reached"
        time.sleep(0.05)
    return view.market


def kept(market: Market, since: int) -> dict[str, Any]:
    """All that a market keeps since a moment; empty entries are as good as none."""
    market.forget(since)
    found = {}
    for field in fields(Market):
        value = getattr(market, field.name)
        if field.name == "_held":
            value = {account: dict(held) for account, held in value.items()}
        if isinstance(value, dict):
            value = {key: one for key, one in value.items() if one or isinstance(one, int)}
        found[field.name] = value
    del found["_lock"]
    return found


def assert_same(told: Market, seen: Market) -> None:
    since = max(told.since, seen.since)
    of_told, of_seen = kept(told, since), kept(seen, since)
    assert of_told["trades"] or of_told["_positions"], "a market in which nothing happened shows nothing"
    for name, value in of_seen.items():
        assert of_told[name] == value, name


@contextmanager
def indexed(chain: LocalChain, tmp_path) -> Iterator[tuple[str, Engine, Callable[[], None]]]:
    """An indexer at the chain's head: the address of its API, its database, and how to bring it to the head again."""
    settings = settings_of(chain, str(tmp_path / "net8.sqlite"))
    with follower_of(chain, settings) as (follower, engine):
        to_head(follower)
        with served(engine) as url:
            yield url, engine, lambda: to_head(follower)


def live(street: RandomStreet, chain: LocalChain) -> None:
    """Two weeks of a street: hours that are settled and certified, hours that are left open, and days without any."""
    for days in (5, 6, 2):
        street.trade(actions=25)
        street.finish()
        street.certify(street.settled_hour)
        street.trade(actions=25)
        chain.move_to(chain.now() + days * DAY)


def go_on(street: RandomStreet, chain: LocalChain, engine: Engine) -> None:
    """Another hour, and the end of a position that was left open."""
    with engine.connect() as db:
        oldest = db.execute(select(OpenPosition.site, OpenPosition.slot).order_by(OpenPosition.slot)).first()
    assert oldest is not None, "no position was left open"
    chain.send(chain.contracts.exchange.settle_overdue(*oldest))
    street.trade(actions=25)
    street.finish()
    street.certify(street.settled_hour)
    street.trade(actions=10)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_feed__begun_from_the_indexer_and_events_after_it__as_from_the_whole_chain(chain, tmp_path, caplog, seed):
    street = RandomStreet(chain, seed)
    live(street, chain)
    with indexed(chain, tmp_path) as (url, engine, _), following(chain, url) as told:
        go_on(street, chain, engine)  # the indexer stays where it is
        with following(chain) as seen:
            assert reach(seen, chain).since > 0, "nothing was dropped"
            assert_same(reach(told, chain), reach(seen, chain))
        with following(chain, url) as behind, following(chain) as seen:
            assert_same(reach(behind, chain), reach(seen, chain))
    assert WARNING not in caplog.text


@pytest.mark.parametrize("comes_along", [True, False], ids=["indexer comes along", "indexer stays behind"])
def test_feed__chain_reorganised_after_it_began__shows_the_new_chain(chain, tmp_path, caplog, comes_along):
    street = RandomStreet(chain, seed=4)
    live(street, chain)
    before = chain.request("evm_snapshot")
    street.trade(actions=10)
    street.finish()
    with indexed(chain, tmp_path) as (url, _, catch_up), following(chain, url) as told:
        assert chain.request("evm_revert", before)
        street.begin_again()
        street.random.seed("another future")
        street.trade(actions=25)
        street.finish()
        if comes_along:
            catch_up()
        with following(chain) as seen:
            assert_same(reach(told, chain), reach(seen, chain))
    if not comes_along:
        assert "is not the chain's" in caplog.text


# --- indexers that are of no use ------------------------------------------------------------------------------------


@contextmanager
def answering(answer: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[str]:
    """A server that answers everything so; its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer(self)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/api"
    server.shutdown()
    thread.join()
    server.server_close()


def send(handler: BaseHTTPRequestHandler, content: bytes, status: int = 200) -> None:
    handler.send_response(status)
    handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    handler.wfile.write(content)


def changed(url: str, change: Callable[[dict[str, Any]], None]) -> Callable[[BaseHTTPRequestHandler], None]:
    """An indexer's own answer, but for one thing."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        told = requests.get(url + handler.path.removeprefix("/api"), timeout=60).json()
        change(told)
        send(handler, json.dumps(told).encode())

    return answer


def drip(handler: BaseHTTPRequestHandler) -> None:
    """A byte now and then, for longer than anybody waits."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000000")
    handler.end_headers()
    try:
        for _ in range(200):
            handler.wfile.write(b" ")
            time.sleep(0.1)
    except OSError:
        return  # nobody listens any more


def no_terms(told: dict[str, Any]) -> None:
    assert told["orders"], "a book without orders shows nothing"
    told["terms"] = []


CHANGES: dict[str, Callable[[dict[str, Any]], None]] = {
    "other chain": lambda told: told.update(chain_id=1),
    "other exchange": lambda told: told.update(exchange="0x" + "1" * 40),
    "other days": lambda told: told.update(since=told["since"] - 3600),
    "another block's hash": lambda told: told["block"].update(hash="0x" + "1" * 64),
    "a block to come": lambda told: told["block"].update(number=told["block"]["number"] + 1000),
    "orders without terms": no_terms,
    "an order without place": lambda told: told["orders"][0].update(order="7"),
    "a payment of no slot": lambda told: told["payments"][0].update(readings={}),
    "a site of no kind": lambda told: told["sites"][0].update(technology=99),
    "a missing part": lambda told: told.pop("held"),
}


@pytest.fixture(scope="module")
def street(chain) -> RandomStreet:
    """A street with something in the book."""
    made = RandomStreet(chain, seed=5)
    made.trade(actions=30)
    made.finish()
    made.trade(actions=30)
    return made


def assert_reads_the_chain_alone(chain: LocalChain, url: str, caplog) -> str:
    """And says why, once; the reason."""
    with caplog.at_level(logging.WARNING), following(chain, url) as told, following(chain) as seen:
        assert_same(reach(told, chain), reach(seen, chain))
    (said,) = [record.getMessage() for record in caplog.records if record.getMessage().startswith(WARNING)]
    return said.removeprefix(WARNING)


@pytest.mark.parametrize("change", [*CHANGES])
def test_feed__indexer_that_tells_something_else__chain_alone(chain, street, tmp_path, caplog, change):
    with indexed(chain, tmp_path) as (url, _, _), answering(changed(url, CHANGES[change])) as liar:
        assert assert_reads_the_chain_alone(chain, liar, caplog)


def test_feed__indexer_that_tells_the_truth_through_others__believed(chain, street, tmp_path, caplog):
    with (
        indexed(chain, tmp_path) as (url, _, _),
        answering(changed(url, lambda _: None)) as honest,
        following(chain, honest) as told,
        following(chain) as seen,
    ):
        assert_same(reach(told, chain), reach(seen, chain))
    assert WARNING not in caplog.text


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (lambda handler: send(handler, b"<html>"), "cannot be read"),
        (lambda handler: send(handler, b"[]"), "cannot be read"),
        (lambda handler: send(handler, b'{"error": "wait"}', 429), 'answers 429 ({"error": "wait"})'),
        (lambda handler: handler.connection.close(), "does not answer"),
        (drip, "takes more than"),
    ],
    ids=["html", "list", "refusal", "nothing", "drip"],
)
def test_feed__indexer_that_answers_nothing_sensible__chain_alone(
    chain, street, caplog, monkeypatch, answer, reason
) -> None:
    monkeypatch.setattr(beginning, "TIMEOUT_S", 1.0)
    with answering(answer) as url:
        assert reason in assert_reads_the_chain_alone(chain, url, caplog)


def test_feed__indexer_without_a_block__chain_alone(chain, street, tmp_path, caplog):
    with follower_of(chain, settings_of(chain, str(tmp_path / "net8.sqlite"))) as (_, engine), served(engine) as url:
        assert "no block is taken in yet" in assert_reads_the_chain_alone(chain, url, caplog)
