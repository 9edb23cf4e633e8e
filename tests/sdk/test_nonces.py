"""What a nonce's state says of an order, and which nonce comes next."""

import pytest
from net8.nonces import RING, Life, left, life, next_nonce, strip_left, strip_life
from net8.offers import Offer, Strip

OFFER = Offer(site=65537, slot=2_000_000, sell=True, price=900, wh=5000, nonce=7, expiry=1_000)
OVER = 2**22 - 1


@pytest.mark.parametrize(
    ("state", "now", "expected", "wh"),
    [
        (0, 999, Life.OPEN, 5000),
        (4999, 999, Life.OPEN, 1),
        (0, 1000, Life.EXPIRED, 5000),
        (5000, 2000, Life.FILLED, 0),
        (2**21 - 1, 999, Life.FILLED, 0),
        (2**21 + 5, 999, Life.ENDED, 0),
        (OVER, 2000, Life.ENDED, 0),
    ],
)
def test_life__states__as_the_desk_takes_them(state: int, now: int, expected: Life, wh: int) -> None:
    assert life(OFFER, state, now) is expected
    assert left(OFFER, state) == wh


STRIP = Strip(65537, 2_000_000, True, prices=(900, 0, 950), wh=(500, 0, 100), nonce=7, expiry=1_000)
STRIPS = 2**21  # its nonce was used by a strip


@pytest.mark.parametrize(
    ("state", "traded", "now", "expected", "wh"),
    [
        (0, (0, 0, 0), 999, Life.OPEN, (500, 0, 100)),
        (STRIPS | 1, (500, 0, 99), 999, Life.OPEN, (0, 0, 1)),
        (STRIPS | 1, (0, 0, 0), 1000, Life.EXPIRED, (500, 0, 100)),
        (STRIPS | 1, (500, 0, 100), 2000, Life.FILLED, (0, 0, 0)),
        (STRIPS | 1, (900, 7, 100), 999, Life.FILLED, (0, 0, 0)),  # another strip of the same nonce
        (5, (0, 0, 0), 999, Life.ENDED, (0, 0, 0)),  # an order of the same nonce
        (OVER, (0, 0, 0), 999, Life.ENDED, (0, 0, 0)),
    ],
)
def test_strip_life__states__as_the_desk_takes_them(
    state: int, traded: tuple[int, ...], now: int, expected: Life, wh: tuple[int, ...]
) -> None:
    assert strip_life(STRIP, state, traded, now) is expected
    assert strip_left(STRIP, state, traded) == wh


class Ring:
    """The desk's ring of one site, and how often it was asked."""

    def __init__(self, *used: int) -> None:
        self.rounds: dict[int, int] = {}
        self.used = set(used)
        self.asked = 0
        for nonce in used:
            cell = nonce >> 1 & 63
            self.rounds[cell] = max(self.rounds.get(cell, 0), nonce >> 7)

    def states(self, nonces) -> list[int]:
        self.asked += len(nonces)
        return [self._state(nonce) for nonce in nonces]

    def _state(self, nonce: int) -> int:
        if nonce >> 7 < self.rounds.get(nonce >> 1 & 63, 0):
            return OVER
        return 100 if nonce in self.used else 0


@pytest.mark.parametrize("used", [(), (0,), (0, 5), (127,), (128,), (3, 200, 391), (2**20 + 3,), (2**27 - 130,)])
def test_next_nonce__behind_the_last_used(used: tuple[int, ...]) -> None:
    assert next_nonce(Ring(*used).states) == max(used, default=-1) + 1


def test_next_nonce__signed_and_not_used__behind_it_too() -> None:
    assert next_nonce(Ring(4).states, {9, 7}) == 10
    assert next_nonce(Ring(40).states, {9, 7}) == 41


def test_next_nonce__home_of_many_years__asks_little() -> None:
    ring = Ring(50_000)
    next_nonce(ring.states)
    assert ring.asked <= 20 * RING
