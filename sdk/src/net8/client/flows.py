"""What clients do, as flows: reading, checking, signing, sending, waiting."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from eth_account.signers.local import LocalAccount

from net8.client.rpc import Answer, Ask, Block, Flow, Pause, Request, block_parameter, call_parameters, result_of
from net8.contracts.core import Call
from net8.errors import (
    ChainFault,
    ChainUnreachable,
    DeploymentMismatch,
    Net8Error,
    OutOfGas,
    Refused,
    Unconfirmed,
    refusal,
)
from net8.events import Event, Logged, decode_all, topic_of
from net8.signing import checksum_address, keccak256

__all__ = [
    "BlockHeader",
    "NonceTaken",
    "Prepared",
    "Receipt",
    "SenderState",
    "ask",
    "block",
    "events",
    "prepare",
    "read_many",
    "receipt",
    "send",
    "submit",
    "verify",
]

T = TypeVar("T")
E = TypeVar("E", bound=Event)

_METHOD_UNKNOWN = -32601
_GAS_MAX = 16_777_216  # of one transaction since Osaka
_GAS_SPARE = 20_000
_GAS_SPENT = 32  # a failed transaction that left less than one part in 32 of its gas ran out of it
_FIRST_PAUSE = 0.05  # seconds between two looks for a receipt; doubles
_LONGEST_PAUSE = 1.0
_LOG_BLOCKS = 10_000  # blocks in one question for logs


@dataclass(frozen=True, slots=True)
class BlockHeader:
    """What matters of a block."""

    number: int
    timestamp: int  # unix seconds: the only time that counts
    base_fee: int  # wei per gas
    hash: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """A transaction that came through."""

    transaction: str
    block: int
    gas_used: int
    gas_price: int  # wei
    events: tuple[Logged[Event], ...]

    def find(self, kind: type[E]) -> list[E]:
        """The events of one kind, in order."""
        return [logged.event for logged in self.events if isinstance(logged.event, kind)]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A signed transaction that has not been sent. Sending it twice does it once."""

    label: str
    raw: bytes
    transaction: str  # its hash
    sender: str
    nonce: int
    gas: int  # its limit
    request: dict[str, str]  # the same as a call, to ask why it failed


@dataclass(slots=True)
class SenderState:
    """What a sender remembers between transactions."""

    account: LocalAccount
    receipt_timeout: float  # seconds
    nonce: int | None = None  # of the next transaction, None when the node has to be asked
    chain_id: int | None = None
    sync_sending: bool = True  # whether the node knows eth_sendRawTransactionSync (EIP-7966), as far as we know
    address: str = field(init=False)

    def __post_init__(self) -> None:
        self.address = checksum_address(self.account.address)


def ask(method: str, parameters: list[Any]) -> Flow[Any]:
    """Any one question."""
    (answer,) = yield Ask([(method, parameters)])
    return result_of(answer, method)


def read_many(calls: Sequence[Call[T]], block_identifier: Block, sender: str | None) -> Flow[list[T]]:
    """Answers of view calls, all at one block."""
    at = block_parameter(block_identifier)
    answers = yield Ask([("eth_call", [call_parameters(call, sender), at]) for call in calls])
    return [
        call.decode(bytes.fromhex(result_of(answer, call.label)[2:]))
        for call, answer in zip(calls, answers, strict=True)
    ]


def block(identifier: Block) -> Flow[BlockHeader]:
    """A block's header."""
    found = yield from ask("eth_getBlockByNumber", [block_parameter(identifier), False])
    if found is None:
        raise ChainFault(f"there is no block {identifier} yet")
    return BlockHeader(
        number=int(found["number"], 16),
        timestamp=int(found["timestamp"], 16),
        base_fee=int(found.get("baseFeePerGas", "0x0"), 16),
        hash=found["hash"],
    )


def events(addresses: Sequence[str], kinds: Sequence[type[Event]], first: int, last: int) -> Flow[list[Logged[Event]]]:
    """Events of contracts in blocks `first` to `last`, oldest first; of all kinds when `kinds` is empty."""
    found: list[Logged[Event]] = []
    topics = [["0x" + topic_of(kind).hex() for kind in kinds]] if kinds else []
    for start in range(first, last + 1, _LOG_BLOCKS):
        wanted = {
            "address": list(addresses),
            "topics": topics,
            "fromBlock": hex(start),
            "toBlock": hex(min(start + _LOG_BLOCKS - 1, last)),
        }
        found += decode_all((yield from ask("eth_getLogs", [wanted])))
    return found


