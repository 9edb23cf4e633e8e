"""Settings that the street writes for the processes it starts."""

import tomllib
from pathlib import Path

from scripts.street.settings_files import Meter, delays_ms, gateway_settings


def test_delays_ms__spread__even_shares_from_the_first_instant_on():
    assert delays_ms(1000, 4) == [0, 250, 500, 750]
    assert delays_ms(1000, 3) == [0, 333, 666]


def test_delays_ms__no_spread_or_a_single_meter__at_once():
    assert delays_ms(0, 3) == [0, 0, 0]
    assert delays_ms(60_000, 1) == [0]


def test_gateway_settings__meters__each_with_its_columns_and_its_own_delay():
    inputs = Path("homes.csv")
    text = gateway_settings(
        listen="127.0.0.1:1", store=Path("gateway.sqlite"), deployment=Path("31337.json"), rpc="http://127.0.0.1:2",
        password_file=Path("password.txt"), operators=["http://127.0.0.1:3"],
        meters=[
            Meter(65_537, Path("meter-1.json"), inputs, "load_0", "pv_0", 8, 0),
            Meter(65_538, Path("meter-2.json"), inputs, "load_1", None, 8, 500),
        ],
    )  # fmt: skip
    sources = [meter["source"] for meter in tomllib.loads(text)["meters"]]
    both = {"kind": "csv", "path": "homes.csv", "start_slot": 8}
    assert sources == [
        both | {"load": "load_0", "pv": "pv_0", "delay_ms": 0},
        both | {"load": "load_1", "delay_ms": 500},
    ]
