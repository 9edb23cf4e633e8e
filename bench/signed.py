"""Gas of trading what owners have signed: ten pairs of twenty accounts, and one signed day against another."""

from collections.abc import Iterator

from net8.offers import LEGS_MAX, Offer, Strip
from net8.signing import sign
from net8.units import first_slot_of, slot_end

from bench.site import BUYERS, SELLERS, TERMS, Zone

__all__ = ["rows"]

# Neighbours who sign their days in step: four sites that use the same nonces share a nonce word.
PAIRS = tuple(zip(SELLERS[3:13], BUYERS[1:11], strict=True))
PRICE = TERMS.floor + 100 * TERMS.step  # grains per Wh
WH = 1_000


def rows(zone: Zone, pair_hours: tuple[int, int], strip_hour: int, nonce: int) -> Iterator[tuple[str, int, int]]:
    """Key, gas of the transaction that was just sent, and what it is divided by.

    Args:
        zone: to trade in.
        pair_hours: two hours in which nobody has traded, for the pairs.
        strip_hour: the first of 24 such hours, for the strips.
        nonce: free, as is the one before it, which each account uses beforehand: its nonce word is in use.
    """
    before, measured = (first_slot_of(hour) for hour in pair_hours)
    _match_pairs(zone, before, nonce - 1)
    yield "signed_match_per_pair", _match_pairs(zone, measured, nonce), len(PAIRS)
    yield "strip_match_per_slot", _match_strips(zone, first_slot_of(strip_hour), nonce + 1), LEGS_MAX


def _match_pairs(zone: Zone, slot: int, nonce: int) -> int:
    """Ten signed buys against ten signed sells in one call."""
    signed = []
    for pair in PAIRS:
        for index, sell in zip(pair, (True, False), strict=True):
            offer = Offer(zone.site(index), slot, sell, PRICE, WH, nonce, slot_end(slot))
            digest = offer.digest(zone.deployment.desk_domain)
            signed.append(offer.signed(sign(zone.owner_key(index), digest)))
    return zone.send(zone.owner, zone.contracts.desk.match_signed(signed))


def _match_strips(zone: Zone, first_slot: int, nonce: int) -> int:
    """A day of sales against a day of purchases in one call."""
    signed = []
    for index, sell in ((SELLERS[20], True), (BUYERS[20], False)):
        day = ([PRICE] * LEGS_MAX, [WH] * LEGS_MAX)
        strip = Strip(zone.site(index), first_slot, sell, *day, nonce, slot_end(first_slot))
        digest = strip.digest(zone.deployment.desk_domain)
        signed.append(strip.signed(sign(zone.owner_key(index), digest)))
    return zone.send(zone.owner, zone.contracts.desk.match_strips(*signed))
