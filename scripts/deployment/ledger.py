"""The file `deployments/<chain id>.json`, kept up to date while contracts are deployed.

It is written after each contract, and what is about to be sent is noted before, in a file beside it: an address
follows from the sender and his transaction count. So whatever stops the script, the next run finds what was deployed.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Ledger", "LedgerUnreadable", "Pending"]


class LedgerUnreadable(ValueError):
    """A deployment file that cannot be continued. The message says what to do."""


@dataclass(frozen=True)
class Pending:
    """A contract whose deployment was about to be sent."""

    name: str
    address: str
    args: list[Any]
    block: int  # from which on it can be on the chain


class Ledger:
    """A deployment in the making."""

    def __init__(self, path: Path, chain_id: int) -> None:
        """Reads `path` if there is such a file.

        Raises:
            LedgerUnreadable: it is no deployment of this chain.
        """
        self.path = path
        self._pending_path = path.with_suffix(".pending.json")
        content = self._read(path) or {"chain_id": chain_id, "owner": None, "contracts": {}}
        if not isinstance(content.get("contracts"), dict) or content.get("chain_id") != chain_id:
            raise LedgerUnreadable(f"{path} is not a deployment on chain {chain_id}; give another file with --file")
        self.chain_id = chain_id
        self.owner: str | None = content.get("owner")
        self.contracts: dict[str, dict[str, Any]] = content["contracts"]

    @staticmethod
    def _read(path: Path) -> dict[str, Any] | None:
        try:
            content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as fault:
            raise LedgerUnreadable(f"{path} cannot be read as JSON ({fault}); restore it or move it away") from None
        return content

    @staticmethod
    def _write(path: Path, content: dict[str, Any]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".draft")
        draft.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        draft.replace(path)

    def save(self) -> None:
        """Write the file; a reader sees the old or the new one, never a part."""
        self._write(self.path, {"chain_id": self.chain_id, "owner": self.owner, "contracts": self.contracts})

    @property
    def pending(self) -> Pending | None:
        """What a run that was stopped had been about to deploy."""
        content = self._read(self._pending_path)
        return Pending(**content) if content else None

    def announce(self, pending: Pending) -> None:
        """Note a contract before its deployment is sent."""
        self._write(self._pending_path, vars(pending))

    def record(self, name: str, address: str, block: int, args: list[Any], code_hash: str) -> None:
        """Enter a contract that is on the chain."""
        self.contracts[name] = {"address": address, "block": block, "args": args, "code_hash": code_hash}
        self.save()
        self.settle_pending()

    def settle_pending(self) -> None:
        """Forget the note: its contract is entered, or never came to be."""
        self._pending_path.unlink(missing_ok=True)

    def forget(self) -> None:
        """Start anew, for a local chain that was."""
        self.contracts.clear()
        self.settle_pending()
