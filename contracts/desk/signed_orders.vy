# pragma version 0.4.3
# pragma optimize gas
# pragma nonreentrancy on
"""
@title Signed orders
@license AGPL-3.0-only
@notice Orders that an owner signs and anyone may bring in: against each other, against the book, or against himself.
@dev Two signed orders trade at the middle of their two limits, rounded down to a whole grain: both gain the same, and
     whoever brings them in gains nothing by it. A signed order trades with the book at the book's prices, and with an
     owner who accepts it at its limit.
     Whoever brings an order in is paid the part of its relay fee that goes with what filled.
     What does not fill stays what it was: an order that lives until its expiry, its gate or the end of its nonce.
"""

from snekmate.utils import eip712_domain_separator
from . import earnings
from . import market
from . import nonces
from . import order_words
from . import signatures
from ..exchange import refusal

uses: earnings
uses: eip712_domain_separator
uses: market
uses: nonces

MAX_ORDERS: constant(uint256) = 32
MAX_PROOFS: constant(uint256) = 4
PRICE_BITS: constant(uint256) = order_words.MASK_PRICE << order_words.PRICE_AT
SLOT_BITS: constant(uint256) = order_words.MASK_SLOT << order_words.SLOT_AT
FEE_BITS: constant(uint256) = order_words.MASK_GRAINS << order_words.FEE_AT
SITE_BITS: constant(uint256) = order_words.MASK_SITE << order_words.SITE_AT
NONCE_BITS: constant(uint256) = order_words.MASK_NONCE << order_words.NONCE_AT
SELL_BIT: constant(uint256) = 1 << order_words.SELL_AT
MASK_OWNER: constant(uint256) = 2**160 - 1
SELLER_FEE_AT: constant(uint256) = 72
BUYER_FEE_AT: constant(uint256) = 112


@deploy
def __init__():
    pass


@external
def match_signed(orders: DynArray[order_words.Signed, MAX_ORDERS], proofs: DynArray[signatures.Proof, MAX_PROOFS]):
    """
    @notice Trades signed buys with signed sells; all of it or nothing. Anyone.
    @dev Orders are met one after the other. Each trades with the one that waits, if that is of the other side and the
         same slot, and the prices cross; whichever of the two has energy left waits then, or the later if they do not
         trade. So pairs follow each other, and an order that fills several is followed by them.
    @param proofs What orders need that name their taker or belong to a contract wallet.
    """
    prefix: Bytes[34] = order_words._prefix(eip712_domain_separator._domain_separator_v4())
    fills: DynArray[market.Fill, MAX_ORDERS] = []
    fees: uint256 = 0
    waiting: uint256 = 0  # the order that waits, as it came in
    waiting_party: uint256 = 0
    waiting_taker: address = empty(address)
    waiting_left: uint256 = 0
    waiting_filled: uint256 = 0  # in this call
    for signed: order_words.Signed in orders:
        coming: uint256 = signed.terms
        owner: uint256 = 0
        taker: address = empty(address)
        if coming >> order_words.PROOF_AT == 0:
            digest: bytes32 = order_words._digest(prefix, coming, taker)
            # As `_signer` does, without a call of its own: this is what most orders pay.
            owner = convert(
                ecrecover(digest, unsafe_add(27, signed.vs >> 255), signed.r, signed.vs & (2**255 - 1)), uint256
            )
            if owner == 0:
                refusal._because("order: bad signature")
        else:
            i: uint256 = (coming >> order_words.PROOF_AT) - 1
            if i >= len(proofs):
                refusal._because("order: proof missing")
            taker = proofs[i].taker
            digest: bytes32 = order_words._digest(prefix, coming, taker)
            owner = signatures._owner(digest, signed.r, signed.vs, proofs[i].wallet, proofs[i].signature)
        if waiting_filled != 0 and (coming ^ waiting) & (SITE_BITS | NONCE_BITS) == 0:
            # The same nonce again: what it has just traded counts before it is looked at once more.
            nonces._add(waiting, waiting_filled)
            waiting_left = 0
            waiting_filled = 0
        left: uint256 = self._left(coming)
        filled: uint256 = 0
        party: uint256 = ((coming & SITE_BITS) >> (order_words.SITE_AT - 160)) | owner
        if waiting_left != 0 and self._meet(waiting, coming):
            if len(proofs) != 0:
                self._check_taker(waiting_taker, party)
                self._check_taker(taker, waiting_party)
            filled = min(waiting_left, left)
            # The middle of the two prices, and the slot that both name.
            prices: uint256 = unsafe_add(waiting & PRICE_BITS, coming & PRICE_BITS)
            energy: uint256 = (coming & SLOT_BITS) | ((prices >> 1) & PRICE_BITS) | filled
            if (waiting | coming) & FEE_BITS != 0:
                waiting_fee: uint256 = self._fee(waiting, filled)
                fee: uint256 = self._fee(coming, filled)
                fees = unsafe_add(fees, unsafe_add(waiting_fee, fee))
                energy |= self._placed(waiting, waiting_fee) | self._placed(coming, fee)
            if coming & SELL_BIT == 0:
                fills.append(market.Fill(seller=waiting_party, buyer=party, energy=energy))
            else:
                fills.append(market.Fill(seller=party, buyer=waiting_party, energy=energy))
            waiting_left = unsafe_sub(waiting_left, filled)
            waiting_filled = unsafe_add(waiting_filled, filled)
            left = unsafe_sub(left, filled)
            if waiting_left != 0:
                nonces._add(coming, filled)
                continue
        if waiting_filled != 0:
            nonces._add(waiting, waiting_filled)
        waiting = coming
        waiting_party = party
        waiting_taker = taker
        waiting_left = left
        waiting_filled = filled
    if waiting_filled != 0:
        nonces._add(waiting, waiting_filled)
    if len(fills) == 0:
        refusal._because("order: nothing matches")
    earnings._earn(fees)
    extcall market.EXCHANGE.trade(fills)


