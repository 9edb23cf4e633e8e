# pragma version 0.4.3
# pragma optimize gas
"""
@title Words of signed strips
@license AGPL-3.0-only
@notice How a strip, one order for each of up to 96 consecutive slots under one signature, is packed and signed.
@dev Head: number of legs 7 (from bit 0) | first slot 32 (40) | nonce, relay fee, expiry, site and side as in an order.
     Leg: Wh 21 (from bit 0; 0 for nothing in its slot) | price 16 (24), six of 40 bits to a word.
     In memory a leg has the Wh left in the place of its Wh, and the Wh that traded before from bit 40 on.
"""

from . import order_words
from ..exchange import refusal

MAX_LEGS: constant(uint256) = 96
LEG_WORDS: constant(uint256) = 16
LEGS_PER_WORD: constant(uint256) = 6
LEG_BITS: constant(uint256) = 40
MASK_LEG: constant(uint256) = 2**40 - 1
MASK_COUNT: constant(uint256) = 127
TRADED_AT: constant(uint256) = 40

STRIP_TYPEHASH: constant(bytes32) = keccak256(
    "Strip(uint256 site,bool sell,uint256 first_slot,uint256[] prices,uint256[] wh,uint256 nonce,uint256 expiry,address taker,uint256 relay_fee)"
)


struct Strip:
    head: uint256
    legs: DynArray[uint256, LEG_WORDS]
    r: uint256
    vs: uint256  # parity of y in the top bit, s below (EIP-2098)


@internal
@pure
def _unpacked(strip: Strip) -> uint256[MAX_LEGS]:
    """
    @notice Legs of a strip, one to a word.
    """
    count: uint256 = strip.head & MASK_COUNT
    if count == 0 or count > MAX_LEGS or len(strip.legs) != (count + LEGS_PER_WORD - 1) // LEGS_PER_WORD:
        refusal._because("strip: bad number of slots")
    legs: uint256[MAX_LEGS] = empty(uint256[MAX_LEGS])
    i: uint256 = 0
    for word: uint256 in strip.legs:
        rest: uint256 = word
        for _: uint256 in range(LEGS_PER_WORD):
            if i == count:
                break
            legs[i] = rest & ((order_words.MASK_PRICE << order_words.PRICE_AT) | order_words.MASK_WH)
            rest >>= LEG_BITS
            i = unsafe_add(i, 1)
    return legs


@internal
@pure
def _digest(prefix: Bytes[34], head: uint256, legs: uint256[MAX_LEGS], taker: address) -> bytes32:
    """
    @notice What the owner signs for a strip: its EIP-712 hash.
    """
    size: uint256 = unsafe_mul(head & MASK_COUNT, 32)
    prices: uint256[MAX_LEGS] = empty(uint256[MAX_LEGS])
    energies: uint256[MAX_LEGS] = empty(uint256[MAX_LEGS])
    for i: uint256 in range(head & MASK_COUNT, bound=MAX_LEGS):
        prices[i] = legs[i] >> order_words.PRICE_AT
        energies[i] = legs[i] & order_words.MASK_WH
    struct_hash: bytes32 = keccak256(
        abi_encode(
            STRIP_TYPEHASH,
            (head >> order_words.SITE_AT) & order_words.MASK_SITE,
            (head >> order_words.SELL_AT) & 1,
            (head >> order_words.SLOT_AT) & order_words.MASK_SLOT,
            keccak256(slice(abi_encode(prices), 0, size)),
            keccak256(slice(abi_encode(energies), 0, size)),
            (head >> order_words.NONCE_AT) & order_words.MASK_NONCE,
            (head >> order_words.EXPIRY_AT) & order_words.MASK_TIME,
            taker,
            (head >> order_words.FEE_AT) & order_words.MASK_GRAINS,
        )
    )
    return keccak256(concat(prefix, struct_hash))


@internal
@pure
def _offered(legs: uint256[MAX_LEGS]) -> uint256:
    """
    @notice Wh in all slots of a strip together, whatever has traded of it.
    """
    total: uint256 = 0
    for leg: uint256 in legs:
        total = unsafe_add(total, unsafe_add(leg & order_words.MASK_WH, leg >> TRADED_AT))
    return total
