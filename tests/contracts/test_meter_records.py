"""MeterRecords: what a meter signed by itself confirms what its operators reported, and nothing else does."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from itertools import count
from pathlib import Path
from typing import Any

import boa
import pytest
from boa.vm.py_evm import deregister_raw_precompile, register_raw_precompile
from coincurve import PublicKey
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from eth_account.signers.local import LocalAccount
from hypothesis import HealthCheck, example, given, settings
from hypothesis.strategies import dates, integers, sampled_from
from net8.model import MeterCurve, MeterKey, MeterRecord
from net8.signing import keccak256
from net8_oracle.node.records import RecordRefused, meter_record, shown

from tests.contracts.conftest import CONFIGURATION, HOUR, ISSUER, LOCATION, START, NewSite, Report
from tests.contracts.entries import entry, no_reading, packed
from tests.contracts.signing import person, sign_digest
from tests.oracle_node.frames import ocmf

K1 = ec.derive_private_key(31, ec.SECP256K1())
R1 = ec.derive_private_key(32, ec.SECP256R1())
P256 = "0x0000000000000000000000000000000000000100"
FIRST = HOUR * 4  # the first slot of the first hour
NO_KEY = (0, bytes(32), bytes(32))


def key_of(key: ec.EllipticCurvePrivateKey) -> MeterKey:
    numbers = key.public_key().public_numbers()
    curve = MeterCurve.SECP256K1 if key.curve.name == "secp256k1" else MeterCurve.SECP256R1
    return MeterKey(curve, numbers.x.to_bytes(32), numbers.y.to_bytes(32))


def words(key: MeterKey) -> tuple[int, bytes, bytes]:
    return int(key.curve), key.x, key.y


def record(site: int, boundary: int, wh: int, page: int, key: Any = K1, late: int = 0, **changes: Any) -> MeterRecord:
    """A record whose export register shows so many Wh at the start of a slot."""
    raw = ocmf(key, exported=f"{wh / 1000:.3f}", time=boundary * 900 + late, page=f"T{page}", **changes).decode()
    return meter_record(site, raw, key_of(key))


def brought(one: MeterRecord) -> tuple[Any, ...]:
    return one.site, one.json, one.places, (one.r.to_bytes(32), one.s.to_bytes(32), one.parity)


def signed(site: int, payload: str, places: tuple[int, ...] | None = None) -> tuple[Any, ...]:
    """A text that the meter signed, whatever it says, with the last place of each key, or with others."""
    r, s = utils.decode_dss_signature(K1.sign(payload.encode(), ec.ECDSA(hashes.SHA256())))
    found = places or tuple(payload.rindex(f'"{name}"') for name in ("PG", "TM", "RV", "RI", "RU", "ST"))
    digest = hashlib.sha256(payload.encode()).digest()
    raw = [r.to_bytes(32) + s.to_bytes(32) + bytes([parity]) for parity in (0, 1)]
    signers = [PublicKey.from_signature_and_message(one, digest, hasher=None).format(False)[1:] for one in raw]
    parity = signers.index(key_of(K1).x + key_of(K1).y)
    return site, payload.encode(), found, (r.to_bytes(32), s.to_bytes(32), parity)


@pytest.fixture
def site(new_site: NewSite, certificates: Any, meter_records: Any, registrar: str) -> int:
    """The producer's solar site with a meter that signs on secp256k1."""
    number = new_site(person("producer"))
    certificates.admit(number, LOCATION, CONFIGURATION, sender=registrar)
    meter_records.set_meter_key(number, words(key_of(K1)), sender=registrar)
    return number


@pytest.fixture
def settled(site: int, report: Report) -> int:
    """The first slot, in which 1,500 Wh were exported, and the site itself settled."""
    boa.env.evm.patch.timestamp = START + 3_600
    report([entry(site, HOUR, {0: 1_500, 1: 0, 2: 7})])
    return site


def logged(contract: Any, kind: str) -> list[Any]:
    return [log for log in contract.get_logs() if type(log).__name__ == kind]


# ---- confirming


def test_bring__both_ends_show_what_was_settled__confirmed_and_said_on_the_certificate(
    meter_records: Any, certificates: Any, settled: int, attacker: LocalAccount
) -> None:
    producer = person("producer").address
    certificates.mint(settled, HOUR, 1, producer, sender=producer)
    identifier = settled << 32 | HOUR
    assert certificates.certificate(identifier).assurance == 1
    for slot, wh in enumerate((789, 2_289, 2_289)):
        meter_records.bring([brought(record(settled, FIRST + slot, wh, 7 + slot))], sender=attacker.address)
    assert meter_records.register_at(settled, FIRST) == (7, 789)
    assert meter_records.confirmed_mask(settled, HOUR) == 0b011
    assert [meter_records.is_confirmed(settled, FIRST + slot) for slot in range(4)] == [True, True, False, False]
    assert not any(meter_records.is_confirmed(settled, FIRST + far) for far in (-256, -128, 128, 256))
    assert not meter_records.is_confirmed(settled + 1, FIRST)
    assert meter_records.register_at(settled + 1, FIRST) == (0, 0), "a neighbour's is another one"
    assert certificates.certificate(identifier).assurance == 1, "a minted slot is not confirmed yet"
    assert json.loads(certificates.metadata(identifier))["properties"]["assurance"] == "oracle quorum"
    meter_records.bring([brought(record(settled, FIRST + 3, 2_296, 11))])
    (log,) = logged(meter_records, "Confirmed")
    assert (log.site, log.slot) == (settled, FIRST + 2)
    assert meter_records.confirmed_mask(settled, HOUR) == 0b111
    assert certificates.certificate(identifier).assurance == 2
    assert json.loads(certificates.metadata(identifier))["properties"]["assurance"] == "meter record"


