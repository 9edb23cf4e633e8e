"""Reserve: NET8 for energy that was produced, and what it costs those who hold NET8."""

from typing import Any

import boa
import pytest
from eth_account.signers.local import LocalAccount

from tests.contracts.conftest import (
    CONFIGURATION,
    COVERAGE_FLOOR,
    DAILY_CAP,
    ENERGY_PER_NET8,
    EURO,
    HOUR,
    LOCATION,
    NET8,
    PRICE,
    SOLAR,
    START,
    Deploy,
    NewSite,
    Report,
    open_reserve,
)  # fmt: skip
from tests.contracts.entries import entry
from tests.contracts.signing import person

NOBODY = "0x" + "00" * 20
DAY = 86_400
MWH = 1_000_000  # Wh
CAP = DAILY_CAP * ENERGY_PER_NET8 // NET8  # Wh


@pytest.fixture(scope="module")
def coin(deploy: Deploy) -> Any:
    """NET8 of these tests alone: the operators' stakes are not among it."""
    return deploy("NET8")


@pytest.fixture(scope="module")
def fund(deploy: Deploy, coin: Any, euro: Any, certificates: Any, owner: str) -> Any:
    """The Reserve of that NET8. Its owner has 9,000 euros for it."""
    contract = open_reserve(deploy, coin, euro, certificates, PRICE, owner)
    euro.mint(owner, 9_000 * EURO, sender=owner)
    euro.approve(contract, 9_000 * EURO, sender=owner)
    return contract


@pytest.fixture(scope="module")
def saver(fund: Any, coin: Any, owner: str) -> str:
    """Holds 900 NET8 for 2,700 euros, all there are, and lets the Reserve burn them."""
    account = person("saver").address
    fund.mint(2_700 * EURO, account, sender=owner)
    coin.approve(fund, 2**256 - 1, sender=account)
    return account


@pytest.fixture(scope="module")
def producer(certificates: Any, fund: Any, coin: Any) -> LocalAccount:
    """Lets the Reserve retire all of his certificates and burn his NET8."""
    account = person("producer")
    certificates.setApprovalForAll(fund, True, sender=account.address)
    coin.approve(fund, 2**256 - 1, sender=account.address)
    return account


@pytest.fixture
def ids(
    certificates: Any, new_site: NewSite, report: Report, registrar: str, producer: LocalAccount, saver: str
) -> list[int]:
    """Ids of the producer's 1 MWh of certificates in each of three hours."""
    site = new_site(producer, SOLAR, 8 * MWH)
    certificates.admit(site, LOCATION, CONFIGURATION, sender=registrar)
    boa.env.evm.patch.timestamp = START + 3 * 3_600
    report([entry(site, HOUR + i, {1: MWH}) for i in range(3)])
    certificates.mint(site, HOUR, 3, producer.address, sender=producer.address)
    return [site << 32 | HOUR + i for i in range(3)]


def produce(fund: Any, producer: LocalAccount, id_: int, wh: int) -> int:
    return int(fund.mint_from_production([id_], [wh], producer.address, sender=producer.address))


# ---- what is created


def test_mint_from_production__ten_kilowatt_hours__one_net8(fund, coin, certificates, producer, ids, attacker):
    created = fund.mint_from_production(ids[:2], [7_000, 3_000], attacker.address, sender=producer.address)
    (minted,) = [entry for entry in fund.get_logs() if type(entry).__name__ == "MintedFromProduction"]
    assert tuple(minted)[1:] == (producer.address, attacker.address, 10_000, NET8)
    assert created == coin.balanceOf(attacker.address) == NET8
    assert [certificates.totals_of(id_).retired for id_ in ids] == [7_000, 3_000, 0]
    backing = fund.backing()
    assert (backing.supply_of_euros, backing.supply_of_production) == (900 * NET8, NET8)
    assert (backing.euros, backing.retired, backing.coverage) == (2_700 * EURO, 10_000, 998_890)


def test_mint_from_production__record_of_the_certificates__names_the_reserve(fund, producer, ids):
    produce(fund, producer, ids[0], 10_000)
    retired = [log for log in fund.get_logs() if type(log).__name__ == "Retired"]
    assert [(log.account, log.beneficiary, log.purpose) for log in retired] == [
        (producer.address, "NET8 Reserve", "backing of NET8")
    ]


