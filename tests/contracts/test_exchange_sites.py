"""Zones and sites: who may open them, and what a site's owner must have signed."""

import boa
import pytest

from tests.contracts.model import SLOT, Terms
from tests.contracts.signing import consent, person
from tests.contracts.street import CONSUMER, SOLAR, STORAGE, Street, events, terms_tuple

METER = person("a meter").address


def register(street: Street, owner=None, signed=None, sender=None, **changed):
    """Register a site; `signed` and `named` (the owner) differ from what was consented to where a test forges it."""
    owner = owner or person("newcomer")
    asked = {
        "zone": street.zone,
        "technology": SOLAR,
        "nameplate": 10_000,
        "meter_key": METER,
        "deadline": street.now + 60,
    } | changed
    consented = asked | (signed or {})
    signature = consent(
        street.grid,
        consented["zone"],
        owner,
        consented["technology"],
        consented["nameplate"],
        consented["meter_key"],
        consented["deadline"],
    )
    return street.grid.register_site(
        asked["zone"],
        asked.get("named", owner.address),
        asked["technology"],
        asked["nameplate"],
        asked["meter_key"],
        asked["deadline"],
        signature,
        sender=sender or street.grid_operator.address,
    )


def test_register_site__owner_consents__numbered_in_order_and_readable(street):
    site = register(street, person("first"))
    assert events(street.grid, "SiteRegistered")[0] == (site, person("first").address, SOLAR, 10_000, METER)
    assert site == street.zone << 16 | 1
    assert tuple(street.grid.site(site)) == (person("first").address, SOLAR, 10_000, METER)
    assert register(street, person("second")) == site + 1
    assert street.grid.site_count(street.zone) == 2


@pytest.mark.parametrize("technology", range(7))
def test_register_site__every_technology__accepted(street, technology):
    assert street.grid.site(register(street, technology=technology)).technology == technology


def test_register_site__technology_beyond_storage__refused(street):
    with boa.reverts("site: unknown technology"):
        register(street, technology=STORAGE + 1)


def test_register_site__not_the_grid_operator__refused(street):
    with boa.reverts("zone: not its operator"):
        register(street, sender=street.attacker.address)


def test_register_site__no_owner__refused(street):
    with boa.reverts("site: no owner"):
        register(street, named="0x" + "00" * 20)


def test_register_site__no_meter_key__refused(street):
    with boa.reverts("site: no meter key"):
        register(street, meter_key="0x" + "00" * 20)


def test_register_site__nameplate_of_8388607_wh_in_a_slot__accepted(street):
    assert street.grid.site(register(street, nameplate=33_554_428)).nameplate == 33_554_428


@pytest.mark.parametrize("nameplate", [33_554_429, 2**256 - 1])
def test_register_site__nameplate_beyond_its_field__refused(street, nameplate):
    with boa.reverts("site: nameplate too large"):
        register(street, nameplate=nameplate)


def test_register_site__consent_for_another_nameplate__refused(street):
    with boa.reverts("site: consent not signed"):
        register(street, nameplate=20_000, signed={"nameplate": 10_000})


def test_register_site__consent_for_another_zone__refused(street):
    with boa.reverts("site: consent not signed"):
        register(street, signed={"zone": street.zone + 1})


def test_register_site__consent_for_another_meter__refused(street):
    with boa.reverts("site: consent not signed"):
        register(street, signed={"meter_key": person("grid operator's own meter").address})


def test_register_site__consent_for_another_technology__refused(street):
    with boa.reverts("site: consent not signed"):
        register(street, signed={"technology": CONSUMER})


def test_register_site__consent_of_somebody_else__refused(street):
    with boa.reverts("site: consent not signed"):
        register(street, owner=street.attacker, named=person("victim").address)


def test_register_site__consent_over__refused(street):
    with boa.reverts("site: consent expired"):
        register(street, deadline=street.now - 1)


def test_register_site__consent_used_twice__refused(street):
    owner = person("once")
    signature = consent(street.grid, street.zone, owner, SOLAR, 1, METER, street.now)
    arguments = (street.zone, owner.address, SOLAR, 1, METER, street.now, signature)
    street.grid.register_site(*arguments, sender=street.grid_operator.address)
    assert street.grid.consent_nonce(owner.address) == 1
    with boa.reverts("site: consent not signed"):
        street.grid.register_site(*arguments, sender=street.grid_operator.address)


WALLET = """
# pragma version 0.4.3
owner: address

@deploy
def __init__(owner: address):
    self.owner = owner

@external
@view
def isValidSignature(digest: bytes32, signature: Bytes[65]) -> bytes4:
    r: uint256 = convert(slice(signature, 0, 32), uint256)
    s: uint256 = convert(slice(signature, 32, 32), uint256)
    v: uint256 = convert(slice(signature, 64, 1), uint256)
    return 0x1626ba7e if ecrecover(digest, v, r, s) == self.owner else 0xffffffff
"""


