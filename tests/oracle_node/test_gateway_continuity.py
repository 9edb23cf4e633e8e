"""Registers never jump: what may follow a reading, and what is refused with its reason."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from net8_oracle.gateway.continuity import Continuity, NotYet
from net8_oracle.gateway.state import MeterState, SourceSettings
from net8_oracle.reading import Reading, ReadingRefused

SITE, START = 65_537, 900 * 2_000_000
LAST = Reading(SITE, START - 900, 53_700_000, 1_000, 0, 7)


@pytest.fixture
def site() -> Callable[..., Continuity]:
    """site(last, epoch, serial, **what the source's table says)."""

    def make(last: Reading | None = LAST, epoch: int = 0, serial: str | None = "A1", **options: Any) -> Continuity:
        return Continuity(SITE, epoch, SourceSettings(**options), last, serial)

    return make


def shown(imported: int | None = 53_700_100, exported: int | None = 1_050, **others: Any) -> MeterState:
    return MeterState(import_wh=imported, export_wh=exported, **({"time": START, "serial": "A1"} | others))


def take(continuity: Continuity, state: MeterState, now: int = START) -> Reading | None:
    return continuity.take(state, START, now, live=True)


def test_take__registers_grow__next_reading(site: Callable[..., Continuity]) -> None:
    assert take(site(), shown()) == Reading(SITE, START, 53_700_100, 1_050, 0, 8)


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (shown(imported=0), "import register went back from 53700000 to 0 Wh"),
        (shown(exported=999), "export register went back from 1000 to 999 Wh"),
        (shown(imported=107_400_000), "import register jumped .* 250000 W allow 63500 Wh more"),
        (shown(exported=None), 'shows no export register; if it has none, write registers = "import"'),
        (shown(serial="B2"), "this is meter B2, not A1; if it was replaced"),
        (shown(time=START + 61), "61 s ahead of the gateway's"),
        (shown(time=START - 61), "61 s behind the gateway's"),
        (shown(problems=("the meter reports a permanent error",)), "permanent error"),
    ],
)
def test_take__cannot_follow__refused_and_the_last_one_stays(
    site: Callable[..., Continuity], state: MeterState, reason: str
) -> None:
    continuity = site()
    with pytest.raises(ReadingRefused, match=reason):
        take(continuity, state)
    assert take(continuity, shown()) == Reading(SITE, START, 53_700_100, 1_050, 0, 8)


def test_take__clock_ran_backwards__refused(site: Callable[..., Continuity]) -> None:
    later = Reading(SITE, START + 30, 53_700_000, 1_000, 0, 7)
    with pytest.raises(ReadingRefused, match="registers or clock ran backwards"):
        take(site(later), shown(time=START + 10))


def test_take__meters_clock_before_the_boundary__waits(site: Callable[..., Continuity]) -> None:
    with pytest.raises(NotYet, match="2 s before the boundary"):
        take(site(), shown(time=START - 2))


def test_take__gateways_clock_declared__meters_is_not_looked_at(site: Callable[..., Continuity]) -> None:
    reading = take(site(clock="gateway"), shown(time=5), START + 3)
    assert reading is not None
    assert reading.taken_at == START + 3


def test_take__meter_swapped_with_a_new_epoch__passes_once_confirmed(site: Callable[..., Continuity]) -> None:
    continuity = site(epoch=1, serial=None)
    assert take(continuity, shown(3, 0, serial="B2")) is None
    assert take(continuity, shown(3, 0, serial="B2")) == Reading(SITE, START, 3, 0, 1, 8)
    with pytest.raises(ReadingRefused, match="this is meter A1, not B2"):
        take(continuity, shown(time=START + 5), START + 5)


def test_take__epoch_set_back__refused(site: Callable[..., Continuity]) -> None:
    continuity = site(Reading(SITE, START - 900, 5, 0, 2, 7), epoch=1)
    take(continuity, shown(5, 0))
    with pytest.raises(ReadingRefused, match="epoch went from 2 to 1"):
        take(continuity, shown(5, 0))