def test_certificate__nothing_minted_or_no_records_named__oracle_quorum(
    deploy: Any, exchange: Any, certificates: Any, meter_records: Any, settled: int, registrar: str
) -> None:
    assert certificates.certificate(settled << 32 | HOUR).assurance == 1
    alone = deploy("GreenCertificates", exchange, registrar, ISSUER)
    alone.admit(settled, LOCATION, CONFIGURATION, sender=registrar)
    producer = person("producer").address
    alone.mint(settled, HOUR, 1, producer, sender=producer)
    assert alone.certificate(settled << 32 | HOUR).assurance == 1


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2), (1, 2, 0)])
def test_bring__in_any_order__the_same_is_confirmed(meter_records: Any, settled: int, order: tuple[int, ...]) -> None:
    records = [brought(record(settled, FIRST + i, wh, 7 + i)) for i, wh in enumerate((789, 2_289, 2_289))]
    for i in order:
        meter_records.bring([records[i]])
    assert meter_records.confirmed_mask(settled, HOUR) == 0b011


def test_bring__thirty_two_records_in_a_call__and_no_more(meter_records: Any, settled: int) -> None:
    one = brought(record(settled, FIRST, 789, 7))
    with boa.reverts():
        meter_records.bring([one] * 33)
    meter_records.bring([one] * 32)
    assert meter_records.register_at(settled, FIRST) == (7, 789)


def test_bring__again__changes_nothing(meter_records: Any, settled: int) -> None:
    records = [brought(record(settled, FIRST + i, wh, 7 + i)) for i, wh in enumerate((789, 2_289))]
    meter_records.bring(records)
    meter_records.bring(records)
    assert not meter_records.get_logs()
    assert meter_records.confirmed_mask(settled, HOUR) == 1


@pytest.mark.parametrize("first", [0, 1])
def test_bring__two_records_at_one_boundary__the_lower_number_stands(
    meter_records: Any, settled: int, first: int
) -> None:
    both = record(settled, FIRST + 1, 2_289, 8), record(settled, FIRST + 1, 2_290, 9, late=60)
    meter_records.bring([brought(both[first]), brought(both[1 - first])])
    assert meter_records.register_at(settled, FIRST + 1) == (8, 2_289)
    meter_records.bring([brought(record(settled, FIRST, 789, 7))])
    assert meter_records.is_confirmed(settled, FIRST)


def test_report__with_records__settles_and_confirms_in_one_transaction(
    meter_records: Any, registry: Any, site: int, zone: int, seated: list[LocalAccount], attacker: LocalAccount
) -> None:
    boa.env.evm.patch.timestamp = START + 900
    words_ = packed([entry(site, HOUR, {0: 1_500})])
    signatures = sign_digest(registry.report_digest(zone, 3, words_), seated[:3])
    records = [brought(record(site, FIRST, 789, 7)), brought(record(site, FIRST + 1, 2_289, 8))]
    assert meter_records.report(zone, 3, words_, 0b111, signatures, records, sender=attacker.address) == 1
    assert meter_records.is_confirmed(site, FIRST)
    with boa.reverts("report: settles nothing"):
        meter_records.report(zone, 3, words_, 0b111, signatures, records, sender=attacker.address)


def test_confirm__records_came_before_the_settlement__confirmed_by_whoever_asks(
    meter_records: Any, site: int, report: Report, attacker: LocalAccount
) -> None:
    boa.env.evm.patch.timestamp = START + 900
    meter_records.bring([brought(record(site, FIRST, 789, 7)), brought(record(site, FIRST + 1, 2_289, 8))])
    assert not meter_records.confirm(site, FIRST)
    report([entry(site, HOUR, {0: 1_500})])
    assert meter_records.confirm(site, FIRST, sender=attacker.address)
    assert meter_records.is_confirmed(site, FIRST)
    assert meter_records.confirm(site, FIRST)
    assert not meter_records.get_logs(), "said once"


def test_bring__again_after_the_settlement__confirmed(meter_records: Any, site: int, report: Report) -> None:
    boa.env.evm.patch.timestamp = START + 900
    records = [brought(record(site, FIRST, 789, 7)), brought(record(site, FIRST + 1, 2_289, 8))]
    meter_records.bring(records)
    report([entry(site, HOUR, {0: 1_500})])
    meter_records.bring(records[1:])
    assert meter_records.is_confirmed(site, FIRST)


def test_confirm__settled_as_something_else_after_the_records_came__contradiction_is_logged(
    meter_records: Any, site: int, report: Report
) -> None:
    boa.env.evm.patch.timestamp = START + 900
    meter_records.bring([brought(record(site, FIRST, 789, 7)), brought(record(site, FIRST + 1, 2_289, 8))])
    report([entry(site, HOUR, {0: 9_000})])
    assert not meter_records.confirm(site, FIRST)
    (log,) = logged(meter_records, "Contradicted")
    assert (log.site, log.slot, log.settled_wh, log.recorded_wh) == (site, FIRST, 9_000, 1_500)


@pytest.mark.parametrize("beyond", [(2**48, 0), (2**246, 0), (0, 2**40)])
def test_confirm__no_such_site_or_slot__refused(meter_records: Any, settled: int, beyond: tuple[int, int]) -> None:
    with boa.reverts("record: no such slot"):
        meter_records.confirm(settled + beyond[0], FIRST + beyond[1])
    assert not meter_records.confirm(2**48 - 1, FIRST), "the last number a site can have"


def test_bring__two_registers_of_one_meter__show_no_energy_together(meter_records: Any, settled: int) -> None:
    def of(code: str, kilowatt_hours: str, boundary: int, page: str) -> tuple[Any, ...]:
        raw = ocmf(K1, exported=kilowatt_hours, time=boundary * 900, page=page).decode()
        return signed(settled, raw.split("|")[1].replace("1-0:2.8.0", code))

    for one, other in (
        ("1-0:2.8.0", "1-1:2.8.0"),
        ("1-0:2.8.0", "1-0:C0.8.0"),
        ("1-0:2.8.0", "1-0:2.8.e"),
        ("1-0:C0.8.0", "1-1:C0.8.0"),
    ):
        with boa.env.anchor():
            meter_records.bring([of(one, "0.789", FIRST, "T7"), of(other, "2.289", FIRST + 1, "T8")])
            assert not meter_records.is_confirmed(settled, FIRST)
            meter_records.bring([of(one, "2.289", FIRST + 1, "T7")])
            assert meter_records.register_at(settled, FIRST + 1) == (7, 2_289), "the lower number stands"
    meter_records.bring([of("1-0:2.8.0", "0.789", FIRST, "T7"), of("1-1:2.8.0", "0.001", FIRST, "T7")])
    assert meter_records.register_at(settled, FIRST) == (7, 789), "the one that came first stands"