def verify(chain_id: int, code_hashes: dict[str, str]) -> Flow[None]:
    """Check that this is the chain of a deployment.

    Args:
        chain_id: of the deployment.
        code_hashes: keccak of the runtime code by address.

    Raises:
        DeploymentMismatch: another chain, or other code at an address.
    """
    requests: list[Request] = [("eth_chainId", [])]
    requests += [("eth_getCode", [address, "latest"]) for address in code_hashes]
    chain, *codes = yield Ask(requests)
    found = int(result_of(chain, "eth_chainId"), 16)
    if found != chain_id:
        raise DeploymentMismatch(f"the node serves chain {found}, the deployment is on chain {chain_id}; change one")
    for (address, expected), answer in zip(code_hashes.items(), codes, strict=True):
        code = bytes.fromhex(result_of(answer, "eth_getCode")[2:])
        if "0x" + keccak256(code).hex() != expected:
            raise DeploymentMismatch(
                f"at {address} there is other code than the deployment file says; deploy again or use the right file"
            )


# --- transactions ---------------------------------------------------------------------------------------------------


def prepare(
    state: SenderState, call: Call[Any], value: int, gas: int | None, nonce: int | None = None
) -> Flow[Prepared]:
    """Try a call without sending it, then sign it as a transaction.

    Raises:
        Refused: the contract would refuse it; nothing was sent.
        OutOfGasMoney: the account cannot pay.
    """
    request = call_parameters(call, state.address, value)
    wanted_nonce = state.nonce if nonce is None else nonce
    requests: list[Request] = [
        ("eth_estimateGas", [request]) if gas is None else ("eth_call", [request, "latest"]),
        ("eth_getBlockByNumber", ["latest", False]),
        ("eth_maxPriorityFeePerGas", []),
    ]
    if wanted_nonce is None:
        requests.append(("eth_getTransactionCount", [state.address, "pending"]))
    if state.chain_id is None:
        requests.append(("eth_chainId", []))
    trial, head, tip, *rest = yield Ask(requests)
    if state.chain_id is None:
        state.chain_id = int(result_of(rest.pop(), "eth_chainId"), 16)
    if wanted_nonce is None:
        wanted_nonce = int(result_of(rest.pop(), "eth_getTransactionCount"), 16)
    tried = result_of(trial, call.label)
    limit = gas or min(int(tried, 16) * 5 // 4 + _GAS_SPARE + call.spare_gas, _GAS_MAX)
    base_fee = int(result_of(head, "eth_getBlockByNumber")["baseFeePerGas"], 16)
    priority = int(result_of(tip, "eth_maxPriorityFeePerGas"), 16)
    transaction: dict[str, Any] = {
        "type": 2,
        "chainId": state.chain_id,
        "nonce": wanted_nonce,
        "to": call.to,
        "data": call.data,
        "value": value,
        "gas": limit,
        "maxFeePerGas": 2 * base_fee + priority,
        "maxPriorityFeePerGas": priority,
    }
    signed = state.account.sign_transaction(transaction)
    return Prepared(
        label=call.label,
        raw=bytes(signed.raw_transaction),
        transaction="0x" + bytes(signed.hash).hex(),
        sender=state.address,
        nonce=wanted_nonce,
        gas=limit,
        request=request,
    )


def submit(state: SenderState, prepared: Prepared) -> Flow[Receipt]:
    """Send a signed transaction and wait for its receipt. Safe to repeat with the same `prepared`.

    Raises:
        Refused: it came through the chain but the contract refused it.
        OutOfGas: it came through but needed more gas than it was given.
        NonceTaken: another transaction of the account has its number; prepare it again.
        Unconfirmed: no receipt within the sender's time.
    """
    try:
        found = yield from _deliver(state, prepared)
    except ChainUnreachable:
        found = None  # it may have arrived all the same
    state.nonce = None  # until the receipt is there only the node can tell the next number
    raw_receipt = found or (yield from _wait_for(prepared, state.receipt_timeout))
    state.nonce = prepared.nonce + 1
    if int(raw_receipt["status"], 16) == 1:
        return _receipt(raw_receipt)
    raise (yield from _why(prepared, raw_receipt))


def _deliver(state: SenderState, prepared: Prepared) -> Flow[dict[str, Any] | None]:
    """Hand a transaction to the node; the receipt if the node gives it at once."""
    raw = "0x" + prepared.raw.hex()
    if state.sync_sending:
        (answer,) = yield Ask([("eth_sendRawTransactionSync", [raw])])
        if answer.get("error", {}).get("code") != _METHOD_UNKNOWN:
            return _accepted(answer, prepared)
        state.sync_sending = False
    (answer,) = yield Ask([("eth_sendRawTransaction", [raw])])
    return _accepted(answer, prepared)


class NonceTaken(Net8Error):
    """Another transaction of the account has this one's number."""


def _accepted(answer: Answer, prepared: Prepared) -> dict[str, Any] | None:
    """The receipt if the node gave one; None when it has to be waited for."""
    error = answer.get("error")
    if error is None:
        result = answer["result"]
        return result if isinstance(result, dict) and result.get("status") is not None else None
    message = str(error.get("message", "")).lower()
    if "already known" in message or "already imported" in message or "timed out" in message or error.get("code") == 4:
        return None
    if "nonce too low" in message:
        return None  # perhaps it is this very transaction that came through: the receipt will tell
    result_of(answer, prepared.label)
    return None


def _wait_for(prepared: Prepared, seconds: float) -> Flow[dict[str, Any]]:
    began, pause = time.monotonic(), _FIRST_PAUSE
    while True:
        try:
            found = yield from _look_for(prepared)
        except ChainUnreachable:
            found = None
        if found is not None:
            return found
        waited = time.monotonic() - began
        if waited >= seconds:
            raise Unconfirmed(prepared.transaction, waited)
        yield Pause(pause)
        pause = min(pause * 2, _LONGEST_PAUSE)


def _look_for(prepared: Prepared) -> Flow[dict[str, Any] | None]:
    """The receipt; None while there is none. The count is asked first, so that a taken number is no race."""
    count, known = yield Ask(
        [
            ("eth_getTransactionCount", [prepared.sender, "latest"]),
            ("eth_getTransactionReceipt", [prepared.transaction]),
        ]
    )
    found: dict[str, Any] | None = result_of(known, "eth_getTransactionReceipt")
    if found is None and int(result_of(count, "eth_getTransactionCount"), 16) > prepared.nonce:
        raise NonceTaken(
            f"{prepared.label}: number {prepared.nonce} of {prepared.sender} was used by another transaction; "
            "send this one again"
        )
    return found


def _why(prepared: Prepared, failed: dict[str, Any]) -> Flow[Net8Error]:
    """Why a mined transaction failed: asked of the state before its block, and of the state after it."""
    if int(failed["gasUsed"], 16) > prepared.gas - prepared.gas // _GAS_SPENT:
        return OutOfGas(
            f"{prepared.label} met more work than expected and ran out of gas; nothing changed, send it again"
        )
    number = int(failed["blockNumber"], 16)
    for at in (number - 1, number):
        (answer,) = yield Ask([("eth_call", [prepared.request, hex(at)])])
        try:
            result_of(answer, prepared.label)
        except Refused as refused:
            return refused
    return refusal("", prepared.label)


def send(state: SenderState, call: Call[Any], value: int, gas: int | None) -> Flow[Receipt]:
    """Try, sign, send and wait; once more when another transaction of the account came between."""
    for attempt in (1, 2):
        prepared = yield from prepare(state, call, value, gas)
        try:
            return (yield from submit(state, prepared))
        except NonceTaken:
            if attempt == 2:
                raise
    raise AssertionError("the loop above returns or raises")


def receipt(transaction: str) -> Flow[Receipt | None]:
    """The receipt of a transaction; None while it has none.

    Raises:
        Refused: it failed (the reason is not looked for).
    """
    found = yield from ask("eth_getTransactionReceipt", [transaction])
    if found is None:
        return None
    if int(found["status"], 16) != 1:
        raise refusal("", f"transaction {transaction}")
    return _receipt(found)


def _receipt(raw: dict[str, Any]) -> Receipt:
    return Receipt(
        transaction=raw["transactionHash"],
        block=int(raw["blockNumber"], 16),
        gas_used=int(raw["gasUsed"], 16),
        gas_price=int(raw.get("effectiveGasPrice", "0x0"), 16),
        events=tuple(decode_all(raw["logs"])),
    )
