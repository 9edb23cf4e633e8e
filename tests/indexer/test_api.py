"""The HTTP API as other software meets it: a real process over a street that has traded, and what it refuses."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

import pytest
import requests
import uvicorn
from net8.events import OrderPlaced, decode_all
from net8.model import Outcome
from net8.state import from_json
from net8_indexer.api.app import make_app
from net8_indexer.database import open_database, upgrade
from sqlalchemy import make_url

from tests.indexer.processes import Process, wait_until
from tests.oracle_node.local_chain import TERMS
from tests.ports import free_port


@pytest.fixture(scope="module")
def hour(street) -> int:
    """The street's settled hour, certified; a later one has been traded."""
    street.certify(street.settled_hour)
    settled: int = street.settled_hour
    street.trade(actions=30)
    return settled


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def indexer(request, local_chain, hour, tmp_path_factory) -> Iterator[Process]:
    """A running indexer at the head of the chain."""
    database = "net8.sqlite"
    if request.param == "postgresql":
        database = request.getfixturevalue("postgresql_server").empty_database()
    process = Process(tmp_path_factory.mktemp("api"), local_chain, database)
    process.start()
    process.wait_at_head()
    yield process
    process.close()


def good(answer: requests.Response):
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_trades__read_page_by_page__each_once_and_all_of_them(indexer, street):
    zone = street.zone.number
    whole = good(indexer.get("/trades", zone=zone, limit=500))
    assert whole["next"] is None
    pages, cursor = [], None
    while True:
        part = good(indexer.get("/trades", zone=zone, limit=3, **({"cursor": cursor} if cursor else {})))
        pages.append(part["items"])
        cursor = part["next"]
        if cursor is None:
            break
    assert len(pages) > 1
    assert [trade for page in pages for trade in page] == whole["items"]


def test_trades__with_an_order_of_the_book__say_whose_it_was_and_how_and_when_it_came(indexer, local_chain, street):
    trades = good(indexer.get("/trades", zone=street.zone.number, limit=500))["items"]
    logged = decode_all(local_chain.request("eth_getLogs", {"fromBlock": "0x0"}))
    resting = {
        (
            one.event.site,
            int(local_chain.request("eth_getBlockByNumber", hex(one.block), False)["timestamp"], 16),
            one.transaction.removeprefix("0x"),
        )
        for one in logged
        if isinstance(one.event, OrderPlaced)
    }
    assert trades
    for trade in trades:
        assert trade["maker"] in (trade["seller"], trade["buyer"])
        assert (trade["maker"], trade["ordered_at"], trade["order_tx"]) in resting
        assert trade["ordered_at"] <= trade["time"]


def test_trades__of_a_range_of_slots__those_and_no_others(indexer, street, hour):
    zone, slots = street.zone.number, {"first_slot": 4 * hour + 1, "last_slot": 4 * hour + 2}
    whole = good(indexer.get("/trades", zone=zone, limit=500))["items"]
    told = good(indexer.get("/trades", zone=zone, limit=500, **slots))["items"]
    assert told == [trade for trade in whole if trade["slot"] in slots.values()]
    assert 0 < len(told) < len(whole)


def test_candles__of_the_zone__add_up_to_its_trades(indexer, street):
    zone = street.zone.number
    trades = good(indexer.get("/trades", zone=zone, limit=500))["items"]
    first, last = min(trade["slot"] for trade in trades), max(trade["slot"] for trade in trades)
    by_slot = good(indexer.get(f"/zones/{zone}/slot-candles", first_slot=first, last_slot=last))
    for candle in by_slot:
        own = [trade for trade in reversed(trades) if trade["slot"] == candle["slot"]]
        prices = [trade["price"] for trade in own]
        assert [candle[name] for name in ("open", "high", "low", "close")] == [
            prices[0], max(prices), min(prices), prices[-1],
        ]  # fmt: skip
        assert candle["value"] == sum(trade["wh"] * trade["price"] for trade in own)
    times = {"first_time": trades[-1]["time"], "last_time": trades[0]["time"], "seconds": 86_400}
    by_time = good(indexer.get(f"/zones/{zone}/candles", **times))
    assert sum(candle["wh"] for candle in by_time) == sum(candle["wh"] for candle in by_slot)
    standing = good(indexer.get(f"/zones/{zone}/slots", first_slot=first, last_slot=last))
    assert sum(slot["traded_wh"] for slot in standing) == sum(trade["wh"] for trade in trades)


