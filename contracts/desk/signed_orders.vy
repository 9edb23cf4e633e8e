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

MAX_ORDERS: constant(uint256) = 64
MAX_PROOFS: constant(uint256) = 16


struct Open:
    terms: uint256  # as it came in
    party: uint256  # site << 160 | owner
    taker: uint256  # address of the only counterparty allowed, or 0
    state: uint256  # of its nonce when it came in: Wh that traded before
    left: uint256  # Wh that may still trade


event SignedOrderFilled:
    site: indexed(uint256)
    fill: uint256  # nonce << 24 | Wh that traded in this call


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
    domain: bytes32 = eip712_domain_separator._domain_separator_v4()
    fills: DynArray[market.Fill, 96] = []
    fees: uint256 = 0
    waiting: Open = empty(Open)
    for signed: order_words.Signed in orders:
        coming: Open = empty(Open)
        proof: uint256 = order_words._proof(signed.terms)
        if proof == 0:
            coming = self._open_plain(domain, signed)
        else:
            if proof > len(proofs):
                refusal._because("order: proof missing")
            coming = self._open(domain, signed, proofs[unsafe_sub(proof, 1)])
        if self._meet(waiting, coming):
            fill: market.Fill = empty(market.Fill)
            fee: uint256 = 0
            fill, fee = self._fill(waiting, coming)
            fees = unsafe_add(fees, fee)
            fills.append(fill)
            wh: uint256 = fill.energy & (2**24 - 1)
            waiting.left = unsafe_sub(waiting.left, wh)
            coming.left = unsafe_sub(coming.left, wh)
            if waiting.left != 0:
                self._close(coming)
                continue
        self._close(waiting)
        waiting = coming
    self._close(waiting)
    if len(fills) == 0:
        refusal._because("order: nothing matches")
    earnings._earn(fees)
    extcall market.EXCHANGE.trade(fills)


@external
def take_signed(signed: order_words.Signed, proofs: DynArray[signatures.Proof, 1]) -> uint256:
    """
    @notice Trades a signed order with the book, at the book's prices, as far as it goes; nothing comes to rest there.
            Anyone.
    @return Wh that traded.
    """
    order: Open = self._open_one(signed, proofs)
    if order.taker != 0:
        refusal._because("order: has a named taker")
    site: uint256 = order.party >> 160
    if convert(staticcall market.EXCHANGE.owner_of(site), uint256) != order.party & (2**160 - 1):
        refusal._because("order: not its owner")
    resting: uint256 = 0
    filled: uint256 = 0
    resting, filled = extcall market.EXCHANGE.place(
        site,
        order_words._slot(order.terms),
        order_words._sell(order.terms),
        order_words._price(order.terms),
        order.left,
        market.IMMEDIATE_OR_CANCEL,
        0,
    )
    if filled == 0:
        refusal._because("order: nothing matches")
    order.left = unsafe_sub(order.left, filled)
    self._close(order)
    fee: uint256 = earnings._share(order_words._relay_fee(order.terms), filled, order_words._wh(order.terms))
    if fee != 0:
        earnings._earn(fee)
        extcall market.EXCHANGE.charge(site, fee)
    return filled


@external
def accept_signed(signed: order_words.Signed, proofs: DynArray[signatures.Proof, 1], site: uint256, wh: uint256):
    """
    @notice Trades a signed order with the caller's own site, at the order's price: the way to take an offer that names
            its taker. Owner of the site, who need not sign.
    @param wh Energy to trade; refused when less is left.
    """
    order: Open = self._open_one(signed, proofs)
    if wh > order.left:
        refusal._because("order: less is left")
    party: uint256 = (site << 160) | convert(msg.sender, uint256)
    self._check_taker(order.taker, party)
    fee: uint256 = earnings._share(order_words._relay_fee(order.terms), wh, order_words._wh(order.terms))
    energy: uint256 = (order.terms & ((2**48 - 1) << 24)) | wh  # slot and price lie alike in both words
    fill: market.Fill = market.Fill(seller=party, buyer=order.party, energy=energy | (fee << 112))
    if order_words._sell(order.terms):
        fill = market.Fill(seller=order.party, buyer=party, energy=energy | (fee << 72))
    order.left = unsafe_sub(order.left, wh)
    self._close(order)
    earnings._earn(fee)
    extcall market.EXCHANGE.trade([fill])


# ------------------------------------------------------------------
#                        life of an order
# ------------------------------------------------------------------


