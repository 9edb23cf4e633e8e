"""The wallet in the browser: who is connected, and buttons that the user's own wallet signs.

The browser can claim any address: what is read here chooses what to show and authorises nothing. Every right is
checked by the contracts against the signature.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Literal

import streamlit as st
from net8.contracts import Call
from net8.signing import checksum_address

from net8_web.i18n import LANGUAGES, direction, language, set_language, t, table
from net8_web.settings import WalletConnect

__all__ = [
    "Account",
    "Intent",
    "Kept",
    "Network",
    "Outcome",
    "account",
    "bar",
    "call",
    "kept",
    "last_outcome",
    "outbox",
    "panel",
    "permit",
    "signature",
]

_BAR = "wallet"
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
_HASH = re.compile(r"0x[0-9a-fA-F]{64}")
_SIGNED = re.compile(r"0x([0-9a-fA-F]{2}){1,512}")  # the desk takes no longer one
_KEEP_MAX, _TEXT_MAX = 1_000, 400
_component = st.components.v2.component(
    "net8-web.wallet",
    html='<div class="bar"></div><div class="panel"></div>',
    css="wallet.css",
    js="wallet.js",
)


@dataclass(frozen=True, slots=True)
class Network:
    """What a wallet must know to join the chain."""

    chain_id: int
    name: str
    rpc_url: str
    explorer: str | None
    currency: str
    ledger: str  # hash of the first block: tells a restarted local chain from the one before


@dataclass(frozen=True, slots=True)
class Account:
    """What the browser says of the connected wallet."""

    address: str | None = None
    chain_id: int | None = None
    wallet: str | None = None
    wallets: int = 0
    ready: bool = False


@dataclass(frozen=True, slots=True)
class Intent:
    """Something for the user's wallet to do. Made by `call`, `permit` and `signature`."""

    id: str
    kind: Literal["call", "permit", "sign"]
    label: str
    to: str | None = None
    data: str | None = None
    typed: dict[str, Any] | None = None
    keep: str | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """Something that this browser's wallets have signed, as it says itself."""

    keep: str  # what `signature` was told to keep
    signature: bytes


@dataclass(frozen=True, slots=True)
class Outcome:
    """How far the last attempt at a panel's intent has come."""

    id: str
    attempt: int
    status: str  # checking, signing, sending, pending, confirmed, reverted, unseen, signed, failed
    hash: str | None = None
    block: int | None = None
    kind: str | None = None  # of a failure: rejected, refused, cancelled, busy, funds, network, chain, relay, other
    reason: str | None = None  # the contract's string when refused
    signature: str | None = None


def _id(*parts: object) -> str:
    return sha256("|".join(map(str, parts)).encode()).hexdigest()[:16]


def call(label: str, what: Call[Any]) -> Intent:
    """Send a call as a transaction."""
    return Intent(_id("call", what.to, what.data), "call", label, what.to, f"0x{what.data.hex()}")


def permit(label: str, what: Call[Any], typed: dict[str, Any], about: str) -> Intent:
    """Sign `typed` (EIP-2612), put v, r, s in place of the last three words of the calldata, and send it.

    `about` names what the intent is for: deadlines change while the user reads, the intent stays the same.
    """
    return Intent(_id("permit", what.to, about), "permit", label, what.to, f"0x{what.data.hex()}", typed)


def signature(label: str, typed: dict[str, Any], keep: str | None = None) -> Intent:
    """Sign `typed` (EIP-712) and hand the signature to the server; nothing is sent to the chain.

    Args:
        label: of the button.
        typed: what to sign.
        keep: text under which the browser keeps the signature until `kept` asks for it; None for not at all.
    """
    return Intent(_id("sign", typed), "sign", label, typed=typed, keep=keep)


def _ignored() -> None:
    """Streamlit asks for a callback of every state a component reports; ours are read from the result."""


def _words() -> dict[str, str]:
    return {key.removeprefix("wallet."): text for key, text in table(language()).items() if key.startswith("wallet.")}


def _network(network: Network) -> dict[str, Any]:
    return {
        "chainId": network.chain_id,
        "name": network.name,
        "rpcUrl": network.rpc_url,
        "explorer": network.explorer,
        "currency": {"name": network.currency, "symbol": network.currency, "decimals": 18},
        "ledger": network.ledger,
    }


def _read_account(claim: object) -> Account | None:
    if not isinstance(claim, dict):
        return None
    address = claim.get("address")
    chain_id = claim.get("chain_id")
    return Account(
        address=checksum_address(address) if isinstance(address, str) and _ADDRESS.fullmatch(address) else None,
        chain_id=chain_id if isinstance(chain_id, int) else None,
        wallet=str(claim.get("wallet"))[:60] if claim.get("wallet") else None,
        wallets=claim["wallets"] if isinstance(claim.get("wallets"), int) else 0,
        ready=bool(claim.get("ready")),
    )


