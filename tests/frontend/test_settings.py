"""Settings of the app: read from the environment or refused in one sentence."""

import pytest
from net8_web.settings import SettingsRefused, read


def test_read__nothing_given__local_chain() -> None:
    settings = read({})
    assert settings.rpc_url == settings.public_rpc_url == "http://127.0.0.1:8545"
    assert settings.street_url is None
    assert settings.nodes == ()


def test_read__nodes_with_blanks__stripped() -> None:
    assert read({"NET8_NODES": "http://a:1, http://b:2 ,"}).nodes == ("http://a:1", "http://b:2")


@pytest.mark.parametrize(
    "name", ["NET8_RPC_URL", "NET8_STREET_URL", "NET8_NODES", "NET8_EXPLORER", "NET8_PUBLIC_RPC_URL", "NET8_INDEXER"]
)
def test_read__no_address__refused_with_its_name(name: str) -> None:
    with pytest.raises(SettingsRefused, match=f"^{name} is 'localhost:8545'; give an address"):
        read({name: "localhost:8545"})
