"""A site beside its neighbours: exact figures from known trades, and silence where one neighbour could be known."""

from collections.abc import Iterator

import pytest
from net8.model import Outcome
from net8_indexer.database import open_database, reading, upgrade
from net8_indexer.queries.neighbours import Standing, standing
from net8_indexer.schema import SiteSlot, Trade
from sqlalchemy import Connection, Engine, make_url
from sqlalchemy.orm import Session

ZONE, SLOT = 3, 8_000
BAKERY, ELSEWHERE = ZONE << 16 | 100, 4 << 16 | 1


def site(index: int) -> int:
    return ZONE << 16 | index


@pytest.fixture
def engine(tmp_path) -> Iterator[Engine]:
    """Five roofs of the zone and one of another sell to the bakery."""
    made = open_database(make_url(f"sqlite:///{tmp_path}/net8.sqlite"))
    upgrade(made)
    with Session(made) as session:
        sales = [(site(index), 1_000 * index, 400 + 20 * index) for index in range(1, 6)]
        for at, (seller, wh, price) in enumerate([*sales, (ELSEWHERE, 90_000, 900)]):
            abroad = None if seller >> 16 == ZONE else seller >> 16
            session.add(
                Trade(at=at, place=0, time=SLOT * 900 - 60, zone=ZONE, slot=SLOT, price=price, wh=wh, seller=seller,
                      buyer=BAKERY, abroad=abroad, order_at=None, tx=b"")
            )  # fmt: skip
        session.add(
            SiteSlot(site=site(5), slot=SLOT, outcome=Outcome.METERED, exported=4_000, imported=0, settled_at=1)
        )
        session.commit()
    yield made
    made.dispose()


@pytest.fixture
def db(engine) -> Iterator[Connection]:
    with reading(engine) as connection:
        yield connection


def test_standing__five_sites_sold__quartiles_of_the_zone_alone(db):
    told = {one.figure: one for one in standing(db, site(4), SLOT, SLOT)}
    assert told == {
        "sold": Standing("sold", 4_000, 2_000, 3_000, 4_000, 5, 75),
        "sold_at": Standing("sold_at", 480, 440, 460, 480, 5, 75),
    }


def test_standing__figure_of_fewer_than_five__left_out(db):
    assert standing(db, BAKERY, SLOT, SLOT) == []  # nobody else bought
    assert "delivered" not in {one.figure for one in standing(db, site(5), SLOT, SLOT)}  # nobody else is settled


def test_standing__other_slots__nothing(db):
    assert standing(db, site(4), SLOT + 1, SLOT + 96) == []