def test_bring__transaction_begun_within_the_minute__the_earlier_record_stands(
    meter_records: Any, settled: int
) -> None:
    own = meter_record(settled, ocmf(K1, exported="0.789", time=FIRST * 900, page="F7").decode(), key_of(K1))
    later = brought(record(settled, FIRST, 790, 8, late=59))
    for order in ([brought(own), later], [later, brought(own)]):
        with boa.env.anchor():
            meter_records.bring(order)
            assert meter_records.register_at(settled, FIRST) == (1 << 64 | 7, 789)


def test_bring__key_replaced_between_two_records__they_show_no_energy_together(
    meter_records: Any, settled: int, registrar: str
) -> None:
    second = ec.derive_private_key(34, ec.SECP256K1())
    meter_records.bring([brought(record(settled, FIRST, 789, 7))])
    meter_records.set_meter_key(settled, words(key_of(second)), sender=registrar)
    meter_records.bring([brought(record(settled, FIRST + 1, 2_289, 8, key=second))])
    assert not meter_records.is_confirmed(settled, FIRST)
    meter_records.bring([brought(record(settled, FIRST, 789, 9, key=second))])
    assert meter_records.register_at(settled, FIRST) == (9, 789), "the new key's own stands"
    meter_records.bring([brought(record(settled, FIRST + 1, 2_289, 10, key=second))])
    assert not meter_records.is_confirmed(settled, FIRST), "its first record at the end has a lower number"


def test_confirm__key_taken_away_meanwhile__its_records_confirm_nothing(
    meter_records: Any, site: int, report: Report, registrar: str
) -> None:
    boa.env.evm.patch.timestamp = START + 900
    meter_records.bring([brought(record(site, FIRST, 789, 7)), brought(record(site, FIRST + 1, 2_289, 8))])
    meter_records.set_meter_key(site, NO_KEY, sender=registrar)
    report([entry(site, HOUR, {0: 1_500})])
    assert not meter_records.confirm(site, FIRST)


@pytest.mark.parametrize(("before", "after"), [(789, 2_288), (789, 2_290)])
def test_bring__energy_differs_from_what_was_settled__contradicted_and_not_confirmed(
    meter_records: Any, settled: int, before: int, after: int
) -> None:
    meter_records.bring([brought(record(settled, FIRST, before, 7)), brought(record(settled, FIRST + 1, after, 8))])
    (log,) = logged(meter_records, "Contradicted")
    assert (log.site, log.slot, log.settled_wh, log.recorded_wh) == (settled, FIRST, 1_500, after - before)
    assert not meter_records.is_confirmed(settled, FIRST)


@pytest.mark.parametrize(
    ("first", "second"),
    [((789, 8), (2_289, 8)), ((789, 9), (2_289, 8)), ((2_289, 7), (789, 8))],
    ids=["same number", "number went back", "register went back"],
)
def test_bring__counters_do_not_rise__not_confirmed(
    meter_records: Any, settled: int, first: tuple[int, int], second: tuple[int, int]
) -> None:
    meter_records.bring([brought(record(settled, FIRST, *first)), brought(record(settled, FIRST + 1, *second))])
    assert not logged(meter_records, "Contradicted")
    assert not meter_records.is_confirmed(settled, FIRST)


def test_bring__numbers_of_two_kinds__not_compared(meter_records: Any, settled: int) -> None:
    own = ocmf(K1, exported="2.289", time=(FIRST + 1) * 900, page="F8").decode()
    meter_records.bring([brought(record(settled, FIRST, 789, 7))])
    meter_records.bring([brought(meter_record(settled, own, key_of(K1)))])
    assert meter_records.register_at(settled, FIRST + 1) == (1 << 64 | 8, 2_289)
    start = ocmf(K1, exported="2.289", time=(FIRST + 2) * 900, page="T9").decode()
    meter_records.bring([brought(meter_record(settled, start, key_of(K1)))])
    assert meter_records.confirmed_mask(settled, HOUR) == 0, "neither F8 after T7 nor T9 after F8 shows energy"


def test_bring__settled_without_a_reading__not_confirmed(meter_records: Any, site: int, report: Report) -> None:
    boa.env.evm.patch.timestamp = START + 900
    report([no_reading(site, HOUR, 0b1)])
    meter_records.bring([brought(record(site, FIRST, 789, 7)), brought(record(site, FIRST + 1, 789, 8))])
    assert not meter_records.is_confirmed(site, FIRST)


def test_bring__a_boundary_42_days_later__takes_the_place_and_an_old_record_does_not_come_back(
    meter_records: Any, settled: int
) -> None:
    meter_records.bring([brought(record(settled, FIRST, 789, 7)), brought(record(settled, FIRST + 1, 2_289, 8))])
    boa.env.evm.patch.timestamp = (FIRST + 4_096) * 900
    meter_records.bring([brought(record(settled, FIRST + 4_096, 9_000, 99))])
    assert meter_records.register_at(settled, FIRST) == (0, 0)
    assert meter_records.register_at(settled, FIRST + 4_096) == (99, 9_000)
    meter_records.bring([brought(record(settled, FIRST, 789, 7))])
    assert meter_records.register_at(settled, FIRST + 4_096) == (99, 9_000)
    assert meter_records.is_confirmed(settled, FIRST), "what is confirmed stays so"


# ---- who signed


@pytest.mark.parametrize("high_s", [False, True])
def test_bring__either_form_of_a_signature__counts(meter_records: Any, settled: int, high_s: bool) -> None:
    meter_records.bring([brought(record(settled, FIRST, 789, 7, high_s=high_s))])
    assert meter_records.register_at(settled, FIRST) == (7, 789)


