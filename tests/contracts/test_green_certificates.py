"""GreenCertificates: one Wh that a meter showed is one certificate, once, and retired once."""

from pathlib import Path
from typing import Any

import boa
import pytest
from eth_account.signers.local import LocalAccount
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.contracts.conftest import BASE_URI, HOUR, NET8, START, Mint, NewSite, Report
from tests.contracts.entries import entry, no_reading
from tests.contracts.signing import person

HOSTILE = Path(__file__).parent / "hostile"
NOBODY = "0x" + "00" * 20
CONSUMER, SOLAR, WIND, HYDRO, THERMAL, NEUTRINOVOLTAIC, STORAGE = range(7)
SLOT, DAY = 900, 86_400
FIRST_TRADED_SLOT = START // SLOT + 4 * 20  # 20 hours ahead, in the first slot of its hour


@pytest.fixture
def producer() -> LocalAccount:
    return person("producer")


@pytest.fixture
def buyer() -> str:
    return person("certificate buyer").address


@pytest.fixture
def site(new_site: NewSite, certificates: Any, registrar: str, producer: LocalAccount) -> int:
    """The producer's solar site, admitted to certificates."""
    number = new_site(producer, SOLAR)
    certificates.admit(number, sender=registrar)
    return number


@pytest.fixture
def producing_hour(site: int, report: Report) -> int:
    """An hour in which the site exported 1, 2, 0 and 4 kWh, settled."""
    boa.env.evm.patch.timestamp = START + 3_600
    report([entry(site, HOUR, {0: 1_000, 1: 2_000, 2: 0, 3: 4_000})])
    return HOUR


@pytest.fixture
def certificate(certificates: Any, site: int, producing_hour: int, producer: LocalAccount) -> int:
    """Id of the producer's 7,000 certificates of that hour."""
    certificates.mint(site, producing_hour, producer.address, sender=producer.address)
    return site << 32 | producing_hour


def receiver(accepts: bool) -> Any:
    return boa.load(str(HOSTILE / "Receiver.vy"), accepts)


# ---- deployment and roles


def test_deploy__wired__knows_exchange_grid_and_registrar(certificates, exchange, grid, registrar, owner):
    assert (certificates.exchange(), certificates.grid()) == (exchange.address, grid.address)
    assert (certificates.registrar(), certificates.owner()) == (registrar, owner)


def test_deploy__exchange_is_no_contract__refused(deploy, registrar, attacker):
    with boa.reverts("certificates: exchange missing"):
        deploy("GreenCertificates", attacker.address, registrar, BASE_URI)


def test_deploy__no_registrar__refused(deploy, exchange):
    with boa.reverts("registrar: zero address"):
        deploy("GreenCertificates", exchange, NOBODY, BASE_URI)


def test_log__deployed__ends_with_no_minter_in_the_modules_list(deploy, exchange, registrar, owner):
    contract = deploy("GreenCertificates", exchange, registrar, BASE_URI)
    changes = [entry for entry in contract.get_logs() if type(entry).__name__ == "RoleMinterChanged"]
    assert [(change.minter, change.status) for change in changes] == [(owner, True), (owner, False)]


def test_surface__abi__has_no_way_around_production_and_retirement(certificates):
    functions = {entry["name"] for entry in certificates.abi if entry["type"] == "function"}
    assert not functions & {"safe_mint", "safe_mint_batch", "set_minter", "is_minter", "burn", "burn_batch", "set_uri"}
    assert "renounce_ownership" not in functions


@pytest.mark.parametrize("interface", ["0x01ffc9a7", "0xd9b67a26", "0x0e89341c"])
def test_supports_interface__erc165_erc1155_and_metadata__yes(certificates, interface):
    assert certificates.supportsInterface(bytes.fromhex(interface[2:]))
    assert not certificates.supportsInterface(b"\xff" * 4)


def test_uri__any_id__is_base_and_decimal_id(certificates):
    assert certificates.uri(1 << 48 | HOUR) == f"{BASE_URI}{1 << 48 | HOUR}"


