# pragma version 0.4.3
# pragma optimize gas
# pragma nonreentrancy on
"""
@title Reserve: what stands behind NET8
@license AGPL-3.0-only
@notice Creates NET8 against a euro stablecoin at the nominal price and takes it back at the nominal
        price times min(1, coverage). It has no owner and no fee: its terms are fixed when it is deployed.
@dev Units: euros are counted in the stablecoin's smallest unit (10^-6 euro with 6 decimals), NET8 in wei.
     Invariants:
     1. NET8 is created only after its euros have arrived, and euros leave only after their NET8 is destroyed.
     2. Every division rounds in favour of the Reserve: minting and redeeming never lower the euros held per
        NET8 in existence, except down to nominal where a surplus is shared with newly minted NET8.
     3. `euros_held` changes only by what the Reserve's own functions moved. A gift sent past them does not count,
        so nobody can bend the price of a redemption by sending euros.
     4. `euros_held` is at most what the Reserve really has, unless the stablecoin itself took euros away;
        then anyone may have the loss recognised, and all holders bear it alike instead of the last ones alone.
"""

from ethereum.ercs import IERC20
from ethereum.ercs import IERC20Detailed
from .interfaces import INET8


# @dev Wei in one NET8.
ONE_NET8: constant(uint256) = 10**18


# @dev Coverage is given in millionths: fine enough to show, and an integer.
FULL_COVERAGE: constant(uint256) = 1_000_000


# @dev The nominal price must lie between a cent and 1,000 euros per NET8, that is between 0.1 cent and 100 euros
# per kWh. No grid is outside, and a price given in the wrong decimals is: it could never be mended later.
LEAST_CENTS: constant(uint256) = 1
MOST_CENTS: constant(uint256) = 100_000


# @dev The token this Reserve creates and destroys.
net8: public(immutable(address))


# @dev The stablecoin that backs it.
euro: public(immutable(address))


# @dev Nominal price: smallest euro units per NET8.
price: public(immutable(uint256))


struct Backing:
    euros: uint256  # euro units held
    supply: uint256  # NET8 in existence, wei
    owed: uint256  # euro units that the whole supply is worth at the nominal price, rounded up
    coverage: uint256  # min(1, euros / owed) in millionths, rounded down; 1_000_000 is full


# @dev Euro units that back NET8.
euros_held: public(uint256)


event Minted:
    payer: indexed(address)
    receiver: indexed(address)
    euros: uint256
    net8: uint256


event Redeemed:
    holder: indexed(address)
    receiver: indexed(address)
    net8: uint256
    euros: uint256


event BackingAdded:
    giver: indexed(address)
    euros: uint256


event LossRecognised:
    euros: uint256


@deploy
def __init__(net8_: address, euro_: address, price_: uint256):
    """
    @param net8_ The NET8 token, whose minter this contract becomes afterwards.
    @param euro_ A euro stablecoin with 2 to 18 decimals.
    @param price_ Nominal price: smallest euro units per NET8 (3_000_000 is 3 euros of a stablecoin with 6 decimals).
    """
    assert net8_.is_contract, "reserve: net8 not a contract"
    assert euro_.is_contract, "reserve: euro not a contract"
    decimals: uint256 = convert(staticcall IERC20Detailed(euro_).decimals(), uint256)
    assert 2 <= decimals and decimals <= 18, "reserve: euro decimals"
    cent: uint256 = 10**(decimals - 2)
    assert LEAST_CENTS * cent <= price_ and price_ <= MOST_CENTS * cent, "reserve: price out of bounds"
    net8 = net8_
    euro = euro_
    price = price_


@external
def mint(euros: uint256, receiver: address) -> uint256:
    """
    @notice Pays euros in and creates NET8 at the nominal price. Needs an allowance on the euro.
    @dev Invariants 1, 2 and 3.
    @param euros Euro units to pay in.
    @param receiver Who gets the NET8.
    @return Wei of NET8 created.
    """
    self._check_receiver(receiver)
    created: uint256 = self._net8_for(euros)
    assert created != 0, "mint: too little"
    self._take(euros)
    extcall INET8(net8).mint(receiver, created)
    log Minted(payer=msg.sender, receiver=receiver, euros=euros, net8=created)
    return created


