"""The folder of a run: keys, settings, logs, stores and stamps of everything that was started.

street.json   where the processes of the run listen
logs/  keys/  nodes/  gateways/  indexer/  stamps/  homes.csv  deployments/
"""

import json
import os
import secrets
import shutil
from pathlib import Path
from typing import Any

__all__ = ["FolderRefused", "RunFolder"]

_MARK = "street.json"


class FolderRefused(RuntimeError):
    """A folder that must not be emptied. The message says why and what to do."""


class RunFolder:
    """A fresh folder; what an earlier run left there is removed."""

    def __init__(self, path: Path) -> None:
        """Empty or make the folder.

        Raises:
            FolderRefused: there is something else than an ended run in it.
        """
        self.path = path.resolve()
        if self.path.exists():
            self._clear()
        folders = (self.logs, self.keys, self.nodes, self.gateways, self.indexer, self.stamps, self.deployments)
        for folder in folders:
            folder.mkdir(parents=True)
        self._facts: dict[str, Any] = {}
        self.note(pid=os.getpid())
        self.password_file.touch(mode=0o600)
        self.password_file.write_text(secrets.token_urlsafe(24) + "\n", encoding="utf-8")

    def _clear(self) -> None:
        mark = self.path / _MARK
        if not self.path.is_dir() or (any(self.path.iterdir()) and not mark.exists()):
            raise FolderRefused(f"{self.path} holds other things than a run of the street; choose another RUN_FOLDER")
        if mark.exists():
            pid = json.loads(mark.read_text(encoding="utf-8")).get("pid", 0)
            if pid != os.getpid() and _runs(pid):
                raise FolderRefused(
                    f"a street runs in {self.path} already (process {pid}); stop it or choose another RUN_FOLDER"
                )
        shutil.rmtree(self.path)

    @property
    def logs(self) -> Path:
        """One log per process."""
        return self.path / "logs"

    @property
    def keys(self) -> Path:
        """Encrypted keystores and their password."""
        return self.path / "keys"

    @property
    def password_file(self) -> Path:
        """The password of all keystores of the run."""
        return self.keys / "password"

    @property
    def nodes(self) -> Path:
        """Settings and stores of the oracle nodes."""
        return self.path / "nodes"

    @property
    def gateways(self) -> Path:
        """Settings, stores and inputs of the gateways."""
        return self.path / "gateways"

    @property
    def indexer(self) -> Path:
        """Settings and database of the indexer."""
        return self.path / "indexer"

    @property
    def stamps(self) -> Path:
        """Raw time stamps of the nodes, one file each."""
        return self.path / "stamps"

    @property
    def deployments(self) -> Path:
        """Where the contracts are."""
        return self.path / "deployments"

    def note(self, **facts: Any) -> None:  # noqa: ANN401 - JSON of any shape
        """Add facts to street.json."""
        self._facts.update(facts)
        (self.path / _MARK).write_text(json.dumps(self._facts, indent=1) + "\n", encoding="utf-8")


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
