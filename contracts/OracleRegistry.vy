# pragma version 0.4.3
# pragma optimize gas
# pragma nonreentrancy on
"""
@title Oracle registry: who may say what meters showed
@license AGPL-3.0-only
@notice Operators stake NET8 and are admitted to zones. What a quorum of a zone's operators signed is a report, and
        submitting it settles the slots it covers in the same transaction. Anyone may submit.
@dev An operator has two keys: the owner key moves the stake, the signer key signs reports and holds nothing.
     Signatures are compact (EIP-2098) over EIP-712 `Report(uint256 zone,uint256 round,uint256[] entries)`. The round is
     that of the operators' agreement: who changes his view signs in a later round, and nobody honest signs two
     different reports of one slot in the same.
     Invariants:
     1. NET8 held = sum of all stakes, but for gifts sent past the functions here, which count for nothing.
     2. Seats 0 .. n-1 of a zone are filled, each by another operator, and no two operators share a signer:
        distinct seats are distinct signers.
     3. A report needs floor(2n/3) + 1 of the n operators of the zone as they are when it is submitted, and n >= 4:
        with f of n = 3f + 1 dishonest, two reports that contradict each other share an honest signer.
     4. A zone that has reached four operators never falls below four.
     5. Stake leaves only when its operator sits in no zone and `UNBONDING` has passed since he asked.
     6. A report settles every slot at most once: the exchange skips what is settled, and a report that settles
        nothing is refused. So a signature is worthless the second time, in whatever form it is written.
"""

from ethereum.ercs import IERC20
from snekmate.auth import ownable
from snekmate.auth import ownable_2step
from snekmate.utils import eip712_domain_separator
from .interfaces import IEnergyExchange
from .interfaces import IGridRegistry

initializes: ownable
initializes: ownable_2step[ownable := ownable]
initializes: eip712_domain_separator

exports: (
    ownable_2step.owner,
    ownable_2step.pending_owner,
    ownable_2step.transfer_ownership,
    ownable_2step.accept_ownership,
    # @notice `renounce_ownership` is left out: without an owner no zone could replace an operator.
    eip712_domain_separator.eip712Domain,
)


# @dev Seats of a zone. A bitmap of signers fits any size; 31 keeps the largest report (21 signatures, 256 entries)
# within one transaction.
MAX_OPERATORS: constant(uint256) = 31


# @dev The smallest n = 3f + 1 that bears one dishonest operator.
MIN_OPERATORS: public(constant(uint256)) = 4


# @dev Site-hours in one report, as many as the exchange takes in a call.
MAX_ENTRIES: constant(uint256) = 256


# @dev Seconds between asking for a stake back and getting it: longer than a report may be late (7 days), with time
# left to dispute what was reported last.
UNBONDING: public(constant(uint256)) = 14 * 86_400


# @dev A seat is one word: operator id above the 160 bits of his signer.
ID_SHIFT: constant(uint256) = 160
SIGNER_MASK: constant(uint256) = 2**160 - 1


# @dev Code that returns what follows it as the code of a new contract; the zero byte in front keeps that from running.
DATA_CONTRACT: constant(Bytes[12]) = x"600b5981380380925939f300"


# @dev EIP-2098: the top bit of vs is the parity of y, the rest is s.
PARITY_SHIFT: constant(uint256) = 255
S_MASK: constant(uint256) = 2**255 - 1

REPORT_TYPE_HASH: constant(bytes32) = keccak256("Report(uint256 zone,uint256 round,uint256[] entries)")


# @dev The token that is staked.
net8: public(immutable(address))


# @dev Where reports settle.
exchange: public(immutable(address))


# @dev Where zones and sites are registered: what the exchange itself relies on.
grid: public(immutable(address))


# @dev Wei of NET8 that an operator stakes at least.
min_stake: public(immutable(uint256))


struct Operator:
    owner: address  # moves the stake
    signer: address  # signs reports
    stake: uint256  # wei of NET8
    zones: uint256  # how many zones he sits in
    unbonding_at: uint256  # unix time at which he asked for his stake back; 0 while he has not


struct Signature:
    r: bytes32
    vs: bytes32  # parity of y in the top bit, s below (EIP-2098)


# @dev Operators registered so far; ids run from 1.
operator_count: public(uint256)


