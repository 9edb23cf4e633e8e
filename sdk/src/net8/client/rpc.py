"""JSON-RPC without a connection: questions, answers, and what an error answer means.

Everything a client does is a *flow*: a generator that yields questions and receives answers. The synchronous and the
asynchronous client only carry them to the node and back, so all logic is written once.
"""

import re
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, TypeVar

from eth_abi.abi import decode

from net8.contracts.core import Call
from net8.errors import ChainFault, Net8Error, OutOfGasMoney, refusal

__all__ = ["Answer", "Ask", "Block", "Flow", "Pause", "block_parameter", "call_parameters", "fault_of", "result_of"]

T = TypeVar("T")
Block = int | str  # a number, or "latest", "pending", "earliest", "finalized", "safe"

_ERROR_STRING = "0x08c379a0"  # selector of Error(string), which carries a contract's reason
_REASON_IN_MESSAGE = re.compile(r"revert(?:ed)?:? (.+)$")


@dataclass(frozen=True, slots=True)
class Ask:
    """Questions to the node, sent together: (method, parameters) each."""

    requests: list[tuple[str, list[Any]]]


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait this many seconds."""

    seconds: float


Answer = dict[str, Any]  # with "result" or "error"
Flow = Generator[Ask | Pause, list[Answer], T]


def block_parameter(block: Block) -> str:
    """A block as JSON-RPC wants it."""
    return hex(block) if isinstance(block, int) else block


def call_parameters(call: Call[Any], sender: str | None = None, value: int = 0) -> dict[str, str]:
    """The transaction object of `eth_call` and `eth_estimateGas`."""
    parameters = {"to": call.to, "data": "0x" + call.data.hex()}
    if sender is not None:
        parameters["from"] = sender
    if value:
        parameters["value"] = hex(value)
    return parameters


def result_of(answer: Answer, what: str) -> Any:  # noqa: ANN401 - JSON of any shape
    """The result of an answer.

    Args:
        answer: from the node.
        what: for the message; of a contract call its label.

    Raises:
        Refused: a contract refused; the subclass says in which area.
        ChainFault: any other error of the node.
    """
    if "error" in answer:
        raise fault_of(answer["error"], what)
    return answer["result"]


def fault_of(error: dict[str, Any], what: str) -> Net8Error:
    """The exception for an error object."""
    message = str(error.get("message", ""))
    reason = _reason(error.get("data"), message)
    if reason is not None:
        return refusal(reason, what)
    if "insufficient funds" in message.lower():
        return OutOfGasMoney(
            f"{what}: the account cannot pay for the transaction; send it some of the chain's own coin"
        )
    return ChainFault(f"{what}: the node answered '{message}' (code {error.get('code')})")


def _reason(data: object, message: str) -> str | None:
    """The contract's reason; empty when it gave none; None when this is no refusal of a contract."""
    if isinstance(data, dict):  # some nodes wrap it
        data = data.get("data")
    if isinstance(data, str):
        found = data.find(_ERROR_STRING)
        if found >= 0:
            text: str = decode(["string"], bytes.fromhex(data[found + len(_ERROR_STRING) :]))[0]
            return text
    if "revert" in message.lower():
        in_message = _REASON_IN_MESSAGE.search(message)
        return in_message.group(1).strip(" '\"") if in_message else ""
    return None
