"""The deploy script on a real chain: interrupted, repeated, handed over; and the check that finds what was changed."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from net8.client import Chain
from net8.contracts import Contracts
from net8.deployment import CONTRACTS, load

from scripts.deployment.plan import OWNED, WIRING
from tests.chain.anvil import running_anvil
from tests.chain.conftest import account

pytestmark = [pytest.mark.chain, pytest.mark.timeout(900)]
PROJECT = Path(__file__).parents[2]
PROGRAMS = Path(sys.executable).parent


class Scripts:
    """ape's scripts on one chain and one file."""

    def __init__(self, url: str, path: Path) -> None:
        self.url, self.path = url, path

    def start(self, script: str, *options: str) -> subprocess.Popen:
        command = [str(PROGRAMS / "ape"), "run", script, "--network", "ethereum:local:foundry"]
        environment = {
            **os.environ, "APE_FOUNDRY_HOST": self.url, "PATH": f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}",
        }  # fmt: skip
        return subprocess.Popen(
            [*command, "--file", str(self.path), *options],
            cwd=PROJECT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip

    def run(self, script: str, *options: str) -> tuple[int, str]:
        process = self.start(script, *options)
        output, _ = process.communicate(timeout=600)
        return process.returncode, output

    def contracts(self) -> dict:
        return json.loads(self.path.read_text())["contracts"] if self.path.exists() else {}


@pytest.fixture(scope="module")
def deployed(tmp_path_factory):
    """A deployment whose first run was killed after its third contract, handed to somebody else by the second."""
    with running_anvil() as url:
        scripts = Scripts(url, tmp_path_factory.mktemp("deployments") / "31337.json")
        owner = account(5).address
        first = scripts.start("deploy", "--owner", owner)
        while len(scripts.contracts()) < 3:
            assert first.poll() is None, first.stdout.read()
            time.sleep(0.02)
        first.send_signal(signal.SIGKILL)
        first.wait()
        kept = scripts.contracts()
        nonce = int(Chain(url).request("eth_getTransactionCount", [account(0).address, "latest"]), 16)
        status, output = scripts.run("deploy", "--owner", owner)
        assert status == 0, output
        yield scripts, owner, kept, nonce


@pytest.fixture
def scripts(deployed, tmp_path):
    """The scripts on a copy of the file, on a chain that is put back afterwards."""
    done, *_ = deployed
    chain = Chain(done.url)
    before = chain.request("evm_snapshot")
    copy = tmp_path / "31337.json"
    shutil.copy(done.path, copy)
    yield Scripts(done.url, copy)
    assert chain.request("evm_revert", [before])


def changed(scripts: Scripts, change) -> None:
    content = json.loads(scripts.path.read_text())
    change(content)
    scripts.path.write_text(json.dumps(content))


def test_deploy__killed_in_the_middle__continues_without_deploying_twice(deployed):
    scripts, _, kept, nonce = deployed
    contracts = scripts.contracts()
    assert 3 <= len(kept) < len(CONTRACTS)
    assert {name: contracts[name] for name in kept} == kept
    assert len(contracts) == len(CONTRACTS)
    # Each deployment, each wire, each hand-over: a contract that was sent before the kill is not sent again.
    sent = int(Chain(scripts.url).request("eth_getTransactionCount", [account(0).address, "latest"]), 16)
    assert sent == len(CONTRACTS) + len(WIRING) + len(OWNED)
    assert nonce < sent


def test_deploy__owner_given__owns_and_everything_is_wired(deployed):
    scripts, owner, *_ = deployed
    chain, deployment = Chain(scripts.url), load(scripts.path)
    contracts = Contracts.of(deployment)
    assert deployment.owner == owner
    for contract in (contracts.grid, contracts.registry, contracts.certificates, contracts.reserve):
        assert chain.read(contract.owner()) == owner
    assert chain.read(contracts.token.minter()) == deployment.address("Reserve")
    assert chain.read(contracts.grid.exchange()) == deployment.address("EnergyExchange")
    assert chain.read(contracts.exchange.registry()) == deployment.address("OracleRegistry")
    assert chain.read(contracts.registry.court()) == deployment.address("OracleCourt")
    assert chain.read(contracts.exchange.desk()) == deployment.address("TradingDesk")
    assert chain.read(contracts.exchange.owner_of(0)) == deployment.address("TradingDesk")
    chain.verify(deployment)


def test_check_deployment__as_deployed__agrees(scripts):
    status, output = scripts.run("check_deployment")
    assert status == 0, output


def test_check_deployment__file_and_chain_changed__each_difference_told(scripts):
    def change(content):
        content["contracts"]["Reserve"]["code_hash"] = "0x" + 64 * "1"
        content["contracts"]["OracleRegistry"]["args"][2] += 1
        content["contracts"]["GreenCertificates"]["args"][2] = "Somebody else"
        content["owner"] = account(6).address

    changed(scripts, change)
    lens = scripts.contracts()["ExchangeLens"]["address"]
    Chain(scripts.url).request("anvil_setCode", [lens, "0x"])
    status, output = scripts.run("check_deployment")
    assert status == 1
    assert "Reserve: the code at" in output
    assert "OracleRegistry: min_stake is" in output
    assert "GreenCertificates: issuer is NET8" in output
    assert f"ExchangeLens: there is no contract at {lens}" in output
    for name in ("GridRegistry", "OracleRegistry", "GreenCertificates"):
        assert f"{name}: the owner is" in output


def test_deploy__other_options_than_before__refused_with_the_way_out(scripts):
    before = scripts.path.read_text()
    status, output = scripts.run("deploy", "--min-stake", "7")
    assert status == 1
    assert "OracleRegistry was deployed with" in " ".join(output.split())
    assert scripts.path.read_text() == before


def test_deploy__address_that_is_none__refused_in_a_sentence(scripts):
    before = scripts.path.read_text()
    status, output = scripts.run("deploy", "--owner", "0x12")
    assert status == 2
    assert "'0x12' is no address" in output
    assert scripts.path.read_text() == before