def test_days__settled_hour__sum_of_its_positions_and_what_was_credited(indexer, street, hour):
    site, span = street.zone.sites[0], {"first_slot": 4 * hour, "last_slot": 4 * hour + 3}
    positions = good(indexer.get(f"/sites/{site}/positions", **span))
    (day,) = good(indexer.get(f"/sites/{site}/days", **span))
    assert day["exported"] == sum(position["exported"] for position in positions)
    earned = sum(position["value"] - position["charge"] - position["grid_fee"] for position in positions)
    assert day["result"] == earned + day["feed_in"] - day["relay_fees"]
    assert 0 <= day["feed_in"] <= 100 * sum(position["unused"] for position in positions)
    assert day["open_slots"] == 0
    delivered = sum(min(position["exported"], max(position["net_wh"], 0)) for position in positions)
    assert (day["delivered"], day["at_feed_in"]) == (delivered, 100 * delivered)
    assert delivered > 0


def test_days__slots_traded_and_not_settled__counted_and_in_no_sum(indexer, street, hour):
    site, slots = street.zone.sites[0], {"first_slot": street.slots[0], "last_slot": street.slots[-1]}
    waiting = good(indexer.get(f"/sites/{site}/positions", **slots))
    assert {position["outcome"] for position in waiting} == {Outcome.OPEN}
    (day,) = good(indexer.get(f"/sites/{site}/days", **slots))
    assert day["open_slots"] == len(waiting)
    assert {name: day[name] for name in ("sold", "bought", "received", "paid", "grid_fees", "at_feed_in")} == {
        "sold": 0, "bought": 0, "received": 0, "paid": 0, "grid_fees": 0, "at_feed_in": 0,
    }  # fmt: skip
    assert day["result"] == -day["transport"] - day["relay_fees"]


def test_flows__of_the_settled_hour__energy_of_all_its_trades(indexer, street, hour):
    zone, span = street.zone.number, {"first_slot": 4 * hour, "last_slot": 4 * hour + 3}
    trades = [
        trade for trade in good(indexer.get("/trades", zone=zone, limit=500))["items"] if trade["slot"] // 4 == hour
    ]
    told = good(indexer.get(f"/zones/{zone}/flows", **span))
    assert sum(flow["traded"] for flow in told["flows"]) == sum(trade["wh"] for trade in trades) > 0
    assert all(0 <= flow["delivered"] <= flow["settled"] == flow["traded"] for flow in told["flows"])
    largest = good(indexer.get(f"/zones/{zone}/flows", **span, limit=1))
    assert largest["flows"] == told["flows"][:1]
    assert largest["others"] == len(told["flows"]) - 1


def test_flows_of_zones__settled_hour__energy_of_all_its_trades(indexer, street, hour):
    zone, span = street.zone.number, {"first_slot": 4 * hour, "last_slot": 4 * hour + 3}
    flows = good(indexer.get(f"/zones/{zone}/flows", **span))["flows"]
    (own,) = [one for one in good(indexer.get("/flows", **span)) if one["seller_zone"] == zone]
    assert own["buyer_zone"] == zone
    assert own["traded"] == sum(flow["traded"] for flow in flows) > 0
    assert own["value"] == sum(flow["value"] for flow in flows)


def test_certificate__of_a_settled_hour__says_who_signed_its_readings(indexer, local_chain, street):
    held = good(indexer.get("/certificates", zone=street.zone.number))["items"]
    assert held, "a street without certificates shows nothing"
    for row in held:
        said = local_chain.read(local_chain.contracts.certificates.totals_of(int(row["id"])))
        assert (row["issued"], row["held"], row["retired"]) == (said.issued, said.held, said.retired)
    row = held[0]
    origin = good(indexer.get(f"/certificates/{row['id']}"))
    produced = local_chain.read(local_chain.contracts.certificates.certificate(int(row["id"])))
    assert sum(slot["exported"] for slot in origin["slots"]) == row["issued"] == produced.totals.issued
    seats = local_chain.read(local_chain.contracts.registry.zone_signers(street.zone.number))
    assert [signer["signer"] for signer in origin["slots"][0]["signers"]] == seats[:3]
    assert origin["location"] == "DK1"
    retired = good(indexer.get("/retirements", certificate=row["id"]))["items"]
    assert [(one["beneficiary"], one["wh"]) for one in retired] == [("a bakery", row["retired"])]
    owner = street.zone.owners[row["site"]].address
    mine = {one["id"]: one["wh"] for one in good(indexer.get(f"/accounts/{owner}/certificates"))["items"]}
    assert mine[row["id"]] == local_chain.read(
        local_chain.contracts.certificates.balance_of(owner, int(row["id"]))
    )  # fmt: skip


