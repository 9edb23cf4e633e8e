"""Agreement of nodes in one process: every fault an operator can have, and what settles in spite of it."""

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from net8_oracle import crypto
from net8_oracle.node import report
from net8_oracle.node.agreement import Agreement
from net8_oracle.node.envelopes import Key, Message, Observation, Proposal, Vote, observation_digest
from net8_oracle.node.pledges import Pledge, Pledges
from net8_oracle.node.world import Timing

from tests.oracle_node.mesh import REGISTRY_DOMAIN, SLOT, TIMING, ZONE, Member, Mesh, shift_exports

pytestmark = pytest.mark.prompt

ENERGIES = {1: (500, 0), 2: (0, 300), 3: (20, 10)}
SETTLED = {(SLOT, 1): (500, 0), (SLOT, 2): (0, 0), (SLOT, 3): (20, 0)}


@pytest.fixture
async def mesh(tmp_path: Path) -> AsyncIterator[Mesh]:
    """Four operators and three sites at the start of SLOT."""
    mesh = Mesh(tmp_path)
    await mesh.start()
    yield mesh
    await mesh.stop()


async def run_slot(mesh: Mesh, slot: int = SLOT, members: list[Member] | None = None) -> None:
    await mesh.end_slot(slot)
    mesh.tell(slot + 1, ENERGIES, members)
    await mesh.until_settled(slot)


def told(member: Member) -> list[tuple[bytes | None, Message]]:
    """What a member says from now on, and to whom; None: to everybody."""
    said: list[tuple[bytes | None, Message]] = []
    send, broadcast = member.transport.send, member.transport.broadcast
    member.transport.send = lambda to, message: (said.append((to, message)), send(to, message))  # type: ignore
    member.transport.broadcast = lambda message: (said.append((None, message)), broadcast(message))  # type: ignore
    return said


def start_again(mesh: Mesh, seat: int) -> None:
    """A member that was stopped, with what it had stored."""
    mesh.members[seat] = Member(mesh, seat)
    mesh.members[seat].meters.restore(mesh.members[seat].store.readings_since(0))
    mesh.members[seat].start()


async def test_slot__all_up__one_report_by_the_leader(mesh: Mesh) -> None:
    await run_slot(mesh)
    assert mesh.ledger.settled == SETTLED
    assert [len(member.transmitter.submitted) for member in mesh.members] == [1, 0, 0, 0]
    assert len(mesh.ledger.reports) == 1


async def test_observations__shown_by_the_proposal__only_the_leader_is_told(mesh: Mesh) -> None:
    said = [told(member) for member in mesh.members]
    await run_slot(mesh)
    await asyncio.sleep(TIMING.round)
    leader = crypto.own_address(mesh.keys[0])
    observations = [[to for to, one in mine if isinstance(one, Observation)] for mine in said]
    assert observations == [[], [leader], [leader], [leader]]


async def test_observations__no_proposal_shows_them__everybody_is_told(mesh: Mesh) -> None:
    said = told(mesh.members[2])
    for mute in ("broadcast", "send"):
        setattr(mesh.members[0].transport, mute, lambda *_: None)
    await run_slot(mesh)
    first, second, *_ = [(to, one.round) for to, one in said if isinstance(one, Observation)]
    assert first == (crypto.own_address(mesh.keys[0]), 0)
    assert second == (None, 0)


async def test_slots__one_after_another__leaders_rotate(mesh: Mesh) -> None:
    for slot in range(SLOT, SLOT + 4):
        await run_slot(mesh, slot)
    assert [len(member.transmitter.submitted) for member in mesh.members] == [1, 1, 1, 1]


async def test_import__above_what_was_bought__capped(mesh: Mesh) -> None:
    mesh.ledger.purchases = {(SLOT, 2): 120, (SLOT, 3): 400}
    await run_slot(mesh)
    assert mesh.ledger.settled[SLOT, 2] == (0, 120)
    assert mesh.ledger.settled[SLOT, 3] == (20, 10)


@pytest.mark.parametrize("seat", [0, 1])
async def test_slots__one_member_gone__all_settle(mesh: Mesh, seat: int) -> None:
    await mesh.members[seat].stop()
    rest = [member for member in mesh.members if member is not mesh.members[seat]]
    for slot in range(SLOT, SLOT + 4):
        await run_slot(mesh, slot, rest)
    assert mesh.ledger.settled[SLOT + 3, 1] == (500, 0)
    mesh.members.pop(seat)


