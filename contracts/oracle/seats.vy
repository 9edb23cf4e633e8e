# pragma version 0.4.3
# pragma optimize gas
# pragma nonreentrancy on
"""
@title Seats of zones
@license AGPL-3.0-only
@notice Which operators may sign for a zone, and with which keys.
@dev A seat is one word: operator id above the 160 bits of his signer, or of nothing while he is muted. All seats of a
     zone stand in its panel's list as well, and whoever changes a seat pays for writing that anew.
     A muted operator's seat still counts: he is one of the f that a zone of 3f + 1 bears, so muting him never makes a
     quorum easier.
"""

from snekmate.auth import ownable
from ..interfaces import IGridRegistry
from . import messages
from . import operators
from . import panels
from . import rewards

uses: ownable
uses: operators
uses: panels
uses: rewards

# @dev The smallest n = 3f + 1 that bears one dishonest operator.
MIN_OPERATORS: public(constant(uint256)) = 4

# @dev Zones that one operator serves at most: all of them have to fit into the transaction that changes his key.
MAX_ZONES: public(constant(uint256)) = 16

# @dev Seconds for which a replaced key may still count: reports that were signed before are in by then.
MAX_OVERLAP: public(constant(uint256)) = 86_400

ID_SHIFT: constant(uint256) = 160
SIGNER_MASK: constant(uint256) = 2**160 - 1


event Admitted:
    zone: indexed(uint256)
    id: indexed(uint256)


event Removed:
    zone: indexed(uint256)
    id: indexed(uint256)


event Replaced:
    zone: indexed(uint256)
    id: indexed(uint256)
    by: indexed(uint256)


event Muted:
    zone: indexed(uint256)
    id: indexed(uint256)


event Restored:
    zone: indexed(uint256)
    id: indexed(uint256)


event SignerRotated:
    id: indexed(uint256)
    signer: indexed(address)
    before: indexed(address)
    until: uint256  # unix time until which the replaced key still counts in reports


# @dev zone -> its seats.
seats: HashMap[uint256, uint256[messages.MAX_OPERATORS]]

# @dev zone -> id -> seat index + 1, 0 when not seated.
seat_of: HashMap[uint256, HashMap[uint256, uint256]]

# @dev zone -> id -> unix time at which he lost his seat, 0 for who never did.
left_at: HashMap[uint256, HashMap[uint256, uint256]]

# @dev id -> zones he sits in.
zones_of: HashMap[uint256, DynArray[uint256, MAX_ZONES]]


@deploy
def __init__():
    pass


@external
def admit(zone: uint256, id: uint256):
    """
    @notice Gives an operator a seat in a zone. Owner of the contract alone.
    @dev Invariant 2. The seat is the next free index, which is his bit in the bitmap of a report.
    """
    ownable._check_owner()
    assert staticcall IGridRegistry(rewards.grid).zone_operator(zone) != empty(address), "zone: unknown"
    count: uint256 = panels._count(zone)
    assert count < messages.MAX_OPERATORS, "zone: full"
    self._share(zone)
    self._sit(zone, id, count)
    self._list(zone, count + 1)
    panels._remember(zone)
    log Admitted(zone=zone, id=id)


@external
def remove(zone: uint256, id: uint256):
    """
    @notice Takes an operator's seat away. Owner of the contract, or the operator's own owner key.
    @dev Invariants 2 and 4. The operator in the last seat moves into the freed one, so that seats stay consecutive:
         bitmaps made for the old seats no longer fit, and the signatures have to be put in the new order.
    """
    if msg.sender != operators.operators[id].owner:
        ownable._check_owner()
    seat: uint256 = self.seat_of[zone][id]
    assert seat != 0, "operator: not admitted"
    last: uint256 = panels._count(zone)
    assert last != MIN_OPERATORS, "zone: too few operators"
    self._share(zone)
    if seat != last:
        moved: uint256 = self.seats[zone][last - 1]
        self.seats[zone][seat - 1] = moved
        self.seat_of[zone][moved >> ID_SHIFT] = seat
    self.seats[zone][last - 1] = 0
    self._rise(zone, id)
    self._list(zone, last - 1)
    panels._remember(zone)
    log Removed(zone=zone, id=id)