def test_oracles__after_reports__stakes_and_seats_as_the_registry_says(indexer, local_chain, street):
    zone, registry = street.zone.number, local_chain.contracts.registry
    seats = good(indexer.get(f"/zones/{zone}/seats"))
    assert [seat["operator"] for seat in seats] == local_chain.read(registry.zone_operators(zone))
    told = {row["id"]: row for row in good(indexer.get("/operators", limit=500))["items"]}
    for seat in seats:
        said = local_chain.read(registry.operator(seat["operator"]))
        row = told[seat["operator"]]
        assert (row["owner"], row["signer"], int(row["stake"])) == (said.owner, said.signer, said.stake)
    latency = good(indexer.get(f"/zones/{zone}/latency"))
    assert latency["reports"] == 2
    assert latency["signed"] == [2, 2, 2, 0]


def test_reserve__after_minting__supply_and_euros_as_the_reserve_says(indexer, local_chain):
    said = local_chain.read(local_chain.contracts.reserve.backing())
    days = good(indexer.get("/reserve/days", first_time=0, last_time=30_000_000))
    assert days == []
    now = local_chain.now()
    latest = good(indexer.get("/reserve/days", first_time=now - 86_400, last_time=now))[-1]
    assert (int(latest["supply"]), int(latest["euros"])) == (said.supply, said.euros)
    assert int(latest["price"]) == local_chain.read(local_chain.contracts.reserve.price())


def test_state__at_the_head__what_the_contracts_say(indexer, local_chain, street, hour):
    told = from_json(indexer.get("/state", since=hour * 3600).content)
    zone, lens = street.zone.number, local_chain.contracts.lens
    assert told.block.hash == local_chain.chain.block(told.block.number).hash
    assert told.exchange == local_chain.contracts.exchange.address
    said = {order.id: order for slot in street.slots for side in (True, False)
            for order in local_chain.read(lens.orders(zone, slot, side))}  # fmt: skip
    resting = {one.order: one for one in told.orders if one.site >> 16 == zone}
    assert resting.keys() == said.keys()
    assert {(one.site, one.left) for one in resting.values()} == {(one.site, one.wh) for one in said.values()}
    positions = [one for one in told.positions if one.site >> 16 == zone]
    assert positions, "a street without open positions shows nothing"
    for one in positions:
        position = local_chain.read(lens.position(one.site, one.slot))
        assert (one.net_wh, one.value) == (position.net_wh, position.value)
    assert next(one.operators for one in told.seats if one.zone == zone) == local_chain.read(
        local_chain.contracts.registry.zone_operators(zone)
    )
    (default,) = [one.terms for one in told.default_terms if one.zone == zone]
    assert default == TERMS
    paid = [one for one in told.payments if one.site >> 16 == zone]
    assert {slot for one in paid for slot in one.readings} == set(range(4 * hour, 4 * hour + 4))
    assert next(one.last_settled for one in told.zones if one.zone == zone) == 4 * hour + 3


