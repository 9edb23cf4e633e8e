"""`net8-oracle init`: a folder with keys, a certificate, a password and a configuration to complete."""

import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from net8_oracle import certificates, keys
from net8_oracle.settings import ConfigRefused

__all__ = ["FILES", "begin"]

FILES = ("password.txt", "signer.json", "transmitter.json", "mesh.pem", "mesh.key", "node.toml")

_CONFIGURATION = """\
# An operator's node. Every field is explained in the README of net8-oracle; paths count from this file's folder.
listen = "{listen}"           # for gateways, and for who looks at /status and /metrics
zones = {zones}
store = "node.sqlite"

[chain]
rpc = "{rpc}"
deployment = "{deployment}"

[keys]
signer = "signer.json"              # {signer}
transmitter = "transmitter.json"    # {transmitter}
password_file = "password.txt"      # on a server, better a credential of the service manager

[mesh]                              # for the other operators, by mutual TLS
listen = "{mesh_listen}"
certificate = "mesh.pem"            # give this file to every other operator
key = "mesh.key"

# One for each other operator of your zones; `net8-oracle check` names those that are missing.
# [[peers]]
# signer = "0x..."
# url = "https://operator-2.example:9002"
# certificate = "operator-2.pem"    # its mesh.pem; compare the fingerprint by a way you trust
"""


def begin(
    folder: Path,
    deployment: Path,
    rpc: str,
    zones: list[int],
    listen: str,
    mesh_listen: str,
    iterations: int = keys.DEFAULT_ITERATIONS,
) -> Iterator[str]:
    """Make an operator's folder; says what to do next, line by line.

    Args:
        folder: made when missing; none of `FILES` may be in it.
        deployment: file of the contracts' addresses, written as a path from the folder.
        rpc: address of a chain node.
        zones: to serve.
        listen: IP address and port for gateways.
        mesh_listen: IP address and port for the other operators.
        iterations: rounds of pbkdf2 of the keystores.

    Raises:
        ConfigRefused: a file is there already, or the folder cannot be written.
        KeyRefused: a keystore cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as fault:
        raise ConfigRefused(f"{folder} cannot be made ({fault.strerror}); choose another folder") from None
    present = [name for name in FILES if (folder / name).exists()]
    if present:
        raise ConfigRefused(f"{folder} holds {present[0]} already; choose another folder, nothing was changed")
    password = secrets.token_urlsafe(24)
    _write(folder / "password.txt", password + "\n", 0o600)
    signer = keys.create(folder / "signer.json", password, iterations)
    transmitter = keys.create(folder / "transmitter.json", password, iterations)
    certificate = certificates.create(folder / "mesh.pem", folder / "mesh.key", password, f"NET8 operator {signer}")
    where = os.path.relpath(deployment, folder)
    text = _CONFIGURATION.format(
        listen=listen,
        mesh_listen=mesh_listen,
        zones=zones,
        rpc=rpc,
        deployment=where,
        signer=signer,
        transmitter=transmitter,
    )
    _write(folder / "node.toml", text, 0o644)
    config = folder / "node.toml"
    yield f"signer {signer}: signs what meters showed, holds nothing"
    yield f"transmitter {transmitter}: pays for transactions; send it some of the chain's coin"
    yield f"certificate {certificate}: give {certificate.path} to the other operators"
    yield f"next: name your peers in {config}, then `net8-oracle register --config {config}`,"
    yield f"      have the registry's owner admit you, and run `net8-oracle check --config {config}`"
    yield f"keep copies of {folder / 'signer.json'} and {folder / 'password.txt'} in two other places"


def _write(path: Path, text: str, mode: int) -> None:
    try:
        with open(path, "x", encoding="utf-8", opener=lambda name, flags: os.open(name, flags, mode)) as file:
            file.write(text)
    except OSError as fault:
        raise ConfigRefused(f"{path} cannot be written ({fault.strerror}); choose another folder") from None
