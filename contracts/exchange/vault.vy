# pragma version 0.4.3
# pragma optimize gas
"""
@title Vault
@license AGPL-3.0-only
@notice The only place where NET8 moves in or out of the exchange. Inside, money is whole grains (10**11 wei).
@dev Callers book the grains before they pull or push: checks, effects, interactions.
"""

from ethereum.ercs import IERC20
from snekmate.tokens.interfaces import IERC20Permit
from . import refusal

GRAIN: constant(uint256) = 10**11  # wei: 1 NET8 stands for 10 kWh, so 1000 grains per Wh is par

TOKEN: immutable(IERC20)


@deploy
def __init__(token: IERC20):
    if token.address == empty(address):
        refusal._because("vault: no token")
    TOKEN = token


@external
@view
def token() -> address:
    """
    @notice The NET8 token that backs every grain in here.
    """
    return TOKEN.address


@internal
@pure
def _to_grains(amount: uint256) -> uint256:
    """
    @notice Grains of an amount in wei; an amount that is not whole grains is refused, never rounded.
    """
    if amount <= 0:
        refusal._because("amount: zero")
    if amount % GRAIN != 0:
        refusal._because("amount: not whole grains")
    return unsafe_div(amount, GRAIN)


@internal
def _pull(payer: address, grains: uint256):
    if not extcall TOKEN.transferFrom(payer, self, grains * GRAIN):
        refusal._because("vault: transfer failed")


@internal
def _push(receiver: address, grains: uint256):
    if receiver == empty(address) or receiver == self:
        refusal._because("vault: bad receiver")
    if not extcall TOKEN.transfer(receiver, grains * GRAIN):
        refusal._because("vault: transfer failed")


@internal
def _permit(payer: address, amount: uint256, deadline: uint256, v: uint8, r: bytes32, s: bytes32):
    """
    @notice Uses a permit unless the allowance is there already.
    @dev Whoever sees a permit may submit it first; the payer's own call then finds the allowance and goes on.
    """
    if staticcall TOKEN.allowance(payer, self) < amount:
        extcall IERC20Permit(TOKEN.address).permit(payer, self, amount, deadline, v, r, s)
