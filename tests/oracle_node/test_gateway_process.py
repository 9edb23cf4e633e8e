"""The gateway as it runs beside a meter: a real process, a P1 meter, a real broker, power cuts, and its memory."""

import asyncio
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from net8_oracle import crypto
from net8_oracle.gateway.store import GatewayStore
from net8_oracle.reading import Reading, SignedReading

from tests.oracle_node import frames
from tests.oracle_node.broker import Mosquitto
from tests.oracle_node.inbox import METER, SIGNER, SITE, START, Node, running
from tests.oracle_node.mesh import ADDRESS, METER_DOMAIN
from tests.oracle_node.processes import PASSWORD, get_json, wait_for, write_keystore
from tests.oracle_node.test_configuration import CONTRACT, DEPLOYMENT, NAMES
from tests.ports import free_port

MOST_MEMORY = 80  # MB resident at the most, whatever the meter speaks


class Time:
    """A chain without contracts, whose blocks tell the gateway the time."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        program = shutil.which("anvil")
        assert program is not None, "anvil is on PATH"
        self._popen = subprocess.Popen(
            [program, "--silent", "--port", str(self.port), "--timestamp", str(START - 10)], stdout=subprocess.DEVNULL
        )
        wait_for(lambda: self._try("eth_chainId"), "anvil answers", 60)

    def _try(self, method: str, *params: Any) -> Any:
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
        request = urllib.request.Request(self.url, body, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return json.loads(answer.read())
        except OSError:
            return None

    def move_to(self, moment: int) -> None:
        """A block of that time."""
        self._try("evm_setNextBlockTimestamp", moment)
        assert "result" in self._try("evm_mine")

    def stop(self) -> None:
        self._popen.kill()
        self._popen.wait()


@pytest.fixture
def time() -> Iterator[Time]:
    chain = Time()
    yield chain
    chain.stop()


class Gateway:
    """A gateway process whose password comes by a file descriptor or as a systemd credential."""

    def __init__(self, folder: Path, time: Time, broker: Mosquitto, source: str) -> None:
        self.folder = folder / "gateway"
        (self.folder / "credentials").mkdir(parents=True)
        (self.folder / "credentials" / "meter").write_text(f"{PASSWORD}\n")
        contracts = ", ".join(CONTRACT % (name, ADDRESS, "00" * 32) for name in NAMES)
        (self.folder / "deployment.json").write_text(DEPLOYMENT % (ADDRESS, contracts))
        write_keystore(self.folder / "meter.json", METER.secret)
        self.port = free_port()
        self._text = (
            f'store = "gateway.sqlite"\nlisten = "127.0.0.1:{self.port}"\n{{password}}\n'
            f'[chain]\ndeployment = "deployment.json"\nclock = "chain"\nrpc = "{time.url}"\n'
            f'[broker]\nurl = "{broker.url}"\n'
            f'[[operators]]\nsigner = "{crypto.address_text(crypto.own_address(SIGNER))}"\n'
            f'[[meters]]\nsite = {SITE}\nkeystore = "meter.json"\n[meters.source]\n{source}\n'
        )
        self._popen: subprocess.Popen[bytes] | None = None

    def start(self, *, credential: bool) -> None:
        """Start it; its log is appended to."""
        password = 'password_credential = "meter"' if credential else "password_fd = {fd}"
        reading, writing = os.pipe()
        os.write(writing, f"{PASSWORD}\n".encode())
        os.close(writing)
        text = self._text.replace("{password}", password.replace("{fd}", str(reading)))
        (self.folder / "gateway.toml").write_text(text)
        with (self.folder / "log").open("ab") as log:
            self._popen = subprocess.Popen(
                [sys.executable, "-m", "net8_oracle.cli", "gateway", "--config", str(self.folder / "gateway.toml")],
                stdout=log,
                stderr=log,
                pass_fds=() if credential else (reading,),
                env={**os.environ, "CREDENTIALS_DIRECTORY": str(self.folder / "credentials")},
            )
        os.close(reading)

    def status(self) -> Any:
        """What /status answers."""
        assert self._popen is not None
        assert self._popen.poll() is None, self.log()
        return get_json(f"http://127.0.0.1:{self.port}/status")

    def health(self) -> Any:
        """What /healthz answers."""
        return get_json(f"http://127.0.0.1:{self.port}/healthz")

    def memory(self) -> float:
        """The most that was ever resident, MB."""
        assert self._popen is not None
        lines = Path(f"/proc/{self._popen.pid}/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024

    def log(self) -> str:
        """All it has said."""
        return (self.folder / "log").read_text()

    def cut(self) -> None:
        """The power goes."""
        if self._popen is not None:
            self._popen.send_signal(signal.SIGKILL)
            self._popen.wait(10)


@asynccontextmanager
async def p1_meter() -> AsyncIterator[tuple[int, dict[str, bytes]]]:
    """A P1 port on the network; what it sends is put in the dict's `telegram`."""
    shows: dict[str, bytes] = {"telegram": frames.dsmr()}

    async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                writer.write(shows["telegram"])
                await writer.drain()
                await asyncio.sleep(0.05)
        except ConnectionError:
            writer.close()

    port = free_port()
    async with await asyncio.start_server(talk, "127.0.0.1", port):
        yield port, shows


