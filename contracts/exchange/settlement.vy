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
       bits 200..215 site index           216..255 hour
     Entries come in ascending order of (hour, site). One that cannot be used is skipped with an event and never stops
     the others, nor counts for their order: an honest quorum must not be held up by one bad meter. Money moves in two
     passes: all shortfalls are credited to the balancing pool first, then it pays for unused energy, in order of the
     entries, as far as it can.
     One event tells a whole report: what each entry alone would cost in events, a hundred sites cost together.
"""

from . import hour_terms
from . import position_words
from . import positions
from . import roles
from . import refusal
from . import sites
from . import zones

uses: positions
uses: roles
uses: sites
uses: zones

MAX_ENTRIES: constant(uint256) = 128  # of one call
MASK_24: constant(uint256) = 2**24 - 1
MASK_48: constant(uint256) = 2**48 - 1
MASK_64: constant(uint256) = 2**64 - 1
MASK_128: constant(uint256) = 2**128 - 1
BOUGHT: constant(uint256) = 2**21  # sign of the 22 bits of Wh in a cell
DEBT: constant(uint256) = 2**33  # sign of the 34 bits of value in a cell
METERED: constant(uint256) = position_words.SETTLED | (position_words.METERED << 48)
ONES: constant(uint256) = 4841987667533046032  # hex digit m: how many of the four slots mask m has

# Why an entry was skipped.
UNORDERED: constant(uint256) = 1
UNKNOWN_SITE: constant(uint256) = 2
NOT_OVER: constant(uint256) = 3
TOO_LATE: constant(uint256) = 4
ALREADY_SETTLED: constant(uint256) = 5
ABOVE_NAMEPLATE: constant(uint256) = 6


event Settled:
    zone: indexed(uint256)
    shortfalls: uint256  # grains charged for energy sold but not delivered, into the pool
    unused: uint256  # grains paid for energy bought but not used, out of the pool
    grid_fees: uint256  # grains
    oracle_fees: uint256  # grains
    entries: Bytes[32 * MAX_ENTRIES]  # as reported
    # For each entry that settled anything: site index 16 (from bit 76) | place in the report 8 (68)
    # | mask of the slots settled 4 (64) | grains credited 64, payment for unused energy included
    credited: DynArray[uint256, MAX_ENTRIES]


event EntrySkipped:
    site: indexed(uint256)
    hour: uint256
    slots: uint256  # mask
    reason: uint256


struct Fees:
    grid: uint256  # grains
    oracle: uint256  # grains


@deploy
def __init__():
    pass


@external
def settle(zone: uint256, entries: Bytes[32 * MAX_ENTRIES]) -> uint256:
    """
    @notice Settles what a quorum of the zone's operators reported. OracleRegistry only.
    @dev One long function on purpose: it runs once for every home and hour, and a call inside costs each of them.
    @param entries Words of 32 bytes, at most 128; a part of a word at the end is ignored.
    @return Number of site-slots settled.
    """
    if msg.sender != roles.registry:
        refusal._because("settlement: only the registry")
    # Claim for unused energy 128 (from bit 128) | site index 16 (76) | entry 8 (68) | slots settled 4 (64) | payout 64
    dues: DynArray[uint256, MAX_ENTRIES] = []
    slots_settled: uint256 = 0
    shortfalls: uint256 = 0
    fees: Fees = empty(Fees)
    previous: uint256 = 0
    group: uint256 = 0
    lanes: uint256 = 0
    # What holds for all entries of an hour.
    hour: uint256 = 0
    rules: uint256 = 0
    window: uint256 = 0  # mask of the slots that are over and not too late
    imbalance: uint256 = 0
    grid_fee: uint256 = 0
    feed_in: uint256 = 0
    hour_settled: uint256 = 0
    hour_bought: uint256 = 0
    for i: uint256 in range(len(entries) // 32, bound=MAX_ENTRIES):
        entry: uint256 = extract32(entries, unsafe_mul(i, 32), output_type=uint256)
        key: uint256 = entry >> 200
        site: uint256 = (zone << 16) | (key & 65535)
        slots: uint256 = (entry >> 192) & 15
        if key <= previous:
            self._log_skipped(site, key >> 16, slots, UNORDERED)
            continue
        if site >> 2 != group:
            group = site >> 2
            lanes = sites._lanes[group]
        lane: uint256 = lanes >> ((site & 3) << 6)
        if lane & sites.OPEN == 0:
            self._log_skipped(site, key >> 16, slots, UNKNOWN_SITE)
            continue
        if key >> 16 != hour:
            fees = self._close_hour(zone, hour, rules, hour_settled, hour_bought, fees)
            hour = key >> 16
            hour_settled = 0
            hour_bought = 0
            rules = 0
            window = self._over(hour) & ~self._late(hour)
            if window != 0:
                rules = zones._fixed_terms(zone, hour)
                imbalance = hour_terms._imbalance(rules)
                grid_fee = hour_terms._grid_fee(rules)
                feed_in = hour_terms._feed_in(rules)
        usable: uint256 = slots & window
        if usable != slots:
            self._log_skipped(site, hour, slots & ~self._over(hour), NOT_OVER)
            self._log_skipped(site, hour, slots & self._late(hour), TOO_LATE)
        if usable == 0:
            continue
        position_key: uint256 = (site << 10) | (hour & (position_words.RING - 1))
        position: uint256 = positions.position_word[position_key]
        if position >> 232 != hour:
            position = positions._turn(site, hour, position_key, position)
            if position >> 232 != hour:  # the ring has turned: settled long ago
                self._log_skipped(site, hour, usable, ALREADY_SETTLED)
                continue
        most_energy: uint256 = (lane >> 40) & (2**23 - 1)
        unread: uint256 = (entry >> 196) & usable
        if unread != 0:
            entry = self._without_reading(entry, unread)
        word: uint256 = position
        payout: uint256 = 0
        unused: uint256 = 0
        done: uint256 = 0
        refused: uint256 = 0
        for s: uint256 in range(4):
            if (usable >> s) & 1 == 0:
                continue
            offset: uint256 = unsafe_mul(s, position_words.CELL_BITS)
            cell: uint256 = (position >> offset) & position_words.MASK_CELL
            reading: uint256 = entry >> unsafe_mul(s, 48)
            exported: uint256 = reading & MASK_24
            imported: uint256 = (reading >> 24) & MASK_24
            if exported > most_energy or cell >= position_words.SETTLED:
                refused |= 1 << s
                continue
            # The cell's two signed numbers are used as they lie: only their signs and sizes matter here.
            net_wh: uint256 = cell >> 34
            net_value: uint256 = cell & (2**34 - 1)
            if net_wh < BOUGHT:
                imported = 0
                held: uint256 = unsafe_mul(net_wh, imbalance)
                if net_value > held:
                    if net_value < DEBT:
                        held = net_value
                if exported < net_wh:
                    shortfall: uint256 = unsafe_mul(unsafe_sub(net_wh, exported), imbalance)
                    shortfalls = unsafe_add(shortfalls, shortfall)
                    held = unsafe_sub(held, shortfall)
                payout = unsafe_add(payout, held)
            else:
                bought: uint256 = unsafe_sub(2**22, net_wh)
                hour_bought = unsafe_add(hour_bought, bought)
                if net_value < DEBT:
                    fee: uint256 = unsafe_mul(bought, grid_fee)
                    payout = unsafe_add(payout, unsafe_sub(max(net_value, fee), fee))
                if imported < bought:
                    unused = unsafe_add(unused, unsafe_sub(bought, imported))
                else:
                    imported = bought
            word ^= (cell ^ (METERED | (imported << 24) | exported)) << offset
            done |= 1 << s
        if refused | (unread & done) != 0:
            self._log_refused(site, hour, position, refused)
            word = self._mark_unread(word, unread & done)
        if done == 0:
            continue
        positions.position_word[position_key] = word
        previous = key
        hour_settled |= done
        slots_settled = unsafe_add(slots_settled, (ONES >> (done << 2)) & 15)
        dues.append((unsafe_mul(unused, feed_in) << 128) | ((site & 65535) << 76) | (i << 68) | (done << 64) | payout)
    if slots_settled == 0:
        return 0
    fees = self._close_hour(zone, hour, rules, hour_settled, hour_bought, fees)
    self._pay(zone, entries, dues, shortfalls, fees)
    return slots_settled


@internal
@pure
def _without_reading(entry: uint256, unread: uint256) -> uint256:
    """
    @notice An entry in which slots without a reading say that nothing was exported and all that is possible imported.
    @dev Unplugging a meter must never be worth money: a seller delivered nothing, a buyer used everything.
    """
    worst: uint256 = entry
    for s: uint256 in range(4):
        if (unread >> s) & 1 != 0:
            worst = (worst & ~(MASK_48 << (s * 48))) | ((MASK_24 << 24) << (s * 48))
    return worst


@internal
@pure
def _mark_unread(word: uint256, unread: uint256) -> uint256:
    """
    @notice A position word whose newly settled slots without a reading are marked so.
    """
    marked: uint256 = word
    for s: uint256 in range(4):
        if (unread >> s) & 1 != 0:
            marked += (position_words.NO_READING - position_words.METERED) << (s * position_words.CELL_BITS + 48)
    return marked


@internal
def _log_refused(site: uint256, hour: uint256, position: uint256, refused: uint256):
    """
    @notice Says of the slots that could not settle which were settled before; the rest was above the nameplate.
    """
    already: uint256 = 0
    for s: uint256 in range(4):
        if (position >> (s * position_words.CELL_BITS)) & position_words.MASK_CELL >= position_words.SETTLED:
            already |= refused & (1 << s)
    self._log_skipped(site, hour, already, ALREADY_SETTLED)
    self._log_skipped(site, hour, refused ^ already, ABOVE_NAMEPLATE)


@internal
def _pay(
    zone: uint256,
    entries: Bytes[32 * MAX_ENTRIES],
    dues: DynArray[uint256, MAX_ENTRIES],
    shortfalls: uint256,
    fees: Fees,
):
    """
    @notice Credits what each entry is due, after all shortfalls have reached the pool.
    """
    # The account is read only now: positions settled late on the way have booked into it as well.
    account: uint256 = zones._accounts[zone]
    full: uint256 = unsafe_add(account & zones.MASK_ACCOUNT, shortfalls)
    pool: uint256 = full
    credited: DynArray[uint256, MAX_ENTRIES] = dues
    group: uint256 = 0
    lanes: uint256 = 0
    stored: uint256 = 0
    i: uint256 = 0
    for due: uint256 in dues:
        site: uint256 = (zone << 16) | ((due >> 76) & 65535)
        if site >> 2 != group:
            if lanes != stored:
                sites._lanes[group] = lanes
            group = site >> 2
            stored = sites._lanes[group]
            lanes = stored
        for_unused: uint256 = min(due >> 128, pool)
        pool = unsafe_sub(pool, for_unused)
        grains: uint256 = unsafe_add(due & MASK_64, for_unused)
        offset: uint256 = (site & 3) << 6
        if unsafe_add((lanes >> offset) & sites.MASK_CREDIT, grains) <= sites.MASK_CREDIT:
            lanes = unsafe_add(lanes, grains << offset)
        else:
            lanes = sites._move_credit(lanes, site, grains)
        credited[i] = unsafe_add(due & MASK_128, for_unused)
        i = unsafe_add(i, 1)
    if lanes != stored:
        sites._lanes[group] = lanes
    zones._accounts[zone] = (account & ~zones.MASK_ACCOUNT) + pool + (fees.grid << 80) + (fees.oracle << 160)
    log Settled(
        zone=zone,
        shortfalls=shortfalls,
        unused=unsafe_sub(full, pool),
        grid_fees=fees.grid,
        oracle_fees=fees.oracle,
        entries=entries,
        credited=credited,
    )


@internal
@view
def _over(hour: uint256) -> uint256:
    """
    @notice Mask of the slots of an hour that have ended.
    """
    return self._ended(hour, block.timestamp)


@internal
@view
def _late(hour: uint256) -> uint256:
    """
    @notice Mask of the slots of an hour whose report timeout has passed.
    """
    return self._ended(hour, unsafe_sub(unsafe_sub(block.timestamp, positions.REPORT_TIMEOUT), 1))


@internal
@pure
def _ended(hour: uint256, unix: uint256) -> uint256:
    """
    @notice Mask of the slots of an hour (below 2**40) that have ended by a time.
    """
    start: uint256 = unsafe_mul(hour, 3600)
    if unix < start:
        return 0
    return ~(15 << min(unsafe_div(unsafe_sub(unix, start), 900), 4)) & 15


@internal
def _close_hour(zone: uint256, hour: uint256, rules: uint256, settled: uint256, bought: uint256, before: Fees) -> Fees:
    """
    @notice Adds the fees of an hour, and remembers which slots were reported, so that a site left out settles as
            without a reading.
    @param settled Mask of the slots this report settled anything in.
    @param bought Wh, net, in the positions it settled.
    """
    oracle_fee: uint256 = hour_terms._oracle_fee(rules)
    if settled & ~(rules >> hour_terms.REPORTED_SHIFT) != 0:
        zones._mark_reported(zone, hour, settled)
    return Fees(
        grid=unsafe_add(before.grid, unsafe_mul(bought, unsafe_sub(hour_terms._grid_fee(rules), oracle_fee))),
        oracle=unsafe_add(before.oracle, unsafe_mul(bought, oracle_fee)),
    )


@internal
def _log_skipped(site: uint256, hour: uint256, slots: uint256, reason: uint256):
    if slots != 0:
        log EntrySkipped(site=site, hour=hour, slots=slots, reason=reason)