def test_take__first_state_is_a_momentary_zero__never_believed(site: Callable[..., Continuity]) -> None:
    continuity = site(None)
    assert take(continuity, shown(0, 0)) is None
    with pytest.raises(ReadingRefused, match="jumped from 0 to 53700100"):
        take(continuity, shown())
    assert take(continuity, shown()) == Reading(SITE, START, 53_700_100, 1_050, 0, 1)


def test_take__zero_while_a_first_state_waits__neither_is_believed(site: Callable[..., Continuity]) -> None:
    continuity = site(None)
    assert take(continuity, shown()) is None
    with pytest.raises(ReadingRefused, match="went back"):
        take(continuity, shown(0, 0))
    with pytest.raises(ReadingRefused, match="jumped"):
        take(continuity, shown())
    assert take(continuity, shown()) is not None


@pytest.mark.parametrize("bits", [23, 24, 32])
def test_take__declared_rollover__register_goes_on(site: Callable[..., Continuity], bits: int) -> None:
    turn = 2**bits
    last = Reading(SITE, START - 900, 3 * turn - 50, 1_000, 0, 7)
    reading = take(site(last, rollover_wh=turn), shown(imported=70))
    assert reading is not None
    assert reading.import_wh == 3 * turn + 70


@pytest.mark.parametrize(
    ("imported", "reason"), [(0, "jumped"), (8_388_607 - 5_000_000, "jumped"), (8_388_608, "correct rollover_wh")]
)
def test_take__zero_or_fall_in_mid_turn__no_rollover(
    site: Callable[..., Continuity], imported: int, reason: str
) -> None:
    last = Reading(SITE, START - 900, 2**23 + 4_000_000, 1_000, 0, 7)
    with pytest.raises(ReadingRefused, match=reason):
        take(site(last, rollover_wh=2**23), shown(imported=imported))


@pytest.mark.parametrize(("registers", "expected"), [("import", (53_700_100, 0)), ("export", (0, 53_700_100))])
def test_take__meter_with_one_register__the_other_counts_as_zero(
    site: Callable[..., Continuity], registers: str, expected: tuple[int, int]
) -> None:
    last = Reading(SITE, START - 900, *((n - 100 if n else 0) for n in expected), 0, 7)
    state = shown(expected[0] or None, expected[1] or None)
    reading = take(site(last, registers=registers), state)
    assert reading is not None
    assert (reading.import_wh, reading.export_wh) == expected


def test_take__serial_declared_and_not_told__refused(site: Callable[..., Continuity]) -> None:
    continuity = Continuity(SITE, 0, SourceSettings(serial="A1"), LAST, None)
    with pytest.raises(ReadingRefused, match="does not tell its serial"):
        take(continuity, shown(serial=None))


@settings(max_examples=150, deadline=None)
@given(
    turn=st.integers(2**22, 2**24),
    first=st.integers(0, 2**24),
    steps=st.lists(
        st.tuples(st.integers(0, 60_000), st.one_of(st.none(), st.floats(0, 1, exclude_max=True))),
        min_size=1,
        max_size=40,
    ),
)
def test_take__any_history_with_faults_of_a_moment__true_register_or_refusal(
    turn: int, first: int, steps: list[tuple[int, float | None]]
) -> None:
    """The model is the register without turns; a fault is any value that the energy since then cannot give."""
    true = accepted = first % turn
    accepted_at = START
    continuity = Continuity(SITE, 0, SourceSettings(rollover_wh=turn), Reading(SITE, START, true, 0, 0, 1), None)
    for number, (energy, fault) in enumerate(steps, start=1):
        now, true = START + 900 * number, true + energy
        most = 250_000 * (now - accepted_at) // 3600 + 1_000
        if fault is None:
            reading = continuity.take(MeterState(None, true % turn, 0), now, now, live=True)
            assert reading is not None
            assert reading.import_wh == true
            accepted, accepted_at = true, now
        elif most + 1 < turn:
            wrong = accepted + most + 1 + int(fault * (turn - most - 1))
            with pytest.raises(ReadingRefused, match="jumped"):
                continuity.take(MeterState(None, wrong % turn, 0), now, now, live=True)