# @dev id -> operator.
operators: HashMap[uint256, Operator]


# @dev signer -> id, 0 where there is none. A signer stays with his operator for ever.
operator_of_signer: public(HashMap[address, uint256])


# @dev zone -> operators seated.
seat_count: HashMap[uint256, uint256]


# @dev zone -> its seats.
seats: HashMap[uint256, uint256[MAX_OPERATORS]]


# @dev zone -> contract whose code lists its seats, a word each: a report reads all signers for the price of one and a
# half storage words. Written anew whenever a seat changes.
seat_list: HashMap[uint256, address]


# @dev zone -> id -> seat index + 1, 0 when not seated.
seat_of: HashMap[uint256, HashMap[uint256, uint256]]


event OperatorRegistered:
    id: indexed(uint256)
    owner: indexed(address)
    signer: indexed(address)
    stake: uint256


event StakeAdded:
    id: indexed(uint256)
    payer: indexed(address)
    amount: uint256


event UnbondingBegun:
    id: indexed(uint256)
    ready_at: uint256  # unix time from which the stake may be withdrawn


event StakeWithdrawn:
    id: indexed(uint256)
    receiver: indexed(address)
    amount: uint256


event Admitted:
    zone: indexed(uint256)
    id: indexed(uint256)


event Removed:
    zone: indexed(uint256)
    id: indexed(uint256)


event Reported:
    zone: indexed(uint256)
    bitmap: uint256  # bit i: the operator in seat i signed
    entries_hash: bytes32  # keccak256 of the concatenated entries
    settled: uint256  # slots settled by it


@deploy
def __init__(net8_: address, exchange_: address, min_stake_: uint256):
    """
    @param net8_ The NET8 token.
    @param exchange_ The EnergyExchange; it must name this contract its registry afterwards.
    @param min_stake_ Wei of NET8 that an operator stakes at least.
    """
    assert net8_.is_contract, "registry: net8 not a contract"
    assert exchange_.is_contract, "registry: exchange no contract"
    assert min_stake_ != 0, "registry: no stake asked"
    ownable.__init__()
    ownable_2step.__init__()
    eip712_domain_separator.__init__("NET8 OracleRegistry", "1")
    net8 = net8_
    exchange = exchange_
    grid = staticcall IEnergyExchange(exchange_).grid()
    min_stake = min_stake_


# ---------------------------------------------------------------- stake


@external
def register(signer: address, amount: uint256) -> uint256:
    """
    @notice Becomes an operator. The caller is the owner key; the stake is pulled from it and needs an allowance.
    @dev Invariants 1 and 2.
    @param signer The key that will sign reports; no operator may have used it before.
    @param amount Wei of NET8 to stake, at least `min_stake`.
    @return The operator's id.
    """
    assert signer != empty(address), "operator: no signer"
    assert self.operator_of_signer[signer] == 0, "operator: signer taken"
    assert amount >= min_stake, "stake: too low"
    id: uint256 = self.operator_count + 1
    self.operator_count = id
    self.operators[id] = Operator(owner=msg.sender, signer=signer, stake=amount, zones=0, unbonding_at=0)
    self.operator_of_signer[signer] = id
    self._pull(amount)
    log OperatorRegistered(id=id, owner=msg.sender, signer=signer, stake=amount)
    return id


@external
def top_up(id: uint256, amount: uint256):
    """
    @notice Adds to an operator's stake. Anyone may pay; needs an allowance.
    @dev Invariant 1.
    @param amount Wei of NET8.
    """
    assert self.operators[id].owner != empty(address), "operator: unknown"
    assert self.operators[id].unbonding_at == 0, "stake: unbonding"
    assert amount != 0, "stake: nothing added"
    self.operators[id].stake += amount
    self._pull(amount)
    log StakeAdded(id=id, payer=msg.sender, amount=amount)


@external
def begin_unbonding(id: uint256):
    """
    @notice Asks for the stake back. It ends the operator's service for good: who returns registers anew.
    @dev Invariant 5.
    """
    self._check_operator_owner(id)
    assert self.operators[id].unbonding_at == 0, "stake: unbonding"
    assert self.operators[id].zones == 0, "stake: seated in a zone"
    self.operators[id].unbonding_at = block.timestamp
    log UnbondingBegun(id=id, ready_at=block.timestamp + UNBONDING)


