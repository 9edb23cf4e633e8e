"""Questions to nodes' HTTP servers: the operator's own and its peers'."""

import http.client
import json
import ssl
import urllib.error
import urllib.request
from typing import Any

from net8.client import Connection, connect
from net8.errors import Net8Error

from net8_oracle.node.settings import NodeSettings
from net8_oracle.settings import host_and_port
from net8_oracle.tls import knowing

__all__ = ["connected", "own_status", "own_url", "status_of"]

_ANSWER_WITHIN = 3.0  # seconds


def connected(settings: NodeSettings) -> Connection:
    """The first chain node that answers with the deployment's contracts.

    Raises:
        net8.errors.Net8Error: none does; the reason of the first.
        ConfigRefused: the deployment file cannot be used.
    """
    contracts, fault = settings.chain.contracts(), None
    for url in settings.chain.rpc:
        try:
            return connect(url, contracts, settings.chain.timeout_ms / 1000)
        except Net8Error as one:
            fault = fault or one
    assert fault is not None, "at least one chain node is named"
    raise fault


def own_url(settings: NodeSettings) -> str:
    """Where the node of these settings is reached from this machine."""
    host, port = host_and_port(settings.listen)
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - where it listens, not we
    scheme = "https" if settings.listen_tls else "http"
    return f"{scheme}://[{reachable}]:{port}" if ":" in reachable else f"{scheme}://{reachable}:{port}"


def own_status(settings: NodeSettings) -> dict[str, Any] | None:
    """What the node of these settings says of itself, None when it does not answer.

    Raises:
        ConfigRefused: its certificate cannot be read.
    """
    certificate = settings.mesh.certificate if settings.mesh is not None and settings.listen_tls else None
    return status_of(own_url(settings), knowing(certificate) if certificate is not None else None)


def status_of(url: str, tls: ssl.SSLContext | None = None) -> dict[str, Any] | None:
    """What a node's /status says, None when it does not answer in JSON. `tls`: for a peer's https."""
    try:
        with urllib.request.urlopen(  # noqa: S310 - a checked Url
            f"{url}/status", timeout=_ANSWER_WITHIN, context=tls
        ) as answer:
            told = json.loads(answer.read())
    except (urllib.error.URLError, http.client.HTTPException, OSError, ValueError):
        return None
    return told if isinstance(told, dict) else None
