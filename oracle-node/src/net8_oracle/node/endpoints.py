# ruff: noqa: ANN401 - JSON of any shape
"""Several chain nodes behind one face: the first that is well answers, the next one steps in for it.

A chain node may be down, accept and never answer, stand on another chain, or lag behind. None of this stops the
oracle node while any of them is well, and while none is, all are tried. What a chain node says is believed as far as
it goes: reports are agreed on by a quorum of operators, each with chain nodes of its own.
"""

import asyncio
import logging
import statistics
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, TypeVar

from net8.logs import fields
from net8.signing import keccak256

from net8_oracle.rpc import Rpc, RpcRefused, RpcUnreachable, as_it_is

__all__ = ["Endpoint", "Endpoints", "Standing", "is_revert", "number"]

log = logging.getLogger(__name__)

T = TypeVar("T")

_PROBE_EVERY = 1.0  # seconds
_LAG_MOST = 8  # blocks behind the others, however fast it moves
_REFUSALS_MOST = 3  # answers in a row that are errors of the node itself, such as a quota


class Standing(Enum):
    """How far a chain node is to be used; in the order in which they are tried."""

    WELL = "well"
    BEHIND = "behind"  # its head stands still or far below the others'
    SILENT = "silent"  # does not answer, or with errors of its own
    WRONG = "wrong"  # another chain or other contracts: never used


_ORDER = {standing: number for number, standing in enumerate(Standing)}


class WrongChain(RpcUnreachable):
    """A chain node that stands on another chain, or where the contracts are not those of the deployment."""


def number(quantity: Any) -> int:
    """A JSON-RPC quantity as a number."""
    return int(quantity, 16)


def is_revert(fault: RpcRefused) -> bool:
    """Whether a refusal is the contract's own answer, which every chain node would give."""
    return fault.code == 3 or "revert" in fault.message.lower()


@dataclass(slots=True)
class Endpoint:
    """One chain node and what we know of it."""

    rpc: Rpc
    standing: Standing = Standing.WELL
    verified: bool = False  # chain and contracts, since it last answered
    head: int = 0
    refusals: int = 0
    has_sync: bool = True  # eth_sendRawTransactionSync, until it says otherwise
    reason: str = ""
    checking: asyncio.Lock = field(default_factory=asyncio.Lock)