def test_mint_from_production__fraction__rounded_down(deploy, certificates, euro, owner, producer, ids):
    coin = deploy("NET8")
    fund = deploy("Reserve", coin, euro, certificates, PRICE, 30_000, DAILY_CAP, COVERAGE_FLOOR)
    coin.set_minter(fund, sender=owner)
    certificates.setApprovalForAll(fund, True, sender=producer.address)
    euro.approve(fund, 300 * EURO, sender=owner)
    fund.mint(300 * EURO, owner, sender=owner)
    assert produce(fund, producer, ids[0], 10_000) == NET8 // 3
    assert fund.backing().retired == 10_000


@pytest.mark.parametrize(("count", "amounts"), [(0, []), (1, [0])])
def test_mint_from_production__no_energy__refused(fund, producer, ids, count, amounts):
    with boa.reverts("mint: too little"):
        fund.mint_from_production(ids[:count], amounts, producer.address, sender=producer.address)


def test_mint_from_production__unequal_lengths__refused(fund, producer, ids):
    with boa.reverts("erc1155: lengths differ"):
        fund.mint_from_production(ids[:2], [10_000], producer.address, sender=producer.address)


def test_mint_from_production__amounts_that_overflow__refused(fund, producer, ids):
    with boa.reverts():
        fund.mint_from_production(ids[:2], [2**256 - 1, 10_001], producer.address, sender=producer.address)
    with boa.reverts():
        fund.mint_from_production(ids[:1], [2**255], producer.address, sender=producer.address)


def test_mint_from_production__not_approved__refused(fund, certificates, producer, ids):
    certificates.setApprovalForAll(fund, False, sender=producer.address)
    with boa.reverts("erc1155: not yours"):
        produce(fund, producer, ids[0], 10_000)


def test_mint_from_production__certificates_of_another__refused(fund, certificates, producer, ids, attacker):
    """The producer approved the Reserve, which retires nonetheless only what its caller holds."""
    certificates.setApprovalForAll(fund, True, sender=attacker.address)
    with boa.reverts("erc1155: balance too low"):
        produce(fund, attacker, ids[0], 10_000)


def test_mint_from_production__retired_already__refused(fund, certificates, producer, ids):
    certificates.retire(producer.address, ids[:1], [MWH], "", "", sender=producer.address)
    with boa.reverts("erc1155: balance too low"):
        produce(fund, producer, ids[0], 10_000)


def test_mint_from_production__expired__refused(fund, certificates, producer, ids):
    boa.env.evm.patch.timestamp = certificates.expires_at(ids[0])
    with boa.reverts("erc1155: expired"):
        produce(fund, producer, ids[0], 10_000)
    produce(fund, producer, ids[1], 10_000)


@pytest.mark.parametrize("receiver", [NOBODY, "self"])
def test_mint_from_production__to_where_it_would_be_lost__refused(fund, producer, ids, receiver):
    to = fund.address if receiver == "self" else receiver
    with boa.reverts("reserve: bad receiver"):
        fund.mint_from_production(ids[:1], [10_000], to, sender=producer.address)


# ---- cap and floor


