"""What oracle nodes say of themselves: one look at all of them every few seconds, shared by all sessions."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import requests
import streamlit as st

__all__ = ["NodeStatus", "statuses"]

TIMEOUT_S = 1.5
FRESH_S = 3
_FIELDS = 6  # of a node's status shown


@dataclass(frozen=True, slots=True)
class NodeStatus:
    """One node's answer."""

    address: str
    up: bool
    told: dict[str, str]  # its own figures, as text


def _ask(address: str) -> NodeStatus:
    try:
        answer = requests.get(f"{address}/status", timeout=TIMEOUT_S)
        answer.raise_for_status()
        content = answer.json()
    except (requests.RequestException, ValueError):
        return NodeStatus(address, up=False, told={})
    plain = {str(name): str(value) for name, value in content.items() if isinstance(value, str | int | float | bool)}
    return NodeStatus(address, up=True, told=dict(list(plain.items())[:_FIELDS]))


@st.cache_data(ttl=FRESH_S, show_spinner=False)
def statuses(addresses: tuple[str, ...]) -> list[NodeStatus]:
    """Ask all nodes at once; one that does not answer is down, not an error."""
    with ThreadPoolExecutor(max_workers=len(addresses)) as pool:
        return list(pool.map(_ask, addresses))
