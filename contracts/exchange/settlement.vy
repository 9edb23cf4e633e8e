# pragma version 0.4.3
# pragma optimize gas
# pragma nonreentrancy on
"""
@title Settlement
@license AGPL-3.0-only
@notice Turns a quorum's report of what meters counted into payments, in the transaction that delivers it.
@dev An entry is one word per site and hour:
       bits 0..191   slot s of the hour at 48 * s: export 24 (low) | import 24, in Wh
       bits 192..195 slots covered        196..199 of these, slots without a reading
       bits 200..215 site index           216..247 hour
     Entries come in ascending order of (hour, site). One that cannot be used is skipped with an event and never stops
     the others, nor counts for their order: an honest quorum must not be held up by one bad meter. Money moves in two
     passes: all shortfalls are credited to the balancing pool first, then it pays for unused energy, in order of the
     entries, as far as it can.
"""

from snekmate.auth import ownable
from . import margin
from . import position_words
from . import positions
from . import refusal
from . import sites
from . import hour_terms
from . import zones

uses: ownable
uses: positions
uses: sites
uses: zones

MAX_ENTRIES: constant(uint256) = 256  # 3 million gas of a transaction's 16.7
MASK_24: constant(uint256) = 2**24 - 1
MASK_128: constant(uint256) = 2**128 - 1

# Why an entry was skipped.
UNORDERED: constant(uint256) = 1
UNKNOWN_SITE: constant(uint256) = 2
NOT_OVER: constant(uint256) = 3
TOO_LATE: constant(uint256) = 4
ALREADY_SETTLED: constant(uint256) = 5
ABOVE_NAMEPLATE: constant(uint256) = 6


event RegistrySet:
    registry: indexed(address)


event Settled:
    site: indexed(uint256)
    entry: uint256  # as reported, its mask reduced to the slots that settled
    credited: uint256  # grains, payment for unused energy included


event EntrySkipped:
    site: indexed(uint256)
    hour: uint256
    slots: uint256  # mask
    reason: uint256


struct Hour:
    number: uint256
    rules: uint256  # packed terms
    over: uint256  # mask of the slots that have ended
    late: uint256  # mask of the slots whose report timeout has passed
    settled: uint256  # mask of the slots this report settles anything in
    bought: uint256  # Wh, net, in the positions this report settles


struct Outcome:
    done: uint256  # mask of the slots settled
    payout: uint256  # grains from the position's own margin and value
    penalty: uint256  # grains for energy sold but not delivered
    bought: uint256  # Wh
    unused: uint256  # Wh bought but not imported


struct Totals:
    penalties: uint256  # grains
    grid_fees: uint256
    oracle_fees: uint256


registry: public(address)


@deploy
def __init__():
    pass


@external
def set_registry(registry: address):
    """
    @notice Names the OracleRegistry whose quorum settles, once and for ever. Contract owner only.
    """
    ownable._check_owner()
    if self.registry != empty(address):
        refusal._because("settlement: registry is set")
    if registry == empty(address):
        refusal._because("settlement: no registry")
    self.registry = registry
    log RegistrySet(registry=registry)


