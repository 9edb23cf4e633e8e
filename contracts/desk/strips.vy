# pragma version 0.4.3
# pragma optimize gas
# pragma nonreentrancy on
"""
@title Strips
@license AGPL-3.0-only
@notice A day under one signature: traded against another strip, or with the book.
@dev Each slot of a strip is an order of its own, with its own price and energy, that fills in parts; nonce, expiry,
     taker and relay fee are the strip's. Two strips trade at the middle of their limits, as two orders do.
     What traded is kept in 21 bits a slot, twelve slots to a word. Words lie where the strip's nonce lies in its ring,
     and the nonce's state says which of them are this strip's, so that what an earlier strip left there counts nothing.
"""

from snekmate.utils import eip712_domain_separator
from . import earnings
from . import market
from . import nonces
from . import order_words
from . import signatures
from . import strip_words
from ..exchange import refusal

uses: earnings
uses: eip712_domain_separator
uses: market
uses: nonces


# The same function as in `market`, for the most fills it takes: memory for so many would make small matches dearer.
interface Exchange:
    def trade(fills: DynArray[market.Fill, 96]): nonpayable


WORDS: constant(uint256) = 8
PER_WORD: constant(uint256) = 12
CELL_BITS: constant(uint256) = 21
MASK_OWNER: constant(uint256) = 2**160 - 1
MASK_PRICE: constant(uint256) = order_words.MASK_PRICE << order_words.PRICE_AT
SELLER_FEE_AT: constant(uint256) = 72
BUYER_FEE_AT: constant(uint256) = 112


event StripFilled:
    site: indexed(uint256)
    fill: uint256  # nonce << 32 | Wh that traded in this call, over all slots


_traded: HashMap[uint256, uint256]  # (site << 7 | nonce % 128) << 3 | slot of the strip // 12 -> Wh, twelve slots


@deploy
def __init__():
    pass


@external
def match_strips(
    sale: strip_words.Strip,
    sale_proof: signatures.Proof,
    purchase: strip_words.Strip,
    purchase_proof: signatures.Proof,
    slots: uint256,
) -> uint256:
    """
    @notice Trades a signed strip of sales with a signed strip of purchases, wherever their prices cross. Anyone.
    @param slots Slots to trade in: bit i is slot i of the sale. Leave out those whose gate has closed.
    @return Wh that traded.
    """
    if (sale.head >> order_words.SELL_AT) & 1 == 0 or (purchase.head >> order_words.SELL_AT) & 1 == 1:
        refusal._because("strip: wrong side")
    seller: uint256 = 0
    buyer: uint256 = 0
    sold: uint256[strip_words.MAX_LEGS] = empty(uint256[strip_words.MAX_LEGS])
    bought: uint256[strip_words.MAX_LEGS] = empty(uint256[strip_words.MAX_LEGS])
    seller, sold = self._open(sale, sale_proof)
    buyer, bought = self._open(purchase, purchase_proof)
    self._check_taker(sale_proof.taker, buyer)
    self._check_taker(purchase_proof.taker, seller)
    fills: DynArray[market.Fill, strip_words.MAX_LEGS] = []
    total: uint256 = 0
    slot: uint256 = (sale.head >> order_words.SLOT_AT) & order_words.MASK_SLOT
    other: uint256 = unsafe_sub(slot, (purchase.head >> order_words.SLOT_AT) & order_words.MASK_SLOT)
    for i: uint256 in range(strip_words.MAX_LEGS):
        if (slots >> i) & 1 == 1 and other < strip_words.MAX_LEGS:
            ask: uint256 = sold[i]
            bid: uint256 = bought[other]
            wh: uint256 = min(ask & order_words.MASK_WH, bid & order_words.MASK_WH)
            if wh != 0 and ask & MASK_PRICE <= bid & MASK_PRICE:
                price: uint256 = unsafe_add(ask & MASK_PRICE, bid & MASK_PRICE) >> (order_words.PRICE_AT + 1)
                energy: uint256 = (slot << order_words.SLOT_AT) | (price << order_words.PRICE_AT) | wh
                fills.append(market.Fill(seller=seller, buyer=buyer, energy=energy))
                # From what is left to what has traded.
                moved: uint256 = unsafe_sub(wh << strip_words.TRADED_AT, wh)
                sold[i] = unsafe_add(ask, moved)
                bought[other] = unsafe_add(bid, moved)
                total = unsafe_add(total, wh)
        slot = unsafe_add(slot, 1)
        other = unsafe_add(other, 1)
    if total == 0:
        refusal._because("strip: nothing matches")
    sale_fee: uint256 = self._fee(sale.head, sold, total)
    purchase_fee: uint256 = self._fee(purchase.head, bought, total)
    fills[0].energy |= (sale_fee << SELLER_FEE_AT) | (purchase_fee << BUYER_FEE_AT)
    self._remember(sale.head, sold, total)
    self._remember(purchase.head, bought, total)
    earnings._earn(sale_fee + purchase_fee)
    extcall Exchange(market.EXCHANGE.address).trade(fills)
    return total


