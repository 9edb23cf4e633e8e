"""Evidence of equivocation: two signed statements of one signer that cannot both be honest, kept whole.

Of an operator: two observations, proposals or reports of one part, slot and round; the OracleCourt takes observations
and reports. Of a meter: two readings of one slot boundary. The content is JSON, `{"first": ..., "second": ...}`, each
as it went over the wire, so that anybody can check it again from nothing but the chain's lists.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from net8.signing import keccak256
from net8.units import SLOT_SECONDS
from pydantic import BaseModel

from net8_oracle.node.envelopes import Key
from net8_oracle.reading import SignedReading
from net8_oracle.wire import WireReading

__all__ = ["Evidence", "doubled", "of_meter", "of_operator"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """One proof."""

    kind: str  # observation, proposal, report or reading
    signer: bytes  # address of the operator; of a meter, its site as 20 bytes
    key: Key
    round: int
    content: bytes

    @property
    def id(self) -> bytes:
        """The same proof is kept once."""
        return keccak256(self.content)


def _content(first: BaseModel, second: BaseModel) -> bytes:
    pair = sorted((first.model_dump_json(), second.model_dump_json()))
    return json.dumps({"first": json.loads(pair[0]), "second": json.loads(pair[1])}).encode()


def doubled(evidence: Iterable[Evidence]) -> Iterator[tuple[int, int]]:
    """Sites, and slots at whose start their meter signed two readings."""
    for one in evidence:
        if one.kind == "reading":
            shown = json.loads(one.content)["first"]
            yield shown["site"], shown["taken_at"] // SLOT_SECONDS


def of_operator(kind: str, signer: bytes, key: Key, round_: int, first: BaseModel, second: BaseModel) -> Evidence:
    """An operator's two statements, as envelopes."""
    return Evidence(kind, signer, key, round_, _content(first, second))


def of_meter(key: Key, first: SignedReading, second: SignedReading) -> Evidence:
    """A meter's two readings."""
    site = first.reading.site.to_bytes(20)
    return Evidence("reading", site, key, 0, _content(WireReading.of(first), WireReading.of(second)))
