"""What was signed holds: in every round, through restarts, and with two starts of a node at the same database."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from net8_oracle.node.database import Database, StoreUnavailable
from net8_oracle.node.envelopes import Key
from net8_oracle.node.pledges import Pledge, Pledges
from net8_oracle.node.schema import PLEDGE
from sqlalchemy import insert

ZONE, SLOT = 1, 2_000_000
KEY, NEXT = Key(ZONE, SLOT, 0), Key(ZONE, SLOT + 1, 0)
ONE, OTHER = Pledge(b"1" * 32, b"one"), Pledge(b"2" * 32, b"other")


@pytest.fixture
def start(where: Path | str) -> Iterator[Callable[[], Pledges]]:
    """A start of the process at the same database each time; the one before is as if killed."""
    databases = []

    def start() -> Pledges:
        databases.append(Database(where))
        return Pledges(databases[-1])

    yield start
    for database in databases:
        database.close()


@contextmanager
def nobody_can_write(path: Path) -> Iterator[None]:
    stranger = sqlite3.connect(path, isolation_level=None)
    stranger.execute("BEGIN IMMEDIATE")
    yield
    stranger.execute("ROLLBACK")
    stranger.close()


@pytest.mark.parametrize("round_", [0, 3])
def test_pledge__another_one_for_the_same_round__the_first_holds(start: Callable[[], Pledges], round_: int) -> None:
    pledges = start()
    assert pledges.pledge("vote", KEY, round_, ONE) == ONE
    assert pledges.pledge("vote", KEY, round_, OTHER) == ONE
    assert pledges.pledge("observation", KEY, round_, OTHER) == OTHER
    assert pledges.pledge("vote", KEY._replace(part=1), round_, OTHER) == OTHER
    assert pledges.pledged("vote", KEY, round_) == ONE
    assert pledges.pledged("vote", NEXT, round_) is None


def test_later_round__killed__still_known_and_gone_on_with(start: Callable[[], Pledges]) -> None:
    start().pledge("vote", KEY, 3, ONE)
    again = start()
    assert again.begins_in(KEY) == 3
    assert again.pledge("vote", KEY, 3, OTHER) == ONE
    assert again.begins_in(NEXT) == 0


def test_first_round__killed__passed_over_up_to_what_was_reserved(start: Callable[[], Pledges]) -> None:
    pledges = start()
    pledges.reserve(ZONE, NEXT.slot)
    assert pledges.pledge("vote", KEY, 0, ONE) == ONE
    again = start()
    assert [again.begins_in(key) for key in (KEY, NEXT, NEXT._replace(slot=SLOT + 2))] == [1, 1, 0]
    assert again.pledge("vote", KEY, 0, OTHER) is None
    assert again.pledge("vote", NEXT, 0, OTHER) is None, "nobody knows whether anything was signed there"
    assert again.pledge("vote", KEY, 1, OTHER) == OTHER
    assert again.pledge("vote", NEXT._replace(slot=SLOT + 2), 0, OTHER) == OTHER


def test_first_round__ended_in_good_order__only_what_was_signed_is_passed_over(start: Callable[[], Pledges]) -> None:
    pledges = start()
    pledges.pledge("vote", KEY, 0, ONE)
    pledges.reserve(ZONE, NEXT.slot)
    pledges.give_back()
    again = start()
    assert [again.begins_in(key) for key in (KEY, NEXT)] == [1, 0]
    assert again.pledge("vote", KEY, 0, OTHER) is None
    assert again.pledge("vote", NEXT, 0, OTHER) == OTHER


def test_ended__nothing_is_signed_any_more(start: Callable[[], Pledges]) -> None:
    pledges = start()
    pledges.reserve(ZONE, NEXT.slot)
    pledges.give_back()
    with pytest.raises(StoreUnavailable, match="start it again"):
        pledges.pledge("vote", KEY, 0, ONE)


def test_first_round__of_many_slots_that_are_behind__signed_in_their_order(start: Callable[[], Pledges]) -> None:
    pledges = start()
    pledges.reserve(ZONE, SLOT)
    for back in (600, 1, 0):
        assert pledges.pledge("vote", Key(ZONE, SLOT - back, 0), 0, ONE) == ONE
    assert start().pledge("vote", Key(ZONE, SLOT - 300, 0), 0, OTHER) is None


def test_first_round__long_past__nothing_more_is_signed_there(start: Callable[[], Pledges]) -> None:
    """What was signed there is not remembered for ever."""
    pledges = start()
    for slot in (SLOT, SLOT + 64):
        pledges.pledge("vote", Key(ZONE, slot, 0), 0, ONE)
        assert pledges.pledged("vote", KEY, 0) == ONE
    pledges.pledge("vote", Key(ZONE, SLOT + 65, 0), 0, ONE)
    assert pledges.pledged("vote", KEY, 0) is None
    assert pledges.pledge("vote", KEY, 0, OTHER) is None
    assert pledges.pledge("vote", NEXT, 0, OTHER) == OTHER
    pledges.give_back()
    assert start().pledge("vote", KEY, 0, OTHER) is None


def test_zones__each_has_its_own_slots(start: Callable[[], Pledges]) -> None:
    start().reserve(ZONE, NEXT.slot)
    again = start()
    assert again.pledge("vote", KEY, 0, ONE) is None
    assert again.pledge("vote", KEY._replace(zone=2), 0, ONE) == ONE


def sign_as_earlier_versions_did(database: Database, key: Key) -> None:
    with database.transaction() as connection:
        connection.execute(insert(PLEDGE).values(kind="vote", **key._asdict(), round=0, digest=b"1", content=b"1"))


def test_first_round__stored_by_an_earlier_version__passed_over(where: Path | str) -> None:
    """First rounds were stored like all others once: the table of a node that is updated tells of them."""
    database = Database(where)
    sign_as_earlier_versions_did(database, KEY)
    pledges = Pledges(database)
    assert [pledges.begins_in(key) for key in (KEY, NEXT)] == [1, 0]
    assert pledges.pledge("vote", KEY, 0, ONE) is None
    assert pledges.pledge("vote", NEXT, 0, ONE) == ONE
    database.close()


def test_first_round__stored_by_an_earlier_version_that_ran_once_more__passed_over(where: Path | str) -> None:
    database = Database(where)
    first = Pledges(database)
    first.pledge("vote", Key(ZONE, SLOT - 9, 0), 0, ONE)
    sign_as_earlier_versions_did(database, KEY)
    again = Pledges(database)
    assert [again.begins_in(key) for key in (KEY, NEXT)] == [1, 0]
    assert again.pledge("vote", KEY, 0, OTHER) is None
    database.close()


def test_first_round__reserved__does_not_wait_for_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("net8_oracle.node.database._WAIT", 0)
    database = Database(tmp_path / "node.sqlite")
    pledges = Pledges(database)
    pledges.reserve(ZONE, SLOT)
    with nobody_can_write(tmp_path / "node.sqlite"):
        assert pledges.pledge("vote", KEY, 0, ONE) == ONE
        with pytest.raises(StoreUnavailable):
            pledges.pledge("vote", NEXT, 0, ONE)
        with pytest.raises(StoreUnavailable):
            pledges.pledge("vote", KEY, 1, ONE)
    assert pledges.pledge("vote", NEXT, 0, OTHER) == OTHER, "what could not be reserved was not signed"
    database.close()


def test_prune__old_slots__forgotten_and_later_ones_stay(start: Callable[[], Pledges]) -> None:
    pledges = start()
    for key in (KEY, NEXT):
        pledges.pledge("vote", key, 1, ONE)
    with pledges._database.transaction() as connection:
        pledges.prune(connection, NEXT.slot)
    assert [pledges.pledged("vote", key, 1) for key in (KEY, NEXT)] == [None, ONE]


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["reserve", "sign", "sign", "sign", "kill", "end"]), st.integers(0, 1), st.integers(0, 5),
        st.integers(0, 1),
    ),
    max_size=40,
)  # fmt: skip


def two_different_ones(steps: list[tuple[str, int, int, int]]) -> bool:
    """Whether two starts at one database, killed, ended and started again, ever sign two things in one round."""
    signed: dict[tuple[int, int], Pledge] = {}
    with TemporaryDirectory() as folder:
        path = Path(folder) / "node.sqlite"
        databases = [Database(path), Database(path)]
        starts = [Pledges(database) for database in databases]
        doubled = False
        for number, (what, who, slot, round_) in enumerate(steps):
            if what == "reserve":
                starts[who].reserve(ZONE, slot)
            elif what == "sign":
                wanted = Pledge(number.to_bytes(32), b"")
                held = starts[who].pledge("vote", Key(ZONE, slot, 0), round_, wanted)
                if held is not None:
                    doubled |= signed.setdefault((slot, round_), held) != held
            else:
                if what == "end":
                    starts[who].give_back()
                databases[who].close()
                databases[who] = Database(path)
                starts[who] = Pledges(databases[who])
        for database in databases:
            database.close()
    return doubled


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(STEPS)
def test_two_starts_at_one_database__whatever_they_do__never_sign_two_things(
    steps: list[tuple[str, int, int, int]],
) -> None:
    assert not two_different_ones(steps)


def test_two_starts_at_one_database__what_is_taken_is_not_looked_at__the_check_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Pledges, "_taken", lambda self, connection, zone: -1)
    assert two_different_ones([("sign", 0, 3, 0), ("sign", 1, 3, 0)])
