"""Redundant layers of data that a site's reading must agree with before an operator states it.

meter   the meter's signature and its counters' continuity (checked when a reading comes in: `node.meters`)
model   what the sun can have produced
grid    the grid operator's log of the feeder, against the sum of its sites

Above `ENERGY_FREE_WH` exported in a slot two of the three must agree; otherwise the operator states "no reading" and
names the layers that did agree. The median over operators decides, so that neither a single wrong weather source
nor a lying operator loses an honest reading. A layer without data is silent: it neither agrees nor disputes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntFlag
from typing import Protocol

from net8_oracle.node.meters import RegisteredSite

__all__ = ["ENERGY_FREE_WH", "Check", "Judgement", "Judges", "Layer", "Layers", "Opinion", "by_layer"]

ENERGY_FREE_WH = 50  # exported in a slot: what is worth less than a cent needs the meter's word alone


class Layer(IntFlag):
    """The layers, as bits of a signed observation."""

    METER = 1
    MODEL = 2
    GRID = 4


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one layer says of a reading: whether it agrees, None when it cannot say, and why not."""

    agrees: bool | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What all layers together say of a reading."""

    agreed: Layer
    reported: bool  # False: this operator states "no reading"
    reasons: tuple[str, ...] = ()  # of the layers that dispute it


class Layers(Protocol):
    """What an agreement asks of the layers."""

    def judge(self, site: RegisteredSite, slot: int, energy: tuple[int, int]) -> Judgement:
        """Which layers agree with a site's (export, import) in Wh, and whether it may be reported."""


class Check(Protocol):
    """One layer beyond the meter's own."""

    layer: Layer

    def opinion(self, site: RegisteredSite, slot: int, exported: int) -> Opinion:
        """What this layer says. The same whenever it is asked again on the same data; quick, it is on the hot path."""


class Judges:
    """The layers of a node. Without any check beyond the meter's own every accepted reading is reported.

    An accepted reading has the meter's signature, continuous counters and no more energy than the site's registered
    nameplate allows (`node.meters`): with nothing else to ask, that is the meter and the coarsest model.
    """

    def __init__(self, checks: Sequence[Check] = (), energy_free: int = ENERGY_FREE_WH) -> None:
        """`energy_free`: Wh exported in a slot up to which the meter's word suffices."""
        self._checks = tuple(checks)
        self._energy_free = energy_free
        has_model = any(check.layer is Layer.MODEL for check in checks)
        self._unasked = Layer.METER if has_model else Layer.METER | Layer.MODEL
        self._unchecked = Judgement(self._unasked, reported=True)

    def judge(self, site: RegisteredSite, slot: int, energy: tuple[int, int]) -> Judgement:
        """Which layers agree with a site's (export, import) in Wh, and whether it may be reported."""
        if not self._checks:
            return self._unchecked
        agreed, reasons, exported = self._unasked, [], energy[0]
        for check in self._checks:
            opinion = check.opinion(site, slot, exported)
            if opinion.agrees:
                agreed |= check.layer
            elif opinion.agrees is not None:
                reasons.append(f"{str(check.layer.name).lower()}: {opinion.reason}")
        reported = exported <= self._energy_free or agreed.bit_count() >= 2
        return Judgement(agreed, reported, tuple(reasons))


def by_layer(rests_on: Mapping[int, int]) -> dict[str, int]:
    """How many sites' readings each layer agreed with."""
    return {str(layer.name).lower(): sum(bool(mask & layer) for mask in rests_on.values()) for layer in Layer}
