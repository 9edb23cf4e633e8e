"""A connection to a chain with NET8 on it.

    chain, net8 = connect("http://127.0.0.1:8545", "deployments/31337.json")
    chain.read(net8.exchange.free_balance(site))
    chain.sender(account).send(net8.exchange.place(site, slot, True, 1000, 5000))

For event loops `net8.client.aio` has the same.
"""

from pathlib import Path
from typing import NamedTuple

from net8 import deployment as deployments
from net8.client.chain import Chain, Sender
from net8.client.flows import BlockHeader, NonceTaken, Prepared, Receipt
from net8.contracts import Contracts
from net8.deployment import Deployment

__all__ = ["BlockHeader", "Chain", "Connection", "NonceTaken", "Prepared", "Receipt", "Sender", "connect"]


class Connection(NamedTuple):
    """A chain and the contracts on it."""

    chain: Chain
    contracts: Contracts


def connect(url: str, deployment: Deployment | str | Path, timeout: float = 10.0) -> Connection:
    """Connect and check that the chain is the deployment's.

    Args:
        url: JSON-RPC endpoint.
        deployment: as loaded, or the path of its file.
        timeout: seconds for each question.

    Raises:
        DeploymentRefused: the file cannot be used.
        ChainUnreachable: the node does not answer.
        DeploymentMismatch: it serves another chain, or there is other code at an address.
    """
    known = deployment if isinstance(deployment, Deployment) else deployments.load(deployment)
    chain = Chain(url, timeout)
    chain.verify(known)
    return Connection(chain, Contracts.of(known))