def test_cap__reached__refused_until_the_next_day_of_utc(fund, producer, ids, owner):
    fund.mint(6_000 * EURO, owner, sender=owner)
    assert fund.cap_left() == DAILY_CAP
    produce(fund, producer, ids[0], CAP - 10_000)
    assert fund.cap_left() == NET8
    with boa.reverts("mint: cap of the day reached"):
        produce(fund, producer, ids[1], 10_001)
    produce(fund, producer, ids[1], 10_000)
    assert fund.cap_left() == 0
    midnight = (boa.env.evm.patch.timestamp // DAY + 1) * DAY
    boa.env.evm.patch.timestamp = midnight - 1
    with boa.reverts("mint: cap of the day reached"):
        produce(fund, producer, ids[1], 1)
    boa.env.evm.patch.timestamp = midnight
    assert fund.cap_left() == DAILY_CAP
    produce(fund, producer, ids[1], 10_000)
    assert fund.cap_left() == DAILY_CAP - NET8


def test_cap__none__nothing_from_production(deploy, certificates, euro, owner, producer, ids):
    coin = deploy("NET8")
    fund = deploy("Reserve", coin, euro, certificates, PRICE, ENERGY_PER_NET8, 0, COVERAGE_FLOOR)
    coin.set_minter(fund, sender=owner)
    euro.approve(fund, 300 * EURO, sender=owner)
    fund.mint(300 * EURO, owner, sender=owner)
    with boa.reverts("mint: cap of the day reached"):
        produce(fund, producer, ids[0], 1)


def test_floor__exactly_reached__allowed_and_not_a_wei_further(fund, producer, ids):
    """900 NET8 for euros and 100 for production are nine tenths covered."""
    produce(fund, producer, ids[0], CAP)
    assert fund.backing().coverage == COVERAGE_FLOOR
    boa.env.evm.patch.timestamp += DAY
    with boa.reverts("mint: coverage too low"):
        produce(fund, producer, ids[1], 1)


def test_floor__nothing_but_production__refused(deploy, certificates, euro, owner, producer, ids):
    empty = open_reserve(deploy, deploy("NET8"), euro, certificates, PRICE, owner)
    certificates.setApprovalForAll(empty, True, sender=producer.address)
    with boa.reverts("mint: coverage too low"):
        produce(empty, producer, ids[0], 10_000)


def test_floor__fully_covered__production_is_paid_out_of_surplus_alone(
    deploy, certificates, euro, owner, producer, ids
):
    coin = deploy("NET8")
    fund = open_reserve(deploy, coin, euro, certificates, PRICE, owner, floor=1_000_000)
    certificates.setApprovalForAll(fund, True, sender=producer.address)
    euro.approve(fund, 2**256 - 1, sender=owner)
    fund.mint(300 * EURO, owner, sender=owner)
    with boa.reverts("mint: coverage too low"):
        produce(fund, producer, ids[0], 10_000)
    fund.add_backing(3 * EURO, sender=owner)
    produce(fund, producer, ids[0], 10_000)
    with boa.reverts("mint: coverage too low"):
        produce(fund, producer, ids[0], 10_000)
    coin.approve(fund, 2**256 - 1, sender=owner)
    assert fund.redeem(100 * NET8, owner, sender=owner) == 300 * EURO


# ---- who bears it


def test_redeem__production_in_the_supply__everybody_gets_the_same_share(fund, producer, ids, saver):
    produce(fund, producer, ids[0], CAP)
    assert fund.redeem(100 * NET8, producer.address, sender=producer.address) == 270 * EURO
    assert fund.backing().coverage == COVERAGE_FLOOR
    assert fund.redeem(900 * NET8, saver, sender=saver) == 2_430 * EURO


def test_redeem__what_production_was_paid__cannot_be_had_again_until_the_loss_is_made_good(
    fund, producer, ids, saver, owner
):
    """Whoever turns certificates into euros takes the coverage to the floor at most, however often he tries."""
    produce(fund, producer, ids[0], CAP)
    fund.redeem(100 * NET8, producer.address, sender=producer.address)
    boa.env.evm.patch.timestamp += DAY
    assert fund.backing().coverage == COVERAGE_FLOOR
    with boa.reverts("mint: coverage too low"):
        produce(fund, producer, ids[1], 10_000)
    fund.add_backing(3 * EURO, sender=owner)
    produce(fund, producer, ids[1], 10_000)
    assert fund.redeem(900 * NET8, saver, sender=saver) >= 2_430 * EURO


# ---- what explains the supply


def explained(fund: Any, coin: Any) -> tuple[int, int]:
    backing = fund.backing()
    assert backing.supply_of_euros + backing.supply_of_production == backing.supply == coin.totalSupply()
    return backing.supply_of_euros, backing.supply_of_production


def test_backing__redeemed__counts_as_created_against_euros_while_there_is_any(fund, coin, producer, ids, saver):
    produce(fund, producer, ids[0], CAP)
    fund.redeem(40 * NET8, producer.address, sender=producer.address)
    assert explained(fund, coin) == (860 * NET8, 100 * NET8)
    fund.redeem(880 * NET8, saver, sender=saver)
    assert explained(fund, coin) == (0, 80 * NET8)


def test_backing__burnt_past_the_reserve_and_minted_anew__production_does_not_come_back(
    fund, coin, producer, ids, saver, owner
):
    produce(fund, producer, ids[0], CAP)
    coin.burn(900 * NET8, sender=saver)
    coin.burn(60 * NET8, sender=producer.address)
    assert explained(fund, coin) == (0, 40 * NET8)
    fund.mint(300 * EURO, owner, sender=owner)
    assert explained(fund, coin) == (100 * NET8, 40 * NET8)
    boa.env.evm.patch.timestamp += DAY
    produce(fund, producer, ids[1], 50_000)
    assert explained(fund, coin) == (100 * NET8, 45 * NET8)
    assert fund.backing().retired == CAP + 50_000 == fund.energy_retired()
