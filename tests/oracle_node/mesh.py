"""Nodes of one process around a ledger that takes reports as the registry does: for agreement without a chain."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from coincurve import PrivateKey
from eth_abi.abi import decode
from net8.contracts import Call, Records, Registry
from net8.eip712 import Domain, Report, registry_domain
from net8.packing import Entry
from net8.signing import Signature, keccak256
from net8.signing import recover as recover_text
from net8.units import slot_start
from net8_oracle import crypto
from net8_oracle.clock import Block
from net8_oracle.node.attachments import Attachments
from net8_oracle.node.attendance import Attendance
from net8_oracle.node.council import Council
from net8_oracle.node.envelopes import PART_SITES, Key
from net8_oracle.node.layers import Judges
from net8_oracle.node.meters import Acceptance, Meters, RegisteredSite
from net8_oracle.node.metrics import Metrics
from net8_oracle.node.stamps import Stamps
from net8_oracle.node.store import SqlStore
from net8_oracle.node.transmitter import Receipt
from net8_oracle.node.transport import Hub, InProcessTransport
from net8_oracle.node.world import Timing
from net8_oracle.reading import Reading, SignedReading, meter_domain

ADDRESS = "0x" + "11" * 20
REGISTRY_DOMAIN: Domain = registry_domain(31337, ADDRESS)
METER_DOMAIN: Domain = meter_domain(31337, ADDRESS)
ZONE = 1
SLOT = 2_000_000
BLOCK = Block(1, "0x01")  # the ledger has but one
TIMING = Timing(patience=0.4, round=0.3, settle=0.4, linger=0.01)


def private_key(name: str) -> PrivateKey:
    """The same key for the same name in every run."""
    return PrivateKey(keccak256(f"mesh tests: {name}".encode()))


class HandClock:
    """A clock that tests move."""

    def __init__(self, now: int) -> None:
        self._now = now
        self._moved = asyncio.Condition()

    def now(self) -> int:
        return self._now

    async def wait_until(self, moment: int) -> None:
        async with self._moved:
            await self._moved.wait_for(lambda: self._now >= moment)

    def poke(self) -> None:
        """Nothing is cached."""

    async def move_to(self, moment: int) -> None:
        async with self._moved:
            self._now = moment
            self._moved.notify_all()


class Ledger:
    """What the chain would hold: seats, sites, what was bought, what is settled."""

    def __init__(self, signers: list[bytes], sites: int, first_index: int = 1) -> None:
        self.seats = tuple(signers)
        self.meters = {index: private_key(f"meter {index}") for index in range(first_index, first_index + sites)}
        self.sites = {
            ZONE << 16 | index: RegisteredSite(ZONE << 16 | index, crypto.own_address(key), 50_000, 0)
            for index, key in self.meters.items()
        }
        self.purchases: dict[tuple[int, int], int] = {}  # (slot, index) -> Wh
        self.settled: dict[tuple[int, int], tuple[int, int] | None] = {}  # (slot, index) -> (export, import)
        self.reports: list[tuple[int, ...]] = []
        self.refused: list[str] = []
        self.listeners: list[Callable[[int, bytes], None]] = []

    def report(self, data: bytes) -> bool:
        """Take a report as OracleRegistry.report does; False when it would revert."""
        zone, round_, packed, bitmap, compact = decode(
            ["uint256", "uint256", "bytes", "uint256", "(bytes32,bytes32)[]"], data[4:]
        )
        entries = [int.from_bytes(packed[at : at + 32]) for at in range(0, len(packed), 32)]
        digest = Report(zone, round_, tuple(entries)).digest(REGISTRY_DOMAIN)
        seats = [seat for seat in range(len(self.seats)) if bitmap >> seat & 1]
        votes = [Signature.of_compact(r, vs) for r, vs in compact]
        signed = [crypto.address_bytes(recover_text(digest, vote)) for vote in votes]
        if signed != [self.seats[seat] for seat in seats] or len(seats) < 2 * len(self.seats) // 3 + 1:
            self.refused.append("signatures")
            return False
        fresh = 0
        for word in entries:
            entry = Entry.unpack(word)
            for place, reading in entry.readings.items():
                where = (entry.hour * 4 + place, entry.index)
                if where not in self.settled:
                    self.settled[where] = reading
                    fresh += 1
        if not fresh:
            self.refused.append("settles nothing")
            return False
        self.reports.append(tuple(entries))
        hashed = keccak256(packed)
        for listener in self.listeners:
            asyncio.get_running_loop().call_soon(listener, zone, hashed)
        return True


class LedgerView:
    """One node's view of the ledger, as `ChainView` gives it of the chain."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.on_reported: Callable[[int, bytes, Block], None] = lambda zone, entries_hash, block: None
        self.on_sites: Callable[[int], None] = lambda zone: None
        self.on_replaced: Callable[[], None] = lambda: None
        self.reachable = True
        ledger.listeners.append(lambda zone, entries_hash: self.on_reported(zone, entries_hash, BLOCK))

    def sites_of(self, zone: int, part: int) -> list[RegisteredSite]:
        return [site for _, site in sorted(self._ledger.sites.items()) if (site.index - 1) // PART_SITES == part]

    def parts(self, zone: int) -> int:
        return -(-len(self._ledger.sites) // PART_SITES)

    def signers(self, zone: int) -> tuple[bytes, ...]:
        return self._ledger.seats

    async def read(self, call: Call[Any]) -> Any:
        """No meter here signs by itself, so nobody asks."""
        raise AssertionError(f"{call.label} was asked")

    async def bought(self, key: Key) -> dict[int, int]:
        return {index: wh for (slot, index), wh in self._ledger.purchases.items() if slot == key.slot}

    async def traded(self, key: Key) -> bool:
        return bool(await self.bought(key))

    async def settled(self, key: Key) -> Block | None:
        known = ((slot, (index - 1) // PART_SITES) for slot, index in self._ledger.settled)
        return BLOCK if (key.slot, key.part) in known else None

    async def until_reachable(self) -> None:
        """The ledger is always there."""

    def prefetch(self, key: Key) -> None:
        """Nothing to fetch."""

    def forget(self, key: Key) -> None:
        """Nothing was kept."""


class LedgerTransmitter:
    """Submits to the ledger at once."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.submitted: list[Key] = []
        self.works = asyncio.Event()
        self.works.set()

    def delivers(self, key: Key) -> bool:
        return False

    async def submit(self, key: Key, to: str, data: bytes, gas: int) -> Receipt | None:
        self.submitted.append(key)
        await self.works.wait()
        return Receipt(key, keccak256(data), self._ledger.report(data), BLOCK, 1, 1)


class Member:
    """One operator's node."""

    def __init__(self, mesh: "Mesh", seat: int) -> None:
        self.mesh = mesh
        self.key = mesh.keys[seat]
        self.store = SqlStore(mesh.folder / f"member{seat}.sqlite")
        self.view = LedgerView(mesh.ledger)
        self.meters = Meters(METER_DOMAIN, mesh.ledger.sites.get)
        self.transport = InProcessTransport(mesh.hub, crypto.own_address(self.key))
        self.transmitter = LedgerTransmitter(mesh.ledger)
        self.council = Council(
            key=self.key,
            domain=REGISTRY_DOMAIN,
            registry=Registry(ADDRESS),
            records=Records(ADDRESS),
            attachments=Attachments(self.view, Records(ADDRESS), self.meters),
            zones=[ZONE],
            clock=mesh.clock,
            chain=self.view,
            meters=self.meters,
            layers=Judges(),
            store=self.store,
            transport=self.transport,  # type: ignore[arg-type]
            transmitter=self.transmitter,
            timing=mesh.timing,
            stamps=Stamps(None),  # type: ignore[arg-type]
            metrics=Metrics(),
        )
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        works = self.council.run_zone(ZONE), self.council.watch_silence(ZONE)
        self._tasks = [asyncio.create_task(work) for work in works]

    async def stop(self) -> None:
        """Be gone: reachable for nobody, doing nothing."""
        self.transport.leave()
        self.view.on_reported = lambda zone, entries_hash, block: None
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        await self.council.close()
        for agreement in self.council.in_progress():
            agreement.settled = True  # its timers do nothing any more
        self.store.close()

    def receive(self, signed: SignedReading) -> Acceptance:
        """A reading arrives."""
        acceptance, boundary = self.meters.accept(signed, self.mesh.clock.now())
        if acceptance is Acceptance.NEW:
            self.store.add_readings([signed])
            if boundary is not None:
                self.council.heard(signed.reading.site, boundary)
        return acceptance


def shift_exports(monkeypatch: pytest.MonkeyPatch, liars: list[Member], wh: int = 900) -> None:
    """These members take every meter for one that exported more."""
    honest, lying = Attendance.energies, [member.council for member in liars]

    def shifted(self: Attendance) -> Iterator[tuple[RegisteredSite, tuple[int, int] | None]]:
        for site, energy in honest(self):
            lies = self._world in lying and energy is not None
            yield site, (energy[0] + wh, energy[1]) if lies else energy

    monkeypatch.setattr(Attendance, "energies", shifted)


class Mesh:
    """Operators, sites and the clock."""

    def __init__(self, folder: Path, operators: int = 4, sites: int = 3, timing: Timing = TIMING) -> None:
        self.folder = folder
        self.timing = timing
        self.hub = Hub()
        self.clock = HandClock(slot_start(SLOT))
        self.keys = [private_key(f"operator {seat}") for seat in range(operators)]
        self.ledger = Ledger([crypto.own_address(key) for key in self.keys], sites)
        self.members = [Member(self, seat) for seat in range(operators)]
        self._sequence: dict[int, int] = {}
        self._registers: dict[int, tuple[int, int]] = {}

    async def start(self) -> None:
        """All members run, and have the readings at the start of SLOT."""
        for member in self.members:
            member.start()
        await asyncio.sleep(0)
        self.tell(SLOT, dict.fromkeys(self.ledger.meters, (0, 0)))

    def reading(self, index: int, boundary: int, exported: int, imported: int) -> SignedReading:
        """The site's next reading: so much more than its last one, at the start of slot `boundary`."""
        self._sequence[index] = self._sequence.get(index, 0) + 1
        before = self._registers.get(index, (1_000, 1_000))
        self._registers[index] = (before[0] + exported, before[1] + imported)
        now_exported, now_imported = self._registers[index]
        reading = Reading(
            ZONE << 16 | index, slot_start(boundary), now_imported, now_exported, 0, self._sequence[index]
        )
        return SignedReading.make(reading, METER_DOMAIN, self.ledger.meters[index], 1)

    def tell(self, boundary: int, energies: dict[int, tuple[int, int]], members: list[Member] | None = None) -> None:
        """Readings at the start of slot `boundary` reach members; `energies`: (export, import) since the last one."""
        for index, (exported, imported) in energies.items():
            signed = self.reading(index, boundary, exported, imported)
            for member in self.members if members is None else members:
                member.receive(signed)

    async def end_slot(self, slot: int) -> None:
        """Time moves to the end of the slot."""
        await self.clock.move_to(slot_start(slot + 1))
        await asyncio.sleep(0)

    async def until_settled(self, slot: int, seconds: float = 10.0) -> None:
        """The slot is in the ledger."""
        async with asyncio.timeout(seconds):
            while not any(settled == slot for settled, _ in self.ledger.settled):  # noqa: ASYNC110 - the ledger is plain
                await asyncio.sleep(0.005)

    async def stop(self) -> None:
        for member in self.members:
            await member.stop()
