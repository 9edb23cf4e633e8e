"""A market in memory, filled with events, as the feed would fill it; and an indexer's history beside it."""

from collections.abc import Iterator

import pytest
from net8 import events
from net8.model import Outcome, Technology, Terms
from net8.packing import Entry, OrderId
from net8.state import Moment
from net8_indexer.database import open_database, upgrade
from net8_indexer.schema import Block, Site, SiteSlot, Trade, ZoneOperator
from net8_indexer.writer import Writer
from net8_web import i18n, indexer
from net8_web.market import Market
from sqlalchemy import Engine, make_url
from sqlalchemy.orm import Session
from streamlit.components.v2.component_manager import BidiComponentManager

from tests.frontend.serving import served

_make = BidiComponentManager.__init__


def _make_with_components(self: BidiComponentManager, *args: object, **kwargs: object) -> None:
    """Streamlit's server looks for packages with components when it starts; a page under test has no server."""
    _make(self, *args, **kwargs)
    self.discover_and_register_components(start_file_watching=False)


BidiComponentManager.__init__ = _make_with_components

TERMS = Terms(feed_in=80, imbalance=6000, grid_fee=200, oracle_fee=20, floor=100, step=20, gate_lead=1, min_wh=100)
SELLER, BUYER = 1 << 16 | 1, 1 << 16 | 2
SLOT = 1_988_888
OWNER = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"


class Tape:
    """Writes events into a market, one block each."""

    def __init__(self) -> None:
        self.market = Market()
        self.block = 0

    def __call__(self, event: events.Event) -> None:
        self.block += 1
        self.market.apply(event, Moment(self.block, SLOT * 900 - 3600 + self.block, f"0x{self.block:064x}"))

    def rest(self, site: int, sell: bool, price: int, wh: int, index: int = 0) -> int:
        """An order that rests in the book; its id."""
        order = OrderId(1, SLOT, sell, TERMS.level_of(price), index).pack()
        self(events.OrderPlaced(site, order, wh))
        return order

    def settle(self, site: int, reading: tuple[int, int] | None, credited: int = 0) -> None:
        """A report for the slot."""
        entry = Entry(SLOT // 4, site & 0xFFFF, {SLOT % 4: reading})
        self(events.Settled(1, 0, 0, 0, 0, (events.SettledSite(site, entry, credited),)))


@pytest.fixture
def tape(monkeypatch: pytest.MonkeyPatch) -> Tape:
    """A zone with a seller and a buyer, its hour's terms fixed; English."""
    monkeypatch.setattr(i18n, "language", lambda: "en")
    made = Tape()
    made(events.ZoneCreated(1, OWNER))
    made(events.TermsFixed(1, SLOT // 4, TERMS))
    made(events.SiteRegistered(SELLER, OWNER, Technology.SOLAR, 12_000, OWNER))
    made(events.SiteRegistered(BUYER, OWNER, Technology.NONE, 12_000, OWNER))
    return made


# --- the indexer ----------------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def fresh() -> None:
    """Nothing is remembered of another test's indexer."""
    indexer._ask.clear()


@pytest.fixture
def environment() -> dict[str, str]:
    """What the app's settings are read from; a test may add to it."""
    return {}


@pytest.fixture
def engine(tmp_path) -> Iterator[Engine]:
    """A history of block 9: the seller sold the buyer 500 Wh and delivered 400, others sold more."""
    made = open_database(make_url(f"sqlite:///{tmp_path}/net8.sqlite"))
    upgrade(made)
    Writer(made, 31337, OWNER, first_block=10)
    with Session(made) as session:
        session.add(Block(number=0, hash=b"", time=SLOT * 900 - 60))
        session.add(ZoneOperator(at=100, zone=1, operator=OWNER))
        for site, kind in ((SELLER, Technology.SOLAR), (BUYER, Technology.NONE)):
            session.add(Site(site=site, at=site, owner=OWNER, technology=kind, nameplate=12_000, meter_key=OWNER))
        for i, seller in enumerate([SELLER, *range(BUYER + 1, BUYER + 5)]):
            session.add(
                Trade(at=i, place=0, time=SLOT * 900 - 60, zone=1, slot=SLOT, price=900 + 20 * i, wh=500 * (i + 1),
                      seller=seller, buyer=BUYER, abroad=None, order_at=None, tx=b"")
            )  # fmt: skip
        session.add(SiteSlot(site=SELLER, slot=SLOT, outcome=Outcome.METERED, exported=400, imported=0, settled_at=1))
        session.commit()
    yield made
    made.dispose()


@pytest.fixture
def api(engine, environment) -> Iterator[str]:
    """The address of the indexer that the app is told."""
    with served(engine) as address:
        environment["NET8_INDEXER"] = address
        yield address
