"""What Prometheus asks for at /metrics."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

__all__ = ["Metrics"]


class Metrics:
    """Counters and gauges of one node."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._events = Counter("net8_events", "Events in agreements.", ["event"], registry=self._registry)
        self._readings = Counter("net8_readings", "Readings received.", ["outcome"], registry=self._registry)
        self._limited = Counter(
            "net8_limited", "Posts and connections refused as too many.", ["caller"], registry=self._registry
        )
        self._handshakes = Counter(
            "net8_refused_handshakes", "Callers without a pinned certificate.", registry=self._registry
        )
        self._latency = Histogram(
            "net8_settlement_seconds",
            "From the last reading of a slot at its source to the settlement receipt of this node's transaction.",
            registry=self._registry,
            buckets=(0.02, 0.04, 0.06, 0.08, 0.1, 0.15, 0.2, 0.4, 0.8, 2, 5, 15, 60, 300),
        )

    def count(self, event: str) -> None:
        """One more of an event."""
        self._events.labels(event).inc()

    def readings(self, outcome: str, number: int) -> None:
        """So many more readings: accepted, later or refused."""
        self._readings.labels(outcome).inc(number)

    def limited(self, caller: str) -> None:
        """Something of a caller was refused as too much: a peer's signer, "address", or "connections"."""
        self._limited.labels(caller).inc()

    def refused_handshake(self) -> None:
        """A caller showed no certificate that is pinned."""
        self._handshakes.inc()

    def settled(self, seconds: float) -> None:
        """A slot was settled by this node after so long."""
        self._latency.observe(seconds)

    def gauge(self, name: str, help_: str, value: Callable[[], float]) -> None:
        """A number that is asked for when it is scraped."""
        Gauge(name, help_, registry=self._registry).set_function(value)

    def text(self) -> bytes:
        """All of it in Prometheus' text form."""
        return generate_latest(self._registry)
