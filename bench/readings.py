"""How many signed readings a second one node checks and aggregates on one core, all layers on.

Checked: signature, counters, clock and nameplate of each reading; then for each slot all three layers' word on every
site, and the medians over four operators' observations. The reference, in the same run, is the recovery of the
signatures alone.
"""

import time

from coincurve import PrivateKey
from net8.signing import keccak256
from net8.units import slot_start
from net8_oracle import crypto
from net8_oracle.node import report
from net8_oracle.node.layers import Judges
from net8_oracle.node.layers.grid import Balance, GridCheck
from net8_oracle.node.layers.model import ModelCheck, day_of
from net8_oracle.node.layers.table import SLOTS, Table
from net8_oracle.node.meters import Meters, RegisteredSite
from net8_oracle.reading import Reading, SignedReading, meter_domain

__all__ = ["measure"]

SITES, BOUNDARIES, OPERATORS = 100, 41, 4
PER_FEEDER = 10  # sites
FIRST_SLOT = 20_000 * SLOTS + 40
DOMAIN = meter_domain(31337, "0x" + "11" * 20)


def _readings(keys: list[PrivateKey]) -> list[list[SignedReading]]:
    """Of each boundary, one of every site: each second one exports."""
    return [
        [
            SignedReading.make(
                Reading(site, slot_start(FIRST_SLOT + at), 100 * at, site % 2 * 300 * at, 0, at + 1), DOMAIN, key, 1
            )
            for site, key in enumerate(keys, 1 << 16 | 1)
        ]
        for at in range(BOUNDARIES)
    ]


def measure() -> dict[str, int]:
    """Readings a second: all that a node does with them, and their signatures' recovery alone."""
    keys = [PrivateKey(keccak256(f"bench meter {site}".encode())) for site in range(SITES)]
    boundaries = _readings(keys)
    sites = {
        site: RegisteredSite(site, crypto.own_address(key), 5_000, 0) for site, key in enumerate(keys, 1 << 16 | 1)
    }
    number = SITES * BOUNDARIES
    begun = time.process_time()
    for readings in boundaries:
        for signed in readings:
            signed.signer(DOMAIN)
    recovery = number / (time.process_time() - begun)

    meters, model = Meters(DOMAIN, sites.get), ModelCheck()
    for site in sites:
        model.put(site, day_of(FIRST_SLOT), Table([1_250] * SLOTS, [1_000] * SLOTS))
    ids = list(sites)
    feeders = {number: Balance(ids[at : at + PER_FEEDER]) for number, at in enumerate(range(0, SITES, PER_FEEDER))}
    grid = GridCheck(feeders, meters.energy, model.clear)
    judges = Judges([model, grid])
    begun = time.process_time()
    for at, readings in enumerate(boundaries):
        for signed in readings:
            meters.accept(signed, signed.reading.taken_at)
        if at:
            _aggregate(FIRST_SLOT + at - 1, sites, meters, grid, judges, feeders)
    checked = number / (time.process_time() - begun)
    return {"checked": round(checked), "recovery_alone": round(recovery)}


def _aggregate(
    slot: int,
    sites: dict[int, RegisteredSite],
    meters: Meters,
    grid: GridCheck,
    judges: Judges,
    feeders: dict[int, Balance],
) -> None:
    for feeder, balance in feeders.items():
        energies = [meters.energy(site, slot) for site in balance.sites]
        grid.hear(feeder, slot, sum(energy[0] - energy[1] for energy in energies if energy is not None))
    words = []
    for site in sites.values():
        energy = meters.energy(site.site, slot)
        if energy is None:
            raise RuntimeError(f"site {site.site} has no reading in slot {slot}: the scenario is wrong")
        judged = judges.judge(site, slot, energy)
        if judged.agreed != 7:
            raise RuntimeError(f"site {site.site} is disputed ({judged.reasons}): the scenario is wrong")
        words.append(report.with_layers(report.reading_word(site.index, *energy), judged.agreed))
    others = [[word ^ 1 << 67 for word in words] for _ in range(OPERATORS - 1)]  # who have no feeder log
    report.settlement_entries(report.agree([words, *others], OPERATORS), slot, {})
