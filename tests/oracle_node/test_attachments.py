"""Which records of meters go along with a report: good ones alone, and none that could hold it back."""

import asyncio
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from net8.contracts import Call, Records
from net8.errors import RecordRefused
from net8.model import MeterCurve, MeterKey
from net8_oracle import crypto
from net8_oracle.node.attachments import Attachments
from net8_oracle.node.envelopes import Key
from net8_oracle.node.meters import Acceptance, Meters, RegisteredSite
from net8_oracle.reading import Reading, SignedReading
from net8_oracle.rpc import RpcUnreachable
from net8_oracle.wire import WireReading
from pydantic import ValidationError

from tests.oracle_node.frames import ocmf
from tests.oracle_node.mesh import METER_DOMAIN, ZONE, private_key

ADDRESS = "0x" + "77" * 20
SLOT = 2_000_000
METER = private_key("meter")
K1 = ec.derive_private_key(31, ec.SECP256K1())
NUMBERS = K1.public_key().public_numbers()
KEY = MeterKey(MeterCurve.SECP256K1, NUMBERS.x.to_bytes(32), NUMBERS.y.to_bytes(32))
SITES = [ZONE << 16 | index for index in (1, 2, 3)]


class Answers:
    """What the chain says to questions about records."""

    def __init__(self) -> None:
        self.keys = dict.fromkeys(SITES, KEY)
        self.known: set[tuple[int, int]] = set()
        self.refused: set[int] = set()
        self.silent = False

    def sites_of(self, zone: int, part: int) -> list[RegisteredSite]:
        return [RegisteredSite(site, bytes(20), 50_000, 0) for site in SITES]

    async def read(self, call: Call[Any]) -> Any:
        if self.silent:
            raise RpcUnreachable("nobody answers")
        arguments = call.data[4:]
        site = int.from_bytes(arguments[:32])
        if call.label.endswith("meter_key"):
            return self.keys[site]
        if call.label.endswith("register_at"):
            return (7, 1) if (site, int.from_bytes(arguments[32:64])) in self.known else (0, 0)
        if any(site.to_bytes(32) in arguments for site in self.refused):
            raise RecordRefused("record: signed by another", call.label)
        return None


@pytest.fixture
def answers() -> Answers:
    return Answers()


@pytest.fixture
def meters() -> Meters:
    return Meters(METER_DOMAIN, lambda site: RegisteredSite(site, crypto.own_address(METER), 50_000, 0))


def text(boundary: int, exported: int, **changes: Any) -> str:
    return ocmf(K1, exported=f"{exported / 1000:.3f}", time=boundary * 900, page=f"T{boundary}", **changes).decode()


def read(meters: Meters, site: int, boundary: int, exported: int, record: str) -> Acceptance:
    reading = Reading(site, boundary * 900, 0, exported, 0, boundary)
    return meters.accept(SignedReading.make(reading, METER_DOMAIN, METER, 0, record), boundary * 900)[0]


async def attached(answers: Answers, meters: Meters, most: int = 32) -> list[tuple[int, int]]:
    """(site, time) of the records that go along, by their order."""
    found = await Attachments(answers, Records(ADDRESS), meters).of(Key(ZONE, SLOT, 0), most)
    return [(one.site, SLOT if f'"T{SLOT}"'.encode() in one.json else SLOT + 1) for one in found]


async def test_of__records_at_both_ends__those_new_to_the_chain(answers: Answers, meters: Meters) -> None:
    for boundary, exported in ((SLOT, 789), (SLOT + 1, 2_289)):
        assert read(meters, SITES[0], boundary, exported, text(boundary, exported)) is Acceptance.NEW
    assert await attached(answers, meters) == [(SITES[0], SLOT), (SITES[0], SLOT + 1)]
    answers.known = {(SITES[0], SLOT)}
    assert await attached(answers, meters) == [(SITES[0], SLOT + 1)]
    answers.known |= {(SITES[0], SLOT + 1)}
    assert await attached(answers, meters) == []


@pytest.mark.parametrize(
    "record",
    [
        "OCMF|{}|" + "[" * 2_030, 'OCMF|{"RD":[{"a":' + "[" * 1_000, "anything",
        text(SLOT + 1, 2_290), text(SLOT, 2_289),
        text(SLOT + 1, 2_289).replace("kWh", "MWh"), text(SLOT + 1, 2_289).replace('"T', '"Z'),
    ],
    ids=["brackets", "brackets in a register", "no record", "other energy", "other time", "no unit", "no time"],
)  # fmt: skip
async def test_of__one_record_is_not_of_its_reading_or_nonsense__the_others_go_along(
    answers: Answers, meters: Meters, record: str
) -> None:
    read(meters, SITES[0], SLOT + 1, 2_289, record)
    read(meters, SITES[1], SLOT + 1, 5, text(SLOT + 1, 5))
    assert await attached(answers, meters) == [(SITES[1], SLOT + 1)]


async def test_of__chain_refuses_one_or_knows_no_key__the_others_go_along(answers: Answers, meters: Meters) -> None:
    for site in SITES:
        read(meters, site, SLOT + 1, 5, text(SLOT + 1, 5))
    answers.refused = {SITES[0]}
    answers.keys[SITES[2]] = MeterKey(MeterCurve.NONE, bytes(32), bytes(32))
    assert await attached(answers, meters) == [(SITES[1], SLOT + 1)]


async def test_of__no_room_or_chain_silent__none(answers: Answers, meters: Meters) -> None:
    for site in SITES:
        read(meters, site, SLOT + 1, 5, text(SLOT + 1, 5))
    assert await attached(answers, meters, most=0) == []
    assert len(await attached(answers, meters, most=2)) == 2
    answers.silent = True
    assert await attached(answers, meters) == []


async def test_of__chain_answers_too_late__none(
    answers: Answers, meters: Meters, monkeypatch: pytest.MonkeyPatch
) -> None:
    read(meters, SITES[0], SLOT + 1, 5, text(SLOT + 1, 5))

    async def never(call: Call[Any]) -> Any:
        await asyncio.sleep(60)

    monkeypatch.setattr(answers, "read", never)
    monkeypatch.setattr("net8_oracle.node.attachments._PATIENCE", 0.05)
    assert await attached(answers, meters) == []


async def test_of__reading_came_without_its_record_first__taken_up_from_the_next_copy(
    answers: Answers, meters: Meters
) -> None:
    assert read(meters, SITES[0], SLOT + 1, 5, "") is Acceptance.NEW
    assert read(meters, SITES[0], SLOT + 1, 5, text(SLOT + 1, 5)) is Acceptance.KNOWN
    assert await attached(answers, meters) == [(SITES[0], SLOT + 1)]


@pytest.mark.parametrize("record", ["\x00", "é", "OCMF|\n", "x" * 2_049])
def test_wire__record_that_is_not_plain_text_or_too_long__refused(record: str) -> None:
    good = WireReading(
        site=1, taken_at=0, import_wh=0, export_wh=0, epoch=0, sequence=1, signature=b"", record="OCMF|{}|{}"
    )
    with pytest.raises(ValidationError):
        WireReading(**{**good.model_dump(), "signature": b"", "record": record})
