"""What an operator does by hand, on a real chain with real nodes: begin, check, stake, leave, watch."""

import json
import os
import re
import subprocess
import time
import tomllib
import urllib.request
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from net8_oracle import keys
from net8_oracle.cli import main
from net8_oracle.node.settings import NodeSettings
from net8_oracle.operate.beginning import FILES, begin
from net8_oracle.operate.checks import check as look
from net8_oracle.settings import ConfigRefused, load

from tests.oracle_node.local_chain import MIN_STAKE, NET8, LocalChain, Zone, account_of, key_of
from tests.oracle_node.processes import PASSWORD, NodeProcess, Street, get_json, wait_for, write_keystore

pytestmark = pytest.mark.chain

DEPLOY = Path(__file__).resolve().parents[2] / "oracle-node" / "deploy"
OWNER = "owner of an operator"


@pytest.fixture(autouse=True)
def password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NODE_TEST_PASSWORD", PASSWORD)


@pytest.fixture
def zone(local_chain: LocalChain) -> Zone:
    """A zone with four operators and a site; nobody's node runs."""
    return local_chain.new_zone(operators=4, sites=1)


@pytest.fixture
def beginner(zone: Zone, tmp_path: Path) -> Path:
    """The configuration of somebody who has just begun, for that zone."""
    chain = zone.chain
    folder = tmp_path / "operator"
    list(begin(folder, chain.deployment_file, chain.url, [zone.number], "127.0.0.1:1", "127.0.0.1:2", iterations=1))
    config = folder / "node.toml"
    config.write_text(config.read_text().replace(f'rpc = "{chain.url}"', f'rpc = "{chain.url}"\nclock = "chain"'))
    return config


@pytest.fixture
def owner(local_chain: LocalChain, tmp_path: Path) -> list[str]:
    """Options that name the keystore of a key with NET8 and gas."""
    address = account_of(OWNER).address
    local_chain.fund(address)
    local_chain.send(local_chain.contracts.token.transfer(address, 3 * MIN_STAKE))
    path = write_keystore(tmp_path / "owner.json", key_of(OWNER))
    return ["--owner", str(path), "--owner-password-env", "NODE_TEST_PASSWORD"]


def call(command: str, config: Path, *arguments: str) -> Result:
    return CliRunner(mix_stderr=False).invoke(main, [command, "--config", str(config), *arguments])


def findings(config: Path) -> dict[str, tuple[str, str]]:
    """What `check` finds: subject -> (grade, sentence)."""
    told = call("check", config)
    lines = [re.fullmatch(r"(ok|note|FAIL) +([^:]+(?::[/\w.:]+)?): (.+)", line) for line in told.stdout.splitlines()]
    assert all(lines), told.stdout + told.stderr
    found = {line[2]: (line[1], line[3]) for line in lines if line}
    assert told.exit_code == (1 if any(grade == "FAIL" for grade, _ in found.values()) else 0)
    return found


def test_init__new_folder__keys_that_open_and_a_configuration_that_loads(
    tmp_path: Path, local_chain: LocalChain
) -> None:
    folder = tmp_path / "new"
    options = ["--deployment", str(local_chain.deployment_file), "--rpc", local_chain.url, "--zone", "7", "--zone", "9"]
    made = CliRunner(mix_stderr=False).invoke(main, ["init", str(folder), *options])
    assert made.exit_code == 0, made.stderr
    assert {path.name for path in folder.iterdir()} == set(FILES)
    settings = load(NodeSettings, folder / "node.toml")
    assert settings.zones == [7, 9]
    assert settings.chain.contracts().chain_id == 31337
    for name in ("password.txt", "signer.json", "transmitter.json", "mesh.key"):
        assert (folder / name).stat().st_mode & 0o777 == 0o600
    found = findings(folder / "node.toml")
    assert found["signer"][0] == found["transmitter"][0] == found["certificate"][0] == "ok"


def test_init__folder_in_use__refused_and_nothing_changed(tmp_path: Path, local_chain: LocalChain) -> None:
    (tmp_path / "node.toml").write_text("mine")
    with pytest.raises(ConfigRefused, match=r"holds node\.toml already"):
        list(
            begin(
                tmp_path, local_chain.deployment_file, local_chain.url, [1], "127.0.0.1:1", "127.0.0.1:2", iterations=1
            )
        )
    assert [path.name for path in tmp_path.iterdir()] == ["node.toml"]
    assert (tmp_path / "node.toml").read_text() == "mine"


