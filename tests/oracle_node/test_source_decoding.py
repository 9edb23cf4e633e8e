"""What meters say: every format from frames made by its standard, and what is refused of it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st
from net8_oracle.cli import main
from net8_oracle.gateway.sources import FORMATS, FrameRefused, MeterState, decode
from net8_oracle.gateway.sources import mbus as mbus_source
from net8_oracle.settings import ConfigRefused

from tests.oracle_node import frames

K1, R1 = (ec.derive_private_key(31, curve) for curve in (ec.SECP256K1(), ec.SECP256R1()))
NOON = 1_700_000_000  # 2023-11-14T22:13:20Z


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("dsmr", MeterState(NOON, 6_825, 2_444, "4530303331", -256)),
        ("fronius", MeterState(NOON, 1_234_567, 7_654_321, "15480258", -19)),
        ("homewizard", MeterState(None, 122_376, 579_813, "HW31", -45)),
        ("mbus", MeterState(None, 1_234, 56, "12345678")),
        ("ocmf", MeterState(NOON, 12_345, 789, "MS31")),
        ("shelly", MeterState(NOON, 1_234, 78, "shellypro3em-a0b1c2d3e4f5", -12)),
        ("sml", MeterState(None, 123_456, 8_901, "1 ISK00 7512 6084", -321)),
        ("sunspec", MeterState(None, 78_900, 1_234_560, "SN-31", -310)),
        ("tasmota", MeterState(None, 1_234, 250, None, 12)),
    ],
)
def test_decode__whole_frame__registers_cut_to_wh(form: str, expected: MeterState) -> None:
    assert decode(form, frames.MADE[form]) == expected


def test_made_frames__cover_every_format() -> None:
    assert sorted(frames.MADE) == sorted(FORMATS)


# --- nothing but the one refusal -------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMATS)
@settings(max_examples=120, deadline=None)
@given(data=st.data())
def test_decode__hostile_bytes__nothing_but_the_refusal(form: str, data: st.DataObject) -> None:
    good = frames.MADE[form]
    mutilated = st.builds(
        lambda start, cut, put: good[:start] + put + good[start + cut :],
        st.integers(0, len(good)),
        st.integers(0, 40),
        st.binary(max_size=12),
    )
    digits = st.builds(
        lambda place, number: good.replace(b"1", str(number).encode(), place % 7 + 1),
        st.integers(0, 6),
        st.one_of(st.integers(), st.floats(), st.just("9" * 5_000), st.just("1e999999999")),
    )
    raw = data.draw(st.one_of(st.binary(max_size=300), mutilated, digits))
    refusal = None
    try:
        state = decode(form, raw)
    except FrameRefused as fault:
        refusal = str(fault)
    if refusal is not None:
        assert refusal.startswith(f"{form}: ")
        assert "\n" not in refusal
    else:
        assert all(register is None or 0 <= register < 2**62 for register in (state.import_wh, state.export_wh))
        assert json.loads(state.canonical())["import_wh"] == state.import_wh


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("shape", ["empty", "huge", "nested", "repeated"])
def test_decode__empty_huge_or_deep__refused(form: str, shape: str) -> None:
    raw = {
        "empty": b" \r\n",
        "huge": frames.MADE[form][:40] * 60_000,
        "nested": b"[" * 200_000,
        "repeated": frames.MADE[form][:-1] * 5 if form != "dsmr" else b"0-0:1.8.1" * 800,
    }[shape]
    with pytest.raises(FrameRefused, match=f"^{form}: "):
        decode(form, raw)


@pytest.mark.parametrize("form", ["dsmr", "sml", "mbus"])
def test_decode__one_bit_flipped_anywhere__never_other_registers(form: str) -> None:
    good = decode(form, frames.MADE[form])
    for position in range(len(frames.MADE[form])):
        torn = bytearray(frames.MADE[form])
        torn[position] ^= 1 << position % 8
        try:
            state = decode(form, bytes(torn))
        except FrameRefused:
            continue
        assert (state.import_wh, state.export_wh) == (good.import_wh, good.export_wh)


# --- what single formats are known for -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (frames.dsmr()[:-30], "torn"),
        (frames.dsmr()[40:], "torn"),
        (frames.dsmr()[:-6] + b"\r\n", "checksum is missing"),
        (frames.dsmr().replace(b"4.426", b"5.426"), "checksum"),
        (frames.dsmr(None).replace(b"1-0:1.8.2(", b"1-0:1.8.1("), "two telegrams ran into one another"),
        (frames.dsmr(None).replace(b"kWh", b"MWh"), "is in MWh, not in kWh"),
        (frames.dsmr(None).replace(b"1-0:", b"7-0:x"), "no energy register"),
    ],
)
def test_dsmr__telegram_is_torn_or_odd__refused_with_the_reason(raw: bytes, reason: str) -> None:
    with pytest.raises(FrameRefused, match=reason):
        decode("dsmr", raw)


def test_dsmr__old_version__neither_time_nor_checksum() -> None:
    state = decode("dsmr", frames.dsmr(None))
    assert (state.time, state.import_wh, state.export_wh) == (None, 6_825, 2_444)


@pytest.mark.parametrize("time", [1_698_537_600, 1_698_541_200])  # 02:00 in summer and, an hour later, in winter time
def test_dsmr__hour_that_comes_twice__told_apart(time: int) -> None:
    assert decode("dsmr", frames.dsmr(time)).time == time


def test_sml__power_of_dzg_with_wrong_sign__read_as_what_it_is() -> None:
    quirk = {"serial": b"\x0a\x01DZG\x00\x04\x7a\x55\x44", "status": 0x0104}
    wrong = frames.sml_signed(40_000 - 2**16, 2)  # 40 kW in 16 bits, marked as a signed number
    assert decode("sml", frames.sml(power=wrong, **quirk)).power_w == 40_000
    assert decode("sml", frames.sml(power=wrong)).power_w == 40_000 - 2**16, "other meters' signs are believed"


def test_sml__register_with_wrong_sign__refused() -> None:
    with pytest.raises(FrameRefused, match="never negative, so the firmware has a wrong sign"):
        decode("sml", frames.sml(imported=frames.sml_signed(-5, 4)))


def test_sml__meter_tells_the_time__taken_and_seconds_since_start_not() -> None:
    assert decode("sml", frames.sml(time=frames.sml_timestamp(NOON))).time == NOON
    assert decode("sml", frames.sml()).time is None


def test_sml__escape_in_the_data__still_whole() -> None:
    assert decode("sml", frames.sml(imported=0x1B1B1B1B)).import_wh == 0x1B1B1B1B // 10


def test_sml__only_import__export_unknown() -> None:
    assert decode("sml", frames.sml(exported=None)).export_wh is None


def energies(*records: bytes, **options: Any) -> tuple[int | None, int | None]:
    state = mbus_source.decode(frames.mbus(*records), **options)
    return state.import_wh, state.export_wh


def test_mbus__directions__by_extension_sub_unit_or_tariff() -> None:
    energy = frames.mbus_energy
    assert energies(energy(7), energy(5, extensions=b"\x3c")) == (7, 5)
    assert energies(energy(7, extensions=b"\x3b"), energy(5, unit=1), energy(9, unit=2)) == (7, 5)
    assert energies(energy(7, tariff=1), energy(5, tariff=2)) == (12, None)
    assert energies(energy(7, tariff=1), energy(5, tariff=2), export_tariff=2) == (7, 5)
    assert energies(energy(7, tariff=1), energy(5, tariff=2), energy(12)) == (12, None), "a total is not added again"


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (frames.mbus(frames.mbus_energy(7), medium=7), "medium 0x07, not electricity"),
        (frames.mbus(frames.mbus_energy(7), frames.mbus_energy(8)), "two import registers"),
        (frames.mbus(frames.mbus_energy(7, extensions=b"\x84" * 10 + b"\x04")), "more than 10 extensions"),
        (frames.mbus(b"\x0c\x03\x12\x34\xa6\x78"), "digits that are none"),
        (frames.mbus(frames.mbus_energy(-7)), "never negative"),
        (frames.mbus(b"\x05\x03\x00\x00\xc0\x7f"), "no meter can show"),
        (frames.mbus(frames.mbus_energy(7))[:-3], "not a whole frame"),
        (b"\x68\x00\x00\x68\x08\x16", "Invalid M-Bus length"),
    ],
)
def test_mbus__frame_malformed_or_no_electricity_meter__refused_with_the_reason(raw: bytes, reason: str) -> None:
    with pytest.raises(FrameRefused, match=reason):
        decode("mbus", raw)


def test_mbus__meter_reports_an_error__problem() -> None:
    assert decode("mbus", frames.mbus(frames.mbus_energy(7), status=8)).problems == (
        "the meter reports a permanent error",
    )


@pytest.mark.parametrize("key", [K1, R1])
@pytest.mark.parametrize("high_s", [False, True])
def test_ocmf__signature_holds__signed_whatever_its_s(key: ec.EllipticCurvePrivateKey, high_s: bool) -> None:
    raw = frames.ocmf(key, high_s=high_s)
    assert decode("ocmf", raw, frames.public_key(key)) == MeterState(
        NOON, 12_345, 789, "MS31", signed=True, record=raw.decode()
    )


def test_ocmf__not_signed_under_the_key_or_too_long__no_record_is_passed_on() -> None:
    assert not decode("ocmf", frames.ocmf(K1)).record
    assert not decode("ocmf", frames.ocmf(K1), frames.public_key(R1)).record
    long = decode("ocmf", frames.ocmf(K1, TX="C" * 2_048), frames.public_key(K1))
    assert long.signed
    assert not long.record


@pytest.mark.parametrize(
    ("raw", "key"),
    [
        (frames.ocmf(K1).replace(b"12.3456", b"92.3456"), K1),
        (frames.ocmf(K1), ec.derive_private_key(32, ec.SECP256K1())),
        (frames.ocmf(K1), R1),
        (frames.ocmf(K1) + b"|" + frames.public_key(K1).encode(), R1),
    ],
)
def test_ocmf__signature_does_not_hold_under_the_given_key__not_signed(
    raw: bytes, key: ec.EllipticCurvePrivateKey
) -> None:
    state = decode("ocmf", raw, frames.public_key(key))
    assert not state.signed
    assert "does not verify under the given key" in state.problems[0]


def test_ocmf__no_key_given__a_key_that_comes_along_is_not_believed() -> None:
    assert not decode("ocmf", frames.ocmf(K1) + b"|" + frames.public_key(K1).encode()).signed


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"EF": "E"}, "flags its energy as faulty"),
        ({"ST": "T"}, "status is T, not G"),
        ({"TM": "1970-01-01T01:01:49,000+0100 U"}, "clock is not set"),
    ],
)
def test_ocmf__meter_doubts_itself__problem(changes: dict[str, str], problem: str) -> None:
    assert problem in decode("ocmf", frames.ocmf(K1, **changes)).problems[0]


def test_ocmf__register_of_one_transaction__is_no_register() -> None:
    with pytest.raises(FrameRefused, match="no energy register"):
        decode("ocmf", frames.ocmf(K1).replace(b".8.0", b".8.0*198"))


@pytest.mark.parametrize("key", ["", "tea", "00" * 40])
def test_ocmf__key_is_none__one_sentence(key: str) -> None:
    with pytest.raises(ConfigRefused, match="no elliptic curve key in DER"):
        decode("ocmf", frames.ocmf(K1), key)


def test_fronius__meter_in_the_load_path__problem() -> None:
    assert "not at the grid connection" in decode("fronius", frames.fronius(place=1)).problems[0]


def test_homewizard__old_firmware_without_total__tariffs_are_added_up() -> None:
    raw = json.dumps({"total_power_import_t1_kwh": 1.5, "total_power_import_t2_kwh": 2.25}).encode()
    assert decode("homewizard", raw) == MeterState(None, 3_750, None)


# --- the command -----------------------------------------------------------------------------------------------------


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Any]:
    """run(format, bytes, *arguments): `net8-oracle decode`."""

    def invoke(form: str, raw: bytes, *arguments: str) -> Any:
        (tmp_path / "frame").write_bytes(raw)
        return CliRunner(mix_stderr=False).invoke(main, ["decode", form, str(tmp_path / "frame"), *arguments])

    return invoke


def test_decode_command__frame__one_line_of_json(run: Callable[..., Any]) -> None:
    result = run("ocmf", frames.ocmf(K1), "--key", frames.public_key(K1))
    assert result.exit_code == 0
    assert result.stdout == (
        '{"serial": "MS31", "time": "2023-11-14T22:13:20Z", "import_wh": 12345, "export_wh": 789, '
        '"power_w": null, "signed": true, "problems": []}\n'
    )


@pytest.mark.parametrize(
    ("form", "raw", "arguments", "reason"),
    [
        ("dsmr", frames.dsmr()[:-9], [], "dsmr: the telegram does not run"),
        ("ocmf", b"OCMF|{}|{}", [], "ocmf: not a whole frame"),
        ("sml", b"", [], "sml: there is nothing to decode"),
        pytest.param("sml", b"\x01" * 3_000_000, [], "more than a meter sends", id="huge"),
        ("tea", b"x", [], "no format 'tea'; there are dsmr, fronius"),
        ("dsmr", frames.dsmr(), ["--key", "00"], "format dsmr is not signed"),
        ("ocmf", frames.ocmf(K1), ["--key", "00"], "no elliptic curve key"),
    ],
)
def test_decode_command__refused__one_sentence_and_status_1(
    run: Callable[..., Any], form: str, raw: bytes, arguments: list[str], reason: str
) -> None:
    result = run(form, raw, *arguments)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith("net8-oracle: ")
    assert result.stderr.count("\n") == 1
    assert reason in result.stderr