@external
def take_strip(strip: strip_words.Strip, proof: signatures.Proof, slots: uint256) -> uint256:
    """
    @notice Trades a signed strip with the book, at the book's prices, as far as it goes; nothing comes to rest there.
            Anyone.
    @param slots Slots to trade in: bit i is slot i of the strip. Leave out those whose gate has closed and those where
                 less than the zone's smallest order is left.
    @return Wh that traded.
    """
    if proof.taker != empty(address):
        refusal._because("order: has a named taker")
    party: uint256 = 0
    legs: uint256[strip_words.MAX_LEGS] = empty(uint256[strip_words.MAX_LEGS])
    party, legs = self._open(strip, proof)
    site: uint256 = party >> 160
    if convert(staticcall market.EXCHANGE.owner_of(site), uint256) != party & MASK_OWNER:
        refusal._because("order: not its owner")
    total: uint256 = 0
    slot: uint256 = (strip.head >> order_words.SLOT_AT) & order_words.MASK_SLOT
    for i: uint256 in range(strip_words.MAX_LEGS):
        left: uint256 = legs[i] & order_words.MASK_WH
        if (slots >> i) & 1 == 1 and left != 0:
            resting: uint256 = 0
            filled: uint256 = 0
            resting, filled = extcall market.EXCHANGE.place(
                site,
                unsafe_add(slot, i),
                (strip.head >> order_words.SELL_AT) & 1 == 1,
                (legs[i] >> order_words.PRICE_AT) & order_words.MASK_PRICE,
                left,
                market.IMMEDIATE_OR_CANCEL,
                0,
            )
            legs[i] = unsafe_add(legs[i], unsafe_sub(filled << strip_words.TRADED_AT, filled))
            total = unsafe_add(total, filled)
    if total == 0:
        refusal._because("strip: nothing matches")
    self._remember(strip.head, legs, total)
    fee: uint256 = self._fee(strip.head, legs, total)
    if fee != 0:
        earnings._earn(fee)
        extcall market.EXCHANGE.charge(site, fee)
    return total


# ------------------------------------------------------------------
#                        life of a strip
# ------------------------------------------------------------------


