# pragma version 0.4.3
# pragma optimize gas
"""
@title Words of signed orders
@license AGPL-3.0-only
@notice How a signed order is packed for a call, and what its owner signs.
@dev Word: Wh 21 (from bit 0) | price 16 (24) | slot 32 (40) | nonce 27 (72) | relay fee 40 (104) | expiry 40 (144)
     | site 48 (184) | sell 1 (232) | number of its proof, from 1, or 0 for an order that needs none 8 (240).
     Wh, price and slot lie as in a fill of the exchange. What is signed is the struct that a wallet shows, with the
     same numbers; sums are grains, times unix seconds.
"""

PRICE_AT: constant(uint256) = 24
SLOT_AT: constant(uint256) = 40
NONCE_AT: constant(uint256) = 72
FEE_AT: constant(uint256) = 104
EXPIRY_AT: constant(uint256) = 144
SITE_AT: constant(uint256) = 184
SELL_AT: constant(uint256) = 232
PROOF_AT: constant(uint256) = 240
MASK_WH: constant(uint256) = 2**21 - 1
MASK_PRICE: constant(uint256) = 2**16 - 1
MASK_SLOT: constant(uint256) = 2**32 - 1
MASK_NONCE: constant(uint256) = 2**27 - 1
MASK_GRAINS: constant(uint256) = 2**40 - 1
MASK_TIME: constant(uint256) = 2**40 - 1
MASK_SITE: constant(uint256) = 2**48 - 1
MASK_PROOF: constant(uint256) = 255

ORDER_TYPEHASH: constant(bytes32) = keccak256(
    "Order(uint256 site,bool sell,uint256 slot,uint256 price,uint256 wh,uint256 nonce,uint256 expiry,address taker,uint256 relay_fee)"
)


struct Signed:
    terms: uint256  # the order's word
    r: uint256
    vs: uint256  # parity of y in the top bit, s below (EIP-2098)


@internal
@pure
def _prefix(domain: bytes32) -> Bytes[34]:
    """
    @notice What comes before the hash of a struct in what is signed (EIP-712); the same for many orders.
    """
    return concat(b"\x19\x01", domain)


@internal
@pure
def _digest(prefix: Bytes[34], terms: uint256, taker: address) -> bytes32:
    """
    @notice What the owner signs for an order: its EIP-712 hash.
    """
    struct_hash: bytes32 = keccak256(
        abi_encode(
            ORDER_TYPEHASH,
            (terms >> SITE_AT) & MASK_SITE,
            (terms >> SELL_AT) & 1,
            (terms >> SLOT_AT) & MASK_SLOT,
            (terms >> PRICE_AT) & MASK_PRICE,
            terms & MASK_WH,
            (terms >> NONCE_AT) & MASK_NONCE,
            (terms >> EXPIRY_AT) & MASK_TIME,
            taker,
            (terms >> FEE_AT) & MASK_GRAINS,
        )
    )
    return keccak256(concat(prefix, struct_hash))
