"""Single node processes that have a verdict to deliver: all that is about relaying, in seconds.

Patches that kill a process at an edge, or take a defence away, are applied in it before the command runs; the product
knows nothing of them.
"""

import asyncio
import json
import sqlite3
from pathlib import Path
from typing import Any, ClassVar

import aiohttp
from coincurve import PrivateKey
from eth_account import Account
from net8.eip712 import Report
from net8.packing import join_words
from net8.signing import Signature
from net8_oracle import crypto
from net8_oracle.node.envelopes import EnvelopesPost, Verdict
from net8_oracle.node.report import leader_seat, quorum, reading_word, settlement_entries
from net8_oracle.node.store import SqlStore

from tests.oracle_node.local_chain import Zone
from tests.oracle_node.processes import Process, get_json, wait_for, write_keystore
from tests.ports import free_port

PATCHES = str(Path(__file__).with_name("patches.py"))


class Patched(Process):
    """A process of `net8-oracle` in which something may be patched."""

    _all: ClassVar[list["Patched"]] = []

    @classmethod
    def kill_all(cls) -> None:
        """End whatever still runs."""
        while cls._all:
            cls._all.pop().kill()

    def start(self, *names: str) -> None:
        """Start it with patches."""
        self._all.append(self)
        super().start(PATCHES, *names)

    def wait_said(self, text: str, seconds: float = 20) -> None:
        """It has said `text`."""
        wait_for(lambda: text in self.log(), f"{self.name} says '{text}'", seconds)


class LoneNode(Patched):
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
        settings = {"timeout_ms": 500, "resend_ms": 300, "poll_ms": 25} | chain
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

        async def say() -> None:
            url = f"{self.url}/envelopes"
            async with aiohttp.ClientSession() as session, session.ws_connect(url) as stream:
                await stream.send_bytes(EnvelopesPost(envelopes=[verdict]).model_dump_json().encode())

        asyncio.run(say())

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


def settle_in_its_place(zone: Zone, slot: int) -> None:
    """Somebody else submits the report."""
    signed = verdict(zone, slot)
    votes = {seat: Signature.of_bytes(vote) for seat, vote in enumerate(signed.votes)}
    zone.chain.send(zone.chain.contracts.registry.report(zone.number, 0, signed.words(), votes))
