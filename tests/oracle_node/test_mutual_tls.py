"""Who may talk to a node, and how much: four real nodes and a gateway that work all the while.

Node 3 runs without these defences, so that each check is seen to fail where they are missing.
"""

import asyncio
import contextlib
import re
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import aiohttp
import pytest
from click.testing import CliRunner
from net8_oracle import certificates
from net8_oracle.certificates import Certificate
from net8_oracle.cli import main
from net8_oracle.node.envelopes import EnvelopesPost, Observation
from net8_oracle.node.peer_settings import PeerRate
from net8_oracle.tls import knowing

from tests.oracle_node.local_chain import LocalChain
from tests.oracle_node.processes import PASSWORD, NodeProcess, Place, Street, wait_for

pytestmark = pytest.mark.chain

OPEN_DOOR = [str(Path(__file__).with_name("misbehaving.py")), "open-door"]
ANOTHER = "it shows another certificate than the pinned one; ask its operator"
REFUSES_OURS = "it refuses our certificate; send its operator the file of mesh.certificate"
PER_MESSAGE, FLOODING = 256, 3.0  # envelopes, and the seconds that a flood lasts
EACH_LEADS = 4  # slots, one for each node: it speaks to all in its own, and hears all


class Running(Street):
    """A street whose slots the tests of this module end, one after the other."""

    slot: int
    changing_to: Path  # what node 0 will show, pinned by the others beside what it shows

    def settle(self, count: int = 1) -> None:
        """The next slots must settle."""
        for _ in range(count):
            self.end_slot(self.slot)
            self.wait_settled(self.slot)
            self.slot += 1