async def settles(condition: Any, gateway: Gateway) -> None:
    """Wait for `condition`; the gateway's log says why it does not come."""
    try:
        async with asyncio.timeout(60):
            while not condition():  # noqa: ASYNC110 - plain values
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(gateway.log()) from None


async def test_gateway__p1_meter_broker_and_power_cut__every_boundary_once_within_its_memory(
    tmp_path: Path, time: Time, mosquitto: Mosquitto
) -> None:
    node = Node(tmp_path, mosquitto)
    async with p1_meter() as (port, shows), running(node.inbox.run()):
        source = f'kind = "dsmr"\nhost = "127.0.0.1"\nport = {port}\nclock = "gateway"'
        gateway = Gateway(tmp_path, time, mosquitto, source)
        try:
            gateway.start(credential=False)
            await asyncio.to_thread(time.move_to, START)
            await settles(lambda: node.stored() == [1], gateway)

            gateway.cut()
            shows["telegram"] = frames.dsmr(imported=(0, 0), exported=(0, 0))  # a zero of a moment after the cut
            gateway.start(credential=True)
            await asyncio.to_thread(time.move_to, START + 900)
            await settles(lambda: "register went back from 6825 to 0 Wh" in gateway.log(), gateway)
            state = await asyncio.to_thread(gateway.status)
            assert "went back" in state["meters"][0]["fault"]
            assert "went back" in (await asyncio.to_thread(gateway.health))["problems"][0]
            shows["telegram"] = frames.dsmr(imported=(4_526, 2_399))
            await settles(lambda: node.stored() == [1, 2], gateway)
            await settles(lambda: gateway.status()["operators"][0]["backlog"] == 0, gateway)
            assert await asyncio.to_thread(gateway.health) == {"healthy": True, "problems": []}
            memory = gateway.memory()
        finally:
            gateway.cut()
    readings = [one.reading for one in node.store.readings_since(0)]
    assert readings == [Reading(SITE, START, 6_825, 2_444, 0, 1), Reading(SITE, START + 900, 6_925, 2_444, 0, 2)]
    assert memory <= MOST_MEMORY, f"{memory:.0f} MB"


_MEMORY = """
import sys
from net8_oracle import broker, cli
from net8_oracle.gateway import service
import aiomqtt
from net8_oracle.gateway.sources import decode
decode({form!r}, bytes.fromhex({frame!r}))
for line in open("/proc/self/status"):
    if line.startswith("VmHWM"):
        print(int(line.split()[1]) / 1024)
print(sorted({{"web3", "eth_account", "sqlalchemy", "eth_abi"}} & set(sys.modules)))
"""


@pytest.mark.parametrize("form", ["dsmr", "ocmf", "sml", "mbus", "sunspec"])
def test_gateway__library_of_a_meter_in_use__within_its_memory_and_without_web3(form: str) -> None:
    script = _MEMORY.format(form=form, frame=frames.MADE[form].hex())
    output = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout
    memory, modules = output.splitlines()
    assert float(memory) <= MOST_MEMORY - 4, "4 MB are left for what it does at work"
    assert modules == "[]"


def test_store__cut_at_every_write_boundary__a_whole_beginning_of_what_was_taken(tmp_path: Path) -> None:
    """A power cut leaves a beginning of the write-ahead log, the last page of it perhaps torn."""
    path = tmp_path / "whole" / "gateway.sqlite"
    path.parent.mkdir()
    store = GatewayStore(path)
    taken = []
    for number in range(1, 7):
        reading = Reading(SITE, START + 900 * number, 10 * number, 0, 0, number)
        taken.append(SignedReading.make(reading, METER_DOMAIN, METER, 0))
        store.append(taken[-1:], {SITE: "A1"})
    main, log = path.read_bytes(), path.with_name("gateway.sqlite-wal").read_bytes()
    store.close()
    page, kept = 4_096 + 24, set()
    cuts = sorted({place for frame in range(32, len(log), page) for place in (frame, frame + 1, frame + page // 2)})
    for number, cut in enumerate([*cuts, len(log)]):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "gateway.sqlite").write_bytes(main)
        (folder / "gateway.sqlite-wal").write_bytes(log[:cut] + os.urandom(100) * (number % 2))
        again = GatewayStore(folder / "gateway.sqlite")
        found = [one.signed for one in again.undelivered("operator")]
        assert found == taken[: len(found)]
        assert again.last(SITE) == (taken[len(found) - 1].reading if found else None)
        assert again.serial(SITE, 0) == ("A1" if found else None)
        again.append([SignedReading.make(Reading(SITE, START * 2, 99, 0, 0, 99), METER_DOMAIN, METER, 0)])
        again.close()
        assert sqlite3.connect(folder / "gateway.sqlite").execute("PRAGMA integrity_check").fetchone() == ("ok",)
        kept.add(len(found))
    assert kept == set(range(7)), "the cuts lie before, between and behind all commits"
