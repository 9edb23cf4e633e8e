"""What every store of a node promises, on SQLite and on a real PostgreSQL server."""

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from net8_oracle.clock import Block
from net8_oracle.node.database import StoreUnavailable
from net8_oracle.node.envelopes import Key, Verdict
from net8_oracle.node.meters import RegisteredSite
from net8_oracle.node.outbox import Attempt, Fenced, Outbox
from net8_oracle.node.pledges import Pledge
from net8_oracle.node.store import SqlStore
from net8_oracle.reading import Reading, SignedReading
from net8_oracle.settings import ConfigRefused
from sqlalchemy import make_url
from sqlalchemy.exc import IntegrityError

from tests.oracle_node.postgresql import BreakableLine, Server, breakable_line

SENDER = b"\x11" * 20
KEY = Key(1, 2_000_000, 0)
BLOCK, OTHER = Block(10, "0x0a"), Block(11, "0x0b")


@pytest.fixture
def store(where: Path | str) -> SqlStore:
    return SqlStore(where)


@pytest.fixture
def outbox(store: SqlStore) -> Outbox:
    """Taken over by this process."""
    outbox = store.outbox(SENDER)
    outbox.take_over()
    return outbox


@pytest.fixture
def on_a_line(postgresql_server: Server) -> Iterator[tuple[SqlStore, BreakableLine]]:
    """A store on a PostgreSQL server, and the line to it."""
    url = make_url(postgresql_server.empty_database())
    with breakable_line(postgresql_server.port) as line:
        store = SqlStore(url.set(port=line.port).render_as_string())
        yield store, line
        store.close()


def attempt(nonce: int, fee: int = 1, does_nothing: bool = False) -> Attempt:
    return Attempt(nonce, bytes([nonce, fee]) * 16, bytes([nonce, fee, 2]), fee, 1, does_nothing)


def reading(sequence: int, taken_at: int, site: int = 65537) -> SignedReading:
    return SignedReading(Reading(site, taken_at, 5, 7, 0, sequence), b"s" * 65, 1)


def verdict(key: Key = KEY, round_: int = 0) -> Verdict:
    return Verdict(**key._asdict(), round=round_, entries=b"e" * 32, votes=[b"v" * 65] * 3)


def reserve(outbox: Outbox, key: Key = KEY, first: int = 0) -> int:
    return outbox.reserve(key, "0x" + "22" * 20, b"data", 9, attempt, first).id


# --- what was signed -------------------------------------------------------------------------------------------------


def test_pledge__another_one_for_the_same_round__the_first_holds(store: SqlStore, where: Path | str) -> None:
    first, second = Pledge(b"1" * 32, b"first"), Pledge(b"2" * 32, b"second")
    assert store.pledges.pledge("vote", KEY, 3, first) == first
    assert store.pledges.pledge("vote", KEY, 3, second) == first
    assert store.pledges.pledge("observation", KEY, 3, second) == second
    store.close()
    again = SqlStore(where)
    assert again.pledges.pledged("vote", KEY, 3) == first


def test_readings__repeated__kept_once_and_the_latest_survives_pruning(store: SqlStore) -> None:
    store.add_readings([reading(1, 100), reading(2, 200), reading(1, 50, site=65538)])
    store.add_readings([reading(2, 200), reading(3, 300)])
    assert [one.reading.sequence for one in store.readings_since(0)] == [1, 2, 3, 1]
    store.prune(taken_before=250, slot_before=0)
    assert [(one.reading.site, one.reading.sequence) for one in store.readings_since(0)] == [(65537, 3), (65538, 1)]


def test_prune__old_slots__pledges_and_settlements_go_and_later_ones_stay(store: SqlStore) -> None:
    old = Key(1, KEY.slot - 1000, 0)
    for key in (old, KEY):
        store.pledges.pledge("vote", key, 1, Pledge(b"1" * 32, b""))
        store.keep_verdict(verdict(key))
    store.prune(0, KEY.slot)
    assert store.pledges.pledged("vote", old, 1) is None
    assert store.pledges.pledged("vote", KEY, 1) is not None
    assert [one.key for one in store.unsettled()] == [KEY]


def test_progress__set_twice__the_latest(store: SqlStore) -> None:
    assert store.next_slot(1) is None
    for slot in (5, 6):
        store.set_next_slot(1, slot)
    assert store.next_slot(1) == 6


# --- settlements -----------------------------------------------------------------------------------------------------


def test_verdict__of_a_later_round__takes_the_place_of_the_earlier(store: SqlStore) -> None:
    store.keep_verdict(verdict())
    store.keep_verdict(verdict(round_=2))
    assert store.verdict(KEY) == verdict(round_=2)


def test_settlement__block_vanishes__unsettled_with_its_verdict(store: SqlStore) -> None:
    store.keep_verdict(verdict())
    store.settled(KEY, BLOCK, None)
    assert (store.unsettled(), store.settled_in()) == ([], {BLOCK})
    assert store.settled_as_of(Block(BLOCK.number, "0xff")) == []
    assert store.settled_as_of(BLOCK) == [KEY]
    store.unsettle(Block(BLOCK.number, "0xff"))
    assert store.settled_in() == {BLOCK}
    store.unsettle(BLOCK)
    assert (store.unsettled(), store.settled_in()) == ([verdict()], set())