def test_register_site__owner_is_a_contract_wallet__asks_the_wallet(street):
    key = person("owner of a wallet")
    wallet = boa.loads(WALLET, key.address)

    class Wallet:
        address = wallet.address
        sign_typed_data = staticmethod(key.sign_typed_data)

    site = register(street, owner=Wallet())
    assert street.grid.site(site).owner == wallet.address


def test_register_site__contract_wallet_says_no__refused(street):
    wallet = boa.loads(WALLET, person("owner of a wallet").address)

    class Forged:
        address = wallet.address
        sign_typed_data = staticmethod(street.attacker.sign_typed_data)

    with boa.reverts("site: consent not signed"):
        register(street, owner=Forged())


def test_register_site__zone_has_65535_sites__refused(street):
    sites_field = 2
    street.write(street.grid, ("_zones",), street.zone, 2**16 - 2, sites_field)
    assert street.grid.site_count(street.zone) == 2**16 - 2
    assert register(street, person("last")) == street.zone << 16 | 0xFFFF
    with boa.reverts("zone: full"):
        register(street, person("one too many"))


def test_site__unknown__all_zero(street):
    assert tuple(street.grid.site(street.zone << 16 | 9)) == ("0x" + "00" * 20, 0, 0, "0x" + "00" * 20)


def test_create_zone__by_the_owner__numbered_from_one(street, terms):
    operator = person("second grid operator").address
    zone = street.grid.create_zone(operator, terms_tuple(terms), 24, sender=street.owner)
    assert events(street.grid, "ZoneCreated")[0] == (zone, operator)
    assert events(street.grid, "DefaultTermsSet")[0] == (zone, 0, terms_tuple(terms))
    assert zone == street.zone + 1
    assert street.grid.zone_operator(zone) == operator
    assert street.grid.tariff_lead(zone) == 24
    assert street.grid.site_count(zone) == 0


def test_create_zone__not_the_owner__refused(street, terms):
    with boa.reverts("ownable: caller is not the owner"):
        street.grid.create_zone(street.attacker.address, terms_tuple(terms), 24, sender=street.attacker.address)


def test_create_zone__no_operator__refused(street, terms):
    with boa.reverts("zone: no operator"):
        street.grid.create_zone("0x" + "00" * 20, terms_tuple(terms), 24, sender=street.owner)


@pytest.mark.parametrize("hours", [0, 169])
def test_create_zone__tariff_lead_out_of_bounds__refused(street, terms, hours):
    with boa.reverts("zone: bad tariff lead"):
        street.grid.create_zone(street.owner, terms_tuple(terms), hours, sender=street.owner)


def test_set_zone_operator__by_the_owner__new_operator_acts(street):
    operator = person("new grid operator")
    street.grid.set_zone_operator(street.zone, operator.address, sender=street.owner)
    assert events(street.grid, "ZoneOperatorSet")[0] == (street.zone, operator.address)
    assert street.grid.zone_operator(street.zone) == operator.address
    assert register(street, sender=operator.address)
    with boa.reverts("zone: not its operator"):
        register(street, sender=street.grid_operator.address)


def test_set_zone_operator__not_the_owner__refused(street):
    with boa.reverts("ownable: caller is not the owner"):
        street.grid.set_zone_operator(street.zone, street.attacker.address, sender=street.grid_operator.address)


def test_set_zone_operator__nobody__refused(street):
    with boa.reverts("zone: no operator"):
        street.grid.set_zone_operator(street.zone, "0x" + "00" * 20, sender=street.owner)


def test_set_zone_operator__unknown_zone__refused(street):
    with boa.reverts("zone: unknown"):
        street.grid.set_zone_operator(99, street.owner, sender=street.owner)


def test_tariff_lead__one_hour__default_tradable_only_so_far_ahead(street):
    zone = street.open_zone(Terms(), 1)
    next_hour = street.now // 3600 + 1
    assert street.lens.is_tradable(zone, 4 * next_hour + 3)
    assert not street.lens.is_tradable(zone, 4 * next_hour + 4)
    street.go_to(street.now + 4 * SLOT)
    assert street.lens.is_tradable(zone, 4 * next_hour + 4)


# ---- the grid registry and the exchange know each other -------------------------------------------------------------


@pytest.fixture
def fresh(street, deploy):
    """A grid registry and an exchange that do not know each other yet."""
    grid = deploy("GridRegistry")
    return grid, deploy("EnergyExchange", street.token, grid)


def test_connect__by_the_owner__all_of_them_know_each_other(street, fresh):
    grid, exchange = fresh
    grid.connect(exchange, street.registry, street.desk, sender=street.owner)
    assert events(grid, "ExchangeSet") == [(exchange.address,)]
    assert events(grid, "Connected") == [(street.registry.address, street.desk.address)]
    assert grid.exchange() == exchange.address
    assert (exchange.grid(), exchange.registry(), exchange.desk()) == (
        grid.address,
        street.registry.address,
        street.desk.address,
    )
    assert exchange.owner_of(0) == street.desk.address