def test_set_registrar__owner__replaces_him(certificates, owner, registrar, attacker, new_site, producer):
    site = new_site(producer)
    certificates.set_registrar(attacker.address, sender=owner)
    (log,) = [entry for entry in certificates.get_logs() if type(entry).__name__ == "RegistrarSet"]
    assert log.registrar == certificates.registrar() == attacker.address
    with boa.reverts("registrar: not you"):
        certificates.admit(site, sender=registrar)


def test_set_registrar__not_the_owner__refused(certificates, registrar, attacker):
    for caller in (registrar, attacker.address):
        with boa.reverts("ownable: caller is not the owner"):
            certificates.set_registrar(attacker.address, sender=caller)


def test_set_registrar__nobody__refused(certificates, owner):
    with boa.reverts("registrar: zero address"):
        certificates.set_registrar(NOBODY, sender=owner)


# ---- admission


@pytest.mark.parametrize("technology", [SOLAR, WIND, HYDRO, THERMAL, NEUTRINOVOLTAIC])
def test_admit__clean_source__admitted(certificates, new_site, registrar, producer, technology):
    site = new_site(producer, technology)
    certificates.admit(site, sender=registrar)
    (log,) = [entry for entry in certificates.get_logs() if type(entry).__name__ == "SiteAdmitted"]
    assert log.site == site
    assert certificates.is_admitted(site)


@pytest.mark.parametrize("technology", [CONSUMER, STORAGE])
def test_admit__not_a_source__refused(certificates, new_site, registrar, producer, technology):
    site = new_site(producer, technology, 1_000)
    with boa.reverts("site: not a clean source"):
        certificates.admit(site, sender=registrar)


def test_admit__unknown_site__refused(certificates, zone, registrar):
    with boa.reverts("site: unknown"):
        certificates.admit(zone << 16 | 99, sender=registrar)


def test_admit__twice__refused(certificates, site, registrar):
    with boa.reverts("site: already admitted"):
        certificates.admit(site, sender=registrar)


def test_admit__not_the_registrar__refused(certificates, new_site, producer, owner, grid_operator):
    site = new_site(producer)
    for caller in (owner, grid_operator.address, producer.address):
        with boa.reverts("registrar: not you"):
            certificates.admit(site, sender=caller)


def test_admit__registrar_is_the_grid_operator__refused(certificates, new_site, producer, owner, grid_operator):
    site = new_site(producer)
    certificates.set_registrar(grid_operator.address, sender=owner)
    with boa.reverts("registrar: is grid operator"):
        certificates.admit(site, sender=grid_operator.address)


def test_dismiss__admitted_site__mints_no_more_but_keeps_what_it_has(
    certificates, certificate, site, registrar, producer, report
):
    certificates.dismiss(site, sender=registrar)
    (log,) = [entry for entry in certificates.get_logs() if type(entry).__name__ == "SiteDismissed"]
    assert log.site == site
    boa.env.evm.patch.timestamp = START + 7_200
    report([entry(site, HOUR + 1, {0: 1_000})])
    with boa.reverts("site: not admitted"):
        certificates.mint(site, HOUR + 1, producer.address, sender=producer.address)
    assert certificates.balanceOf(producer.address, certificate) == 7_000


def test_dismiss__not_admitted__refused(certificates, new_site, producer, registrar):
    with boa.reverts("site: not admitted"):
        certificates.dismiss(new_site(producer), sender=registrar)


def test_dismiss__not_the_registrar__refused(certificates, site, owner):
    with boa.reverts("registrar: not you"):
        certificates.dismiss(site, sender=owner)


# ---- mint


def test_mint__settled_hour__is_what_the_meter_showed(certificates, site, producing_hour, producer, buyer):
    assert certificates.mintable(site, producing_hour) == 7_000
    assert certificates.mint(site, producing_hour, buyer, sender=producer.address) == 7_000
    (log,) = [entry for entry in certificates.get_logs() if type(entry).__name__ == "TransferSingle"]
    certificate = site << 32 | producing_hour
    assert tuple(log)[2:] == (NOBODY, buyer, certificate, 7_000)
    assert certificates.balanceOf(buyer, certificate) == certificates.total_supply(certificate) == 7_000
    assert certificates.issued(certificate) == 7_000
    assert certificates.minted_mask(site, producing_hour) == 0b1011
    assert certificates.mintable(site, producing_hour) == 0


