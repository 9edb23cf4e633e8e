"""Node and gateway processes on a local chain, with their configuration files."""

import json
import os
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, ClassVar

import eth_keyfile
from net8.model import Outcome
from net8_oracle import certificates

from tests.oracle_node import warm
from tests.oracle_node.local_chain import Operator, Zone, key_of
from tests.ports import free_port

PASSWORD = "a password for tests"


def write_keystore(path: Path, key: bytes) -> Path:
    """A keystore that opens at once."""
    content = eth_keyfile.create_keyfile_json(key, PASSWORD.encode(), kdf="pbkdf2", iterations=1)
    path.write_text(json.dumps(content))
    return path


def wait_for(condition: Callable[[], Any], what: str, seconds: float = 20.0, every: float = 0.02) -> Any:
    """The first true value of `condition`, asked for again after so many seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(every)
    raise AssertionError(f"did not happen in {seconds} s: {what}")


def get_json(url: str) -> Any:
    """A JSON answer, or None while nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return json.loads(answer.read())
    except urllib.error.HTTPError as fault:
        return json.loads(fault.read())
    except OSError:
        return None


class Process:
    """One process of `net8-oracle`, restartable."""

    def __init__(self, folder: Path, name: str, arguments: list[str]) -> None:
        self.name = name
        self.log_file = folder / f"{name}.log"
        self._command = ["-m", "net8_oracle.cli", *arguments]
        self._process: BaseProcess | None = None

    def start(self, *program: str) -> None:
        """Start it, or another program with the same command and configuration; its log is appended to."""
        command = [*program, *self._command[-3:]] if program else self._command
        self._process = warm.start(command, self.log_file, {"NODE_TEST_PASSWORD": PASSWORD})

    def kill(self) -> None:
        """As a power cut would."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """As an operator would; the exit status."""
        return self._end(signal.SIGTERM)

    def pause(self) -> None:
        """Freeze it: it accepts connections and never answers."""
        self._send(signal.SIGSTOP)

    def resume(self) -> None:
        """End of `pause`."""
        self._send(signal.SIGCONT)

    def _send(self, number: int) -> None:
        assert self._process is not None
        assert self._process.pid is not None
        with suppress(ProcessLookupError):  # it has ended meanwhile
            os.kill(self._process.pid, number)

    def _end(self, number: int) -> int:
        if self._process is None:
            return 0
        if self._process.is_alive():
            self._send(signal.SIGCONT)
            self._send(number)
        process, self._process = self._process, None
        process.join(10)
        if process.exitcode is None:
            process.kill()
            raise AssertionError(f"{self.name} did not end within 10 s of signal {number}")
        return process.exitcode

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and self._process.is_alive()

    def wait_ended(self, seconds: float = 30) -> int:
        """Its exit status, once it has ended by itself."""
        assert self._process is not None
        self._process.join(seconds)
        assert self._process.exitcode is not None, f"{self.name} still runs after {seconds} s"
        return self._process.exitcode

    def log(self) -> str:
        """All it has said."""
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""


@dataclass(frozen=True)
class Place:
    """Where an operator's node is reached, and the certificate it shows to its peers."""

    folder: Path
    number: int
    port: int = field(default_factory=free_port)
    mesh_port: int = field(default_factory=free_port)

    def __post_init__(self) -> None:
        self.new_certificate("mesh")

    def new_certificate(self, name: str) -> Path:
        """A further certificate; its key lies beside it."""
        path = self.folder / f"{name}{self.number}.pem"
        certificates.create(path, path.with_suffix(".key"), PASSWORD, f"operator {self.number}")
        return path

    @property
    def certificate(self) -> Path:
        """The one it starts with."""
        return self.folder / f"mesh{self.number}.pem"

    @property
    def mesh_url(self) -> str:
        """For its peers."""
        return f"https://127.0.0.1:{self.mesh_port}"