@external
def settle(zone: uint256, entries: DynArray[uint256, 256]) -> uint256:
    """
    @notice Settles what a quorum of the zone's operators reported. OracleRegistry only.
    @return Number of site-slots settled.
    """
    if msg.sender != self.registry:
        refusal._because("settlement: only the registry")
    kept: uint256[256] = empty(uint256[256])
    dues: uint256[256] = empty(uint256[256])  # claim for unused energy 128 | payout 128, in grains
    count: uint256 = 0
    settled: uint256 = 0
    totals: Totals = empty(Totals)
    hour: Hour = empty(Hour)
    feed_in: uint256 = 0
    previous: uint256 = 0
    group: uint256 = 0
    lanes: uint256 = 0
    for entry: uint256 in entries:
        key: uint256 = entry >> 200
        site: uint256 = (zone << 16) | (key & 65535)
        slots: uint256 = (entry >> 192) & 15
        if key <= previous:
            log EntrySkipped(site=site, hour=key >> 16, slots=slots, reason=UNORDERED)
            continue
        if site >> 2 != group:
            group = site >> 2
            lanes = sites._lanes[group]
        lane: uint256 = lanes >> ((site & 3) << 6)
        if lane & sites.OPEN == 0:
            log EntrySkipped(site=site, hour=key >> 16, slots=slots, reason=UNKNOWN_SITE)
            continue
        if key >> 16 != hour.number:
            totals = self._close_hour(zone, hour, totals)
            hour = self._open_hour(zone, key >> 16)
            feed_in = hour_terms._feed_in(hour.rules)
        usable: uint256 = slots & hour.over & ~hour.late
        if usable != slots:
            self._log_skipped(site, hour.number, slots & ~hour.over, NOT_OVER)
            self._log_skipped(site, hour.number, slots & hour.late, TOO_LATE)
        if usable == 0:
            continue
        outcome: Outcome = self._settle_entry(site, entry, usable, hour.number, hour.rules, sites._most_energy(lane))
        if outcome.done == 0:
            continue
        previous = key
        hour.settled |= outcome.done
        hour.bought = unsafe_add(hour.bought, outcome.bought)
        totals.penalties = unsafe_add(totals.penalties, outcome.penalty)
        kept[count] = entry if outcome.done == slots else (entry & ~(15 << 192)) | (outcome.done << 192)
        dues[count] = (unsafe_mul(outcome.unused, feed_in) << 128) | outcome.payout
        count = unsafe_add(count, 1)
        settled = unsafe_add(settled, self._ones(outcome.done))
    if count == 0:
        return 0
    totals = self._close_hour(zone, hour, totals)

    # The pool is read only now: positions settled late on the way book into it as well.
    account: uint256 = zones._accounts[zone]
    pool: uint256 = unsafe_add(account & zones.MASK_ACCOUNT, totals.penalties)
    group = 0
    lanes = 0
    stored: uint256 = 0
    for i: uint256 in range(count, bound=MAX_ENTRIES):
        site: uint256 = (zone << 16) | ((kept[i] >> 200) & 65535)
        if site >> 2 != group:
            if lanes != stored:
                sites._lanes[group] = lanes
            group = site >> 2
            stored = sites._lanes[group]
            lanes = stored
        for_unused: uint256 = min(dues[i] >> 128, pool)
        pool = unsafe_sub(pool, for_unused)
        credited: uint256 = unsafe_add(dues[i] & MASK_128, for_unused)
        if credited != 0:
            lanes = sites._add_credit(lanes, site, credited)
        log Settled(site=site, entry=kept[i], credited=credited)
    if lanes != stored:
        sites._lanes[group] = lanes
    zones._accounts[zone] = (
        (account & ~zones.MASK_ACCOUNT) + pool + (totals.grid_fees << 80) + (totals.oracle_fees << 160)
    )
    return settled


