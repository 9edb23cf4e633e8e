"""Readings: what is signed, what may follow what, and what a node takes up."""

import dataclasses

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data
from net8_oracle import crypto
from net8_oracle.node.meters import Acceptance, Meters, RegisteredSite
from net8_oracle.reading import BOUNDARY_TOLERANCE, Reading, ReadingRefused, SignedReading, boundary_of

from tests.oracle_node.mesh import METER_DOMAIN, private_key

SITE = 1 << 16 | 1
METER = private_key("meter")
START = 2_000_000 * 900


def reading(**changes: int) -> Reading:
    values = {"site": SITE, "taken_at": START, "import_wh": 100, "export_wh": 200, "epoch": 0, "sequence": 1}
    return Reading(**(values | changes))


def signed(**changes: int) -> SignedReading:
    return SignedReading.make(reading(**changes), METER_DOMAIN, METER, 5)


@pytest.fixture
def meters() -> Meters:
    """Knows one site of 40 kW: at most 10 kWh in a slot."""
    site = RegisteredSite(SITE, crypto.own_address(METER), 40_000, 0)
    meters = Meters(METER_DOMAIN, {SITE: site}.get)
    assert meters.accept(signed(), START) == (Acceptance.NEW, START // 900)
    return meters


def test_digest__compared_with_eth_account__same_signer() -> None:
    one = signed()
    fields = ("site", "taken_at", "import_wh", "export_wh", "epoch", "sequence")
    message = {
        "types": {
            "EIP712Domain": [
                {"name": "name", "type": "string"},
                {"name": "version", "type": "string"},
                {"name": "chainId", "type": "uint256"},
                {"name": "verifyingContract", "type": "address"},
            ],
            "Reading": [{"name": name, "type": "uint256"} for name in fields],
        },
        "primaryType": "Reading",
        "domain": {"name": "NET8 Meter", "version": "1", "chainId": 31337, "verifyingContract": METER_DOMAIN.contract},
        "message": dataclasses.asdict(one.reading),
    }
    recovered = Account.recover_message(encode_typed_data(full_message=message), signature=one.signature)
    assert recovered == crypto.address_text(crypto.own_address(METER))


def test_since__later_reading__difference_of_registers() -> None:
    assert reading(taken_at=START + 900, import_wh=130, export_wh=250, sequence=2).since(reading()) == (30, 50)


@pytest.mark.parametrize("changes", [{"import_wh": 99}, {"export_wh": 0}, {"taken_at": START - 1}, {"taken_at": START}])
def test_since__register_or_clock_runs_backwards__refused(changes: dict[str, int]) -> None:
    later = {"taken_at": START + 900, "sequence": 2} | changes
    with pytest.raises(ReadingRefused, match="ran backwards"):
        reading(**later).since(reading())


def test_since__meter_replaced_in_between__refused() -> None:
    with pytest.raises(ReadingRefused, match="epoch went from 0 to 1"):
        reading(taken_at=START + 900, epoch=1, sequence=2).since(reading())


def test_boundary__within_and_beyond_tolerance() -> None:
    assert boundary_of(START + BOUNDARY_TOLERANCE) == START // 900
    assert boundary_of(START + BOUNDARY_TOLERANCE + 1) is None
    assert boundary_of(START - 1) is None


def test_accept__next_boundary__energy_of_the_slot(meters: Meters) -> None:
    assert meters.energy(SITE, START // 900) is None
    late = signed(taken_at=START + 910, import_wh=150, export_wh=2_200, sequence=2)
    assert meters.accept(late, START + 910) == (Acceptance.NEW, START // 900 + 1)
    assert meters.energy(SITE, START // 900) == (2_000, 50)
    assert meters.source_ns([SITE], START // 900) == 5


def test_accept__same_reading_again__known(meters: Meters) -> None:
    assert meters.accept(signed(), START)[0] is Acceptance.KNOWN
    meters.accept(signed(taken_at=START + 900, sequence=2), START + 900)
    assert meters.accept(signed(), START + 900)[0] is Acceptance.KNOWN


def test_accept__site_not_registered_yet__later(meters: Meters) -> None:
    assert meters.accept(signed(site=SITE + 1), START)[0] is Acceptance.LATER


def test_accept__from_the_future__later(meters: Meters) -> None:
    assert meters.accept(signed(taken_at=START + 1800, sequence=2), START)[0] is Acceptance.LATER


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"sequence": 1, "export_wh": 201}, "sequence 1 after 1"),
        ({"export_wh": 0}, "ran backwards"),
        ({"import_wh": 0}, "ran backwards"),
        ({"taken_at": START - 900}, "ran backwards"),
        ({"export_wh": 200 + 10_002}, "nameplate of 40000 W allows 10001"),
    ],
)
def test_accept__impossible_after_the_last_one__refused(meters: Meters, changes: dict[str, int], reason: str) -> None:
    values = {"taken_at": START + 900, "sequence": 2} | changes
    with pytest.raises(ReadingRefused, match=reason):
        meters.accept(signed(**values), START + 900)
    assert meters.energy(SITE, START // 900) is None


def test_accept__momentary_zero__refused_and_the_true_counter_goes_on(meters: Meters) -> None:
    with pytest.raises(ReadingRefused, match="ran backwards"):
        meters.accept(signed(taken_at=START + 900, import_wh=0, export_wh=0, sequence=2), START + 900)
    meters.accept(signed(taken_at=START + 901, export_wh=300, sequence=3), START + 901)
    assert meters.energy(SITE, START // 900) == (100, 0)


def test_accept__signed_by_another_key__refused(meters: Meters) -> None:
    attacker = SignedReading.make(reading(taken_at=START + 900, sequence=2), METER_DOMAIN, private_key("attacker"), 0)
    with pytest.raises(ReadingRefused, match="another key"):
        meters.accept(attacker, START + 900)


@pytest.mark.parametrize("signature", [b"", b"\x00" * 65, b"\xff" * 65, b"\x01" * 64 + b"\x05"])
def test_accept__signature_is_none__refused(meters: Meters, signature: bytes) -> None:
    broken = SignedReading(reading(taken_at=START + 900, sequence=2), signature, 0)
    with pytest.raises(ReadingRefused, match="check the gateway's keystore"):
        meters.accept(broken, START + 900)


def test_accept__meter_replaced__registers_restart_and_the_slot_has_no_reading(meters: Meters) -> None:
    meters.accept(signed(taken_at=START + 900, import_wh=0, export_wh=0, epoch=1, sequence=2), START + 900)
    assert meters.energy(SITE, START // 900) is None
    meters.accept(signed(taken_at=START + 1800, import_wh=7, export_wh=0, epoch=1, sequence=3), START + 1800)
    assert meters.energy(SITE, START // 900 + 1) == (0, 7)


def test_restore__after_restart__same_energies(meters: Meters) -> None:
    readings = [signed(), signed(taken_at=START + 900, export_wh=260, sequence=2)]
    again = Meters(METER_DOMAIN, lambda site: None)
    again.restore(readings)
    assert again.energy(SITE, START // 900) == (60, 0)