async def test_leader__silent_but_reachable__next_one_takes_over(mesh: Mesh) -> None:
    mesh.members[0].transport.broadcast = lambda message: None  # type: ignore[method-assign]
    mesh.members[0].transport.send = lambda to, message: None  # type: ignore[method-assign]
    await run_slot(mesh)
    assert mesh.ledger.settled == SETTLED
    assert mesh.members[1].transmitter.submitted == [Key(ZONE, SLOT, 0)]


async def test_leader__cannot_reach_the_chain__another_submits_the_same_report(mesh: Mesh) -> None:
    mesh.members[0].transmitter.works.clear()
    await run_slot(mesh)
    assert mesh.members[0].transmitter.submitted
    assert mesh.members[1].transmitter.submitted
    assert len(mesh.ledger.reports) == 1
    mesh.members[0].transmitter.works.set()


async def test_liar__shifts_exports__median_is_the_metered(mesh: Mesh, monkeypatch: pytest.MonkeyPatch) -> None:
    shift_exports(monkeypatch, [mesh.members[2]])
    for slot in range(SLOT, SLOT + 4):
        await run_slot(mesh, slot)
        assert mesh.ledger.settled[slot, 1] == (500, 0)


async def test_liars__two_of_four__nothing_settles(mesh: Mesh, monkeypatch: pytest.MonkeyPatch) -> None:
    shift_exports(monkeypatch, mesh.members[:2])
    await mesh.end_slot(SLOT)
    mesh.tell(SLOT + 1, ENERGIES)
    await asyncio.sleep(0.6)  # two rounds' time
    assert mesh.ledger.settled == {}