def test_settlement__deep_enough__forgotten_and_shallower_ones_kept(store: SqlStore) -> None:
    later = Key(1, KEY.slot + 1, 0)
    store.settled(KEY, BLOCK, verdict())
    store.settled(later, OTHER, verdict(later))
    store.finalize(BLOCK.number)
    assert store.verdict(KEY) is None
    assert store.verdict(later) == verdict(later)


# --- outbox ----------------------------------------------------------------------------------------------------------


def test_reserve__one_after_the_other__nonces_without_gap_from_where_the_chain_is(outbox: Outbox) -> None:
    assert not outbox.has_nonce()
    for _ in range(3):
        reserve(outbox, first=7)
    assert [intent.latest.nonce for intent in outbox.pending()] == [7, 8, 9]
    assert outbox.has_nonce()


def test_reserve__signing_fails__neither_nonce_nor_intent_is_stored(outbox: Outbox) -> None:
    def broken(nonce: int) -> Attempt:
        raise RuntimeError("no key")

    with pytest.raises(RuntimeError):
        outbox.reserve(KEY, "0x", b"", 1, broken, 0)
    assert outbox.pending() == []
    assert not outbox.has_nonce()


def test_reserve__nonce_of_another_intent__refused_by_the_database(outbox: Outbox) -> None:
    reserve(outbox)
    with pytest.raises(IntegrityError):
        outbox.reserve(KEY, "0x", b"", 1, lambda nonce: attempt(0), 0)
    assert len(outbox.pending()) == 1


def test_replace__fee_raised__both_attempts_are_kept_in_order(outbox: Outbox) -> None:
    reserve(outbox)
    outbox.replace(outbox.pending()[0], attempt(0, fee=2))
    assert [one.max_fee for one in outbox.pending()[0].attempts] == [1, 2]


def test_renumber__nonce_was_anothers__next_free_one_and_all_attempts_kept(outbox: Outbox) -> None:
    reserve(outbox)
    moved = outbox.renumber(outbox.pending()[0], attempt, at_least=4)
    assert [one.nonce for one in moved.attempts] == [0, 4]
    reserve(outbox)
    assert [intent.latest.nonce for intent in outbox.pending()] == [4, 5]


def test_close_gap__chain_waits_below__all_pending_are_numbered_from_there(outbox: Outbox) -> None:
    ids = [reserve(outbox, first=9) for _ in range(2)]
    moved = outbox.close_gap(3, lambda intent, nonce: attempt(nonce))
    assert {id_: intent.latest.nonce for id_, intent in moved.items()} == dict(zip(ids, (3, 4), strict=True))
    reserve(outbox)
    assert [intent.latest.nonce for intent in outbox.pending()] == [3, 4, 5]


def test_close__ended_and_block_vanishes__pending_again_once(outbox: Outbox) -> None:
    reserve(outbox)
    reserve(outbox)
    first, second = outbox.pending()
    outbox.close(first, "mined", BLOCK)
    outbox.close(second, "cancelled", OTHER)
    assert (outbox.pending(), outbox.ended_in()) == ([], {BLOCK, OTHER})
    assert [intent.id for intent in outbox.reopen(BLOCK)] == [first.id]
    assert outbox.reopen(BLOCK) == []
    assert [intent.id for intent in outbox.pending()] == [first.id]


def test_finalize__deep_enough__dropped_with_all_attempts_but_the_next_nonce_is_known(outbox: Outbox) -> None:
    reserve(outbox, first=7)
    outbox.close(outbox.pending()[0], "mined", BLOCK)
    outbox.finalize(BLOCK.number)
    assert outbox.ended_in() == set()
    reserve(outbox, first=0)
    assert outbox.pending()[0].latest.nonce == 8


def test_claim__two_recoveries__one_gets_the_intent(store: SqlStore, outbox: Outbox) -> None:
    id_ = reserve(outbox)
    assert outbox.claim(id_) is None, "it is this start's own"
    restarted = store.outbox(SENDER)
    restarted.take_over()
    claimed = restarted.claim(id_)
    assert claimed is not None
    assert claimed.id == id_
    assert restarted.claim(id_) is None
    with pytest.raises(Fenced):
        outbox.claim(id_)


def test_writing__another_process_has_taken_over__refused_and_nothing_changed(store: SqlStore, outbox: Outbox) -> None:
    reserve(outbox)
    intent = outbox.pending()[0]
    store.outbox(SENDER).take_over()
    for write in (
        lambda: reserve(outbox),
        lambda: outbox.replace(intent, attempt(0, fee=2)),
        lambda: outbox.renumber(intent, attempt, 5),
        lambda: outbox.close_gap(0, lambda intent, nonce: attempt(nonce)),
        lambda: outbox.close(intent, "mined", BLOCK),
        lambda: outbox.reopen(BLOCK),
    ):
        with pytest.raises(Fenced):
            write()
    assert outbox.pending() == [intent]


