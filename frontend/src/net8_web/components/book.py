"""Ladder of one slot and strip of many slots, drawn in the browser from plain numbers.

A choice is a state of the component, told again with every later report of the browser. A trigger would be told once,
and lost with a run that is asked for and never comes: a newer run of the whole page takes the place of all that wait.
So a choice carries its own moment, and is returned run after run until the page calls `forget`.
"""

from dataclasses import asdict, dataclass
from typing import Any

import streamlit as st

__all__ = ["Cell", "Rung", "forget", "ladder", "strip"]

_ladder = st.components.v2.component(
    "net8-web.ladder",
    html='<div class="ladder" role="group"></div>',
    css="ladder.css",
    js="ladder.js",
)
_strip = st.components.v2.component(
    "net8-web.strip",
    html='<div class="strip" role="group" tabindex="0"></div>',
    css="strip.css",
    js="strip.js",
)


@dataclass(frozen=True, slots=True)
class Rung:
    """One price of the ladder, in the words of a person."""

    price: int  # grains per Wh
    net8: str
    euro: str
    kwh: str
    share: float  # of the deepest price shown, 0 to 1
    mine: bool


@dataclass(frozen=True, slots=True)
class Cell:
    """One slot of the strip."""

    slot: int
    time: str
    day: str
    text: str  # the price, short
    height: float  # 0 to 1
    tone: int | None  # 0 cheap to 4 dear; None: nothing offered
    mark: str  # what is mine: an arrow for sold or bought
    state: str  # open, closed or now
    label: str  # the whole of it in words, for screen readers and on hover


def _done(key: str) -> str:
    return f"_pick_done.{key}"


def _ignored() -> None:
    """Streamlit asks for a callback of every state a component reports; ours are read from the result."""


def _open_choice(key: str, told: object) -> dict[str, Any] | None:
    """The choice that a component tells, unless the page is done with it."""
    if not isinstance(told, dict) or told.get("at") == st.session_state.get(_done(key)):
        return None
    return told


def forget(key: str) -> None:
    """The page has acted upon the choice of the component `key`."""
    st.session_state[_done(key)] = st.session_state[key]["pick"]["at"]


def ladder(key: str, asks: list[Rung], bids: list[Rung], spread: str, words: dict[str, str]) -> dict[str, Any] | None:
    """Show a book. Returns {side, price} when a row was chosen, until it is forgotten."""
    data = {"asks": [asdict(rung) for rung in asks], "bids": [asdict(rung) for rung in bids]}
    told = _ladder(
        key=key,
        data={**data, "spread": spread, "words": words},
        default={"pick": None},
        on_pick_change=_ignored,
    )
    return _open_choice(key, told.pick)


def strip(
    key: str, cells: list[Cell], title: str, *, selected: int | None = None, pick: bool, follow: int
) -> int | None:
    """Show a row of slots, scrolled to `follow`. Returns the slot when one was chosen, until it is forgotten."""
    told = _strip(
        key=key,
        data={
            "cells": [asdict(cell) for cell in cells],
            "selected": selected,
            "pick": pick,
            "follow": follow,
            "words": {"title": title},
        },
        default={"pick": None},
        on_pick_change=_ignored,
    )
    chosen = _open_choice(key, told.pick)
    known = {cell.slot for cell in cells}
    return chosen["slot"] if chosen and chosen.get("slot") in known else None
