"""The committed measurements: complete, and what the bench says about them follows from them."""

import json
import re
import tomllib
from pathlib import Path

import pytest

from bench import app, latency, spent, year
from bench.__main__ import table
from bench.day import day_lines
from bench.detection import markdown
from docs.every_page import PAGES

BENCH = Path(__file__).parents[2] / "bench"
KEYS = (
    "place_first_in_market",
    "place_new_tick",
    "place_existing",
    "take_1_full",
    "take_10_same_tick",
    "take_10_ticks",
    "cancel",
    "all_in",
    "place_many_96_per_order",
    "settle_per_site_slot_100x4",
    "settle_per_site_slot_100x1",
    "signed_match_per_pair",
    "strip_match_per_slot",
    "certificate_day_24",
    "certificate_day_12",
    "report_5_of_7_signatures",
    "report_11_signatures",
    "report_f1",
    "report_f3",
    "report_f10",
    "net8_transfer",
)


@pytest.fixture(scope="module")
def results():
    return json.loads((BENCH / "results.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def peers():
    return tomllib.loads((BENCH / "peers.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("key", KEYS)
def test_results__every_key__has_whole_gas_in_both_states(results, key):
    states = results["gas"][key]
    assert set(states) == {"virgin", "recycled"}
    assert all(isinstance(gas, int) and gas > 0 for gas in states.values())
    # A zero byte of a signature costs less than another; reports differ by nothing else.
    assert states["recycled"] <= states["virgin"] + 12 * (32 if key.startswith("report") else 0)


def test_results__latency__median_below_the_slowest_hundredth(results):
    assert set(results["latency_ms"]) == {"p50", "p99"}
    assert results["floor_ms"]["p50"] < results["latency_ms"]["p50"]
    assert 0 < results["latency_ms"]["p50"] <= results["latency_ms"]["p99"]


def test_results__consensus_of_every_size__was_timed(results):
    assert [*results["consensus_ms"]] == ["4", "7", "16", "31"]
    assert all(0 < one["p50"] <= one["p99"] for one in results["consensus_ms"].values())


def test_results__meters_spread_over_a_second__were_timed_beside_the_burst(results):
    if "spread" in results:  # results older than this measurement do without
        spread = results["spread"]
        assert spread["spread_ms"] == latency.SPREAD_MS == 1_000
        assert results["floor_ms"]["p50"] < spread["latency_ms"]["p50"] <= spread["latency_ms"]["p99"]
        assert 0 < spread["consensus_ms"]["p50"] <= spread["consensus_ms"]["p99"]


def test_results__a_day_of_200_sites_by_31_operators__no_slot_missed(results):
    assert results["day"] == {"operators": 31, "sites": 200, "slots": 96, "missed": 0}


def test_results__readings_checked_with_all_layers__two_thousand_a_second_and_below_bare_recovery(results):
    rate = results["readings_per_second"]
    assert 2_000 <= rate["checked"] < rate["recovery_alone"]


def test_results__indexer__five_thousand_logs_a_second_and_answers_within_a_second(results):
    measured = results["indexer"]
    assert measured["logs_per_second"] >= 5_000
    assert measured["rows_per_second"] < measured["plain_rows_per_second"]
    assert max(measured["answers_ms"].values()) < 1_000


def test_results__app__a_change_told_for_little_and_a_hundred_tabs_on_one_core(results):
    measured = results["app"]
    assert measured["ladder"]["server_ms"] <= 5
    assert (measured["crowd"]["sessions"], measured["crowd"]["core_share"] <= 1) == (100, True)
    assert measured["crowd"]["updates_per_second"] >= 95  # an order a second, told to each
    assert measured["first_load"]["ratio"] <= 1.5


def test_results__a_year_of_history__every_page_within_two_seconds_and_a_first_load_near_an_empty_page_s(results):
    measured = results["year"]
    assert (measured["days"], measured["site_slots"]) == (365, 3_504_000)
    assert {*measured["pages"], "certificate"} == {*PAGES}
    assert max(one["median_s"] for one in measured["pages"].values()) <= 2
    assert measured["first_load"]["ratio"] <= 1.5


def test_readme__the_app__as_quick_as_was_measured(results):
    readme = " ".join((BENCH.parent / "README.md").read_text(encoding="utf-8").split())
    assert app.sentence(results["app"]) in readme
    assert year.sentence(results["year"]) in readme


def test_docs__what_gas_is_spent_on__is_what_was_measured(results):
    written = (BENCH.parent / "docs" / "gas.md").read_text(encoding="utf-8")
    assert spent.markdown(results["spent"]) in written
    for key, of in results["spent"].items():
        assert round(sum(of[part] for part in spent.PARTS) / of["units"]) == results["gas"][key]["recycled"]


def test_detection__tables_of_the_docs__are_those_measured():
    results = json.loads((BENCH / "detection.json").read_text(encoding="utf-8"))
    written = (BENCH.parent / "docs" / "detection.md").read_text(encoding="utf-8")
    assert all(part in written for part in markdown(results).split("\n\n"))


def test_detection__honest_homes_and_days__at_most_two_in_a_hundred_disputed_with_and_without_log():
    measured = json.loads((BENCH / "detection.json").read_text(encoding="utf-8"))
    honest = [row for row in measured["homes"] if row["attack"] == "none"]
    assert sum(row["false_with_log"] for row in honest) / len(honest) <= 0.02
    assert max(row["false_without_log"] for row in honest) <= 0.02
    assert measured["series"]["rows"][0]["disputed"] <= 0.02 * measured["series"]["rows"][0]["days"]


def test_results__what_was_measured__is_named_by_its_code_hash(results):
    assert re.fullmatch(r"0x[0-9a-f]{64}", results["exchange_code_hash"])


def test_peers__every_row__is_a_row_of_ours(results, peers):
    assert set(peers) <= set(results["gas"])


def test_table__row_above_its_peer__is_marked(peers):
    best = peers["cancel"]["gas"]
    above = table({"cancel": {"virgin": best + 1, "recycled": best}}, peers)
    below = table({"cancel": {"virgin": best - 1, "recycled": best - 1}}, peers)
    assert "not below" in above
    assert "not below" not in below


def test_table__row_above_its_ceiling__is_marked(peers):
    most = peers["cancel"]["at_most"]
    assert "above our ceiling" in table({"cancel": {"virgin": most, "recycled": most + 1}}, peers)
    assert "above our ceiling" not in table({"cancel": {"virgin": most + 1, "recycled": most}}, peers)


@pytest.mark.parametrize("key", KEYS)
def test_results__every_key__at_most_its_ceiling_or_told_what_it_is_spent_on(results, peers, key):
    above = results["gas"][key]["recycled"] > peers[key]["at_most"]
    assert above == bool(peers[key].get("spent_on")), "a row above its ceiling says why, and no other does"


def test_day_lines__known_figures__gas_and_cents_of_a_home():
    keys = ("place_many_96_per_order", "settle_per_site_slot_100x4", "certificate_day_24")
    lines = day_lines({key: {"recycled": gas} for key, gas in zip(keys, (16_000, 3_000, 176_000), strict=True)})
    assert "| **together** | **2,000,000** |" in lines
    assert "6.00 cents at 0.01 gwei" in lines[-1]


def test_readme__a_home_s_day__costs_what_was_measured(results):
    assert "\n".join(day_lines(results["gas"])) in (BENCH.parent / "README.md").read_text(encoding="utf-8")


def stamp(node, slot, **more):
    return {"node": node, "zone": 1, "slot": slot, "part": 0, "round": 0, "transmitter": False, **more}


def noted(folder, *stamps):
    """Files of stamps as nodes leave them."""
    for node in {one["node"] for one in stamps}:
        own = [json.dumps(one) for one in stamps if one["node"] == node]
        folder.joinpath(f"{node}.jsonl").write_text("\n".join(own))
    return latency.read(sorted(folder.glob("*.jsonl")))


def test_latency__two_nodes_note_a_settlement__counts_once_and_the_first_two_slots_not_at_all(tmp_path):
    stamps = noted(
        tmp_path,
        stamp("a", 1, transmitter=True, source_ns=0, receipt_ns=9 * 10**9),
        stamp("a", 3, transmitter=True, source_ns=10**9, receipt_ns=1_100_000_000),
        stamp("b", 3, source_ns=10**9, receipt_ns=1_999_000_000),
        stamp("b", 4, transmitter=True, source_ns=10**9, receipt_ns=1_300_000_000),
    )
    assert latency.latency(stamps) == {"p50": 100.0, "p99": 300.0}


def test_consensus__from_the_quorums_last_readings_to_its_first_signatures__later_rounds_counted_apart(tmp_path):
    begun = [stamp("a", 1)]  # what is measured is warm
    in_time = [stamp(node, 3, complete_ns=ms * 10**6, quorum_ns=(40 + ms) * 10**6) for ms, node in enumerate("abcd")]
    again = [stamp("a", 4, round=1, complete_ns=0, quorum_ns=10**9)]
    stamps = noted(tmp_path, *begun, *in_time, *again)
    assert latency.consensus(stamps, 4) == {"p50": 38.0, "p99": 38.0, "later": 1}


def test_lines__burst_and_spread__each_figure_says_which_it_is():
    burst, spread, floor = ({"p50": p50, "p99": p50 + 1} for p50 in (128.2, 90.1, 5.4))
    lines = latency.lines(
        {
            "latency_ms": burst, "floor_ms": floor, "consensus_ms": {"4": {"p50": 42.6, "p99": 56.2, "later": 0}},
            "spread": {"spread_ms": 1000, "latency_ms": spread, "consensus_ms": {"p50": 20.5, "p99": 30.1, "later": 1}},
            "day": {"operators": 31, "sites": 200, "slots": 96, "missed": 0},
        }
    )  # fmt: skip
    assert [line for line in lines if "in one instant: 128.2 ms (median), 129.2 ms (99 of 100)" in line] == lines[:1]
    assert [line for line in lines if "spread over a second, as meters speak: 90.1 ms (median)" in line] == lines[1:2]
    assert any(line.startswith("consensus of 4, all meters in one instant: 42.6 ms (median)") for line in lines)
    assert any(line.endswith(", 0 slots took a second round") for line in lines)
    assert any(line.startswith("consensus of 4, spread over a second, as meters speak: 20.5 ms") for line in lines)


def test_read__no_stamps__refused():
    with pytest.raises(RuntimeError, match="no stamps"):
        latency.read([])
