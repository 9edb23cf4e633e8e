"""The committed measurements: complete, and what the bench says about them follows from them."""

import json
import re
import tomllib
from pathlib import Path

import pytest

from bench.__main__ import table
from bench.day import day_lines
from bench.detection import markdown
from bench.latency import recompute

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
    assert states["recycled"] <= states["virgin"]


def test_results__latency__median_below_the_slowest_hundredth(results):
    assert set(results["latency_ms"]) == {"p50", "p99"}
    assert 0 < results["latency_ms"]["p50"] <= results["latency_ms"]["p99"]


def test_results__readings_checked_with_all_layers__two_thousand_a_second_and_below_bare_recovery(results):
    rate = results["readings_per_second"]
    assert 2_000 <= rate["checked"] < rate["recovery_alone"]


def test_results__indexer__five_thousand_logs_a_second_and_answers_within_a_second(results):
    measured = results["indexer"]
    assert measured["logs_per_second"] >= 5_000
    assert measured["rows_per_second"] < measured["plain_rows_per_second"]
    assert max(measured["answers_ms"].values()) < 1_000


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


def test_recompute__stamps_of_two_nodes__each_settlement_counts_once(tmp_path):
    def line(slot, latency_ms, transmitter=True):
        return json.dumps(
            {"zone": 1, "slot": slot, "part": 0, "transmitter": transmitter,
             "source_ns": 10**9, "receipt_ns": 10**9 + latency_ms * 10**6}
        )  # fmt: skip

    one, other = tmp_path / "node-0.jsonl", tmp_path / "node-1.jsonl"
    one.write_text("\n".join([line(1, 100), line(2, 999, transmitter=False)]))
    other.write_text(line(2, 300))
    assert recompute([one, other]) == {"p50": 100.0, "p99": 300.0}


def test_recompute__no_stamps__refused():
    with pytest.raises(RuntimeError, match="no stamps"):
        recompute([])
