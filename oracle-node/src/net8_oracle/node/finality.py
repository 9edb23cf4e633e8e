"""Noticing that blocks were replaced (a reorg), and forgetting what cannot be replaced any more.

Whatever ended on chain is kept with number and hash of the block in which it is. Until the block is deep enough, its
hash is compared with the chain's: once when the block is seen, whenever a new head raises a doubt, and a last time when
it is deep enough. What vanished with its block is to be done again.
"""

import asyncio
import logging
from collections.abc import Callable

from net8.logs import fields

from net8_oracle.clock import Block, Head, HeadPoller, hash_of
from net8_oracle.node.envelopes import Key
from net8_oracle.node.outbox import Intent, Outbox
from net8_oracle.node.store import Store, StoreUnavailable
from net8_oracle.rpc import Caller, RpcRefused, RpcUnreachable

__all__ = ["Finality"]

log = logging.getLogger(__name__)

_LOOK_EVERY = 1.0  # seconds between two looks at most, so that a burst of blocks costs one


class Finality:
    """Watches the blocks in which this node's zones were settled and its transactions ended."""

    def __init__(
        self,
        rpc: Caller,
        poller: HeadPoller,
        store: Store,
        outbox: Outbox,
        depth: int,
        on_vanished: Callable[[list[Intent], list[Key]], None],
    ) -> None:
        """`depth`: blocks below the head from which on a block is final."""
        self._rpc = rpc
        self._poller = poller
        self._store = store
        self._outbox = outbox
        self._depth = depth
        self._on_vanished = on_vanished
        self._seen: set[Block] = set()
        self._doubt = True  # what happened while the process was down, nobody knows
        self._wake = asyncio.Event()
        poller.listen(self._on_head)
        poller.on_doubt(self._on_doubt)

    def _on_head(self, head: Head) -> None:
        self._wake.set()

    def _on_doubt(self) -> None:
        self._doubt = True
        self._wake.set()

    async def run(self) -> None:
        """Look after each new head, until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                await self.look()
            except (RpcUnreachable, RpcRefused, StoreUnavailable) as fault:
                self._doubt = True
                if isinstance(fault, StoreUnavailable):
                    self._wake.set()  # a chain node that is back tells of a new head; a store tells nothing
                log.warning("settled blocks not compared", extra=fields(reason=str(fault)))
            await asyncio.sleep(_LOOK_EVERY)

    async def look(self) -> None:
        """Compare what is to be compared now.

        Raises:
            RpcUnreachable, RpcRefused, StoreUnavailable: try again later.
        """
        head = self._poller.head
        watched = self._store.settled_in() | self._outbox.ended_in()
        if head is None or not watched:
            return
        doubt, self._doubt = self._doubt, False
        final = head.number - self._depth
        due = [block for block in watched if doubt or block not in self._seen or block.number <= final]
        kept = [block for block in due if await self._is_kept(block)]
        self._seen = (self._seen & watched) | set(kept)
        deep = max((block.number for block in kept if block.number <= final), default=None)
        if deep is not None:
            self._store.finalize(deep)
            self._outbox.finalize(deep)

    async def _is_kept(self, block: Block) -> bool:
        """Whether the chain still has a block; what was in one that it has not, is taken up again."""
        found = await self._rpc.call("eth_getBlockByNumber", hex(block.number), False, into=hash_of)
        if found is None:
            self._doubt = True  # the chain is shorter now, or this chain node is behind: look again
            return False
        if found == block.hash:
            return True
        intents = self._outbox.reopen(block)
        self._on_vanished(intents, [])
        keys = self._store.settled_as_of(block)
        self._on_vanished([], keys)
        self._store.unsettle(block)  # last: where something before it is not possible now, all is looked at again
        log.warning(
            "block replaced",
            extra=fields(block=block.number, transactions=len(intents), settlements=[key.slot for key in keys]),
        )
        return False