@external
def redeem(net8_wei: uint256, receiver: address) -> uint256:
    """
    @notice Destroys the caller's NET8 and pays nominal x min(1, coverage). Needs an allowance on NET8.
    @dev Invariants 1 and 2.
    @param net8_wei Wei of NET8 to give back.
    @param receiver Who gets the euros.
    @return Euro units paid.
    """
    self._check_receiver(receiver)
    euros: uint256 = self._euros_for(net8_wei)
    assert euros != 0, "redeem: too little"
    extcall INET8(net8).burn_from(msg.sender, net8_wei)
    self.euros_held -= euros
    assert extcall IERC20(euro).transfer(receiver, euros, default_return_value=True), "redeem: euro refused"
    log Redeemed(holder=msg.sender, receiver=receiver, net8=net8_wei, euros=euros)
    return euros


@external
def add_backing(euros: uint256):
    """
    @notice Gives euros to the Reserve for nothing, so that every NET8 is better covered.
    @dev Invariant 3.
    @param euros Euro units to give.
    """
    assert euros != 0, "backing: nothing given"
    self._take(euros)
    log BackingAdded(giver=msg.sender, euros=euros)


@external
def recognise_loss() -> uint256:
    """
    @notice Takes note that the stablecoin took euros of the Reserve away. Anyone may call it.
    @dev Invariant 4. Nobody but the stablecoin can lower the Reserve's balance below what is held.
    @return Euro units lost.
    """
    present: uint256 = staticcall IERC20(euro).balanceOf(self)
    assert present < self.euros_held, "backing: no loss"
    lost: uint256 = self.euros_held - present
    self.euros_held = present
    log LossRecognised(euros=lost)
    return lost


@external
@view
def backing() -> Backing:
    """
    @notice The proof of backing in one call: what is held, what exists, what that is worth, and the coverage.
    """
    supply: uint256 = staticcall INET8(net8).totalSupply()
    owed: uint256 = (supply * price + ONE_NET8 - 1) // ONE_NET8
    coverage: uint256 = FULL_COVERAGE
    if self.euros_held < owed:
        coverage = self.euros_held * FULL_COVERAGE // owed
    return Backing(euros=self.euros_held, supply=supply, owed=owed, coverage=coverage)


@external
@view
def net8_for(euros: uint256) -> uint256:
    """
    @notice Wei of NET8 that `mint` would create now for so many euro units.
    """
    return self._net8_for(euros)


@external
@view
def euros_for(net8_wei: uint256) -> uint256:
    """
    @notice Euro units that `redeem` would pay now for so many wei of NET8.
    """
    return self._euros_for(net8_wei)


@internal
@view
def _net8_for(euros: uint256) -> uint256:
    """
    @dev Rounded down: whoever mints pays at least the nominal price.
    """
    return euros * ONE_NET8 // price


@internal
@view
def _euros_for(net8_wei: uint256) -> uint256:
    """
    @dev min(nominal, share of what is held), each rounded down. The share is the lower of the two exactly when
         coverage is below 1, and floor(min(a, b)) = min(floor(a), floor(b)): coverage itself is never rounded.
    """
    supply: uint256 = staticcall INET8(net8).totalSupply()
    if supply == 0:
        return 0
    return min(net8_wei * price // ONE_NET8, net8_wei * self.euros_held // supply)


@internal
def _take(euros: uint256):
    """
    @notice Pulls euros from the caller and counts them as held.
    @dev What arrived is measured, because a stablecoin may keep a fee or say yes without moving anything. The lock
         on every function here keeps anything else from happening between the two measurements.
    """
    before: uint256 = staticcall IERC20(euro).balanceOf(self)
    assert extcall IERC20(euro).transferFrom(msg.sender, self, euros, default_return_value=True), "euro: refused"
    assert staticcall IERC20(euro).balanceOf(self) - before >= euros, "euro: not all arrived"
    self.euros_held += euros


@internal
@view
def _check_receiver(receiver: address):
    """
    @dev What is sent to the Reserve itself or to nobody would be lost.
    """
    assert receiver != empty(address) and receiver != self, "reserve: bad receiver"
