"""GreenCertificates: one Wh that a meter showed is one certificate, once, and retired once."""

import base64
import json
from pathlib import Path
from typing import Any

import boa
import pytest
from eth_account.signers.local import LocalAccount

from tests.contracts.conftest import CONFIGURATION, HOUR, ISSUER, LOCATION, NET8, START, Mint, NewSite, Report
from tests.contracts.entries import entry, no_reading
from tests.contracts.executed import operations
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
    certificates.admit(number, LOCATION, CONFIGURATION, sender=registrar)
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
    certificates.mint(site, producing_hour, 1, producer.address, sender=producer.address)
    return site << 32 | producing_hour


def receiver(accepts: bool) -> Any:
    return boa.load(str(HOSTILE / "Receiver.vy"), accepts)


# ---- deployment and roles


def test_deploy__wired__knows_exchange_grid_and_registrar(certificates, exchange, grid, registrar, owner):
    assert (certificates.exchange(), certificates.grid()) == (exchange.address, grid.address)
    assert (certificates.registrar(), certificates.owner()) == (registrar, owner)


def test_deploy__exchange_is_no_contract__refused(deploy, registrar, attacker):
    with boa.reverts("certificates: exchange missing"):
        deploy("GreenCertificates", attacker.address, registrar, ISSUER)


def test_deploy__no_registrar__refused(deploy, exchange):
    with boa.reverts("registrar: zero address"):
        deploy("GreenCertificates", exchange, NOBODY, ISSUER)


def test_surface__abi__has_no_way_around_production_and_retirement(certificates):
    changing = {
        entry["name"]
        for entry in certificates.abi
        if entry["type"] == "function" and entry["stateMutability"] == "nonpayable"
    }
    assert changing == {
        "mint", "retire", "retire_matched", "expire", "admit", "dismiss", "set_registrar", "connect",
        "safeTransferFrom", "safeBatchTransferFrom", "setApprovalForAll", "transfer_ownership", "accept_ownership",
    }  # fmt: skip


@pytest.mark.parametrize("interface", ["0x01ffc9a7", "0xd9b67a26", "0x0e89341c"])
def test_supports_interface__erc165_erc1155_and_metadata__yes(certificates, interface):
    assert certificates.supportsInterface(bytes.fromhex(interface[2:]))
    assert not certificates.supportsInterface(b"\xff" * 4)


@pytest.mark.parametrize("issuer", ["", 'a "quoted" name', "back\\slash", "line\nbreak", "caf\u00e9"])
def test_deploy__issuer_does_not_fit_into_json__refused(deploy, exchange, registrar, issuer):
    with boa.reverts("certificates: bad issuer"):
        deploy("GreenCertificates", exchange, registrar, issuer)


def test_set_registrar__owner__replaces_him(certificates, owner, registrar, attacker, new_site, producer):
    site = new_site(producer)
    certificates.set_registrar(attacker.address, sender=owner)
    (log,) = [entry for entry in certificates.get_logs() if type(entry).__name__ == "RegistrarSet"]
    assert log.registrar == certificates.registrar() == attacker.address
    with boa.reverts("registrar: not you"):
        certificates.admit(site, LOCATION, CONFIGURATION, sender=registrar)


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
    certificates.admit(site, LOCATION, CONFIGURATION, sender=registrar)
    (log,) = [entry for entry in certificates.get_logs() if type(entry).__name__ == "SiteAdmitted"]
    assert (log.site, log.location, log.configuration) == (site, LOCATION, CONFIGURATION)
    assert certificates.is_admitted(site)
    assert (certificates.location(site), certificates.configuration(site)) == (LOCATION, CONFIGURATION)


@pytest.mark.parametrize("technology", [CONSUMER, STORAGE])
def test_admit__not_a_source__refused(certificates, new_site, registrar, producer, technology):
    site = new_site(producer, technology, 1_000)
    with boa.reverts("site: not a clean source"):
        certificates.admit(site, LOCATION, CONFIGURATION, sender=registrar)


def test_admit__unknown_site__refused(certificates, zone, registrar):
    with boa.reverts("site: unknown"):
        certificates.admit(zone << 16 | 99, LOCATION, CONFIGURATION, sender=registrar)


def test_admit__twice__refused(certificates, site, registrar):
    with boa.reverts("site: already admitted"):
        certificates.admit(site, LOCATION, CONFIGURATION, sender=registrar)


def test_admit__not_the_registrar__refused(certificates, new_site, producer, owner, grid_operator):
    site = new_site(producer)
    for caller in (owner, grid_operator.address, producer.address):
        with boa.reverts("registrar: not you"):
            certificates.admit(site, LOCATION, CONFIGURATION, sender=caller)


def test_admit__registrar_is_the_grid_operator__refused(certificates, new_site, producer, owner, grid_operator):
    site = new_site(producer)
    certificates.set_registrar(grid_operator.address, sender=owner)
    with boa.reverts("registrar: is grid operator"):
        certificates.admit(site, LOCATION, CONFIGURATION, sender=grid_operator.address)


@pytest.mark.parametrize("location", ["", 'here"', "there\\", "\x1f", "\x7f", "Z\u00fcrich"])
def test_admit__location_does_not_fit_into_json__refused(certificates, new_site, registrar, producer, location):
    site = new_site(producer)
    with boa.reverts("site: bad location"):
        certificates.admit(site, location, CONFIGURATION, sender=registrar)


@pytest.mark.parametrize("configuration", [0, 4, 2**256 - 1])
def test_admit__no_such_configuration__refused(certificates, new_site, registrar, producer, configuration):
    site = new_site(producer)
    with boa.reverts("site: bad configuration"):
        certificates.admit(site, LOCATION, configuration, sender=registrar)


def test_admit__dismissed_before__only_as_it_was(certificates, site, certificate, registrar):
    certificates.dismiss(site, sender=registrar)
    for location, configuration in (("elsewhere", CONFIGURATION), (LOCATION, 1)):
        with boa.reverts("site: differs from before"):
            certificates.admit(site, location, configuration, sender=registrar)
    certificates.admit(site, LOCATION, CONFIGURATION, sender=registrar)
    assert certificates.is_admitted(site)


def test_is_admitted__site_that_never_was__no(certificates, new_site, producer):
    assert not certificates.is_admitted(new_site(producer))


def test_dismiss__admitted_site__mints_no_more_but_keeps_what_it_has(
    certificates, certificate, site, registrar, producer, report
):
    certificates.dismiss(site, sender=registrar)
    (log,) = [entry for entry in certificates.get_logs() if type(entry).__name__ == "SiteDismissed"]
    assert log.site == site
    boa.env.evm.patch.timestamp = START + 7_200
    report([entry(site, HOUR + 1, {0: 1_000})])
    with boa.reverts("site: not admitted"):
        certificates.mint(site, HOUR + 1, 1, producer.address, sender=producer.address)
    assert certificates.balanceOf(producer.address, certificate) == 7_000


def test_dismiss__not_admitted__refused(certificates, new_site, producer, registrar):
    with boa.reverts("site: not admitted"):
        certificates.dismiss(new_site(producer), sender=registrar)


def test_dismiss__not_the_registrar__refused(certificates, site, owner):
    with boa.reverts("registrar: not you"):
        certificates.dismiss(site, sender=owner)


