"""How much one client may ask."""

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter
from net8.callers import caller_of

__all__ = ["Limiter"]


class Limiter:
    """Counts the questions of each client in each minute, in memory."""

    def __init__(self, per_minute: int) -> None:
        """`per_minute`: questions of one IPv4 address or IPv6 /64."""
        self._rule = RateLimitItemPerMinute(per_minute)
        self._counts = FixedWindowRateLimiter(MemoryStorage())

    def wait(self, host: str) -> float | None:
        """Count one question; unix time from which the client may ask again when it was one too many."""
        client = caller_of(host)
        if self._counts.hit(self._rule, client):
            return None
        return self._counts.get_window_stats(self._rule, client).reset_time
