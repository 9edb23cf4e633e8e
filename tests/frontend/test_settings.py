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


def test_read__walletconnect__project_and_its_relay() -> None:
    assert read({}).walletconnect is None
    assert read({"NET8_WALLETCONNECT_RELAY": "ws://127.0.0.1:1"}).walletconnect is None
    known = read({"NET8_WALLETCONNECT_ID": "ab" * 16}).walletconnect
    assert known is not None
    assert (known.project_id, known.relay_url) == ("ab" * 16, "wss://relay.walletconnect.org")


@pytest.mark.parametrize(
    ("name", "value"), [("NET8_WALLETCONNECT_ID", "my project"), ("NET8_WALLETCONNECT_RELAY", "https://relay.example")]
)
def test_read__walletconnect_that_cannot_be__refused_with_its_name(name: str, value: str) -> None:
    with pytest.raises(SettingsRefused, match=f"^{name} is '{value}'; give"):
        read({"NET8_WALLETCONNECT_ID": "ab" * 16, name: value})
