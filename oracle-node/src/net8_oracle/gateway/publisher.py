"""Delivery to one operator: in order, in batches, repeated until acknowledged, remembered over restarts."""

import asyncio
import logging
from collections import deque

from net8.logs import fields

from net8_oracle.gateway.store import GatewayStore, Stored
from net8_oracle.gateway.ways import NotDelivered, Way
from net8_oracle.wire import READINGS_PER_POST, ReadingsAnswer, WireReading

__all__ = ["Publisher"]

log = logging.getLogger(__name__)

_FIRST_PAUSE = 0.1  # seconds after the first failure, doubled with every further one
_LONGEST_PAUSE = 5.0
_LATER_PAUSE = 0.5  # the operator does not know the site yet


class Publisher:
    """Sends readings to one operator as they come."""

    def __init__(self, way: Way, store: GatewayStore) -> None:
        """Takes up what was not acknowledged before the process ended."""
        self.operator = way.name
        self._way = way
        self._store = store
        self._waiting: deque[tuple[Stored, str]] = deque((one, _json(one)) for one in store.undelivered(way.name))
        self._news = asyncio.Event()
        self._delivered = 0  # the operator has everything up to this place
        self._sent = 0  # the last place that was ever sent
        self.reachable = True

    @property
    def backlog(self) -> int:
        """Readings not acknowledged."""
        return len(self._waiting)

    def offer(self, readings: list[tuple[Stored, str]]) -> None:
        """Send these too: stored readings with their JSON (`encode`)."""
        self._waiting.extend(readings)
        self._news.set()

    async def run(self) -> None:
        """Deliver until cancelled."""
        pause = _FIRST_PAUSE
        while True:
            if not self._waiting:
                self._news.clear()
                await self._news.wait()
            batch = [self._waiting[i] for i in range(min(len(self._waiting), READINGS_PER_POST))]
            body = '{"readings":[' + ",".join(text for _, text in batch) + "]}"
            try:
                answer = await self._way.post(body.encode())
            except NotDelivered as fault:
                if self.reachable:
                    log.warning("operator not reached", extra=fields(operator=self.operator, reason=str(fault)))
                self.reachable = False
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)
                continue
            if not self.reachable:
                log.info("operator reached again", extra=fields(operator=self.operator, backlog=len(self._waiting)))
            self.reachable, pause = True, _FIRST_PAUSE
            self._settle(batch, answer)
            if answer.later:
                await asyncio.sleep(_LATER_PAUSE)

    def _settle(self, batch: list[tuple[Stored, str]], answer: ReadingsAnswer) -> None:
        """Forget what the operator has or will never take; keep what it wants later, in order."""
        for refusal in answer.refused:
            log.error(
                "reading refused",
                extra=fields(
                    operator=self.operator, site=refusal.site, sequence=refusal.sequence, reason=refusal.reason
                ),
            )
        later = {tuple(pair) for pair in answer.later}
        keep = [one for one in batch if (one[0].signed.reading.site, one[0].signed.reading.sequence) in later]
        for _ in batch:
            self._waiting.popleft()
        self._waiting.extendleft(reversed(keep))
        self._sent = max(self._sent, batch[-1][0].place)
        done = min((one.place - 1 for one, _ in self._waiting), default=self._sent)
        if done > self._delivered:
            self._delivered = done
            self._store.mark_delivered(self.operator, done)


def _json(one: Stored) -> str:
    return WireReading.of(one.signed).model_dump_json()


def encode(readings: list[Stored]) -> list[tuple[Stored, str]]:
    """Stored readings with their JSON, made once for all operators."""
    return [(one, _json(one)) for one in readings]
