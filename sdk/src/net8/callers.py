"""Who asks a server, as far as an address tells: the key by which questions are counted."""

from ipaddress import IPv6Address, ip_address, ip_network

__all__ = ["caller_of"]

_IPV6_CALLER = 64  # bits: what one connection to the internet usually has to itself


def caller_of(host: str) -> str:
    """An IPv4 address as it is, an IPv6 address as its /64; anything else unchanged."""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if isinstance(address, IPv6Address):
        return str(ip_network((address, _IPV6_CALLER), strict=False))
    return host
