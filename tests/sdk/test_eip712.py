"""Typed data: our hashes against eth-account's own encoder, which shares no code with ours."""

import json
import subprocess
import sys

import pytest
from eth_abi.abi import encode
from eth_account import Account
from eth_account.messages import encode_typed_data
from hypothesis import given
from hypothesis import strategies as st
from net8.abi import CallRefused
from net8.contracts import Token
from net8.eip712 import (
    Domain,
    MessageRefused,
    Permit,
    Report,
    SiteConsent,
    StructType,
    grid_domain,
    registry_domain,
    token_domain,
)
from net8.signing import Signature, checksum_address, recover, sign

numbers = st.integers(0, 2**256 - 1)
addresses = st.binary(min_size=20, max_size=20).map(checksum_address)
messages = (
    st.builds(SiteConsent, numbers, addresses, numbers, numbers, addresses, numbers, numbers)
    | st.builds(Report, numbers, numbers, st.lists(numbers, max_size=8).map(tuple))
    | st.builds(Permit, addresses, addresses, numbers, numbers, numbers)
)
domains = st.builds(Domain, st.text(max_size=30), st.text(max_size=3), st.integers(1, 2**63), addresses)


@given(messages, domains)
def test_digest__any_message__same_as_eth_account_from_the_typed_data(message, domain):
    wallet_json = json.loads(json.dumps(message.typed_data(domain)))
    key = b"\x11" * 32
    theirs = Account.sign_message(encode_typed_data(full_message=wallet_json), key)
    assert sign(key, message.digest(domain)) == Signature.of_bytes(bytes(theirs.signature))


@given(messages, addresses)
def test_digest__another_contract_or_chain__differs(message, contract):
    here = grid_domain(1, contract)
    assert len({message.digest(d) for d in (here, grid_domain(2, contract), registry_domain(1, contract))}) == 3


def test_recover__wallet_signature_of_a_permit__its_owner():
    account = Account.create()
    permit = Permit(account.address, "0x" + "22" * 20, 10**18, 0, 2**32)
    domain = token_domain(31337, "0x" + "33" * 20)
    signed = account.sign_message(encode_typed_data(full_message=permit.typed_data(domain)))
    assert recover(permit.digest(domain), Signature.of_bytes(bytes(signed.signature))) == account.address


def test_domain__token_that_signs_in_one_with_a_salt__refused():
    token = Token("0x" + "33" * 20)
    kinds = ["bytes1", "string", "string", "uint256", "address", "bytes32", "uint256[]"]
    told = encode(kinds, [b"\x1f", "Salted Euro", "1", 31337, token.address, b"\x01" * 32, []])
    with pytest.raises(CallRefused, match=r"Salted Euro at .* signs in a domain of other fields"):
        token.domain().decode(told)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("uint256", -1),
        ("uint256", 2**256),
        ("uint256", "1"),
        ("bytes32", b"\0" * 31),
        ("string", b"text"),
        ("bytes", "0x00"),
        ("bool", 1),
        ("uint256[]", 5),
        ("uint256[]", [1, -1]),
        ("int8", 1),
    ],
)
def test_struct__value_does_not_fit__refused_by_name(kind, value):
    with pytest.raises(MessageRefused, match=r"^amount is .*, which is no"):
        StructType("Any", ((kind, "amount"),)).hash({"amount": value})


def test_struct__every_atomic_type__same_as_eth_account():
    kind = StructType(
        "Mixed",
        (("string", "note"), ("bytes", "raw"), ("bytes32", "word"), ("bool", "flag"), ("address[]", "who")),
    )
    values = {"note": "Straße", "raw": b"\1\2", "word": b"\3" * 32, "flag": True, "who": ["0x" + "44" * 20]}
    domain = Domain("A", "1", 5, "0x" + "55" * 20)
    signed = Account.sign_message(encode_typed_data(full_message=kind.typed_data(domain, values)), b"\1" * 32)
    assert sign(b"\1" * 32, kind.digest(domain, values)) == Signature.of_bytes(bytes(signed.signature))


@pytest.mark.parametrize("module", ["net8", "net8.units", "net8.packing", "net8.margin", "net8.eip712", "net8.signing"])
def test_import__light_module__loads_neither_web3_nor_eth_account(module):
    heavy = ("web3", "eth_account", "eth_utils", "pydantic")
    code = f"import {module}, sys; print([m for m in {heavy} if m in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert loaded.strip() == "[]"
