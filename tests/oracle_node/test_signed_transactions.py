"""Transactions of a node against those that eth-account signs."""

from coincurve import PrivateKey
from eth_account import Account
from hypothesis import given
from hypothesis import strategies as st
from net8.signing import checksum_address
from net8_oracle.node.fees import Fees
from net8_oracle.node.transactions import Call, sign

from tests.oracle_node.mesh import private_key

words = st.integers(0, 2**64 - 1)


@given(
    key=st.binary(min_size=32, max_size=32).filter(lambda raw: 0 < int.from_bytes(raw) < 2**255),
    chain_id=st.integers(1, 2**53), nonce=words, to=st.binary(min_size=20, max_size=20),
    data=st.binary(max_size=400), gas=words, most=words, tip=words,
)  # fmt: skip
def test_sign__any_transaction__bytes_and_hash_of_eth_account(
    key: bytes, chain_id: int, nonce: int, to: bytes, data: bytes, gas: int, most: int, tip: int
) -> None:
    theirs = Account.from_key(key).sign_transaction(
        {
            "type": 2, "chainId": chain_id, "nonce": nonce, "to": checksum_address(to), "value": 0, "data": data,
            "gas": gas, "maxFeePerGas": most, "maxPriorityFeePerGas": tip,
        }
    )  # fmt: skip
    ours = sign(PrivateKey(key), chain_id, nonce, Call(to, data, gas), Fees(most, tip))
    assert ours == (bytes(theirs.hash), bytes(theirs.raw_transaction))


def test_sign__recovered_by_eth_account__the_keys_account() -> None:
    key = private_key("transmitter")
    _, raw = sign(key, 31337, 7, Call(b"\x01" * 20, b"report", 100_000), Fees(10, 1))
    assert Account.recover_transaction(raw) == Account.from_key(key.secret).address
    _, other = sign(key, 31338, 7, Call(b"\x01" * 20, b"report", 100_000), Fees(10, 1))
    assert raw != other, "worthless on another chain"
