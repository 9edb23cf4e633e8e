"""Private keys, at rest only in encrypted keystores (Web3 Secret Storage, version 3).

The key derivation is pbkdf2, not scrypt: scrypt takes about 300 MB, more than a board beside a meter has.
"""

import hashlib
import hmac
import json
import os
import secrets
from functools import cache
from pathlib import Path
from typing import Any

from coincurve import PrivateKey
from Crypto.Cipher import AES
from net8.signing import keccak256

from net8_oracle import crypto

__all__ = ["DEFAULT_ITERATIONS", "KeyRefused", "create", "keystore_address", "load", "password_from"]

DEFAULT_ITERATIONS = 600_000  # of pbkdf2-hmac-sha256: about half a second per guess on a small board


class KeyRefused(ValueError):
    """A keystore or password that cannot be used. The message says which and what to do."""


def password_from(
    file: Path | None = None,
    variable: str | None = None,
    descriptor: int | None = None,
    credential: str | None = None,
) -> str:
    """The password: the first line of a file, of an open file descriptor or of a systemd credential, or the content of
    an environment variable, whichever is named.

    Raises:
        KeyRefused: none is named, it is not there, or it is empty.
    """
    if credential is not None:
        folder = os.environ.get("CREDENTIALS_DIRECTORY")
        if folder is None or Path(credential).name != credential:
            raise KeyRefused(
                f"systemd passes no credential '{credential}'; add LoadCredential={credential}:/path to the unit"
            )
        file = Path(folder) / credential
    if file is not None:
        try:
            text = file.read_text(encoding="utf-8")
        except OSError as fault:
            raise KeyRefused(
                f"password file {file} cannot be read ({fault.strerror}); create it with mode 600"
            ) from None
        password, where = text.split("\n", 1)[0], f"password file {file}"
    elif descriptor is not None:
        password, where = _first_line_of(descriptor), f"file descriptor {descriptor}"
    elif variable is not None:
        password, where = os.environ.get(variable, ""), f"environment variable {variable}"
    else:
        raise KeyRefused("no password given; name a password_file or a password_env")
    if not password:
        raise KeyRefused(f"{where} is empty; put the keystore's password there")
    return password


@cache  # what a pipe has given once it does not give again
def _first_line_of(descriptor: int) -> str:
    try:
        with os.fdopen(descriptor, encoding="utf-8") as stream:
            return stream.readline().removesuffix("\n")
    except OSError as fault:
        raise KeyRefused(
            f"file descriptor {descriptor} cannot be read ({fault.strerror}); open it, as in {descriptor}< password.txt"
        ) from None


def _bytes(password: str) -> Any:  # noqa: ANN401 - eth_keyfile's annotation says str, its pbkdf2 wants bytes
    return password.encode()


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as fault:
        raise KeyRefused(
            f"keystore {path} cannot be read ({fault.strerror}); make one with `net8-oracle keys new`"
        ) from None
    except ValueError:
        raise KeyRefused(f"keystore {path} is not JSON; restore it from a backup or make a new one") from None
    if not isinstance(content, dict):
        raise KeyRefused(f"keystore {path} is not a keystore; restore it from a backup or make a new one")
    return content


def _opened(content: dict[str, Any], password: str) -> bytes:
    """The private key in a keystore. Those of pbkdf2 are opened here: eth_keyfile alone takes 7 MB of a small board.

    Raises:
        KeyError, TypeError, ValueError, NotImplementedError: it is no keystore, is damaged, or the password is wrong.
    """
    sealed = content["crypto"]
    if sealed["kdf"] != "pbkdf2":
        from eth_keyfile.keyfile import decode_keyfile_json

        return bytes(decode_keyfile_json(content, _bytes(password)))
    derivation = sealed["kdfparams"]
    if content["version"] != 3 or derivation["prf"] != "hmac-sha256" or sealed["cipher"] != "aes-128-ctr":
        raise NotImplementedError("another version, hash or cipher")
    text = bytes.fromhex(sealed["ciphertext"])
    derived = hashlib.pbkdf2_hmac(
        "sha256", password.encode(), bytes.fromhex(derivation["salt"]), derivation["c"], derivation["dklen"]
    )
    if not hmac.compare_digest(keccak256(derived[16:32] + text), bytes.fromhex(sealed["mac"])):
        raise ValueError("MAC mismatch")
    start = bytes.fromhex(sealed["cipherparams"]["iv"]).rjust(16, b"\0")  # written as a number, without leading zeros
    return AES.new(derived[:16], AES.MODE_CTR, nonce=b"", initial_value=start).decrypt(text)


def load(path: Path, password: str) -> PrivateKey:
    """Decrypt a keystore.

    Raises:
        KeyRefused: the file is missing or damaged, or the password is wrong.
    """
    content = _read(path)
    try:
        key = PrivateKey(_opened(content, password))
        if "address" in content and crypto.address_text(crypto.own_address(key)) != keystore_address(path):
            raise ValueError("its key is not that of its address")  # the MAC does not cover the initial vector
        return key
    except ValueError as fault:
        if "MAC" in str(fault):
            raise KeyRefused(f"keystore {path}: wrong password") from None
        raise KeyRefused(f"keystore {path} is damaged ({fault}); restore it from a backup") from None
    except (KeyError, TypeError, NotImplementedError) as fault:
        raise KeyRefused(f"keystore {path} is no version 3 keystore ({fault}); restore it from a backup") from None


def keystore_address(path: Path) -> str:
    """The address a keystore says it holds, without decrypting it."""
    address = str(_read(path).get("address", ""))
    try:
        return crypto.address_text(bytes.fromhex(address.removeprefix("0x")))
    except ValueError:
        raise KeyRefused(f"keystore {path} names no address; restore it from a backup") from None


def create(path: Path, password: str, iterations: int = DEFAULT_ITERATIONS, key: bytes | None = None) -> str:
    """Write a new keystore (mode 600) and return its address. An existing file is never overwritten.

    Raises:
        KeyRefused: the file exists, cannot be written, or the password is empty.
    """
    if not password:
        raise KeyRefused("the password is empty; choose one")
    from eth_keyfile.keyfile import create_keyfile_json

    private = PrivateKey(key if key is not None else secrets.token_bytes(32))
    content = create_keyfile_json(private.secret, _bytes(password), version=3, kdf="pbkdf2", iterations=iterations)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise KeyRefused(f"{path} exists already; choose another name, keys are never overwritten") from None
    except OSError as fault:
        raise KeyRefused(f"{path} cannot be written ({fault.strerror})") from None
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(content, file)
    return crypto.address_text(crypto.own_address(private))
