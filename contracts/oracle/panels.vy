# pragma version 0.4.3
# pragma optimize gas
# pragma nonreentrancy on
"""
@title Panels
@license AGPL-3.0-only
@notice What a report asks of a zone and notes there, in one storage word.
@dev Word: seats 5 bits (251..255) | number of the list 34 bits (217..250) | reports signed, 7 bits for each of 31 seats.
     The list holds a word for each seat and is the code of a data contract: a report reads all signers for the price of
     one and a half storage words. This contract creates nothing but lists, so the number of one, counted from 1, is the
     nonce it was created with, and tells where it is.
"""

from snekmate.utils import create
from . import messages

COUNT_SHIFT: constant(uint256) = 251
LIST_SHIFT: constant(uint256) = 217
MASK_LIST: constant(uint256) = 2**34 - 1
TIME_SHIFT: constant(uint256) = 39  # of what a zone's history says of a change

# Reports signed by the operator in seat i, from bit 7 * i.
COUNTER_BITS: constant(uint256) = 7
COUNTER: constant(uint256) = 2**7 - 1
COUNTERS: constant(uint256) = 2**217 - 1
HALVED: constant(uint256) = COUNTERS // COUNTER * (COUNTER // 2)  # the lower six bits of each counter

# @dev Code that returns what follows it as the code of a new contract; the zero byte in front keeps that from running.
DATA_CONTRACT: constant(Bytes[12]) = x"600b5981380380925939f300"

# @dev zone -> its panel.
panels: HashMap[uint256, uint256]

# @dev How many lists were written.
lists: uint256

# @dev zone -> how often its operators changed, and change, from 1 -> unix time of it (above) | seats 5 | list 34.
changes: HashMap[uint256, uint256]
history: HashMap[uint256, HashMap[uint256, uint256]]


@deploy
def __init__():
    pass


@internal
@view
def _count(zone: uint256) -> uint256:
    """
    @notice How many seats a zone has.
    """
    return self.panels[zone] >> COUNT_SHIFT


@internal
@view
def _list_of(panel: uint256) -> address:
    """
    @notice The contract whose code, behind a first byte, is the list of a panel.
    """
    return create._compute_create_address_self((panel >> LIST_SHIFT) & MASK_LIST)


@internal
def _write_list(zone: uint256, count: uint256, seats: uint256[messages.MAX_OPERATORS]):
    """
    @notice Writes the list of a zone's seats that reports are checked against.
    """
    self.lists += 1
    panel: uint256 = (count << COUNT_SHIFT) | (self.lists << LIST_SHIFT) | (self.panels[zone] & COUNTERS)
    assert raw_create(concat(DATA_CONTRACT, abi_encode(seats))) == self._list_of(panel), UNREACHABLE
    self.panels[zone] = panel


@internal
def _remember(zone: uint256):
    """
    @notice Notes that a zone has other operators from now on, so that what they had to do before stays theirs.
    """
    change: uint256 = self.changes[zone] + 1
    self.changes[zone] = change
    self.history[zone][change] = (block.timestamp << TIME_SHIFT) | (self.panels[zone] >> LIST_SHIFT)


@internal
@view
def _panel_at(zone: uint256, time: uint256) -> uint256:
    """
    @notice Seats and list of a zone as they were at a unix time, after a change in that second; 0 where it had none yet.
    @dev By bisection: whoever could change seats often could not make it long.
    """
    least: uint256 = 0  # changes that were made by then
    most: uint256 = self.changes[zone]
    for i: uint256 in range(256):
        if least == most:
            break
        middle: uint256 = (least + most + 1) // 2
        if self.history[zone][middle] >> TIME_SHIFT <= time:
            least = middle
        else:
            most = middle - 1
    return self.history[zone][least] << LIST_SHIFT


@internal
def _note(zone: uint256, panel: uint256, signed: uint256):
    """
    @notice Notes who signed a report. When a counter has reached its half, all are halved first, so that none runs into
            the next and proportions nearly stay: old reports fade, of an odd count a half is lost.
    @param panel The zone's, as it is.
    @param signed A one in the counter of each seat that signed.
    """
    noted: uint256 = panel
    if panel & (signed << (COUNTER_BITS - 1)) != 0:
        noted = (panel & ~COUNTERS) | ((panel >> 1) & HALVED)
    self.panels[zone] = unsafe_add(noted, signed)


@internal
@view
def _counters(zone: uint256) -> uint256:
    """
    @notice Reports that each seat signed since rewards were last shared.
    """
    return self.panels[zone] & COUNTERS


@internal
def _clear(zone: uint256):
    """
    @notice Begins to count anew.
    """
    self.panels[zone] &= ~COUNTERS
