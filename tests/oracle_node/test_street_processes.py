"""Real processes on a real chain: gateways replay a file, four nodes settle it, and some of them fail."""

from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from net8.model import MeterCurve, MeterKey, Outcome

from tests.oracle_node.broker import Mosquitto
from tests.oracle_node.frames import ocmf, public_key
from tests.oracle_node.local_chain import account_of
from tests.oracle_node.processes import NodeProcess, Street, get_json, metered, wait_for

pytestmark = pytest.mark.chain

MISBEHAVING = Path(__file__).with_name("misbehaving.py")


def misbehaving(how: str) -> list[str]:
    """The program of a node that misbehaves."""
    return [str(MISBEHAVING), how]


def check_settled_as_metered(street: Street, slot: int, bought: dict[int, int] | None = None) -> None:
    """Every site settled what the file says, imports no higher than what was bought."""
    for number, site in enumerate(street.zone.sites, start=1):
        position = street.position(site, slot)
        exported, imported = metered(number, slot)
        assert position.outcome is Outcome.METERED
        assert abs(position.exported - exported) <= 1
        assert abs(position.imported - min(imported, (bought or {}).get(site, 0))) <= 1


def run_slots(street: Street, first: int, count: int) -> None:
    """End slots one after the other; each must settle as metered."""
    for slot in range(first, first + count):
        street.end_slot(slot)
        street.wait_settled(slot)
        check_settled_as_metered(street, slot)


def test_slots__all_nodes_up__settled_as_metered_one_after_the_other(street: Street) -> None:
    run_slots(street, street.begin(), 4)

    def leading() -> list[NodeProcess]:
        return [node for node in street.nodes for stamp in node.stamps() if stamp["transmitter"]]

    wait_for(lambda: len(leading()) >= 4, "each report was sent by somebody")  # written just after the receipt
    leaders = leading()
    assert len(leaders) == 4
    assert len(set(map(id, leaders))) == 4, "leaders rotate"
    for stamp in (stamp for node in street.nodes for stamp in node.stamps()):
        assert stamp["source_ns"] < stamp["complete_ns"] <= stamp["observed_ns"] < stamp["receipt_ns"]


def test_import__site_bought_part_of_it__reported_no_higher_than_bought(street: Street) -> None:
    slot = street.begin()
    seller, buyer = street.zone.sites[0], street.zone.sites[1]
    for site in (seller, buyer):
        street.zone.fund_site(site, 10)
    traded = slot + 1 + (slot + 1) % 2  # an even row, in which the seller has sun
    street.zone.trade(seller, buyer, traded, 120)
    for ended in range(slot, traded + 1):
        street.end_slot(ended)
        street.wait_settled(ended)
    exported, imported = metered(1, traded)[0], metered(2, traded)[1]
    assert exported > 120, "the seller delivers"
    assert imported > 120, "the buyer uses more than it bought"
    assert street.position(buyer, traded).imported == 120
    check_settled_as_metered(street, traded, {buyer: 120})


@pytest.mark.parametrize("seat", [0, 3])
def test_slots__one_node_killed__every_slot_still_settles(street: Street, seat: int) -> None:
    first = street.begin()
    run_slots(street, first, 1)
    street.nodes[seat].kill()
    run_slots(street, first + 1, 4)
    street.nodes[seat].start()
    wait_for(street.nodes[seat].status, "the node is back", 120)
    run_slots(street, first + 5, 4)
    wait_for(
        lambda: any(stamp["slot"] > first + 4 and "proposed_ns" in stamp for stamp in street.nodes[seat].stamps()),
        "it votes again",
    )


def test_slots__one_node_frozen__every_slot_still_settles(street: Street) -> None:
    first = street.begin()
    street.nodes[first % 4].pause()
    run_slots(street, first, 4)


@pytest.mark.parametrize("how", ["shift-exports", "forge-reports", "stay-silent"])
def test_slots__one_node_misbehaves__every_slot_settles_as_metered(street: Street, how: str) -> None:
    first = street.begin({2: misbehaving(how)})
    run_slots(street, first, 4)


def test_slots__two_of_four_lie__nothing_false_settles(street: Street) -> None:
    first = street.begin({1: misbehaving("shift-exports"), 2: misbehaving("shift-exports")})
    street.end_slot(first)
    honest = street.nodes[0], street.nodes[3]
    wait_for(
        lambda: all(node.log().count("next round") >= 4 for node in honest),
        "everybody leads without a quorum",
        60,
    )
    assert not street.settled(first)


def test_gateway__nodes_down_and_gateway_killed__everything_is_delivered_later(street: Street) -> None:
    first = street.begin()
    run_slots(street, first, 1)
    for node in street.nodes:
        node.kill()
    for slot in (first + 1, first + 2):
        street.end_slot(slot)
        wait_for(lambda: get_json(f"{street.gateways[0].url}/status")["operators"][0]["backlog"] >= 5, "readings wait")
    street.gateways[0].kill()
    street.end_slot(first + 3)
    street.gateways[0].start()
    for node in street.nodes:
        node.start()
    for slot in range(first + 1, first + 4):
        street.wait_settled(slot, 120)
        check_settled_as_metered(street, slot)


