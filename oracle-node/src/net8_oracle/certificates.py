"""Certificates that say who a node is: self-signed, handed to the peers, and pinned by them.

Nothing vouches for such a certificate but the configuration that names it. The key beside it is encrypted, as all keys
of NET8 at rest are.
"""

import os
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

from net8_oracle.settings import ConfigRefused
from net8_oracle.tls import strict

__all__ = ["DEFAULT_DAYS", "Certificate", "calling", "create", "serving", "serving_anybody"]

DEFAULT_DAYS = 1825  # five years: pinned certificates are changed by hand, by every peer
_CLOCKS_APART = timedelta(days=1)  # it is valid from a day ago, for peers whose clock is behind


@dataclass(frozen=True, slots=True)
class Certificate:
    """A pinned certificate."""

    path: Path
    der: bytes
    until: datetime

    @classmethod
    def load(cls, path: Path) -> "Certificate":
        """The one certificate in a PEM file.

        Raises:
            ConfigRefused: it cannot be read, or could vouch for others.
        """
        try:
            found = x509.load_pem_x509_certificates(path.read_bytes())
        except OSError as fault:
            raise ConfigRefused(
                f"certificate {path} cannot be read ({fault.strerror}); ask its operator for it, "
                "or make your own with `net8-oracle certificate new`"
            ) from None
        except ValueError:
            found = []
        if len(found) != 1:
            raise ConfigRefused(f"certificate {path} holds not one certificate in PEM; ask its operator for it again")
        (one,) = found
        if _vouches(one):
            raise ConfigRefused(
                f"certificate {path} may vouch for others; let its operator run `net8-oracle certificate new`"
            )
        return cls(path, one.public_bytes(Encoding.DER), one.not_valid_after_utc)

    @property
    def fingerprint(self) -> str:
        """Its SHA-256 as people compare it."""
        return ":".join(f"{byte:02X}" for byte in sha256(self.der).digest())

    def __str__(self) -> str:
        return f"SHA-256 {self.fingerprint}, valid until {self.until:%Y-%m-%d}"


def _vouches(certificate: x509.Certificate) -> bool:
    """Whether it can sign others, which a TLS library would then take for pinned. Of version 1, any can."""
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return True


def create(certificate: Path, key: Path, password: str, name: str, days: int = DEFAULT_DAYS) -> Certificate:
    """Write a new certificate and its encrypted key (mode 600). Existing files are never overwritten.

    Args:
        certificate: file for the certificate, to be handed to the peers.
        key: file for its key.
        password: of the key.
        name: whose it is, for people to read; nothing depends on it.
        days: how long it is valid.

    Raises:
        ConfigRefused: a file exists, or cannot be written.
    """
    for path in (certificate, key):
        if path.exists():
            raise ConfigRefused(f"{path} exists already; choose another name, keys are never overwritten")
    private = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCKS_APART)
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(private, SHA256())
    )
    sealed = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(password.encode()))
    _write(key, sealed, 0o600)
    _write(certificate, made.public_bytes(Encoding.PEM), 0o644)
    return Certificate.load(certificate)


def _write(path: Path, content: bytes, mode: int) -> None:
    try:
        with open(path, "xb", opener=lambda name, flags: os.open(name, flags, mode)) as file:
            file.write(content)
    except OSError as fault:
        raise ConfigRefused(f"{path} cannot be written ({fault.strerror}); choose another place") from None


def _context(
    protocol: int, certificate: Path, key: Path, password: str, pinned: Sequence[Certificate]
) -> ssl.SSLContext:
    """TLS 1.3 that shows `certificate` and takes only `pinned`.

    Raises:
        ConfigRefused: key and certificate cannot be used.
    """
    context = strict(protocol)
    try:
        context.load_cert_chain(certificate, key, password)
    except ssl.SSLError as fault:
        raise ConfigRefused(
            f"key {key} is not that of certificate {certificate}, or has another password ({fault.reason}); "
            "name the two that `net8-oracle certificate new` made together"
        ) from None
    except OSError as fault:
        raise ConfigRefused(
            f"certificate {certificate} or key {key} cannot be read ({fault.strerror}); "
            "make both with `net8-oracle certificate new`"
        ) from None
    for one in pinned:
        context.load_verify_locations(cadata=one.der)
    return context


def serving(
    certificate: Path,
    key: Path,
    password: str,
    pinned: Sequence[Certificate],
    refused: Callable[[ssl.SSLError], None],
) -> ssl.SSLContext:
    """For a server that refuses every caller without a pinned certificate.

    Args:
        certificate: shown to callers.
        key: of it.
        password: of the key.
        pinned: certificates of those who may call.
        refused: told of each caller that is refused; asyncio itself says nothing of them.

    Raises:
        ConfigRefused: key and certificate cannot be used.
    """

    class Telling(ssl.SSLObject):
        def do_handshake(self) -> None:
            try:
                super().do_handshake()
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                raise
            except ssl.SSLError as fault:
                refused(fault)
                raise

    context = _context(ssl.PROTOCOL_TLS_SERVER, certificate, key, password, pinned)
    context.num_tickets = 0  # a resumed session would not show a certificate again
    context.sslobject_class = Telling
    return context


def serving_anybody(certificate: Path, key: Path, password: str) -> ssl.SSLContext:
    """For a server whose callers show no certificate.

    Raises:
        ConfigRefused: key and certificate cannot be used.
    """
    context = _context(ssl.PROTOCOL_TLS_SERVER, certificate, key, password, [])
    context.verify_mode = ssl.CERT_NONE
    return context


def calling(certificate: Path, key: Path, password: str, pinned: Sequence[Certificate]) -> ssl.SSLContext:
    """For a client of the one peer whose certificates are pinned.

    Raises:
        ConfigRefused: key and certificate cannot be used.
    """
    return _context(ssl.PROTOCOL_TLS_CLIENT, certificate, key, password, pinned)
