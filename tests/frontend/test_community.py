"""The Community page: what the chain alone tells, what the indexer adds, and one sentence where it is of no use."""

from types import SimpleNamespace

import pytest
from net8 import events
from net8.deployment import CONTRACTS, Deployment
from net8_indexer.follower import Follower
from net8_indexer.writer import Writer
from net8_web import context, indexer
from net8_web.charts import map_of_zones, who_supplies_whom
from net8_web.community import Exchanged, Flow, Prices, Supply, prices_of, supply_of, traded
from net8_web.i18n import table
from net8_web.indexer import IndexerUnusable
from streamlit.testing.v1 import AppTest

from tests.frontend.conftest import BUYER, OWNER, SELLER, SLOT, TERMS
from tests.frontend.pages import KnownChain, html, page, view_of
from tests.frontend.serving import served
from tests.ports import free_port

ELSEWHERE = 2 << 16 | 1
RECORD = {"address": OWNER, "block": 10, "args": [], "code_hash": "0x" + "0" * 64}
LOCAL = Deployment.model_validate({"chain_id": 31337, "owner": OWNER, "contracts": dict.fromkeys(CONTRACTS, RECORD)})


@pytest.fixture
def street(tape, environment, monkeypatch: pytest.MonkeyPatch):
    """Pages see the tape's market one hour before the slot; all hours have one tariff."""
    chain = KnownChain({"GridRegistry.terms": (TERMS, False)})
    monkeypatch.setattr(context, "feed", lambda: SimpleNamespace(view=lambda: view_of(tape, chain, environment)))
    return tape


def trade(tape, seller: int = SELLER, buyer: int = BUYER, wh: int = 500, price: int = 900) -> None:
    tape(events.Trade(seller, tape.rest(seller, True, price, wh), wh, buyer))


def figures(shown: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in shown.metric}


# --- sums -----------------------------------------------------------------------------------------------------------


def test_traded__two_zones__by_site_and_by_zone(tape) -> None:
    tape(events.ZoneCreated(2, OWNER))
    trade(tape, wh=500)
    trade(tape, buyer=ELSEWHERE, wh=700)
    flows, between = traded(tape.market, range(SLOT, SLOT + 1))
    assert flows == [
        Flow(SELLER, ELSEWHERE, 700, 630_000, 0, None), Flow(SELLER, BUYER, 500, 450_000, 0, None)
    ]  # fmt: skip
    assert between == [Exchanged(1, 2, 700, 630_000), Exchanged(1, 1, 500, 450_000)]
    assert supply_of(1, between) == Supply(among=500, value=450_000, bought=500, sold_on=700)
    assert (supply_of(1, between).share, supply_of(2, between).share) == (100, 0)
    assert supply_of(3, between).share is None