def test_check__beginner__names_all_that_is_missing(beginner: Path, zone: Zone) -> None:
    found = findings(beginner)
    assert found["chain"][0] == "ok"
    assert found["operator"][0] == "FAIL"
    assert "net8-oracle register" in found["operator"][1]
    assert "ask the registry's owner" in found[f"zone {zone.number}"][1]
    assert found["transmitter's balance"][0] == "FAIL"
    assert "no [[peers]] entry" in found["peers"][1]
    assert found["node"] == ("note", "does not answer at http://127.0.0.1:1; start it with `net8-oracle run`")


def test_check__other_chain_than_deployed__said_and_the_rest_still_looked_at(beginner: Path) -> None:
    config = tomllib.loads(beginner.read_text())
    content = json.loads((beginner.parent / config["chain"]["deployment"]).read_text())
    content["contracts"]["NET8"]["code_hash"] = "0x" + "11" * 32
    (beginner.parent / "other.json").write_text(json.dumps(content))
    beginner.write_text(beginner.read_text().replace(config["chain"]["deployment"], "other.json"))
    found = findings(beginner)
    assert found["chain"][0] == "FAIL"
    assert "other code" in found["chain"][1] or "code" in found["chain"][1]
    assert "operator" not in found
    assert found["node"][0] == "note"


def test_check__wall_clock_and_a_chain_left_behind__said(beginner: Path, local_chain: LocalChain) -> None:
    beginner.write_text(beginner.read_text().replace('clock = "chain"\n', ""))
    grade, sentence = findings(beginner)["clock"]
    assert grade == "FAIL"
    assert "behind the chain" in sentence or "old" in sentence


@pytest.mark.parametrize(
    ("days", "grade", "sentence"), [(1800, "note", "expires in 25 days"), (1826, "FAIL", "expired")]
)
def test_check__certificate_ends__said_in_time(beginner: Path, days: int, grade: str, sentence: str) -> None:
    found = look(load(NodeSettings, beginner), now=lambda: time.time() + days * 86400)
    (told,) = [one for one in found if one.subject == "certificate"]
    assert told.grade == grade
    assert told.sentence.startswith(sentence)
    assert "`net8-oracle certificate new`" in told.sentence


def test_standing__register_stake_and_leave__stake_comes_back(
    beginner: Path, owner: list[str], local_chain: LocalChain
) -> None:
    registry, token, address = local_chain.contracts.registry, local_chain.contracts.token, account_of(OWNER).address
    least = MIN_STAKE // NET8
    refused = call("stake", beginner, *owner, "--amount", "1")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "not registered" in refused.stderr

    registered = call("register", beginner, *owner, "--stake", str(least))
    assert registered.exit_code == 0, registered.stderr
    number = local_chain.read(registry.operator_count())
    assert f"operator {number} registered" in registered.stdout

    staked = call("stake", beginner, *owner, "--amount", str(least))
    assert staked.exit_code == 0, staked.stderr
    assert local_chain.read(registry.operator(number)).stake == 2 * MIN_STAKE

    assert "run this again after" in call("unbond", beginner, *owner).stdout
    before = local_chain.read(token.balance_of(address))
    early = call("unbond", beginner, *owner)
    assert "run this again after" in early.stdout
    assert local_chain.read(token.balance_of(address)) == before
    assert "unbonding" in call("status", beginner).stdout

    asked_at = local_chain.read(registry.operator(number)).unbonding_at
    snapshot = local_chain.request("evm_snapshot")  # others use the chain's time
    local_chain.move_to(asked_at + local_chain.read(registry.unbonding()))
    paid = call("unbond", beginner, *owner)
    assert paid.exit_code == 0, paid.stderr
    assert local_chain.read(token.balance_of(address)) == before + 2 * MIN_STAKE
    assert local_chain.request("evm_revert", snapshot)


