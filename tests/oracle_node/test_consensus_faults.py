"""What faulty operators, meters and clocks cannot do; defences are also taken away, to show that they are needed."""

import asyncio
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from net8_oracle import crypto
from net8_oracle.node import report
from net8_oracle.node.agreement import Agreement
from net8_oracle.node.contest import Contest
from net8_oracle.node.envelopes import (
    Attached,
    Key,
    Message,
    Observation,
    Proposal,
    Vote,
    observation_digest,
    proposal_digest,
)
from net8_oracle.node.evidence import doubled
from net8_oracle.node.panel import Panel
from net8_oracle.node.world import Timing
from net8_oracle.reading import Reading, SignedReading

from tests.oracle_node.mesh import (
    METER_DOMAIN,
    REGISTRY_DOMAIN,
    SLOT,
    ZONE,
    HandClock,
    Member,
    Mesh,
    private_key,
    shift_exports,
)

pytestmark = pytest.mark.prompt

ENERGIES = {1: (500, 0), 2: (0, 300), 3: (20, 10)}
METERED = {1: (500, 0), 2: (0, 0), 3: (20, 0)}
KEY = Key(ZONE, SLOT, 0)
FAST = Timing(patience=30, round=0.1, settle=5, linger=0.01)


async def started(folder: Path, operators: int = 4, timing: Timing = FAST) -> Mesh:
    mesh = Mesh(folder, operators=operators, timing=timing)
    await mesh.start()
    return mesh


async def until(condition: Callable[[], object], seconds: float = 60) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - members are plain objects
            await asyncio.sleep(0.01)


def round_of(member: Member) -> int:
    """The round a member is in, of SLOT."""
    return max((one.round for one in member.council.in_progress() if one.key == KEY), default=-1)


def settled(mesh: Mesh, slot: int = SLOT) -> dict[int, tuple[int, int] | None]:
    return {index: energy for (at, index), energy in mesh.ledger.settled.items() if at == slot}


# --- a meter that signs two readings -------------------------------------------------------------------------------


async def sign_two(mesh: Mesh) -> None:
    """Site 1's meter tells half the operators something else than the other half."""
    await mesh.end_slot(SLOT)
    mesh.tell(SLOT + 1, {2: ENERGIES[2], 3: ENERGIES[3]})
    first = mesh.reading(1, SLOT + 1, 500, 0)
    r = first.reading
    other = Reading(r.site, r.taken_at, r.import_wh, r.export_wh + 77, r.epoch, r.sequence)
    second = SignedReading.make(other, METER_DOMAIN, mesh.ledger.meters[1], 1)
    for seat, member in enumerate(mesh.members):
        member.receive(first if seat % 2 else second)


@pytest.mark.parametrize("operators", [4, 7])
async def test_meter__signs_two_readings__its_site_alone_settles_without(tmp_path: Path, operators: int) -> None:
    mesh = await started(tmp_path, operators)
    await sign_two(mesh)
    await until(lambda: settled(mesh))
    assert settled(mesh) == METERED | {1: None}
    for member in mesh.members:
        (proof,) = [one for one in member.store.evidence() if one.kind == "reading"]
        assert list(doubled([proof])) == [(ZONE << 16 | 1, SLOT + 1)]
        assert b"signature" in proof.content
    mesh.tell(SLOT + 2, ENERGIES)  # and the slot that begins with the two readings
    await mesh.end_slot(SLOT + 1)
    await until(lambda: settled(mesh, SLOT + 1))
    assert settled(mesh, SLOT + 1)[1] is None
    await mesh.stop()


async def test_meter__signs_two_readings_that_nobody_shows__holds_its_zone_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Contest, "compare", lambda self, own, others: None)
    mesh = await started(tmp_path)
    await sign_two(mesh)
    await until(lambda: min(map(round_of, mesh.members)) >= 4)
    assert not settled(mesh)
    await mesh.stop()


async def test_operator__shows_a_reading_that_no_meter_signed__nothing_is_doubted(tmp_path: Path) -> None:
    from net8_oracle.node.envelopes import SignedReadings
    from net8_oracle.wire import WireReading

    mesh = await started(tmp_path)
    await mesh.end_slot(SLOT)
    mesh.tell(SLOT + 1, ENERGIES, mesh.members[:1])
    forged = SignedReading.make(Reading(ZONE << 16 | 1, (SLOT + 1) * 900, 1, 1, 0, 2), METER_DOMAIN, mesh.keys[3], 1)
    member = mesh.members[0]
    member.council.on_message(SignedReadings(**KEY._asdict(), round=0, readings=[WireReading.of(forged)]))
    assert member.meters.energy(ZONE << 16 | 1, SLOT) == (500, 0)
    assert member.store.evidence() == []
    await mesh.stop()