def test_bring__signed_by_another_or_changed__refused(meter_records: Any, settled: int, new_site: NewSite) -> None:
    other = ec.derive_private_key(33, ec.SECP256K1())
    with boa.reverts("record: signed by another"):
        meter_records.bring([brought(record(settled, FIRST, 789, 7, key=other))])
    good = brought(record(settled, FIRST, 789, 7))
    with boa.reverts("record: signed by another"):
        meter_records.bring([(good[0], good[1].replace(b"0.789", b"9.789"), *good[2:])])
    with boa.reverts("record: signed by another"):
        meter_records.bring([(*good[:3], (*good[3][:2], 1 - good[3][2]))])
    with boa.reverts("record: meter without key"):
        meter_records.bring([(new_site(person("neighbour")), *good[1:])])


@pytest.fixture
def p256() -> Iterator[None]:
    """The EVM of this test verifies P-256, as EIP-7951 says."""

    def verify(computation: Any) -> Any:
        data = bytes(computation.msg.data_as_bytes)
        digest, r, s, x, y = (data[i : i + 32] for i in range(0, 160, 32))
        numbers = ec.EllipticCurvePublicNumbers(int.from_bytes(x), int.from_bytes(y), ec.SECP256R1())
        signature = utils.encode_dss_signature(int.from_bytes(r), int.from_bytes(s))
        try:
            numbers.public_key().verify(signature, digest, ec.ECDSA(utils.Prehashed(hashes.SHA256())))
            computation.output = (1).to_bytes(32)
        except (InvalidSignature, ValueError):
            computation.output = b""
        return computation

    register_raw_precompile(P256, verify)
    yield
    deregister_raw_precompile(P256)


@pytest.mark.parametrize("high_s", [False, True])
def test_bring__meter_signs_on_secp256r1__counts_where_the_chain_verifies_it(
    p256: None, deploy: Any, registry: Any, certificates: Any, settled: int, registrar: str, high_s: bool
) -> None:
    here = deploy("MeterRecords", registry, certificates)
    assert here.has_p256()
    here.set_meter_key(settled, words(key_of(R1)), sender=registrar)
    here.bring([brought(record(settled, FIRST + i, 789 + 1_500 * i, 7 + i, key=R1, high_s=high_s)) for i in range(2)])
    assert here.is_confirmed(settled, FIRST)
    good = brought(record(settled, FIRST + 2, 789, 9, key=R1))
    with boa.reverts("record: signed by another"):
        here.bring([(good[0], good[1].replace(b"0.789", b"9.789"), *good[2:])])


@pytest.mark.parametrize("first_bit", [0, 1])
def test_bring__key_of_any_address__counts(meter_records: Any, settled: int, registrar: str, first_bit: int) -> None:
    def address(key: ec.EllipticCurvePrivateKey) -> int:
        return int.from_bytes(keccak256(key_of(key).x + key_of(key).y)[12:])

    keys = (ec.derive_private_key(number, ec.SECP256K1()) for number in count(100))
    key = next(one for one in keys if address(one) >> 159 == first_bit)
    meter_records.set_meter_key(settled, words(key_of(key)), sender=registrar)
    meter_records.bring([brought(record(settled, FIRST, 789, 7, key=key))])
    assert meter_records.register_at(settled, FIRST) == (7, 789)


def test_set_meter_key__chain_does_not_verify_the_curve__refused(meter_records: Any, site: int, registrar: str) -> None:
    assert not meter_records.has_p256()
    with boa.reverts("meter: curve not on this chain"):
        meter_records.set_meter_key(site, words(key_of(R1)), sender=registrar)


# ---- keys


def test_set_meter_key__registrar__named_replaced_and_taken_away(meter_records: Any, site: int, registrar: str) -> None:
    second = key_of(ec.derive_private_key(34, ec.SECP256K1()))
    meter_records.set_meter_key(site, words(second), sender=registrar)
    (log,) = logged(meter_records, "MeterKeySet")
    assert (log.site, log.curve, log.x, log.y) == (site, *words(second))
    assert tuple(meter_records.meter_key(site)) == words(second)
    with boa.reverts("record: signed by another"):
        meter_records.bring([brought(record(site, FIRST, 789, 7))])
    meter_records.set_meter_key(site, NO_KEY, sender=registrar)
    assert tuple(meter_records.meter_key(site)) == NO_KEY
    meter_records.set_meter_key(site, words(key_of(K1)), sender=registrar)
    assert tuple(meter_records.meter_key(site)) == words(key_of(K1)), "its own key may come back"


def test_set_meter_key__key_that_served_another_site__refused(
    meter_records: Any, site: int, new_site: NewSite, registrar: str
) -> None:
    other = new_site(person("neighbour"))
    meter_records.set_meter_key(site, NO_KEY, sender=registrar)
    with boa.reverts("meter: key of another site"):
        meter_records.set_meter_key(other, words(key_of(K1)), sender=registrar)


def test_set_meter_key__not_the_registrar__refused(
    meter_records: Any, certificates: Any, site: int, owner: str, attacker: LocalAccount, grid_operator: LocalAccount
) -> None:
    for caller in (owner, attacker.address, grid_operator.address):
        with boa.reverts("registrar: not you"):
            meter_records.set_meter_key(site, NO_KEY, sender=caller)
    certificates.set_registrar(grid_operator.address, sender=owner)
    with boa.reverts("registrar: is grid operator"):
        meter_records.set_meter_key(site, NO_KEY, sender=grid_operator.address)


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ((0, b"\x01" * 32, bytes(32)), "meter: key without curve"),
        ((0, bytes(32), b"\x01" * 32), "meter: key without curve"),
        ((3, b"\x01" * 32, b"\x01" * 32), "meter: no such curve"),
        ((1, bytes(32), b"\x01" * 32), "meter: no key"),
        ((1, b"\x01" * 32, bytes(32)), "meter: no key"),
    ],
)
def test_set_meter_key__impossible__refused(
    meter_records: Any, site: int, registrar: str, key: tuple[int, bytes, bytes], reason: str
) -> None:
    with boa.reverts(reason):
        meter_records.set_meter_key(site, key, sender=registrar)


