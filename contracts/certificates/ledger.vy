# pragma version 0.4.3
# pragma optimize gas
# pragma nonreentrancy on
"""
@title Ledger of certificates
@license AGPL-3.0-only
@notice What became of every Wh: issued, retired, expired; what is none of the last two is held.
@dev By id, in the rings of `cells`, kept until the site's same octet comes round again 682 days later; and by zone and
     technology, kept for ever.
     An issue cell carries its slots beside its energy: Wh 26 bits (4..29) | minted slots 4 bits, bit i for slot i.
     Totals word: expired 64 bits (128..191) | retired 64 | issued 64. 2**64 Wh is what the world uses in six centuries.
"""

from . import cells

SLOT_BITS: constant(uint256) = 4
MASK_SLOTS: constant(uint256) = 15
MASK_TOTAL: constant(uint256) = 2**64 - 1
RETIRED_SHIFT: constant(uint256) = 64
EXPIRED_SHIFT: constant(uint256) = 128
MAX_TECHNOLOGY: constant(uint256) = 6
MAX_ZONES: constant(uint256) = 256  # added up in one view: about a million gas


struct Totals:
    issued: uint256  # Wh ever minted = held + retired + expired
    held: uint256  # Wh in anybody's balance
    retired: uint256  # Wh
    expired: uint256  # Wh taken out of balances after their expiry


_issues: HashMap[uint256, uint256]  # place -> issue cells
_retired: HashMap[uint256, uint256]  # place -> Wh retired of each hour
_expired: HashMap[uint256, uint256]  # place -> Wh expired of each hour
_totals: HashMap[uint256, uint256]  # zone << 8 | technology -> totals word


@deploy
def __init__():
    pass


# ------------------------------------------------------------------
#                              views
# ------------------------------------------------------------------


@external
@view
def totals(zone: uint256, technology: uint256) -> Totals:
    """
    @notice What became of all certificates of a zone's sites of one technology (1 solar to 5 neutrinovoltaic).
    """
    if technology > MAX_TECHNOLOGY:
        return empty(Totals)
    return self._unpack(self._totals[(zone << 8) | technology])


@external
@view
def totals_of_zone(zone: uint256) -> Totals:
    """
    @notice What became of all certificates of a zone.
    """
    total: uint256 = 0
    for technology: uint256 in range(MAX_TECHNOLOGY + 1):
        total += self._totals[(zone << 8) | technology]
    return self._unpack(total)


@external
@view
def totals_of_technology(technology: uint256, first_zone: uint256, count: uint256) -> Totals:
    """
    @notice What became of all certificates of one technology in consecutive zones.
    @param count Zones to add up, at most 256.
    """
    if technology > MAX_TECHNOLOGY:
        return empty(Totals)
    total: uint256 = 0
    for zone: uint256 in range(first_zone, first_zone + count, bound=MAX_ZONES):
        total += self._totals[(zone << 8) | technology]
    return self._unpack(total)


@external
@view
def totals_of(id: uint256) -> Totals:
    """
    @notice What became of all certificates of one id; all zero once its record has given way to a later hour's,
            682 days after production at the earliest.
    """
    return self._of(id)


@external
@view
def minted_mask(site: uint256, hour: uint256) -> uint256:
    """
    @notice Which slots of an hour are minted, those without any export included: bit i is slot i.
    """
    return self._minted_slots(site, hour)


# ------------------------------------------------------------------
#                            internal
# ------------------------------------------------------------------


@internal
@view
def _of(id: uint256) -> Totals:
    hour: uint256 = cells._hour(id)
    place: uint256 = cells._place(cells._site(id), hour)
    issued: uint256 = cells._cell(self._issues[place], hour) >> SLOT_BITS
    if issued == 0:
        return empty(Totals)
    retired: uint256 = cells._cell(self._retired[place], hour)
    expired: uint256 = cells._cell(self._expired[place], hour)
    return Totals(issued=issued, held=issued - retired - expired, retired=retired, expired=expired)


@internal
@view
def _minted_slots(site: uint256, hour: uint256) -> uint256:
    return cells._cell(self._issues[cells._place(site, hour)], hour) & MASK_SLOTS


@internal
@view
def _issue_word(site: uint256, hour: uint256) -> uint256:
    """
    @notice Issue cells of an hour's octet, to be changed and stored.
    """
    return cells._in_lap(self._issues[cells._place(site, hour)], hour)


@internal
def _store_issue_word(site: uint256, hour: uint256, word: uint256):
    self._issues[cells._place(site, hour)] = word


@internal
def _count_issued(site: uint256, technology: uint256, wh: uint256):
    self._totals[self._key(site, technology)] += wh


@internal
def _count_retired(site: uint256, technology: uint256, hour: uint256, wh: uint256):
    """
    @dev Called only for certificates that have not expired: the word is of their lap or of an earlier one.
    """
    place: uint256 = cells._place(site, hour)
    self._retired[place] = cells._in_lap(self._retired[place], hour) + (wh << cells._offset(hour))
    self._totals[self._key(site, technology)] += wh << RETIRED_SHIFT


@internal
def _count_expired(site: uint256, technology: uint256, first_hour: uint256, expired: uint256, wh: uint256):
    """
    @param expired Cells of Wh that expire, of the octet that begins with `first_hour`.
    @param wh Their sum.
    @dev Where a later lap has taken the record, the totals alone remember.
    """
    place: uint256 = cells._place(site, first_hour)
    word: uint256 = self._expired[place]
    if word >> cells.LAP_SHIFT <= cells._lap(first_hour):
        self._expired[place] = cells._in_lap(word, first_hour) + expired
    self._totals[self._key(site, technology)] += wh << EXPIRED_SHIFT


@internal
@pure
def _key(site: uint256, technology: uint256) -> uint256:
    return ((site >> 16) << 8) | technology


@internal
@pure
def _unpack(total: uint256) -> Totals:
    issued: uint256 = total & MASK_TOTAL
    retired: uint256 = (total >> RETIRED_SHIFT) & MASK_TOTAL
    expired: uint256 = total >> EXPIRED_SHIFT
    return Totals(issued=issued, held=issued - retired - expired, retired=retired, expired=expired)
