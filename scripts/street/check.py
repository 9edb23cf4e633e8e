"""Whether what was settled is what the homes' data says."""

from collections.abc import Sequence
from decimal import Decimal

from scripts.street.tally import SlotTally
from scripts.street.zone import Resident

__all__ = ["first_difference"]

TOLERANCE_WH = 1  # registers count whole Wh, so a slot may be off by less than one


def first_difference(residents: Sequence[Resident], tally: SlotTally, slot: int) -> str | None:
    """The first site whose settled export or import is not its input's, in one sentence; None when all agree.

    Every export must equal the input; every import the input up to what the site bought.
    """
    for resident in residents:
        settled = tally.settled.get(resident.site)
        if settled is None:
            return f"slot {slot}: site {resident.site} was settled without a reading, though its meter was read"
        exported, imported = settled
        true_export, true_import = resident.net(slot)
        if abs(exported - true_export) > TOLERANCE_WH:
            return (
                f"slot {slot}: site {resident.site} was settled with {exported} Wh exported; "
                f"its input is {true_export} Wh"
            )
        due = min(true_import, Decimal(tally.bought(resident.site)))
        if abs(imported - due) > TOLERANCE_WH:
            return (
                f"slot {slot}: site {resident.site} was settled with {imported} Wh imported; "
                f"its input, up to what it bought, is {due} Wh"
            )
    return None
