"""How a node takes readings, by whatever way they come: checked, handed on, stored, and only then acknowledged."""

import asyncio
import logging
from collections.abc import Callable

from net8.logs import fields

from net8_oracle.clock import Clock
from net8_oracle.node.meters import Acceptance, Meters
from net8_oracle.node.metrics import Metrics
from net8_oracle.node.store import SqlStore
from net8_oracle.reading import ReadingRefused, SignedReading
from net8_oracle.wire import ReadingsAnswer, ReadingsPost, Refusal

__all__ = ["Intake"]

log = logging.getLogger(__name__)

_STORE_AFTER = 0.15  # seconds: when the agreement on them is usually over
_LOOK_AGAIN = 0.03  # seconds, while it is not
_STORE_LATEST = 0.6  # seconds: gateways wait for what is on disk


class Intake:
    """The readings of all gateways."""

    def __init__(
        self,
        meters: Meters,
        clock: Clock,
        store: SqlStore,
        metrics: Metrics,
        heard: Callable[[int, int], None],
        agreeing: Callable[[], bool] = lambda: False,
    ) -> None:
        """Nothing has come yet.

        Args:
            meters: that take readings up.
            clock: that they may not be ahead of.
            store: where they are kept.
            metrics: that count them.
            heard: is told the site and the slot of each first reading at a slot's start.
            agreeing: whether a round is under way, which writing would hold up.
        """
        self._meters = meters
        self._clock = clock
        self._store = store
        self._metrics = metrics
        self._heard = heard
        self._agreeing = agreeing
        self._to_store: list[SignedReading] = []
        self._stored: asyncio.Future[None] | None = None

    async def take(self, post: ReadingsPost) -> ReadingsAnswer:
        """What becomes of a batch; returns when what is new of it is on disk.

        Raises:
            StoreUnavailable: it is not; it is to be sent again.
        """
        later: list[tuple[int, int]] = []
        refused: list[Refusal] = []
        new = 0
        for wire in post.readings:
            signed = wire.signed()
            try:
                acceptance, boundary = self._meters.accept(signed, self._clock.now())
            except ReadingRefused as fault:
                refused.append(Refusal(site=wire.site, sequence=wire.sequence, reason=str(fault)))
                log.warning("reading refused", extra=fields(site=wire.site, reason=str(fault)))
                continue
            if acceptance is Acceptance.LATER:
                later.append((wire.site, wire.sequence))
                self._clock.poke()
            elif acceptance is Acceptance.NEW:
                new += 1
                self._to_store.append(signed)
                if boundary is not None:
                    self._heard(wire.site, boundary)
        for outcome, number in (("accepted", new), ("later", len(later)), ("refused", len(refused))):
            self._metrics.readings(outcome, number)
        if new or self._to_store:  # what a full disk did not take, and is repeated now, counts as new again
            await self._all_stored()
        accepted = len(post.readings) - len(later) - len(refused)
        return ReadingsAnswer(accepted=accepted, later=later, refused=refused)

    async def _all_stored(self) -> None:
        """Wait until the readings taken so far are on disk. Only then are they acknowledged.

        They are written a moment later, together with those of other gateways, and not in the middle of a round unless
        it lasts.
        """
        if self._stored is None:
            loop = asyncio.get_running_loop()
            self._stored = loop.create_future()
            loop.call_later(_STORE_AFTER, self._write_readings, loop.time() + _STORE_LATEST)
        await asyncio.shield(self._stored)

    def _write_readings(self, latest: float) -> None:
        loop = asyncio.get_running_loop()
        if self._agreeing() and loop.time() < latest:
            loop.call_later(_LOOK_AGAIN, self._write_readings, latest)
            return
        done, self._stored = self._stored, None
        readings, self._to_store = self._to_store, []
        assert done is not None, "somebody waits for what is written"
        try:
            self._store.add_readings(readings)
            done.set_result(None)
        except Exception as fault:
            self._to_store = readings + self._to_store  # the gateways repeat; what was lost here would not be
            done.set_exception(fault)