@pytest.fixture(scope="module")
def street(local_chain: LocalChain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    made = Running(tmp_path_factory.mktemp("street"), local_chain.new_zone(operators=4, sites=5))
    changing, *others = made.nodes
    old, made.changing_to = changing.place.certificate, changing.place.new_certificate("new")
    for node in others:
        node.change((f'certificate = "{old}"', f'certificate = ["{old}", "{made.changing_to}"]'))
    try:
        made.slot = made.begin({3: OPEN_DOOR})
        yield made
    finally:
        made.stop()


def showing(certificate: Path, node: NodeProcess) -> ssl.SSLContext:
    """What a caller of `node` needs who shows `certificate`."""
    pinned = [Certificate.load(node.place.certificate)]
    return certificates.calling(certificate, certificate.with_suffix(".key"), PASSWORD, pinned)


def show(node: NodeProcess, certificate: Path) -> None:
    """Let a node show another certificate than it began with."""
    old = node.place.certificate
    keys = f'"{old.with_suffix(".key")}"', f'"{certificate.with_suffix(".key")}"'
    node.change((f'certificate = "{old}"', f'certificate = "{certificate}"'), keys)
    node.stop()
    node.start()
    wait_for(node.status, f"{node.name} answers again", 120)


def answer(node: NodeProcess, tls: ssl.SSLContext | None) -> int | None:
    """Status with which the peers' door answers; None where it does not let us in."""
    url = node.place.mesh_url if tls is not None else node.place.mesh_url.replace("https", "http")
    return reach(f"{url}/status", tls)


def reach(url: str, tls: ssl.SSLContext | None, body: bytes | None = None) -> int | None:
    """Status of an answer; None without one."""
    request = urllib.request.Request(url, body)
    try:
        with urllib.request.urlopen(request, timeout=30, context=tls) as got:
            return int(got.status)
    except urllib.error.HTTPError as fault:
        return fault.code
    except OSError:
        return None


def metric(node: NodeProcess, name: str) -> float:
    return metric_of(f"{node.url}/metrics", None, name)


def metric_of(url: str, tls: ssl.SSLContext | None, name: str) -> float:
    with urllib.request.urlopen(url, timeout=10, context=tls) as got:
        found = re.search(rf"^{re.escape(name)} (\S+)$", got.read().decode(), re.MULTILINE)
    return float(found[1]) if found else 0


def check(node: NodeProcess, monkeypatch: pytest.MonkeyPatch) -> str:
    """What `net8-oracle check` prints."""
    monkeypatch.setenv("NODE_TEST_PASSWORD", PASSWORD)
    return CliRunner(mix_stderr=False).invoke(main, ["check", "--config", str(node.config)]).stdout


def check_strangers_stay_out(node: NodeProcess, stranger: Path) -> None:
    """Only who shows a pinned certificate gets an answer, whatever its name and issuer say."""
    nothing_shown = ssl.create_default_context()
    nothing_shown.check_hostname, nothing_shown.verify_mode = False, ssl.CERT_NONE
    refused = metric(node, "net8_refused_handshakes_total")
    assert answer(node, showing(stranger, node)) is None
    assert answer(node, nothing_shown) is None
    assert answer(node, None) is None
    assert metric(node, "net8_refused_handshakes_total") == refused + 3


async def flood(node: NodeProcess, tls: ssl.SSLContext, body: bytes) -> None:
    """Say the same over and over, on a new stream where one is ended, until cancelled."""
    url, leaving = f"{node.place.mesh_url}/envelopes", aiohttp.ClientWSTimeout(ws_close=0.1)
    async with aiohttp.ClientSession() as session:
        while True:
            try:
                async with session.ws_connect(url, ssl=tls, timeout=leaving) as stream:
                    while True:
                        await stream.send_bytes(body)
                        await asyncio.sleep(0)  # what is said to a stream that has ended is lost until it is noticed
            except (aiohttp.ClientError, OSError):  # the peer whose name this is has begun one, too
                await asyncio.sleep(0.1)


def check_flood_is_bounded(street: Running, node: NodeProcess, flooder: Place) -> None:
    """A peer that says all it can is listened to no more than its budget allows."""
    key = {"zone": street.zone.number, "slot": street.slot, "part": 0, "round": 0}
    forged = Observation(**key, readings=[], signature=b"\x01" * 64 + b"\x1b")
    body = EnvelopesPost(envelopes=[forged] * PER_MESSAGE).model_dump_json().encode()
    counted = 'net8_events_total{event="envelopes_refused"}'
    before, begun, refused = metric(node, counted), time.monotonic(), 0.0
    while refused < PER_MESSAGE:  # on a busy machine not even the handshake may be through
        with contextlib.suppress(TimeoutError):
            asyncio.run(asyncio.wait_for(flood(node, showing(flooder.certificate, node), body), FLOODING))
        refused = metric(node, counted) - before
    assert refused <= PeerRate().messages_burst + PeerRate().messages_per_s * (time.monotonic() - begun)


def test_caller__without_a_pinned_certificate__refused_at_the_handshake(street: Running) -> None:
    of_peer = street.places[1].certificate
    stranger = street.places[1].new_certificate("same-name")
    for node in street.nodes[:3]:
        if node.place is not street.places[1]:
            assert answer(node, showing(of_peer, node)) == 200
            check_strangers_stay_out(node, stranger)
    assert street.nodes[0].log().count("caller refused: it shows no certificate that is pinned here") == 1
    with pytest.raises(AssertionError):
        check_strangers_stay_out(street.nodes[3], stranger)
    street.settle()


def test_flood__by_one_peer__bounded_while_slots_settle(street: Running) -> None:
    flooder, honest = street.places[2], street.nodes[:2]
    with ThreadPoolExecutor(2) as pool:
        floods = [pool.submit(check_flood_is_bounded, street, node, flooder) for node in honest]
        street.settle(2)
        for flood in floods:
            flood.result()
    counted = f'net8_limited_total{{caller="{street.zone.operators[2].address}"}}'
    assert all(metric(node, counted) > 0 for node in honest)
    assert honest[0].log().count("caller sends more than it may") == 1
    with pytest.raises(AssertionError):
        check_flood_is_bounded(street, street.nodes[3], flooder)


def test_certificate__changed_with_two_pins_meanwhile__nobody_is_refused(
    street: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    changing, other, *_ = street.nodes
    assert f"peer {changing.place.mesh_url}: answers as the operator it should be" in check(other, monkeypatch)
    show(changing, street.changing_to)
    street.settle(EACH_LEADS)
    for node in street.nodes:
        assert ANOTHER not in node.log()
        assert REFUSES_OURS not in node.log()
    assert f"peer {changing.place.mesh_url}: answers as the operator it should be" in check(other, monkeypatch)


def test_certificate__changed_and_nobody_told__refused_with_what_to_do(
    street: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed, other, gullible = street.nodes[1:]
    show(changed, changed.place.new_certificate("unknown"))
    street.settle(EACH_LEADS)
    wait_for(lambda: ANOTHER in other.log(), "the changed certificate is told of")
    wait_for(lambda: REFUSES_OURS in changed.log(), "who changed it learns of it, too")
    assert ANOTHER not in gullible.log()
    assert f"FAIL peer {changed.place.mesh_url}: {ANOTHER}" in check(other, monkeypatch)
    assert f"FAIL peer {other.place.mesh_url}: {REFUSES_OURS}" in check(changed, monkeypatch)


def test_gateway__node_at_https_with_its_certificate_pinned__delivers(street: Running) -> None:
    node, gateway = street.nodes[2], street.gateways[0]
    plain, certificate = node.url, node.place.certificate
    secure = plain.replace("http:", "https:")
    node.stop()
    node.change(("zones = ", "listen_tls = true\nzones = "))
    node.start()
    wait_for(lambda: reach(f"{secure}/status", knowing(certificate)) == 200, "the node listens", 120)
    assert reach(f"{plain}/status", None) is None
    assert reach(f"{secure}/status", ssl.create_default_context()) is None
    assert reach(f"{secure}/status", knowing(street.places[1].certificate)) is None
    gateway.stop()
    config = gateway.config.read_text()
    gateway.config.write_text(config.replace(f'"{plain}"', f'"{secure}"\ncertificate = "{certificate}"'))
    gateway.start()
    street.end_slot(street.slot)
    accepted = f"{secure}/metrics", knowing(certificate), 'net8_readings_total{outcome="accepted"}'
    wait_for(lambda: metric_of(*accepted) >= 5, "the gateway has delivered")
