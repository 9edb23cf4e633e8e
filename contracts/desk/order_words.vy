# pragma version 0.4.3
# pragma optimize gas
"""
@title Words of signed orders
@license AGPL-3.0-only
@notice How a signed order is packed for a call, and what its owner signs.
@dev Word: Wh 24 (from bit 0) | price 16 (24) | slot 32 (40) | nonce 27 (72) | relay fee 40 (104) | expiry 40 (144)
     | site 48 (184) | sell 1 (232) | number of its proof, from 1, or 0 for an order that needs none 8 (240).
     What is signed is the struct that a wallet shows, with the same numbers; sums are grains, times unix seconds.
"""

ORDER_TYPEHASH: constant(bytes32) = keccak256(
    "Order(uint256 site,bool sell,uint256 slot,uint256 price,uint256 wh,uint256 nonce,uint256 expiry,address taker,uint256 relay_fee)"
)


struct Signed:
    terms: uint256  # the order's word
    r: uint256
    vs: uint256  # parity of y in the top bit, s below (EIP-2098)


@internal
@pure
def _wh(terms: uint256) -> uint256:
    return terms & (2**24 - 1)


@internal
@pure
def _price(terms: uint256) -> uint256:
    return (terms >> 24) & (2**16 - 1)


@internal
@pure
def _slot(terms: uint256) -> uint256:
    return (terms >> 40) & (2**32 - 1)


@internal
@pure
def _nonce(terms: uint256) -> uint256:
    return (terms >> 72) & (2**27 - 1)


@internal
@pure
def _relay_fee(terms: uint256) -> uint256:
    return (terms >> 104) & (2**40 - 1)


@internal
@pure
def _expiry(terms: uint256) -> uint256:
    return (terms >> 144) & (2**40 - 1)


@internal
@pure
def _site(terms: uint256) -> uint256:
    return (terms >> 184) & (2**48 - 1)


@internal
@pure
def _sell(terms: uint256) -> bool:
    return (terms >> 232) & 1 == 1


@internal
@pure
def _proof(terms: uint256) -> uint256:
    return (terms >> 240) & 255


@internal
@pure
def _hash(terms: uint256, taker: address) -> bytes32:
    """
    @notice EIP-712 hash of an order as a struct.
    """
    return keccak256(
        abi_encode(
            ORDER_TYPEHASH,
            self._site(terms),
            self._sell(terms),
            self._slot(terms),
            self._price(terms),
            self._wh(terms),
            self._nonce(terms),
            self._expiry(terms),
            taker,
            self._relay_fee(terms),
        )
    )


@internal
@pure
def _digest(domain: bytes32, struct_hash: bytes32) -> bytes32:
    """
    @notice EIP-712 digest of a struct.
    @param domain The contract's domain separator, worked out once for many orders.
    """
    return keccak256(concat(b"\x19\x01", domain, struct_hash))