# ---- mint


def test_mint__hour_that_meters_settled_whole__takes_a_shorter_way(
    certificates: Any, site: int, report: Report, producer: LocalAccount
) -> None:
    """It is by far the most frequent one."""
    boa.env.evm.patch.timestamp = START + 2 * 3_600
    report([entry(site, HOUR, {0: 1, 1: 2, 2: 3, 3: 4}), entry(site, HOUR + 1, {0: 1, 1: 2, 2: 3})])
    report([no_reading(site, HOUR + 1, 0b1000)])
    ways = []
    for hour in (HOUR, HOUR + 1):
        with boa.env.anchor():
            certificates.mint(site, hour, 1, producer.address, sender=producer.address)
            ways.append(len(operations(certificates, certificates)))
    assert ways[0] < ways[1] - 100, "steps for four slots and for three"


def test_mint__settled_hour__is_what_the_meter_showed(certificates, site, producing_hour, producer, buyer):
    assert certificates.mintable(site, producing_hour) == 7_000
    assert certificates.mint(site, producing_hour, 1, buyer, sender=producer.address) == 7_000
    (log,) = [entry for entry in certificates.get_logs() if type(entry).__name__ == "TransferBatch"]
    certificate = site << 32 | producing_hour
    assert tuple(log)[1:] == (producer.address, NOBODY, buyer, [certificate], [7_000])
    assert certificates.balanceOf(buyer, certificate) == 7_000
    assert tuple(certificates.totals_of(certificate)) == (7_000, 7_000, 0, 0)
    assert certificates.minted_mask(site, producing_hour) == 0b1111
    assert certificates.mintable(site, producing_hour) == 0


def test_mintable__hour_that_still_runs__what_is_settled_of_it(certificates, site, report, producer):
    boa.env.evm.patch.timestamp = START + 900
    report([entry(site, HOUR, {0: 1_000})])
    assert certificates.mintable(site, HOUR) == 1_000
    assert certificates.mint(site, HOUR, 1, producer.address, sender=producer.address) == 1_000
    assert certificates.mintable(site, HOUR) == 0


def test_mint__twice__refused(certificates, site, certificate, producing_hour, producer):
    with boa.reverts("mint: nothing to mint"):
        certificates.mint(site, producing_hour, 1, producer.address, sender=producer.address)


def test_mint__after_retirement__refused(certificates, site, certificate, producing_hour, producer):
    certificates.retire(producer.address, [certificate], [7_000], "", "", sender=producer.address)
    with boa.reverts("mint: nothing to mint"):
        certificates.mint(site, producing_hour, 1, producer.address, sender=producer.address)


def test_mint__slot_by_slot_as_they_settle__adds_up_under_one_id(certificates, site, report, producer):
    minted = 0
    for slot, wh in enumerate([10, 20, 30, 40]):
        boa.env.evm.patch.timestamp = START + (slot + 1) * SLOT
        report([entry(site, HOUR, {slot: wh})])
        assert certificates.mint(site, HOUR, 1, producer.address, sender=producer.address) == wh
        minted += wh
        assert certificates.balanceOf(producer.address, site << 32 | HOUR) == minted


def test_mint__neighbouring_hours_and_sites__do_not_touch_each_other(
    certificates, new_site, registrar, report, producer
):
    sites = [new_site(producer) for _ in range(2)]
    hours = range(HOUR, HOUR + 130, 43)
    for site in sites:
        certificates.admit(site, LOCATION, CONFIGURATION, sender=registrar)
    boa.env.evm.patch.timestamp = (hours[-1] + 1) * 3_600
    report([entry(site, hour, {0: 5, 3: 6}) for hour in hours for site in sites])
    for site in sites:
        for hour in hours:
            assert certificates.minted_mask(site, hour) == 0
            assert certificates.mint(site, hour, 1, producer.address, sender=producer.address) == 11
            assert certificates.minted_mask(site, hour) == 0b1001


def test_mint__not_settled__refused(certificates, site, producer):
    with boa.reverts("mint: nothing to mint"):
        certificates.mint(site, HOUR, 1, producer.address, sender=producer.address)


def test_mint__exported_nothing__refused(certificates, site, report, producer):
    boa.env.evm.patch.timestamp = START + 3_600
    report([entry(site, HOUR, {0: 0, 1: 0})])
    with boa.reverts("mint: nothing to mint"):
        certificates.mint(site, HOUR, 1, producer.address, sender=producer.address)


def test_mint__no_reading__refused(certificates, site, report, producer):
    boa.env.evm.patch.timestamp = START + 3_600
    report([no_reading(site, HOUR, 0b1111)])
    with boa.reverts("mint: nothing to mint"):
        certificates.mint(site, HOUR, 1, producer.address, sender=producer.address)


