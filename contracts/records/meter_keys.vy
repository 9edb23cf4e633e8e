# pragma version 0.4.3
# pragma optimize gas
# pragma nonreentrancy on
"""
@title Keys of meters that sign by themselves
@license AGPL-3.0-only
@notice Which key a site's meter signs its own records with, as the certificates' registrar found it on the meter. It is
        not the key of the site's gateway, which signs readings and can be told what to sign.
@dev A signature of either curve counts in both of its forms: about half of all meters' have a high s.
"""

from ..interfaces import IGreenCertificates
from ..interfaces import IGridRegistry

SECP256K1: constant(uint256) = 1
SECP256R1: constant(uint256) = 2
MASK_GENERATION: constant(uint256) = 2**16 - 1
# P256VERIFY of EIP-7951, and of RIP-7212 before it.
P256: constant(address) = 0x0000000000000000000000000000000000000100
# What it is asked once, to know whether it is there: the P-256 example of RFC 6979, A.2.5, message "sample".
KNOWN_HASH: constant(bytes32) = 0xAF2BDBE1AA9B6EC1E2ADE1D694F41FC71A831D0268E9891562113D8A62ADD1BF
KNOWN_R: constant(bytes32) = 0xEFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716
KNOWN_S: constant(bytes32) = 0xF7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8
KNOWN_X: constant(bytes32) = 0x60FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6
KNOWN_Y: constant(bytes32) = 0x7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299


event MeterKeySet:
    site: indexed(uint256)
    curve: uint256  # 1 secp256k1, 2 secp256r1; 0: none any more
    x: bytes32
    y: bytes32


struct MeterKey:
    curve: uint256  # 1 secp256k1, 2 secp256r1; 0 for a site whose meter does not sign
    x: bytes32  # the public key
    y: bytes32


struct MeterSignature:
    r: bytes32
    s: bytes32
    parity: uint256  # of the y that belongs to r, 0 or 1; needed for secp256k1 alone


certificates: public(immutable(address))  # the GreenCertificates, whose registrar names keys
grid: immutable(address)
has_p256: public(immutable(bool))  # whether this chain verifies secp256r1
_keys: HashMap[uint256, MeterKey]
_generation: HashMap[
    uint256, uint256
]  # site -> how often its key was named: records of two keys show no energy together
_site_of: HashMap[bytes32, uint256]  # hash of a key -> site it serves or served


@deploy
def __init__(certificates_: address):
    assert certificates_.is_contract, "records: certificates missing"
    certificates = certificates_
    grid = staticcall IGreenCertificates(certificates_).grid()
    has_p256 = self._verifies(KNOWN_HASH, KNOWN_R, KNOWN_S, KNOWN_X, KNOWN_Y)


@external
def set_meter_key(site: uint256, key: MeterKey):
    """
    @notice Names the key that a site's meter signs records with, or with curve 0 that there is none any more. The
            registrar of the certificates only, unless he is the site's grid operator.
    @dev A key serves one site for ever: a record never speaks for two.
    """
    assert msg.sender == staticcall IGreenCertificates(certificates).registrar(), "registrar: not you"
    assert msg.sender != staticcall IGridRegistry(grid).zone_operator(site >> 16), "registrar: is grid operator"
    assert (staticcall IGridRegistry(grid).site(site)).owner != empty(address), "site: unknown"
    if key.curve == 0:
        assert key.x == empty(bytes32) and key.y == empty(bytes32), "meter: key without curve"
    else:
        assert key.curve <= SECP256R1, "meter: no such curve"
        assert key.curve == SECP256K1 or has_p256, "meter: curve not on this chain"
        assert key.x != empty(bytes32) and key.y != empty(bytes32), "meter: no key"
        served: bytes32 = keccak256(abi_encode(key))
        assert self._site_of[served] == 0 or self._site_of[served] == site, "meter: key of another site"
        self._site_of[served] = site
    self._keys[site] = key
    self._generation[site] = unsafe_add(self._generation[site], 1) & MASK_GENERATION
    log MeterKeySet(site=site, curve=key.curve, x=key.x, y=key.y)


@external
@view
def meter_key(site: uint256) -> MeterKey:
    """
    @notice The key of a site's meter; curve 0 where it has none.
    """
    return self._keys[site]


@internal
@view
def _check_signed(site: uint256, digest: bytes32, signature: MeterSignature):
    """
    @notice Refuses what the site's meter did not sign.
    @param digest SHA-256 of the record.
    """
    key: MeterKey = self._keys[site]
    assert key.curve != 0, "record: meter without key"
    signed: bool = False
    if key.curve == SECP256K1:
        signer: address = ecrecover(
            digest, 27 + (signature.parity & 1), convert(signature.r, uint256), convert(signature.s, uint256)
        )
        # An address is the end of its public key's hash; nobody's is zero, which is what no signature recovers to.
        owner: address = convert(convert(keccak256(concat(key.x, key.y)), uint256) & (2**160 - 1), address)
        signed = signer == owner
    else:
        signed = self._verifies(digest, signature.r, signature.s, key.x, key.y)
    assert signed, "record: signed by another"


@internal
@view
def _verifies(digest: bytes32, r: bytes32, s: bytes32, x: bytes32, y: bytes32) -> bool:
    """
    @notice Whether a signature of secp256r1 is good; never on a chain that cannot tell.
    @dev The precompile answers with 1, and with nothing at all to anything bad, as an empty account does.
    """
    answer: Bytes[32] = raw_call(P256, concat(digest, r, s, x, y), max_outsize=32, is_static_call=True)
    return len(answer) == 32 and convert(answer, uint256) == 1
