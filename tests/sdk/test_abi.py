"""ABIs: what the package carries is what the contracts compile to, and the SDK covers all of it."""

import inspect
from dataclasses import fields

import pytest
from net8 import abi, contracts, events
from net8.abi import CallRefused
from net8.contracts import Exchange
from net8.contracts.core import Contract
from vyper.compiler.output import build_abi_output

from tests.compiled import compiled

# Functions that are no part of the SDK, and why.
NOT_CALLED = {
    "open_site": "the grid registry calls it",
    "connect": "the grid registry calls it",
    "fix_published": "the grid registry calls it",
    "stop_orders": "the grid registry calls it",
    "pay_out": "the grid registry calls it",
    "settle": "the oracle registry calls it",
    "draw_oracle_fees": "the oracle registry calls it",
    "slash": "the court calls it",
    "slash_all": "the court calls it",
    "freeze": "the court calls it",
    "unfreeze": "the court calls it",
    "charge": "the desk calls it",
    "trade": "the desk calls it",
    "take_abroad": "the desk calls it",
    "position_word": "ExchangeLens.positions_of gives it for many sites",
    "side_word": "ExchangeLens.depth reads it",
    "level_word": "ExchangeLens.depth reads it",
    "queue_word": "ExchangeLens.depth reads it",
    "expiry_word": "it matters to matching alone",
    "packed_terms": "the exchange asks for it; terms is the readable view",
    "balanceOf": "named balance_of",
    "balanceOfBatch": "named balances_of",
    "safeTransferFrom": "named transfer",
    "totalSupply": "named total_supply",
    "transferFrom": "named transfer_from",
    "UNBONDING": "named unbonding",
    "pool_requests": "named pool_request",
    "safeBatchTransferFrom": "wallets and marketplaces",
    "setApprovalForAll": "named approve_all",
    "isApprovedForAll": "named is_approved_for_all",
    "supportsInterface": "wallets and marketplaces",
    "eip712Domain": "named domain of a token; net8.eip712 has the others, and a test compares them",
    "DOMAIN_SEPARATOR": "net8.eip712 has the domains; a test compares them",
    "MIN_OPERATORS": "quorum is refused below it",
    "SLASH_WINDOW": "slashable_now says what is left of it",
    "MAX_ZONES": "in the sentence of the refusal",
    "MAX_OVERLAP": "in the sentence of the refusal",
    "BOUNTY_SHARE": "the event has what came of it",
    "DISPUTE_WINDOW": "in the sentence of the refusal",
    "VOTE_PERIOD": "a dispute says when it ends",
    "APPEAL_PERIOD": "in the sentence of the refusal",
    "ALERT_AFTER": "in the sentence of the refusal",
    "name": "metadata",
    "burn_from": "the Reserve calls it",
    "is_minter": "the local euro's own matter",
    "renounce_ownership": "the local euro's own matter",
    "net8": "an address of the deployment file",
    "exchange": "an address of the deployment file",
}
RENAMED_FIELDS = {"from": "sender", "to": "receiver"}
PACKED = {
    "OrderPlaced",
    "OrderReduced",
    "OrderClosed",
    "Trade",
    "PairsTraded",
    "Settled",
    "StripFilled",
}  # see test_events


@pytest.mark.parametrize("name", abi.CONTRACT_NAMES)
def test_abi__packaged__is_what_the_contract_compiles_to(name):
    source = "local/TestEuro" if name == "TestEuro" else name
    assert abi.raw(name) == build_abi_output(compiled(source)), "run `make abi`"


def test_abi__every_function__has_a_method():
    classes = [value for value in vars(contracts).values() if inspect.isclass(value) and issubclass(value, Contract)]
    methods = {(kind.NAME, name) for kind in classes if kind is not Contract for name in dir(kind)}
    methods |= {("NET8", name) for kind, name in methods if kind == "TestEuro"}
    for contract in abi.CONTRACT_NAMES:
        known = {name for kind, name in methods if kind == contract}
        missing = {name for name, _ in abi.load(contract).functions} - known - NOT_CALLED.keys()
        if contract == "TestEuro":
            missing -= {"set_minter", "transfer_ownership"}  # the local euro's own matters
        assert missing == set(), contract


def test_events__every_event_of_the_abis__has_a_dataclass_with_its_fields_or_a_decoder():
    for contract in abi.CONTRACT_NAMES:
        for name, declared in abi.load(contract).events.items():
            kind = getattr(events, name)
            names = [field.lstrip("_") for field, _, _ in declared.inputs]
            expected = [RENAMED_FIELDS.get(field, field) for field in names]
            assert (kind.of.__func__ is events.Event.of.__func__) == (name not in PACKED), name
            assert name in PACKED or [field.name for field in fields(kind)] == expected
            assert events.topic_of(kind) == declared.topic


def test_decode__log_of_a_foreign_contract__left_out():
    log = {"topics": ["0x" + "77" * 32], "data": "0x", "address": "0x" + "11" * 20}
    assert events.decode(log) is None
    assert events.decode(log | {"topics": []}) is None


def test_call__value_out_of_range__refused_by_name():
    with pytest.raises(CallRefused, match=r"^place\(uint256,.*cannot take .*-1"):
        Exchange("0x" + "11" * 20).place(65537, 1, True, -1, 1)


def test_arguments__calldata_of_a_call__what_it_was_given():
    address = "0x" + "11" * 20
    call = Exchange(address).withdraw(7, 10**18, address)
    function = abi.load("EnergyExchange").function("withdraw", 3)
    assert function.arguments(call.data) == (7, 10**18, address)
    assert function.arguments(call.data[:-1]) is None
    assert function.arguments(b"\0" + call.data) is None


def test_call__answer_of_another_shape__refused():
    call = Exchange("0x" + "11" * 20).free_balance(65537)
    with pytest.raises(CallRefused, match=r"free_balance answered 0 bytes that are no \(uint256\)"):
        call.decode(b"")


def test_call__unknown_function__refused():
    with pytest.raises(CallRefused, match="no function place with 2 arguments"):
        abi.load("EnergyExchange").function("place", 2)
