"""Settings (TOML) and encrypted keystores of the processes that the street starts."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from eth_account import Account

__all__ = ["Meter", "Peer", "delays_ms", "gateway_settings", "indexer_settings", "node_settings", "write_keystore"]

_ITERATIONS = 1_000  # of pbkdf2: these keys are public knowledge, and two hundred of them are opened at once
_GATEWAY_POLL_MS = 50  # looks at the chain's clock, by which meters are read
_NODE_POLL_MS = 250  # what a gateway sends makes a node look at once
_INDEXER_POLL_MS = 250


@dataclass(frozen=True)
class Peer:
    """An oracle node as others see it."""

    signer: str
    url: str
    certificate: Path


@dataclass(frozen=True)
class Meter:
    """One meter of a gateway: replays columns of a file."""

    site: int
    keystore: Path
    inputs: Path
    load: str
    pv: str | None
    first_row_slot: int
    delay_ms: int  # until it answers, from a slot's end on


def delays_ms(spread_ms: int, meters: int) -> list[int]:
    """ms until each meter answers: even shares of the spread, the first one at once."""
    return [spread_ms * place // meters for place in range(meters)]


def write_keystore(path: Path, key: bytes, password: str) -> None:
    """Encrypt a key into a new file, readable by its owner alone."""
    content = Account.encrypt(key, password, kdf="pbkdf2", iterations=_ITERATIONS)
    path.touch(mode=0o600)
    path.write_text(json.dumps(content), encoding="utf-8")


def _text(value: object) -> str:
    """A TOML string; JSON's escapes are TOML's too."""
    return json.dumps(str(value), ensure_ascii=False)


def _chain(deployment: Path, rpc: str, poll_ms: int) -> str:
    return f'[chain]\ndeployment = {_text(deployment)}\nrpc = {_text(rpc)}\nclock = "chain"\npoll_ms = {poll_ms}\n'


def node_settings(
    *, listen: str, mesh: str, zone: int, store: Path, stamps: Path, deployment: Path, rpc: str, signer: Path,
    transmitter: Path, password_file: Path, certificate: Path, peers: Sequence[Peer],
) -> str:  # fmt: skip
    """Settings of an oracle node."""
    listed = "".join(
        f"\n[[peers]]\nsigner = {_text(peer.signer)}\nurl = {_text(peer.url)}\n"
        f"certificate = {_text(peer.certificate)}\n"
        for peer in peers
    )
    return (
        f"listen = {_text(listen)}\nzones = [{zone}]\nstore = {_text(store)}\nstamps = {_text(stamps)}\n\n"
        f"{_chain(deployment, rpc, _NODE_POLL_MS)}\n"
        f"[keys]\nsigner = {_text(signer)}\ntransmitter = {_text(transmitter)}\n"
        f"password_file = {_text(password_file)}\n\n"
        f"[mesh]\nlisten = {_text(mesh)}\ncertificate = {_text(certificate)}\n"
        f"key = {_text(certificate.with_suffix('.key'))}\n"
        f"{listed}"
    )


def gateway_settings(
    *, listen: str, store: Path, deployment: Path, rpc: str, password_file: Path, operators: Sequence[str],
    meters: Sequence[Meter],
) -> str:  # fmt: skip
    """Settings of a gateway."""
    blocks = [
        f"listen = {_text(listen)}\nstore = {_text(store)}\npassword_file = {_text(password_file)}\n",
        _chain(deployment, rpc, _GATEWAY_POLL_MS),
        *(f"[[operators]]\nurl = {_text(url)}\n" for url in operators),
    ]
    for meter in meters:
        pv = f"pv = {_text(meter.pv)}\n" if meter.pv else ""
        blocks.append(
            f"[[meters]]\nsite = {meter.site}\nkeystore = {_text(meter.keystore)}\n"
            f'[meters.source]\nkind = "csv"\npath = {_text(meter.inputs)}\nload = {_text(meter.load)}\n{pv}'
            f"start_slot = {meter.first_row_slot}\ndelay_ms = {meter.delay_ms}\n"
        )
    return "\n".join(blocks)


def indexer_settings(*, listen: str, database: Path, deployment: Path, rpc: str) -> str:
    """Settings of the indexer."""
    return (
        f"database = {_text(database)}\nlisten = {_text(listen)}\n\n"
        f"[chain]\ndeployment = {_text(deployment)}\nrpc = {_text(rpc)}\npoll_ms = {_INDEXER_POLL_MS}\n"
    )