def bar(network: Network, walletconnect: WalletConnect | None = None) -> Account:
    """Mount the wallet bar; once per run, before any panel. Returns the account, which may be nobody."""
    result = _component(
        key=_BAR,
        data={
            "view": "bar",
            "name": _BAR,
            "network": _network(network),
            "walletconnect": walletconnect
            and {"projectId": walletconnect.project_id, "relayUrl": walletconnect.relay_url},
            "lang": language(),
            "dir": direction(language()),
            "languages": list(LANGUAGES.items()),
            "words": _words(),
        },
        default={"account": None, "outbox": [], "signed": [], "lang": None},
        on_account_change=_ignored,
        on_outbox_change=_ignored,
        on_signed_change=_ignored,
        on_lang_change=_ignored,
    )
    if result.lang and result.lang != language():
        set_language(result.lang)
        st.rerun()
    read = _read_account(result.account)
    if read is not None:
        st.session_state["_account"] = read
    if isinstance(result.outbox, list):
        st.session_state["_outbox"] = [entry for entry in result.outbox if isinstance(entry, dict)]
    if isinstance(result.signed, list):
        st.session_state["_signed"] = [one for entry in result.signed if (one := _read_kept(entry)) is not None]
    return account()


def account() -> Account:
    """The account as the bar last told."""
    known = st.session_state.get("_account")
    return known if isinstance(known, Account) else Account()


def outbox() -> list[dict[str, Any]]:
    """Transactions this browser has sent, oldest first: {id, hash, label, status, block, sent_at}."""
    entries: list[dict[str, Any]] = st.session_state.get("_outbox", [])
    return [entry for entry in entries if _HASH.fullmatch(str(entry.get("hash")))]


def kept() -> list[Kept]:
    """What the browser's wallets have signed and it was told to keep, oldest first."""
    entries: list[Kept] = st.session_state.get("_signed", [])
    return entries


def _read_kept(claim: object) -> Kept | None:
    if not isinstance(claim, dict):
        return None
    keep, signed = claim.get("keep"), claim.get("signature")
    if not (isinstance(keep, str) and isinstance(signed, str) and len(keep) <= _KEEP_MAX and _SIGNED.fullmatch(signed)):
        return None
    return Kept(keep, bytes.fromhex(signed[2:]))


def _read_outcome(claim: object) -> Outcome | None:
    if not isinstance(claim, dict) or not claim.get("id") or not isinstance(claim.get("attempt"), int):
        return None
    texts = {name: str(claim[name])[:_TEXT_MAX] if claim.get(name) else None for name in ("hash", "kind", "reason")}
    block, signed = claim.get("block"), str(claim.get("signature"))
    return Outcome(
        id=str(claim["id"]),
        attempt=claim["attempt"],
        status=str(claim.get("status")),
        block=block if isinstance(block, int) else None,
        signature=signed if _SIGNED.fullmatch(signed) else None,
        **texts,
    )


def last_outcome(key: str) -> Outcome | None:
    """The outcome that the panel `key` told last, without mounting it; None when it was not mounted in the last run."""
    known = st.session_state.get(key)
    return _read_outcome(known.get("outcome") if known else None)


def panel(
    network: Network,
    key: str,
    intent: Intent | None,
    idle: str,
    refusal: Callable[[str], str],
    *,
    quiet: bool = False,
) -> Outcome | None:
    """Mount a sign panel for `intent`; without one its button reads `idle` and cannot be pressed.

    Args:
        refusal: turns a contract's reason string into a sentence.
        quiet: a small button, for one of many.

    Returns:
        The outcome of the last attempt, in this run and in every later one.
    """
    told = last_outcome(key)
    said = None
    if told and told.status == "failed" and told.kind == "refused":
        said = {"id": told.id, "attempt": told.attempt, "text": refusal(told.reason or "")}
    elif told and told.status == "reverted":
        said = {"id": told.id, "attempt": told.attempt, "text": t("wallet.step_reverted")}
    result = _component(
        key=key,
        data={
            "view": "panel",
            "name": key,
            "network": _network(network),
            "intent": {name: getattr(intent, name) for name in ("id", "kind", "label", "to", "data", "typed", "keep")}
            if intent
            else None,
            "idle": idle,
            "quiet": quiet,
            "said": said,
        },
        default={"outcome": None},
        on_outcome_change=_ignored,
    )
    return _read_outcome(result.outcome)
