"""A node's signed answer to a batch of readings: what a gateway believes a broker that stands between them.

The readings need nothing more, their meters have signed them. The answer does: by it the gateway forgets what it sent.
It carries the hash of the question. The topics, with the chain's id and a node's signer in hexadecimal:

    net8/<chain>/<signer>/readings    to the node: the body of POST /readings; MQTT's response topic and correlation
    net8/<chain>/answers/<random>     to one gateway: a SignedAnswer
"""

from coincurve import PrivateKey
from net8.eip712 import Domain, StructType
from net8.signing import keccak256
from pydantic import ValidationError

from net8_oracle import crypto
from net8_oracle.wire import HexBytes, ReadingsAnswer, WireModel

__all__ = ["AnswerRefused", "answers_prefix", "believed", "readings_topic", "signed_answer"]

_ANSWER = StructType("ReadingsAnswer", (("bytes32", "question"), ("bytes32", "answer")))


class AnswerRefused(ValueError):
    """Not the answer of that node to that question."""


class SignedAnswer(WireModel):
    """The exact text that was signed, and the signature of the node's signer."""

    answer: str
    signature: HexBytes


def readings_topic(chain_id: int, signer: bytes) -> str:
    """Where a node takes readings."""
    return f"net8/{chain_id}/{signer.hex()}/readings"


def answers_prefix(chain_id: int) -> str:
    """Where nodes answer, and nowhere else, whatever topic a question names."""
    return f"net8/{chain_id}/answers/"


def _digest(domain: Domain, question: bytes, answer: bytes) -> bytes:
    return _ANSWER.digest(domain, {"question": keccak256(question), "answer": keccak256(answer)})


def signed_answer(key: PrivateKey, domain: Domain, question: bytes, answer: ReadingsAnswer) -> bytes:
    """What a node sends back."""
    text = answer.model_dump_json()
    signature = crypto.sign(key, _digest(domain, question, text.encode()))
    return SignedAnswer(answer=text, signature=signature).model_dump_json().encode()


def believed(raw: bytes, domain: Domain, question: bytes, signer: bytes) -> ReadingsAnswer:
    """The answer in `raw`, if `signer` (20 bytes) has given it to that question.

    Raises:
        AnswerRefused: it is none, or of somebody else, or to something else.
    """
    try:
        signed = SignedAnswer.model_validate_json(raw)
        digest = _digest(domain, question, signed.answer.encode())
        if crypto.recover(digest, signed.signature) != signer:
            raise AnswerRefused("another key has signed it, or it answers another question")
        return ReadingsAnswer.model_validate_json(signed.answer)
    except (ValidationError, crypto.SignatureInvalid, UnicodeEncodeError) as fault:
        raise AnswerRefused(" ".join(str(fault).split())[:120]) from None