def test_mint__twice__refused(certificates, site, certificate, producing_hour, producer):
    with boa.reverts("mint: nothing to mint"):
        certificates.mint(site, producing_hour, producer.address, sender=producer.address)


def test_mint__after_retirement__refused(certificates, site, certificate, producing_hour, producer):
    certificates.retire(certificate, 7_000, "", "", sender=producer.address)
    with boa.reverts("mint: nothing to mint"):
        certificates.mint(site, producing_hour, producer.address, sender=producer.address)


def test_mint__slot_by_slot_as_they_settle__adds_up_under_one_id(certificates, site, report, producer):
    minted = 0
    for slot, wh in enumerate([10, 20, 30, 40]):
        boa.env.evm.patch.timestamp = START + (slot + 1) * SLOT
        report([entry(site, HOUR, {slot: wh})])
        assert certificates.mint(site, HOUR, producer.address, sender=producer.address) == wh
        minted += wh
        assert certificates.balanceOf(producer.address, site << 32 | HOUR) == minted


def test_mint__neighbouring_hours_and_sites__do_not_touch_each_other(
    certificates, new_site, registrar, report, producer
):
    sites = [new_site(producer) for _ in range(2)]
    hours = range(HOUR, HOUR + 130, 43)
    for site in sites:
        certificates.admit(site, sender=registrar)
    boa.env.evm.patch.timestamp = (hours[-1] + 1) * 3_600
    report([entry(site, hour, {0: 5, 3: 6}) for hour in hours for site in sites])
    for site in sites:
        for hour in hours:
            assert certificates.minted_mask(site, hour) == 0
            assert certificates.mint(site, hour, producer.address, sender=producer.address) == 11
            assert certificates.minted_mask(site, hour) == 0b1001


def test_mint__not_settled__refused(certificates, site, producer):
    with boa.reverts("mint: nothing to mint"):
        certificates.mint(site, HOUR, producer.address, sender=producer.address)


def test_mint__exported_nothing__refused(certificates, site, report, producer):
    boa.env.evm.patch.timestamp = START + 3_600
    report([entry(site, HOUR, {0: 0, 1: 0})])
    with boa.reverts("mint: nothing to mint"):
        certificates.mint(site, HOUR, producer.address, sender=producer.address)


def test_mint__no_reading__refused(certificates, site, report, producer):
    boa.env.evm.patch.timestamp = START + 3_600
    report([no_reading(site, HOUR, 0b1111)])
    with boa.reverts("mint: nothing to mint"):
        certificates.mint(site, HOUR, producer.address, sender=producer.address)


