"""The words of a contract's storage, as they lie on the chain: read without a call, hundreds of times as fast."""

from typing import Any

import boa
from eth_utils.crypto import keccak

from tests.contracts.layout import flat

__all__ = ["Words"]


class Words:
    """Storage of one contract: `words("book.side_word", key)`."""

    def __init__(self, contract: Any) -> None:
        layout = contract.compiler_data.storage_layout["storage_layout"]
        self._address = contract.address
        self._slots = {name: entry["slot"] for name, entry in flat(layout).items()}

    def __call__(self, name: str, key: int) -> int:
        """The word of a mapping from one integer to a word; 0 where nothing was ever written."""
        place = keccak(self._slots[name].to_bytes(32, "big") + key.to_bytes(32, "big"))
        return int(boa.env.get_storage(self._address, int.from_bytes(place, "big")))
