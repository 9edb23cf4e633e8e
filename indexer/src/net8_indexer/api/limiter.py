"""How much one client may ask."""

from ipaddress import IPv6Address, ip_address, ip_network

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

__all__ = ["Limiter"]

_IPV6_CLIENT = 64  # bits: what one connection to the internet usually has to itself


def _client_of(host: str) -> str:
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if isinstance(address, IPv6Address):
        return str(ip_network((address, _IPV6_CLIENT), strict=False))
    return host


class Limiter:
    """Counts the questions of each client in each minute, in memory."""

    def __init__(self, per_minute: int) -> None:
        """`per_minute`: questions of one IPv4 address or IPv6 /64."""
        self._rule = RateLimitItemPerMinute(per_minute)
        self._counts = FixedWindowRateLimiter(MemoryStorage())

    def wait(self, host: str) -> float | None:
        """Count one question; unix time from which the client may ask again when it was one too many."""
        client = _client_of(host)
        if self._counts.hit(self._rule, client):
            return None
        return self._counts.get_window_stats(self._rule, client).reset_time
