# pragma version 0.4.3
# pragma optimize gas
# pragma nonreentrancy on
"""
@title Market
@license AGPL-3.0-only
@notice The exchange that the desk trades on, and who owns the sites there.
@dev The exchange lets the desk place, cancel and trade for every site and trusts it to have been asked: by an agent
     within its limits, or by a signature. It never lets the desk withdraw.
"""

from ..exchange import refusal


struct Fill:
    seller: uint256  # site << 160 | its owner's address, which the exchange compares with the account's
    buyer: uint256  # the same
    energy: uint256  # Wh 24 (from bit 0) | price 16 (24) | slot 32 (40) | seller's fee 40 (72) | buyer's fee 40 (112), grains


interface Exchange:
    def grid() -> address: view
    def owner_of(site: uint256) -> address: view
    def side_word(key: uint256) -> uint256: view
    def level_word(key: uint256) -> uint256: view
    def queue_word(key: uint256) -> uint256: view
    def expiry_word(key: uint256) -> uint256: view
    def terms_word(key: uint256) -> uint256: view
    def place(
        site: uint256, slot: uint256, sell: bool, price: uint256, wh: uint256, kind: uint256, expiry: uint256
    ) -> (uint256, uint256): nonpayable
    def place_many(site: uint256, orders: DynArray[uint256, 96]): nonpayable
    def reduce(order: uint256, wh: uint256): nonpayable
    def cancel(order: uint256): nonpayable
    def cancel_many(orders: DynArray[uint256, 96]): nonpayable
    def trade(fills: DynArray[Fill, 32]): nonpayable
    def charge(site: uint256, grains: uint256): nonpayable
    def withdraw(site: uint256, amount: uint256, receiver: address): nonpayable
    def take_abroad(
        site: uint256,
        zone: uint256,
        slot: uint256,
        sell: bool,
        price: uint256,
        wh: uint256,
        kind: uint256,
        home_fee: uint256,
        away_fee: uint256,
    ) -> uint256: nonpayable


LIMIT: constant(uint256) = 0
IMMEDIATE_OR_CANCEL: constant(uint256) = 1
FILL_OR_KILL: constant(uint256) = 2

EXCHANGE: immutable(Exchange)


@deploy
def __init__(exchange: address):
    if not exchange.is_contract:
        refusal._because("desk: exchange no contract")
    EXCHANGE = Exchange(exchange)


@external
@view
def exchange() -> address:
    """
    @notice The exchange that the desk trades on.
    """
    return EXCHANGE.address


@internal
@view
def _check_owner(site: uint256):
    """
    @notice Refuses a caller who does not own a site.
    """
    if msg.sender != staticcall EXCHANGE.owner_of(site):
        refusal._because("site: not yours")
