"""The street as a whole: real chain, contracts, nodes, gateways and app, each a process, as `make demo` starts it."""

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import requests
from eth_account import Account
from net8 import deployment as deployments
from net8.client import Chain, connect
from net8.eip712 import SiteConsent, grid_domain
from net8.model import Outcome
from net8.signing import keccak256, sign
from net8.units import WEI_PER_GRAIN, hour_of_slot, slot_of

from scripts.street.latency import latencies_ms, percentile
from scripts.street.tariffs import tariff_of
from scripts.street.zone import TARIFF_LEAD

pytestmark = [pytest.mark.chain, pytest.mark.timeout(900)]

RESULT_KEYS = [
    "slots", "sites", "orders", "trades", "traded_wh", "reports", "settled_site_slots", "shortfall_wh", "unused_wh",
    "certificates_wh", "latency_ms", "conserved",
]  # fmt: skip


def processes_of(folder: Path) -> list[str]:
    """Command lines of processes that the street of this run folder started: they have it in their environment."""
    listed = subprocess.run(["ps", "axeww", "-o", "pid=,command="], capture_output=True, text=True, check=True)
    mark = f"RUN_FOLDER={folder}"
    return [line for line in listed.stdout.splitlines() if mark in line.split()]


def assert_gone(folder: Path) -> None:
    deadline = time.monotonic() + 5
    while (left := processes_of(folder)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert left == []


# --- headless -------------------------------------------------------------------------------------------------------


def test_headless__eight_slots__settled_checked_and_conserved(start_street):
    street = start_street(HEADLESS=1, SLOTS=8)
    status, output = street.ends()
    assert status == 0, street.talk()
    result = json.loads(output.splitlines()[-1])
    assert list(result) == RESULT_KEYS
    assert (result["slots"], result["sites"], result["reports"]) == (8, 14, 8)
    assert result["settled_site_slots"] == 8 * 14
    assert result["conserved"] is True
    assert result["shortfall_wh"] > 0
    assert result["unused_wh"] > 0
    assert 0 < result["trades"] <= result["orders"]
    assert result["certificates_wh"] > result["traded_wh"] > 0
    first = street.facts("first_slot")["first_slot"]
    stamps = sorted((street.folder / "stamps").glob("*.jsonl"))
    measured = latencies_ms(stamps, range(first, first + 8))
    assert len(stamps) == 4
    assert len(measured) == 8
    assert result["latency_ms"] == {"p50": percentile(measured, 50), "p99": percentile(measured, 99)}
    assert_gone(street.folder)


def test_headless__one_grain_changed_behind_the_contracts__not_conserved_and_status_1(start_street):
    street = start_street(HEADLESS=1, SLOTS=1000)
    rpc_url = street.facts("rpc_url")["rpc_url"]
    street.wait_said("books add up")
    contracts = deployments.load(street.folder / "deployments" / "31337.json")
    chain = Chain(rpc_url)
    token, exchange = contracts.address("NET8"), contracts.address("EnergyExchange")
    slot, held = balance_slot(chain, token, exchange)
    chain.request("anvil_setStorageAt", [token, slot, f"0x{held + WEI_PER_GRAIN:064x}"])
    status, output = street.ends()
    assert status == 1
    assert json.loads(output.splitlines()[-1])["conserved"] is False
    assert "the exchange holds 1 grains more NET8 than it owes" in street.talk()
    assert_gone(street.folder)


def balance_slot(chain: Chain, token: str, holder: str) -> tuple[str, int]:
    """Where a token keeps a holder's balance, and the balance: the one word that equals what the token says."""
    held = int(chain.request("eth_call", [{"to": token, "data": f"0x70a08231{holder[2:]:0>64}"}, "latest"]), 16)
    for number in range(32):
        slot = "0x" + keccak256(number.to_bytes(32) + bytes.fromhex(holder[2:]).rjust(32, b"\0")).hex()
        if int(chain.request("eth_getStorageAt", [token, slot, "latest"]), 16) == held:
            return slot, held
    raise AssertionError("the token keeps balances elsewhere")


# --- beside the app -------------------------------------------------------------------------------------------------


def test_live__newcomer_joins_and_sells__paid__and_ctrl_c_leaves_nothing(start_street):
    street = start_street(SLOT_SECONDS=6, START="08:30")
    facts = street.facts("app_url", "street_url", "indexer_url")
    assert requests.get(facts["app_url"], timeout=10).ok
    newcomer = Account.from_key(keccak256(b"a wallet from outside"))
    site = join(facts["street_url"], newcomer)
    chain, contracts = connect(facts["rpc_url"], street.folder / "deployments" / "31337.json")
    bakery = requests.get(f"{facts['street_url']}/state", timeout=10).json()["bakery_site"]
    slot = slot_of(chain.block().timestamp) + 4
    bids = [order for order in chain.read(contracts.lens.orders(1, slot, False)) if order.site == bakery]
    assert sum(order.wh for order in bids) >= 5000
    before = chain.read(contracts.exchange.free_balance(site))
    chain.sender(newcomer).send(contracts.exchange.place(site, slot, True, bids[0].price, 5000))
    deadline = time.monotonic() + 120
    while not (position := chain.read(contracts.lens.position(site, slot))).is_settled:
        assert time.monotonic() < deadline, street.talk()
        time.sleep(0.2)
    assert position.outcome is Outcome.METERED
    assert position.exported > 4000
    short = 5000 - min(position.exported, 5000)
    earned = chain.read(contracts.exchange.free_balance(site)) - before
    assert earned == 5000 * bids[0].price - short * 1650
    history = f"{facts['indexer_url']}/sites/{site}/positions?first_slot={slot}&last_slot={slot}"
    while not (told := requests.get(history, timeout=10).json()) or told[0]["settled_at"] is None:
        assert time.monotonic() < deadline, told
        time.sleep(0.2)
    assert (told[0]["net_wh"], told[0]["exported"], told[0]["short"]) == (5000, position.exported, short)
    hour = hour_of_slot(slot) + TARIFF_LEAD + 1  # published by now, and final
    midnight = hour_of_slot(street.facts("first_slot")["first_slot"]) - 8
    terms, final = chain.read(contracts.grid.terms(1, hour))
    assert (terms.tariff, final) == (tariff_of((hour - midnight) % 24), True)
    street.process.send_signal(signal.SIGINT)
    status, _ = street.ends()
    assert status == 130
    assert "nothing of the street runs any more" in street.talk()
    assert_gone(street.folder)


def join(street_url: str, newcomer: Account) -> int:
    """Join as the app does; also what the street refuses."""
    consent = requests.post(f"{street_url}/join", json={"address": newcomer.address}, timeout=30).json()
    message, domain = consent["message"], consent["domain"]
    assert int(message["nameplate"]) == 30_000
    digest = SiteConsent(
        int(message["zone"]), message["owner"], int(message["technology"]), int(message["nameplate"]),
        message["meter_key"], int(message["nonce"]), int(message["deadline"]),
    ).digest(grid_domain(int(domain["chainId"]), domain["verifyingContract"]))  # fmt: skip
    stranger = Account.from_key(keccak256(b"another wallet"))
    for account, status in ((stranger, 400), (newcomer, 200)):
        signature = "0x" + sign(bytes(account.key), digest).to_bytes().hex()
        answer = requests.post(
            f"{street_url}/join/confirm", json={"address": newcomer.address, "signature": signature}, timeout=60
        )
        assert answer.status_code == status, answer.text
    again = requests.post(f"{street_url}/join", json={"address": newcomer.address}, timeout=30)
    assert "joined already" in again.json()["error"]
    page = requests.get(f"{street_url}/state", headers={"Origin": "http://elsewhere"}, timeout=10)
    assert page.status_code == 403
    return int(answer.json()["site"])


# --- what can go wrong ----------------------------------------------------------------------------------------------


def test_start__port_taken__one_sentence_and_nothing_started(start_street):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        street = start_street(HEADLESS=1, CHAIN_PORT=port)
        status, output = street.ends()
    talk = street.talk()
    assert status == 2
    assert output == ""
    assert f"port {port} is taken; stop the program that listens there or choose another with CHAIN_PORT" in talk
    assert_gone(street.folder)


def test_start__chain_killed__street_says_so_and_stops_everything(start_street):
    street = start_street(HEADLESS=1)
    street.facts("rpc_url")
    (chain,) = [line for line in processes_of(street.folder) if "anvil" in line.split()[1]]
    os.kill(int(chain.split()[0]), signal.SIGKILL)
    status, _ = street.ends()
    assert status == 1
    assert "chain ended with status -9" in street.talk()
    assert_gone(street.folder)


def test_start__folder_with_other_things__refused_and_untouched(start_street, tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "letter.txt").write_text("dear neighbour")
    street = start_street(HEADLESS=1)
    status, _ = street.ends()
    assert status == 2
    assert "holds other things than a run of the street; choose another RUN_FOLDER" in street.talk()
    assert (folder / "letter.txt").read_text() == "dear neighbour"


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"SLOTS": "x"}, "SLOTS is 'x'"),
        ({"HOMES": "nowhere.csv"}, "nowhere.csv: cannot be read"),
        ({"DAY": "2025-12-24"}, "no PV was measured on 24 December"),
    ],
)
def test_start__bad_input__one_sentence_and_no_run(start_street: Callable, variables: dict[str, str], sentence: str):
    street = start_street(HEADLESS=1, **variables)
    status, _ = street.ends()
    assert status == 2
    assert sentence in street.talk()
    assert len(street.talk().splitlines()) == 1