@internal
@view
def _open_plain(domain: bytes32, signed: order_words.Signed) -> Open:
    """
    @notice An order that anyone may take and a key has signed.
    """
    digest: bytes32 = order_words._digest(domain, order_words._hash(signed.terms, empty(address)))
    return self._alive(signed.terms, signatures._signer(digest, signed.r, signed.vs), 0)


@internal
@view
def _open(domain: bytes32, signed: order_words.Signed, proof: signatures.Proof) -> Open:
    """
    @notice An order that names its taker, or that a contract wallet has signed.
    """
    digest: bytes32 = order_words._digest(domain, order_words._hash(signed.terms, proof.taker))
    owner: uint256 = signatures._owner(digest, signed.r, signed.vs, proof)
    return self._alive(signed.terms, owner, convert(proof.taker, uint256))


@internal
@view
def _open_one(signed: order_words.Signed, proofs: DynArray[signatures.Proof, 1]) -> Open:
    domain: bytes32 = eip712_domain_separator._domain_separator_v4()
    if len(proofs) == 0:
        return self._open_plain(domain, signed)
    return self._open(domain, signed, proofs[0])


@internal
@view
def _alive(terms: uint256, owner: uint256, taker: uint256) -> Open:
    """
    @notice An order with energy left; refused when it has expired, was cancelled or has filled.
    """
    if order_words._expiry(terms) <= block.timestamp:
        refusal._because("order: expired")
    site: uint256 = order_words._site(terms)
    wh: uint256 = order_words._wh(terms)
    state: uint256 = nonces._state(site, order_words._nonce(terms))
    if state >= nonces.STRIP:
        refusal._because("nonce: is over")
    if state >= wh:
        refusal._because("order: filled")
    return Open(terms=terms, party=(site << 160) | owner, taker=taker, state=state, left=unsafe_sub(wh, state))


@internal
def _close(order: Open):
    """
    @notice Remembers what an order has traded in this call.
    """
    filled: uint256 = unsafe_sub(order_words._wh(order.terms), order.left)
    if filled != order.state:
        nonce: uint256 = order_words._nonce(order.terms)
        site: uint256 = order.party >> 160
        nonces._move(site, nonce, order.state, filled)
        log SignedOrderFilled(site=site, fill=(nonce << 24) | unsafe_sub(filled, order.state))


# ------------------------------------------------------------------
#                        meeting of two
# ------------------------------------------------------------------


@internal
@pure
def _meet(waiting: Open, coming: Open) -> bool:
    """
    @notice Whether two orders trade: other sides, same slot, prices that cross.
    """
    if waiting.left == 0:
        return False
    if order_words._sell(waiting.terms) == order_words._sell(coming.terms):
        return False
    if order_words._slot(waiting.terms) != order_words._slot(coming.terms):
        return False
    if order_words._sell(waiting.terms):
        return order_words._price(waiting.terms) <= order_words._price(coming.terms)
    return order_words._price(waiting.terms) >= order_words._price(coming.terms)


@internal
@pure
def _fill(waiting: Open, coming: Open) -> (market.Fill, uint256):
    """
    @notice The trade of two orders that meet, and the relay fees of both together.
    """
    self._check_taker(waiting.taker, coming.party)
    self._check_taker(coming.taker, waiting.party)
    sell: Open = coming
    buy: Open = waiting
    if order_words._sell(waiting.terms):
        sell = waiting
        buy = coming
    wh: uint256 = min(waiting.left, coming.left)
    price: uint256 = unsafe_div(unsafe_add(order_words._price(waiting.terms), order_words._price(coming.terms)), 2)
    sell_fee: uint256 = earnings._share(order_words._relay_fee(sell.terms), wh, order_words._wh(sell.terms))
    buy_fee: uint256 = earnings._share(order_words._relay_fee(buy.terms), wh, order_words._wh(buy.terms))
    energy: uint256 = (wh | (price << 24) | (order_words._slot(sell.terms) << 40) | (sell_fee << 72) | (buy_fee << 112))
    return market.Fill(seller=sell.party, buyer=buy.party, energy=energy), unsafe_add(sell_fee, buy_fee)


@internal
@pure
def _check_taker(taker: uint256, party: uint256):
    """
    @notice Refuses a counterparty that is not the one an order names.
    """
    if taker != 0 and taker != party & (2**160 - 1):
        refusal._because("order: not its taker")


@external
@view
def order_digest(terms: uint256, taker: address) -> bytes32:
    """
    @notice What the owner of a site signs for an order: its EIP-712 hash.
    """
    return order_words._digest(eip712_domain_separator._domain_separator_v4(), order_words._hash(terms, taker))
