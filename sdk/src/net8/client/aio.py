"""The asynchronous client: the same as `net8.client.Chain` and `Sender`, for programs with an event loop."""

import asyncio
from collections.abc import Sequence
from typing import Any, TypeVar

from aiohttp import ClientError, ClientSession, ClientTimeout
from eth_account.signers.local import LocalAccount

from net8.client import flows
from net8.client.flows import BlockHeader, Prepared, Receipt, SenderState
from net8.client.rpc import Answer, Block, Flow, Pause, Request, answers_of, payload_of, unreachable
from net8.contracts.core import Call, Contract
from net8.deployment import Deployment
from net8.errors import ChainUnreachable
from net8.events import Event, Logged

__all__ = ["AsyncChain", "AsyncSender"]

T = TypeVar("T")


class AsyncChain:
    """A connection to a node, for one event loop. Close it when done."""

    def __init__(self, url: str, timeout: float = 10.0, batch: int = 100) -> None:
        """Nothing is asked yet.

        Args:
            url: JSON-RPC endpoint, http or https.
            timeout: seconds for each question.
            batch: most questions sent together; public nodes have limits.
        """
        self.url = url
        self._timeout = ClientTimeout(total=timeout)
        self._session: ClientSession | None = None
        self._batch = batch

    async def close(self) -> None:
        """Close the connection. Asking again opens another."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def read(self, call: Call[T], block_identifier: Block = "latest", sender: str | None = None) -> T:
        """Answer of a view call, or what a transaction would answer if `sender` sent it now."""
        (answer,) = await self.run(flows.read_many([call], block_identifier, sender))
        return answer

    async def read_many(
        self, calls: Sequence[Call[T]], block_identifier: Block = "latest", sender: str | None = None
    ) -> list[T]:
        """Answers of many view calls, asked together."""
        return await self.run(flows.read_many(calls, block_identifier, sender))

    async def block(self, block_identifier: Block = "latest") -> BlockHeader:
        """A block's header; its timestamp is the chain's time."""
        return await self.run(flows.block(block_identifier))

    async def events(
        self,
        contracts: Sequence[Contract | str],
        kinds: Sequence[type[Event]] = (),
        first: int = 0,
        last: int | None = None,
    ) -> list[Logged[Event]]:
        """Events of contracts in blocks `first` to `last` (default: the latest), oldest first."""
        addresses = [contract if isinstance(contract, str) else contract.address for contract in contracts]
        until = (await self.block()).number if last is None else last
        return await self.run(flows.events(addresses, kinds, first, until))

    async def receipt(self, transaction: str) -> Receipt | None:
        """The receipt of a transaction, None while it has none."""
        return await self.run(flows.receipt(transaction))

    async def request(self, method: str, parameters: Sequence[Any] = ()) -> Any:  # noqa: ANN401 - JSON of any shape
        """Any other question of JSON-RPC."""
        return await self.run(flows.ask(method, list(parameters)))

    async def verify(self, deployment: Deployment) -> None:
        """Check that the node serves the deployment's chain and code."""
        hashes = {record.address: record.code_hash for record in deployment.contracts.values()}
        await self.run(flows.verify(deployment.chain_id, hashes))

    def sender(self, account: LocalAccount, receipt_timeout: float = 60.0) -> "AsyncSender":
        """A sender that signs with a local key. Use one per account."""
        return AsyncSender(self, account, receipt_timeout)

    async def run(self, flow: Flow[T]) -> T:
        """Carry a flow's questions to the node until it is done."""
        try:
            step = next(flow)
            while True:
                if isinstance(step, Pause):
                    await asyncio.sleep(step.seconds)
                    step = flow.send([])
                    continue
                try:
                    answers = await self._ask(step.requests)
                except ChainUnreachable as fault:
                    step = flow.throw(fault)  # a flow that has sent something goes on looking for it
                else:
                    step = flow.send(answers)
        except StopIteration as done:
            result: T = done.value
            return result

    async def _ask(self, requests: list[Request]) -> list[Answer]:
        answers: list[Answer] = []
        for start in range(0, len(requests), self._batch):
            answers += await self._post(requests[start : start + self._batch])
        return answers

    async def _post(self, requests: list[Request]) -> list[Answer]:
        if self._session is None:
            self._session = ClientSession(timeout=self._timeout)
        try:
            async with self._session.post(self.url, json=payload_of(requests)) as response:
                content = await response.json(content_type=None)
        except (ClientError, TimeoutError, ValueError) as fault:  # ValueError: what came back is no JSON
            raise unreachable(self.url, fault) from fault
        return answers_of(content, len(requests), self.url)


class AsyncSender:
    """Sends transactions of one account, one after the other."""

    def __init__(self, chain: AsyncChain, account: LocalAccount, receipt_timeout: float = 60.0) -> None:
        """Args: chain: where to. account: with its private key. receipt_timeout: seconds."""
        self._chain = chain
        self._state = SenderState(account, receipt_timeout)
        self._one_at_a_time = asyncio.Lock()

    @property
    def address(self) -> str:
        """Address of the account."""
        return self._state.address

    async def send(self, call: Call[Any], value: int = 0, gas: int | None = None) -> Receipt:
        """Try a call, and if the contract would take it, sign, send and wait for the receipt."""
        async with self._one_at_a_time:
            return await self._chain.run(flows.send(self._state, call, value, gas))

    async def prepare(
        self, call: Call[Any], value: int = 0, gas: int | None = None, nonce: int | None = None
    ) -> Prepared:
        """Try and sign, but do not send: for callers that store what they will send first."""
        async with self._one_at_a_time:
            return await self._chain.run(flows.prepare(self._state, call, value, gas, nonce))

    async def submit(self, prepared: Prepared) -> Receipt:
        """Send what was prepared, or look for its receipt if it was sent before."""
        async with self._one_at_a_time:
            return await self._chain.run(flows.submit(self._state, prepared))