# --- meters that are all silent ------------------------------------------------------------------------------------

ALERT_AFTER = 86_400  # seconds after a slot: OracleCourt.ALERT_AFTER


async def fall_silent(mesh: Mesh) -> None:
    """Something is traded in SLOT and nothing in the next; no meter speaks at the end of either."""
    mesh.ledger.purchases[SLOT, 2] = 300
    await mesh.end_slot(SLOT)
    await mesh.end_slot(SLOT + 1)
    await asyncio.sleep(10 * FAST.patience)


async def test_meters__all_silent__traded_slot_settles_without_reading_before_an_alert(tmp_path: Path) -> None:
    mesh = await started(tmp_path)
    await fall_silent(mesh)
    assert not mesh.ledger.settled, "readings may still come"
    await mesh.clock.move_to((SLOT + 1) * 900 + ALERT_AFTER * 2 // 3)
    await until(lambda: settled(mesh))
    assert mesh.ledger.settled == {(SLOT, index): None for index in ENERGIES}, "and what was not traded waits"
    await mesh.stop()


async def test_meters__all_silent_but_one_operator_heard_them__still_settles(tmp_path: Path) -> None:
    mesh = await started(tmp_path)
    await fall_silent(mesh)
    mesh.tell(SLOT + 1, ENERGIES, mesh.members[:1])
    await mesh.clock.move_to((SLOT + 1) * 900 + ALERT_AFTER * 2 // 3)
    await until(lambda: settled(mesh))
    assert set(settled(mesh).values()) == {None}
    await mesh.stop()


async def test_meters__all_silent_and_nobody_watches__traded_slot_is_open_when_an_alert_is_due(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def idle(self: Agreement) -> None:
        pass

    monkeypatch.setattr(Agreement, "report_silence", idle)
    mesh = await started(tmp_path)
    await fall_silent(mesh)
    await mesh.clock.move_to((SLOT + 1) * 900 + ALERT_AFTER)
    await asyncio.sleep(10 * FAST.patience)
    assert not mesh.ledger.settled
    await mesh.stop()


async def test_meters__silent_for_hours_and_then_heard__settle_as_metered(tmp_path: Path) -> None:
    mesh = await started(tmp_path)
    await fall_silent(mesh)
    await mesh.clock.move_to((SLOT + 1) * 900 + ALERT_AFTER // 3)
    mesh.tell(SLOT + 1, ENERGIES)
    await until(lambda: settled(mesh))
    assert settled(mesh) == METERED | {2: (0, 300)}
    await mesh.stop()


# --- rounds without end --------------------------------------------------------------------------------------------


async def lie_by_two(mesh: Mesh, monkeypatch: pytest.MonkeyPatch) -> None:
    shift_exports(monkeypatch, mesh.members[:2])
    await mesh.end_slot(SLOT)
    mesh.tell(SLOT + 1, ENERGIES)


async def test_rounds__no_quorum_can_be__change_ever_more_slowly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mesh = await started(tmp_path)
    await lie_by_two(mesh, monkeypatch)
    begun = asyncio.get_running_loop().time()
    await until(lambda: round_of(mesh.members[3]) >= 4)
    spent = asyncio.get_running_loop().time() - begun
    # Rounds 0 and 1 may end at once; round 2 lasts twice, round 3 four times, every later one eight times the first.
    assert round_of(mesh.members[3]) <= 2 + spent / (2 * FAST.round) + 1
    assert not settled(mesh)
    await mesh.stop()


async def test_rounds__every_useless_leader_skipped_at_once__race_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Agreement, "_skip_round", lambda self: self._enter(self.round + 1))
    mesh = await started(tmp_path)
    await lie_by_two(mesh, monkeypatch)
    begun = asyncio.get_running_loop().time()
    await until(lambda: round_of(mesh.members[3]) >= 40)
    spent = asyncio.get_running_loop().time() - begun
    assert round_of(mesh.members[3]) > 2 + spent / (2 * FAST.round) + 1
    await mesh.stop()


# --- f Byzantine operators -----------------------------------------------------------------------------------------


class Byzantine:
    """Operators whose envelopes are replaced on their way out; the first of them leads round 0."""

    def __init__(self, mesh: Mesh) -> None:
        operators = len(mesh.members)
        leader = report.leader_seat(SLOT, 0, 0, operators)
        self.mesh = mesh
        self.seats = [(leader + at) % operators for at in range(report.faulty(operators))]
        self.log: list[Message] = []
        self._random = random.Random(operators)

    def __call__(self, *how: str) -> None:
        for at, seat in enumerate(self.seats):
            transport = self.mesh.members[seat].transport
            honest, tell = transport.send, getattr(self, how[at % len(how)])
            transport.send = lambda to, message, s=seat, h=honest, t=tell: t(s, to, message, h)  # type: ignore

    def withhold(self, seat: int, to: bytes, message: Message, send: Callable[[bytes, Message], None]) -> None:
        """Listen and say nothing."""

    def equivocate(self, seat: int, to: bytes, message: Message, send: Callable[[bytes, Message], None]) -> None:
        """Tell everybody something else, well signed."""
        key, shift = self.mesh.keys[seat], to[0]
        if isinstance(message, Observation):
            words = [word + shift for word in message.readings]
            signed = crypto.sign(key, observation_digest(REGISTRY_DOMAIN, message.key, message.round, words))
            message = message.model_copy(update={"readings": words, "signature": signed})
        elif isinstance(message, Proposal):
            digest = bytes([shift]) * 32
            signed = crypto.sign(key, proposal_digest(REGISTRY_DOMAIN, message.key, message.round, digest))
            message = message.model_copy(update={"report": digest, "signature": signed})
        send(to, message)

    def replay(self, seat: int, to: bytes, message: Message, send: Callable[[bytes, Message], None]) -> None:
        """Send what was sent before, over and over."""
        self.log.append(message)
        for earlier in self._random.sample(self.log, min(len(self.log), 5)):
            send(to, earlier)

    def garble(self, seat: int, to: bytes, message: Message, send: Callable[[bytes, Message], None]) -> None:
        """Send what was never said, in everybody's name."""
        noise = self._random.randbytes
        words = [report.reading_word(index, self._random.randrange(10**6), 0) for index in (1, 2, 3)]
        about = {**message.key._asdict(), "round": message.round}
        attached = [Attached(readings=words, signature=noise(64) + b"\x1b")] * 3
        send(to, Observation(**about, readings=words, signature=noise(64) + b"\x1b"))
        send(to, Observation(**about, readings=words[::-1], signature=noise(65)))
        send(to, Proposal(**about, report=noise(32), observations=attached, signature=noise(64) + b"\x1c"))
        send(to, Vote(**about, report=noise(32), signature=noise(64) + b"\x1b"))


async def run_slot(mesh: Mesh, slot: int) -> None:
    await mesh.end_slot(slot)
    mesh.tell(slot + 1, ENERGIES)
    await until(lambda: settled(mesh, slot), 600)


WAYS = ("equivocate", "withhold", "garble", "replay")


@pytest.mark.parametrize(
    ("operators", "how"), [*((4, (way,)) for way in WAYS), (7, WAYS[:2]), (7, WAYS[2:]), (31, WAYS)]
)
async def test_operators__f_byzantine__slots_settle_as_metered(
    tmp_path: Path, operators: int, how: tuple[str, ...]
) -> None:
    mesh = await started(tmp_path, operators, Timing(patience=30, round=operators / 40, settle=20, linger=0.02))
    byzantine = Byzantine(mesh)
    byzantine(*how)
    for slot in (SLOT, SLOT + 1) if operators < 31 else (SLOT,):  # ten useless leaders in a row take seconds
        await run_slot(mesh, slot)
        assert settled(mesh, slot) == METERED
    if "equivocate" in how:
        guilty = {crypto.own_address(mesh.keys[seat]) for seat in byzantine.seats}
        proofs = [one for member in mesh.members for one in member.store.evidence()]
        assert proofs, "the leader attaches what it was told, others were told something else"
        assert {one.signer for one in proofs} <= guilty
    await mesh.stop()


async def test_operators__withhold_and_rounds_have_no_deadline__nothing_settles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Agreement, "_give_up_round", lambda self: None)
    mesh = await started(tmp_path)
    Byzantine(mesh)("withhold")
    await mesh.end_slot(SLOT)
    mesh.tell(SLOT + 1, ENERGIES)
    await until(lambda: all(one.observing for member in mesh.members for one in member.council.in_progress()))
    await asyncio.sleep(10 * FAST.round)
    assert not settled(mesh)
    await mesh.stop()


async def test_operators__garble_and_own_readings_not_compared__something_else_settles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Agreement, "_check_own", lambda self, agreed: None)
    mesh = await started(tmp_path)
    names = iter(mesh.keys * 100)
    monkeypatch.setattr(
        Panel, "check_observation", lambda self, *_: crypto.own_address(next(names))
    )  # whoever is named is believed
    Byzantine(mesh)("garble")
    await mesh.end_slot(SLOT)
    mesh.tell(SLOT + 1, ENERGIES)
    await asyncio.sleep(10 * FAST.round)
    assert settled(mesh) != METERED
    await mesh.stop()


# --- late, skewed, rotated -----------------------------------------------------------------------------------------


async def nothing_known(key: Key) -> None:
    """What a chain that is gone says of a settlement."""


async def away_for_a_slot(mesh: Mesh) -> Member:
    """A member that was away while a slot settled, and to which the chain tells nothing."""
    await mesh.members[3].stop()
    rest = mesh.members[:3]
    await mesh.end_slot(SLOT)
    for index, energy in ENERGIES.items():
        signed = mesh.reading(index, SLOT + 1, *energy)
        for member in rest:
            member.receive(signed)
        mesh.kept.append(signed)  # type: ignore[attr-defined]
    await until(lambda: settled(mesh))
    await asyncio.sleep(2 * FAST.round)
    late = mesh.members[3] = Member(mesh, 3)
    late.store.set_next_slot(ZONE, SLOT)
    late.view.settled = nothing_known  # type: ignore[method-assign]
    late.meters.restore(late.store.readings_since(0))
    late.start()
    await asyncio.sleep(0)
    for signed in mesh.kept:  # type: ignore[attr-defined]
        late.receive(signed)
    return late


async def test_member__was_away_and_the_chain_is_gone__gets_the_verdict_from_its_peers(tmp_path: Path) -> None:
    mesh = await started(tmp_path)
    mesh.kept = []  # type: ignore[attr-defined]
    late = await away_for_a_slot(mesh)
    await until(lambda: any(one.verdict for one in late.council.in_progress()))
    (agreement,) = [one for one in late.council.in_progress() if one.key == KEY]
    assert agreement.verdict is not None
    assert agreement.verdict.words() == mesh.ledger.reports[0]
    await mesh.stop()


async def test_member__comes_into_the_third_round__joins_it(tmp_path: Path) -> None:
    mesh = await started(tmp_path)
    await mesh.members[3].stop()
    silent = mesh.members[2].transport
    silent.send = lambda to, message: None  # type: ignore[method-assign]
    await mesh.end_slot(SLOT)
    readings = [mesh.reading(index, SLOT + 1, *energy) for index, energy in ENERGIES.items()]
    for member in mesh.members[:3]:
        member.council._open[KEY].round = 2
        for signed in readings:
            member.receive(signed)
    late = mesh.members[3] = Member(mesh, 3)
    late.store.set_next_slot(ZONE, SLOT)
    late.meters.restore(late.store.readings_since(0))
    late.start()
    await asyncio.sleep(0.01)
    for signed in readings:
        late.receive(signed)
    await until(lambda: settled(mesh))
    assert settled(mesh) == METERED
    await mesh.stop()


@pytest.mark.parametrize("skew", [-30, 30])
async def test_clock__one_member_is_30_s_off__slots_settle_as_metered(tmp_path: Path, skew: int) -> None:
    mesh = await started(tmp_path)
    skewed = mesh.members[report.leader_seat(SLOT, 0, 0, 4)]
    await skewed.stop()
    common, mesh.clock = mesh.clock, HandClock(mesh.clock.now() + skew)
    own, seat = mesh.clock, mesh.members.index(skewed)
    member = mesh.members[seat] = Member(mesh, seat)
    mesh.clock = common
    member.meters.restore(member.store.readings_since(0))
    member.start()
    await asyncio.sleep(0)
    for slot in (SLOT, SLOT + 1):
        await own.move_to((slot + 1) * 900 + skew)
        await mesh.end_slot(slot)
        mesh.tell(slot + 1, ENERGIES)
        await own.move_to((slot + 1) * 900 + 30 + skew)
        await until(lambda slot=slot: settled(mesh, slot))
        assert settled(mesh, slot) == METERED
    assert member.store.pledges.pledged("observation", Key(ZONE, SLOT + 1, 0), 0) is not None, "it takes part"
    await mesh.stop()


async def test_signer__replaced_in_mid_round__slot_settles_with_the_seats_as_they_are(tmp_path: Path) -> None:
    mesh = await started(tmp_path)
    leader, rotated = (report.leader_seat(SLOT, 0, 0, 4) + at for at in (0, 1))
    honest = mesh.members[leader].council.on_message
    seen: list[Message] = []

    def rotate_at_the_first_vote(message: Message) -> None:
        if isinstance(message, Vote) and not seen:
            seen.append(message)
            seats = list(mesh.ledger.seats)
            seats[rotated] = crypto.own_address(private_key("a new signer"))
            mesh.ledger.seats = tuple(seats)
        honest(message)

    mesh.members[leader].transport.on_message = rotate_at_the_first_vote
    await mesh.end_slot(SLOT)
    mesh.tell(SLOT + 1, ENERGIES)
    await until(lambda: settled(mesh))
    assert seen
    assert settled(mesh) == METERED
    assert "signatures" not in mesh.ledger.refused
    await mesh.stop()
