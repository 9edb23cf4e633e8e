"""Why a peer cannot be talked to over TLS, in a sentence that says what to do."""

import asyncio
import ssl
from urllib.parse import urlsplit

__all__ = ["obstacle"]

_CERTIFICATE_EXPIRED = 10  # X509_V_ERR_CERT_HAS_EXPIRED
_WAIT = 1.0  # seconds for a refusal: with TLS 1.3 it comes after the caller's own part of the handshake


async def obstacle(url: str, context: ssl.SSLContext) -> str | None:
    """What keeps the two certificates from being accepted; None when it is nothing of that kind.

    Nothing is sent but the handshake: data on its way would hide a refusal.

    Args:
        url: https address of the peer.
        context: what we show, and what we take.
    """
    parts = urlsplit(url)
    try:
        async with asyncio.timeout(_WAIT):
            reader, writer = await asyncio.open_connection(parts.hostname, parts.port or 443, ssl=context)
    except ssl.SSLCertVerificationError as fault:
        if fault.verify_code == _CERTIFICATE_EXPIRED:
            return "its certificate has expired; ask its operator for a new one and name that in its [[peers]] entry"
        return (
            "it shows another certificate than the pinned one; ask its operator, by a way you trust, whether it has a "
            "new one, and name that in its [[peers]] entry"
        )
    except ssl.SSLError as fault:
        return f"it does not speak TLS 1.3 there ({fault.reason}); compare its mesh.listen with our url"
    except (OSError, TimeoutError):
        return None
    try:
        async with asyncio.timeout(_WAIT):
            hung_up = not await reader.read(1)
    except TimeoutError:
        hung_up = False  # it waits for what we would say: all is well
    except OSError:  # an alert, or the end of the connection in its place
        hung_up = True
    finally:
        writer.close()
    if hung_up:
        return (
            "it refuses our certificate; send its operator the file of mesh.certificate, to be named in our "
            "[[peers]] entry there"
        )
    return None