@external
def replace(zone: uint256, id: uint256, by: uint256):
    """
    @notice Gives an operator's seat to another, so that a zone of four can part with one. Owner of the contract alone.
    @dev Invariants 2 and 4.
    """
    ownable._check_owner()
    seat: uint256 = self.seat_of[zone][id]
    assert seat != 0, "operator: not admitted"
    self._share(zone)
    self._rise(zone, id)
    self._sit(zone, by, seat - 1)
    self._list(zone, panels._count(zone))
    panels._remember(zone)
    log Replaced(zone=zone, id=id, by=by)


@external
def mute(zone: uint256, id: uint256):
    """
    @notice Ends that an operator who has lost more than half of the least stake can sign for a zone. Anyone.
    """
    seat: uint256 = self.seat_of[zone][id]
    assert seat != 0, "operator: not admitted"
    assert 2 * operators.operators[id].stake < operators.min_stake, "operator: has enough at stake"
    assert self.seats[zone][seat - 1] & SIGNER_MASK != 0, "operator: is muted"
    self._write_signer(zone, id, empty(address))
    log Muted(zone=zone, id=id)


@external
def restore(zone: uint256, id: uint256):
    """
    @notice Lets a muted operator sign again who has the least stake again. Anyone.
    """
    seat: uint256 = self.seat_of[zone][id]
    assert seat != 0, "operator: not admitted"
    assert operators.operators[id].stake >= operators.min_stake, "stake: too low"
    assert self.seats[zone][seat - 1] & SIGNER_MASK == 0, "operator: is not muted"
    self._write_signer(zone, id, operators.operators[id].signer)
    log Restored(zone=zone, id=id)


@external
def rotate_signer(id: uint256, signer: address, overlap: uint256):
    """
    @notice Replaces an operator's signer key in all his zones at once. His owner key alone.
    @dev Invariant 7. Reports signed before with the old key count for the time given, so rotating leaves no gap. Both
         keys stand for the same operator in proofs: two machines of his may never sign at the same time.
    @param signer A key that no operator has used before.
    @param overlap Seconds for which the old key still counts, up to a day; 0 for a key that is in wrong hands.
    """
    operators._check_owner(id)
    operators._check_new_signer(signer)
    assert overlap <= MAX_OVERLAP, "operator: overlap too long"
    before: address = operators.operators[id].signer
    operators.operators[id].signer = signer
    operators.operator_of_signer[signer] = id
    operators.retired_until[before] = block.timestamp + overlap
    for zone: uint256 in self.zones_of[id]:
        if self.seats[zone][self.seat_of[zone][id] - 1] & SIGNER_MASK != 0:
            self._write_signer(zone, id, signer)
    log SignerRotated(id=id, signer=signer, before=before, until=block.timestamp + overlap)


@external
def share_rewards(zone: uint256) -> uint256:
    """
    @notice Shares the oracle fees of a zone among those who signed its reports since the last time. Anyone.
    @dev Invariant 9.
    @return Wei shared.
    """
    shared: uint256 = self._share(zone)
    assert shared != 0, "reward: nothing to share"
    return shared


# ------------------------------------------------------------------
#                              views
# ------------------------------------------------------------------


@external
@view
def zone_operators(zone: uint256) -> DynArray[uint256, messages.MAX_OPERATORS]:
    """
    @notice Ids of the zone's operators, in the order of their seats.
    """
    return self._ids(zone)


@external
@view
def zone_operators_at(zone: uint256, time: uint256) -> DynArray[uint256, messages.MAX_OPERATORS]:
    """
    @notice Ids of the operators who sat in a zone at a unix time, in the order of their seats; of a second in which seats
            changed, those after it.
    """
    ids: DynArray[uint256, messages.MAX_OPERATORS] = []
    panel: uint256 = panels._panel_at(zone, time)
    if panel == 0:
        return ids
    listed: Bytes[32 * messages.MAX_OPERATORS] = slice(panels._list_of(panel).code, 1, 32 * messages.MAX_OPERATORS)
    for seat: uint256 in range(panel >> panels.COUNT_SHIFT, bound=messages.MAX_OPERATORS):
        ids.append(extract32(listed, 32 * seat, output_type=uint256) >> ID_SHIFT)
    return ids


