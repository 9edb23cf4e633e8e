"""`net8-oracle check`: everything a node depends on, looked at from outside, each with what to do when it is amiss."""

import asyncio
import shutil
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from coincurve import PrivateKey
from net8.client import Chain, Connection, connect
from net8.errors import Net8Error

from net8_oracle import crypto, keys
from net8_oracle.certificates import Certificate
from net8_oracle.handshake import obstacle
from net8_oracle.node.council import report_gas
from net8_oracle.node.database import Database
from net8_oracle.node.envelopes import PART_SITES
from net8_oracle.node.nats_transport import LARGEST_ENVELOPE, NatsUnreachable, look
from net8_oracle.node.pins import Pins
from net8_oracle.node.settings import NodeSettings
from net8_oracle.operate.nodes import own_status, own_url, status_of
from net8_oracle.settings import ConfigRefused

__all__ = ["Finding", "Grade", "check"]

_LEAST_DISK = 2**30  # bytes: a year of a zone's readings takes less
_OLDEST_BLOCK = 120  # seconds; every chain NET8 is meant for makes blocks within seconds
_MOST_SKEW = 5  # seconds between this clock and the chain's or a peer's: readings are cut at slot boundaries
_EXPIRES_SOON = 60  # days: every peer has to be given the new certificate before it is shown
_REPORTS_AHEAD = 96  # a day of slots, each with a report that this node alone pays for


class Grade(StrEnum):
    """How a finding is."""

    OK = "ok"
    NOTE = "note"  # not known yet, or as it should not stay
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at, in a sentence that says what to do where something is amiss."""

    grade: Grade
    subject: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.grade:5}{self.subject}: {self.sentence}"


def check(settings: NodeSettings, now: Callable[[], float] = time.time) -> Iterator[Finding]:
    """Look at everything the node of these settings depends on. What cannot be looked at is a finding too.

    Args:
        settings: of the node.
        now: this machine's clock, unix seconds.
    """
    signer = yield from _keys(settings)
    yield _store(settings)
    connection = yield from _chain(settings, now)
    if connection is not None:
        yield from _seats(settings, connection, signer)
        yield _balance(settings, connection)
        yield from _peers_named(settings, connection, signer)
    pins = yield from _certificates(settings, now)
    yield from _peers(settings, pins, now) if settings.nats is None else _nats(settings)
    yield from _own_node(settings, signer)


def _ok(subject: str, sentence: str) -> Finding:
    return Finding(Grade.OK, subject, sentence)


def _fail(subject: str, sentence: str) -> Finding:
    return Finding(Grade.FAIL, subject, sentence)


def _opened(settings: NodeSettings, role: str) -> PrivateKey:
    return keys.load(getattr(settings.keys, role), settings.keys.password())


def _keys(settings: NodeSettings) -> Generator[Finding, None, str]:
    """Both keystores open. Returns the signer's address."""
    for role in ("signer", "transmitter"):
        try:
            address = crypto.address_text(crypto.own_address(_opened(settings, role)))
        except keys.KeyRefused as fault:
            yield _fail(role, str(fault))
        else:
            yield _ok(role, f"{address}, its keystore opens")
    return keys.keystore_address(settings.keys.signer)


def _store(settings: NodeSettings) -> Finding:
    where = settings.store.where
    if isinstance(where, str):
        try:
            Database(where, settings.store.secret()).close()
        except (ConfigRefused, keys.KeyRefused) as fault:
            return _fail("store", str(fault))
        return _ok("store", f"{where} takes the node's tables")
    folder = where.parent
    if not folder.is_dir():
        return _fail("store", f"folder {folder} does not exist; make it")
    free = shutil.disk_usage(folder).free
    told = f"{free / 2**30:.1f} GiB free at {folder}"
    return _ok("store", told) if free >= _LEAST_DISK else _fail("store", f"{told}; make room for 1 GiB at least")


