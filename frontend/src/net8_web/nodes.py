"""What oracle nodes say of themselves: one look at all of them every few seconds, shared by all sessions."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import requests
import streamlit as st
from pydantic import BaseModel

__all__ = ["NodeStatus", "statuses"]

TIMEOUT_S = 1.5
FRESH_S = 3


@dataclass(frozen=True, slots=True)
class NodeStatus:
    """One node's answer."""

    address: str
    up: bool
    signer: str | None = None  # address it signs with; None where it does not tell
    block: int | None = None  # of the chain, the latest it knows
    outbox: int | None = None  # transactions under way


class _Status(BaseModel):
    """What is read of a node's own words; it may say more."""

    signer: str | None = None
    block: int | None = None
    outbox: int | None = None


def _ask(address: str) -> NodeStatus:
    try:
        answer = requests.get(f"{address}/status", timeout=TIMEOUT_S)
        answer.raise_for_status()
        told = _Status.model_validate(answer.json())
    except (requests.RequestException, ValueError):  # a node whose words mean nothing is as good as none
        return NodeStatus(address, up=False)
    return NodeStatus(address, True, told.signer, told.block, told.outbox)


@st.cache_data(ttl=FRESH_S, show_spinner=False)
def statuses(addresses: tuple[str, ...]) -> list[NodeStatus]:
    """Ask all nodes at once; one that does not answer is down, not an error."""
    with ThreadPoolExecutor(max_workers=len(addresses)) as pool:
        return list(pool.map(_ask, addresses))