@external
def take_signed(signed: order_words.Signed, proof: signatures.Proof) -> uint256:
    """
    @notice Trades a signed order with the book, at the book's prices, as far as it goes; nothing comes to rest there.
            Anyone.
    @return Wh that traded.
    """
    if proof.taker != empty(address):
        refusal._because("order: has a named taker")
    terms: uint256 = signed.terms
    owner: uint256 = self._owner(signed, proof)
    site: uint256 = (terms >> order_words.SITE_AT) & order_words.MASK_SITE
    if convert(staticcall market.EXCHANGE.owner_of(site), uint256) != owner:
        refusal._because("order: not its owner")
    resting: uint256 = 0
    filled: uint256 = 0
    resting, filled = extcall market.EXCHANGE.place(
        site,
        (terms >> order_words.SLOT_AT) & order_words.MASK_SLOT,
        terms & SELL_BIT != 0,
        (terms >> order_words.PRICE_AT) & order_words.MASK_PRICE,
        self._left(terms),
        market.IMMEDIATE_OR_CANCEL,
        0,
    )
    if filled == 0:
        refusal._because("order: nothing matches")
    nonces._add(terms, filled)
    fee: uint256 = self._fee(terms, filled)
    if fee != 0:
        earnings._earn(fee)
        extcall market.EXCHANGE.charge(site, fee)
    return filled


@external
def accept_signed(signed: order_words.Signed, proof: signatures.Proof, site: uint256, wh: uint256):
    """
    @notice Trades a signed order with the caller's own site, at the order's price: the way to take an offer that names
            its taker. Owner of the site, who need not sign.
    @param wh Energy to trade; refused when less is left.
    """
    terms: uint256 = signed.terms
    owner: uint256 = self._owner(signed, proof)
    offerer: uint256 = (((terms >> order_words.SITE_AT) & order_words.MASK_SITE) << 160) | owner
    party: uint256 = (site << 160) | convert(msg.sender, uint256)
    self._check_taker(proof.taker, party)
    if wh > self._left(terms):
        refusal._because("order: less is left")
    fee: uint256 = self._fee(terms, wh)
    energy: uint256 = (terms & (PRICE_BITS | SLOT_BITS)) | wh | self._placed(terms, fee)
    fill: market.Fill = market.Fill(seller=party, buyer=offerer, energy=energy)
    if terms & SELL_BIT != 0:
        fill = market.Fill(seller=offerer, buyer=party, energy=energy)
    nonces._add(terms, wh)
    earnings._earn(fee)
    extcall market.EXCHANGE.trade([fill])


# ------------------------------------------------------------------
#                        life of an order
# ------------------------------------------------------------------


@internal
@view
def _owner(signed: order_words.Signed, proof: signatures.Proof) -> uint256:
    """
    @notice Address, as a number, of who signed an order.
    """
    return signatures._owner(
        self._digest(signed.terms, proof.taker), signed.r, signed.vs, proof.wallet, proof.signature
    )


@internal
@view
def _left(terms: uint256) -> uint256:
    """
    @notice Wh of an order that may still trade; refused when it has expired, was cancelled or has filled.
    """
    if (terms >> order_words.EXPIRY_AT) & order_words.MASK_TIME <= block.timestamp:
        refusal._because("order: expired")
    traded: uint256 = nonces._state(terms)
    if traded >= terms & order_words.MASK_WH:
        if traded == nonces.OVER:
            refusal._because("nonce: is over")
        refusal._because("order: filled")
    return unsafe_sub(terms & order_words.MASK_WH, traded)


# ------------------------------------------------------------------
#                        meeting of two
# ------------------------------------------------------------------


@internal
@pure
def _meet(one: uint256, other: uint256) -> bool:
    """
    @notice Whether two orders trade: other sides, same slot, prices that cross.
    """
    if (one ^ other) & (SELL_BIT | SLOT_BITS) != SELL_BIT:
        return False
    if one & SELL_BIT != 0:
        return one & PRICE_BITS <= other & PRICE_BITS
    return one & PRICE_BITS >= other & PRICE_BITS


@internal
@pure
def _placed(terms: uint256, fee: uint256) -> uint256:
    """
    @notice An order's relay fee where a fill has it.
    """
    return fee << SELLER_FEE_AT if terms & SELL_BIT != 0 else fee << BUYER_FEE_AT


@internal
@pure
def _fee(terms: uint256, filled: uint256) -> uint256:
    relay_fee: uint256 = (terms >> order_words.FEE_AT) & order_words.MASK_GRAINS
    return earnings._share(relay_fee, filled, terms & order_words.MASK_WH)


@internal
@pure
def _check_taker(taker: address, party: uint256):
    """
    @notice Refuses a counterparty that is not the one an order names.
    """
    if taker != empty(address) and convert(taker, uint256) != party & MASK_OWNER:
        refusal._because("order: not its taker")


@external
@view
def order_digest(terms: uint256, taker: address) -> bytes32:
    """
    @notice What the owner of a site signs for an order: its EIP-712 hash.
    """
    return self._digest(terms, taker)


@internal
@view
def _digest(terms: uint256, taker: address) -> bytes32:
    prefix: Bytes[34] = order_words._prefix(eip712_domain_separator._domain_separator_v4())
    return order_words._digest(prefix, terms, taker)
