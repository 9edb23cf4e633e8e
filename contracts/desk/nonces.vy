# pragma version 0.4.3
# pragma optimize gas
# pragma nonreentrancy on
"""
@title Nonces of signed orders
@license AGPL-3.0-only
@notice How much of each signed order has traded, and which are cancelled.
@dev A nonce has 27 bits: round 20 | cell 6 | which of two 1. Every site has a ring of 64 cells, so 128 consecutive
     nonces can be alive; using or cancelling one of a later round ends those of earlier rounds in its cell. So storage is
     used again and again, and "all below a number" is 64 words. Four neighbouring sites share a word, in lanes of 64 bits:
       round 20 (bits 44..63) | state of the odd nonce 22 | state of the even nonce 22.
     State: Wh traded (below 2**21), or from bit 21 on a strip and its words in use, or all ones when it is over.
"""

from . import market
from . import order_words
from ..exchange import refusal

uses: market

FIRST_OF_LAST_ROUND: constant(uint256) = 2**27 - 128
MASK_LANE: constant(uint256) = 2**64 - 1
MASK_ROUND: constant(uint256) = 2**20 - 1
ROUND_AT: constant(uint256) = 44
STATE_BITS: constant(uint256) = 22
STRIP: constant(uint256) = 1 << 21
OVER: constant(uint256) = 2**22 - 1


event NonceCancelled:
    site: indexed(uint256)
    nonce: uint256


event NoncesCancelledBelow:
    site: indexed(uint256)
    nonce: uint256


# (site >> 2) << 6 | cell -> four lanes; an array, because its words are found without hashing.
_words: uint256[2**52]


@deploy
def __init__():
    pass


# ------------------------------------------------------------------
#                             owner
# ------------------------------------------------------------------


@external
def cancel_nonce(site: uint256, nonce: uint256):
    """
    @notice Ends whatever was signed with a nonce for a site, at any time. Owner only.
    """
    market._check_owner(site)
    if nonce > order_words.MASK_NONCE:
        refusal._because("nonce: out of range")
    terms: uint256 = self._terms(site, nonce)
    state: uint256 = self._state(terms)
    if state == OVER:
        refusal._because("nonce: is over")
    self._add(terms, OVER - state)
    log NonceCancelled(site=site, nonce=nonce)


@external
def cancel_nonces_below(site: uint256, nonce: uint256):
    """
    @notice Ends whatever was signed for a site with a lower nonce, used before or not. Owner only.
    """
    market._check_owner(site)
    if nonce > FIRST_OF_LAST_ROUND:
        refusal._because("nonce: out of range")
    offset: uint256 = (site & 3) << 6
    first_round: uint256 = nonce >> 7
    for cell: uint256 in range(64):
        key: uint256 = ((site >> 2) << 6) | cell
        word: uint256 = self._words[key]
        lane: uint256 = (word >> offset) & MASK_LANE
        live_round: uint256 = first_round + 1 if cell < (nonce >> 1) & 63 else first_round
        if lane >> ROUND_AT < live_round:
            self._words[key] = word ^ ((lane ^ (live_round << ROUND_AT)) << offset)
    if nonce & 1 == 1:
        terms: uint256 = self._terms(site, nonce - 1)
        state: uint256 = self._state(terms)
        if state != OVER:
            self._add(terms, OVER - state)
    log NoncesCancelledBelow(site=site, nonce=nonce)


# ------------------------------------------------------------------
#                            states
# ------------------------------------------------------------------


@internal
@view
def _state(terms: uint256) -> uint256:
    """
    @notice State of the nonce in an order's word; OVER for one of a round that is past.
    """
    site: uint256 = (terms >> order_words.SITE_AT) & order_words.MASK_SITE
    nonce: uint256 = (terms >> order_words.NONCE_AT) & order_words.MASK_NONCE
    lane: uint256 = self._words[((site >> 2) << 6) | ((nonce >> 1) & 63)] >> ((site & 3) << 6)
    used_round: uint256 = (lane >> ROUND_AT) & MASK_ROUND
    if used_round != nonce >> 7:
        return OVER if used_round > nonce >> 7 else 0
    return (lane >> unsafe_mul(nonce & 1, STATE_BITS)) & OVER


@internal
def _add(terms: uint256, change: uint256):
    """
    @notice Raises the state of the nonce in an order's word, which is not over.
    @dev Whoever raises it has looked at it in the same call, with nothing raised in between: orders of one nonce share
         it, so that the sum stays below 2**21.
    """
    site: uint256 = (terms >> order_words.SITE_AT) & order_words.MASK_SITE
    nonce: uint256 = (terms >> order_words.NONCE_AT) & order_words.MASK_NONCE
    key: uint256 = ((site >> 2) << 6) | ((nonce >> 1) & 63)
    offset: uint256 = (site & 3) << 6
    word: uint256 = self._words[key]
    used_round: uint256 = (word >> unsafe_add(offset, ROUND_AT)) & MASK_ROUND
    if used_round != nonce >> 7:
        if used_round > nonce >> 7:
            refusal._because("nonce: is over")
        word = (word & ~(MASK_LANE << offset)) | ((nonce >> 7) << unsafe_add(offset, ROUND_AT))
    self._words[key] = unsafe_add(word, change << unsafe_add(offset, unsafe_mul(nonce & 1, STATE_BITS)))


@external
@view
def nonce_state(site: uint256, nonce: uint256) -> uint256:
    """
    @notice Raw state of a nonce: 0 unused, below 2**21 the Wh that traded, from 2**21 on a strip, 2**22 - 1 over.
    """
    if nonce > order_words.MASK_NONCE or site > order_words.MASK_SITE:
        refusal._because("nonce: out of range")
    return self._state(self._terms(site, nonce))


@internal
@pure
def _terms(site: uint256, nonce: uint256) -> uint256:
    """
    @notice Site and nonce where an order's word has them. A number too large for a site never has an owner.
    """
    return (site << order_words.SITE_AT) | (nonce << order_words.NONCE_AT)