def test_connect__second_time__refused(street, fresh):
    grid, exchange = fresh
    with boa.reverts("grid: exchange is set"):
        street.grid.connect(street.exchange, street.registry, street.desk, sender=street.owner)
    grid.connect(exchange, street.registry, street.desk, sender=street.owner)
    with boa.reverts("exchange: is connected"):
        exchange.connect(street.attacker.address, street.attacker.address, sender=grid.address)


def test_connect__not_the_owner__refused(street, fresh):
    grid, exchange = fresh
    with boa.reverts("ownable: caller is not the owner"):
        grid.connect(exchange, street.registry, street.desk, sender=street.attacker.address)


@pytest.mark.parametrize("wrong", range(3))
def test_connect__something_without_code__refused(street, fresh, wrong):
    grid, exchange = fresh
    contracts = [exchange.address, street.registry.address, street.desk.address]
    contracts[wrong] = street.attacker.address
    with boa.reverts("grid: not a contract"):
        grid.connect(*contracts, sender=street.owner)
    assert grid.exchange() == "0x" + "00" * 20


def test_connect__past_the_grid_registry__refused(street, fresh):
    _, exchange = fresh
    for sender in (street.attacker.address, street.owner, street.registry.address, street.desk.address):
        with boa.reverts("exchange: only the grid registry"):
            exchange.connect(street.registry, street.desk, sender=sender)


def test_register_site__before_there_is_an_exchange__refused(street, deploy, terms):
    grid = deploy("GridRegistry")
    grid.create_zone(street.grid_operator.address, terms_tuple(terms), 24, sender=street.owner)
    with boa.reverts("grid: no exchange"):
        grid.register_site(1, street.owner, SOLAR, 1, METER, street.now, b"", sender=street.grid_operator.address)


def test_open_site__past_the_grid_registry__refused(street):
    for sender in (street.attacker.address, street.owner, street.grid_operator.address):
        with boa.reverts("exchange: only the grid registry"):
            street.exchange.open_site(street.zone << 16 | 1, street.attacker.address, 1, sender=sender)


def test_exchange__without_a_grid_registry__not_deployable(street, deploy):
    with boa.reverts("exchange: no grid registry"):
        deploy("EnergyExchange", street.token, "0x" + "00" * 20)


# ---- links between zones --------------------------------------------------------------------------------------------


@pytest.fixture
def other(street):
    """A second zone with a grid operator of its own."""
    return street.open_zone(Terms(), 24, person("other operator"))


@pytest.fixture
def set_link(street, other):
    """set_link(capacity, fee, abroad): what one of the two operators allows."""

    def set_link(capacity, fee, abroad=False, sender=None):
        here, there = (other, street.zone) if abroad else (street.zone, other)
        operator = person("other operator") if abroad else street.grid_operator
        street.grid.set_link(here, there, capacity, fee, sender=sender or operator.address)

    return set_link


def test_set_link__one_operator_only__nothing_can_be_carried(street, other, set_link):
    set_link(1_000, 20)
    assert events(street.grid, "LinkSet") == [(street.zone, other, 1_000, 20)]
    assert street.grid.link(street.zone, other) == (0, 20, 0)
    assert street.grid.link(other, street.zone) == (0, 0, 20)


def test_set_link__both_operators__smaller_capacity_and_each_his_fee(street, other, set_link):
    set_link(1_000, 20)
    set_link(700, 3, abroad=True)
    assert street.grid.link(street.zone, other) == (700, 20, 3)
    assert street.grid.link(other, street.zone) == (700, 3, 20)


def test_set_link__again__replaces(street, other, set_link):
    set_link(1_000, 20)
    set_link(700, 3, abroad=True)
    set_link(0, 5)
    assert street.grid.link(street.zone, other) == (0, 5, 3)


def test_set_link__at_its_bounds__accepted_and_not_beyond(street, other, set_link):
    set_link(2**32 - 1, 2**16 - 1)
    set_link(2**32 - 1, 2**16 - 1, abroad=True)
    assert street.grid.link(street.zone, other) == (2**32 - 1, 2**16 - 1, 2**16 - 1)
    with boa.reverts("link: capacity out of range"):
        set_link(2**32, 0)
    with boa.reverts("link: fee out of range"):
        set_link(0, 2**16)


def test_set_link__not_the_zones_operator__refused(street, set_link):
    for sender in (street.attacker.address, street.owner, person("other operator").address):
        with boa.reverts("zone: not its operator"):
            set_link(1, 1, sender=sender)


@pytest.mark.parametrize("shift", [0, 98])
def test_set_link__with_itself_or_no_zone__refused(street, shift):
    with boa.reverts("link: no such zone"):
        street.grid.set_link(street.zone, street.zone + shift, 1, 1, sender=street.grid_operator.address)