@external
def withdraw_stake(id: uint256, receiver: address) -> uint256:
    """
    @notice Pays the whole stake out once unbonding is over.
    @dev Invariants 1 and 5.
    @return Wei of NET8 paid.
    """
    self._check_operator_owner(id)
    operator: Operator = self.operators[id]
    assert operator.unbonding_at != 0, "stake: still bonded"
    assert block.timestamp >= operator.unbonding_at + UNBONDING, "stake: unbonding"
    assert operator.stake != 0, "stake: nothing left"
    assert receiver != empty(address) and receiver != self, "stake: bad receiver"
    self.operators[id].stake = 0
    assert extcall IERC20(net8).transfer(receiver, operator.stake), "stake: transfer failed"
    log StakeWithdrawn(id=id, receiver=receiver, amount=operator.stake)
    return operator.stake


# ---------------------------------------------------------------- seats


@external
def admit(zone: uint256, id: uint256):
    """
    @notice Gives an operator a seat in a zone. Owner of the contract alone.
    @dev Invariant 2. The seat is the next free index, which is his bit in the bitmap of a report.
    """
    ownable._check_owner()
    assert staticcall IGridRegistry(grid).zone_operator(zone) != empty(address), "zone: unknown"
    operator: Operator = self.operators[id]
    assert operator.owner != empty(address), "operator: unknown"
    assert operator.unbonding_at == 0, "stake: unbonding"
    assert self.seat_of[zone][id] == 0, "operator: already admitted"
    count: uint256 = self.seat_count[zone]
    assert count < MAX_OPERATORS, "zone: full"
    self.seats[zone][count] = id << ID_SHIFT | convert(operator.signer, uint256)
    self.seat_of[zone][id] = count + 1
    self.seat_count[zone] = count + 1
    self.operators[id].zones = operator.zones + 1
    self._list_seats(zone)
    log Admitted(zone=zone, id=id)


@external
def remove(zone: uint256, id: uint256):
    """
    @notice Takes an operator's seat away. Owner of the contract alone.
    @dev Invariants 2 and 4. The operator in the last seat moves into the freed one, so that seats stay consecutive:
         bitmaps made for the old seats no longer fit, and the signatures have to be put in the new order.
    """
    ownable._check_owner()
    seat: uint256 = self.seat_of[zone][id]
    assert seat != 0, "operator: not admitted"
    last: uint256 = self.seat_count[zone]
    assert last != MIN_OPERATORS, "zone: too few operators"
    if seat != last:
        moved: uint256 = self.seats[zone][last - 1]
        self.seats[zone][seat - 1] = moved
        self.seat_of[zone][moved >> ID_SHIFT] = seat
    self.seats[zone][last - 1] = 0
    self.seat_of[zone][id] = 0
    self.seat_count[zone] = last - 1
    self.operators[id].zones -= 1
    self._list_seats(zone)
    log Removed(zone=zone, id=id)


# ---------------------------------------------------------------- reports


@external
def report(
    zone: uint256,
    round: uint256,
    entries: Bytes[32 * MAX_ENTRIES],
    bitmap: uint256,
    signatures: DynArray[Signature, MAX_OPERATORS],
) -> uint256:
    """
    @notice Settles what a quorum of the zone's operators signed. Anyone may submit it.
    @dev Invariants 3 and 6.
    @param round Round of the agreement that they signed it in; it bears on the signatures alone.
    @param entries One packed word of 32 bytes per site and hour, as `EnergyExchange.settle` takes them.
    @param bitmap Bit i set: the operator in seat i signed.
    @param signatures One per set bit, in ascending order of seats.
    @return Slots settled.
    """
    count: uint256 = self.seat_count[zone]
    assert len(signatures) >= self._quorum(count), "report: no quorum"
    assert bitmap >> count == 0, "report: bitmap beyond seats"
    assert len(entries) % 32 == 0, "report: torn entry"
    entries_hash: bytes32 = keccak256(entries)
    digest: bytes32 = self._digest(zone, round, entries_hash)
    seats: Bytes[32 * MAX_OPERATORS] = slice(self.seat_list[zone].code, 1, 32 * MAX_OPERATORS)
    used: uint256 = 0
    for seat: uint256 in range(count, bound=MAX_OPERATORS):
        if bitmap >> seat & 1 == 0:
            continue
        assert used < len(signatures), "report: signature missing"
        self._check_signature(digest, signatures[used], extract32(seats, unsafe_mul(seat, 32), output_type=uint256))
        used = unsafe_add(used, 1)
    assert used == len(signatures), "report: surplus signature"
    settled: uint256 = extcall IEnergyExchange(exchange).settle(zone, entries)
    assert settled != 0, "report: settles nothing"
    log Reported(zone=zone, bitmap=bitmap, entries_hash=entries_hash, settled=settled)
    return settled


