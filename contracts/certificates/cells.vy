# pragma version 0.4.3
# pragma optimize gas
"""
@title Layout of certificates
@license AGPL-3.0-only
@notice Eight consecutive hours of a site, an octet (unix time / 28,800), share one storage word.
@dev Id:   site << 32 | hour, the hour being unix time / 3600.
     Word: lap 16 bits (240..255) | eight cells of 30 bits, hour h at bit 30 * (h mod 8).
     Words lie in a ring of 2048 octets, 682 days. An octet that comes round again finds the word of the lap before, and
     everything in it has expired (after 547 days): from the second lap on a write costs 5,000 gas instead of 22,100.
     A cell never overflows: a metered slot has 24 bits of Wh, so an hour of four has 26.
"""

HOUR_BITS: constant(uint256) = 32
CELL_BITS: constant(uint256) = 30
MASK_CELL: constant(uint256) = 2**30 - 1
LAP_SHIFT: constant(uint256) = 240
MASK_CELLS: constant(uint256) = 2**240 - 1
OCTET: constant(uint256) = 8  # hours: as many cells as fit into a word
RING: constant(uint256) = 2048  # octets: longer than the life of a certificate, the window to mint it in included
LIFE: constant(uint256) = 13_140  # hours: 18 months, when an unused guarantee of origin expires (RED II, Article 19)


@internal
@pure
def _id(site: uint256, hour: uint256) -> uint256:
    return (site << HOUR_BITS) | hour


@internal
@pure
def _site(id: uint256) -> uint256:
    return id >> HOUR_BITS


@internal
@pure
def _hour(id: uint256) -> uint256:
    return id & (2**HOUR_BITS - 1)


@internal
@pure
def _offset(hour: uint256) -> uint256:
    """
    @notice Bit at which an hour's cell begins.
    """
    return unsafe_mul(hour & 7, CELL_BITS)


@internal
@pure
def _lap(hour: uint256) -> uint256:
    return hour >> 14


@internal
@pure
def _place(site: uint256, hour: uint256) -> uint256:
    """
    @notice Where in its ring the word of an hour lies: site << 11 | octet mod 2048.
    """
    return (site << 11) | ((hour >> 3) & (RING - 1))


@internal
@pure
def _first_hour(word: uint256, place: uint256) -> uint256:
    """
    @notice First hour of the octet a word belongs to.
    """
    return ((word >> LAP_SHIFT) << 14) | ((place & (RING - 1)) << 3)


@internal
@pure
def _cell(word: uint256, hour: uint256) -> uint256:
    """
    @notice Cell of an hour; zero when the word is of another lap.
    """
    if word >> LAP_SHIFT != self._lap(hour):
        return 0
    return (word >> self._offset(hour)) & MASK_CELL


@internal
@pure
def _in_lap(word: uint256, hour: uint256) -> uint256:
    """
    @notice The word to add an hour's cell to: a word of an earlier lap starts anew.
    """
    lap: uint256 = self._lap(hour)
    return word if word >> LAP_SHIFT == lap else lap << LAP_SHIFT


@internal
@pure
def _expires_at(hour: uint256) -> uint256:
    """
    @notice Unix time from which the certificates of an hour can no longer be passed on or retired.
    """
    return unsafe_mul(unsafe_add(hour, LIFE + 1), 3600)