# --- the databases themselves ----------------------------------------------------------------------------------------


def test_sqlite__opened__commits_are_on_disk_when_they_return(tmp_path: Path) -> None:
    """Without FULL, a power cut takes back what was signed already; see net8_oracle.node.database."""
    store = SqlStore(tmp_path / "node.sqlite")
    with store._database.transaction() as connection:
        modes = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("synchronous", "journal_mode")
        }
    assert modes == {"synchronous": 2, "journal_mode": "wal"}


def test_sqlite__file_is_no_database__one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "node.sqlite"
    path.write_bytes(b"not a database" * 100)
    with pytest.raises(ConfigRefused, match=r"cannot be opened .*file is not a database"):
        SqlStore(path)


def test_sqlite__locked_by_a_stranger__unavailable_and_nothing_half_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("net8_oracle.node.database._WAIT", 0)
    store = SqlStore(tmp_path / "node.sqlite")
    stranger = sqlite3.connect(tmp_path / "node.sqlite", isolation_level=None)
    stranger.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="locked"):
        store.set_next_slot(1, 5)
    stranger.execute("ROLLBACK")
    assert store.next_slot(1) is None


def test_postgresql__server_restarted__unavailable_while_it_is_away_and_everything_there_after(
    postgresql_server: Server,
) -> None:
    store = SqlStore(postgresql_server.empty_database())
    outbox = store.outbox(SENDER)
    outbox.take_over()
    reserve(outbox)
    with postgresql_server.away(), pytest.raises(StoreUnavailable):
        reserve(outbox)
    reserve(outbox)
    assert [intent.latest.nonce for intent in outbox.pending()] == [0, 1]


def test_postgresql__connection_reset_under_a_question__unavailable_once_and_everything_there_after(
    on_a_line: tuple[SqlStore, BreakableLine],
) -> None:
    store, line = on_a_line
    outbox = store.outbox(SENDER)
    outbox.take_over()
    reserve(outbox)
    line.break_at()
    with pytest.raises(StoreUnavailable, match="reset"):
        reserve(outbox)
    reserve(outbox)
    assert [intent.latest.nonce for intent in outbox.pending()] == [0, 1]


def test_postgresql__answer_to_a_commit_lost__stored_once_and_told_that_it_is_in_doubt(
    on_a_line: tuple[SqlStore, BreakableLine],
) -> None:
    store, line = on_a_line
    outbox = store.outbox(SENDER)
    outbox.take_over()
    for write in (
        lambda _: reserve(outbox),
        lambda pending: outbox.replace(pending[0], attempt(0, fee=2)),
        lambda pending: outbox.renumber(pending[0], attempt, 4),
    ):
        pending, outbox.in_doubt = outbox.pending(), False
        line.break_at(b"COMMIT\0", answered=True)
        with pytest.raises(StoreUnavailable):
            write(pending)
        assert outbox.in_doubt
    (intent,) = outbox.pending()
    assert [(one.nonce, one.max_fee) for one in intent.attempts] == [(0, 1), (0, 2), (4, 1)]
    stale = replace(intent, attempts=intent.attempts[:1])
    outbox.replace(stale, attempt(4, fee=3))
    assert [one.max_fee for one in outbox.pending()[0].attempts] == [1, 2, 1, 3]


def test_postgresql__line_broken_before_a_commit__what_it_locked_is_free_again_soon(
    on_a_line: tuple[SqlStore, BreakableLine],
) -> None:
    store, line = on_a_line
    store.set_next_slot(1, 5)
    line.break_at(b"commit")
    with pytest.raises(StoreUnavailable):
        store.set_next_slot(1, 6)
    store.set_next_slot(1, 7)
    assert store.next_slot(1) == 7


def test_postgresql__nobody_there__one_sentence() -> None:
    with pytest.raises(ConfigRefused, match=r"cannot be opened .*check server, user and database"):
        SqlStore("postgresql://net8@127.0.0.1:1/node")


# --- what is remembered of the chain ---------------------------------------------------------------------------------


def test_memory__kept_anew__the_latest_is_there_after_a_restart(store: SqlStore, where: Path | str) -> None:
    memory = store.chain_memory()
    assert (memory.sites(), memory.signers(), memory.bought()) == ([], {}, {})
    old, new, other = (
        RegisteredSite(site, bytes([site]) * 20, 5_000, since) for site, since in ((1, 0), (1, 9), (2, 3))
    )
    memory.keep_sites([old])
    memory.keep_sites([new, other])
    memory.keep_signers(1, (b"a" * 20,))
    memory.keep_signers(1, (b"b" * 20, b"c" * 20))
    memory.keep_signers(2, ())
    memory.keep_bought({KEY: {1: 500}, Key(1, 2_000_001, 0): {}})
    memory.keep_bought({KEY: {1: 700, 200: 4}})
    store.close()
    again = SqlStore(where).chain_memory()
    assert again.sites() == [new, other]
    assert again.signers() == {1: (b"b" * 20, b"c" * 20), 2: ()}
    assert again.bought() == {KEY: {1: 700, 200: 4}}