class Endpoints:
    """The chain nodes of one configuration, in the order in which they are preferred."""

    def __init__(self, rpcs: Sequence[Rpc], chain_id: int, codes: Mapping[str, str]) -> None:
        """`codes`: hash of the runtime code (0x...) by address, of the contracts that must be there."""
        self.all = [Endpoint(rpc) for rpc in rpcs]
        self._chain_id = chain_id
        self._codes = codes

    # --- asking ------------------------------------------------------------------------------------------------

    def ranked(self) -> list[Endpoint]:
        """Those that may be used, the best first."""
        usable = [one for one in self.all if one.standing is not Standing.WRONG]
        return sorted(usable, key=lambda one: _ORDER[one.standing])

    async def call(self, method: str, *params: Any, into: Callable[[Any], T] = as_it_is) -> T:
        """Result of one call, from the first chain node that gives one.

        Raises:
            RpcUnreachable: none answered in time.
            RpcRefused: the contract reverted, or every chain node refused.
        """
        return await self._first(lambda rpc: rpc.call(method, *params, into=into))

    async def many(self, method: str, params: Sequence[Sequence[Any]], into: Callable[[list[Any]], T] = as_it_is) -> T:
        """Results of one method for many parameter lists, all from the same chain node."""
        return await self._first(lambda rpc: rpc.many(method, params, into=into))

    async def _first(self, ask: Callable[[Rpc], Awaitable[T]]) -> T:
        fault: RpcUnreachable | RpcRefused | None = None
        for endpoint in self.ranked():
            try:
                return await self.ask(endpoint, ask)
            except RpcRefused as refusal:
                if is_revert(refusal):
                    raise
                fault = refusal
            except RpcUnreachable as silence:
                fault = fault or silence
        raise fault or RpcUnreachable(f"no chain node can be used: {'; '.join(one.reason for one in self.all)}")

    async def ask(self, endpoint: Endpoint, ask: Callable[[Rpc], Awaitable[T]]) -> T:
        """Ask one chain node, after checking that it is the right one, and note how it stands."""
        try:
            if not endpoint.verified:
                await self._verify(endpoint)
            answer = await ask(endpoint.rpc)
        except WrongChain as fault:
            self._note(endpoint, Standing.WRONG, str(fault))
            raise
        except RpcUnreachable as fault:
            endpoint.verified = False
            self._note(endpoint, Standing.SILENT, str(fault))
            raise
        except RpcRefused as fault:
            endpoint.refusals = 0 if is_revert(fault) else endpoint.refusals + 1
            if endpoint.refusals >= _REFUSALS_MOST:
                self._note(endpoint, Standing.SILENT, str(fault))
            raise
        endpoint.refusals = 0
        if endpoint.standing is Standing.SILENT:
            self._note(endpoint, Standing.WELL, "answers again")
        return answer

    async def everywhere(self, method: str, *params: Any, into: Callable[[Any], T] = as_it_is) -> list[T | RpcRefused]:
        """What each chain node that may be used answers, in order of preference; a refusal as its RpcRefused.

        Who does not answer is left out.
        """
        answers = await asyncio.gather(*[self._refusal_or(one, method, params, into) for one in self.ranked()])
        return [answer for answer in answers if not isinstance(answer, RpcUnreachable)]

    async def _refusal_or(
        self, endpoint: Endpoint, method: str, params: Sequence[Any], into: Callable[[Any], T]
    ) -> T | RpcRefused | RpcUnreachable:
        try:
            return await self.ask(endpoint, lambda rpc: rpc.call(method, *params, into=into))
        except (RpcRefused, RpcUnreachable) as fault:
            return fault

    # --- knowing them ------------------------------------------------------------------------------------------

    async def _verify(self, endpoint: Endpoint) -> None:
        """Compare chain id and code with the deployment, once for each time that it comes back."""
        async with endpoint.checking:
            if endpoint.verified:
                return
            rpc = endpoint.rpc
            chain_id = await rpc.call("eth_chainId", into=number)
            if chain_id != self._chain_id:
                raise WrongChain(
                    f"chain.rpc {rpc.url} leads to chain {chain_id}, but the deployment is of chain "
                    f"{self._chain_id}; correct one of them"
                )
            asked = [[address, "latest"] for address in self._codes]
            codes = await rpc.many("eth_getCode", asked, into=lambda all_: [bytes.fromhex(code[2:]) for code in all_])
            for (address, expected), code in zip(self._codes.items(), codes, strict=True):
                if "0x" + keccak256(code).hex() != expected:
                    raise WrongChain(
                        f"chain.rpc {rpc.url} has {'another' if code else 'no'} contract at {address}; check "
                        "chain.deployment, or wait until that chain node has caught up"
                    )
            endpoint.verified = True

    def _note(self, endpoint: Endpoint, standing: Standing, reason: str) -> None:
        endpoint.reason = reason
        if endpoint.standing is not standing:
            endpoint.standing = standing
            level = logging.INFO if standing is Standing.WELL else logging.WARNING
            log.log(level, f"chain node {standing.value}", extra=fields(url=endpoint.rpc.url, reason=reason))

    async def run(self) -> None:
        """Look after those that are not in use, until cancelled."""
        while len(self.all) > 1:
            await asyncio.sleep(_PROBE_EVERY)
            await self.probe()

    async def probe(self) -> None:
        """Ask each for its head, bring back who is well again, and note who lags behind."""
        before = [one.head for one in self.all]
        for one in self.all:
            one.verified = one.verified and one.standing is not Standing.WRONG
        heads = await asyncio.gather(*[self._refusal_or(one, "eth_blockNumber", (), number) for one in self.all])
        for one, head in zip(self.all, heads, strict=True):
            one.head = head if isinstance(head, int) else -1
        known = statistics.median_high([one.head for one in self.all if one.head >= 0] or [0])
        for one, earlier in zip(self.all, before, strict=True):
            stuck = one.head < known and one.head == earlier
            if one.head < 0:
                continue  # noted when it did not answer
            if stuck or one.head < known - _LAG_MOST:
                self._note(one, Standing.BEHIND, f"its head is {one.head}, that of others {known}")
            elif one.head >= known or one.standing is not Standing.BEHIND:
                self._note(one, Standing.WELL, f"its head is {one.head}")