@external
@view
def zone_signers(zone: uint256) -> DynArray[address, messages.MAX_OPERATORS]:
    """
    @notice Signer keys of the zone's operators, in the order of their seats; the zero address for one who is muted.
    """
    signers: DynArray[address, messages.MAX_OPERATORS] = []
    for seat: uint256 in range(panels._count(zone), bound=messages.MAX_OPERATORS):
        signers.append(convert(self.seats[zone][seat] & SIGNER_MASK, address))
    return signers


@external
@view
def operator_zones(id: uint256) -> DynArray[uint256, MAX_ZONES]:
    """
    @notice Zones in which an operator has a seat.
    """
    return self.zones_of[id]


@external
@view
def is_seated(zone: uint256, id: uint256) -> bool:
    """
    @notice Whether an operator has a seat in a zone, muted or not.
    """
    return self.seat_of[zone][id] != 0


@external
@view
def seated_until(zone: uint256, id: uint256) -> uint256:
    """
    @notice Unix time until which an operator had a seat in a zone: now for who has one, 0 for who never had.
    """
    return block.timestamp if self.seat_of[zone][id] != 0 else self.left_at[zone][id]


@external
@view
def quorum(zone: uint256) -> uint256:
    """
    @notice How many signatures a report of the zone needs now. Refused while the zone has fewer than four operators.
    """
    return self._quorum(panels._count(zone))


# ------------------------------------------------------------------
#                             internal
# ------------------------------------------------------------------


@internal
@pure
def _quorum(count: uint256) -> uint256:
    """
    @dev Invariant 3.
    """
    assert count >= MIN_OPERATORS, "zone: too few operators"
    return unsafe_add(unsafe_div(unsafe_mul(2, count), 3), 1)


@internal
@view
def _ids(zone: uint256) -> DynArray[uint256, messages.MAX_OPERATORS]:
    ids: DynArray[uint256, messages.MAX_OPERATORS] = []
    for seat: uint256 in range(panels._count(zone), bound=messages.MAX_OPERATORS):
        ids.append(self.seats[zone][seat] >> ID_SHIFT)
    return ids


@internal
def _share(zone: uint256) -> uint256:
    return rewards._share(zone, self._ids(zone))


@internal
def _sit(zone: uint256, id: uint256, seat: uint256):
    """
    @notice Puts an operator into a seat that is free.
    """
    operator: operators.Operator = operators.operators[id]
    assert operator.owner != empty(address), "operator: unknown"
    assert operator.unbonding_at == 0, "stake: unbonding"
    assert operator.stake >= operators.min_stake, "stake: too low"
    assert operator.zones < MAX_ZONES, "operator: in too many zones"
    assert self.seat_of[zone][id] == 0, "operator: already admitted"
    self.seats[zone][seat] = id << ID_SHIFT | convert(operator.signer, uint256)
    self.seat_of[zone][id] = seat + 1
    self.zones_of[id].append(zone)
    operators._note_seat(id)


@internal
def _rise(zone: uint256, id: uint256):
    """
    @notice Takes an operator out of the records of a zone; the seat itself is the caller's to fill or drop.
    """
    self.seat_of[zone][id] = 0
    self.left_at[zone][id] = block.timestamp
    left: DynArray[uint256, MAX_ZONES] = []
    for other: uint256 in self.zones_of[id]:
        if other != zone:
            left.append(other)
    self.zones_of[id] = left
    operators._note_seat_lost(id)


@internal
def _mute_everywhere(id: uint256):
    """
    @notice Mutes an operator in all his zones.
    """
    for zone: uint256 in self.zones_of[id]:
        if self.seats[zone][self.seat_of[zone][id] - 1] & SIGNER_MASK != 0:
            self._write_signer(zone, id, empty(address))
            log Muted(zone=zone, id=id)


@internal
def _write_signer(zone: uint256, id: uint256, signer: address):
    self.seats[zone][self.seat_of[zone][id] - 1] = id << ID_SHIFT | convert(signer, uint256)
    self._list(zone, panels._count(zone))


@internal
def _list(zone: uint256, count: uint256):
    """
    @notice Writes the list of a zone's seats that reports are checked against.
    """
    panels._write_list(zone, count, self.seats[zone])
