"""A node that misbehaves: `python misbehaving.py HOW run --config node.toml`.

The product has no switch for this; its functions are replaced here, before the command runs.
"""

import sys
from typing import Any

from net8_oracle.cli import main
from net8_oracle.node.agreement import Agreement
from net8_oracle.node.attendance import Attendance

SHIFT = 700  # Wh that a liar adds to every export


def shift_exports() -> None:
    """Take every meter for one that exported more."""
    honest = Attendance.energies

    def shifted(self: Attendance) -> Any:
        return ((site, energy and (energy[0] + SHIFT, energy[1])) for site, energy in honest(self))

    Attendance.energies = shifted  # type: ignore[method-assign]


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


def open_door() -> None:
    """Take callers without a certificate, any certificate for a peer's, and any amount from anybody."""
    import ssl

    from net8_oracle import certificates
    from net8_oracle.node.limits import Budget

    honest = certificates._context

    def gullible(*arguments: Any) -> ssl.SSLContext:
        context = honest(*arguments)
        listens = context.protocol is ssl.PROTOCOL_TLS_SERVER
        context.verify_mode = ssl.CERT_OPTIONAL if listens else ssl.CERT_NONE
        return context

    async def unlimited(self: Budget, *, messages: int = 0, bytes_: int = 0) -> None:
        """Nothing is counted."""

    certificates._context = gullible  # type: ignore[assignment]
    Budget.spend = Budget.afford = unlimited  # type: ignore[method-assign]


HOW = {
    "shift-exports": shift_exports,
    "forge-reports": forge_reports,
    "stay-silent": stay_silent,
    "open-door": open_door,
}

if __name__ == "__main__":
    HOW[sys.argv.pop(1)]()
    main()
