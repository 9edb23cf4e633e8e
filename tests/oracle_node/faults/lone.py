"""Single node processes that have a verdict to deliver: all that is about relaying, in seconds.

They are forked from a server that has imported everything, so that one starts in a fraction of a second. Patches that
kill a process at an edge, or take a defence away, are applied in the child before the command runs; the product knows
nothing of them.
"""

import atexit
import json
import os
import signal
import sqlite3
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any, ClassVar

from coincurve import PrivateKey
from eth_account import Account
from net8.eip712 import Report
from net8.packing import join_words
from net8_oracle import crypto
from net8_oracle.node.envelopes import EnvelopesPost, Verdict
from net8_oracle.node.report import leader_seat, quorum, reading_word, settlement_entries
from net8_oracle.node.store import SqlStore

from tests.oracle_node.local_chain import Zone
from tests.oracle_node.processes import PASSWORD, get_json, wait_for, write_keystore
from tests.ports import free_port


class Forks:
    """The server of `forks.py`, started when first needed."""

    def __init__(self) -> None:
        self._server: subprocess.Popen[str] | None = None

    def ask(self, **asked: Any) -> dict[str, int]:
        """Its answer to a question."""
        if self._server is None:
            self._server = subprocess.Popen(
                [sys.executable, str(Path(__file__).with_name("forks.py"))],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env={**os.environ, "NODE_TEST_PASSWORD": PASSWORD},
            )
            atexit.register(self._server.kill)
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.write(json.dumps(asked) + "\n")
        self._server.stdin.flush()
        return dict(json.loads(self._server.stdout.readline()))


_FORKS = Forks()


class Forked:
    """A process of `net8-oracle`, with its log."""

    _all: ClassVar[list["Forked"]] = []

    @classmethod
    def kill_all(cls) -> None:
        """End whatever still runs."""
        while cls._all:
            cls._all.pop().kill()

    def __init__(self, folder: Path, name: str, arguments: list[str]) -> None:
        self.name = name
        self.log_file = folder / f"{name}.log"
        self._arguments = arguments
        self._pid: int | None = None
        self._status: int | None = None

    def start(self, *names: str) -> None:
        """Start it with patches."""
        asked = {"arguments": self._arguments, "log": str(self.log_file), "patches": list(names)}
        self._all.append(self)
        self._pid, self._status = _FORKS.ask(**asked)["pid"], None

    @property
    def running(self) -> bool:
        """Whether it is there."""
        if self._pid is not None and self._status is None:
            ended = _FORKS.ask(wait=self._pid, options=os.WNOHANG)
            self._status = ended["status"] if ended["pid"] else None
        return self._pid is not None and self._status is None

    def kill(self) -> None:
        """As a power cut would."""
        if self.running:
            os.kill(self._pid or 0, signal.SIGKILL)
            self.wait_dead()

    def wait_dead(self, seconds: float = 30) -> int:
        """Its exit status, once it has ended."""
        wait_for(lambda: not self.running, f"{self.name} ends", seconds)
        assert self._status is not None
        return self._status

    def log(self) -> str:
        """All it has said."""
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def wait_said(self, text: str, seconds: float = 20) -> None:
        """It has said `text`."""
        wait_for(lambda: text in self.log(), f"{self.name} says '{text}'", seconds)


class LoneNode(Forked):
    """The node of one operator of a zone; its peers are away."""

    def __init__(
        self,
        folder: Path,
        zone: Zone,
        seat: int,
        rpc: list[str] | None = None,
        store: str = "node.sqlite",
        **chain: int,
    ) -> None:
        self.zone, self.seat = zone, seat
        self.folder = folder / f"node{seat}"
        self.folder.mkdir(exist_ok=True)
        operator = zone.operators[seat]
        write_keystore(self.folder / "signer.json", operator.signer)
        write_keystore(self.folder / "transmitter.json", operator.transmitter)
        self.store = store
        self.url = f"http://127.0.0.1:{(port := free_port())}"
        settings = {"timeout_ms": 500, "resend_ms": 300} | chain
        self.config = self.folder / "node.toml"
        self.config.write_text(
            f'listen = "127.0.0.1:{port}"\nzones = [{zone.number}]\nstore = "{store}"\n'
            f'[chain]\nrpc = {json.dumps(rpc or [zone.chain.url])}\ndeployment = "{zone.chain.deployment_file}"\n'
            f'clock = "chain"\n{"".join(f"{name} = {value}{chr(10)}" for name, value in settings.items())}'
            f'[keys]\nsigner = "signer.json"\ntransmitter = "transmitter.json"\npassword_env = "NODE_TEST_PASSWORD"\n'
            f"[timing]\nsettle_ms = 600\n"
        )
        super().__init__(folder, f"node{seat}", ["run", "--config", str(self.config)])

    @property
    def database(self) -> Path | str:
        """Its store."""
        return self.store if "://" in self.store else self.folder / self.store

    def give(self, *verdicts: Verdict) -> None:
        """Let it have agreed on reports before it was stopped."""
        store = SqlStore(self.database)
        for verdict in verdicts:
            store.keep_verdict(verdict)
        store.close()

    def tell(self, verdict: Verdict) -> None:
        """As a peer does that has led the round."""
        body = EnvelopesPost(envelopes=[verdict]).model_dump_json().encode()
        post = urllib.request.Request(f"{self.url}/envelopes", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(post, timeout=10) as answer:
            assert answer.status == 204

    def status(self) -> Any:
        """What /status answers; None while it does not."""
        return get_json(f"{self.url}/status")

    def transmitter(self) -> str:
        """Address of its transmitter."""
        return str(Account.from_key(self.zone.operators[self.seat].transmitter).address)

    def mined(self) -> int:
        """Its transactions in the chain."""
        return int(self.zone.chain.request("eth_getTransactionCount", self.transmitter(), "latest"), 16)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Look into its SQLite store."""
        with sqlite3.connect(self.folder / self.store, timeout=10) as connection:
            return connection.execute(query).fetchall()


def last_slot(zone: Zone) -> int:
    """Move the chain to the end of a fresh slot of a zone, and name it."""
    slot = zone.chain.now() // 900 + 1
    zone.chain.move_to((slot + 1) * 900)
    return slot


def leader_of(zone: Zone, slot: int) -> int:
    """Seat that submits the report of a slot first."""
    return leader_seat(slot, 0, 0, len(zone.operators))


def verdict(zone: Zone, slot: int, exported: int = 500) -> Verdict:
    """What a quorum of the zone signs when every site exported so many Wh."""
    readings = [reading_word(site & 0xFFFF, exported, 0) for site in zone.sites]
    words = settlement_entries(readings, slot, {})
    digest = Report(zone.number, 0, words).digest(zone.chain.deployment.registry_domain)
    signers = zone.operators[: quorum(len(zone.operators))]
    votes = [crypto.sign(PrivateKey(operator.signer), digest) for operator in signers]
    return Verdict(zone=zone.number, slot=slot, part=0, round=0, entries=join_words(words), votes=votes)


def settled(zone: Zone, slot: int) -> bool:
    """Whether the chain has a report of the slot."""
    return bool(zone.chain.read(zone.chain.contracts.lens.is_reported(zone.number, slot)))
