"""What the app is told by its environment."""

import os
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

import streamlit as st
from net8.units import parse_price_eur

__all__ = ["LIVE_BOOK", "LOCAL_CHAIN", "Retail", "Settings", "SettingsRefused", "WalletConnect", "read", "served_at"]

LOCAL_CHAIN = 31337  # anvil's; the only chain with a street to join and a practice wallet

LIVE_BOOK = "/live/book"  # where books are told as they change (`net8_web.live`)

_RELAY = "wss://relay.walletconnect.org"


def served_at(path: str) -> str:
    """Where a path such as `/live/book` is, below the one that `--server.baseUrlPath` may give the app."""
    base: str = st.get_option("server.baseUrlPath").strip("/")
    return f"/{base}{path}" if base else path


class SettingsRefused(ValueError):
    """A setting that cannot be used. The message says which and what to write instead."""


@dataclass(frozen=True, slots=True)
class WalletConnect:
    """What the operator of the app has arranged with WalletConnect, for wallets on other devices."""

    project_id: str
    relay_url: str


@dataclass(frozen=True, slots=True)
class Retail:
    """What the ordinary supplier asks for energy, by the day from which it asks it."""

    steps: tuple[tuple[int, int], ...]  # unix second of that day in UTC, and grains per Wh; the earliest first

    def at(self, unix: int) -> int:
        """Grains per Wh at a moment; before the first day its own."""
        return next((price for begun, price in reversed(self.steps) if begun <= unix), self.steps[0][1])


@dataclass(frozen=True, slots=True)
class Settings:
    """Where the app finds chain, contracts, street and oracle nodes."""

    rpc_url: str  # the server's own way to the chain
    public_rpc_url: str  # the same chain as browsers reach it: given to wallets that do not know the network
    deployment: Path
    street_url: str | None  # the conductor of the local demo street
    nodes: tuple[str, ...]  # oracle nodes whose status is shown
    indexer: str | None  # HTTP API of the indexer, /api included
    retail: Retail | None
    network_name: str
    explorer: str | None  # block explorer, for links to transactions
    currency: str  # of gas
    walletconnect: WalletConnect | None


def _url(name: str, text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise SettingsRefused(f"{name} is '{text}'; give an address such as http://127.0.0.1:8545")
    return text.rstrip("/")


def _retail(name: str, text: str) -> Retail:
    """`0.36`, or `0.34, 2026-07-01=0.36` with the days from which further prices hold."""
    steps = []
    for part in text.split(","):
        day, dated, price = part.rpartition("=")
        try:
            begun = int(datetime.fromisoformat(f"{day.strip()}T00:00:00+00:00").timestamp()) if dated else 0
            steps.append((begun, parse_price_eur(price.strip())))
        except ValueError:
            raise SettingsRefused(
                f"{name} is '{text}'; give a price in euro per kWh such as 0.36, or several with the days from which "
                "they hold, such as 0.34, 2026-07-01=0.36"
            ) from None
    if steps != sorted({begun: (begun, price) for begun, price in steps}.values()):
        raise SettingsRefused(f"{name} is '{text}'; give each day once, the earliest first")
    return Retail(tuple(steps))


def _walletconnect(project_id: str, relay_url: str) -> WalletConnect:
    if not re.fullmatch("[0-9a-f]{32}", project_id):
        raise SettingsRefused(
            f"NET8_WALLETCONNECT_ID is '{project_id}'; give the id of your project, 32 digits from 0 to f"
        )
    parts = urlsplit(relay_url)
    if parts.scheme not in {"ws", "wss"} or not parts.hostname:
        raise SettingsRefused(f"NET8_WALLETCONNECT_RELAY is '{relay_url}'; give an address such as {_RELAY}")
    return WalletConnect(project_id, relay_url)


def read(environ: dict[str, str] | None = None) -> Settings:
    """Settings from environment variables.

    NET8_RPC_URL         the chain's JSON-RPC address (http://127.0.0.1:8545)
    NET8_PUBLIC_RPC_URL  the same for browsers, where it differs
    NET8_DEPLOYMENT      path of deployments/<chain id>.json (deployments/31337.json)
    NET8_STREET_URL      conductor of the demo street; local chain only
    NET8_NODES           oracle nodes' addresses, separated by commas
    NET8_INDEXER         the indexer's HTTP API, such as http://127.0.0.1:8700/api
    NET8_RETAIL_EUR      what the grid's ordinary supplier asks for a kWh, in euro: 0.36, or 0.34, 2026-07-01=0.36 with
                         the days (UTC) from which further prices hold; shown beside the neighbours' price, and what
                         savings are counted against
    NET8_NETWORK_NAME, NET8_EXPLORER, NET8_CURRENCY  what wallets are told of a network they do not know
    NET8_WALLETCONNECT_ID     project id; offers wallets on other devices through WalletConnect
    NET8_WALLETCONNECT_RELAY  its relay, where it is not WalletConnect's own

    Raises:
        SettingsRefused: an address, the price or the project id is none.
    """
    env = dict(os.environ) if environ is None else environ
    rpc_url = _url("NET8_RPC_URL", env.get("NET8_RPC_URL") or "http://127.0.0.1:8545")
    public = env.get("NET8_PUBLIC_RPC_URL")
    street = env.get("NET8_STREET_URL")
    explorer = env.get("NET8_EXPLORER")
    project = env.get("NET8_WALLETCONNECT_ID")
    indexer, retail = env.get("NET8_INDEXER"), env.get("NET8_RETAIL_EUR")
    nodes = [node.strip() for node in env.get("NET8_NODES", "").split(",") if node.strip()]
    return Settings(
        rpc_url=rpc_url,
        public_rpc_url=_url("NET8_PUBLIC_RPC_URL", public) if public else rpc_url,
        deployment=Path(env.get("NET8_DEPLOYMENT") or "deployments/31337.json"),
        street_url=_url("NET8_STREET_URL", street) if street else None,
        nodes=tuple(_url("NET8_NODES", node) for node in nodes),
        indexer=_url("NET8_INDEXER", indexer) if indexer else None,
        retail=_retail("NET8_RETAIL_EUR", retail) if retail else None,
        network_name=env.get("NET8_NETWORK_NAME") or "NET8 street",
        explorer=_url("NET8_EXPLORER", explorer) if explorer else None,
        currency=env.get("NET8_CURRENCY") or "ETH",
        walletconnect=_walletconnect(project, env.get("NET8_WALLETCONNECT_RELAY") or _RELAY) if project else None,
    )
