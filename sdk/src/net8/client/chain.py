"""The synchronous client: one connection to a node, and senders that sign with a local key."""

import threading
import time
from collections.abc import Sequence
from typing import Any, TypeVar

from eth_account.signers.local import LocalAccount

from net8.client import flows
from net8.client.flows import BlockHeader, Prepared, Receipt, SenderState
from net8.client.http import Http
from net8.client.rpc import Answer, Block, Flow, Pause, Request, block_parameter
from net8.contracts.core import Call, Contract
from net8.deployment import Deployment
from net8.errors import ChainUnreachable
from net8.events import Event, Logged

__all__ = ["Chain", "Sender"]

T = TypeVar("T")


class Chain:
    """A connection to a node. Safe to share between threads."""

    def __init__(self, url: str, timeout: float = 10.0, batch: int = 100) -> None:
        """Nothing is asked yet.

        Args:
            url: JSON-RPC endpoint, http or https.
            timeout: seconds for each question.
            batch: most questions sent together; public nodes have limits.
        """
        self.url = url
        self._http = Http(url, timeout)
        self._batch = batch

    # --- reading ----------------------------------------------------------------------------------------------------

    def read(self, call: Call[T], block_identifier: Block = "latest", sender: str | None = None) -> T:
        """Answer of a view call, or what a transaction would answer if `sender` sent it now.

        Raises:
            Refused: the contract refuses the call.
            ChainUnreachable: the node does not answer in time.
        """
        (answer,) = self.run(flows.read_many([call], block_identifier, sender))
        return answer

    def read_many(
        self, calls: Sequence[Call[T]], block_identifier: Block = "latest", sender: str | None = None
    ) -> list[T]:
        """Answers of many view calls, asked together."""
        return self.run(flows.read_many(calls, block_identifier, sender))

    def block(self, block_identifier: Block = "latest") -> BlockHeader:
        """A block's header; its timestamp is the chain's time."""
        return self.run(flows.block(block_identifier))

    def events(
        self,
        contracts: Sequence[Contract | str],
        kinds: Sequence[type[Event]] = (),
        first: int = 0,
        last: int | None = None,
    ) -> list[Logged[Event]]:
        """Events of contracts in blocks `first` to `last` (default: the latest), oldest first."""
        addresses = [contract if isinstance(contract, str) else contract.address for contract in contracts]
        until = self.block().number if last is None else last
        return self.run(flows.events(addresses, kinds, first, until))

    def receipt(self, transaction: str) -> Receipt | None:
        """The receipt of a transaction, None while it has none."""
        return self.run(flows.receipt(transaction))

    def balance(self, address: str, block_identifier: Block = "latest") -> int:
        """The chain's own coin of an account, in wei: what it pays gas with."""
        return int(self.request("eth_getBalance", [address, block_parameter(block_identifier)]), 16)

    def request(self, method: str, parameters: Sequence[Any] = ()) -> Any:  # noqa: ANN401 - JSON of any shape
        """Any other question of JSON-RPC."""
        return self.run(flows.ask(method, list(parameters)))

    def verify(self, deployment: Deployment) -> None:
        """Check that the node serves the deployment's chain and code.

        Raises:
            DeploymentMismatch: it does not.
        """
        hashes = {record.address: record.code_hash for record in deployment.contracts.values()}
        self.run(flows.verify(deployment.chain_id, hashes))

    def sender(self, account: LocalAccount, receipt_timeout: float = 60.0) -> "Sender":
        """A sender that signs with a local key. Use one per account."""
        return Sender(self, account, receipt_timeout)

    # --- carrying flows ---------------------------------------------------------------------------------------------

    def run(self, flow: Flow[T]) -> T:
        """Carry a flow's questions to the node until it is done."""
        try:
            step = next(flow)
            while True:
                if isinstance(step, Pause):
                    time.sleep(step.seconds)
                    step = flow.send([])
                    continue
                try:
                    answers = self._ask(step.requests)
                except ChainUnreachable as fault:
                    step = flow.throw(fault)  # a flow that has sent something goes on looking for it
                else:
                    step = flow.send(answers)
        except StopIteration as done:
            result: T = done.value
            return result

    def _ask(self, requests: list[Request]) -> list[Answer]:
        answers: list[Answer] = []
        for start in range(0, len(requests), self._batch):
            answers += self._http.post(requests[start : start + self._batch])
        return answers


class Sender:
    """Sends transactions of one account, one after the other; safe to share between threads."""

    def __init__(self, chain: Chain, account: LocalAccount, receipt_timeout: float = 60.0) -> None:
        """Args: chain: where to. account: with its private key. receipt_timeout: seconds."""
        self._chain = chain
        self._state = SenderState(account, receipt_timeout)
        self._one_at_a_time = threading.Lock()

    @property
    def address(self) -> str:
        """Address of the account."""
        return self._state.address

    def send(self, call: Call[Any], value: int = 0, gas: int | None = None) -> Receipt:
        """Try a call, and if the contract would take it, sign, send and wait for the receipt.

        Args:
            call: what to do.
            value: wei of the chain's own coin to send along.
            gas: limit; estimated when left out.

        Raises:
            Refused: the contract refuses; nothing was sent, or what was sent changed nothing.
            OutOfGasMoney: the account cannot pay.
            Unconfirmed: sent, but without a receipt in time.
            ChainUnreachable: the node does not answer in time.
        """
        with self._one_at_a_time:
            return self._chain.run(flows.send(self._state, call, value, gas))

    def prepare(self, call: Call[Any], value: int = 0, gas: int | None = None, nonce: int | None = None) -> Prepared:
        """Try and sign, but do not send: for callers that store what they will send first."""
        with self._one_at_a_time:
            return self._chain.run(flows.prepare(self._state, call, value, gas, nonce))

    def submit(self, prepared: Prepared) -> Receipt:
        """Send what was prepared, or look for its receipt if it was sent before."""
        with self._one_at_a_time:
            return self._chain.run(flows.submit(self._state, prepared))
