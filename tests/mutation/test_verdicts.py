"""The committed verdicts on mutants: enough of them dead, the others explained, and none older than it says."""

import pytest

from mutation import verdicts
from mutation.contracts import DEPLOYABLE
from mutation.verdicts import DRAW, FOLDER, Verdicts, digest_of, reasons
from scripts.compiler import PROJECT

JUDGED = sorted(path.stem for path in FOLDER.glob("*.json"))
LEAST_KILLED = 0.95


@pytest.fixture(params=JUDGED)
def judged(request):
    return Verdicts.load(request.param)


def test_verdicts__every_file__is_of_a_contract_there_is():
    assert set(JUDGED) <= set(DEPLOYABLE)


def test_verdicts__of_a_contract__enough_are_killed(judged):
    assert judged.killed >= LEAST_KILLED * judged.counted, str(judged)


def test_verdicts__of_a_contract__are_a_draw_from_the_named_sources(judged):
    assert 0 < len(judged.judged) <= judged.mutants
    assert judged.counted <= DRAW
    assert {key.split(": ")[0] for key in judged.judged} <= judged.sources.keys()


def test_verdicts__killers__are_tests_there_are(judged):
    files = {killer.split("::")[0] for killer in judged.kills}
    assert [file for file in files if not PROJECT.joinpath(file).exists()] == []


def test_verdicts__survivors__each_has_its_reason_and_no_reason_is_left_over(judged):
    assert sorted(judged.survivors) == sorted(reasons().get(judged.contract, {}))


def test_reasons__contracts__are_judged_ones():
    assert set(reasons()) <= set(JUDGED)


def source(path, text):
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.setattr(verdicts, "PROJECT", tmp_path)
    return tmp_path


def test_begin__source_changed__its_verdicts_are_forgotten_and_the_others_kept(project):
    kept, changed = source(project / "kept.vy", "1"), source(project / "changed.vy", "2")
    both = Verdicts("Both")
    both.begin((kept, changed), 2)
    both.judged = {"kept.vy: f: [1] -> 2": "test.py::test", "changed.vy: f: [2] -> 3": "survived"}
    source(changed, "4")
    assert both.stale == ["changed.vy"]
    assert "since then changed: changed.vy" in str(both)
    both.begin((kept, changed), 2)
    assert both.judged == {"kept.vy: f: [1] -> 2": "test.py::test"}
    assert both.stale == []


CODE = """
# Why.
WIDE: constant(uint256) = 2  # bits


@external
def f():
    \"\"\"
    @notice What.
    \"\"\"
    pass
"""


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ("# Why.", "# Why, longer.", True),
        ("# Why.\n", "", True),
        ("@notice What.", "@notice Something else.", True),
        ("\n\n\n@external", "\n@external", True),
        ("# bits", "# bytes", False),
        ("= 2", "= 3", False),
        ("pass", "assert False", False),
    ],
)
def test_digest__of_a_source__is_of_its_code_and_what_stands_behind_it(old, new, same):
    assert CODE.count(old) == 1
    assert (digest_of(CODE.replace(old, new)) == digest_of(CODE)) == same


def test_forget_survivors__nothing_else_is_judged_anew():
    some = Verdicts("Some", 3, {}, {"a": "same bytecode", "b": "survived", "c": "test.py::test"})
    some.forget_survivors()
    assert some.judged == {"a": "same bytecode", "c": "test.py::test"}


def test_counted__same_bytecode_and_not_compiling__are_no_part_of_the_draw():
    some = Verdicts("Some", 5, {}, {"a": "same bytecode", "b": "does not compile", "c": "survived", "d": "t.py::t"})
    assert (some.counted, some.killed, some.survivors) == (2, 1, ["c"])
    assert str(some) == "Some: 1 of 2 killed (50.0 %), of 5 mutants, not finished"