def test_set_meter_key__no_such_site__refused(meter_records: Any, site: int, registrar: str) -> None:
    with boa.reverts("site: unknown"):
        meter_records.set_meter_key(site + 1, NO_KEY, sender=registrar)


# ---- what a record says


@pytest.mark.parametrize(
    ("now", "exported", "wh"),
    [
        ("2.8.0", "0.789", 789), ("C0.8.0", "12.3459", 12_345), ("2.8.0*255", "7", 7_000), ("02.08.00.FF", "0.0", 0),
        ("2.8.e", "1.", 1_000), ("2.8.0.00", "000000000012.5", 12_500),
    ],
)  # fmt: skip
def test_bring__codes_and_numbers_as_meters_write_them__read(
    meter_records: Any, settled: int, now: str, exported: str, wh: int
) -> None:
    raw = ocmf(K1, exported=exported, time=FIRST * 900).decode()
    payload = raw.split("|")[1].replace("1-0:2.8.0", f"1-0:{now}")
    meter_records.bring([signed(settled, payload)])
    assert meter_records.register_at(settled, FIRST) == (7, wh)


PAYLOAD = (
    '{"PG" : "T7","ID":"a \\"RV\\":9","RD":[{"TM":"2033-05-20T02:00:00,000+0200 S","RV":4.4,"RI":"1-0:1.8.0",'
    '"RU":"kWh","ST":"G"},{"RV":"   0.789","RI":"1-0:2.8.0","RU":"kWh","ST":"G"}]}'
)


def test_bring__time_stands_in_an_earlier_register__holds_for_the_later_one(meter_records: Any, settled: int) -> None:
    meter_records.bring([signed(settled, PAYLOAD)])
    assert meter_records.register_at(settled, FIRST) == (7, 789)


@pytest.mark.parametrize(
    ("now", "reason"),
    [
        ({'"ST":"G"}]': '"ST":"E"}]'}, "record: meter not well"),
        ({'"ST":"G"}]': '"ST":"GE"}]'}, "record: meter not well"),
        ({"2.8.0": "1.8.0"}, "record: no export register"),
        ({"2.8.0": "2.7.0"}, "record: no export register"),
        ({"2.8.0": "2.8.1"}, "record: no export register"),
        ({"1-0:2.8.0": "2-0:2.8.0"}, "record: no export register"),
        ({"1-0:2.8.0": "2.8.0"}, "record: no export register"),
        ({"2.8.0": "2.8.0*198"}, "record: no export register"),
        ({"2.8.0": "2.8.0.255.0"}, "record: no export register"),
        ({"1-0:2.8.0": "1-100:2.8.0"}, "record: no export register"),
        ({"2.8.0": "2.8.x"}, "record: bad register code"),
        ({"2.8.0": "2.8./"}, "record: bad register code"),
        ({"2.8.0": "2.8.@"}, "record: bad register code"),
        ({'"RU":"kWh","ST":"G"}]': '"RU":"kVARh","ST":"G"}]'}, "record: no unit of energy"),
        ({'"RU":"kWh","ST":"G"}]': '"RU":"kWhh","ST":"G"}]'}, "record: no unit of energy"),
        ({'"RU":"kWh","ST":"G"}]': '"RU":"Whh","ST":"G"}]'}, "record: no unit of energy"),
        ({"   0.789": "  -0.789"}, "record: no digit"),
        ({"   0.789": "  1e5"}, "record: no digit"),
        ({"   0.789": "  0.7.8"}, "record: no digit"),
        ({"   0.789": "  .78"}, "record: no digit"),
        ({"   0.789": ","}, "record: bad number"),
        ({"   0.789": "123456789012345678901"}, "record: bad number"),
        ({'"   0.789"': " " * 23 + "1"}, "record: no value"),
        ({"   0.789": "18446744073709552"}, "record: register too large"),
        ({"T7": "X7"}, "record: bad pagination"),
        ({"T7": "T"}, "record: bad pagination"),
        ({"T7": "T1234567890123456789"}, "record: bad pagination"),
        ({"T7": "T7a"}, "record: no digit"),
        ({" S": " U"}, "record: clock not set"),
        ({"000+0200": "000*0200"}, "record: bad time"),
        ({"2033-05-20T": "2033/05-20T"}, "record: bad time"),
        ({"2033-05-20T": "2033-05/20T"}, "record: bad time"),
        ({"2033-05-20T": "2033-05-20 "}, "record: bad time"),
        ({"00,000": "00.000"}, "record: bad time"),
        ({"2033-05-20": "1999-05-20"}, "record: bad time"),
        ({"2033-05-20": "2033-00-20"}, "record: bad time"),
        ({"2033-05-20": "2033-13-20"}, "record: bad time"),
        ({"2033-05-20": "2033-05-00"}, "record: bad time"),
        ({"2033-05-20": "2033-05-32"}, "record: bad time"),
        ({"T02:00:00": "T02:01:01"}, "record: not at a boundary"),
        ({"1-0:2.8.0": "0-0-1-0:2.8.0"}, "record: no export register"),
        ({"1-0:2.8.0": "0" * 15 + "1-0:2.8.0"}, "record: no export register"),
    ],
)
def test_bring__record_says_something_else__refused(
    meter_records: Any, settled: int, now: dict[str, str], reason: str
) -> None:
    payload = PAYLOAD
    for old, new in now.items():
        assert payload.count(old) >= 1
        payload = new.join(payload.rsplit(old, 1))
    with boa.reverts(reason):
        meter_records.bring([signed(settled, payload)])
    assert meter_records.register_at(settled, FIRST) == (0, 0)


