"""Gas of a day's certificates, in virgin storage and one lap of the ring later, when the first have expired.

A UTC day of a site whose meter has settled every slot; its owner mints to himself. Before the second lap the expired
certificates of the first are swept, as anyone may; `certificate_day_24_sweeping` is minted over those that are not.
"""

from collections.abc import Iterator, Sequence

from net8.packing import Entry, certificate_id
from net8.units import hour_of

from bench.gas import STATES, Row
from bench.site import BUYERS, SELLERS, Zone

__all__ = ["rows"]

LAP = 16_384  # hours after which the words of certificates come round again
DAY = 24  # hours
OCTETS = DAY // 8
DAYLIGHT = range(6, 18)  # hours in which a roof produces
WH = 1_000  # of a slot
WHOLE_DAY, HALF_DAY, UNSWEPT = SELLERS[30:33]  # sites
BUYER = BUYERS[30]  # of certificates
TRANSFERRED = 100  # Wh


def rows(zone: Zone, states: Sequence[str] = STATES) -> Iterator[Row]:
    """In both states, or in the first alone, which takes seconds."""
    certificates = zone.contracts.certificates
    registrar = zone.chain.read(certificates.registrar())
    for index in (WHOLE_DAY, HALF_DAY, UNSWEPT):
        zone.send(registrar, certificates.admit(zone.site(index), "bench"))
    first = (hour_of(zone.now()) // DAY + 1) * DAY
    for lap, state in enumerate(states):
        for key, used in _lap(zone, first + lap * LAP):
            yield Row(key, state, used)
        if state != states[-1]:
            _sweep(zone, first)


def _sweep(zone: Zone, first: int) -> None:
    """Wait until the day that begins with the hour `first` has expired, and sweep what is left of it."""
    zone.move_to((first + LAP - 1) * 3600)
    certificates = zone.contracts.certificates
    for index in (WHOLE_DAY, HALF_DAY, BUYER):
        for site in (WHOLE_DAY, HALF_DAY):
            holder = zone.owners[index - 1]
            zone.send(holder, certificates.expire(holder, zone.site(site), first, OCTETS))


def _lap(zone: Zone, first: int) -> Iterator[tuple[str, int]]:
    """Settle the day that begins with the hour `first`, and mint it."""
    zone.move_to((first + DAY) * 3600 + 1)
    day = range(first, first + DAY)
    for index in (WHOLE_DAY, HALF_DAY, UNSWEPT):
        hours = day if index != HALF_DAY else [first + hour for hour in DAYLIGHT]
        zone.report([Entry(hour, index, dict.fromkeys(range(4), (WH, 0))) for hour in hours])
    yield "certificate_day_24", _mint(zone, WHOLE_DAY, first, DAY)
    yield "certificate_day_12", _mint(zone, HALF_DAY, first + DAYLIGHT.start, len(DAYLIGHT))
    yield "certificate_day_24_sweeping", _mint(zone, UNSWEPT, first, DAY)
    seller, buyer = zone.owners[WHOLE_DAY - 1], zone.owners[BUYER - 1]
    certificate = certificate_id(zone.site(WHOLE_DAY), first)
    sold = zone.contracts.certificates.transfer(seller, buyer, certificate, TRANSFERRED)
    yield "certificate_transfer", zone.of_site(WHOLE_DAY, sold)


def _mint(zone: Zone, index: int, first: int, hours: int) -> int:
    owner = zone.owners[index - 1]
    return zone.of_site(index, zone.contracts.certificates.mint(zone.site(index), first, owner, hours))
