"""What stands behind NET8: the Reserve's figures at one block, and a picture in which their sum is the supply."""

from dataclasses import dataclass
from typing import Any

from net8.contracts import Call
from net8.model import Backing
from net8.units import WEI_PER_NET8

from net8_web import markup, show
from net8_web.feed import View
from net8_web.i18n import t
from net8_web.markup import Part, Track

__all__ = ["FULL_COVERAGE", "Reserve", "picture", "reserve_of"]

FULL_COVERAGE = 1_000_000  # millionths
_OF_EUROS, _OF_PRODUCTION, _HELD = "#0f9d8a", "#c2a03a", "#3f7fc1"  # told apart on light and on dark


@dataclass(frozen=True, slots=True)
class Reserve:
    """The Reserve at one block. Euros in the stablecoin's smallest unit, NET8 in wei, coverage in millionths."""

    backing: Backing
    price: int  # euro units per NET8
    price_set_at: int  # unix seconds
    least_price: int
    most_price: int
    energy_per_net8: int  # Wh retired for one
    daily_cap: int
    cap_left: int
    coverage_floor: int
    decimals: int  # of the euro

    @property
    def room_above_floor(self) -> int:
        """Wei that can still be created against production before coverage would be below the floor."""
        most_owed = self.backing.euros * FULL_COVERAGE // self.coverage_floor
        return max(0, most_owed * WEI_PER_NET8 // self.price - self.backing.supply)

    @property
    def from_production(self) -> int:
        """Wei that can be created against production now: what both cap and floor allow."""
        return min(self.cap_left, self.room_above_floor)

    def net8_for_energy(self, wh: int) -> int:
        """Wei created for retired energy, rounded down as the contract does."""
        return wh * WEI_PER_NET8 // self.energy_per_net8

    def energy_for(self, wei: int) -> int:
        """Wh for which no more than `wei` is created."""
        return wei * self.energy_per_net8 // WEI_PER_NET8

    def euros(self, units: int) -> str:
        """An amount of euros in words: `€37.50`."""
        return show.euros(units, self.decimals)


def reserve_of(view: View) -> Reserve:
    """The Reserve's figures, asked in one question and once per block for all sessions."""
    contract = view.contracts.reserve
    calls: list[Call[Any]] = [
        contract.backing(),
        contract.price(),
        contract.price_set_at(),
        contract.least_price(),
        contract.most_price(),
        contract.energy_per_net8(),
        contract.daily_cap(),
        contract.cap_left(),
        contract.coverage_floor(),
        view.contracts.euro.decimals(),
    ]
    return Reserve(*view.read_many(calls))


def picture(reserve: Reserve) -> None:
    """Two bars on one scale: all NET8 by where it came from, and under it the euros that are held for it."""
    known = reserve.backing
    whole = max(known.owed, known.euros, 1)
    supply = known.owed / whole  # of the width; the supply at its nominal price
    of_production = supply * known.supply_of_production / max(known.supply, 1)
    sum_ = {
        "euros": show.wei(known.supply_of_euros),
        "production": show.wei(known.supply_of_production),
        "supply": show.wei(known.supply),
    }
    markup.tracks(
        t("reserve.picture", held=reserve.euros(known.euros), owed=reserve.euros(known.owed), **sum_),
        [
            Track(
                t("reserve.supply"),
                show.wei(known.supply),
                (
                    Part(supply - of_production, _OF_EUROS, t("reserve.of_euros", amount=sum_["euros"])),
                    Part(of_production, _OF_PRODUCTION, t("reserve.of_production", amount=sum_["production"])),
                ),
            ),
            Track(
                t("reserve.held"),
                reserve.euros(known.euros),
                (Part(known.euros / whole, _HELD, t("reserve.held_of", owed=reserve.euros(known.owed))),),
                mark=supply * reserve.coverage_floor / FULL_COVERAGE,
                mark_text=t("reserve.floor_mark", floor=show.percent(reserve.coverage_floor)),
            ),
        ],
    )