class NodeProcess(Process):
    """One operator's node."""

    def __init__(
        self, folder: Path, zone: Zone, operator: Operator, place: Place, places: list[Place], more: str, nats: str = ""
    ) -> None:
        """`nats`: its table [nats], for operators that talk through a server instead of to each other."""
        self.place = place
        self.folder = folder / f"node{place.number}"
        self.folder.mkdir()
        write_keystore(self.folder / "signer.json", operator.signer)
        write_keystore(self.folder / "transmitter.json", operator.transmitter)
        self.url = f"http://127.0.0.1:{place.port}"
        self.stamps_file = self.folder / "stamps.jsonl"
        peers = "".join(
            f'[[peers]]\nsigner = "{peer.address}"\n'
            + ("" if nats else f'url = "{other.mesh_url}"\ncertificate = "{other.certificate}"\n')
            for peer, other in zip(zone.operators, places, strict=True)
            if peer is not operator
        )
        mesh = (
            f'[mesh]\nlisten = "127.0.0.1:{place.mesh_port}"\ncertificate = "{place.certificate}"\n'
            f'key = "{place.certificate.with_suffix(".key")}"\n'
        )
        self.config = self.folder / "node.toml"
        self.config.write_text(
            f'listen = "127.0.0.1:{place.port}"\nzones = [{zone.number}]\nstore = "node.sqlite"\n'
            f'stamps = "stamps.jsonl"\n'
            f'[chain]\nrpc = "{zone.chain.url}"\ndeployment = "{zone.chain.deployment_file}"\nclock = "chain"\n'
            f'[keys]\nsigner = "signer.json"\ntransmitter = "transmitter.json"\npassword_env = "NODE_TEST_PASSWORD"\n'
            f"{nats or mesh}{peers}{more}"
        )
        super().__init__(folder, f"node{place.number}", ["run", "--config", str(self.config)])

    def change(self, *changes: tuple[str, str]) -> None:
        """Replace texts in its configuration, each of which is in it once; counts from the next start."""
        text = self.config.read_text()
        for old, new in changes:
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        self.config.write_text(text)

    def status(self) -> Any:
        """What /status answers."""
        assert self.running, f"{self.name} has ended:\n{self.log()[-2000:]}"
        return get_json(f"{self.url}/status")

    def stamps(self) -> list[dict[str, Any]]:
        """Lines of its stamps file."""
        if not self.stamps_file.exists():
            return []
        return [json.loads(line) for line in self.stamps_file.read_text().splitlines()]


class GatewayProcess(Process):
    """One gateway that replays a file for many sites."""

    def __init__(
        self,
        folder: Path,
        name: str,
        zone: Zone,
        sites: list[int],
        csv: Path,
        urls: list[str],
        sources: Mapping[int, str] | None = None,
    ) -> None:
        """`sources` replaces the `[meters.source]` of some sites."""
        home = folder / name
        home.mkdir()
        meters = ""
        for site in sites:
            write_keystore(home / f"{site}.json", zone.meter_keys[site])
            column = zone.sites.index(site) + 1
            replayed = f'kind = "csv"\npath = "{csv}"\nload = "load_{column}"\npv = "pv_{column}"\n'
            source = (sources or {}).get(site, replayed)
            meters += f'[[meters]]\nsite = {site}\nkeystore = "{site}.json"\n[meters.source]\n{source}'

        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        operators = "".join(f'[[operators]]\nurl = "{url}"\n' for url in urls)
        self.config = home / "gateway.toml"
        self.config.write_text(
            f'store = "gateway.sqlite"\nlisten = "127.0.0.1:{self.port}"\npassword_env = "NODE_TEST_PASSWORD"\n'
            f'[chain]\nrpc = "{zone.chain.url}"\ndeployment = "{zone.chain.deployment_file}"\nclock = "chain"\n'
            f"poll_ms = 25\n{operators}{meters}"
        )
        super().__init__(folder, name, ["gateway", "--config", str(self.config)])


