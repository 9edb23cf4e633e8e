"""Fixtures of the exchange's tests, named by role. A module deploys once; each of its tests starts from there."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.contracts.model import Terms
from tests.contracts.signing import person
from tests.contracts.street import CONSUMER, NET8, SOLAR, STORAGE, Street

__all__ = ["bakery", "bank", "battery", "buyer", "lead", "lens", "seller", "slot", "street", "terms"]


@pytest.fixture(scope="module")
def terms() -> Terms:
    """Terms of every hour unless a test says otherwise: feed-in 80, imbalance 3000, fee 100, prices 100 to 2330."""
    return Terms()


@pytest.fixture(scope="module")
def lead() -> int:
    """Hours ahead from which the default holds: as far as one can trade."""
    return 168


@pytest.fixture(scope="module")
def bank(token: Any, mint: Callable[[str, int], None]) -> Callable[[str, int], None]:
    """Gives NET8 that came from the Reserve at once, so that not every test goes there."""
    vault = person("bank").address
    mint(vault, 10**12 * 10**18)

    def give(receiver: str, wei: int) -> None:
        token.transfer(receiver, wei, sender=vault)

    return give


@pytest.fixture(scope="module")
def lens(deploy: Callable[..., Any], exchange: Any) -> Any:
    """Readable views of the exchange."""
    return deploy("ExchangeLens", exchange)


@pytest.fixture(scope="module")
def street(
    token: Any,
    grid: Any,
    exchange: Any,
    lens: Any,
    registry: Any,
    desk: Any,
    owner: str,
    bank: Callable[[str, int], None],
    terms: Terms,
    lead: int,
) -> Street:
    """The contracts with four oracles and one zone."""
    street = Street(token, grid, exchange, lens, registry, desk, owner, bank)
    street.hire_oracles(1_000 * 10**18)
    street.zone = street.open_zone(terms, lead)
    return street


@pytest.fixture(scope="module")
def seller(street: Street) -> int:
    """A solar roof of 1 MW (250 kWh in a slot) with 1,000 NET8."""
    return street.connect(person("seller"), SOLAR, 1_000_000, 1_000 * NET8)


@pytest.fixture(scope="module")
def buyer(street: Street, seller: int) -> int:
    """A consumer with 1,000 NET8."""
    return street.connect(person("buyer"), CONSUMER, 0, 1_000 * NET8)


@pytest.fixture(scope="module")
def bakery(street: Street, buyer: int) -> int:
    """Another consumer with 1,000 NET8."""
    return street.connect(person("bakery"), CONSUMER, 0, 1_000 * NET8)


@pytest.fixture(scope="module")
def battery(street: Street, bakery: int) -> int:
    """A storage that both buys and sells, with 1,000 NET8."""
    return street.connect(person("battery"), STORAGE, 1_000_000, 1_000 * NET8)


@pytest.fixture(scope="module")
def slot(street: Street) -> int:
    """A slot of tomorrow: the first of its hour, open for trading."""
    return street.now_slot + 96
