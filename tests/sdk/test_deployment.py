"""Deployment files: a good one is read, a bad one named with its fault."""

import json

import pytest
from net8.deployment import CONTRACTS, DeploymentRefused, load


@pytest.fixture
def content():
    return {
        "chain_id": 31337,
        "owner": "0x" + "aa" * 20,
        "contracts": {
            name: {"address": "0x" + f"{i + 1:040x}", "block": 10 + i, "args": ["0x", 1], "code_hash": "0x" + "0" * 64}
            for i, name in enumerate(CONTRACTS)
        },
    }


@pytest.fixture
def write(tmp_path):
    def write(content):
        path = tmp_path / "31337.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    return write


def test_load__complete_file__addresses_domains_and_first_block(write, content):
    deployment = load(write(content))
    assert deployment.address("GridRegistry") == "0x0000000000000000000000000000000000000002"
    assert deployment.owner == "0xaAaAaAaaAaAaAaaAaAAAAAAAAaaaAaAaAaaAaaAa"
    assert deployment.first_block == 10
    assert deployment.grid_domain.contract == deployment.address("GridRegistry")
    assert deployment.registry_domain.contract == deployment.address("OracleRegistry")
    assert deployment.token_domain.contract == deployment.address("NET8")
    assert deployment.grid_domain.chain_id == 31337


def test_load__no_file__refused(tmp_path):
    with pytest.raises(DeploymentRefused, match="does not exist; deploy first"):
        load(tmp_path / "1.json")


def test_load__no_json__refused(write):
    with pytest.raises(DeploymentRefused, match="cannot be read as JSON"):
        load(write("{"))


def test_load__contract_missing__named(write, content):
    del content["contracts"]["Reserve"]
    with pytest.raises(DeploymentRefused, match="Reserve missing; deploy again"):
        load(write(content))


def test_load__address_mistyped__named(write, content):
    content["contracts"]["NET8"]["address"] = "0x12"
    with pytest.raises(DeploymentRefused, match=r"contracts\.NET8\.address: '0x12' is no address"):
        load(write(content))


@pytest.mark.parametrize(("field", "value"), [("block", -1), ("block", "x"), ("code_hash", "0x12"), ("extra", 1)])
def test_load__field_wrong__named(write, content, field, value):
    content["contracts"]["Reserve"][field] = value
    with pytest.raises(DeploymentRefused, match=rf"contracts\.Reserve\.{field}"):
        load(write(content))


def test_address__unknown_contract__refused_with_the_known(write, content):
    with pytest.raises(DeploymentRefused, match="no contract named Token; there are NET8, GridRegistry"):
        load(write(content)).address("Token")