def _chain(settings: NodeSettings, now: Callable[[], float]) -> Generator[Finding, None, Connection | None]:
    """Chain nodes, contracts and clock. Returns the first good connection, None without one."""
    connection, deployment = None, settings.chain.contracts
    for url in settings.chain.rpc:
        subject = "chain" if len(settings.chain.rpc) == 1 else f"chain node {url}"
        try:
            one = connect(url, deployment(), settings.chain.timeout_ms / 1000)
            number = one.chain.block().number
        except (Net8Error, ConfigRefused) as fault:
            yield _fail(subject, str(fault))
        else:
            deployed = len(deployment().contracts)
            yield _ok(subject, f"block {number}, and the code of {deployed} contracts is the deployment's")
            connection = connection or one
    if connection is None:
        return None
    if settings.chain.clock == "chain":
        yield Finding(Grade.NOTE, "clock", "taken from the chain; that is meant for chains whose time is moved by hand")
        return connection
    age = now() - connection.chain.block().timestamp
    if age < -_MOST_SKEW:
        yield _fail("clock", f"{-age:.0f} s behind the chain's latest block; let it be set by NTP")
    elif age > _OLDEST_BLOCK:
        yield _fail(
            "clock", f"the latest block is {age:.0f} s old; the chain node is not synchronised, or the clock wrong"
        )
    else:
        yield _ok("clock", f"the latest block is {max(age, 0):.0f} s old")
    return connection


def _seats(settings: NodeSettings, connection: Connection, signer: str) -> Iterator[Finding]:
    chain, registry = connection.chain, connection.contracts.registry
    number = chain.read(registry.operator_of_signer(signer))
    if not number:
        yield _fail("operator", f"signer {signer} is not registered; run `net8-oracle register`")
    elif chain.read(registry.operator(number)).unbonding_at:
        yield _fail("operator", f"operator {number} is unbonding and serves no zone any more; register a new one")
    else:
        yield _ok("operator", f"number {number}")
    for zone in settings.zones:
        signers = chain.read(registry.zone_signers(zone))
        if signer not in signers:
            yield _fail(f"zone {zone}", f"no seat for {signer}; ask the registry's owner to admit operator {number}")
        elif len(signers) < 4:
            yield _fail(f"zone {zone}", f"{len(signers)} operators; nothing settles with fewer than four")
        else:
            needed = chain.read(registry.quorum(zone))
            yield _ok(f"zone {zone}", f"seat {signers.index(signer)} of {len(signers)}; {needed} signatures settle")


def _largest_report(settings: NodeSettings, chain: Chain, connection: Connection) -> int:
    """Gas limit of the dearest report of the zones."""
    counts = chain.read_many([connection.contracts.grid.site_count(zone) for zone in settings.zones])
    return report_gas(min(max(counts, default=0), PART_SITES))


def _balance(settings: NodeSettings, connection: Connection) -> Finding:
    chain = connection.chain
    address = keys.keystore_address(settings.keys.transmitter)
    held = chain.balance(address)
    price = int(chain.request("eth_gasPrice"), 16)
    needed = price * _largest_report(settings, chain, connection)
    coins = f"{address} has {Decimal(held).scaleb(-18).normalize():f} of the chain's coin"
    if not needed:
        return _ok("transmitter's balance", f"{coins}; gas is free here")
    reports = held // needed
    told = f"{coins}, enough for {reports:,} reports at the present gas price"
    if reports >= _REPORTS_AHEAD:
        return _ok("transmitter's balance", told)
    return _fail("transmitter's balance", f"{told}; fund it for {_REPORTS_AHEAD} at least")


def _peers_named(settings: NodeSettings, connection: Connection, signer: str) -> Iterator[Finding]:
    """Everybody who has a seat is known here, so that a quorum can be heard."""
    named = {peer.signer for peer in settings.peers} | {signer}
    for zone in settings.zones:
        for seated in connection.chain.read(connection.contracts.registry.zone_signers(zone)):
            if seated not in named:
                yield _fail(
                    "peers", f"{seated} has a seat in zone {zone} but no [[peers]] entry; ask it for its address"
                )


def _certificates(settings: NodeSettings, now: Callable[[], float]) -> Generator[Finding, None, Pins | None]:
    """Ours and the pinned ones. Returns them, None when they cannot be used."""
    try:
        own_signer = keys.keystore_address(settings.keys.signer)
        pins = Pins(settings.mesh, settings.peers, own_signer, settings.keys.password())
        pins.serving(lambda fault: None)  # nobody calls
    except (ConfigRefused, keys.KeyRefused) as fault:
        yield _fail("certificates", str(fault))
        return None
    if pins.own is None:
        if settings.mesh is not None:
            yield Finding(Grade.NOTE, "certificate", "none; operators' messages go without TLS, as mesh.plain says")
        return pins
    yield _valid("certificate", pins.own, "make a new one with `net8-oracle certificate new`", now)
    for signer, pinned in pins.of_peers.items():
        newest = max(pinned, key=lambda one: one.until)
        finding = _valid(f"certificate of {crypto.address_text(signer)}", newest, "ask its operator for a new one", now)
        if finding.grade is not Grade.OK:
            yield finding
    return pins


