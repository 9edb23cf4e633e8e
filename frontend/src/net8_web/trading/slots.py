"""Quarter hours in which orders may be placed now, and the choice of a range of them."""

from collections.abc import Sequence

import streamlit as st
from net8.model import site_zone
from net8.units import hour_of_slot, slot_of, slot_start

from net8_web import show
from net8_web.context import Here
from net8_web.feed import View
from net8_web.i18n import t
from net8_web.offers import Leg, StripStanding

__all__ = ["choose_range", "is_open", "open_legs", "open_slots"]

SLOTS_SHOWN = 96  # a day ahead


def is_open(view: View, zone: int, slot: int) -> bool:
    """Whether an order may still be placed; from the terms in memory, without asking the chain."""
    terms = view.terms(zone, hour_of_slot(slot))
    return terms is not None and view.now < slot_start(slot - terms.gate_lead)


def open_slots(at: Here) -> list[int]:
    """The open slots of a day ahead, earliest first."""
    view, zone, now = at.view, at.zone or 0, slot_of(at.view.now)
    coming = range(now, now + SLOTS_SHOWN + 1)
    return view.memo(("open_slots", zone), lambda: [slot for slot in coming if is_open(view, zone, slot)])


def open_legs(view: View, standing: StripStanding) -> list[Leg]:
    """What may still trade of a signed strip, slot by slot."""
    zone = site_zone(standing.letter.offer.site)
    return [leg for leg in standing.legs if leg.left and is_open(view, zone, leg.slot)]


def _pick(key: str, label: str, slots: Sequence[int], default: int) -> int:
    """One of `slots`; a choice that is gone, because its gate has closed, becomes the nearest that is left."""
    chosen = st.session_state.get(key, default)
    nearest = min(slots, key=lambda slot: abs(slot - chosen))
    picked = st.selectbox(t(label), slots, index=slots.index(nearest), format_func=show.slot, key=key)
    return nearest if picked is None else picked


def choose_range(name: str, slots: Sequence[int], most: int) -> list[int]:
    """Those of `slots` from a chosen first to a chosen last, at most `most`. Of the session, under `name`.

    Args:
        name: what the fields' keys start with.
        slots: to choose from, earliest first; at least one.
        most: slots in the range.
    """
    from_, to = st.columns(2)
    with from_:
        first = _pick(f"{name}_first", "range.first", slots, slots[0])
    behind = [slot for slot in slots if slot >= first][:most]
    with to:
        last = _pick(f"{name}_last", "range.last", behind, behind[-1])
    return [slot for slot in behind if slot <= last]
