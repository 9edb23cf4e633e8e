"""What a site produced and may still have certified."""

from collections import defaultdict

from net8.packing import certificate_id
from net8.units import first_slot_of, hour_of, hour_of_slot, slot_of

from net8_web import indexer
from net8_web.feed import View
from net8_web.older import ask_older

__all__ = ["mintable"]

MINT_WINDOW = 856  # hours in which an hour can be minted


def mintable(view: View, site: int) -> tuple[dict[int, int], str | None]:
    """Wh that may be minted now by hour, the earliest first, only hours with something to mint; and why older hours
    are missing, where they may be.
    """
    first, minted = hour_of(view.now) - MINT_WINDOW + 1, view.market.minted
    left: defaultdict[int, int] = defaultdict(int)
    for payment in view.market.payments_of(site):
        for slot, reading in payment.readings.items():
            left[hour_of_slot(slot)] += reading[0] if reading else 0
    for hour in left:
        left[hour] -= minted.get(certificate_id(site, hour), 0)
    span = first_slot_of(first), slot_of(view.market.since) - 1
    older = ask_older(view, lambda url: indexer.production(url, site, span))
    for one in older.told or []:
        # What was minted a moment ago the indexer may not know yet; what was minted long ago, only the indexer knows.
        left[one.hour] = one.exported - max(one.issued, minted.get(certificate_id(site, one.hour), 0))
    return {hour: wh for hour, wh in sorted(left.items()) if wh > 0 and hour >= first}, older.reason
