# pragma version 0.4.3
# pragma optimize gas
# pragma nonreentrancy on
"""
@title Pairs
@license AGPL-3.0-only
@notice Trades whose two sides have both signed, brought in by the desk; they do not touch the book.
@dev The desk answers for the signatures: that both orders are alive, allow the price and have so much left. The exchange
     answers for the rest: who owns the sites, gate, horizon, price range, bounds and margins. Consecutive fills of one
     site are charged together, so that a day traded against a day writes each balance once.
"""

from . import book_words
from . import hour_terms
from . import matching
from . import positions
from . import refusal
from . import roles
from . import sites

uses: matching
uses: positions
uses: roles
uses: sites


struct Fill:
    seller: uint256  # site << 160 | its owner's address
    buyer: uint256  # the same
    energy: uint256  # Wh 24 (from bit 0) | price 16 (24) | slot 32 (40) | seller's fee 40 (72) | buyer's fee 40 (112), grains


struct Party:
    site: uint256  # with its owner, as in a fill
    change: int256  # grains its margins and fees grew by so far


event PairTraded:
    pair: uint256  # seller's site 48 (from bit 128) | buyer's site index 16 (112) | slot 32 (80) | price 16 (64) | Wh 24


@deploy
def __init__():
    pass


@external
def trade(fills: DynArray[Fill, 96]):
    """
    @notice Books trades between two sites of one zone each; all of them or none. Desk only.
    """
    roles._check_desk()
    roles._check_running()
    seller: Party = empty(Party)
    buyer: Party = empty(Party)
    rules: uint256 = 0
    market: uint256 = 0
    for fill: Fill in fills:
        if fill.seller != seller.site:
            seller = self._next(seller, fill.seller)
        if fill.buyer != buyer.site:
            buyer = self._next(buyer, fill.buyer)
        zone: uint256 = fill.seller >> 176
        slot: uint256 = (fill.energy >> 40) & (2**32 - 1)
        if market != (zone << 32) | slot:
            market = (zone << 32) | slot
            rules = matching._open_market(zone, slot)
        if fill.buyer >> 176 != zone:
            refusal._because("order: other zone")
        if (fill.seller ^ fill.buyer) << 96 == 0:
            refusal._because("order: own order")
        wh: uint256 = fill.energy & (2**24 - 1)
        price: uint256 = (fill.energy >> 24) & (2**16 - 1)
        if wh == 0 or wh > book_words.MASK_WH or unsafe_mul(wh, price) > matching.MAX_VALUE:
            refusal._because("order: bad size")
        if not hour_terms._is_in_range(rules, price):
            refusal._because("order: off the price grid")
        seller.change = unsafe_add(
            seller.change, self._book(rules, fill.seller >> 160, slot, True, wh, price, (fill.energy >> 72) & (2**40 - 1))
        )
        buyer.change = unsafe_add(
            buyer.change, self._book(rules, fill.buyer >> 160, slot, False, wh, price, (fill.energy >> 112) & (2**40 - 1))
        )
        log PairTraded(
            pair=((fill.seller >> 160) << 128)
            | (((fill.buyer >> 160) & book_words.MASK_SITE) << 112)
            | (slot << 80)
            | (price << 64)
            | wh
        )
    sites._settle_up(seller.site >> 160, seller.change)
    sites._settle_up(buyer.site >> 160, buyer.change)


@internal
def _next(party: Party, site: uint256) -> Party:
    """
    @notice Charges the party before, and begins to count for another, whose owner must be the one that signed.
    """
    if party.change != 0:
        sites._settle_up(party.site >> 160, party.change)
    if sites._accounts[site >> 160] >> 96 != site & (2**160 - 1):
        refusal._because("order: not its owner")
    return Party(site=site, change=0)


@internal
def _book(
    rules: uint256, site: uint256, slot: uint256, sell: bool, wh: uint256, price: uint256, fee: uint256
) -> int256:
    """
    @notice Adds one side of a fill to its position, and pays its relay fee to the desk.
    @return Grains to charge the site.
    """
    fits: bool = False
    change: int256 = 0
    fits, change = positions._trade(rules, site, slot, sell, wh, unsafe_mul(wh, price))
    if not fits:
        refusal._because("position: at its bound")
    if fee != 0:
        sites._pay_desk(site, fee)
    return unsafe_add(change, convert(fee, int256))