@pytest.mark.parametrize(
    ("now", "page"),
    [
        ({"1-0:2.8.0": "1-FF:2.8.0"}, 7),
        ({"1-0:2.8.0": "1-AA:2.8.0"}, 7),
        ({"1-0:2.8.0": "0" * 14 + "1-0:2.8.0"}, 7),
        ({'"   0.789"': " " * 22 + "0.789"}, 7),
        ({"T7": "T1" + "0" * 16}, 10**16),
    ],
    ids=["last channel", "first letter", "longest code", "widest gap", "longest number"],
)
def test_bring__as_much_as_there_may_be__read(meter_records: Any, settled: int, now: dict[str, str], page: int) -> None:
    payload = PAYLOAD
    for old, new in now.items():
        payload = new.join(payload.rsplit(old, 1))
    meter_records.bring([signed(settled, payload)])
    assert meter_records.register_at(settled, FIRST) == (page, 789)


def test_bring__last_channel_and_a_key_named_twice__confirmed(meter_records: Any, settled: int, registrar: str) -> None:
    meter_records.set_meter_key(settled, words(key_of(K1)), sender=registrar)
    for slot, kilowatt_hours in enumerate(("0.789", "2.289")):
        raw = ocmf(K1, exported=kilowatt_hours, time=(FIRST + slot) * 900, page=f"T{7 + slot}").decode()
        meter_records.bring([signed(settled, raw.split("|")[1].replace("1-0:2.8.0", "1-FF:2.8.0"))])
    assert meter_records.is_confirmed(settled, FIRST)


def test_bring__largest_register_in_wh__read_to_the_last_one(meter_records: Any, settled: int) -> None:
    largest = PAYLOAD.replace("   0.789", "9999999999999999999").replace('"kWh","ST":"G"}]', '"Wh","ST":"G"}]')
    meter_records.bring([signed(settled, largest)])
    assert meter_records.register_at(settled, FIRST) == (7, 9_999_999_999_999_999_999)


def test_bring__ahead_of_the_chain__passed_over_until_its_time_has_come(meter_records: Any, settled: int) -> None:
    ahead = signed(settled, PAYLOAD.replace("T02:00:00", "T03:00:30"))
    for now in (0, 29):
        boa.env.evm.patch.timestamp = START + 3_600 + now
        meter_records.bring([ahead])
        assert meter_records.register_at(settled, FIRST + 4) == (0, 0)
    boa.env.evm.patch.timestamp = START + 3_630
    meter_records.bring([ahead])
    assert meter_records.register_at(settled, FIRST + 4) == (7, 789)


def places_of(payload: str, **others: int) -> tuple[int, ...]:
    found = {name: payload.rindex(f'"{name}"') for name in ("PG", "TM", "RV", "RI", "RU", "ST")}
    return tuple((found | others).values())


def test_bring__places_do_not_belong_together__refused(meter_records: Any, settled: int) -> None:
    """Whoever brings a record chooses the places: no choice makes the meter say what it did not."""
    for name in ("RV", "RU", "ST"):
        elsewhere = places_of(PAYLOAD, **{name: PAYLOAD.index(f'"{name}"', PAYLOAD.index('"RD"'))})
        with boa.reverts("record: keys of two registers"):
            meter_records.bring([signed(settled, PAYLOAD, elsewhere)])
    followed = PAYLOAD.replace('"ST":"G"}]', '"ST":"G"},{"RV":1,"RI":"1-0:2.8.0","RU":"kWh","ST":"G"}]')
    own = {name: followed.rindex(f'"{name}"', 0, followed.rindex(",{")) for name in ("RV", "RI", "RU", "ST")}
    for name in own:
        with boa.reverts("record: keys of two registers"):
            of_the_next = places_of(followed, **own | {name: followed.rindex(f'"{name}"')})
            meter_records.bring([signed(settled, followed, of_the_next)])
    with boa.reverts("record: key not there"):
        meter_records.bring([signed(settled, PAYLOAD, places_of(PAYLOAD, RV=PAYLOAD.rindex('"RV"') + 1))])
    with boa.reverts("record: key not there"):
        inside = PAYLOAD.index('RV\\"') - 1  # in somebody's name, where the quotes are escaped
        meter_records.bring([signed(settled, PAYLOAD, places_of(PAYLOAD, PG=inside))])
    for beyond in (len(PAYLOAD) + 1, 2**256 - 1):
        with boa.reverts("record: key not there"):
            meter_records.bring([signed(settled, PAYLOAD, places_of(PAYLOAD, PG=beyond))])
    for name in ("TM", "ST"):
        for beyond in (1_024, 2**255):
            with boa.reverts("record: key not there"):
                meter_records.bring([signed(settled, PAYLOAD, places_of(PAYLOAD, **{name: beyond}))])
    wide = PAYLOAD.replace('"RI":"1-0:2.8.0"', '"RI":"1-0:2.8.0","XX":"' + 512 * "x" + '"')
    with boa.reverts("record: keys too far apart"):
        meter_records.bring([signed(settled, wide)])


def test_bring__brace_that_closes_the_register__looked_for_in_512_bytes(meter_records: Any, settled: int) -> None:
    def reaching(span: int) -> str:
        """A payload with so many bytes from its time to that brace, the brace included."""
        missing = span - (PAYLOAD.rindex("}]") - PAYLOAD.index('"TM"') + 1) - len(',"XX":""')
        return PAYLOAD.replace('"RI":"1-0:2.8.0"', '"RI":"1-0:2.8.0","XX":"' + missing * "x" + '"')

    with boa.reverts("record: keys too far apart"):
        meter_records.bring([signed(settled, reaching(513))])
    meter_records.bring([signed(settled, reaching(512))])
    assert meter_records.register_at(settled, FIRST) == (7, 789)


def test_bring__braces_within_the_register__closed_before_the_next_one(meter_records: Any, settled: int) -> None:
    within = '"ST":"G","UC":{"UN":{"A":1},"UI":{}}},{"TM":"2033-05-20T02:15:00,000+0200 S","RV":1}]'
    payload = PAYLOAD.replace('"ST":"G"}]', within)
    places = {name: PAYLOAD.rindex(f'"{name}"') for name in ("RV", "RI", "RU", "ST")}
    meter_records.bring([signed(settled, payload, places_of(payload, **places, TM=payload.index('"TM"')))])
    assert meter_records.register_at(settled, FIRST) == (7, 789)