def test_rotate__new_key__takes_the_seat_and_the_old_one_counts_for_the_overlap(
    beginner: Path, owner: list[str], local_chain: LocalChain, zone: Zone
) -> None:
    registry = local_chain.contracts.registry
    call("register", beginner, *owner, "--stake", str(MIN_STAKE // NET8))
    number = local_chain.read(registry.operator_count())
    local_chain.send(registry.admit(zone.number, number))
    old = load(NodeSettings, beginner).keys.signer
    before = keys.keystore_address(old)
    fresh = beginner.parent / "second.json"
    rotated = call("rotate", beginner, *owner, "--new-signer", str(fresh), "--overlap", "60")
    assert rotated.exit_code == 0, rotated.stderr
    after = keys.keystore_address(fresh)
    assert local_chain.read(registry.zone_signers(zone.number))[-1] == after
    assert local_chain.read(registry.retired_until(before)) == local_chain.now() + 60
    beginner.write_text(beginner.read_text().replace('"signer.json"', '"second.json"'))
    assert findings(beginner)["operator"] == ("ok", f"number {number}")
    again = call("rotate", beginner, *owner, "--new-signer", str(fresh))
    assert again.exit_code == 2
    assert "exists already" in again.stderr
    assert "earned nothing" in call("claim", beginner, *owner).stdout


def test_stake__more_than_the_key_holds__refused_and_nothing_sent(beginner: Path, owner: list[str]) -> None:
    call("register", beginner, *owner, "--stake", str(MIN_STAKE // NET8))
    refused = call("stake", beginner, *owner, "--amount", "1000000")
    assert refused.exit_code == 2
    assert re.search(r"holds [\d,.]+ ?\S*; bring it to 1,?000,?000 ", refused.stderr), refused.stderr


def test_health__nothing_reported_on_chain__red_until_reports_are_back(street: Street) -> None:
    slot = street.begin()
    street.end_slot(slot)
    street.wait_settled(slot)
    node = street.nodes[0]
    wait_for(lambda: get_json(f"{node.url}/healthz")["healthy"], "the node is well")
    for other in street.nodes[1:]:
        other.kill()
    missed = slot + 1
    for ended in range(missed, missed + 4):  # each report is due two slots after its slot's end
        street.end_slot(ended)
    wait_for(lambda: "the chain shows no report" in str(get_json(f"{node.url}/healthz")["problems"]), "health is red")
    assert "net8_reports_fresh 0.0" in metrics(node)
    assert findings(node.config)["node"][0] == "FAIL"
    for other in street.nodes[1:]:
        other.start()
    street.wait_settled(missed + 3, 180)
    wait_for(lambda: get_json(f"{node.url}/healthz")["healthy"], "the node is well again")
    assert "net8_reports_fresh 1.0" in metrics(node)
    found = findings(node.config)
    assert found["node"][0] == "ok"
    assert all(grade == "ok" for subject, (grade, _) in found.items() if subject.startswith("peer"))
    assert found[f"meters of zone {street.zone.number}"] == ("ok", "all 5 read")
    check_dashboards(metrics(node))


def metrics(node: NodeProcess) -> str:
    with urllib.request.urlopen(f"{node.url}/metrics", timeout=5) as answer:
        return str(answer.read().decode())


def check_dashboards(exposed: str) -> None:
    """Dashboard and alerts ask for nothing that a node does not give."""
    known = {line.split("{")[0].split(" ")[0] for line in exposed.splitlines() if not line.startswith("#")}
    known |= {line.split()[2] + suffix for line in exposed.splitlines() if line.startswith("# TYPE")
              for suffix in ("", "_total", "_bucket")}  # fmt: skip
    board = json.loads((DEPLOY / "grafana-dashboard.json").read_text())
    asked = " ".join(target["expr"] for panel in board["panels"] for target in panel["targets"])
    asked += (DEPLOY / "alerts.yml").read_text()
    names = set(re.findall(r"\bnet8_\w+", asked))
    assert len(names) >= 8
    assert names <= known, names - known


@pytest.mark.parametrize("unit", ["net8-oracle.service", "net8-gateway.service"])
def test_unit__as_systemd_reads_it__without_a_fault(unit: str, tmp_path: Path) -> None:
    text = (DEPLOY / unit).read_text()
    program = tmp_path / "net8-oracle"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    path = tmp_path / unit
    path.write_text(text.replace("/usr/local/bin/net8-oracle", str(program)))
    said = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(path)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ,
    )
    assert unit not in said.stderr, said.stderr
    assert "ExecStart=" in text
