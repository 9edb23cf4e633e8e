"""Sources at work: frames over TCP, serial lines and HTTP, as meters send them, and what a dead line says."""

import asyncio
import gzip
import os
import tty
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec
from net8_oracle.gateway.sources import KINDS, MeterState, Source, SourceFault, make
from net8_oracle.http_server import serve
from net8_oracle.settings import ConfigRefused

from tests.oracle_node import frames
from tests.ports import free_port

KEY = ec.derive_private_key(31, ec.SECP256K1())


def source_of(folder: Path, **table: Any) -> Source:
    return make(table, "meters[1].source", folder)[0]


@asynccontextmanager
async def talking(chunks: list[bytes]) -> AsyncIterator[int]:
    """A TCP port that sends these chunks to whoever connects, again and again; gives the port."""

    async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                for chunk in chunks:
                    writer.write(chunk)
                    await writer.drain()
                    await asyncio.sleep(0.005)
        except ConnectionError:
            writer.close()

    port = free_port()
    async with await asyncio.start_server(talk, "127.0.0.1", port):
        yield port


@pytest.mark.parametrize(
    ("kind", "frame", "expected"),
    [("dsmr", frames.dsmr(), (6_825, 2_444)), ("sml", frames.sml(), (123_456, 8_901))],
)
async def test_stream__joined_in_the_middle_and_in_pieces__next_whole_frame(
    tmp_path: Path, kind: str, frame: bytes, expected: tuple[int, int]
) -> None:
    async with talking([frame[150:], frame[:100], frame[100:150]]) as port:
        source = source_of(tmp_path, kind=kind, host="127.0.0.1", port=port)
        for _ in range(2):
            state = await source.read(1)
            assert (state.import_wh, state.export_wh) == expected


@pytest.mark.parametrize(
    ("kind", "frame", "expected"), [("dsmr", frames.dsmr(), 6_825), ("sml", frames.sml(), 123_456)]
)
async def test_stream__serial_line__same_registers(tmp_path: Path, kind: str, frame: bytes, expected: int) -> None:
    meter, line = os.openpty()
    tty.setraw(line)
    stop = asyncio.Event()

    async def talk() -> None:
        while not stop.is_set():
            os.write(meter, frame)
            await asyncio.sleep(0.05)

    os.set_blocking(meter, False)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(talk())
        source = source_of(tmp_path, kind=kind, device=os.ttyname(line))
        assert (await source.read(1)).import_wh == expected
        stop.set()
    os.close(meter)
    os.close(line)


async def test_stream__torn_by_the_line__refused_then_read(tmp_path: Path) -> None:
    torn = frames.dsmr().replace(b"4.426", b"4.436")
    async with talking([torn, frames.dsmr()]) as port:
        source = source_of(tmp_path, kind="dsmr", host="127.0.0.1", port=port)
        with pytest.raises(SourceFault, match="checksum"):
            await source.read(1)


@pytest.mark.parametrize(("chunks", "reason"), [([b"tea\r\n" * 400], "sent no whole frame in 300 ms"), ([], "")])
async def test_stream__noise_or_nobody__fault_says_what_to_check(
    tmp_path: Path, chunks: list[bytes], reason: str
) -> None:
    async with talking(chunks or [b""]) as port:
        place = port if chunks else free_port()
        source = source_of(tmp_path, kind="sml", host="127.0.0.1", port=place, timeout_ms=300)
        with pytest.raises(SourceFault, match=reason or "cannot be opened"):
            await source.read(1)
    with pytest.raises(SourceFault, match="cannot be opened"):
        await source_of(tmp_path, kind="sml", device=str(tmp_path / "tty")).read(1)