def test_prices__slot_with_two_trades__mean_by_energy_beside_the_terms(tape) -> None:
    trade(tape, wh=100, price=800)
    trade(tape, wh=300, price=1000)
    assert prices_of(tape.market, 1, range(SLOT, SLOT + 2), {SLOT // 4: TERMS}) == [
        Prices(SLOT, 950, TERMS.feed_in, TERMS.grid_fee), Prices(SLOT + 1, None, TERMS.feed_in, TERMS.grid_fee)
    ]  # fmt: skip


# --- pictures -------------------------------------------------------------------------------------------------------


def test_suppliers__site_on_both_sides__two_ends_and_own_in_its_colour(tape) -> None:
    flows = [Flow(SELLER, BUYER, 500, 1, 0, None), Flow(BUYER, SELLER, 200, 1, 0, None)]
    (series,) = who_supplies_whom(flows, 1, own=SELLER)["series"]
    names = [node["name"] for node in series["data"]]
    assert names == ["▲ Site 1", "▲ Site 2", "▼ Site 1", "▼ Site 2"]
    assert {link["source"] for link in series["links"]} | {link["target"] for link in series["links"]} == set(names)
    assert series["data"][0]["itemStyle"] == series["data"][2]["itemStyle"] != series["data"][1]["itemStyle"]


def test_map__zone_that_trades_with_another__both_and_an_arrow(tape) -> None:
    between = [Exchanged(1, 2, 700, 1), Exchanged(1, 1, 500, 1), Exchanged(3, 4, 900, 1)]
    (series,) = map_of_zones(1, tape.market.sites, [], between, own=None)["series"]
    names = {node["name"] for node in series["data"]}
    assert names == {"Zone 1", "Zone 2", f"site {SELLER}", f"site {BUYER}"}
    assert [(link["source"], link["target"]) for link in series["links"]] == [("Zone 1", "Zone 2")]


# --- the page -------------------------------------------------------------------------------------------------------


def test_community__no_indexer__chain_alone_and_how_to_have_more(street) -> None:
    trade(street)
    shown = page("community").run()
    assert not shown.exception
    sentence = f"This page shows what the chain itself tells, because {table('en')['indexer.none']}."
    assert [info.value for info in shown.info] == [sentence]
    told = figures(shown)
    assert (told["Bought in the zone"], told["From neighbours"]) == ("0.50 kWh", "100 %")
    assert told["Mean price"] == "€0.270/kWh"
    assert len(shown.get("echarts_chart")) == 3


def test_community__indexer_answers__deliveries_and_comparison(street, api) -> None:
    shown = page("community").run()
    assert not shown.exception
    assert not shown.info
    assert figures(shown)["Bought in the zone"] == "7.50 kWh"
    told = html(shown)
    assert "0.40 kWh of 0.50 kWh" in told
    assert "€0.282/kWh (0.276 to 0.288)" in told
    assert "0 % of them" in told


def test_community__buyer_without_equals__nothing_of_the_neighbours(street, api) -> None:
    made = page("community")
    made.session_state["_site"] = BUYER
    shown = made.run()
    assert not shown.exception
    assert table("en")["community.too_few"] in html(shown)


def test_community__indexer_gone__one_sentence_and_what_the_chain_tells(street, environment) -> None:
    trade(street)
    environment["NET8_INDEXER"] = f"http://127.0.0.1:{free_port()}/api"
    shown = page("community").run()
    assert not shown.exception
    (note,) = [info.value for info in shown.info]
    assert f"because the indexer does not answer at {environment['NET8_INDEXER']} (ConnectionError); start it" in note
    assert figures(shown)["Bought in the zone"] == "0.50 kWh"


def test_indexer__far_from_the_head__said_with_the_blocks(tape, api) -> None:
    assert indexer.require_current(api, head=59) == api
    with pytest.raises(IndexerUnusable, match=r"^the indexer is 1,234 blocks behind; look again"):
        indexer.require_current(api, head=1_243)


def test_indexer__has_lost_the_chain__says_why(tape, engine) -> None:
    waiting = Follower([], LOCAL, Writer(engine, 31337, OWNER, first_block=10), 1.0)
    with (
        served(engine, waiting) as address,
        pytest.raises(IndexerUnusable, match=r"\(the chain has not answered yet\);"),
    ):
        indexer.require_current(address, head=9)


def test_indexer__address_without_api__refused(tape, api) -> None:
    with pytest.raises(IndexerUnusable, match=r"\(there is nothing at this address; /api/openapi.json lists"):
        indexer.require_current(api.removesuffix("/api"), head=9)


def test_indexer__answer_of_another_kind__refused(tape, api) -> None:
    with pytest.raises(IndexerUnusable, match="is no indexer of this version; correct NET8_INDEXER"):
        indexer.require_current(f"{api}/openapi.json?", head=9)


def test_community__several_sessions__each_question_asked_once(street, api, monkeypatch) -> None:
    asked = []
    get = indexer.requests.get
    monkeypatch.setattr(indexer.requests, "get", lambda url, **more: asked.append(url) or get(url, **more))
    for _ in range(2):
        assert not page("community").run().exception
    assert sorted(url.removeprefix(api) for url in asked) == [
        "/flows", "/health", f"/sites/{SELLER}/standing", "/zones/1/flows"
    ]  # fmt: skip


def test_community__nothing_happened_and_nobody_connected__says_so(street) -> None:
    made = page("community", account=None).run()
    assert not made.exception
    assert "No trade yet" in html(made)
