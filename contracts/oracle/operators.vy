# pragma version 0.4.3
# pragma optimize gas
# pragma nonreentrancy on
"""
@title Operators and their stakes
@license AGPL-3.0-only
@notice Who may be given a seat, what he has at stake, and how the stake leaves: to its owner after unbonding, or to the
        court.
@dev An operator has two keys: the owner key moves the stake, the signer key signs and holds nothing. A signer key stays
     with its operator for ever, so that what it signed can always be held against him.
"""

from ethereum.ercs import IERC20

# @dev Seconds between asking for a stake back and getting it: longer than anything reported can be disputed (10 days
# after its slot), with time left to look.
UNBONDING: public(constant(uint256)) = 14 * 86_400

# @dev Seconds. In one such window all slashing that people vote on or that silence brings, takes at most a third of
# all stakes: with a third gone no zone could count on an honest quorum any more. The rest waits for the next window.
SLASH_WINDOW: public(constant(uint256)) = 7 * 86_400
SLASH_SHARE: constant(uint256) = 3


struct Operator:
    owner: address  # moves the stake
    signer: address  # signs reports
    stake: uint256  # wei of NET8
    zones: uint256  # how many zones he sits in
    unbonding_at: uint256  # unix time at which he asked for his stake back; 0 while he has not
    frozen: uint256  # disputes open against him; the stake stays until there are none


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


event Slashed:
    id: indexed(uint256)
    amount: uint256  # wei


# @dev The token that is staked.
net8: public(immutable(address))

# @dev Wei of NET8 that an operator stakes at least.
min_stake: public(immutable(uint256))

# @dev Operators registered so far; ids run from 1.
operator_count: public(uint256)

# @dev id -> operator.
operators: HashMap[uint256, Operator]

# @dev signer -> id, 0 where there is none. A signer stays with his operator for ever.
operator_of_signer: public(HashMap[address, uint256])

# @dev signer that was replaced -> unix time until which its signatures still count in reports.
retired_until: public(HashMap[address, uint256])

# @dev Wei of all stakes, and of those whose operator sits in a zone.
total_stake: public(uint256)
seated_stake: public(uint256)

# @dev The latest window (unix time // SLASH_WINDOW) in which anything was slashed by vote or for silence, and the wei
# that may still be taken in it.
slash_window: uint256
slash_left: uint256


@deploy
def __init__(net8_: address, min_stake_: uint256):
    """
    @param net8_ The NET8 token.
    @param min_stake_ Wei of NET8 that an operator stakes at least.
    """
    assert net8_.is_contract, "registry: net8 not a contract"
    assert min_stake_ != 0, "registry: no stake asked"
    net8 = net8_
    min_stake = min_stake_


@external
def register(signer: address, amount: uint256) -> uint256:
    """
    @notice Becomes an operator. The caller is the owner key; the stake is pulled from it and needs an allowance.
    @dev Invariants 1 and 2.
    @param signer The key that will sign reports; no operator may have used it before.
    @param amount Wei of NET8 to stake, at least `min_stake`.
    @return The operator's id.
    """
    self._check_new_signer(signer)
    assert amount >= min_stake, "stake: too low"
    id: uint256 = self.operator_count + 1
    self.operator_count = id
    self.operators[id] = Operator(owner=msg.sender, signer=signer, stake=amount, zones=0, unbonding_at=0, frozen=0)
    self.operator_of_signer[signer] = id
    self.total_stake += amount
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
    self.total_stake += amount
    if self.operators[id].zones != 0:
        self.seated_stake += amount
    self._pull(amount)
    log StakeAdded(id=id, payer=msg.sender, amount=amount)


@external
def begin_unbonding(id: uint256):
    """
    @notice Asks for the stake back. It ends the operator's service for good: who returns registers anew.
    @dev Invariant 5.
    """
    self._check_owner(id)
    assert self.operators[id].unbonding_at == 0, "stake: unbonding"
    assert self.operators[id].zones == 0, "stake: seated in a zone"
    self.operators[id].unbonding_at = block.timestamp
    log UnbondingBegun(id=id, ready_at=block.timestamp + UNBONDING)


