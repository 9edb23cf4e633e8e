"""How long a round may last: never less than configured, longer where rounds are seen to take longer.

The time that rounds take is smoothed as TCP smooths round trips (RFC 6298): mean and mean deviation, with gains of 1/8
and 1/4, and four deviations of room. Once more rounds have failed than leaders can be faulty, each further round of the
agreement has twice the time of the one before.
"""

__all__ = ["Pace"]

_LONGEST = 8  # times the configured time


class Pace:
    """Deadlines of rounds, learned from rounds that came to a verdict. In seconds."""

    def __init__(self, shortest: float) -> None:
        self._shortest = shortest
        self._mean: float | None = None
        self._deviation = 0.0

    def took(self, seconds: float) -> None:
        """A round took so long from this node's observation to its verdict."""
        if self._mean is None:
            self._mean, self._deviation = seconds, seconds / 2
        else:
            self._deviation += (abs(seconds - self._mean) - self._deviation) / 4
            self._mean += (seconds - self._mean) / 8

    def deadline(self, round_: int) -> float:
        """Time for a round, counted from the last one that a faulty leader explains; those before it are negative."""
        learned = 0.0 if self._mean is None else self._mean + 4 * self._deviation
        return min(max(self._shortest, learned) * (1 << max(0, min(round_, 8))), _LONGEST * self._shortest)