def test_state__of_a_later_hour__nothing_of_the_settled_one_but_what_stands(indexer, street, hour):
    zone = street.zone.number
    whole = from_json(indexer.get("/state", since=hour * 3600).content)
    later = from_json(indexer.get("/state", since=hour * 3600 + 3600).content)
    assert any(one.slot // 4 == hour for one in whole.trades if one.zone == zone)
    assert not any(one.slot // 4 == hour for one in later.trades if one.zone == zone)
    assert not any(slot // 4 == hour for one in later.payments if one.site >> 16 == zone for slot in one.readings)
    for part in ("orders", "positions", "sites", "zones", "held", "admitted"):
        assert getattr(whole, part) == getattr(later, part), part


def test_payments_and_production__settled_hour__as_positions_and_certificates_say(indexer, street, hour):
    site, span = street.zone.sites[0], {"first_slot": 4 * hour, "last_slot": 4 * hour + 3}
    positions = good(indexer.get(f"/sites/{site}/positions", **span))
    produced = good(indexer.get(f"/sites/{site}/production", **span))
    metered = sum(one["exported"] for one in positions if one["outcome"] == Outcome.METERED)
    issued = {
        int(one["id"]) & 2**32 - 1: one["issued"] for one in good(indexer.get("/certificates", site=site))["items"]
    }
    assert produced == [{"hour": hour, "exported": metered, "issued": issued[hour]}]
    credited = [one for one in good(indexer.get(f"/sites/{site}/payments"))["items"] if one["hour"] == hour]
    assert credited, "a site that was credited nothing shows nothing"
    settled = {one["tx"] for one in positions}
    assert all(one["credited"] > 0 and one["tx"] in settled for one in credited)


def test_retired__of_an_account__sum_of_its_retirements_before(indexer, street, hour):
    owner = street.zone.owners[street.zone.sites[0]].address
    used = good(indexer.get("/retirements", account=owner))["items"]
    assert used, "an account that used up nothing shows nothing"
    moment = used[0]["time"]
    assert good(indexer.get(f"/accounts/{owner}/retired", before=moment + 1)) == {"wh": sum(one["wh"] for one in used)}
    assert good(indexer.get(f"/accounts/{owner}/retired", before=used[-1]["time"])) == {"wh": 0}


@pytest.mark.parametrize(
    ("path", "parameters", "status", "sentence"),
    [
        ("/trades", {}, 422, "neither zone nor site is given; give one of them"),
        ("/trades", {"zone": 0}, 422, "zone is '0'; it should be greater than or equal to 1"),
        ("/trades", {"zone": 2**64}, 422, "zone is '18446744073709551616'; it should be less than or equal to"),
        ("/trades", {"zone": "x"}, 422, "zone is 'x'; it should be a valid integer"),
        ("/trades", {"zone": 1, "limit": 501}, 422, "limit is '501'; it should be less than or equal to 500"),
        ("/trades", {"zone": 1, "cursor": "1.2.3"}, 422, "give the `next` of the page before"),
        ("/trades", {"zone": 1, "cursor": "0 or 1=1"}, 422, "give the `next` of the page before"),
        ("/zones/1/slots", {"first_slot": 5}, 422, "last_slot is missing; add it"),
        ("/zones/1/slots", {"first_slot": 5, "last_slot": 4}, 422, "exchange them"),
        ("/zones/1/slots", {"first_slot": 0, "last_slot": 10**6}, 422, "ask for fewer at once"),
        ("/zones/1/candles", {"first_time": 0, "last_time": 10**9}, 422, "ask for a shorter time or longer steps"),
        ("/state", {}, 422, "since is missing; add it"),
        ("/state", {"since": 2_000_000_001}, 422, "is not the beginning of an hour; give 1999998000"),
        ("/state", {"since": 0}, 422, "is more than 10 days ago; give "),
        ("/sites/1", {}, 404, "site 1 is not registered"),
        ("/sites", {"owner": "0x12"}, 422, "owner: "),
        ("/certificates/99999999999", {}, 404, "was never issued"),
        ("/certificates/1e9", {}, 422, "certificate is '1e9'"),
        ("/zones/4000000000/latency", {}, 404, "has no report yet"),
        ("/nothing", {}, 404, "there is nothing at this address"),
    ],
)
def test_question__wrong__refused_in_one_sentence(indexer, path, parameters, status, sentence):
    answer = indexer.get(path, **parameters)
    assert answer.status_code == status
    assert sentence in answer.json()["error"]


def test_api__from_a_page_of_another_site__may_be_read_and_not_written(indexer):
    answer = requests.get(indexer.url + "/zones", headers={"Origin": "https://example.org"}, timeout=60)
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in answer.headers
    refused = requests.post(indexer.url + "/zones", json={}, timeout=60)
    assert refused.status_code == 405
    assert refused.json()["error"] == "this can only be read; ask with GET"


def test_openapi__all_routes__only_read_and_every_list_bounded(indexer):
    described = good(indexer.get("/openapi.json"))
    assert len(described["paths"]) > 20
    for path, methods in described["paths"].items():
        assert list(methods) == ["get"], path
        names = {parameter["name"] for parameter in methods["get"].get("parameters", [])}
        answer = methods["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        if answer.get("type") == "array":
            assert names & {"last_slot", "last_time", "zone"}, f"{path} is a list without bound"
        elif "Page" in answer["$ref"]:
            assert {"limit", "cursor"} <= names, f"{path} is a list without pages"


def test_every_route__with_all_its_parameters__answers(indexer, street, hour):
    held = good(indexer.get("/certificates", zone=street.zone.number))["items"][0]
    values = {
        "zone": street.zone.number, "site": held["site"], "slot": 4 * hour, "first_slot": 4 * hour,
        "last_slot": 4 * hour + 95, "first_time": hour * 3600 - 14_400, "last_time": hour * 3600, "seconds": 900,
        "owner": street.zone.owners[held["site"]].address, "account": street.zone.owners[held["site"]].address,
        "certificate": held["id"], "operator": 1, "dispute": 1, "limit": 5, "cursor": None, "last": 10,
        "only_open": "false", "offset_minutes": 120, "since": hour * 3600, "before": 2**40,
    }  # fmt: skip
    empty = []
    for path, methods in good(indexer.get("/openapi.json"))["paths"].items():
        names = [parameter["name"] for parameter in methods["get"].get("parameters", [])]
        asked = {name: values[name] for name in names if f"{{{name}}}" not in path}
        answer = good(indexer.get(path.removeprefix("/api").format(**values), **asked))
        if answer == [] or (isinstance(answer, dict) and answer.get("items") == []):
            empty.append(path)
    assert set(empty) <= {
        "/api/penalties",
        "/api/disputes",
        "/api/disputes/{dispute}/steps",
        "/api/zones/{zone}/payments",
        "/api/sites/{site}/standing",  # three sites are too few
    }


def test_health__chain_node_stops_answering__says_so_while_history_can_be_read(indexer, local_chain, street):
    local_chain.pause()
    try:
        wait_until(lambda: indexer.get("/health").status_code == 503, "health turns red")
        told = indexer.get("/health").json()
        assert "no answer from" in told["problem"]
        assert told["behind"] == 0
        assert good(indexer.get("/trades", zone=street.zone.number))["items"]
    finally:
        local_chain.resume()
    street.trade(actions=5)
    indexer.wait_at_head()
    wait_until(lambda: indexer.get("/health").status_code == 200, "health turns green")
    assert indexer.get("/health").json()["problem"] is None


@contextmanager
def allowing(tmp_path, per_minute: int) -> Iterator[str]:
    """Address of an API that allows so many questions a minute, on an empty database."""
    engine = open_database(make_url(f"sqlite:///{tmp_path}/net8.sqlite"))
    upgrade(engine)
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(make_app(engine, None, per_minute), port=port, log_config=None))
    thread = Thread(target=server.run)
    thread.start()
    wait_until(lambda: server.started, "a server")
    yield f"http://127.0.0.1:{port}/api"
    server.should_exit = True
    thread.join()
    engine.dispose()


@pytest.fixture
def thrifty(tmp_path) -> Iterator[str]:
    """An API that allows three questions a minute."""
    with allowing(tmp_path, 3) as address:
        yield address


@pytest.fixture
def generous(tmp_path) -> Iterator[str]:
    """An API that allows as many as it does by itself."""
    with allowing(tmp_path, 600) as address:
        yield address


def test_client__asks_too_often__told_to_wait_while_health_goes_on(thrifty):
    answers = [requests.get(f"{thrifty}/zones", timeout=60) for _ in range(8)]
    assert {answer.status_code for answer in answers} == {200, 429}
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert refused.json()["error"].startswith("too many questions from your address; ask again in ")
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert requests.get(f"{thrifty}/health", timeout=60).status_code == 200


def test_state__asked_more_than_a_dozen_times_a_minute__told_to_wait_while_others_are_answered(generous):
    answers = [requests.get(f"{generous}/state", params={"since": 0}, timeout=60) for _ in range(26)]
    assert {answer.status_code for answer in answers} == {404, 429}  # no block is taken in
    assert requests.get(f"{generous}/zones", timeout=60).status_code == 200
