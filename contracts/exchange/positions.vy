# pragma version 0.4.3
# pragma optimize gas
# pragma nonreentrancy on
"""
@title Positions
@license AGPL-3.0-only
@notice What each site has traded, and later delivered, in each slot.
@dev Words lie in a ring of 1024 hours, so that from its second turn on every write costs 5,000 gas. A word is reused
     only when all its positions are settled; those that are not are overdue by then (the ring is longer than horizon
     and report timeout together) and settle on the way, so a forgotten position blocks nobody.
     Production may be read until its word is reused: 856 hours, 35 days, after its hour began, at the earliest.
"""

from . import hour_terms
from . import margin
from . import position_words
from . import refusal
from . import sites
from . import zones

uses: sites
uses: zones

REPORT_TIMEOUT: constant(uint256) = 7 * 86400  # seconds after a slot in which its report is accepted


event SettledOverdue:
    site: indexed(uint256)
    slot: uint256
    outcome: uint256
    credited: uint256


position_word: public(HashMap[uint256, uint256])  # site << 10 | hour % position_words.RING -> word


@deploy
def __init__():
    pass


@external
def settle_overdue(site: uint256, slot: uint256):
    """
    @notice Settles a position for which no report came in time. Anyone.
    @dev Where a report of the zone covered the slot and left the site out: no reading. Where there was none at all:
         as traded.
    """
    # A number too large for a site would share the storage of one, but not its account.
    if sites._owner(site) == empty(address):
        refusal._because("site: unknown")
    if block.timestamp <= (slot + 1) * 900 + REPORT_TIMEOUT:
        refusal._because("position: not overdue")
    hour: uint256 = slot // 4
    key: uint256 = position_words._key(site, hour)
    word: uint256 = self.position_word[key]
    offset: uint256 = position_words._offset(slot)
    cell: uint256 = (word >> offset) & position_words.MASK_CELL
    if word >> 232 != hour or cell == 0 or cell >= position_words.SETTLED:
        refusal._because("position: nothing to settle")
    self.position_word[key] = word ^ ((cell ^ self._settle_late(site, slot, cell)) << offset)


@internal
def _settle_late(site: uint256, slot: uint256, cell: uint256) -> uint256:
    """
    @notice Pays out an open, overdue cell.
    @return The settled cell.
    """
    zone: uint256 = site >> 16
    rules: uint256 = zones._fixed_terms(zone, slot // 4)
    net_wh: int256 = position_words._net_wh(cell)
    held: uint256 = margin._held(
        net_wh, position_words._net_value(cell), hour_terms._imbalance(rules), hour_terms._grid_fee(rules)
    )
    outcome: uint256 = position_words.NO_READING
    exported: uint256 = 0
    bought: uint256 = 0
    penalty: uint256 = 0
    fee: uint256 = 0
    if net_wh < 0:
        bought = convert(-net_wh, uint256)
        fee = bought * hour_terms._grid_fee(rules)
    else:
        exported = convert(net_wh, uint256)
    if not hour_terms._is_reported(rules, slot):
        outcome = position_words.AS_TRADED
    else:
        penalty = exported * hour_terms._imbalance(rules)
        exported = 0
    oracle_fee: uint256 = bought * hour_terms._oracle_fee(rules)
    credited: uint256 = held - penalty - fee
    zones._book(zone, penalty, fee - oracle_fee, oracle_fee)
    sites._credit(site, credited)
    log SettledOverdue(site=site, slot=slot, outcome=outcome, credited=credited)
    return position_words._settled_cell(outcome, exported, bought)


@internal
def _turn(site: uint256, hour: uint256, key: uint256, word: uint256) -> uint256:
    """
    @notice Word of an hour whose place in the ring holds another hour's: settles what that one left open.
    """
    if word >> 232 > hour:
        return word
    if word & position_words.ALL_SETTLED != position_words.ALL_SETTLED and word != 0:
        # Stored at once: the caller may have nothing to store after all, and what was paid must not be paid again.
        self.position_word[key] = hour << 232
        self._settle_leftovers(site, word)
    return hour << 232


@internal
def _settle_leftovers(site: uint256, word: uint256):
    """
    @notice Settles what is still open in a word of the ring's last turn.
    """
    first_slot: uint256 = unsafe_mul(word >> 232, 4)
    for s: uint256 in range(4):
        cell: uint256 = (word >> unsafe_mul(s, position_words.CELL_BITS)) & position_words.MASK_CELL
        if cell != 0 and cell < position_words.SETTLED:
            self._settle_late(site, unsafe_add(first_slot, s), cell)


@internal
def _trade(rules: uint256, site: uint256, slot: uint256, sell: bool, wh: uint256, paid: uint256) -> (bool, int256):
    """
    @notice Adds a trade to a site's position.
    @param rules Packed terms under which the site settles.
    @return False, and nothing changed, if the position would leave its bounds; and the grains its margin grew by.
    """
    hour: uint256 = slot >> 2
    key: uint256 = (site << 10) | (hour & (position_words.RING - 1))
    word: uint256 = self.position_word[key]
    if word >> 232 != hour:
        word = self._turn(site, hour, key, word)
    offset: uint256 = unsafe_mul(slot & 3, position_words.CELL_BITS)
    cell: uint256 = (word >> offset) & position_words.MASK_CELL
    if cell == 0 and paid <= position_words.MAX_VALUE:
        # The first trade of a slot, by far the most frequent: its margin is what its order would lock.
        self.position_word[key] = word | (position_words._first_cell(sell, wh, paid) << offset)
        if sell:
            return True, convert(unsafe_sub(unsafe_mul(wh, (rules >> 16) & hour_terms.MASK_16), paid), int256)
        return True, convert(unsafe_add(unsafe_mul(wh, (rules >> 32) & hour_terms.MASK_16), paid), int256)
    imbalance: uint256 = hour_terms._imbalance(rules)
    grid_fee: uint256 = hour_terms._grid_fee(rules)
    net_wh: int256 = convert(wh, int256)
    net_value: int256 = convert(paid, int256)
    if not sell:
        net_wh = unsafe_sub(0, net_wh)
        net_value = unsafe_sub(0, net_value)
    before: uint256 = 0
    if cell != 0:
        old_wh: int256 = position_words._net_wh(cell)
        old_value: int256 = position_words._net_value(cell)
        before = margin._required(old_wh, old_value, imbalance, grid_fee)
        net_wh = unsafe_add(net_wh, old_wh)
        net_value = unsafe_add(net_value, old_value)
    if not position_words._fits(net_wh, net_value):
        return False, 0
    self.position_word[key] = word ^ ((cell ^ position_words._open_cell(net_wh, net_value)) << offset)
    after: uint256 = margin._required(net_wh, net_value, imbalance, grid_fee)
    return True, unsafe_sub(convert(after, int256), convert(before, int256))


@external
@view
def position_words_of(site: uint256, first_hour: uint256, count: uint256) -> DynArray[uint256, 24]:
    """
    @notice Words of up to 24 consecutive hours, as position_words lays them out; 0 where the ring holds another hour.
    """
    words: DynArray[uint256, 24] = []
    hour: uint256 = first_hour
    for _: uint256 in range(count, bound=24):
        word: uint256 = self.position_word[(site << 10) | (hour & (position_words.RING - 1))]
        words.append(word if word >> 232 == hour else 0)
        hour = unsafe_add(hour, 1)
    return words
