"""`python -m scripts.street`: run the street and end with its result as one line of JSON."""

import signal
import sys
from types import FrameType

from net8.errors import Net8Error

from scripts.street.conductor import say
from scripts.street.inputs import InputsRefused
from scripts.street.options import OptionsRefused, parse
from scripts.street.processes import ChildDied, PortTaken
from scripts.street.rpc import RpcFault
from scripts.street.run_folder import FolderRefused

_REFUSALS = (InputsRefused, OptionsRefused, FolderRefused, PortTaken)
_FAULTS = (ChildDied, RpcFault, Net8Error)
REFUSED, FAILED, STOPPED = 2, 1, 130


def _stop(number: int, frame: FrameType | None) -> None:
    """The first Ctrl-C stops everything; those that follow do not disturb the stopping."""
    for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(one, signal.SIG_IGN)
    raise KeyboardInterrupt


def main() -> int:
    """The exit status."""
    for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(one, _stop)
    try:
        options = parse()
        from scripts.street.measured import DayRefused  # with pandas, which takes a second to load
        from scripts.street.street import run

        try:
            result = run(options)
        except DayRefused as fault:
            say(f"street: {fault}")
            return REFUSED
    except _REFUSALS as fault:
        say(f"street: {fault}")
        return REFUSED
    except _FAULTS as fault:
        say(f"street: {fault}")
        return FAILED
    except KeyboardInterrupt:
        say("stopped; nothing of the street runs any more")
        return STOPPED
    if result.fault is not None:
        say(f"street: {result.fault}")
    print(result.line(), flush=True)
    return 0 if result.conserved and result.fault is None else FAILED


if __name__ == "__main__":
    sys.exit(main())