OWN_TIMES = (
    '{"PG":"T7","RD":[{"RI":"1-0:2.8.0","RU":"kWh","RV":0.5,"ST":"G","TM":"2033-05-20T00:00:00,000+0000 S"},'
    '{"RI":"1-0:2.8.0","RU":"kWh","RV":0.789,"ST":"G","UC":{"UN":1},"TM":"2033-05-20T00:15:00,000+0000 S"}]}'
)


def test_bring__register_has_a_time_of_its_own_before_or_behind_its_keys__no_other_holds(
    meter_records: Any, settled: int
) -> None:
    twice = PAYLOAD.replace('{"RV":"   0', '{"TM":"2033-05-20T02:15:00,000+0200 S","RV":"   0')
    for payload in (twice, OWN_TIMES):
        with boa.reverts("record: not its time"):
            meter_records.bring([signed(settled, payload, places_of(payload, TM=payload.index('"TM"')))])
        with boa.env.anchor():
            meter_records.bring([signed(settled, payload)])
            assert meter_records.register_at(settled, FIRST + 1) == (7, 789)
    later = PAYLOAD.replace('"ST":"G"}]', '"ST":"G"},{"TM":"2033-05-20T02:15:00,000+0200 S","RV":1}]')
    first = {name: PAYLOAD.rindex(f'"{name}"') for name in ("RV", "RI", "RU", "ST")}
    with boa.reverts("record: not its time"):
        meter_records.bring([signed(settled, later, places_of(later, **first))])
    meter_records.bring([signed(settled, later, places_of(later, **first, TM=later.index('"TM"')))])
    assert meter_records.register_at(settled, FIRST) == (7, 789)


@pytest.mark.parametrize("flags", ["E", "t", "Et"])
def test_bring__meter_flags_energy_or_time_as_faulty__refused(meter_records: Any, settled: int, flags: str) -> None:
    with boa.reverts("record: meter not well"):
        meter_records.bring([brought(record(settled, FIRST, 789, 7, EF=flags))])


ALPHABETICAL = (
    '{"PG":"T7","RD":[{"EF":"E"},{"EF":"%s","LC":{"EF":"","LN":"a"},"RI":"1-0:2.8.0","RU":"kWh","RV":0.789,"ST":"G",'
    '"TM":"2033-05-20T00:15:00,000+0000 S"}]}'
)


@pytest.mark.parametrize("flags", ["E", "t", "Et"])
def test_bring__meter_flags_a_fault_before_the_other_keys__refused(
    meter_records: Any, settled: int, flags: str
) -> None:
    """Keys may come in any order; what another register's energy is worth does not count."""
    with boa.reverts("record: meter not well"):
        meter_records.bring([signed(settled, ALPHABETICAL % flags)])
    meter_records.bring([signed(settled, ALPHABETICAL % "")])
    assert meter_records.register_at(settled, FIRST + 1) == (7, 789)


def test_bring__register_opens_far_before_its_keys_or_nowhere__refused(meter_records: Any, settled: int) -> None:
    far = ALPHABETICAL.replace('"LN":"a"', f'"LN":"{"x" * 512}"') % ""
    with boa.reverts("record: keys too far apart"):
        meter_records.bring([signed(settled, far)])
    nowhere = '"RI":"1-0:2.8.0",' + ALPHABETICAL % ""
    with boa.reverts("record: key not there"):
        meter_records.bring([signed(settled, nowhere, places_of(nowhere, RI=0))])


def test_bring__key_as_a_value_or_without_one__refused(meter_records: Any, settled: int) -> None:
    value = PAYLOAD.replace('"PG" : "T7"', '"PG" : "T7","MV":"PG"')
    with boa.reverts("record: key not there"):
        meter_records.bring([signed(settled, value, places_of(value, PG=value.index('"PG",')))])
    twice = PAYLOAD.replace('"PG" : "T7"', '"PG" :: "T7"')
    with boa.reverts("record: bad pagination"):
        meter_records.bring([signed(settled, twice)])


def test_bring__json_of_1024_bytes__taken(meter_records: Any, settled: int) -> None:
    filled = PAYLOAD.replace('"T7",', '"T7","GI":"' + "x" * (1024 - len(PAYLOAD) - 8) + '",')
    assert len(filled) == 1024
    meter_records.bring([signed(settled, filled)])
    assert meter_records.register_at(settled, FIRST) == (7, 789)
    cut = PAYLOAD[: PAYLOAD.rindex('"ST"')] + '"ST":"G"'
    with boa.reverts("record: key not there"):
        meter_records.bring([signed(settled, cut)])


@pytest.mark.parametrize("late", [60, 61])
def test_bring__made_after_the_boundary__a_minute_at_most(meter_records: Any, settled: int, late: int) -> None:
    one = brought(record(settled, FIRST, 789, 7, late=late))
    if late == 60:
        meter_records.bring([one])
        assert meter_records.register_at(settled, FIRST) == (7, 789)
    else:
        with boa.reverts("record: not at a boundary"):
            meter_records.bring([one])


@pytest.mark.parametrize("order", [(40, 20), (20, 40)])
def test_bring__two_within_the_minute__the_earlier_stands(
    meter_records: Any, settled: int, order: tuple[int, int]
) -> None:
    for late in order:
        meter_records.bring([brought(record(settled, FIRST, 700 + late, 7, late=late))])
    assert meter_records.register_at(settled, FIRST) == (7, 720)


def test_bring__an_odd_second_after_the_boundary__confirmed_all_the_same(meter_records: Any, settled: int) -> None:
    meter_records.bring([brought(record(settled, FIRST, 789, 7))])
    meter_records.bring([brought(record(settled, FIRST + 1, 2_289, 8, late=1))])
    assert meter_records.is_confirmed(settled, FIRST)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(day=date(2000, 2, 29), quarter=95, offset=14 * 60, status="S")
