# pragma version 0.4.3
# pragma optimize gas
# pragma nonreentrancy on
"""
@title What the meters showed
@license AGPL-3.0-only
@notice Reads production and consumption as they were settled in the exchange, and remembers how much of each site's
        consumption certificates have been retired for.
@dev Matched word: hour 32 bits (96..127) | Wh matched in slot s of the hour, 24 bits at 24 * s. Words lie in a ring as
     long as the exchange's own, so one is reused only when the consumption it speaks of can no longer be read.
"""

from ..exchange import position_words
from ..interfaces import IEnergyExchange

HOURS: constant(uint256) = 24  # in one call: a day
HOUR_SHIFT: constant(uint256) = 96

exchange: public(immutable(address))  # the EnergyExchange, where meters are settled
_matched: HashMap[uint256, uint256]  # site << 10 | hour mod 1024 -> matched word


@deploy
def __init__(exchange_: address):
    exchange = exchange_


@external
@view
def matched(site: uint256, slot: uint256) -> uint256:
    """
    @notice Wh of a site's consumption in a slot that certificates have been retired for.
    """
    return (self._matched_word(site, slot // 4) >> self._offset(slot)) & position_words.MASK_WH


@external
@view
def matchable(site: uint256, slot: uint256) -> uint256:
    """
    @notice Wh of a site's metered consumption in a slot that certificates may still be retired for.
    """
    matched: uint256 = (self._matched_word(site, slot // 4) >> self._offset(slot)) & position_words.MASK_WH
    return self._imported(site, slot) - matched


@internal
@view
def _owner_of(site: uint256) -> address:
    return staticcall IEnergyExchange(exchange).owner_of(site)


@internal
@view
def _words_of(site: uint256, first_hour: uint256, count: uint256) -> DynArray[uint256, HOURS]:
    """
    @notice What a site delivered in consecutive hours, as `position_words` lays it out.
    """
    return staticcall IEnergyExchange(exchange).position_words_of(site, first_hour, count)


@internal
def _match(site: uint256, slot: uint256, wh: uint256):
    """
    @notice Counts retired energy against what a site's meter showed it took from the neighbourhood.
    """
    word: uint256 = self._matched_word(site, slot // 4)
    offset: uint256 = self._offset(slot)
    matched: uint256 = (word >> offset) & position_words.MASK_WH
    assert matched + wh <= self._imported(site, slot), "match: beyond metered import"
    self._matched[position_words._key(site, slot // 4)] = word + (wh << offset)


@internal
@view
def _imported(site: uint256, slot: uint256) -> uint256:
    """
    @notice Metered consumption of what a site bought in a slot, in Wh; none before a meter settled it.
    """
    return position_words._imported(self._words_of(site, slot // 4, 1)[0], slot)


@internal
@view
def _matched_word(site: uint256, hour: uint256) -> uint256:
    word: uint256 = self._matched[position_words._key(site, hour)]
    return word if word >> HOUR_SHIFT == hour else hour << HOUR_SHIFT


@internal
@pure
def _offset(slot: uint256) -> uint256:
    return unsafe_mul(slot & 3, 24)
