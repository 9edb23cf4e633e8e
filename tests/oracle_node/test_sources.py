"""Sources: a file replayed, and a SunSpec meter that pymodbus simulates."""

import asyncio
import socket
import struct
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from net8_oracle.gateway.sources import SourceFault, decode, make
from net8_oracle.settings import ConfigRefused
from pymodbus.datastore import ModbusSequentialDataBlock, ModbusServerContext, ModbusSlaveContext
from pymodbus.server import ModbusTcpServer
from sunspec2.file.client import FileClientDevice

HOMES = "slot_local,load_1,pv_1\na,0.1004,0\nb,0.2003,0.5\nc,0,0.0005\n"


@pytest.fixture
def homes(tmp_path: Path) -> Path:
    path = tmp_path / "homes.csv"
    path.write_text(HOMES)
    return path


def csv_table(path: Path, **options: Any) -> dict[str, Any]:
    return {"kind": "csv", "path": str(path), "load": "load_1", "pv": "pv_1"} | options


async def test_csv__registers__grow_by_each_slots_energy_within_one_wh(homes: Path, tmp_path: Path) -> None:
    source, _ = make(csv_table(homes), "meters[1].source", tmp_path)
    wanted = [(100.4, 0.0), (0.0, 299.7), (0.0, 0.5)]
    for slot in range(3_000, 3_050):
        before, after = await source.read(slot), await source.read(slot + 1)
        imported, exported = wanted[slot % 3]
        assert before.time == slot * 900
        assert abs(after.import_wh - before.import_wh - imported) < 1
        assert abs(after.export_wh - before.export_wh - exported) < 1


async def test_csv__columns_by_position_and_start_slot__same_registers(homes: Path, tmp_path: Path) -> None:
    source, _ = make(csv_table(homes, load=1, pv=2, start_slot=10), "meters[1].source", tmp_path)
    registers = [await source.read(slot) for slot in (10, 11, 12, 13)]
    assert [(r.import_wh, r.export_wh) for r in registers] == [(0, 0), (100, 0), (100, 299), (100, 300)]
    with pytest.raises(SourceFault, match="begins at slot 10"):
        await source.read(9)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"load": "load_9"}, "has no column 'load_9'; there are slot_local, load_1, pv_1"),
        ({"load": 3}, "has no column 3; it has 3, counted from 0"),
        ({"path": "nowhere.csv"}, "cannot be read as CSV"),
        ({"load": "slot_local"}, "line 2, column slot_local is not an energy"),
        ({"load": None, "pv": None}, "name at least one column"),
        ({"lod": 1}, "lod is not a setting"),
        ({"delay_ms": -1}, "delay_ms is -1; it should be greater than or equal to 0"),
        ({"delay_ms": 60_001}, "delay_ms is 60001; it should be less than or equal to 60000"),
        ({"kind": "cvs"}, "kind is 'cvs'; there are csv, dsmr"),
    ],
)
def test_csv__wrong_option__one_sentence(homes: Path, tmp_path: Path, options: dict[str, Any], reason: str) -> None:
    with pytest.raises(ConfigRefused, match=reason) as refusal:
        make(csv_table(homes) | options, "meters[1].source", tmp_path)
    assert "\n" not in str(refusal.value)


async def test_csv__delay__same_registers_but_no_earlier(homes: Path, tmp_path: Path) -> None:
    prompt, _ = make(csv_table(homes), "meters[1].source", tmp_path)
    late, _ = make(csv_table(homes, delay_ms=50), "meters[1].source", tmp_path)
    began = time.monotonic()
    assert await late.read(3_001) == await prompt.read(3_001)
    assert time.monotonic() - began >= 0.05


async def test_csv__delay_of_one_meter__holds_up_no_other(homes: Path, tmp_path: Path) -> None:
    prompt, _ = make(csv_table(homes), "meters[1].source", tmp_path)
    late, _ = make(csv_table(homes, delay_ms=60_000), "meters[2].source", tmp_path)
    waiting = asyncio.create_task(late.read(3_001))
    for boundary in (3_001, 3_002):
        assert (await prompt.read(boundary)).time == boundary * 900
    assert not waiting.done()
    waiting.cancel()


@pytest.mark.parametrize("cell", ["-0.1", "nan", "", "1e999999"])
def test_csv__cell_is_no_energy__line_and_column_are_named(tmp_path: Path, cell: str) -> None:
    path = tmp_path / "broken.csv"
    path.write_text(f"slot_local,load_1\na,0.1\nb,{cell}\n")
    with pytest.raises(ConfigRefused, match="line 3, column load_1 is not an energy in kWh"):
        make({"kind": "csv", "path": str(path), "load": "load_1"}, "meters[1].source", tmp_path)


# --- SunSpec ---------------------------------------------------------------------------------------------------------