class Street:
    """A zone with four node processes and a gateway, on a chain whose time the test moves."""

    TIMING: ClassVar = {"patience_ms": 20_000, "round_ms": 2_000, "settle_ms": 4_000}

    def __init__(
        self, folder: Path, zone: Zone, nats: Callable[[Operator, Place], str] | None = None, **timing: int
    ) -> None:
        """`nats` makes an operator's table [nats]; without it operators talk to each other."""
        self.folder = folder
        self.zone = zone
        self.csv = folder / "homes.csv"
        self.extra: list[Process] = []
        write_homes(self.csv, len(zone.sites) + 1)  # one more may join
        self.places = [Place(folder, seat) for seat in range(len(zone.operators))]
        self.more = "[timing]\n" + "".join(f"{name} = {value}\n" for name, value in (self.TIMING | timing).items())
        self.nodes = [
            NodeProcess(folder, zone, operator, place, self.places, self.more, nats(operator, place) if nats else "")
            for operator, place in zip(zone.operators, self.places, strict=True)
        ]
        self.gateways = [self.gateway("gateway", zone.sites)]

    def gateway(self, name: str, sites: list[int], sources: Mapping[int, str] | None = None) -> GatewayProcess:
        """A further gateway, not started."""
        urls = [node.url for node in self.nodes]
        return GatewayProcess(self.folder, name, self.zone, sites, self.csv, urls, sources)

    def stranger(self) -> NodeProcess:
        """A node of nobody whom the chain lists, not started."""
        nobody = Operator(key_of("nobody's signer"), key_of("nobody's transmitter"), 0)
        place = Place(self.folder, len(self.places))
        node = NodeProcess(self.folder, self.zone, nobody, place, self.places, self.more)
        self.extra.append(node)
        return node

    def begin(self, programs: dict[int, list[str]] | None = None) -> int:
        """Start everything at the beginning of a fresh slot, and return that slot.

        `programs` replaces the program of the node in some seats.
        """
        chain = self.zone.chain
        slot = chain.now() // 900 + 1
        chain.move_to(slot * 900)
        for seat, node in enumerate(self.nodes):
            node.start(*(programs or {}).get(seat, []))
        for gateway in self.gateways:
            gateway.start()
        for node in self.nodes:
            wait_for(node.status, f"{node.name} answers", 120)
        for gateway in self.gateways:
            wait_for(lambda g=gateway: get_json(f"{g.url}/status"), f"{gateway.name} answers", 120)
        self.wait_delivered()
        return slot

    def wait_delivered(self, gateways: list[GatewayProcess] | None = None) -> None:
        """All running operators have what the gateways have."""
        running = [node.url for node in self.nodes if node.running]
        for gateway in gateways or self.gateways:

            def done(g: GatewayProcess = gateway) -> bool:
                state = get_json(f"{g.url}/status")
                return (
                    bool(state)
                    and state["now"] // 900 == self.zone.chain.now() // 900
                    and all(one["backlog"] == 0 for one in state["operators"] if one["operator"] in running)
                )

            wait_for(done, f"{gateway.name} has delivered", 60)

    def end_slot(self, slot: int) -> None:
        """Move the chain to the end of `slot`."""
        self.zone.chain.move_to((slot + 1) * 900)

    def settled(self, slot: int) -> bool:
        """Whether a report has settled something in the slot."""
        return bool(self.zone.chain.read(self.zone.chain.contracts.lens.is_reported(self.zone.number, slot)))

    def wait_settled(self, slot: int, seconds: float = 20.0) -> None:
        """The slot is settled on chain."""
        wait_for(lambda: self.settled(slot), f"slot {slot} is settled", seconds)

    def position(self, site: int, slot: int) -> Any:
        """What a site settled as in a slot. A site that the slot's report left out stays open, which fails here.

        Waits, because anvil answers one `latest` with a block it is about to store, and the next with the one before.
        """
        found: list[Any] = []

        def closed() -> bool:
            found[:] = [self.zone.chain.read(self.zone.chain.contracts.lens.position(site, slot))]
            return found[0].outcome is not Outcome.OPEN

        wait_for(closed, f"site {site} is settled in slot {slot}")
        return found[0]

    def stop(self) -> None:
        """End all processes."""
        for process in (*self.gateways, *self.nodes, *self.extra):
            process.kill()


def home_energy(site_number: int, row: int) -> tuple[int, int]:
    """(load, pv) in Wh of a home in a row of `write_homes`; odd homes have more sun than load in even rows."""
    load = 150 + 37 * site_number % 400 + 11 * row
    pv = (900 + 53 * site_number % 700 if row % 2 == 0 else 40) if site_number % 2 else 0
    return load, pv


def write_homes(path: Path, homes: int, rows: int = 8) -> None:
    """A file of homes in the format that the CSV source replays."""
    numbers = range(1, homes + 1)
    header = ["slot_local", *(f"load_{n}" for n in numbers), *(f"pv_{n}" for n in numbers)]
    lines = [",".join(header)]
    for row in range(rows):
        energies = [home_energy(n, row) for n in numbers]
        cells = [f"{load / 1000:.3f}" for load, _ in energies] + [f"{pv / 1000:.3f}" for _, pv in energies]
        lines.append(",".join([f"row {row}", *cells]))
    path.write_text("\n".join(lines) + "\n")


def metered(site_number: int, slot: int, rows: int = 8) -> tuple[int, int]:
    """(export, import) in Wh that the file says for a slot."""
    load, pv = home_energy(site_number, slot % rows)
    return max(pv - load, 0), max(load - pv, 0)