@asynccontextmanager
async def bus(answers: Callable[[bytes], bytes]) -> AsyncIterator[int]:
    """A level converter with one meter behind it that answers each short frame (start, control, address, sum, stop)."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                writer.write(answers(await reader.readexactly(5)))
        except asyncio.IncompleteReadError:
            writer.close()

    port = free_port()
    async with await asyncio.start_server(answer, "127.0.0.1", port):
        yield port


async def test_mbus__meter_asked_by_its_address__registers(tmp_path: Path) -> None:
    asked: list[str] = []

    def answers(question: bytes) -> bytes:
        asked.append(question.hex())
        if question[1] == 0x40:
            return b"\xe5"
        return frames.mbus(frames.mbus_energy(1_234), frames.mbus_energy(56, unit=2)) if question[1] == 0x5B else b""

    async with bus(answers) as port:
        source = source_of(tmp_path, kind="mbus", host="127.0.0.1", port=port, address=5, export_unit=2)
        state = await source.read(1)
    assert (state.import_wh, state.export_wh, state.serial) == (1_234, 56, "12345678")
    assert asked == ["1040054516", "105b056016"]


@pytest.mark.parametrize("answer", [b"", frames.mbus(frames.mbus_energy(7))[:-4], b"\xff" * 20])
async def test_mbus__no_answer_or_a_torn_one__fault(tmp_path: Path, answer: bytes) -> None:
    async with bus(lambda question: answer if question[1] == 0x5B else b"\xe5") as port:
        source = source_of(tmp_path, kind="mbus", host="127.0.0.1", port=port, address=5, timeout_ms=200)
        with pytest.raises(SourceFault, match="does not answer, or its answer was torn"):
            await source.read(1)


async def test_mbus__serial_line__same_registers(tmp_path: Path) -> None:
    meter, line = os.openpty()
    tty.setraw(line)

    def answer() -> None:
        while len(question := os.read(meter, 5)) == 5:
            os.write(meter, b"\xe5" if question[1] == 0x40 else frames.mbus(frames.mbus_energy(1_234)))
            if question[1] == 0x5B:
                return

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(asyncio.to_thread(answer))
        state = await source_of(tmp_path, kind="mbus", device=os.ttyname(line), address=5).read(1)
    assert (state.import_wh, state.export_wh) == (1_234, None)
    os.close(meter)
    os.close(line)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\x00" * 300,
        b"\x00\x01\x00\x00\x00\x03\x01\x83\x02",
        b"\x00\x00\x00\x00\xff\xff\x01\x03\xff" + b"S" * 80,
    ],
)
async def test_sunspec__answer_of_no_modbus_device__fault(tmp_path: Path, answer: bytes) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(100):
            writer.write(answer)
        writer.close()

    port = free_port()
    async with await asyncio.start_server(talk, "127.0.0.1", port):
        source = source_of(tmp_path, kind="sunspec", host="127.0.0.1", port=port, timeout_ms=100)
        with pytest.raises(SourceFault, match=f"SunSpec meter 127.0.0.1:{port} unit 1"):
            await source.read(1)
        await source.close()


@asynccontextmanager
async def website(path: str, body: bytes, status: int = 200) -> AsyncIterator[tuple[str, list[str]]]:
    """An HTTP server that answers GET `path`; gives its address and, as they come, the questions."""
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path_qs)
        return web.Response(body=body, status=status)

    port = free_port()
    async with serve([web.get(path, answer)], "127.0.0.1", port):
        yield f"http://127.0.0.1:{port}", asked


@pytest.mark.parametrize(
    ("kind", "path", "question", "body", "expected"),
    [
        ("homewizard", "/api/v1/data", "/api/v1/data", frames.homewizard(), (122_376, 579_813)),
        (
            "fronius",
            "/solar_api/v1/GetMeterRealtimeData.cgi",
            "/solar_api/v1/GetMeterRealtimeData.cgi?Scope=Device&DeviceId=0",
            frames.fronius(),
            (1_234_567, 7_654_321),
        ),
        ("ocmf", "/", "/", frames.ocmf(KEY), (12_345, 789)),
    ],
)
async def test_http__meter_answers__registers(
    tmp_path: Path, kind: str, path: str, question: str, body: bytes, expected: tuple[int, int]
) -> None:
    async with website(path, body) as (url, asked):
        state = await source_of(tmp_path, kind=kind, url=url).read(1)
        assert (state.import_wh, state.export_wh) == expected
        assert asked == [question]


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [(b"", 403, "status 403"), (b"x" * 100_000, 200, "more than a meter sends"), (b"[]", 200, "no object")],
)
async def test_http__answer_of_another_kind__fault(tmp_path: Path, body: bytes, status: int, reason: str) -> None:
    async with website("/api/v1/data", body, status) as (url, _):
        with pytest.raises(SourceFault, match=reason):
            await source_of(tmp_path, kind="homewizard", url=url).read(1)


async def test_http__answer_that_would_swell__not_unpacked(tmp_path: Path) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(body=gzip.compress(b" " * 50_000_000), headers={"Content-Encoding": "gzip"})

    port = free_port()
    async with serve([web.get("/api/v1/data", answer)], "127.0.0.1", port):
        with pytest.raises(SourceFault, match="not JSON"):
            await source_of(tmp_path, kind="homewizard", url=f"http://127.0.0.1:{port}").read(1)


async def test_http__nobody_there__fault(tmp_path: Path) -> None:
    with pytest.raises(SourceFault, match="does not answer"):
        await source_of(tmp_path, kind="homewizard", url=f"http://127.0.0.1:{free_port()}").read(1)


async def test_ocmf__file_that_grows__newest_whole_line_under_the_given_key(tmp_path: Path) -> None:
    older, newer = frames.ocmf(KEY, "1.0"), frames.ocmf(KEY, "2.0")
    (tmp_path / "records").write_bytes(older + b"\n" + newer + b"\n" + newer[:50])
    source = source_of(tmp_path, kind="ocmf", path="records", public_key=frames.public_key(KEY))
    signed = MeterState(1_700_000_000, 2_000, 789, "MS31", signed=True, record=newer.decode())
    assert await source.read(1) == signed
    with pytest.raises(SourceFault, match="cannot be read"):
        await source_of(tmp_path, kind="ocmf", path="nowhere").read(1)


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        ({"kind": "dsmr"}, "give either device"),
        ({"kind": "sml", "device": "/dev/tty1", "host": "a"}, "give either device"),
        ({"kind": "mbus", "host": "a"}, "address is missing"),
        ({"kind": "ocmf"}, "give either url or path"),
        ({"kind": "ocmf", "path": "x", "public_key": "tea"}, "no elliptic curve key"),
        ({"kind": "fronius", "url": "tea"}, "'tea' is not an address"),
        ({"kind": "homewizard", "url": "http://a", "registers": "none"}, "registers is 'none'"),
        ({"kind": "dsmr", "host": "a", "rollover_wh": 0}, "rollover_wh is 0"),
        ({"kind": "tasmota", "topic": "a"}, "broker is missing"),
        ({"kind": "tasmota", "topic": "a/#", "broker": {"url": "mqtt://a"}}, "topic is 'a/#'"),
        ({"kind": "shelly", "topic": "a", "broker": {"url": "http://a"}}, "'http://a' is no broker"),
        ({"kind": "shelly", "topic": "a", "broker": {"url": "mqtt://a", "username": "b"}}, "no password given"),
        ({"kind": "homeassistant", "broker": {"url": "mqtt://a"}}, "neither import_sensor nor export_sensor"),
        ({"kind": "homeassistant", "import_sensor": "a", "broker": {"url": "mqtts://a", "ca_file": "b"}}, "ca_file"),
    ],
)
def test_options__wrong_or_missing__one_sentence(tmp_path: Path, table: dict[str, Any], reason: str) -> None:
    with pytest.raises(ConfigRefused, match=reason) as refusal:
        make(table, "meters[1].source", tmp_path)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("kind", "library"), [("dsmr", "dsmr_parser"), ("sml", "sml"), ("mbus", "meterbus"), ("ocmf", "pyocmf")]
)
def test_library_missing__one_sentence_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, library: str
) -> None:
    monkeypatch.setitem(__import__("sys").modules, library, None)
    monkeypatch.delitem(__import__("sys").modules, f"net8_oracle.gateway.sources.{kind}", raising=False)
    with pytest.raises(ConfigRefused, match=rf"{library}.*pip install 'net8-oracle\[{kind}\]'"):
        make({"kind": kind}, "meters[1].source", tmp_path)


def test_library_missing__of_the_broker__said_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("net8_oracle.broker.find_spec", lambda name: None)
    with pytest.raises(ConfigRefused, match=r"aiomqtt.*pip install 'net8-oracle\[mqtt\]'"):
        make({"kind": "tasmota", "topic": "a", "broker": {"url": "mqtt://a"}}, "meters[1].source", tmp_path)


def test_kinds__each_has_its_file_and_nothing_else_is_there() -> None:
    folder = Path(__import__("net8_oracle.gateway.sources", fromlist=["x"]).__file__).parent
    assert {file.stem for file in folder.glob("*.py")} - {"__init__"} == {name for name, _ in KINDS.values()}
