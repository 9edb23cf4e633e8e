"""Delivery to one operator: in order, in batches, repeated until acknowledged, remembered over restarts."""

import asyncio
import logging
from collections import defaultdict, deque
from heapq import merge
from itertools import chain, islice

from net8.logs import fields

from net8_oracle.gateway.store import GatewayStore, Stored
from net8_oracle.gateway.ways import NotDelivered, Way
from net8_oracle.wire import READINGS_PER_POST, ReadingsAnswer, WireReading

__all__ = ["Publisher", "Text", "encode"]

log = logging.getLogger(__name__)

_FIRST_PAUSE = 0.1  # seconds after the first failure, doubled with every further one
_LONGEST_PAUSE = 5.0
_LATER_PAUSE = 0.5  # the operator does not know the site yet

Text = tuple[Stored, str]  # a stored reading and its JSON


class Publisher:
    """Sends readings to one operator as they come: a site's one after another, those of different sites at once."""

    def __init__(self, way: Way, store: GatewayStore) -> None:
        """Takes up what was not acknowledged before the process ended."""
        self.operator = way.name
        self._way = way
        self._store = store
        self._waiting: defaultdict[int, deque[Text]] = defaultdict(deque)  # by site
        self._under_way: list[list[Text]] = []  # one batch for each post
        self._busy: set[int] = set()  # sites that are under way, or that the operator does not know yet
        self._news = asyncio.Event()
        self._delivered = 0  # the operator has everything up to this place
        self._sent = 0  # the last place that was ever sent
        self.reachable = True
        self.offer(encode(store.undelivered(way.name)))

    @property
    def backlog(self) -> int:
        """Readings not acknowledged."""
        return sum(map(len, chain(self._waiting.values(), self._under_way)))

    def offer(self, readings: list[Text]) -> None:
        """Send these too: stored readings with their JSON (`encode`)."""
        for one in readings:
            self._waiting[_site(one)].append(one)
        self._news.set()

    async def run(self) -> None:
        """Deliver until cancelled: by as many posts as the way bears, or by one after a pause while nobody answers."""
        pause = _FIRST_PAUSE
        async with asyncio.TaskGroup() as posts:
            while True:
                await self._news.wait()
                self._news.clear()
                if self.reachable:
                    pause = _FIRST_PAUSE
                elif self._under_way:
                    continue  # these will fail too, or show that the operator is back
                else:
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, _LONGEST_PAUSE)
                at_once = self._way.at_once if self.reachable else 1
                while len(self._under_way) < at_once and (batch := self._next_batch()):
                    posts.create_task(self._deliver(batch))

    def _next_batch(self) -> list[Text]:
        """Put under way what was taken first, of sites that are not busy; nothing when there is none."""
        free = [texts for site, texts in self._waiting.items() if site not in self._busy]
        batch = list(islice(merge(*free, key=_place), READINGS_PER_POST))
        for one in batch:
            self._waiting[_site(one)].popleft()
        if batch:
            self._busy.update(map(_site, batch))
            self._under_way.append(batch)
        return batch

    async def _deliver(self, batch: list[Text]) -> None:
        """Post a batch; what the operator did not take waits again, and that of sites it does not know for a while."""
        body = '{"readings":[' + ",".join(text for _, text in batch) + "]}"
        unknown: set[int] = set()
        try:
            answer = await self._way.post(body.encode())
        except NotDelivered as fault:
            if self.reachable:
                log.warning("operator not reached", extra=fields(operator=self.operator, reason=str(fault)))
            self.reachable, left = False, batch
        else:
            if not self.reachable:
                log.info("operator reached again", extra=fields(operator=self.operator, backlog=self.backlog))
            self.reachable, left = True, self._wanted_later(batch, answer)
            unknown.update(map(_site, left))
        self._settle(batch, left)
        self._free(set(map(_site, batch)) - unknown)
        if unknown:
            await asyncio.sleep(_LATER_PAUSE)
            self._free(unknown)

    def _free(self, sites: set[int]) -> None:
        self._busy -= sites
        self._news.set()

    def _wanted_later(self, batch: list[Text], answer: ReadingsAnswer) -> list[Text]:
        """In order; what the operator will never take is told."""
        for refusal in answer.refused:
            log.error(
                "reading refused",
                extra=fields(
                    operator=self.operator, site=refusal.site, sequence=refusal.sequence, reason=refusal.reason
                ),
            )
        later = {tuple(pair) for pair in answer.later}
        return [one for one in batch if (_site(one), one[0].signed.reading.sequence) in later]

    def _settle(self, batch: list[Text], left: list[Text]) -> None:
        """A post is over: what is left of it waits first, and the rest is remembered when nothing before it is open."""
        self._under_way.remove(batch)
        for one in reversed(left):
            self._waiting[_site(one)].appendleft(one)
        self._sent = max(self._sent, _place(batch[-1]))
        open_ = (_place(texts[0]) for texts in chain(self._waiting.values(), self._under_way) if texts)
        done = min(open_, default=self._sent + 1) - 1
        if done > self._delivered:
            self._delivered = done
            self._store.mark_delivered(self.operator, done)


def encode(readings: list[Stored]) -> list[Text]:
    """Stored readings with their JSON, made once for all operators."""
    return [(one, WireReading.of(one.signed).model_dump_json()) for one in readings]


def _site(one: Text) -> int:
    return one[0].signed.reading.site


def _place(one: Text) -> int:
    return one[0].place