BASE = 40_000
EXPORTED, IMPORTED, SCALE = 38, 46, 54  # offsets of TotWhExp, TotWhImp and TotWh_SF in models 201 to 204


def sunspec_registers(model: int = 203, exported: int = 123_456, imported: int = 7_890, scale: int = 1) -> list[int]:
    """The holding registers of a meter: marker, common model, meter model, end."""
    common = [1, 66, *[0x2020] * 64, 1, 0]
    meter = [0x8000] * 107
    meter[0:2] = [model, 105]
    meter[EXPORTED : EXPORTED + 2] = struct.unpack(">HH", struct.pack(">I", exported))
    meter[IMPORTED : IMPORTED + 2] = struct.unpack(">HH", struct.pack(">I", imported))
    meter[SCALE] = scale & 0xFFFF
    return [*struct.unpack(">HH", b"SunS"), *common[:68], *meter, 0xFFFF, 0]


class SimulatedMeter:
    """pymodbus as a meter."""

    def __init__(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self._server: ModbusTcpServer | None = None
        self._task: asyncio.Task[None] | None = None

    async def show(self, registers: list[int]) -> None:
        await self.stop()
        block = ModbusSequentialDataBlock(BASE + 1, registers)
        context = ModbusServerContext(slaves=ModbusSlaveContext(hr=block), single=True)
        self._server = ModbusTcpServer(context, address=("127.0.0.1", self.port))
        self._task = asyncio.create_task(self._server.serve_forever())
        await asyncio.sleep(0.1)

    async def stop(self) -> None:
        if self._server is not None:
            await self._server.shutdown()
            self._server = None


@pytest.fixture
async def meter() -> AsyncIterator[SimulatedMeter]:
    simulated = SimulatedMeter()
    yield simulated
    await simulated.stop()


def sunspec(meter: SimulatedMeter, tmp_path: Path) -> Any:
    table = {"kind": "sunspec", "host": "127.0.0.1", "port": meter.port, "unit": 1, "timeout_ms": 1000}
    return make(table, "meters[1].source", tmp_path)[0]


@pytest.mark.parametrize(
    ("model", "scale", "expected"),
    [(203, 1, (78_900, 1_234_560)), (201, 0, (7_890, 123_456)), (204, -1, (789, 12_345))],
)
async def test_sunspec__meter_model__registers_in_whole_wh(
    meter: SimulatedMeter, tmp_path: Path, model: int, scale: int, expected: tuple[int, int]
) -> None:
    await meter.show(sunspec_registers(model, scale=scale))
    source = sunspec(meter, tmp_path)
    state = await source.read(1)
    assert (state.time, state.import_wh, state.export_wh) == (None, *expected)
    await source.close()


async def test_sunspec__meter_away_and_back__fault_then_reading(meter: SimulatedMeter, tmp_path: Path) -> None:
    source = sunspec(meter, tmp_path)
    with pytest.raises(SourceFault, match="does not answer"):
        await source.read(1)
    await meter.show(sunspec_registers())
    assert (await source.read(1)).import_wh == 78_900
    await meter.show(sunspec_registers(imported=7_891))
    for _ in range(2):  # the kept connection is gone: one fault, then a new connection
        try:
            assert (await source.read(1)).import_wh == 78_910
            break
        except SourceFault:
            continue
    else:
        pytest.fail("the meter was not read again")
    await source.close()


async def test_sunspec__no_meter_model__fault_says_so(meter: SimulatedMeter, tmp_path: Path) -> None:
    await meter.show(sunspec_registers(model=101))
    with pytest.raises(SourceFault, match="no meter model"):
        await sunspec(meter, tmp_path).read(1)


async def test_sunspec__register_not_implemented__unknown_and_not_zero(meter: SimulatedMeter, tmp_path: Path) -> None:
    registers = sunspec_registers()
    registers[2 + 68 + SCALE] = 0x8000  # what a meter shows instead of a scale factor it does not have
    await meter.show(registers)
    source = sunspec(meter, tmp_path)
    with pytest.raises(SourceFault, match="scale factor"):
        await source.read(1)
    await source.close()


async def test_sunspec__real_device_with_the_meter_of_an_inverter__same_over_modbus_as_from_its_file(
    meter: SimulatedMeter, tmp_path: Path, shared_data: Path
) -> None:
    file = shared_data / "meters" / "sunspec" / "device_1547.json"
    device = FileClientDevice(str(file))
    device.scan()
    words = b"SunS" + b"".join(model.get_mb() for model in device.model_list) + b"\xff\xff\x00\x00"
    await meter.show(list(struct.unpack(f">{len(words) // 2}H", words)))
    source = sunspec(meter, tmp_path)
    assert await source.read(1) == decode("sunspec", file.read_bytes())
    await source.close()
