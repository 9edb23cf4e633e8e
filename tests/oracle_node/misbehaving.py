"""A node that misbehaves: `python misbehaving.py HOW run --config node.toml`.

The product has no switch for this; its functions are replaced here, before the command runs.
"""

import os
import sys
from typing import Any

from net8_oracle.cli import main
from net8_oracle.node.agreement import Agreement
from net8_oracle.node.transmitter import Transmitter

SHIFT = 700  # Wh that a liar adds to every export


def shift_exports() -> None:
    """Observe more export than the meters signed."""
    honest = Agreement._own_readings

    def shifted(self: Agreement) -> list[int]:
        return [word if word >> 48 & 1 else word + SHIFT for word in honest(self)]

    Agreement._own_readings = shifted  # type: ignore[method-assign]


def forge_reports() -> None:
    """Lead with a report that does not follow from the observations."""
    honest = Agreement._derive

    async def forged(self: Agreement, round_: int, observations: list[list[int]]) -> Any:
        return await honest(
            self, round_, [[word if word >> 48 & 1 else word + SHIFT for word in o] for o in observations]
        )

    Agreement._derive = forged  # type: ignore[method-assign]


def stay_silent() -> None:
    """Listen, and say nothing to anybody."""
    from net8_oracle.node.mesh import HttpMesh

    HttpMesh.send = lambda self, to, message: None  # type: ignore[method-assign]
    HttpMesh.broadcast = lambda self, message: None  # type: ignore[method-assign]


def die_before_broadcast() -> None:
    """Be killed after a transaction was stored and before it was sent."""

    async def die(self: Transmitter, row: Any) -> Any:
        os._exit(9)

    Transmitter._broadcast = die  # type: ignore[method-assign]


def die_after_broadcast() -> None:
    """Be killed after a transaction was sent and before its end was stored."""
    honest = Transmitter._broadcast

    async def die(self: Transmitter, row: Any) -> Any:
        await honest(self, row)
        os._exit(9)

    Transmitter._broadcast = die  # type: ignore[method-assign]


HOW = {
    "shift-exports": shift_exports,
    "forge-reports": forge_reports,
    "stay-silent": stay_silent,
    "die-before-broadcast": die_before_broadcast,
    "die-after-broadcast": die_after_broadcast,
}

if __name__ == "__main__":
    HOW[sys.argv.pop(1)]()
    main()
