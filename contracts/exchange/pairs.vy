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


event PairsTraded:
    # Each: seller's site 48 (from bit 128) | buyer's site index 16 (112) | slot 32 (40) | price 16 (24) | Wh 24
    pairs: DynArray[uint256, 96]


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
    seller: uint256 = 0
    buyer: uint256 = 0
    seller_due: int256 = 0  # grains the seller's margins and fees grew by in its fills so far
    buyer_due: int256 = 0
    rules: uint256 = 0
    market: uint256 = 0  # zone of these terms
    first: uint256 = max_value(uint256)  # of the slots that share them and are open; none yet
    further: uint256 = 0  # how many of them follow it
    pairs: DynArray[uint256, 96] = []
    for fill: Fill in fills:
        if fill.seller != seller:
            self._charge(seller, seller_due)
            seller = fill.seller
            seller_due = 0
        if fill.buyer != buyer:
            self._charge(buyer, buyer_due)
            buyer = fill.buyer
            buyer_due = 0
        energy: uint256 = fill.energy
        zone: uint256 = seller >> 176
        slot: uint256 = (energy >> 40) & (2**32 - 1)
        if zone != market or unsafe_sub(slot, first) > further:
            market = zone
            rules = matching._open_market(zone, slot)
            first = max(unsafe_add(hour_terms._gate(rules), 1), (slot >> 2) << 2)
            further = unsafe_sub(min(unsafe_add(unsafe_div(block.timestamp, 900), matching.HORIZON), slot | 3), first)
        wh: uint256 = energy & (2**24 - 1)
        price: uint256 = (energy >> 24) & (2**16 - 1)
        paid: uint256 = unsafe_mul(wh, price)
        if (
            buyer >> 176 != zone
            or (seller ^ buyer) << 96 == 0
            or wh == 0
            or wh > book_words.MASK_WH
            or not hour_terms._is_in_range(rules, price)
        ):
            # Two zones, one owner, or energy or a price that no order could have.
            refusal._because("order: not a pair")
        seller_fits: bool = False
        buyer_fits: bool = False
        seller_change: int256 = 0
        buyer_change: int256 = 0
        seller_fits, seller_change = positions._trade(rules, seller >> 160, slot, True, wh, paid)
        buyer_fits, buyer_change = positions._trade(rules, buyer >> 160, slot, False, wh, paid)
        if not (seller_fits and buyer_fits):
            refusal._because("position: at its bound")
        seller_due = unsafe_add(seller_due, seller_change)
        buyer_due = unsafe_add(buyer_due, buyer_change)
        if energy >> 72 != 0:
            seller_due = unsafe_add(seller_due, sites._pay_desk(seller >> 160, (energy >> 72) & (2**40 - 1)))
            buyer_due = unsafe_add(buyer_due, sites._pay_desk(buyer >> 160, (energy >> 112) & (2**40 - 1)))
        pairs.append(
            ((seller >> 160) << 128) | (((buyer >> 160) & book_words.MASK_SITE) << 112) | (energy & (2**72 - 1))
        )
    self._charge(seller, seller_due)
    self._charge(buyer, buyer_due)
    log PairsTraded(pairs=pairs)


@internal
def _charge(party: uint256, due: int256):
    """
    @notice Charges a party for its fills; its owner must be the one that signed.
    @param party Site with its owner, as in a fill; 0 before the first.
    """
    site: uint256 = party >> 160
    account: uint256 = sites._accounts[site]
    if account >> 96 != party & (2**160 - 1):
        if party == 0:
            return
        refusal._because("order: not its owner")
    if due > 0:
        sites._debit_account(site, account, convert(due, uint256))
    elif due < 0:
        sites._credit(site, convert(unsafe_sub(0, due), uint256))
