"""Keys of the street. They are public knowledge and worth nothing: they exist on the local chain alone.

The chain's own development accounts run the network; keys of homes and meters follow from their number.
"""

from eth_account import Account
from eth_account.signers.local import LocalAccount
from net8.signing import address_of, keccak256

__all__ = [
    "LOCAL_CHAIN_ID",
    "development_account",
    "development_accounts",
    "home_account",
    "meter_address",
    "meter_key",
    "operator_account",
    "signer_key",
    "transmitter_account",
]

LOCAL_CHAIN_ID = 31337
MNEMONIC = "test test test test test test test test test test test junk"  # anvil's own
OWNER, GRID_OPERATOR, REGISTRAR, GUARDIAN = range(4)  # the guardian may stop new orders for a while
FIRST_OPERATOR = 4  # and behind each operator its transmitter

Account.enable_unaudited_hdwallet_features()


def development_account(index: int) -> LocalAccount:
    """An account that the local chain gives coins at its start."""
    account: LocalAccount = Account.from_mnemonic(MNEMONIC, account_path=f"m/44'/60'/0'/0/{index}")
    return account


def development_accounts(operators: int) -> int:
    """How many of them a street with so many oracle operators needs."""
    return FIRST_OPERATOR + 2 * operators


def operator_account(index: int) -> LocalAccount:
    """What oracle operator `index` (from 0) stakes with."""
    return development_account(FIRST_OPERATOR + 2 * index)


def transmitter_account(index: int) -> LocalAccount:
    """What oracle operator `index` (from 0) pays gas with."""
    return development_account(FIRST_OPERATOR + 2 * index + 1)


def home_account(index: int) -> LocalAccount:
    """Owner of the street's home with this number, from 0."""
    account: LocalAccount = Account.from_key(keccak256(f"home {index} of the street".encode()))
    return account


def meter_key(name: str) -> bytes:
    """Private key of a meter, by its name."""
    return keccak256(f"meter {name} of the street".encode())


def meter_address(name: str) -> str:
    """Address of a meter's key."""
    return address_of(meter_key(name))


def signer_key(index: int) -> bytes:
    """Private key with which oracle operator `index` (from 0) signs observations and reports."""
    return keccak256(f"oracle operator {index} of the street".encode())
