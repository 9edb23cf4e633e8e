# pragma version 0.4.3
# pragma optimize gas
# pragma nonreentrancy on
"""
@title Rewards
@license AGPL-3.0-only
@notice The exchange's oracle fee of a zone goes to those who sign its reports, in proportion to how many they signed.
@dev A report adds one to the counter of every seat that signed, all by a single storage write to the zone's panel. What
     the fees come to is shared when somebody asks for it, and before a seat changes hands.
"""

from ..interfaces import IEnergyExchange
from ..interfaces import IGridRegistry
from . import operators
from . import panels

uses: operators
uses: panels

GRAIN: constant(uint256) = 10**11  # wei


event RewardsShared:
    zone: indexed(uint256)
    amount: uint256  # wei, what was carried over included
    counts: uint256  # reports that seat i signed, from bit 7 * i


event RewardsClaimed:
    id: indexed(uint256)
    receiver: indexed(address)
    amount: uint256  # wei


# @dev Where the fees are collected, and who lets them out.
exchange: public(immutable(address))
grid: public(immutable(address))

# @dev zone -> wei that did not divide, for the next time.
carried: public(HashMap[uint256, uint256])

# @dev id -> wei earned and not claimed.
earned: public(HashMap[uint256, uint256])


@deploy
def __init__(exchange_: address):
    """
    @param exchange_ The EnergyExchange; it must name this contract its registry afterwards.
    """
    assert exchange_.is_contract, "registry: exchange no contract"
    exchange = exchange_
    grid = staticcall IEnergyExchange(exchange_).grid()


@external
def claim_rewards(id: uint256, receiver: address) -> uint256:
    """
    @notice Pays what an operator has earned. His owner key alone.
    @dev Invariants 1 and 9.
    @return Wei paid.
    """
    operators._check_owner(id)
    amount: uint256 = self.earned[id]
    assert amount != 0, "reward: nothing earned"
    self.earned[id] = 0
    log RewardsClaimed(id=id, receiver=receiver, amount=amount)
    operators._push(receiver, amount)
    return amount


@external
@view
def participation(zone: uint256) -> uint256:
    """
    @notice Reports that each seat of a zone signed since fees were last shared: 7 bits each, those of seat i from bit 7 * i.
    """
    return panels._counters(zone)


@internal
def _share(zone: uint256, seats: DynArray[uint256, 31]) -> uint256:
    """
    @notice Shares the fees of a zone among its seats by the reports they signed, and begins to count anew.
    @param seats Operator id of each seat.
    @return Wei shared.
    """
    counts: uint256 = panels._counters(zone)
    if counts == 0:
        return 0
    pot: uint256 = self.carried[zone]
    if (staticcall IEnergyExchange(exchange).zone_account(zone))[2] != 0:
        pot += extcall IGridRegistry(grid).draw_oracle_fees(zone) * GRAIN
    total: uint256 = 0
    for i: uint256 in range(len(seats), bound=31):
        total += (counts >> (panels.COUNTER_BITS * i)) & panels.COUNTER
    shared: uint256 = 0
    for i: uint256 in range(len(seats), bound=31):
        share: uint256 = pot * ((counts >> (panels.COUNTER_BITS * i)) & panels.COUNTER) // total
        if share != 0:
            self.earned[seats[i]] += share
            shared += share
    self.carried[zone] = pot - shared
    panels._clear(zone)
    log RewardsShared(zone=zone, amount=shared, counts=counts)
    return shared
