# pragma version 0.4.3
# pragma optimize gas
"""
@title What operators sign
@license AGPL-3.0-only
@notice The two signed messages of an oracle operator, and who signed one. Both are EIP-712 in the OracleRegistry's domain.
@dev Signatures are compact (EIP-2098). A second form of a signature exists for anybody to compute; so nothing here or
     elsewhere depends on the bytes of one, only on what was signed and by whom.
"""

# The round is that of the operators' agreement. Who changes his view signs in a later round, and nobody honest signs
# two different reports of one slot, or two observations of one part of one slot, in the same.
REPORT_TYPE_HASH: constant(bytes32) = keccak256("Report(uint256 zone,uint256 round,uint256[] entries)")
OBSERVATION_TYPE_HASH: constant(bytes32) = keccak256(
    "Observation(uint256 zone,uint256 slot,uint256 part,uint256 round,uint256[] readings)"
)

MAX_OPERATORS: constant(uint256) = 31  # of a zone: the largest report (21 signatures) fits one transaction
MAX_ENTRIES: constant(uint256) = 128  # site-hours in one report, as many as the exchange takes in a call

# EIP-2098: the top bit of vs is the parity of y, the rest is s.
PARITY_SHIFT: constant(uint256) = 255
S_MASK: constant(uint256) = 2**255 - 1


struct Signature:
    r: bytes32
    vs: bytes32  # parity of y in the top bit, s below


@internal
@pure
def _report(zone: uint256, round: uint256, entries_hash: bytes32) -> bytes32:
    """
    @notice Struct hash of a report.
    @param entries_hash Hash of the entries one after the other, which is how EIP-712 hashes an array.
    """
    return keccak256(abi_encode(REPORT_TYPE_HASH, zone, round, entries_hash))


@internal
@pure
def _observation(zone: uint256, slot: uint256, part: uint256, round: uint256, readings_hash: bytes32) -> bytes32:
    """
    @notice Struct hash of one operator's observation.
    """
    return keccak256(abi_encode(OBSERVATION_TYPE_HASH, zone, slot, part, round, readings_hash))


@internal
@view
def _signer(digest: bytes32, signature: Signature) -> address:
    """
    @notice Who made a signature; the zero address when nobody can have.
    """
    vs: uint256 = convert(signature.vs, uint256)
    return ecrecover(digest, 27 + (vs >> PARITY_SHIFT), convert(signature.r, uint256), vs & S_MASK)
