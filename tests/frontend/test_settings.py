"""Settings of the app: read from the environment or refused in one sentence."""

from datetime import UTC, datetime

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


def test_read__prices_of_the_supplier__each_from_its_day_on() -> None:
    one = read({"NET8_RETAIL_EUR": "0.36"}).retail
    assert one is not None
    assert one.at(0) == one.at(2**32) == 1200
    two = read({"NET8_RETAIL_EUR": "0.36, 2026-07-01 = 0.30"}).retail
    assert two is not None
    july = int(datetime(2026, 7, 1, tzinfo=UTC).timestamp())
    assert (two.at(july - 1), two.at(july)) == (1200, 1000)
    assert read({}).retail is None


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("36 ct", "give a price in euro per kWh such as 0.36, or several"),
        ("0.36, July=0.30", "give a price in euro per kWh such as 0.36, or several"),
        ("0.36, 2026-07-01=", "give a price in euro per kWh such as 0.36, or several"),
        ("0.36, 2026-07-01=0.30, 2026-06-01=0.31", "give each day once, the earliest first"),
        ("0.36, 2026-07-01=0.30, 2026-07-01=0.31", "give each day once, the earliest first"),
    ],
)
def test_read__prices_of_the_supplier_that_cannot_be__refused(text: str, fault: str) -> None:
    with pytest.raises(SettingsRefused, match=f"^NET8_RETAIL_EUR is '{text}'; {fault}"):
        read({"NET8_RETAIL_EUR": text})
