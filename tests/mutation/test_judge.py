"""A mutant is tried in a process of its own: what it does ends there, and a verdict comes back whatever it does."""

import os

import boa
import pytest

from mutation import judge
from mutation.building import Built
from mutation.judge import ALIVE, FAILED, KILLED, Children, Round, put_in_place
from mutation.verdicts import TIMEOUT

SOURCE = """
LIMIT: immutable(uint256)

@deploy
def __init__(limit: uint256):
    LIMIT = limit

@external
@view
def room(used: uint256) -> uint256:
    return LIMIT - used
"""


class Item:
    """What a round needs of a test."""

    nodeid = "test_room.py::test_room"

    def __init__(self, runtest):
        self.runtest = runtest


@pytest.fixture
def adder(tmp_path, monkeypatch):
    """A deployed contract, and the same one with a fault in its runtime."""
    monkeypatch.setattr(judge, "CONTRACTS", tmp_path)
    path = tmp_path / "Room.vy"
    path.write_text(SOURCE, encoding="utf-8")
    sound = boa.load(str(path), 10)
    faulty = boa.loads_partial(SOURCE.replace("LIMIT - used", "LIMIT + used")).compiler_data.bytecode_runtime
    return sound, faulty


def ask(runtest, runtimes=None, seconds=1):
    asked = Round({Item.nodeid: ["mutant"]}, {"mutant": Built(runtimes or {})}, lambda test: seconds, 1)
    asked.pytest_runtest_call(Item(runtest))
    return asked.killers


def test_round__fault_that_the_test_notices__killed_by_it_and_the_sound_contract_is_untouched(adder):
    sound, faulty = adder

    def room_is_what_is_left():
        assert sound.room(3) == 7

    assert ask(room_is_what_is_left) == {}
    assert ask(room_is_what_is_left, {"Room": faulty}) == {"mutant": Item.nodeid}
    room_is_what_is_left()


def test_round__fault_that_the_test_does_not_notice__alive(adder):
    sound, faulty = adder
    assert ask(lambda: sound.room(0), {"Room": faulty}) == {}


def test_round__test_that_never_ends__took_too_long():
    def forever():
        while True:
            pass

    assert ask(forever, seconds=0) == {"mutant": TIMEOUT}


def test_round__judge_that_fails__is_no_verdict():
    asked = Round({}, {}, lambda test: 1, 1)
    with pytest.raises(RuntimeError, match="the judge failed at mutant"):
        asked.ended("mutant", FAILED << 8)


def test_put_in_place__immutables_and_contracts_deployed_later__kept_and_exchanged_too(adder):
    sound, faulty = adder

    def differs():
        put_in_place({"Room": faulty})
        assert sound.room(3) == 13
        assert boa.load(sound.filename, 20).room(3) == 23

    ended = []
    children = Children(1, lambda mutant, status: ended.append((mutant, os.WEXITSTATUS(status))))
    children.start("mutant", 30, lambda: ALIVE if differs() is None else KILLED)
    children.finish()
    assert ended == [("mutant", ALIVE)]
