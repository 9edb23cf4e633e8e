"""Frames of real meters, used in place: every one comes out as its meter meant it, or is refused."""

import json
from pathlib import Path

import pytest
from net8_oracle.gateway.sources import FrameRefused, MeterState, decode


def test_dsmr__real_telegrams__as_expected(shared_data: Path) -> None:
    folder = shared_data / "meters" / "dsmr_p1"
    for case in json.loads((folder / "expected.json").read_text()):
        state, expected = decode("dsmr", (folder / case["name"]).read_bytes()), case["expected"]
        wanted = {
            register: sum(round(1000 * float(expected[f"ELECTRICITY_{name}_TARIFF_{tariff}"][0])) for tariff in (1, 2))
            for register, name in (("import", "USED"), ("export", "DELIVERED"))
        }
        assert (state.import_wh, state.export_wh) == (wanted["import"], wanted["export"]), case["name"]
        power = [float(expected[f"CURRENT_ELECTRICITY_{name}"][0]) for name in ("USAGE", "DELIVERY")]
        assert state.power_w == round(1000 * (power[0] - power[1])), case["name"]
        told = expected.get("P1_MESSAGE_TIMESTAMP")
        shown = json.loads(state.canonical())["time"]
        assert shown == (told and told[0].replace(" ", "T").replace("+00:00", "Z")), case["name"]
        if "EQUIPMENT_IDENTIFIER" in expected:
            assert state.serial == expected["EQUIPMENT_IDENTIFIER"][0], case["name"]


def test_mbus__real_frames__two_electricity_meters_and_nothing_else(shared_data: Path) -> None:
    outcome = {}
    for file in sorted((shared_data / "meters" / "mbus").glob("*.blob")):
        try:
            outcome[file.stem] = str(decode("mbus", file.read_bytes()).import_wh)
        except FrameRefused as fault:
            outcome[file.stem] = str(fault)
    assert outcome["electricity-meter-1"] == "17756850"
    assert outcome["electricity-meter-2"] == "4443820"
    assert "medium 0x04" in outcome["abb_f95"]
    assert "medium 0x07" in outcome["els_falcon"]
    assert "Invalid M-Bus length" in outcome["invalid_length"]
    assert "more than 10 extensions" in outcome["too_many_vife"]


def test_homewizard__real_answers__registers_or_refusal(shared_data: Path) -> None:
    folder = shared_data / "meters" / "homewizard"
    assert decode("homewizard", (folder / "kwh1.json").read_bytes()) == MeterState(None, 122_376, 579_813, None, -45)
    p1 = decode("homewizard", (folder / "p1_all.json").read_bytes())
    assert (p1.import_wh, p1.export_wh, p1.serial) == (13_779_338, 0, "4E47475955")
    with pytest.raises(FrameRefused, match="no energy register"):
        decode("homewizard", (folder / "invalid_external.json").read_bytes())


def test_sunspec__real_devices__meter_or_refusal(shared_data: Path) -> None:
    folder = shared_data / "meters" / "sunspec"
    state = decode("sunspec", (folder / "device_1547.json").read_bytes())
    assert state == MeterState(None, 0, 150_000, "sn-123456789", -9_800)
    with pytest.raises(FrameRefused, match="no meter model"):
        decode("sunspec", (folder / "inverter_123.json").read_bytes())


def test_ocmf__real_records__signed_where_the_signature_holds(shared_data: Path) -> None:
    vectors = json.loads((shared_data / "meters" / "ocmf" / "vectors.json").read_text())["vectors"]
    assert {vector["ecdsa_result"] for vector in vectors} == {"valid", "invalid", "nokey"}
    for vector in vectors:
        state = decode("ocmf", vector["ocmf"].encode(), vector.get("public_key_der_hex"))
        assert state.signed == (vector["ecdsa_result"] == "valid"), vector["ocmf"]
        payload = json.loads(vector["ocmf"].split("|")[1])
        assert state.serial == payload.get("MS", payload["GS"])
    assert any(vector.get("high_s") for vector in vectors)
    both = next(vector for vector in vectors if "LEM DCBM" in vector["meter"])
    state = decode("ocmf", both["ocmf"].encode(), both["public_key_der_hex"])
    assert (state.import_wh, state.export_wh, state.problems) == (58_685, 4_405, ())
    assert json.loads(state.canonical())["time"] == "2021-10-06T11:15:13Z"