@internal
def _settle_entry(
    site: uint256, entry: uint256, slots: uint256, hour: uint256, rules: uint256, most_energy: uint256
) -> Outcome:
    """
    @notice Settles the given slots of a site's hour, as far as they are open and the reading is possible.
    """
    outcome: Outcome = empty(Outcome)
    word: uint256 = positions._word(site, hour)
    if word >> 232 != hour:  # the ring has turned: settled long ago
        log EntrySkipped(site=site, hour=hour, slots=slots, reason=ALREADY_SETTLED)
        return outcome
    imbalance: uint256 = hour_terms._imbalance(rules)
    grid_fee: uint256 = hour_terms._grid_fee(rules)
    already: uint256 = 0
    impossible: uint256 = 0
    for s: uint256 in range(4):
        bit: uint256 = 1 << s
        if slots & bit == 0:
            continue
        offset: uint256 = unsafe_mul(s, position_words.CELL_BITS)
        cell: uint256 = (word >> offset) & position_words.MASK_CELL
        if cell >= position_words.SETTLED:
            already |= bit
            continue
        pair: uint256 = entry >> unsafe_mul(s, 48)
        exported: uint256 = pair & MASK_24
        imported: uint256 = (pair >> 24) & MASK_24
        result: uint256 = position_words.METERED
        if (entry >> 196) & bit != 0:
            # Unplugging a meter must never be worth money: a seller delivered nothing, a buyer used everything.
            exported = 0
            imported = MASK_24
            result = position_words.NO_READING
        elif exported > most_energy:
            impossible |= bit
            continue
        bought: uint256 = 0
        if cell != 0:
            net_wh: int256 = position_words._net_wh(cell)
            held: uint256 = margin._held(net_wh, position_words._net_value(cell), imbalance, grid_fee)
            if net_wh < 0:
                bought = convert(unsafe_sub(0, net_wh), uint256)
                outcome.bought = unsafe_add(outcome.bought, bought)
                held = unsafe_sub(held, unsafe_mul(bought, grid_fee))
            else:
                sold: uint256 = convert(net_wh, uint256)
                if exported < sold:
                    penalty: uint256 = unsafe_mul(unsafe_sub(sold, exported), imbalance)
                    outcome.penalty = unsafe_add(outcome.penalty, penalty)
                    held = unsafe_sub(held, penalty)
            outcome.payout = unsafe_add(outcome.payout, held)
        if imported < bought:
            outcome.unused = unsafe_add(outcome.unused, unsafe_sub(bought, imported))
        else:
            imported = bought
        word ^= (cell ^ (position_words.SETTLED | (result << 48) | (imported << 24) | exported)) << offset
        outcome.done |= bit
    if outcome.done != 0:
        positions._store(site, hour, word)
    if already | impossible != 0:
        self._log_skipped(site, hour, already, ALREADY_SETTLED)
        self._log_skipped(site, hour, impossible, ABOVE_NAMEPLATE)
    return outcome


@internal
def _open_hour(zone: uint256, number: uint256) -> Hour:
    """
    @notice What holds for all entries of an hour.
    """
    over: uint256 = 0
    late: uint256 = 0
    for s: uint256 in range(4):
        end: uint256 = unsafe_mul(unsafe_add(unsafe_add(unsafe_mul(number, 4), s), 1), 900)
        if end <= block.timestamp:
            over |= 1 << s
            if end + positions.REPORT_TIMEOUT < block.timestamp:
                late |= 1 << s
    rules: uint256 = 0
    if over & ~late != 0:
        rules = zones._fixed_terms(zone, number)
    return Hour(number=number, rules=rules, over=over, late=late, settled=0, bought=0)


@internal
def _close_hour(zone: uint256, hour: Hour, before: Totals) -> Totals:
    """
    @notice Adds the fees of an hour, and remembers which slots were reported, so that a site left out settles as
            without a reading.
    """
    totals: Totals = before
    oracle_fee: uint256 = hour_terms._oracle_fee(hour.rules)
    totals.oracle_fees = unsafe_add(totals.oracle_fees, unsafe_mul(hour.bought, oracle_fee))
    totals.grid_fees = unsafe_add(
        totals.grid_fees, unsafe_mul(hour.bought, unsafe_sub(hour_terms._grid_fee(hour.rules), oracle_fee))
    )
    if hour.settled & ~(hour.rules >> hour_terms.REPORTED_SHIFT) != 0:
        zones._mark_reported(zone, hour.number, hour.settled)
    return totals


@internal
def _log_skipped(site: uint256, hour: uint256, slots: uint256, reason: uint256):
    if slots != 0:
        log EntrySkipped(site=site, hour=hour, slots=slots, reason=reason)


@internal
@pure
def _ones(mask: uint256) -> uint256:
    """
    @notice Number of set bits of a four-bit mask.
    """
    return (mask & 1) + ((mask >> 1) & 1) + ((mask >> 2) & 1) + (mask >> 3)