def test_gateway__readings_through_a_broker_alone__slots_settle_as_metered(
    street: Street, mosquitto: Mosquitto
) -> None:
    broker = f'[broker]\nurl = "{mosquitto.url}"\n'
    for node in street.nodes:
        node.config.write_text(node.config.read_text() + broker)
    file = street.folder / "gateway" / "gateway.toml"
    text = file.read_text() + broker
    for node, operator in zip(street.nodes, street.zone.operators, strict=True):
        text = text.replace(f'url = "{node.url}"', f'signer = "{operator.address}"')
    file.write_text(text)
    first = street.begin()
    assert [one["operator"] for one in get_json(f"{street.gateways[0].url}/status")["operators"]] == [
        f"mqtt:{operator.address}" for operator in street.zone.operators
    ]
    run_slots(street, first, 1)
    mosquitto.stop()
    street.end_slot(first + 1)
    wait_for(lambda: "broker" in str(get_json(f"{street.nodes[0].url}/healthz")["problems"]), "health tells of it")
    mosquitto.start()
    street.wait_settled(first + 1, 120)
    check_settled_as_metered(street, first + 1)


def test_records__meter_signs_by_itself__chain_checks_it_with_the_report(street: Street) -> None:
    zone, chain, site = street.zone, street.zone.chain, street.zone.sites[0]
    key, records = ec.derive_private_key(33, ec.SECP256R1()), chain.contracts.records
    assert chain.read(records.has_p256())
    numbers = key.public_key().public_numbers()
    public = MeterKey(MeterCurve.SECP256R1, numbers.x.to_bytes(32), numbers.y.to_bytes(32))
    registrar = account_of("registrar")
    chain.fund(registrar.address)
    chain.send(chain.contracts.certificates.set_registrar(registrar.address))
    chain.chain.sender(registrar).send(records.set_meter_key(site, public))
    lines = street.folder / "records.ocmf"

    def sign(boundary: int, exported: int) -> None:
        with lines.open("ab") as file:
            file.write(ocmf(key, "1.000", f"{exported / 1000:.3f}", boundary * 900, page=f"T{boundary}") + b"\n")

    slot = chain.now() // 900 + 1
    sign(slot, 789)
    source = f'kind = "ocmf"\npath = "{lines}"\npublic_key = "{public_key(key)}"\n'
    street.gateways = [street.gateway("signing", zone.sites, {site: source})]
    assert street.begin() == slot
    gateway = street.gateways[0]
    wait_for(lambda: get_json(f"{gateway.url}/status")["meters"][0]["serial"], "the first record is read")
    for ended, exported in ((slot, 2_289), (slot + 1, 2_289)):
        sign(ended + 1, exported)
        street.end_slot(ended)
        street.wait_settled(ended)
    assert street.position(site, slot).exported == 1_500
    assert [chain.read(records.is_confirmed(site, ended)) for ended in (slot, slot + 1)] == [True, True]
    assert not chain.read(records.is_confirmed(zone.sites[1], slot)), "its meter signs nothing"


def test_reading__meter_silent__settles_without_reading_while_others_settle_as_metered(
    make_street: Callable[..., Street],
) -> None:
    street = make_street(patience_ms=4000)
    silent = street.zone.sites[-1]
    street.gateways = [street.gateway("some", street.zone.sites[:-1])]
    slot = street.begin()
    street.end_slot(slot)
    street.wait_settled(slot, 60)
    assert street.position(silent, slot).outcome is Outcome.NO_READING
    for number, site in enumerate(street.zone.sites[:-1], start=1):
        assert street.position(site, slot).exported == metered(number, slot)[0]


def test_reading__all_meters_silent__traded_slot_settles_without_reading_half_a_day_later(street: Street) -> None:
    street.gateways = []
    slot = street.begin()
    seller, buyer = street.zone.sites[:2]
    for site in (seller, buyer):
        street.zone.fund_site(site, 10)
    street.zone.trade(seller, buyer, slot + 1, 120)
    street.end_slot(slot + 1)
    street.end_slot(slot + 1 + 48)
    street.wait_settled(slot + 1, 60)
    assert {street.position(site, slot + 1).outcome for site in street.zone.sites} == {Outcome.NO_READING}
    assert not street.settled(slot + 2), "nothing was traded there"


def test_site__registered_while_running__settles_from_its_first_whole_slot(street: Street) -> None:
    first = street.begin()
    run_slots(street, first, 1)
    newcomer = street.zone.add_site()
    gateway = street.gateway("newcomer", [newcomer])
    gateway.start()
    street.gateways.append(gateway)
    wait_for(lambda: get_json(f"{gateway.url}/status"), "the gateway answers", 120)
    street.wait_delivered()
    street.end_slot(first + 1)
    street.wait_settled(first + 1)
    street.wait_delivered()
    run_slots(street, first + 2, 2)


def test_signer__not_listed_on_chain__refuses_to_sign_and_says_so(street: Street) -> None:
    stranger = street.stranger()
    first = street.begin()
    stranger.start()
    wait_for(stranger.status, "the stranger answers", 120)
    assert stranger.status()["zones"][0]["seat"] is None
    health = get_json(f"{stranger.url}/healthz")
    assert health["healthy"] is False
    assert "does not list" in health["problems"][0]
    run_slots(street, first, 2)
    wait_for(lambda: "refusing to sign" in stranger.log(), "it says so")
    assert not any(stamp["transmitter"] for stamp in stranger.stamps())