async def test_leader__proposes_what_does_not_follow__refused_and_replaced(
    mesh: Mesh, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    honest = Agreement._derive

    async def forged(self: Agreement, round_: int, observations: list[list[int]]) -> object:
        if self._world is mesh.members[0].council:
            observations = [[word + 900 for word in words] for words in observations]
        return await honest(self, round_, observations)

    monkeypatch.setattr(Agreement, "_derive", forged)
    with caplog.at_level(logging.WARNING):
        await run_slot(mesh)
    assert mesh.ledger.settled == SETTLED
    assert any(
        "does not follow" in str(record.net8_fields) for record in caplog.records if "net8_fields" in vars(record)
    )


async def test_reading__missing_everywhere__site_settles_without_reading(mesh: Mesh) -> None:
    await mesh.end_slot(SLOT)
    mesh.tell(SLOT + 1, {1: (500, 0), 2: (0, 300)})
    await mesh.until_settled(SLOT)
    assert mesh.ledger.settled == {(SLOT, 1): (500, 0), (SLOT, 2): (0, 0), (SLOT, 3): None}


async def test_reading__missing_at_one_member__settles_as_metered(mesh: Mesh) -> None:
    await mesh.end_slot(SLOT)
    mesh.tell(SLOT + 1, {1: (500, 0), 2: (0, 300)})
    mesh.tell(SLOT + 1, {3: (20, 10)}, mesh.members[:3])
    await mesh.until_settled(SLOT)
    assert mesh.ledger.settled == SETTLED


async def test_readings__one_member_has_them_long_before_the_others__all_meet_in_one_round(mesh: Mesh) -> None:
    await mesh.members.pop().stop()
    await mesh.end_slot(SLOT)
    readings = [mesh.reading(index, SLOT + 1, *energy) for index, energy in ENERGIES.items()]
    for pause, member in zip((2.0, 0.5, 0.0), mesh.members, strict=True):
        for signed in readings:
            member.receive(signed)
        await asyncio.sleep(pause)
    await mesh.until_settled(SLOT, 5)
    assert mesh.ledger.settled == SETTLED


async def test_readings__none_anywhere__nothing_is_reported(mesh: Mesh) -> None:
    await mesh.end_slot(SLOT)
    await asyncio.sleep(1.0)
    assert mesh.ledger.reports == []
    assert all(not agreement.observing for member in mesh.members for agreement in member.council.in_progress())


async def test_slots__several_in_flight__all_settle_in_order(mesh: Mesh) -> None:
    for slot in range(SLOT, SLOT + 6):
        await mesh.end_slot(slot)
        mesh.tell(slot + 1, ENERGIES)
    await mesh.until_settled(SLOT + 5)
    assert [entries[0] >> 192 for entries in mesh.ledger.reports] == sorted(
        entries[0] >> 192 for entries in mesh.ledger.reports
    )
    assert len(mesh.ledger.reports) == 6


async def test_signer__without_seat__signs_nothing(mesh: Mesh) -> None:
    outsider = mesh.members[3]
    mesh.ledger.seats = (*mesh.ledger.seats[:3], b"\x01" * 20)
    await run_slot(mesh)
    assert mesh.ledger.settled == SETTLED
    assert outsider.store.pledges.pledged("observation", Key(ZONE, SLOT, 0), 0) is None
    assert outsider.store.pledges.pledged("vote", Key(ZONE, SLOT, 0), 0) is None


async def test_member__restarted__reads_what_it_had_and_goes_on(mesh: Mesh) -> None:
    await run_slot(mesh)
    await mesh.members[1].stop()
    start_again(mesh, 1)
    await asyncio.sleep(0)
    for slot in range(SLOT + 1, SLOT + 5):
        await run_slot(mesh, slot)
    assert mesh.members[1].transmitter.submitted


async def test_members__stopped_before_anything_settled__slots_of_their_absence_settle(mesh: Mesh) -> None:
    away = 1, 2  # without them there is no quorum
    for seat in away:
        await mesh.members[seat].stop()
    for slot in range(SLOT, SLOT + 3):
        await mesh.end_slot(slot)
        mesh.tell(slot + 1, ENERGIES, [mesh.members[0], mesh.members[3]])
    assert not mesh.ledger.settled
    for seat in away:
        start_again(mesh, seat)
        for signed in mesh.members[0].store.readings_since(0):
            mesh.members[seat].receive(signed)
    for slot in range(SLOT, SLOT + 3):
        await mesh.until_settled(slot)
        assert mesh.ledger.settled[slot, 1] == (500, 0)


async def test_slot__round_of_the_one_before_is_under_way__prepared_behind_it_but_within_a_second(mesh: Mesh) -> None:
    member, upcoming = mesh.members[0], Key(ZONE, SLOT + 1, 0)
    asked: list[Key] = []
    member.view.prefetch = asked.append  # type: ignore[method-assign]
    for seat in (1, 2):  # without them there is no quorum
        await mesh.members[seat].stop()
    await mesh.end_slot(SLOT)
    mesh.tell(SLOT + 1, ENERGIES, [mesh.members[0], mesh.members[3]])
    await asyncio.sleep(0.9)
    assert upcoming not in asked
    assert upcoming.slot not in member.store.pledges._ours[ZONE]
    await asyncio.sleep(0.3)
    assert asked.count(upcoming) == 1
    assert upcoming.slot in member.store.pledges._ours[ZONE]


async def test_member__signed_before_a_restart__never_signs_anything_else(mesh: Mesh) -> None:
    member, key = mesh.members[1], Key(ZONE, SLOT, 0)
    earlier = [report.no_reading(index) for index in (1, 2, 3)]
    digest = observation_digest(REGISTRY_DOMAIN, key, 0, earlier)
    member.store.pledges.pledge("observation", key, 0, Pledge(digest, b"".join(word.to_bytes(32) for word in earlier)))
    member.store.pledges.pledge("vote", key, 0, Pledge(b"\x07" * 32, b""))
    said = told(member)
    await run_slot(mesh)
    assert [one.readings for _, one in said if isinstance(one, Observation)] == [earlier]
    assert member.store.pledges.pledged("vote", key, 0) == Pledge(b"\x07" * 32, b"")
    assert mesh.ledger.settled == SETTLED


@pytest.mark.parametrize("ends", ["killed", "in good order"])
async def test_member__stopped_after_it_has_signed__leaves_the_first_round_alone(
    mesh: Mesh, monkeypatch: pytest.MonkeyPatch, ends: str
) -> None:
    """It cannot know what it signed, and has other readings now."""
    if ends == "killed":
        monkeypatch.setattr(Pledges, "give_back", lambda self: None)
    said = await stop_one_that_has_signed(mesh)
    assert {one.round for one in said if isinstance(one, Observation | Proposal | Vote)} == {1}
    assert mesh.ledger.settled == SETTLED


async def test_member__stopped_after_it_has_signed__reserves_nothing__signs_twice(
    mesh: Mesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The test above fails without the defence."""
    monkeypatch.setattr(Pledges, "_taken", lambda self, connection, zone: -1)
    said = await stop_one_that_has_signed(mesh)
    assert 0 in {one.round for one in said if isinstance(one, Observation | Proposal | Vote)}


async def stop_one_that_has_signed(mesh: Mesh) -> list[Message]:
    """What the leader of a slot says after a restart in the middle of its first round, until the slot has settled."""
    seat = report.leader_seat(SLOT, 0, 0, 4)
    await mesh.end_slot(SLOT)
    mesh.tell(SLOT + 1, ENERGIES, [mesh.members[seat]])
    (agreement,) = mesh.members[seat].council.in_progress()
    assert agreement._observed[0], "it has signed"
    await mesh.members[seat].stop()
    start_again(mesh, seat)
    said = told(mesh.members[seat])
    await asyncio.sleep(0)
    others = [member for member in mesh.members if member is not mesh.members[seat]]
    for signed in mesh.members[seat].store.readings_since(0):
        for member in others:
            member.receive(signed)
    await mesh.until_settled(SLOT)
    return [message for _, message in said]


async def test_operator__signs_two_observations_in_a_round__counted_and_first_one_holds(mesh: Mesh) -> None:
    key = Key(ZONE, SLOT, 0)
    member = mesh.members[0]
    await mesh.end_slot(SLOT)
    for shift in (0, 5):
        words = [report.reading_word(1, 100 + shift, 0)]
        signature = crypto.sign(mesh.keys[3], observation_digest(REGISTRY_DOMAIN, key, 0, words))
        member.council.on_message(Observation(**key._asdict(), round=0, readings=words, signature=signature))
    assert "equivocations" in member.council._metrics.text().decode()


def show_to_everybody(member: Member, everybody: list[bytes]) -> None:
    """Whatever carries this member's messages shows each to all."""
    deliver = member.transport.send

    def send(to: bytes, message: Message) -> None:
        for signer in everybody:
            deliver(signer, message)

    member.transport.send = send  # type: ignore[method-assign]


async def test_vote__shown_to_who_does_not_lead__not_counted(mesh: Mesh) -> None:
    for member in mesh.members:
        show_to_everybody(member, [crypto.own_address(key) for key in mesh.keys])
    await run_slot(mesh)
    assert mesh.ledger.settled == SETTLED
    assert [len(member.transmitter.submitted) for member in mesh.members] == [1, 0, 0, 0]


async def test_envelopes__of_strangers__refused(mesh: Mesh) -> None:
    key, member = Key(ZONE, SLOT, 0), mesh.members[0]
    await mesh.end_slot(SLOT)
    words = [report.reading_word(1, 1, 0)]
    stranger = crypto.sign(mesh.ledger.meters[1], observation_digest(REGISTRY_DOMAIN, key, 0, words))
    member.council.on_message(Observation(**key._asdict(), round=0, readings=words, signature=stranger))
    member.council.on_message(Observation(**key._asdict(), round=0, readings=words, signature=b"\x00" * 65))
    assert member.council._metrics.text().decode().count('event="envelopes_refused"} 2.0') == 1
    mesh.tell(SLOT + 1, ENERGIES)
    member.council.on_message(Vote(**key._asdict(), round=0, report=b"\x01" * 32, signature=stranger))
    await mesh.until_settled(SLOT)
    assert mesh.ledger.settled == SETTLED


async def test_zone__more_than_128_sites__one_report_for_each_part(tmp_path: Path) -> None:
    mesh = Mesh(tmp_path, sites=300, timing=Timing(patience=10, round=5, settle=5, linger=0.01))
    await mesh.start()
    await mesh.end_slot(SLOT)
    mesh.tell(SLOT + 1, {index: (index, 0) for index in mesh.ledger.meters})
    async with asyncio.timeout(20):
        while len(mesh.ledger.settled) < 300:  # noqa: ASYNC110 - the ledger is plain
            await asyncio.sleep(0.01)
    assert sorted(len(entries) for entries in mesh.ledger.reports) == [44, 128, 128]
    assert all(mesh.ledger.settled[SLOT, index] == (index, 0) for index in mesh.ledger.meters)
    await mesh.stop()


@pytest.mark.parametrize(("operators", "gone"), [(7, 2), (31, 10)])
async def test_zone__a_third_of_many_operators_gone__settles(tmp_path: Path, operators: int, gone: int) -> None:
    mesh = Mesh(tmp_path, operators=operators, timing=Timing(patience=30, round=5, settle=20, linger=0.05))
    await mesh.start()
    for member in mesh.members[:gone]:
        await member.stop()
    mesh.members = mesh.members[gone:]
    await mesh.end_slot(SLOT)
    mesh.tell(SLOT + 1, ENERGIES)
    await mesh.until_settled(SLOT, 60)
    assert mesh.ledger.settled == SETTLED
    await mesh.stop()