@internal
@view
def _open(strip: strip_words.Strip, proof: signatures.Proof) -> (uint256, uint256[strip_words.MAX_LEGS]):
    """
    @notice Who signed a strip (site << 160 | owner), and what is left of each leg; refused when it has expired or its
            nonce is over.
    """
    head: uint256 = strip.head
    if (head >> order_words.EXPIRY_AT) & order_words.MASK_TIME <= block.timestamp:
        refusal._because("order: expired")
    legs: uint256[strip_words.MAX_LEGS] = strip_words._unpacked(strip)
    prefix: Bytes[34] = order_words._prefix(eip712_domain_separator._domain_separator_v4())
    digest: bytes32 = strip_words._digest(prefix, head, legs, proof.taker)
    owner: uint256 = signatures._owner(digest, strip.r, strip.vs, proof.wallet, proof.signature)
    site: uint256 = (head >> order_words.SITE_AT) & order_words.MASK_SITE
    nonce: uint256 = (head >> order_words.NONCE_AT) & order_words.MASK_NONCE
    state: uint256 = nonces._state(head)
    if state == nonces.OVER or (state != 0 and state < nonces.STRIP):
        refusal._because("nonce: is over")
    for w: uint256 in range(WORDS):
        if (state >> w) & 1 == 1:
            word: uint256 = self._traded[self._key(site, nonce, w)]
            for k: uint256 in range(PER_WORD):
                traded: uint256 = (word >> unsafe_mul(k, CELL_BITS)) & order_words.MASK_WH
                i: uint256 = unsafe_add(unsafe_mul(w, PER_WORD), k)
                legs[i] = unsafe_add(
                    unsafe_sub(legs[i], min(traded, legs[i] & order_words.MASK_WH)), traded << strip_words.TRADED_AT
                )
    return (site << 160) | owner, legs


@internal
def _remember(head: uint256, legs: uint256[strip_words.MAX_LEGS], filled: uint256):
    """
    @notice Notes what a strip has traded.
    """
    site: uint256 = (head >> order_words.SITE_AT) & order_words.MASK_SITE
    nonce: uint256 = (head >> order_words.NONCE_AT) & order_words.MASK_NONCE
    used: uint256 = 0
    w: uint256 = 0
    word: uint256 = 0
    offset: uint256 = 0
    for leg: uint256 in legs:
        word |= (leg >> strip_words.TRADED_AT) << offset
        offset = unsafe_add(offset, CELL_BITS)
        if offset == PER_WORD * CELL_BITS:
            if word != 0:
                self._traded[self._key(site, nonce, w)] = word
                used |= 1 << w
            w = unsafe_add(w, 1)
            word = 0
            offset = 0
    nonces._add(head, (nonces.STRIP | used) - nonces._state(head))
    log StripFilled(site=site, fill=(nonce << 32) | filled)


@internal
@pure
def _key(site: uint256, nonce: uint256, word: uint256) -> uint256:
    return (site << 10) | ((nonce & 127) << 3) | word


@internal
@pure
def _fee(head: uint256, legs: uint256[strip_words.MAX_LEGS], filled: uint256) -> uint256:
    relay_fee: uint256 = (head >> order_words.FEE_AT) & order_words.MASK_GRAINS
    if relay_fee == 0:
        return 0
    return earnings._share(relay_fee, filled, strip_words._offered(legs))


@internal
@pure
def _check_taker(taker: address, party: uint256):
    """
    @notice Refuses a counterparty that is not the one a strip names.
    """
    if taker != empty(address) and convert(taker, uint256) != party & MASK_OWNER:
        refusal._because("order: not its taker")


@external
@view
def strip_digest(strip: strip_words.Strip, taker: address) -> bytes32:
    """
    @notice What the owner of a site signs for a strip: its EIP-712 hash.
    """
    prefix: Bytes[34] = order_words._prefix(eip712_domain_separator._domain_separator_v4())
    return strip_words._digest(prefix, strip.head, strip_words._unpacked(strip), taker)


@external
@view
def strip_traded(site: uint256, nonce: uint256) -> uint256[strip_words.MAX_LEGS]:
    """
    @notice Wh of the strip with a nonce that have traded, slot by slot; all zero for a nonce that is no strip's.
    """
    traded: uint256[strip_words.MAX_LEGS] = empty(uint256[strip_words.MAX_LEGS])
    state: uint256 = nonces._state(nonces._terms(site, nonce))
    if state == nonces.OVER or state < nonces.STRIP:
        return traded
    for w: uint256 in range(WORDS):
        if (state >> w) & 1 == 1:
            word: uint256 = self._traded[self._key(site, nonce, w)]
            for k: uint256 in range(PER_WORD):
                traded[unsafe_add(unsafe_mul(w, PER_WORD), k)] = (
                    word >> unsafe_mul(k, CELL_BITS)
                ) & order_words.MASK_WH
    return traded
