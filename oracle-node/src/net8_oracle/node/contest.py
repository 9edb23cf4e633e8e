"""Meters that sign two readings for one moment, and how they hold nobody up.

Readings are signed, so two operators can state different energies of a site for two reasons only: one of them lies, or
the meter has signed two readings of one slot boundary. When a peer's observation contradicts ours we show everybody the
signed readings ours rests on. Who holds another reading of the same boundary then has both, shows both, and from then
has no reading of that site there. As two readings never become one again, all honest operators come to the same end,
and the site settles without reading, as a silent meter's does. A lying operator gains nothing by this: it has no other
reading to show than the one everybody has.
"""

import logging

from net8.logs import fields

from net8_oracle.node import report
from net8_oracle.node.envelopes import Key, SignedReadings
from net8_oracle.node.evidence import of_meter
from net8_oracle.node.meters import Meters
from net8_oracle.node.store import Store, StoreUnavailable
from net8_oracle.node.transport import Transport
from net8_oracle.reading import SignedReading
from net8_oracle.wire import WireReading

__all__ = ["Contest"]

log = logging.getLogger(__name__)


class Contest:
    """Contradictions about the sites of one part of one slot."""

    def __init__(self, key: Key, meters: Meters, store: Store, transport: Transport) -> None:
        self._key = key
        self._meters = meters
        self._store = store
        self._transport = transport
        self._shown: set[int] = set()  # sites whose readings we showed: once is enough, whoever asks

    def compare(self, own: list[int], others: list[int]) -> None:
        """Show the readings behind each energy of ours that a peer's observation contradicts."""
        if own == others:
            return
        theirs = {report.index_of(word): report.bare(word) for word in others}
        sites = []
        for word in own:
            index = report.index_of(word)
            nothing = report.no_reading(index)
            site = self._key.zone << 16 | index
            if nothing not in (mine := report.bare(word), said := theirs.get(index, nothing)) and mine != said:
                sites.append(site)
        self._show([signed for site in sites if site not in self._shown for signed in self._behind(site)])
        self._shown.update(sites)

    def _behind(self, site: int) -> list[SignedReading]:
        return self._meters.at_boundaries(site, self._key.slot)

    def _show(self, readings: list[SignedReading]) -> None:
        if readings:
            wire = [WireReading.of(signed) for signed in readings]
            self._transport.broadcast(SignedReadings(**self._key._asdict(), round=0, readings=wire))

    def shown(self, message: SignedReadings) -> bool:
        """Weigh what a peer shows against what we have; whether a site has lost its reading by it.

        Raises:
            ReadingRefused: a meter has not signed what is shown, or it is not about this part and slot.
        """
        found = False
        for wire in message.readings:
            pair = self._meters.weigh(wire.signed(), self._key)
            if pair is None:
                continue
            found = True
            evidence = of_meter(self._key, *pair)
            try:
                self._store.add_evidence(evidence)
            except StoreUnavailable as fault:
                facts = fields(**self._key._asdict(), reason=str(fault), content=evidence.content.decode())
                log.error("evidence not stored", extra=facts)
            log.error(
                "meter signed two readings",
                extra=fields(
                    **self._key._asdict(), site=wire.site, sequences=[one.reading.sequence for one in pair],
                    taken_at=[one.reading.taken_at for one in pair], evidence=evidence.id.hex(),
                ),
            )  # fmt: skip
            self._show(list(pair))
        return found