@external
def withdraw_stake(id: uint256, receiver: address) -> uint256:
    """
    @notice Pays what is left of the stake once unbonding is over and no dispute is open. Until it is paid it can be
            slashed.
    @dev Invariants 1 and 5.
    @return Wei of NET8 paid.
    """
    self._check_owner(id)
    operator: Operator = self.operators[id]
    assert operator.unbonding_at != 0, "stake: still bonded"
    assert block.timestamp >= operator.unbonding_at + UNBONDING, "stake: unbonding"
    assert operator.frozen == 0, "stake: in dispute"
    assert operator.stake != 0, "stake: nothing left"
    self.operators[id].stake = 0
    self.total_stake -= operator.stake
    log StakeWithdrawn(id=id, receiver=receiver, amount=operator.stake)
    self._push(receiver, operator.stake)
    return operator.stake


@external
@view
def operator(id: uint256) -> Operator:
    """
    @notice An operator; all zero when there is none of this id.
    """
    return self.operators[id]


@external
@view
def slashable_now() -> uint256:
    """
    @notice Wei that may still be slashed in the present window other than for equivocation.
    """
    return self.slash_left if self.slash_window == block.timestamp // SLASH_WINDOW else self.total_stake // SLASH_SHARE


# ------------------------------------------------------------------
#                             internal
# ------------------------------------------------------------------


@internal
def _slash_within_window(id: uint256, amount: uint256) -> uint256:
    """
    @notice Takes at most what the window still allows.
    @dev Invariant 8.
    @return Wei taken.
    """
    window: uint256 = block.timestamp // SLASH_WINDOW
    if window != self.slash_window:
        self.slash_window = window
        self.slash_left = self.total_stake // SLASH_SHARE
    taken: uint256 = self._slash(id, min(amount, self.slash_left))
    self.slash_left -= taken
    return taken


@internal
def _slash(id: uint256, amount: uint256) -> uint256:
    """
    @notice Takes from a stake and pays the caller, which is the court.
    @return Wei taken: no more than there is.
    """
    taken: uint256 = min(amount, self.operators[id].stake)
    if taken == 0:
        return 0
    self.operators[id].stake -= taken
    self.total_stake -= taken
    if self.operators[id].zones != 0:
        self.seated_stake -= taken
    log Slashed(id=id, amount=taken)
    self._push(msg.sender, taken)
    return taken


@internal
def _expel(id: uint256):
    """
    @notice Ends an operator's service for good, as if he had asked for his stake back.
    """
    if self.operators[id].unbonding_at == 0:
        self.operators[id].unbonding_at = block.timestamp
        log UnbondingBegun(id=id, ready_at=block.timestamp + UNBONDING)


@internal
def _freeze(id: uint256):
    self.operators[id].frozen += 1


@internal
def _unfreeze(id: uint256):
    self.operators[id].frozen -= 1


@internal
def _note_seat(id: uint256):
    """
    @notice Counts one more zone of an operator.
    """
    if self.operators[id].zones == 0:
        self.seated_stake += self.operators[id].stake
    self.operators[id].zones += 1


@internal
def _note_seat_lost(id: uint256):
    self.operators[id].zones -= 1
    if self.operators[id].zones == 0:
        self.seated_stake -= self.operators[id].stake


@internal
@view
def _check_new_signer(signer: address):
    assert signer != empty(address), "operator: no signer"
    assert self.operator_of_signer[signer] == 0, "operator: signer taken"


@internal
@view
def _check_owner(id: uint256):
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


@internal
def _push(receiver: address, amount: uint256):
    assert receiver != empty(address) and receiver != self, "stake: bad receiver"
    assert extcall IERC20(net8).transfer(receiver, amount), "stake: transfer failed"
