"""What a meter shows, whatever language it speaks, and the one refusal of everything that is no meter's word."""

import functools
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Concatenate, Literal, ParamSpec, TypeVar

from pydantic import Field

from net8_oracle.settings import Settings

__all__ = [
    "CLOCK_NOT_SET",
    "FrameRefused",
    "MeterState",
    "SourceFault",
    "SourceSettings",
    "checked",
    "decoder",
    "guarded",
    "in_short",
    "json_object",
    "whole",
]

_MOST_BRACKETS = 4_000  # JSON nested deeper than the stack ends the process, whatever the recursion limit says
LARGEST_REGISTER = 2**62  # Wh: what the signed reading can carry
CLOCK_NOT_SET = "the meter's clock is not set"
_EARLIEST, _LATEST = 946_684_800, 4_102_444_800  # unix seconds: the years 2000 and 2100
_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")


class SourceFault(RuntimeError):
    """A meter that did not answer, or answered what no meter says. The message says which and what to check."""


class FrameRefused(SourceFault):
    """Bytes that are not, or not wholly, what the meter's format prescribes. One sentence."""


@dataclass(frozen=True, slots=True)
class MeterState:
    """A meter's registers as it showed them, and what it said with them.

    What a format or a meter does not tell is None. `problems` are reasons why nobody should settle with this:
    the gateway takes a state without problems only.
    """

    time: int | None  # unix seconds by the meter's own clock
    import_wh: int | None  # whole Wh, cut
    export_wh: int | None
    serial: str | None = None
    power_w: int | None = None  # positive: from the grid
    signed: bool = False  # a signature of the meter itself verifies with the key that was given
    problems: tuple[str, ...] = ()
    record: str = ""  # what the meter signed, as it wrote it; empty where that is too long to pass on

    def canonical(self) -> str:
        """One line of JSON: always the same keys in the same order, time in UTC."""
        time = None if self.time is None else datetime.fromtimestamp(self.time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return json.dumps(
            {
                "serial": self.serial,
                "time": time,
                "import_wh": self.import_wh,
                "export_wh": self.export_wh,
                "power_w": self.power_w,
                "signed": self.signed,
                "problems": list(self.problems),
            }
        )


class SourceSettings(Settings):
    """What may be said of any meter in its `[meters.source]`, whatever its kind."""

    registers: Literal["both", "import", "export"] = "both"  # a register the meter does not have counts as 0
    serial: str | None = None  # refuse any other meter; without it the first one seen in an epoch is kept to
    rollover_wh: int | None = Field(default=None, ge=1)  # where registers start again: 8388608 for 23 bits of Wh
    largest_power_w: int = Field(default=250_000, ge=1)  # no register grows faster than this
    clock: Literal["meter", "gateway"] = "meter"  # whose clock dates the reading, when the meter has one


def whole(name: str, value: object, scale: int = 1, *, nearest: bool = False) -> int:
    """`value` times `scale` as an integer: cut, as a register is, or the nearest.

    Raises:
        FrameRefused: it is no finite number of a size that a meter can show.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise FrameRefused(f"{name} is {str(value)[:40]!r}, which is no number; check the meter and its firmware")
    number = Decimal(value)
    if not number.is_finite() or abs(number) >= LARGEST_REGISTER:
        raise FrameRefused(f"{name} is {str(value)[:40]}, which no meter can show; check the meter and its firmware")
    return int((number * scale).to_integral_value(rounding="ROUND_HALF_EVEN" if nearest else "ROUND_FLOOR"))


def json_object(raw: bytes) -> dict[str, Any]:
    """The JSON object in `raw`, its decimals exact.

    Raises:
        FrameRefused: it is none.
    """
    try:
        content = json.loads(raw, parse_float=Decimal)
    except (ValueError, RecursionError):
        raise FrameRefused("the answer is not JSON, or was cut short; check that the address is the meter's") from None
    if not isinstance(content, dict):
        raise FrameRefused("the answer is JSON but no object; check that the address is the meter's")
    return content


def checked(state: MeterState) -> MeterState:
    """`state` itself, when its registers are some that a meter can show.

    Raises:
        FrameRefused: it has no register, or one that is negative or too large.
    """
    if state.import_wh is None and state.export_wh is None:
        raise FrameRefused("no energy register is in it; check that this is an electricity meter's total")
    for name, register in (("import", state.import_wh), ("export", state.export_wh)):
        if register is not None and register < 0:
            raise FrameRefused(
                f"the {name} register is {register} Wh; an energy register is never negative, "
                "so the firmware has a wrong sign: update it"
            )
        if register is not None and register >= LARGEST_REGISTER:
            raise FrameRefused(f"the {name} register is {register} Wh, which no meter can show; check its scale")
    if state.time is not None and not _EARLIEST <= state.time < _LATEST:
        problems = tuple(dict.fromkeys((*state.problems, CLOCK_NOT_SET)))
        return replace(state, time=state.time if 0 <= state.time < _LATEST else None, problems=problems)
    return state


def guarded(
    form: str, largest: int
) -> Callable[[Callable[Concatenate[bytes, _Arguments], _Result]], Callable[Concatenate[bytes, _Arguments], _Result]]:
    """Make a function that reads well-formed bytes of a meter safe for bytes of anybody: it raises FrameRefused only.

    `largest` bounds the bytes looked at, so that nobody's bytes take more than a moment.
    """

    def wrap(
        read: Callable[Concatenate[bytes, _Arguments], _Result],
    ) -> Callable[Concatenate[bytes, _Arguments], _Result]:
        def safe(raw: bytes, /, *args: _Arguments.args, **kwargs: _Arguments.kwargs) -> _Result:
            if not raw.strip():
                raise FrameRefused(f"{form}: there is nothing to decode; check the cable or the file")
            if len(raw) > largest:
                raise FrameRefused(f"{form}: {len(raw)} bytes are more than a meter sends ({largest}); give one frame")
            if raw.count(b"[") + raw.count(b"{") > _MOST_BRACKETS:
                raise FrameRefused(f"{form}: it is nested beyond all sense; check that the address is the meter's")
            try:
                return read(raw, *args, **kwargs)
            except FrameRefused as fault:
                raise FrameRefused(f"{form}: {fault}") from None
            except Exception as fault:  # hostile bytes make decoding libraries raise whatever comes to their hand
                raise FrameRefused(f"{form}: not a whole frame ({in_short(fault)}); read it again") from None

        functools.update_wrapper(safe, read)
        return safe

    return wrap


def decoder(
    form: str, largest: int
) -> Callable[
    [Callable[Concatenate[bytes, _Arguments], MeterState]], Callable[Concatenate[bytes, _Arguments], MeterState]
]:
    """As `guarded`, for a function that gives a meter's state: no register of it is one that no meter can show."""

    def wrap(
        decode: Callable[Concatenate[bytes, _Arguments], MeterState],
    ) -> Callable[Concatenate[bytes, _Arguments], MeterState]:
        def read(raw: bytes, /, *args: _Arguments.args, **kwargs: _Arguments.kwargs) -> MeterState:
            return checked(decode(raw, *args, **kwargs))

        functools.update_wrapper(read, decode)
        return guarded(form, largest)(read)

    return wrap


def in_short(fault: BaseException) -> str:
    """What a fault says, on one line."""
    return " ".join(str(fault).split())[:120] or type(fault).__name__
