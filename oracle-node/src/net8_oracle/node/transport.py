"""How envelopes reach the other operators. `Transport` is the port; here is also the one inside a process.

A transport may lose, repeat or reorder envelopes, and is never trusted: each envelope authenticates itself.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Protocol

from net8_oracle.node.envelopes import Message

__all__ = ["Hub", "InProcessTransport", "Message", "PeersTransport", "Transport"]


class Transport(Protocol):
    """A way to the peers, which are named by their signer (20 bytes)."""

    on_message: Callable[[Message], None]
    on_unreachable: Callable[[bytes], None]  # a peer certainly did not get what was sent to it

    def send(self, to: bytes, message: Message) -> None:
        """Send to one peer, without waiting."""

    def broadcast(self, message: Message) -> None:
        """Send to every peer, without waiting."""


class Peer(Protocol):
    """What a transport tells of one peer."""

    @property
    def url(self) -> str:
        """Where it is reached."""

    @property
    def reachable(self) -> bool:
        """Whether it was, when last tried."""


class PeersTransport(Transport, Protocol):
    """A transport between processes."""

    @property
    def peers(self) -> Mapping[bytes, Peer]:
        """By signer."""

    @property
    def problem(self) -> str:
        """What is amiss with all of it, for the operator; empty while nothing is."""

    async def run(self) -> None:
        """Carry envelopes until cancelled."""


class Hub:
    """Connects the nodes of one process."""

    def __init__(self) -> None:
        self.members: dict[bytes, InProcessTransport | None] = {}  # None: has left


class InProcessTransport:
    """Envelopes between nodes of one process, delivered by the event loop in the order they were sent."""

    def __init__(self, hub: Hub, signer: bytes) -> None:
        self._hub = hub
        self._signer = signer
        self.on_message: Callable[[Message], None] = lambda message: None
        self.on_unreachable: Callable[[bytes], None] = lambda signer: None
        hub.members[signer] = self

    def send(self, to: bytes, message: Message) -> None:
        """Send to one peer."""
        loop = asyncio.get_running_loop()
        member = self._hub.members.get(to)
        if member is None:
            loop.call_soon(self.on_unreachable, to)
        else:
            loop.call_soon(member.on_message, message)

    def broadcast(self, message: Message) -> None:
        """Send to every peer."""
        for signer in list(self._hub.members):
            if signer != self._signer:
                self.send(signer, message)

    def leave(self) -> None:
        """Be unreachable from now on."""
        self._hub.members[self._signer] = None
