"""Real processes on a real chain: gateways replay a file, four nodes settle it."""

import pytest
from net8.model import Outcome

from tests.oracle_node.processes import Street, metered

pytestmark = pytest.mark.chain


def check_settled_as_metered(street: Street, slot: int, bought: dict[int, int] | None = None) -> None:
    """Every site settled what the file says, imports no higher than what was bought."""
    for number, site in enumerate(street.zone.sites, start=1):
        position = street.position(site, slot)
        exported, imported = metered(number, slot)
        assert position.outcome is Outcome.METERED
        assert abs(position.exported - exported) <= 1
        assert abs(position.imported - min(imported, (bought or {}).get(site, 0))) <= 1


def test_slots__all_nodes_up__settled_as_metered_one_after_the_other(street):
    first = street.begin()
    for slot in range(first, first + 4):
        street.end_slot(slot)
        street.wait_settled(slot)
        check_settled_as_metered(street, slot)
