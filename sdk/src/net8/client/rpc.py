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
from net8.errors import ChainFault, ChainUnreachable, Net8Error, OutOfGasMoney, refusal

__all__ = [
    "Answer",
    "Ask",
    "Block",
    "Flow",
    "Pause",
    "Request",
    "answers_of",
    "block_parameter",
    "call_parameters",
    "fault_of",
    "payload_of",
    "result_of",
    "unreachable",
]

T = TypeVar("T")
Request = tuple[str, list[Any]]  # method and parameters
Answer = dict[str, Any]  # with "result" or "error"
Block = int | str  # a number, or "latest", "pending", "earliest", "finalized", "safe"

_ERROR_STRING = "0x08c379a0"  # selector of Error(string), which carries a contract's reason
_REASON_IN_MESSAGE = re.compile(r"revert(?:ed)?:? (.+)$")


@dataclass(frozen=True, slots=True)
class Ask:
    """Questions to the node, sent together."""

    requests: list[Request]


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait this many seconds."""

    seconds: float


Flow = Generator[Ask | Pause, list[Answer], T]


def payload_of(requests: list[Request]) -> dict[str, Any] | list[dict[str, Any]]:
    """What is posted to ask `requests`: a batch, or a single question as itself."""
    questions = [
        {"jsonrpc": "2.0", "id": number, "method": method, "params": parameters}
        for number, (method, parameters) in enumerate(requests)
    ]
    return questions[0] if len(questions) == 1 else questions


def answers_of(content: object, count: int, url: str) -> list[Answer]:
    """The answers in what came back, in the order of the questions."""
    answers = [content] if count == 1 else content
    if not isinstance(answers, list) or len(answers) != count or not all(_is_answer(answer) for answer in answers):
        raise ChainFault(
            f"{url} does not answer {count} questions sent together; check the address or use a smaller `batch`"
        )
    return sorted(answers, key=lambda answer: answer["id"] or 0)


def _is_answer(answer: object) -> bool:
    return isinstance(answer, dict) and "id" in answer and ("result" in answer or "error" in answer)


def unreachable(url: str, fault: Exception) -> ChainUnreachable:
    """The exception for a node that does not answer."""
    return ChainUnreachable(
        f"no answer from {url} ({type(fault).__name__}); check that the node runs and the address is right"
    )


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