@example(day=date(2000, 1, 1), quarter=95, offset=-12 * 60, status="R")
@example(day=date(2001, 3, 1), quarter=0, offset=0, status="I")
@example(day=date(2032, 12, 31), quarter=95, offset=-15, status="I")
@given(
    day=dates(date(2000, 1, 2), date(2032, 12, 31)),
    quarter=integers(0, 95),
    offset=integers(-48, 56).map(lambda quarters: quarters * 15),
    status=sampled_from("SIR"),
)
def test_bring__any_time_in_any_zone__as_the_calendar_has_it(
    meter_records: Any, settled: int, day: date, quarter: int, offset: int, status: str
) -> None:
    zone_ = timezone(timedelta(minutes=offset))
    moment = datetime(day.year, day.month, day.day, quarter // 4, quarter % 4 * 15, tzinfo=zone_)
    stamp = moment.strftime("%Y-%m-%dT%H:%M:%S,000%z ") + status
    with boa.env.anchor():
        meter_records.bring([signed(settled, PAYLOAD.replace("2033-05-20T02:00:00,000+0200 S", stamp))])
        assert meter_records.register_at(settled, int(moment.timestamp()) // 900) == (7, 789)


# ---- deployment


def test_deploy__wired__knows_registry_and_certificates(
    meter_records: Any, registry: Any, certificates: Any, owner: str
) -> None:
    assert (meter_records.registry(), meter_records.certificates()) == (registry.address, certificates.address)
    assert certificates.records() == meter_records.address
    with boa.reverts("certificates: records are set"):
        certificates.connect(meter_records, sender=owner)


def test_connect__not_the_owner_or_no_contract__refused(
    deploy: Any, exchange: Any, registrar: str, attacker: LocalAccount, meter_records: Any, owner: str
) -> None:
    fresh = deploy("GreenCertificates", exchange, registrar, ISSUER)
    with boa.reverts("ownable: caller is not the owner"):
        fresh.connect(meter_records, sender=attacker.address)
    with boa.reverts("records: no contract"):
        fresh.connect(attacker.address, sender=owner)
    fresh.connect(meter_records, sender=owner)
    assert fresh.records() == meter_records.address


def test_deploy__no_contracts_or_of_two_exchanges__refused(
    deploy: Any, token: Any, grid: Any, registry: Any, certificates: Any, registrar: str, attacker: LocalAccount
) -> None:
    with boa.reverts("records: registry missing"):
        deploy("MeterRecords", attacker.address, certificates)
    with boa.reverts("records: certificates missing"):
        deploy("MeterRecords", registry, attacker.address)
    elsewhere = deploy("GreenCertificates", deploy("EnergyExchange", token, grid), registrar, ISSUER)
    with boa.reverts("records: two exchanges"):
        deploy("MeterRecords", registry, elsewhere)


# ---- how a record is made into a call


def test_meter_record__real_meters__signature_and_places_found(shared_data: Path) -> None:
    vectors = json.loads((shared_data / "meters" / "ocmf" / "vectors.json").read_text())["vectors"]
    valid = [one for one in vectors if one["ecdsa_result"] == "valid"]
    assert len(valid) >= 10
    exporting = [one for one in valid if "2.8.0" in one["ocmf"]]  # charging points: most count only what they deliver
    assert exporting
    for one in valid:
        curve = MeterCurve.SECP256K1 if one["key_curve"] == "secp256k1" else MeterCurve.SECP256R1
        key = MeterKey(curve, int(one["qx"], 16).to_bytes(32), int(one["qy"], 16).to_bytes(32))
        if one in exporting:
            made = meter_record(1, one["ocmf"], key)
            assert (made.r, made.s) == (int(one["r"], 16), int(one["s"], 16))
            assert [made.json[place + 1 : place + 3] for place in made.places] == [
                b"PG",
                b"TM",
                b"RV",
                b"RI",
                b"RU",
                b"ST",
            ]
            continue
        with pytest.raises(RecordRefused, match="no export register"):
            meter_record(1, one["ocmf"], key)


def test_shown__any_record__time_and_energy_that_the_contract_reads() -> None:
    assert shown(record(7, FIRST, 12_345, 7, late=9)) == (FIRST * 900 + 9, 12_345)
    in_wh = PAYLOAD.replace('"   0.789","RI":"1-0:2.8.0","RU":"kWh"', '"  789.9","RI":"1-0:2.8.0","RU":"Wh"')
    one = MeterRecord(7, in_wh.encode(), places_of(in_wh), 1, 1, 0)  # type: ignore[arg-type]
    assert shown(one) == (FIRST * 900, 789)
    with pytest.raises(RecordRefused, match="not understood"):
        shown(replace(one, json=in_wh.replace("2033-05-20T", "yesterday, ").encode()))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("OCMF|{}|" + "[" * 2_030, "not understood"),
        ('OCMF|{"RD":[{"a":' + "[" * 1_000 + "|{}", "not understood"),
        ("", "no OCMF record"),
        ("OCMF|{}", "no OCMF record"),
        ("OCMF|{}|{}", "not understood"),
        ("OCMF|{}|[]", "not understood"),
        ('OCMF|{}|{"SD":"zz"}', "not understood"),
        ("OCMF|" + "x" * 1025 + "|{}", "1025 bytes"),
        (ocmf(R1, time=FIRST * 900).decode(), "signature is not by the key"),
        (ocmf(K1, time=FIRST * 900).decode().replace("2.8.0", "2.8.1"), "no export register"),
        (ocmf(K1, time=FIRST * 900).decode().replace('"PG"', '"PX"'), "no PG"),
    ],
    ids=[
        "brackets",
        "brackets in a register",
        "empty",
        "one part",
        "no signature",
        "a list",
        "no digits",
        "too long",
        "other key",
        "other register",
        "no PG",
    ],
)
def test_meter_record__nothing_that_confirms__one_sentence(text: str, reason: str) -> None:
    with pytest.raises(RecordRefused, match=reason) as fault:
        meter_record(7, text, key_of(K1))
    assert str(fault.value).startswith("site 7: ")
