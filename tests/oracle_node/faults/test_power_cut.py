"""Power cut during commit: the database files as they were at every write boundary, opened again.

A commit appends frames to the write-ahead log; after a power cut any beginning of what was appended may be on disk.
Each beginning is opened as a restarted process would, and must hold what some number of whole transactions had made:
all that had returned before the cut, and nothing of the one that was cut. A checkpoint copies pages into the database
file one by one; it is cut after each page too.
"""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from net8_oracle.clock import Block
from net8_oracle.node.envelopes import Key
from net8_oracle.node.outbox import Attempt, Outbox
from net8_oracle.node.pledges import Pledge
from net8_oracle.node.store import SqlStore

SENDER = b"\x11" * 20
KEY = Key(1, 2_000_000, 0)
PAGE = 4096
FRAME = 24 + PAGE
HEADER = 32  # of the write-ahead log


def attempt(nonce: int, fee: int = 1) -> Attempt:
    return Attempt(nonce, bytes([nonce, fee]) * 16, bytes([nonce, fee]) * 300, fee, 1)


def a_day(store: SqlStore, outbox: Outbox) -> list[Callable[[], object]]:
    """What a node stores on the way of two reports, transaction by transaction."""
    second = Key(1, KEY.slot + 1, 0)
    return [
        lambda: store.pledges.reserve(1, KEY.slot),
        lambda: store.pledges.pledge("vote", KEY, 1, Pledge(b"1" * 32, b"content" * 99)),
        lambda: outbox.reserve(KEY, "0x00", b"data" * 500, 9, attempt, 4),
        lambda: outbox.replace(outbox.pending()[0], attempt(4, 2)),
        lambda: outbox.reserve(second, "0x00", b"data" * 500, 9, attempt, 4),
        lambda: outbox.close(outbox.pending()[0], "mined", Block(7, "0x07")),
        lambda: store.settled(KEY, Block(7, "0x07"), None),
        lambda: store.set_next_slot(1, second.slot),
        lambda: outbox.renumber(outbox.pending()[0], lambda nonce: attempt(nonce, 3), 9),
        lambda: outbox.finalize(7),
    ]


def state(folder: Path) -> tuple[Any, ...]:
    """All that a restarted process finds."""
    store = SqlStore(folder / "node.sqlite")
    outbox = store.outbox(SENDER)
    with store._database.transaction() as connection:
        nonces = connection.exec_driver_sql("select next_nonce from account").scalars().all()
    found = (
        store.pledges.begins_in(KEY), store.pledges.pledged("vote", KEY, 1), outbox.pending(), outbox.ended_in(),
        store.settled_in(), store.next_slot(1), tuple(nonces),
    )  # fmt: skip
    store.close()
    return found


class Cut:
    """The files of a node's store at one moment."""

    def __init__(self, base: bytes, log: bytes) -> None:
        self.base, self.log = base, log

    def opened(self, folder: Path) -> tuple[Any, ...]:
        """State after a restart."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        (folder / "node.sqlite").write_bytes(self.base)
        (folder / "node.sqlite-wal").write_bytes(self.log)
        return state(folder)


def record(folder: Path) -> tuple[bytes, bytes, list[int], list[tuple[Any, ...]], Path]:
    """Run the day. Base file, whole log, length of the log after each transaction, and the state then."""
    path = folder / "node.sqlite"
    store = SqlStore(path)
    outbox = store.outbox(SENDER)
    outbox.take_over()
    copies = folder / "copies"
    base, log_file = path.read_bytes(), path.with_name("node.sqlite-wal")
    ends = [log_file.stat().st_size]
    states = [Cut(base, log_file.read_bytes()).opened(copies)]
    for transaction in a_day(store, outbox):
        transaction()
        ends.append(log_file.stat().st_size)
        states.append(Cut(base, log_file.read_bytes()).opened(copies))
    assert path.read_bytes() == base, "no checkpoint yet"
    return base, log_file.read_bytes(), ends, states, copies


def boundaries(first: int, last: int) -> list[int]:
    """Lengths at which the log may be cut: at every frame, within its header, and in the middle of its page."""
    frames = range((first - HEADER) // FRAME * FRAME + HEADER, last + 1, FRAME)
    return sorted({at + more for at in frames for more in (0, 12, 24 + PAGE // 2) if first <= at + more <= last})


def check_whole_transactions_only(folder: Path) -> int:
    """Cut the log everywhere; the number of cuts."""
    base, log, ends, states, copies = record(folder)
    cuts = boundaries(ends[0], ends[-1])
    for cut in cuts:
        done = sum(end <= cut for end in ends) - 1
        assert Cut(base, log[:cut]).opened(copies) == states[done], f"cut at {cut}, after transaction {done}"
    return len(cuts)


def test_commit__cut_at_every_write__whole_transactions_and_all_that_had_returned(tmp_path: Path) -> None:
    assert check_whole_transactions_only(tmp_path) > 50


def test_commit__torn_page_with_old_bytes_behind_it__whole_transactions_only(tmp_path: Path) -> None:
    """The log is written over from its beginning after a checkpoint: old frames follow the cut, and do not count."""
    base, log, ends, states, copies = record(tmp_path)
    for cut in boundaries(ends[0], ends[-1]):
        done = sum(end <= cut for end in ends) - 1
        torn = log[:cut] + bytes(byte ^ 0xFF for byte in log[cut : cut + PAGE]) + log[cut + PAGE :]
        assert Cut(base, torn).opened(copies) == states[done]


def test_checkpoint__cut_after_every_page__nothing_is_lost(tmp_path: Path) -> None:
    base, log, _, states, copies = record(tmp_path)
    shutil.rmtree(copies, ignore_errors=True)
    copies.mkdir()
    (copies / "node.sqlite").write_bytes(base)
    (copies / "node.sqlite-wal").write_bytes(log)
    SqlStore(copies / "node.sqlite").close()  # the last connection writes everything into the database file
    after = (copies / "node.sqlite").read_bytes()
    assert after != base
    for pages in range(len(after) // PAGE + 1):
        half = after[: pages * PAGE] + base[pages * PAGE :]
        assert Cut(half, log).opened(copies) == states[-1]


def test_commit__nonce_and_intent_in_two_transactions__the_check_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = Outbox.reserve

    def in_two(self: Outbox, key: Key, target: str, data: bytes, gas: int, sign: Any, first: int) -> object:
        with self._database.transaction() as connection:
            nonce = self._take_nonce(connection, first)
        monkeypatch.setattr(Outbox, "_take_nonce", lambda self, connection, at_least: nonce)
        try:
            return honest(self, key, target, data, gas, sign, first)
        finally:
            monkeypatch.undo()
            monkeypatch.setattr(Outbox, "reserve", in_two)

    monkeypatch.setattr(Outbox, "reserve", in_two)
    with pytest.raises(AssertionError, match="after transaction"):
        check_whole_transactions_only(tmp_path)