def test_mint__sold_but_settled_as_traded__refused(certificates, exchange, token, mint, new_site, site, producer):
    """Without any report the money goes as agreed, but no meter showed the energy."""
    neighbour = person("neighbour")
    trade(exchange, token, mint, (site, producer), (new_site(neighbour, CONSUMER, 0), neighbour), wh=1_000)
    boa.env.evm.patch.timestamp = START + 9 * DAY
    exchange.settle_overdue(site, FIRST_TRADED_SLOT)
    with boa.reverts("mint: nothing to mint"):
        certificates.mint(site, FIRST_TRADED_SLOT // 4, 1, producer.address, sender=producer.address)


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
        certificates.mint(site, hour, 1, producer.address, sender=producer.address)


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
        _, filled = exchange.place(site, FIRST_TRADED_SLOT, sell, 500, wh, 0, 0, sender=account.address)
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
    assert certificates.mint(site, hour, 1, producer.address, sender=producer.address) == 2_500


def test_mint__in_the_last_second__still_possible(certificates, site, producing_hour, producer):
    boa.env.evm.patch.timestamp = certificates.mint_deadline(producing_hour) - 1
    assert certificates.mintable(site, producing_hour) == 7_000
    assert certificates.mint(site, producing_hour, 1, producer.address, sender=producer.address) == 7_000


def test_mint__after_the_deadline__refused(certificates, site, producing_hour, producer):
    boa.env.evm.patch.timestamp = certificates.mint_deadline(producing_hour)
    assert certificates.mintable(site, producing_hour) == 0
    with boa.reverts("mint: too late"):
        certificates.mint(site, producing_hour, 1, producer.address, sender=producer.address)


def test_mint_deadline__any_hour__is_before_the_exchange_can_forget(certificates):
    """An order may reuse the word of an hour as soon as the hour 1024 later is within the horizon of 168 hours."""
    assert certificates.mint_deadline(HOUR) == (HOUR + 1_024 - 168) * 3_600


def test_mint_deadline__no_hour__refused(certificates):
    with boa.reverts("mint: no such hour"):
        certificates.mint_deadline(2**32)


def test_mint__cell_reused_since__never_for_the_wrong_hour(certificates, site, producing_hour, report, producer):
    later = producing_hour + 1_024
    boa.env.evm.patch.timestamp = (later + 1) * 3_600
    report([entry(site, later, {2: 30})])
    assert certificates.mint(site, later, 1, producer.address, sender=producer.address) == 30


def test_mint__not_the_site_owner__refused(certificates, site, producing_hour, registrar, grid_operator, attacker):
    for caller in (registrar, grid_operator.address, attacker.address):
        with boa.reverts("site: not yours"):
            certificates.mint(site, producing_hour, 1, caller, sender=caller)


def test_mint__unknown_site__refused(certificates, zone, attacker):
    with boa.reverts("site: not yours"):
        certificates.mint(zone << 16 | 99, HOUR, 1, attacker.address, sender=attacker.address)


def test_mint__unknown_site_from_the_zero_address__refused(certificates, zone):
    """Nobody can call from it but a simulation; the site's absence must not make him its owner."""
    with boa.reverts("site: not admitted"):
        certificates.mint(zone << 16 | 99, HOUR, 1, person("anybody").address, sender=NOBODY)


def test_mint__site_not_admitted__refused(certificates, new_site, report, producer):
    site = new_site(producer)
    boa.env.evm.patch.timestamp = START + 3_600
    report([entry(site, HOUR, {0: 1_000})])
    with boa.reverts("site: not admitted"):
        certificates.mint(site, HOUR, 1, producer.address, sender=producer.address)


@pytest.mark.parametrize("hour", [HOUR + 2, 2**32, 2**255])
def test_mint__hour_has_not_begun__refused(certificates, site, producing_hour, producer, hour):
    with boa.reverts("mint: not produced yet"):
        certificates.mint(site, hour, 1, producer.address, sender=producer.address)
    assert certificates.mintable(site, hour) == 0


def test_mint__to_nobody__refused(certificates, site, producing_hour, producer):
    with boa.reverts("erc1155: zero address"):
        certificates.mint(site, producing_hour, 1, NOBODY, sender=producer.address)


def test_mint__to_a_contract_that_accepts__arrives(certificates, site, producing_hour, producer):
    contract = receiver(accepts=True)
    assert certificates.mint(site, producing_hour, 1, contract, sender=producer.address) == 7_000
    assert certificates.balanceOf(contract, site << 32 | producing_hour) == 7_000


def test_mint__to_a_contract_that_refuses__changes_nothing(certificates, site, producing_hour, producer):
    contract = receiver(accepts=False)
    with boa.reverts("erc1155: receiver refuses"):
        certificates.mint(site, producing_hour, 1, contract, sender=producer.address)
    assert certificates.minted_mask(site, producing_hour) == 0


def test_mint__owner_contract_mints_again_on_arrival__gets_nothing_more(
    certificates, grid, zone, grid_operator, registrar, report
):
    contract = receiver(accepts=True)
    arguments = (zone, contract, SOLAR, 1_000_000, person("meter").address, START, b"\x01" * 65)
    site = grid.register_site(*arguments, sender=grid_operator.address)
    certificates.admit(site, LOCATION, CONFIGURATION, sender=registrar)
    boa.env.evm.patch.timestamp = START + 3_600
    report([entry(site, HOUR, {0: 1_000})])
    contract.call_back(certificates, certificates.mint.prepare_calldata(site, HOUR, 1, contract.address))
    certificates.mint(site, HOUR, 1, contract, sender=contract.address)
    assert not contract.called_back()
    assert certificates.totals_of(site << 32 | HOUR).issued == 1_000


# ---- a day


@pytest.mark.parametrize("start", [0, 3, 7])
def test_mint__a_day__mints_every_producing_hour_once(certificates, site, report, producer, buyer, start):
    """Whichever hour it begins with: 24 hours lie in three or four words."""
    boa.env.evm.patch.timestamp = START + 2 * DAY
    day = range(HOUR + start, HOUR + start + 24)
    produced = {hour: 100 * (hour - HOUR - start) for hour in day}  # nothing in the first hour
    report([entry(site, hour, {0: wh, 2: wh}) for hour, wh in produced.items()])
    total = 2 * sum(produced.values())
    assert certificates.mint(site, day[0], 24, buyer, sender=producer.address) == total
    (log,) = [entry for entry in certificates.get_logs() if type(entry).__name__ == "TransferBatch"]
    assert tuple(log)[4] == [site << 32 | hour for hour in day[1:]]
    assert tuple(log)[5] == [2 * produced[hour] for hour in day[1:]]
    for hour, wh in produced.items():
        assert certificates.balanceOf(buyer, site << 32 | hour) == 2 * wh
        assert certificates.minted_mask(site, hour) == (0b0101 if wh else 0)
    assert tuple(certificates.totals(site >> 16, SOLAR)) == (total, total, 0, 0)
    with boa.reverts("mint: nothing to mint"):
        certificates.mint(site, day[0], 24, buyer, sender=producer.address)


def test_mint__largest_site_at_full_power__cells_hold_it(certificates, new_site, registrar, report, producer):
    most = 2**23 - 1  # Wh in a slot that any nameplate allows
    site = new_site(producer, WIND, 4 * most)
    certificates.admit(site, LOCATION, CONFIGURATION, sender=registrar)
    hours = [HOUR, HOUR + 1, HOUR + 7, HOUR + 8]
    boa.env.evm.patch.timestamp = START + DAY
    report([entry(site, hour, dict.fromkeys(range(4), most)) for hour in hours])
    assert certificates.mint(site, HOUR, 24, producer.address, sender=producer.address) == 16 * most
    ids = [site << 32 | HOUR + i for i in range(9)]
    held = certificates.balanceOfBatch([producer.address] * 9, ids)
    assert held == [4 * most if HOUR + i in hours else 0 for i in range(9)]
    assert [certificates.totals_of(id_).issued for id_ in ids] == held


def test_mint__partly_minted__mints_the_rest(certificates, site, certificate, report, producer):
    boa.env.evm.patch.timestamp = START + 7_200
    report([entry(site, HOUR + 1, {1: 50})])
    assert certificates.mint(site, HOUR, 2, producer.address, sender=producer.address) == 50


def test_mint__no_hours__refused(certificates, site, producing_hour, producer):
    with boa.reverts("mint: nothing to mint"):
        certificates.mint(site, producing_hour, 0, producer.address, sender=producer.address)


def test_mint__more_than_a_day__refused(certificates, site, producing_hour, producer):
    with boa.reverts("mint: too many hours"):
        certificates.mint(site, producing_hour, 25, producer.address, sender=producer.address)


# ---- ERC-1155


def test_transfer__holder__passes_them_on(certificates, certificate, producer, buyer):
    certificates.safeTransferFrom(producer.address, buyer, certificate, 3_000, b"", sender=producer.address)
    (log,) = certificates.get_logs()
    assert tuple(log)[1:] == (producer.address, producer.address, buyer, certificate, 3_000)
    assert certificates.balanceOfBatch([producer.address, buyer], [certificate] * 2) == [4_000, 3_000]


def test_transfer__batch_by_an_approved_operator__passes_them_on(certificates, day, producer, buyer, attacker):
    certificates.setApprovalForAll(attacker.address, True, sender=producer.address)
    assert certificates.isApprovedForAll(producer.address, attacker.address)
    certificates.safeBatchTransferFrom(producer.address, buyer, day, [1, 2, 3], b"", sender=attacker.address)
    (log,) = certificates.get_logs()
    assert tuple(log)[1:] == (attacker.address, producer.address, buyer, day, [1, 2, 3])
    assert certificates.balanceOfBatch([buyer] * 3, day) == [1, 2, 3]
    assert certificates.balanceOfBatch([producer.address] * 3, day) == [99, 198, 297]


@pytest.fixture
def day(certificates: Any, site: int, report: Report, producer: LocalAccount) -> list[int]:
    """Ids of the producer's 100, 200 and 300 certificates of three hours that lie in two words."""
    hours = range(HOUR + 6, HOUR + 9)
    boa.env.evm.patch.timestamp = (hours[-1] + 1) * 3_600
    report([entry(site, hour, {1: 100 * i}) for i, hour in enumerate(hours, 1)])
    certificates.mint(site, hours[0], 3, producer.address, sender=producer.address)
    return [site << 32 | hour for hour in hours]


@pytest.mark.parametrize("batch", [False, True])
def test_transfer__stranger__refused(certificates, certificate, producer, attacker, batch):
    with boa.reverts("erc1155: not yours"):
        transfer(certificates, producer.address, attacker.address, certificate, 1, batch, sender=attacker.address)


def transfer(contract: Any, owner: str, to: str, id_: int, amount: int, batch: bool, sender: str) -> None:
    if batch:
        contract.safeBatchTransferFrom(owner, to, [id_], [amount], b"data", sender=sender)
    else:
        contract.safeTransferFrom(owner, to, id_, amount, b"data", sender=sender)


def test_transfer__approval_taken_back__refused(certificates, certificate, producer, attacker):
    certificates.setApprovalForAll(attacker.address, True, sender=producer.address)
    certificates.setApprovalForAll(attacker.address, False, sender=producer.address)
    with boa.reverts("erc1155: not yours"):
        transfer(certificates, producer.address, attacker.address, certificate, 1, False, sender=attacker.address)


@pytest.mark.parametrize("batch", [False, True])
@pytest.mark.parametrize("amount", [7_001, 2**30, 2**255])
def test_transfer__more_than_held__refused(certificates, certificate, producer, buyer, amount, batch):
    with boa.reverts("erc1155: balance too low"):
        transfer(certificates, producer.address, buyer, certificate, amount, batch, sender=producer.address)


def test_transfer__same_id_twice_in_a_batch__counts_twice(certificates, certificate, producer, buyer):
    ids = [certificate] * 2
    certificates.safeBatchTransferFrom(producer.address, buyer, ids, [3_000, 4_000], b"", sender=producer.address)
    assert certificates.balanceOf(buyer, certificate) == 7_000
    with boa.reverts("erc1155: balance too low"):
        certificates.safeBatchTransferFrom(buyer, producer.address, ids, [7_000, 1], b"", sender=buyer)


@pytest.mark.parametrize("batch", [False, True])
def test_transfer__to_oneself__changes_nothing(certificates, certificate, producer, batch):
    transfer(certificates, producer.address, producer.address, certificate, 7_000, batch, sender=producer.address)
    assert certificates.balanceOf(producer.address, certificate) == 7_000


@pytest.mark.parametrize("batch", [False, True])
def test_transfer__to_nobody__refused(certificates, certificate, producer, batch):
    with boa.reverts("erc1155: zero address"):
        transfer(certificates, producer.address, NOBODY, certificate, 1, batch, sender=producer.address)


@pytest.mark.parametrize("ahead", [0, 16_384, 2**31])
@pytest.mark.parametrize("batch", [False, True])
def test_transfer__nothing_of_any_id__is_logged_and_touches_nothing(
    certificates, site, certificate, producer, attacker, batch, ahead
):
    """Not even of the hour that will share the holder's word one day."""
    id_ = certificate + ahead
    transfer(certificates, attacker.address, producer.address, id_, 0, batch, sender=attacker.address)
    (log,) = certificates.get_logs()
    assert type(log).__name__ == ("TransferBatch" if batch else "TransferSingle")
    assert certificates.balanceOf(producer.address, certificate) == 7_000


@pytest.mark.parametrize(("ids", "amounts"), [([1], []), ([], [1]), ([1, 2], [1])])
def test_transfer__batch_of_unequal_lengths__refused(certificates, producer, buyer, ids, amounts):
    with boa.reverts("erc1155: lengths differ"):
        certificates.safeBatchTransferFrom(producer.address, buyer, ids, amounts, b"", sender=producer.address)


def test_balances__unequal_lengths__refused(certificates, producer):
    with boa.reverts("erc1155: lengths differ"):
        certificates.balanceOfBatch([producer.address], [])


@pytest.mark.parametrize("beyond", [1 << 96, 1 << 200])
def test_balance__id_too_large_for_a_site__none(certificates, certificate, producer, beyond):
    assert certificates.balanceOf(producer.address, certificate | beyond) == 0


def test_balance__same_word_of_another_lap__none(certificates, certificate, producer):
    assert certificates.balanceOf(producer.address, certificate + 16_384) == 0
    assert certificates.balanceOf(producer.address, certificate - 16_384) == 0


@pytest.mark.parametrize("batch", [False, True])
def test_transfer__to_a_contract_that_accepts__told_before_it_ends(certificates, certificate, producer, batch):
    contract = receiver(accepts=True)
    transfer(certificates, producer.address, contract.address, certificate, 5, batch, sender=producer.address)
    assert contract.told() == (producer.address, producer.address, certificate, 5, b"data")
    assert contract.balance_when_told() == 5


@pytest.mark.parametrize("batch", [False, True])
def test_transfer__to_a_contract_that_refuses__refused(certificates, certificate, producer, batch):
    contract = receiver(accepts=False)
    with boa.reverts("erc1155: receiver refuses"):
        transfer(certificates, producer.address, contract.address, certificate, 5, batch, sender=producer.address)


@pytest.mark.parametrize("batch", [False, True])
def test_transfer__to_a_contract_that_knows_no_certificates__refused(certificates, certificate, producer, token, batch):
    with boa.reverts():
        transfer(certificates, producer.address, token.address, certificate, 5, batch, sender=producer.address)


@pytest.mark.parametrize("batch", [False, True])
def test_transfer__receiver_passes_them_on_at_once__cannot(certificates, certificate, producer, attacker, batch):
    contract = receiver(accepts=True)
    onward = certificates.safeTransferFrom.prepare_calldata(contract.address, attacker.address, certificate, 5, b"")
    contract.call_back(certificates, onward)
    transfer(certificates, producer.address, contract.address, certificate, 5, batch, sender=producer.address)
    assert not contract.called_back()
    assert certificates.balanceOf(contract, certificate) == 5


# ---- retire


def test_retire__holder__leaves_circulation_on_record(certificates, certificate, producer):
    certificates.retire(producer.address, [certificate], [3_000], "Bakery", "2033 Q2", sender=producer.address)
    logs = {type(entry).__name__: entry for entry in certificates.get_logs()}
    retired, burnt = logs["Retired"], logs["TransferBatch"]
    assert (retired.id, retired.account, retired.amount) == (certificate, producer.address, 3_000)
    assert (retired.beneficiary, retired.purpose) == ("Bakery", "2033 Q2")
    assert (retired.site, retired.slot) == (0, 0)
    assert tuple(burnt)[1:] == (producer.address, producer.address, NOBODY, [certificate], [3_000])
    assert certificates.balanceOf(producer.address, certificate) == 4_000
    assert tuple(certificates.totals_of(certificate)) == (7_000, 4_000, 3_000, 0)


def test_retire__a_day__each_id_on_record(certificates, day, producer):
    certificates.retire(producer.address, day, [100, 150, 300], "Bakery", "a day", sender=producer.address)
    retired = [entry for entry in certificates.get_logs() if type(entry).__name__ == "Retired"]
    assert [(entry.id, entry.amount) for entry in retired] == list(zip(day, [100, 150, 300], strict=True))
    assert [tuple(certificates.totals_of(id_)) for id_ in day] == [
        (100, 0, 100, 0),
        (200, 50, 150, 0),
        (300, 0, 300, 0),
    ]


def test_retire__bought_certificates__count_for_the_buyer(certificates, certificate, producer, buyer):
    certificates.safeTransferFrom(producer.address, buyer, certificate, 3_000, b"", sender=producer.address)
    certificates.retire(buyer, [certificate], [3_000], "", "", sender=buyer)
    (log,) = [entry for entry in certificates.get_logs() if type(entry).__name__ == "Retired"]
    assert log.account == buyer


def test_retire__twice__refused(certificates, certificate, producer):
    certificates.retire(producer.address, [certificate], [7_000], "", "", sender=producer.address)
    with boa.reverts("erc1155: balance too low"):
        certificates.retire(producer.address, [certificate], [1], "", "", sender=producer.address)


def test_retire__same_id_twice_in_a_call__counts_twice(certificates, certificate, producer):
    with boa.reverts("erc1155: balance too low"):
        certificates.retire(producer.address, [certificate] * 2, [7_000, 1], "", "", sender=producer.address)
    certificates.retire(producer.address, [certificate] * 2, [6_999, 1], "", "", sender=producer.address)
    assert certificates.totals_of(certificate).retired == 7_000


def test_retire__approved_operator__in_the_holders_name(certificates, certificate, producer, attacker):
    certificates.setApprovalForAll(attacker.address, True, sender=producer.address)
    certificates.retire(producer.address, [certificate], [1], "", "", sender=attacker.address)
    (log,) = [entry for entry in certificates.get_logs() if type(entry).__name__ == "Retired"]
    assert log.account == producer.address


def test_retire__of_another__refused(certificates, certificate, producer, attacker):
    with boa.reverts("erc1155: not yours"):
        certificates.retire(producer.address, [certificate], [1], "", "", sender=attacker.address)


def test_retire__nothing__refused(certificates, certificate, producer):
    with boa.reverts("retire: nothing"):
        certificates.retire(producer.address, [certificate], [0], "", "", sender=producer.address)


def test_retire__unequal_lengths__refused(certificates, certificate, producer):
    with boa.reverts("erc1155: lengths differ"):
        certificates.retire(producer.address, [certificate], [], "", "", sender=producer.address)


def test_retire__text_at_its_limit__recorded_whole(certificates, certificate, producer):
    certificates.retire(producer.address, [certificate], [1], "b" * 64, "p" * 64, sender=producer.address)
    (log,) = [entry for entry in certificates.get_logs() if type(entry).__name__ == "Retired"]
    assert (log.beneficiary, log.purpose) == ("b" * 64, "p" * 64)


def test_retire__more_ids_than_a_day_has__refused(certificates, certificate, producer):
    with boa.reverts():
        certificates.retire(producer.address, [certificate] * 25, [1] * 25, "", "", sender=producer.address)
    certificates.retire(producer.address, [certificate] * 24, [1] * 24, "", "", sender=producer.address)
    assert certificates.totals_of(certificate).retired == 24


# ---- retire for a consumption


@pytest.fixture
def consumer() -> LocalAccount:
    return person("neighbour")


@pytest.fixture
def consumption(
    exchange: Any,
    token: Any,
    mint: Mint,
    new_site: NewSite,
    certificates: Any,
    site: int,
    report: Report,
    producer: LocalAccount,
    consumer: LocalAccount,
) -> int:
    """The consumer's site bought 1,000 Wh in `FIRST_TRADED_SLOT` and used 800 of it; he holds 2,500 certificates."""
    buying = new_site(consumer, CONSUMER, 0)
    trade(exchange, token, mint, (site, producer), (buying, consumer), wh=1_000)
    hour = FIRST_TRADED_SLOT // 4
    boa.env.evm.patch.timestamp = (hour + 1) * 3_600
    report([entry(site, hour, {0: 2_500}), entry(buying, hour, {}, {0: 800})])
    certificates.mint(site, hour, 1, consumer.address, sender=producer.address)
    return buying


@pytest.fixture
def matching(site: int) -> int:
    """Id of the certificates of the hour in which the consumer's site used energy."""
    return site << 32 | FIRST_TRADED_SLOT // 4


def match(certificates: Any, holder: str, id_: int, wh: int, site: int, slot: int, sender: str) -> None:
    certificates.retire_matched(holder, id_, wh, "me", "my dinner", site, slot, sender=sender)


def test_retire_matched__metered_consumption__on_record_once(certificates, consumption, matching, consumer):
    assert certificates.matchable(consumption, FIRST_TRADED_SLOT) == 800
    match(certificates, consumer.address, matching, 300, consumption, FIRST_TRADED_SLOT, consumer.address)
    logs = {type(entry).__name__: entry for entry in certificates.get_logs()}
    assert tuple(logs["Retired"])[1:] == (
        matching, consumer.address, 300, "me", "my dinner", consumption, FIRST_TRADED_SLOT,
    )  # fmt: skip
    assert tuple(logs["TransferBatch"])[1:] == (consumer.address, consumer.address, NOBODY, [matching], [300])
    assert certificates.matched(consumption, FIRST_TRADED_SLOT) == 300
    assert certificates.matchable(consumption, FIRST_TRADED_SLOT) == 500
    assert tuple(certificates.totals_of(matching)) == (2_500, 2_200, 300, 0)


def test_retire_matched__more_than_the_meter_showed__refused(certificates, consumption, matching, consumer):
    match(certificates, consumer.address, matching, 300, consumption, FIRST_TRADED_SLOT, consumer.address)
    for wh in (501, 2**200, 2**256 - 1):
        with boa.reverts():
            match(certificates, consumer.address, matching, wh, consumption, FIRST_TRADED_SLOT, consumer.address)
    with boa.reverts("match: beyond metered import"):
        match(certificates, consumer.address, matching, 501, consumption, FIRST_TRADED_SLOT, consumer.address)
    match(certificates, consumer.address, matching, 500, consumption, FIRST_TRADED_SLOT, consumer.address)
    assert certificates.matchable(consumption, FIRST_TRADED_SLOT) == 0


def test_retire_matched__all_slots_of_an_hour__each_counts_for_itself(
    certificates, exchange, token, mint, new_site, site, report, producer, consumer
):
    buying, hour = new_site(consumer, CONSUMER, 0), FIRST_TRADED_SLOT // 4
    trade(exchange, token, mint, (site, producer), (buying, consumer), wh=1_000)
    for slot in range(FIRST_TRADED_SLOT + 1, FIRST_TRADED_SLOT + 4):
        for sell, at, account in ((True, site, producer), (False, buying, consumer)):
            exchange.place(at, slot, sell, 500, 1_000, 0, 0, sender=account.address)
    used = {place: 700 + place for place in range(4)}
    boa.env.evm.patch.timestamp = (hour + 1) * 3_600
    report([entry(site, hour, dict.fromkeys(range(4), 1_000)), entry(buying, hour, {}, used)])
    certificates.mint(site, hour, 1, consumer.address, sender=producer.address)
    slots, id_ = [FIRST_TRADED_SLOT + place for place in range(4)], site << 32 | hour
    for turn in (1, 2):
        for place, slot in enumerate(slots):
            match(certificates, consumer.address, id_, 100 + 10 * place, buying, slot, consumer.address)
        assert [certificates.matched(buying, slot) for slot in slots] == [turn * (100 + 10 * at) for at in range(4)]
    for place, slot in enumerate(slots):
        left = used[place] - 2 * (100 + 10 * place)
        assert certificates.matchable(buying, slot) == left
        with boa.reverts("match: beyond metered import"):
            match(certificates, consumer.address, id_, left + 1, buying, slot, consumer.address)


def test_retire_matched__slot_without_consumption__refused(certificates, consumption, matching, consumer):
    with boa.reverts("match: beyond metered import"):
        match(certificates, consumer.address, matching, 1, consumption, FIRST_TRADED_SLOT + 1, consumer.address)


def test_retire_matched__not_settled_by_a_meter__refused(
    certificates, exchange, token, mint, new_site, site, report, producer, consumer
):
    """Bought, and settled as all used because his meter was silent: money is right that way, a claim is not."""
    buying = new_site(consumer, CONSUMER, 0)
    trade(exchange, token, mint, (site, producer), (buying, consumer), wh=1_000)
    hour = FIRST_TRADED_SLOT // 4
    boa.env.evm.patch.timestamp = (hour + 1) * 3_600
    report([entry(site, hour, {0: 2_500}), no_reading(buying, hour, 0b0001)])
    certificates.mint(site, hour, 1, consumer.address, sender=producer.address)
    assert certificates.matchable(buying, FIRST_TRADED_SLOT) == 0
    with boa.reverts("match: beyond metered import"):
        match(certificates, consumer.address, site << 32 | hour, 1, buying, FIRST_TRADED_SLOT, consumer.address)


def test_retire_matched__certificate_of_another_hour__refused(certificates, consumption, certificate, producer):
    certificates.setApprovalForAll(producer.address, True, sender=person("neighbour").address)
    with boa.reverts("match: not in that hour"):
        match(certificates, producer.address, certificate, 1, consumption, FIRST_TRADED_SLOT, producer.address)


def test_retire_matched__site_of_another__refused_until_approved(
    certificates, consumption, matching, consumer, attacker
):
    certificates.safeTransferFrom(consumer.address, attacker.address, matching, 10, b"", sender=consumer.address)
    with boa.reverts("match: not your site"):
        match(certificates, attacker.address, matching, 10, consumption, FIRST_TRADED_SLOT, attacker.address)
    certificates.setApprovalForAll(attacker.address, True, sender=consumer.address)
    match(certificates, attacker.address, matching, 10, consumption, FIRST_TRADED_SLOT, attacker.address)
    assert certificates.matched(consumption, FIRST_TRADED_SLOT) == 10


def test_retire_matched__unknown_site__refused(certificates, consumption, matching, consumer, zone):
    with boa.reverts("match: not your site"):
        match(certificates, consumer.address, matching, 1, zone << 16 | 99, FIRST_TRADED_SLOT, consumer.address)


def test_retire_matched__certificates_of_another__refused(
    certificates, consumption, matching, consumer, producer, attacker
):
    certificates.safeTransferFrom(consumer.address, attacker.address, matching, 10, b"", sender=consumer.address)
    with boa.reverts("erc1155: not yours"):
        match(certificates, attacker.address, matching, 10, consumption, FIRST_TRADED_SLOT, consumer.address)


def test_retire_matched__nothing__refused(certificates, consumption, matching, consumer):
    with boa.reverts("retire: nothing"):
        match(certificates, consumer.address, matching, 0, consumption, FIRST_TRADED_SLOT, consumer.address)


def test_retire_matched__more_than_held__refused(certificates, consumption, matching, consumer, buyer):
    certificates.safeTransferFrom(consumer.address, buyer, matching, 2_400, b"", sender=consumer.address)
    with boa.reverts("erc1155: balance too low"):
        match(certificates, consumer.address, matching, 101, consumption, FIRST_TRADED_SLOT, consumer.address)


def test_matched__ring_comes_round__starts_anew(
    certificates, exchange, token, mint, consumption, matching, site, report, producer, consumer
):
    match(certificates, consumer.address, matching, 800, consumption, FIRST_TRADED_SLOT, consumer.address)
    later = FIRST_TRADED_SLOT // 4 + 1_024
    boa.env.evm.patch.timestamp = (later - 24) * 3_600
    for sell, at in ((True, site), (False, consumption)):
        account = producer if sell else consumer
        exchange.place(at, later * 4, sell, 500, 600, 0, 0, sender=account.address)
    boa.env.evm.patch.timestamp = (later + 1) * 3_600
    report([entry(site, later, {0: 600}), entry(consumption, later, {}, {0: 600})])
    certificates.mint(site, later, 1, consumer.address, sender=producer.address)
    assert certificates.matched(consumption, later * 4) == 0
    match(certificates, consumer.address, site << 32 | later, 600, consumption, later * 4, consumer.address)
    assert certificates.matched(consumption, later * 4) == 600
    assert certificates.matched(consumption, FIRST_TRADED_SLOT) == 0


# ---- expiry


def test_expires_at__any_hour__eighteen_months_after_it_ends(certificates, certificate):
    assert certificates.expires_at(certificate) == (HOUR + 1) * 3_600 + 13_140 * 3_600


def test_expiry__last_second__still_passed_on_and_retired(certificates, certificate, producer, buyer):
    boa.env.evm.patch.timestamp = certificates.expires_at(certificate) - 1
    certificates.safeTransferFrom(producer.address, buyer, certificate, 1, b"", sender=producer.address)
    certificates.retire(buyer, [certificate], [1], "", "", sender=buyer)


def test_expiry__reached__neither_passed_on_nor_retired(certificates, consumption, matching, consumer, buyer):
    boa.env.evm.patch.timestamp = certificates.expires_at(matching)
    with boa.reverts("erc1155: expired"):
        certificates.safeTransferFrom(consumer.address, buyer, matching, 1, b"", sender=consumer.address)
    with boa.reverts("erc1155: expired"):
        certificates.safeBatchTransferFrom(consumer.address, buyer, [matching], [1], b"", sender=consumer.address)
    with boa.reverts("erc1155: expired"):
        certificates.retire(consumer.address, [matching], [1], "", "", sender=consumer.address)
    with boa.reverts("erc1155: expired"):
        match(certificates, consumer.address, matching, 1, consumption, FIRST_TRADED_SLOT, consumer.address)
    assert certificates.balanceOf(consumer.address, matching) == 2_500


def test_expire__eight_hours_over__sweeps_them_on_record(certificates, day, site, producer, attacker):
    """The first two hours end an octet, the third begins the next: a word is swept when its last hour has expired."""
    last = certificates.expires_at(site << 32 | HOUR + 7)
    boa.env.evm.patch.timestamp = last
    assert certificates.expire(producer.address, site, HOUR + 3, 1, sender=attacker.address) == 300
    burnt, swept = certificates.get_logs()
    assert tuple(burnt)[1:] == (attacker.address, producer.address, NOBODY, day[:2], [100, 200])
    assert tuple(swept)[1:] == (producer.address, site, HOUR, 300)
    assert certificates.balanceOfBatch([producer.address] * 3, day) == [0, 0, 300]
    assert tuple(certificates.totals_of(day[0])) == (100, 0, 0, 100)
    assert tuple(certificates.totals(site >> 16, SOLAR)) == (600, 300, 0, 300)


def test_expire__an_hour_of_the_eight_still_good__refused(certificates, day, site, producer):
    boa.env.evm.patch.timestamp = certificates.expires_at(site << 32 | HOUR + 7) - 1
    with boa.reverts("expiry: not yet"):
        certificates.expire(producer.address, site, HOUR, 1)


def test_expire__one_of_many_octets_still_good__refused(certificates, day, site, producer):
    boa.env.evm.patch.timestamp = certificates.expires_at(site << 32 | HOUR + 7)
    with boa.reverts("expiry: not yet"):
        certificates.expire(producer.address, site, HOUR, 2)


def test_expire__a_week__all_of_it(certificates, day, site, producer):
    boa.env.evm.patch.timestamp = certificates.expires_at(site << 32 | HOUR + 168)
    assert certificates.expire(producer.address, site, HOUR, 21) == 600
    assert certificates.totals(site >> 16, SOLAR).expired == 600


def test_expire__number_beyond_all_sites__refused(certificates, day, site, producer, attacker):
    """Its bits would name somebody else's word."""
    boa.env.evm.patch.timestamp = certificates.expires_at(site << 32 | HOUR + 7)
    for alias in (2**48, int(producer.address, 16) << 85 | site):
        with boa.reverts("site: unknown"):
            certificates.expire(NOBODY, alias, HOUR, 1, sender=attacker.address)
    assert certificates.expire(producer.address, 2**48 - 1, HOUR, 1) == 0
    assert certificates.expire(producer.address, site, HOUR, 1) == 300


def test_expire__twice_or_nothing_there__sweeps_nothing(certificates, day, site, producer, attacker):
    boa.env.evm.patch.timestamp = certificates.expires_at(site << 32 | HOUR + 7)
    assert certificates.expire(producer.address, site, HOUR, 1) == 300
    assert certificates.expire(producer.address, site, HOUR, 1) == 0
    assert certificates.expire(attacker.address, site, HOUR, 1) == 0
    assert certificates.expire(producer.address, site, HOUR, 0) == 0


def test_expire__more_than_a_week_at_once__refused(certificates, day, site, producer):
    boa.env.evm.patch.timestamp = certificates.expires_at(site << 32 | HOUR + 176)
    with boa.reverts():
        certificates.expire(producer.address, site, HOUR, 22)
    assert certificates.expire(producer.address, site, HOUR, 21) == 600


def test_expire__swept_before__says_nothing_more(certificates, day, site, producer):
    boa.env.evm.patch.timestamp = certificates.expires_at(site << 32 | HOUR + 7)
    certificates.expire(producer.address, site, HOUR, 1)
    certificates.expire(producer.address, site, HOUR, 1)
    assert not certificates.get_logs()


def test_expire__a_single_wh_of_the_first_hour__swept(certificates, site, report, producer):
    boa.env.evm.patch.timestamp = START + 3_600
    report([entry(site, HOUR, {0: 1})])
    certificates.mint(site, HOUR, 1, producer.address, sender=producer.address)
    boa.env.evm.patch.timestamp = certificates.expires_at(site << 32 | HOUR + 7)
    assert certificates.expire(producer.address, site, HOUR, 1) == 1
    assert certificates.balanceOf(producer.address, site << 32 | HOUR) == 0


def test_expire__two_holders_of_the_same_hours__both_on_record(certificates, certificate, site, producer, buyer):
    certificates.safeTransferFrom(producer.address, buyer, certificate, 500, b"", sender=producer.address)
    boa.env.evm.patch.timestamp = certificates.expires_at(site << 32 | HOUR + 7)
    assert certificates.expire(producer.address, site, HOUR, 1) == 6_500
    assert certificates.expire(buyer, site, HOUR, 1) == 500
    assert tuple(certificates.totals_of(certificate)) == (7_000, 0, 0, 7_000)


def test_mint__word_swept_a_lap_ago__counts_nothing_again(certificates, site, certificate, report, producer):
    boa.env.evm.patch.timestamp = certificates.expires_at(site << 32 | HOUR + 7)
    assert certificates.expire(producer.address, site, HOUR, 1) == 7_000
    later = HOUR + 16_384
    boa.env.evm.patch.timestamp = (later + 1) * 3_600
    report([entry(site, later, {3: 40})])
    certificates.mint(site, later, 1, producer.address, sender=producer.address)
    assert tuple(certificates.totals(site >> 16, SOLAR)) == (7_040, 40, 0, 7_000)
    assert certificates.balanceOf(producer.address, site << 32 | later) == 40


@pytest.mark.parametrize("turns", [1, 2])
def test_mint__word_still_full_of_an_earlier_lap__sweeps_it_on_the_way(
    certificates, site, certificate, report, producer, buyer, turns
):
    later = HOUR + turns * 16_384
    boa.env.evm.patch.timestamp = (later + 1) * 3_600
    report([entry(site, later, {3: 40})])
    assert certificates.mint(site, later, 1, producer.address, sender=producer.address) == 40
    kinds = [type(entry).__name__ for entry in certificates.get_logs()]
    assert kinds == ["TransferBatch", "Expired", "TransferBatch"]
    assert certificates.balanceOf(producer.address, certificate) == 0
    assert certificates.balanceOf(producer.address, site << 32 | later) == 40
    assert tuple(certificates.totals(site >> 16, SOLAR)) == (7_040, 40, 0, 7_000)
    assert tuple(certificates.totals_of(site << 32 | later)) == (40, 40, 0, 0)
    assert tuple(certificates.totals_of(certificate)) == (0, 0, 0, 0)


def test_transfer__receivers_word_still_full_of_an_earlier_lap__sweeps_it_on_the_way(
    certificates, site, certificate, report, producer, buyer
):
    certificates.safeTransferFrom(producer.address, buyer, certificate, 500, b"", sender=producer.address)
    later = HOUR + 16_384
    boa.env.evm.patch.timestamp = (later + 1) * 3_600
    report([entry(site, later, {3: 40})])
    certificates.mint(site, later, 1, producer.address, sender=producer.address)
    certificates.safeTransferFrom(producer.address, buyer, site << 32 | later, 10, b"", sender=producer.address)
    assert certificates.balanceOfBatch([buyer] * 2, [certificate, site << 32 | later]) == [0, 10]
    assert tuple(certificates.totals(site >> 16, SOLAR)) == (7_040, 40, 0, 7_000)


def test_expire__record_taken_by_a_later_lap__the_totals_remember(
    certificates, site, certificate, report, producer, buyer
):
    certificates.safeTransferFrom(producer.address, buyer, certificate, 500, b"", sender=producer.address)
    later = HOUR + 16_384
    boa.env.evm.patch.timestamp = (later + 1) * 3_600
    report([entry(site, later, {3: 40})])
    certificates.mint(site, later, 1, producer.address, sender=producer.address)
    certificates.retire(producer.address, [site << 32 | later], [15], "", "", sender=producer.address)
    assert certificates.expire(buyer, site, HOUR, 1) == 500
    assert tuple(certificates.totals(site >> 16, SOLAR)) == (7_040, 25, 15, 7_000)
    assert tuple(certificates.totals_of(site << 32 | later)) == (40, 25, 15, 0)


# ---- totals


def test_totals__zones_and_technologies__add_up(
    certificates, grid, owner, grid_operator, new_site, registrar, report, producer
):
    sites = {technology: new_site(producer, technology) for technology in (SOLAR, WIND)}
    boa.env.evm.patch.timestamp = START + 3_600
    report([entry(site, HOUR, {0: 10 * technology}) for technology, site in sites.items()])
    for site in sites.values():
        certificates.admit(site, LOCATION, CONFIGURATION, sender=registrar)
        certificates.mint(site, HOUR, 1, producer.address, sender=producer.address)
    zone = sites[SOLAR] >> 16
    certificates.retire(producer.address, [sites[WIND] << 32 | HOUR], [5], "", "", sender=producer.address)
    assert tuple(certificates.totals(zone, SOLAR)) == (10, 10, 0, 0)
    assert tuple(certificates.totals(zone, WIND)) == (20, 15, 5, 0)
    assert tuple(certificates.totals_of_zone(zone)) == (30, 25, 5, 0)
    assert tuple(certificates.totals_of_technology(WIND, 0, 256)) == (20, 15, 5, 0)
    assert tuple(certificates.totals_of_technology(WIND, zone + 1, 10)) == (0, 0, 0, 0)


def test_totals__the_last_technology__is_part_of_its_zone(certificates, new_site, registrar, report, producer):
    site = new_site(producer, NEUTRINOVOLTAIC)
    certificates.admit(site, LOCATION, CONFIGURATION, sender=registrar)
    boa.env.evm.patch.timestamp = START + 3_600
    report([entry(site, HOUR, {0: 30})])
    certificates.mint(site, HOUR, 1, producer.address, sender=producer.address)
    assert tuple(certificates.totals_of_zone(site >> 16)) == (30, 30, 0, 0)
    assert tuple(certificates.totals_of_technology(NEUTRINOVOLTAIC, site >> 16, 1)) == (30, 30, 0, 0)


def test_totals__more_zones_than_one_view_adds_up__refused(certificates):
    with boa.reverts():
        certificates.totals_of_technology(SOLAR, 0, 257)


def test_totals__no_such_technology__none(certificates, certificate, zone):
    """A number that would reach into the next zone's word."""
    assert certificates.totals(zone - 1, 256 + SOLAR).issued == 0
    assert certificates.totals_of_technology(256 + SOLAR, zone - 1, 1).issued == 0


# ---- what a certificate says


def test_certificate__minted__has_every_mandatory_attribute(certificates, certificate, site, producer):
    certificates.retire(producer.address, [certificate], [1_000], "", "", sender=producer.address)
    assert plain(certificates.certificate(certificate)) == (
        site, SOLAR, 1_000_000, LOCATION, HOUR * 3_600, (HOUR + 1) * 3_600, ISSUER, CONFIGURATION, 1,
        certificates.expires_at(certificate), (7_000, 6_000, 1_000, 0),
    )  # fmt: skip


def plain(answer: Any) -> Any:
    return tuple(plain(part) for part in answer) if isinstance(answer, tuple) else answer


@pytest.mark.parametrize(
    ("technology", "word"),
    [(SOLAR, "solar"), (WIND, "wind"), (HYDRO, "hydro"), (THERMAL, "thermal"), (NEUTRINOVOLTAIC, "neutrinovoltaic")],
)
def test_metadata__any_technology__json_that_the_uri_carries(
    certificates, new_site, registrar, producer, technology, word
):
    site = new_site(producer, technology)
    certificates.admit(site, LOCATION, 1, sender=registrar)
    id_ = site << 32 | HOUR
    content = json.loads(certificates.metadata(id_))
    assert (content["name"], content["decimals"]) == (f"Site {site}, hour {HOUR}", 0)
    assert content["properties"] == {
        "energy_carrier": "electricity", "unit": "Wh", "device": site, "technology": word, "nameplate_w": 1_000_000,
        "location": LOCATION, "interval_start": HOUR * 3_600, "interval_end": (HOUR + 1) * 3_600, "issuer": ISSUER,
        "configuration": 1, "assurance": "oracle quorum", "expires_at": certificates.expires_at(id_), "issued_wh": 0,
    }  # fmt: skip
    kind, _, encoded = certificates.uri(id_).partition(",")
    assert kind == "data:application/json;base64"
    assert base64.b64decode(encoded, validate=True).decode() == certificates.metadata(id_)


@pytest.mark.parametrize("length", range(1, 33))
def test_uri__text_of_any_length__decodes(certificates, new_site, registrar, producer, length):
    """Base64 pads by what the length leaves over when divided by three."""
    site = new_site(producer)
    certificates.admit(site, "x" * length, 3, sender=registrar)
    encoded = certificates.uri(site << 32 | HOUR).partition(",")[2]
    assert json.loads(base64.b64decode(encoded, validate=True))["properties"]["location"] == "x" * length


def test_uri__any_character__in_the_standard_alphabet(certificates, new_site, registrar, producer):
    """Some of these need a plus or a slash, which addresses in the web spell otherwise."""
    site, location = new_site(producer), "~~~???>>>oooAAA~?>~?>"
    certificates.admit(site, location, 3, sender=registrar)
    encoded = certificates.uri(site << 32 | HOUR).partition(",")[2]
    assert "+" in encoded or "/" in encoded
    assert json.loads(base64.b64decode(encoded, validate=True))["properties"]["location"] == location


def test_metadata__longest_texts_and_numbers__fit(deploy, exchange, new_site, registrar, producer):
    certificates = deploy("GreenCertificates", exchange, registrar, "i" * 64)
    site = new_site(producer, NEUTRINOVOLTAIC, 4 * (2**23 - 1))
    certificates.admit(site, "~" * 32, 3, sender=registrar)
    content = json.loads(certificates.metadata(site << 32 | 2**32 - 1))
    assert content["properties"]["interval_end"] == 2**32 * 3_600
    assert (content["properties"]["issuer"], content["properties"]["location"]) == ("i" * 64, "~" * 32)


def test_metadata__site_never_admitted__empty(certificates, new_site, producer):
    id_ = new_site(producer) << 32 | HOUR
    assert certificates.metadata(id_) == ""
    assert certificates.uri(id_) == "data:application/json;base64,"
    assert certificates.certificate(id_).device == 0
