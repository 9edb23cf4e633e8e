"""TLS 1.3 between programs that know each other's certificates beforehand."""

import ssl
from pathlib import Path

from net8_oracle.settings import ConfigRefused

__all__ = ["knowing", "strict"]


def strict(protocol: int) -> ssl.SSLContext:
    """A context that takes nobody yet: only certificates that are loaded into it."""
    context = ssl.SSLContext(protocol)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False  # who it is says the certificate, not the address
    context.verify_mode = ssl.CERT_REQUIRED
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # the certificate itself counts, not the name in it
    return context


def knowing(certificate: Path) -> ssl.SSLContext:
    """For a client, which shows no certificate, of the one server whose certificate is in a file.

    Raises:
        ConfigRefused: it cannot be read.
    """
    context = strict(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(certificate)
    except OSError as fault:
        raise ConfigRefused(
            f"certificate {certificate} cannot be read ({fault.strerror or fault}); ask the operator for it"
        ) from None
    return context
