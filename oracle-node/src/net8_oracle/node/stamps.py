"""When things happened: one JSON line per settled part of a slot, in wall clock nanoseconds, raw for the bench.

source_ns    the source returned the last reading of the slot (as the gateway says)
complete_ns  this node had all readings it waited for
observed_ns  its observation was signed
proposed_ns  the proposal was made (by the leader) or checked and voted for (by others)
quorum_ns    a quorum had signed
receipt_ns   the settlement receipt was there (the transmitter) or the event was seen (others)
"""

import json
import logging
from pathlib import Path
from typing import Any, TextIO

from net8.logs import fields

from net8_oracle.settings import ConfigRefused

__all__ = ["Stamps"]

log = logging.getLogger(__name__)


class Stamps:
    """Appends lines to a file; without one, keeps nothing."""

    def __init__(self, path: Path | None) -> None:
        """Open the file.

        Raises:
            ConfigRefused: it cannot be written.
        """
        self._file: TextIO | None = None
        if path is not None:
            try:
                self._file = path.open("a", encoding="utf-8", buffering=1)
            except OSError as fault:
                raise ConfigRefused(f"stamps file {path} cannot be written ({fault.strerror})") from None

    def write(self, line: dict[str, Any]) -> None:
        """Append one line; a full disk costs the stamp, never the report."""
        if self._file is not None:
            try:
                self._file.write(json.dumps(line) + "\n")
            except OSError as fault:
                log.warning("stamp not written", extra=fields(reason=str(fault)))

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
