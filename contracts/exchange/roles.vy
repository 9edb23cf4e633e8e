# pragma version 0.4.3
# pragma optimize gas
# pragma nonreentrancy on
"""
@title Roles
@license AGPL-3.0-only
@notice The contracts that the exchange takes orders from, and the guardian's stop.
@dev Registry and desk need the exchange's address to be deployed, so the grid registry names them afterwards, once and
     for ever. None of the three can withdraw a site's NET8; what the desk's code could do with free balances, if it were
     wrong, is trade or charge them.
"""

from . import refusal

GRID: immutable(address)  # GridRegistry: admits sites, fixes terms, pays grid operators
registry: public(address)  # OracleRegistry: settles what a quorum reported
desk: public(address)  # TradingDesk: trades for sites whose owner signed an order or set an agent's limits
stopped_until: public(uint256)  # unix time before which nothing new is traded


event Connected:
    registry: indexed(address)
    desk: indexed(address)


event OrdersStopped:
    until: uint256


@deploy
def __init__(grid: address):
    if grid == empty(address):
        refusal._because("exchange: no grid registry")
    GRID = grid


@external
@view
def grid() -> address:
    """
    @notice The registry of zones, tariffs and sites.
    """
    return GRID


@external
def connect(registry: address, desk: address):
    """
    @notice Names the OracleRegistry and the TradingDesk, once and for ever. Grid registry only.
    """
    self._check_grid()
    if self.registry != empty(address):
        refusal._because("exchange: is connected")
    self.registry = registry
    self.desk = desk
    log Connected(registry=registry, desk=desk)


@external
def stop_orders(until: uint256):
    """
    @notice Refuses new orders until a time; withdrawals, cancels and settlement go on. Grid registry only.
    """
    self._check_grid()
    self.stopped_until = until
    log OrdersStopped(until=until)


@internal
@view
def _check_grid():
    if msg.sender != GRID:
        refusal._because("exchange: only the grid registry")


@internal
@view
def _check_desk():
    if msg.sender != self.desk:
        refusal._because("exchange: only the desk")


@internal
@view
def _check_running():
    if block.timestamp < self.stopped_until:
        refusal._because("order: trading is stopped")