def test_mint__sold_but_settled_as_traded__refused(certificates, exchange, token, mint, new_site, site, producer):
    """Without any report the money goes as agreed, but no meter showed the energy."""
    neighbour = person("neighbour")
    trade(exchange, token, mint, (site, producer), (new_site(neighbour, CONSUMER, 0), neighbour), wh=1_000)
    boa.env.evm.patch.timestamp = START + 9 * DAY
    exchange.settle_overdue(site, FIRST_TRADED_SLOT)
    with boa.reverts("mint: nothing to mint"):
        certificates.mint(site, FIRST_TRADED_SLOT // 4, producer.address, sender=producer.address)


def test_mint__sold_but_left_out_of_the_report__refused(
    certificates, exchange, token, mint, new_site, site, report, producer
):
    neighbour = person("neighbour")
    buying = new_site(neighbour, CONSUMER, 0)
    trade(exchange, token, mint, (site, producer), (buying, neighbour), wh=1_000)
    hour = FIRST_TRADED_SLOT // 4
    boa.env.evm.patch.timestamp = (hour + 1) * 3_600
    report([entry(buying, hour, {}, {0: 1_000})])
    boa.env.evm.patch.timestamp = START + 9 * DAY
    exchange.settle_overdue(site, FIRST_TRADED_SLOT)
    with boa.reverts("mint: nothing to mint"):
        certificates.mint(site, hour, producer.address, sender=producer.address)


def trade(
    exchange: Any,
    token: Any,
    mint: Mint,
    seller: tuple[int, LocalAccount],
    buyer: tuple[int, LocalAccount],
    wh: int,
) -> None:
    """One site sells to another at 500 grains per Wh, a day ahead, each out of 100 NET8."""
    for sell, (site, account) in ((True, seller), (False, buyer)):
        mint(account.address, 100 * NET8)
        token.approve(exchange, 100 * NET8, sender=account.address)
        exchange.deposit(site, 100 * NET8, sender=account.address)
        _, filled = exchange.place(site, FIRST_TRADED_SLOT, sell, 500, wh, 0, sender=account.address)
    assert filled == wh


def test_mint__meter_showed_more_than_was_sold__covers_all_of_it(
    certificates, exchange, token, mint, new_site, site, report, producer
):
    neighbour = person("neighbour")
    buying = new_site(neighbour, CONSUMER, 0)
    trade(exchange, token, mint, (site, producer), (buying, neighbour), wh=1_000)
    hour = FIRST_TRADED_SLOT // 4
    boa.env.evm.patch.timestamp = (hour + 1) * 3_600
    report([entry(site, hour, {0: 2_500}), entry(buying, hour, {}, {0: 1_000})])
    assert certificates.mint(site, hour, producer.address, sender=producer.address) == 2_500


def test_mint__a_month_later__still_possible(certificates, site, producing_hour, report, producer):
    boa.env.evm.patch.timestamp = START + 35 * DAY
    assert certificates.mint(site, producing_hour, producer.address, sender=producer.address) == 7_000


def test_mint__cell_reused_since__too_late_and_never_for_the_wrong_hour(
    certificates, site, producing_hour, report, producer
):
    later = producing_hour + 1_024
    boa.env.evm.patch.timestamp = (later + 1) * 3_600
    report([entry(site, later, {2: 30})])
    with boa.reverts("mint: nothing to mint"):
        certificates.mint(site, producing_hour, producer.address, sender=producer.address)
    assert certificates.mint(site, later, producer.address, sender=producer.address) == 30


def test_mint__not_the_site_owner__refused(certificates, site, producing_hour, registrar, grid_operator, attacker):
    for caller in (registrar, grid_operator.address, attacker.address):
        with boa.reverts("site: not yours"):
            certificates.mint(site, producing_hour, caller, sender=caller)


def test_mint__unknown_site__refused(certificates, zone, attacker):
    with boa.reverts("site: not yours"):
        certificates.mint(zone << 16 | 99, HOUR, attacker.address, sender=attacker.address)


def test_mint__unknown_site_from_the_zero_address__refused(certificates, zone):
    """Nobody can call from it but a simulation; the site's absence must not make him its owner."""
    with boa.reverts("site: not admitted"):
        certificates.mint(zone << 16 | 99, HOUR, person("anybody").address, sender=NOBODY)


def test_mint__site_not_admitted__refused(certificates, new_site, report, producer):
    site = new_site(producer)
    boa.env.evm.patch.timestamp = START + 3_600
    report([entry(site, HOUR, {0: 1_000})])
    with boa.reverts("site: not admitted"):
        certificates.mint(site, HOUR, producer.address, sender=producer.address)


def test_mint__hour_beyond_the_id__refused(certificates, site, producer):
    with boa.reverts("mint: hour out of range"):
        certificates.mint(site, 2**32, producer.address, sender=producer.address)
    assert certificates.mintable(site, 2**32) == 0


def test_mint__to_nobody__refused(certificates, site, producing_hour, producer):
    with boa.reverts("erc1155: mint to the zero address"):
        certificates.mint(site, producing_hour, NOBODY, sender=producer.address)


def test_mint__to_a_contract_that_accepts__arrives(certificates, site, producing_hour, producer):
    contract = receiver(accepts=True)
    assert certificates.mint(site, producing_hour, contract, sender=producer.address) == 7_000
    assert certificates.balanceOf(contract, site << 32 | producing_hour) == 7_000


def test_mint__to_a_contract_that_refuses__changes_nothing(certificates, site, producing_hour, producer):
    contract = receiver(accepts=False)
    with boa.reverts("erc1155: transfer to non-IERC1155Receiver implementer"):
        certificates.mint(site, producing_hour, contract, sender=producer.address)
    assert certificates.minted_mask(site, producing_hour) == 0


def test_mint__owner_contract_mints_again_on_arrival__gets_nothing_more(
    certificates, grid, zone, grid_operator, registrar, report
):
    contract = receiver(accepts=True)
    arguments = (zone, contract, SOLAR, 1_000_000, person("meter").address, START, b"\x01" * 65)
    site = grid.register_site(*arguments, sender=grid_operator.address)
    certificates.admit(site, sender=registrar)
    boa.env.evm.patch.timestamp = START + 3_600
    report([entry(site, HOUR, {0: 1_000})])
    contract.call_back(certificates, certificates.mint.prepare_calldata(site, HOUR, contract.address))
    certificates.mint(site, HOUR, contract, sender=contract.address)
    assert not contract.called_back()
    assert certificates.issued(site << 32 | HOUR) == 1_000


# ---- mint_many


def test_mint_many__a_day__mints_every_producing_hour_once(certificates, site, report, producer, buyer):
    boa.env.evm.patch.timestamp = START + DAY
    day = range(HOUR, HOUR + 24)
    produced = {hour: 100 * (hour - HOUR) for hour in day}  # nothing in the first hour
    report([entry(site, hour, {0: wh, 2: wh}) for hour, wh in produced.items()])
    assert certificates.mint_many(site, list(day), buyer, sender=producer.address) == 2 * sum(produced.values())
    (log,) = [entry for entry in certificates.get_logs() if type(entry).__name__ == "TransferBatch"]
    assert tuple(log)[4] == [site << 32 | hour for hour in day[1:]]
    for hour, wh in produced.items():
        assert certificates.balanceOf(buyer, site << 32 | hour) == 2 * wh
    with boa.reverts("mint: nothing to mint"):
        certificates.mint_many(site, list(day), buyer, sender=producer.address)


def test_mint_many__same_hour_twice__minted_once(certificates, site, producing_hour, producer):
    assert certificates.mint_many(site, [producing_hour] * 2, producer.address, sender=producer.address) == 7_000
    assert certificates.issued(site << 32 | producing_hour) == 7_000


def test_mint_many__partly_minted__mints_the_rest(certificates, site, certificate, report, producer):
    boa.env.evm.patch.timestamp = START + 7_200
    report([entry(site, HOUR + 1, {1: 50})])
    assert certificates.mint_many(site, [HOUR, HOUR + 1], producer.address, sender=producer.address) == 50


def test_mint_many__no_hours__refused(certificates, site, producer):
    with boa.reverts("mint: nothing to mint"):
        certificates.mint_many(site, [], producer.address, sender=producer.address)


def test_mint_many__not_the_site_owner__refused(certificates, site, producing_hour, attacker):
    with boa.reverts("site: not yours"):
        certificates.mint_many(site, [producing_hour], attacker.address, sender=attacker.address)


def test_mint_many__site_not_admitted__refused(certificates, new_site, producer):
    with boa.reverts("site: not admitted"):
        certificates.mint_many(new_site(producer), [HOUR], producer.address, sender=producer.address)


def test_mint_many__hour_beyond_the_id__refused(certificates, site, producing_hour, producer):
    with boa.reverts("mint: hour out of range"):
        certificates.mint_many(site, [producing_hour, 2**32], producer.address, sender=producer.address)


def test_mint_many__to_a_contract_that_refuses__refused(certificates, site, producing_hour, producer):
    contract = receiver(accepts=False)
    with boa.reverts("erc1155: transfer to non-IERC1155Receiver implementer"):
        certificates.mint_many(site, [producing_hour], contract, sender=producer.address)


# ---- transfer and retire


def test_transfer__holder__passes_them_on(certificates, certificate, producer, buyer):
    certificates.safeTransferFrom(producer.address, buyer, certificate, 3_000, b"", sender=producer.address)
    assert certificates.balanceOfBatch([producer.address, buyer], [certificate] * 2) == [4_000, 3_000]


def test_transfer__batch_by_an_approved_operator__passes_them_on(certificates, certificate, producer, buyer, attacker):
    certificates.setApprovalForAll(attacker.address, True, sender=producer.address)
    assert certificates.isApprovedForAll(producer.address, attacker.address)
    certificates.safeBatchTransferFrom(producer.address, buyer, [certificate], [7_000], b"", sender=attacker.address)
    assert certificates.balanceOf(buyer, certificate) == 7_000


def test_transfer__stranger__refused(certificates, certificate, producer, attacker):
    with boa.reverts("erc1155: caller is not token owner or approved"):
        certificates.safeTransferFrom(producer.address, attacker.address, certificate, 1, b"", sender=attacker.address)


def test_retire__holder__leaves_circulation_on_record(certificates, certificate, producer):
    certificates.retire(certificate, 3_000, "Bakery", "2033 Q2", sender=producer.address)
    logs = {type(entry).__name__: entry for entry in certificates.get_logs()}
    retired, burnt = logs["Retired"], logs["TransferSingle"]
    assert (retired.id, retired.account, retired.amount) == (certificate, producer.address, 3_000)
    assert (retired.beneficiary, retired.purpose) == ("Bakery", "2033 Q2")
    assert tuple(burnt)[2:] == (producer.address, NOBODY, certificate, 3_000)
    assert certificates.balanceOf(producer.address, certificate) == certificates.total_supply(certificate) == 4_000
    assert certificates.retired(certificate) == certificates.retired_by(producer.address) == 3_000
    assert certificates.issued(certificate) == 7_000


def test_retire__bought_certificates__count_for_the_buyer(certificates, certificate, producer, buyer):
    certificates.safeTransferFrom(producer.address, buyer, certificate, 3_000, b"", sender=producer.address)
    certificates.retire(certificate, 3_000, "", "", sender=buyer)
    assert (certificates.retired_by(buyer), certificates.retired_by(producer.address)) == (3_000, 0)


def test_retire__twice__refused(certificates, certificate, producer):
    certificates.retire(certificate, 7_000, "", "", sender=producer.address)
    with boa.reverts("erc1155: burn amount exceeds total_supply"):
        certificates.retire(certificate, 1, "", "", sender=producer.address)


def test_retire__of_another__refused_even_when_approved(certificates, certificate, producer, attacker):
    certificates.setApprovalForAll(attacker.address, True, sender=producer.address)
    with boa.reverts("erc1155: burn amount exceeds balance"):
        certificates.retire(certificate, 1, "", "", sender=attacker.address)


def test_retire__nothing__refused(certificates, certificate, producer):
    with boa.reverts("retire: nothing"):
        certificates.retire(certificate, 0, "", "", sender=producer.address)


def test_retire__text_at_its_limit__recorded_whole(certificates, certificate, producer):
    certificates.retire(certificate, 1, "b" * 64, "p" * 64, sender=producer.address)
    (log,) = [entry for entry in certificates.get_logs() if type(entry).__name__ == "Retired"]
    assert (log.beneficiary, log.purpose) == ("b" * 64, "p" * 64)


# ---- totals, for any history

MOVES = st.lists(st.tuples(st.sampled_from(["mint", "many", "pass", "retire"]), st.integers(0, 4_000)), max_size=10)


# titanoboa undoes each example, so one set of fixtures serves all
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moves=MOVES)
def test_totals__any_history__issued_is_held_and_retired_and_never_beyond_production(
    certificates, certificate, site, producer, buyer, moves
):
    for move, amount in moves:
        held = certificates.balanceOf(producer.address, certificate)
        if move == "mint":
            with boa.reverts("mint: nothing to mint"):
                certificates.mint(site, HOUR, buyer, sender=producer.address)
        elif move == "many":
            with boa.reverts("mint: nothing to mint"):
                certificates.mint_many(site, [HOUR, HOUR], buyer, sender=producer.address)
        elif move == "pass" and amount <= held:
            certificates.safeTransferFrom(producer.address, buyer, certificate, amount, b"", sender=producer.address)
        elif move == "retire" and 0 < amount <= held:
            certificates.retire(certificate, amount, "", "", sender=producer.address)
        in_hands = sum(certificates.balanceOf(account, certificate) for account in (producer.address, buyer))
        assert certificates.total_supply(certificate) == in_hands
        assert in_hands + certificates.retired(certificate) == certificates.issued(certificate) == 7_000