def _valid(subject: str, certificate: Certificate, remedy: str, now: Callable[[], float]) -> Finding:
    days = (certificate.until.timestamp() - now()) / 86400
    if days < 0:
        return _fail(subject, f"expired on {certificate.until:%Y-%m-%d}; {remedy}")
    if days < _EXPIRES_SOON:
        return Finding(Grade.NOTE, subject, f"expires in {days:.0f} days; {remedy}")
    return _ok(subject, str(certificate))


def _peers(settings: NodeSettings, pins: Pins | None, now: Callable[[], float]) -> Iterator[Finding]:
    own = keys.keystore_address(settings.keys.signer)
    for peer in settings.peers:
        if peer.signer == own or pins is None or peer.url is None:
            continue
        subject = f"peer {peer.url}"
        tls = pins.calling.get(crypto.address_bytes(peer.signer))
        told = status_of(peer.url, tls)
        if told is None:
            in_the_way = asyncio.run(obstacle(peer.url, tls)) if tls is not None else None
            yield _fail(subject, in_the_way or "does not answer; ask its operator, and look at firewalls on both sides")
        elif told.get("signer") != peer.signer:
            yield _fail(subject, f"says it is {told.get('signer')}, not {peer.signer}; correct one of the two")
        elif settings.chain.clock == "wall" and abs(now() - told["now"]) > _MOST_SKEW:
            apart = abs(now() - told["now"])
            yield _fail(subject, f"its clock and ours are {apart:.0f} s apart; one of the two needs NTP")
        else:
            yield _ok(subject, "answers as the operator it should be")


def _nats(settings: NodeSettings) -> Iterator[Finding]:
    """The server that operators talk through, and who has spoken there."""
    assert settings.nats is not None, "asked only then"
    subject = "NATS server"
    try:
        tls = settings.nats.tls(settings.keys.password())
        told = asyncio.run(look(settings.nats, tls, settings.chain.contracts().chain_id, settings.zones))
    except (NatsUnreachable, ConfigRefused, keys.KeyRefused) as fault:
        yield _fail(subject, str(fault))
        return
    if told.largest <= LARGEST_ENVELOPE:
        sentence = f"takes messages of {told.largest:,} bytes at most; let its operator set max_payload to 8MB"
        yield _fail(subject, sentence)
    else:
        yield _ok(subject, f"answers, version {told.version}")
    own = keys.keystore_address(settings.keys.signer)
    for zone, spoken in told.streams.items():
        subject = f"stream of zone {zone}"
        if spoken is None:
            yield Finding(Grade.NOTE, subject, "not there yet; the first node that starts makes it")
            continue
        yield _ok(subject, f"is there, with {sum(spoken.values())} envelopes")
        silent = [peer.signer for peer in settings.peers if peer.signer != own and not spoken.get(peer.signer)]
        if silent:
            sentence = f"nothing in it of {', '.join(silent)}; ask whether these nodes run and use this server"
            yield Finding(Grade.NOTE, subject, sentence)


def _own_node(settings: NodeSettings, signer: str) -> Iterator[Finding]:
    """The running node, its meters and its layers."""
    url = own_url(settings)
    try:
        told = own_status(settings)
    except ConfigRefused as fault:
        yield _fail("node", str(fault))
        return
    if told is None:
        yield Finding(Grade.NOTE, "node", f"does not answer at {url}; start it with `net8-oracle run`")
        return
    if told.get("signer") != signer:
        yield _fail("node", f"another one answers at {url}, with signer {told.get('signer')}; choose another port")
        return
    problems = told["problems"]
    yield _fail("node", "; ".join(problems)) if problems else _ok("node", f"healthy at {url}")
    for zone in told["zones"]:
        silent, sites = zone["silent_sites"], zone["sites"]
        if silent:
            first = ", ".join(str(site & 0xFFFF) for site in silent[:5])
            sentence = f"{len(silent)} of {sites} gave no reading in the last slot (sites {first}); ask their owners"
            yield Finding(Grade.NOTE, f"meters of zone {zone['zone']}", sentence)
        else:
            yield _ok(f"meters of zone {zone['zone']}", f"all {sites} read")
