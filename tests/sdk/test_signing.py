"""Signatures: equal to the ecosystem's own, and what is broken is refused."""

import pytest
from eth_account import Account
from eth_utils import to_checksum_address
from hypothesis import given
from hypothesis import strategies as st
from net8.signing import Signature, SignatureRefused, address_of, checksum_address, keccak256, recover, sign

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
keys = st.integers(1, ORDER - 1).map(lambda number: number.to_bytes(32))
digests = st.binary(min_size=32, max_size=32)


@given(keys, digests)
def test_sign__any_key_and_digest__same_as_eth_account(key, digest):
    ours = sign(key, digest)
    theirs = Account.unsafe_sign_hash(digest, key)
    assert (ours.r, ours.s, ours.v) == (theirs.r, theirs.s, theirs.v)
    assert address_of(key) == Account.from_key(key).address


@given(keys, digests)
def test_recover__any_form_of_a_signature__its_signer(key, digest):
    signature = sign(key, digest)
    assert recover(digest, Signature.of_compact(*signature.compact)) == address_of(key)
    assert recover(digest, Signature.of_bytes(b"".join(signature.compact))) == address_of(key)
    assert recover(digest, Signature.of_bytes(signature.to_bytes())) == address_of(key)


@given(keys, digests)
def test_of_bytes__high_s__brought_to_the_low_twin(key, digest):
    low = sign(key, digest)
    high = low.r.to_bytes(32) + (ORDER - low.s).to_bytes(32) + bytes([27 + (not low.odd)])
    assert Signature.of_bytes(high) == low


@given(st.binary(min_size=20, max_size=20))
def test_checksum_address__any_address__as_eth_utils_writes_it(raw):
    expected = to_checksum_address(raw)
    assert checksum_address(raw) == checksum_address(expected.lower()) == checksum_address(expected) == expected


@pytest.mark.parametrize("address", ["", "0x", "0x12", "12" * 20, "0x" + "zz" * 20, "0x0x" + "1" * 38, b"\1" * 19])
def test_checksum_address__no_address__refused(address):
    with pytest.raises(SignatureRefused, match="40 hexadecimal digits"):
        checksum_address(address)


def test_checksum_address__one_letter_in_wrong_case__refused():
    with pytest.raises(SignatureRefused, match="fails its checksum"):
        checksum_address("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD".replace("5aA", "5AA"))


@pytest.mark.parametrize("raw", [b"", b"\1" * 63, b"\1" * 64 + b"\x02", b"\1" * 66])
def test_of_bytes__wrong_length_or_v__refused(raw):
    with pytest.raises(SignatureRefused, match="65 bytes"):
        Signature.of_bytes(raw)


@pytest.mark.parametrize(("r", "s"), [(0, 1), (1, 0), (ORDER, 1), (1, ORDER)])
def test_signature__out_of_range__refused(r, s):
    with pytest.raises(SignatureRefused, match="out of range"):
        Signature.of_bytes(r.to_bytes(32) + s.to_bytes(32) + b"\x1b")


def test_recover__r_of_no_point__refused():
    no_point = next(r for r in range(1, 100) if _is_refused(r))
    with pytest.raises(SignatureRefused, match="no key can have made"):
        recover(b"\7" * 32, Signature(no_point, 1, False))


def _is_refused(r: int) -> bool:
    """Whether x = r is on no point of the curve: r^3 + 7 is no square."""
    prime = 2**256 - 2**32 - 977
    return pow(r**3 + 7, (prime - 1) // 2, prime) != 1


@pytest.mark.parametrize("key", [b"", b"\0" * 32, b"\1" * 33])
def test_sign__no_private_key__refused(key):
    with pytest.raises(SignatureRefused, match="no private key"):
        sign(key, keccak256(b"report"))


def test_sign__digest_of_wrong_length__refused():
    with pytest.raises(SignatureRefused, match="32 bytes, not 31"):
        sign(b"\1" * 32, b"\0" * 31)