# ---------------------------------------------------------------- views


@external
@view
def operator(id: uint256) -> Operator:
    """
    @notice An operator; all zero when there is none of this id.
    """
    return self.operators[id]


@external
@view
def zone_operators(zone: uint256) -> DynArray[uint256, MAX_OPERATORS]:
    """
    @notice Ids of the zone's operators, in the order of their seats.
    """
    ids: DynArray[uint256, MAX_OPERATORS] = []
    for seat: uint256 in range(self.seat_count[zone], bound=MAX_OPERATORS):
        ids.append(self.seats[zone][seat] >> ID_SHIFT)
    return ids


@external
@view
def zone_signers(zone: uint256) -> DynArray[address, MAX_OPERATORS]:
    """
    @notice Signer keys of the zone's operators, in the order of their seats.
    """
    signers: DynArray[address, MAX_OPERATORS] = []
    for seat: uint256 in range(self.seat_count[zone], bound=MAX_OPERATORS):
        signers.append(convert(self.seats[zone][seat] & SIGNER_MASK, address))
    return signers


@external
@view
def quorum(zone: uint256) -> uint256:
    """
    @notice How many signatures a report of the zone needs now. Refused while the zone has fewer than four operators.
    """
    return self._quorum(self.seat_count[zone])


@external
@view
def report_digest(zone: uint256, round: uint256, entries: Bytes[32 * MAX_ENTRIES]) -> bytes32:
    """
    @notice What the operators of a zone sign: the EIP-712 hash of a report.
    @dev EIP-712 hashes an array as its elements one after the other, which is what the bytes are.
    """
    return self._digest(zone, round, keccak256(entries))


@external
@view
def DOMAIN_SEPARATOR() -> bytes32:
    """
    @notice EIP-712 domain separator of this contract on this chain.
    """
    return eip712_domain_separator._domain_separator_v4()


# ---------------------------------------------------------------- internal


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
def _digest(zone: uint256, round: uint256, entries_hash: bytes32) -> bytes32:
    """
    @notice EIP-712 hash of a report.
    """
    return eip712_domain_separator._hash_typed_data_v4(
        keccak256(abi_encode(REPORT_TYPE_HASH, zone, round, entries_hash))
    )


@internal
def _list_seats(zone: uint256):
    """
    @notice Writes the list of a zone's seats that reports are checked against.
    """
    self.seat_list[zone] = raw_create(concat(DATA_CONTRACT, abi_encode(self.seats[zone])))


@internal
@view
def _check_signature(digest: bytes32, signature: Signature, seat: uint256):
    """
    @notice Refuses a signature that the signer in this seat did not make.
    @dev A signature that recovers to nothing yields the zero address. No seat has that signer, but the check stands
         on its own so that it never depends on how seats are written.
    """
    vs: uint256 = convert(signature.vs, uint256)
    signer: address = ecrecover(digest, 27 + (vs >> PARITY_SHIFT), convert(signature.r, uint256), vs & S_MASK)
    assert signer != empty(address) and convert(signer, uint256) == seat & SIGNER_MASK, "report: bad signature"


@internal
@view
def _check_operator_owner(id: uint256):
    """
    @dev An unknown operator has the zero address as owner, which calls nothing.
    """
    assert self.operators[id].owner == msg.sender, "operator: not yours"


@internal
def _pull(amount: uint256):
    """
    @dev NET8 moves exactly what it is asked to or reverts, so what was asked is what is counted.
    """
    assert extcall IERC20(net8).transferFrom(msg.sender, self, amount), "stake: transfer failed"
