# pragma version 0.4.3
# pragma optimize gas
"""
@title Layout of positions
@license AGPL-3.0-only
@notice One storage word holds what a site traded, and later delivered, in the four slots of an hour.
@dev Word: hour 24 bits (232..255) | four cells of 58 bits, slot s of the hour at bit 58 * s.
     Cell: state 2 bits (0 open, 1 settled), then
       open     net_wh int22 (bits 34..55) | net_value int34
       settled  outcome 8 (bits 48..55) | imported 24 | exported 24
"""

RING: constant(uint256) = 1024  # hours: horizon (168) + report timeout (168) + at least 28 days to mint certificates
CELL_BITS: constant(uint256) = 58
MASK_CELL: constant(uint256) = 2**58 - 1
MASK_WH: constant(uint256) = 2**24 - 1
SETTLED: constant(uint256) = 1 << 56
ALL_SETTLED: constant(uint256) = SETTLED | (SETTLED << 58) | (SETTLED << 116) | (SETTLED << 174)
MAX_NET_WH: constant(int256) = 2**21 - 1  # 8.4 MW for a quarter of an hour
MAX_NET_VALUE: constant(int256) = 2**33 - 1  # 859 NET8 in one slot
MAX_VALUE: constant(uint256) = 2**33 - 1

# Outcomes of a settled cell.
METERED: constant(uint256) = 1
NO_READING: constant(uint256) = 2
AS_TRADED: constant(uint256) = 3

# State and outcome of all four cells, and their value when a meter settled every one.
ALL_STATES: constant(uint256) = (1023 << 48) | (1023 << 106) | (1023 << 164) | (1023 << 222)
ALL_METERED: constant(uint256) = ALL_SETTLED | (METERED << 48) | (METERED << 106) | (METERED << 164) | (METERED << 222)


@internal
@pure
def _key(site: uint256, hour: uint256) -> uint256:
    return (site << 10) | (hour & (RING - 1))


@internal
@pure
def _offset(slot: uint256) -> uint256:
    return unsafe_mul(slot & 3, CELL_BITS)


@internal
@pure
def _net_wh(cell: uint256) -> int256:
    """
    @notice Sign-extended 22 bits above the value.
    """
    return convert(convert(cell << 200, bytes32), int256) >> 234


@internal
@pure
def _net_value(cell: uint256) -> int256:
    """
    @notice Sign-extended low 34 bits.
    """
    return convert(convert(cell << 222, bytes32), int256) >> 222


@internal
@pure
def _fits(net_wh: int256, net_value: int256) -> bool:
    return (
        net_wh <= MAX_NET_WH and net_wh >= -MAX_NET_WH and net_value <= MAX_NET_VALUE and net_value >= -MAX_NET_VALUE
    )


@internal
@pure
def _open_cell(net_wh: int256, net_value: int256) -> uint256:
    """
    @notice Cell of an open position that fits.
    """
    wh_bits: uint256 = convert(convert(net_wh, bytes32), uint256) & (2**22 - 1)
    value_bits: uint256 = convert(convert(net_value, bytes32), uint256) & (2**34 - 1)
    return (wh_bits << 34) | value_bits


@internal
@pure
def _first_cell(sell: bool, wh: uint256, paid: uint256) -> uint256:
    """
    @notice Cell of a single trade of `wh` Wh for `paid` grains, neither of them zero, that fits.
    """
    if sell:
        return (wh << 34) | paid
    return (unsafe_sub(2**22, wh) << 34) | unsafe_sub(2**34, paid)


@internal
@pure
def _settled_cell(outcome: uint256, exported: uint256, imported: uint256) -> uint256:
    return SETTLED | (outcome << 48) | (imported << 24) | exported


@internal
@pure
def _production(word: uint256, minted: uint256) -> uint256:
    """
    @notice What meters showed as exported in an hour, for certificates.
    @param minted Mask of the slots to leave out in its lowest four bits; the others mean nothing.
    @return Wh << 4 | mask of the metered slots they were exported in.
    """
    if word & ALL_STATES == ALL_METERED and minted & 15 == 0:
        return (
            unsafe_add(
                unsafe_add(word & MASK_WH, (word >> 58) & MASK_WH),
                unsafe_add((word >> 116) & MASK_WH, (word >> 174) & MASK_WH),
            )
            << 4
        ) | 15
    wh: uint256 = 0
    slots: uint256 = 0
    for s: uint256 in range(4):
        cell: uint256 = (word >> unsafe_mul(s, CELL_BITS)) & MASK_CELL
        if self._is_metered(cell) and (minted >> s) & 1 == 0:
            wh = unsafe_add(wh, cell & MASK_WH)
            slots |= 1 << s
    return (wh << 4) | slots


@internal
@pure
def _imported(word: uint256, slot: uint256) -> uint256:
    """
    @notice What a meter showed as imported in a slot, as far as it was bought, in Wh.
    """
    cell: uint256 = (word >> self._offset(slot)) & MASK_CELL
    return (cell >> 24) & MASK_WH if self._is_metered(cell) else 0


@internal
@pure
def _is_metered(cell: uint256) -> bool:
    return cell >> 48 == (SETTLED >> 48) | METERED
