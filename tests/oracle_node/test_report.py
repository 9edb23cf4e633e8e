"""The report that follows from observations: medians, absences, caps, and the words of the registry."""

import pytest
from net8.packing import Entry
from net8_oracle.node.report import (
    ObservationRefused,
    agree,
    check_observation,
    faulty,
    index_of,
    leader_seat,
    no_reading,
    quorum,
    reading_word,
    settlement_entries,
)

HONEST = [reading_word(1, 500, 10), reading_word(2, 0, 300)]


def test_quorum__as_the_registry_counts() -> None:
    assert [(quorum(n), faulty(n)) for n in (4, 5, 7, 16, 31)] == [(3, 1), (4, 1), (5, 2), (11, 5), (21, 10)]


def test_leader__rounds_and_slots__everybody_in_turn() -> None:
    assert sorted(leader_seat(10, 0, round_, 4) for round_ in range(4)) == [0, 1, 2, 3]
    assert sorted(leader_seat(slot, 0, 0, 4) for slot in range(4)) == [0, 1, 2, 3]


def test_agree__all_the_same__that() -> None:
    assert agree([HONEST] * 3, 4) == HONEST


@pytest.mark.parametrize("lie", [reading_word(1, 9_999, 10), reading_word(1, 0, 0), no_reading(1)])
def test_agree__one_liar_of_three__the_honest_value(lie: int) -> None:
    assert agree([HONEST, [lie, HONEST[1]], HONEST], 4) == HONEST


def test_agree__most_say_no_reading__no_reading() -> None:
    assert agree([HONEST, [no_reading(1), HONEST[1]], [no_reading(1), HONEST[1]]], 4) == [no_reading(1), HONEST[1]]


def test_agree__half_say_no_reading__the_value() -> None:
    missing = [no_reading(1), HONEST[1]]
    assert agree([HONEST, missing, HONEST, missing], 4) == HONEST


def test_agree__site_that_few_name__left_out() -> None:
    assert agree([HONEST, HONEST, [*HONEST, reading_word(3, 1, 1)]], 4) == HONEST


def test_agree__three_different_values__nobodys_reading() -> None:
    different = [[reading_word(1, 100 * i, 0)] for i in (1, 2, 3)]
    assert agree(different, 4) == [no_reading(1)]


def test_word__more_than_a_report_carries__no_reading() -> None:
    assert reading_word(5, 2**24, 0) == no_reading(5)
    assert index_of(reading_word(65_535, 2**24 - 1, 2**24 - 1)) == 65_535


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ([HONEST[1], HONEST[0]], "must ascend"),
        ([HONEST[0], HONEST[0]], "must ascend"),
        ([reading_word(257, 1, 1)], "beyond the part's last"),
        ([no_reading(1) | 5], "energies and no reading at once"),
        ([reading_word(0, 1, 1)], "must ascend"),
    ],
)
def test_check__what_no_honest_operator_says__refused(words: list[int], reason: str) -> None:
    with pytest.raises(ObservationRefused, match=reason):
        check_observation(words, 1, 256)


def test_entries__unpacked_by_the_sdk__say_what_was_agreed() -> None:
    slot = 4 * 555_555 + 2
    words = settlement_entries([*HONEST, no_reading(7)], slot, {2: 120})
    assert list(words) == sorted(words)
    assert [Entry.unpack(word) for word in words] == [
        Entry(555_555, 1, {2: (500, 0)}),
        Entry(555_555, 2, {2: (0, 120)}),
        Entry(555_555, 7, {2: None}),
    ]
    assert [Entry.unpack(word).pack() for word in words] == list(words)
