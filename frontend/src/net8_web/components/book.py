"""Ladder of one slot and strip of many slots, drawn in the browser from plain numbers.

Streamlit hands a choice to one run only, and a newer run may end that one before the page has acted. So a choice is
kept when it comes in, and returned run after run until the page calls `forget`.
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


def _kept(key: str) -> str:
    return f"_pick.{key}"


def _keep(key: str) -> None:
    """Called before the run that a choice starts."""
    choice = st.session_state[key].get("pick")
    if isinstance(choice, dict):
        st.session_state[_kept(key)] = choice


def forget(key: str) -> None:
    """The page has acted upon the choice of the component `key`."""
    st.session_state.pop(_kept(key), None)


def ladder(key: str, asks: list[Rung], bids: list[Rung], spread: str, words: dict[str, str]) -> dict[str, Any] | None:
    """Show a book. Returns {side, price} when a row was chosen, until it is forgotten."""
    data = {"asks": [asdict(rung) for rung in asks], "bids": [asdict(rung) for rung in bids]}
    _ladder(key=key, data={**data, "spread": spread, "words": words}, on_pick_change=lambda: _keep(key))
    chosen: dict[str, Any] | None = st.session_state.get(_kept(key))
    return chosen


def strip(
    key: str, cells: list[Cell], title: str, *, selected: int | None = None, pick: bool, follow: int
) -> int | None:
    """Show a row of slots, scrolled to `follow`. Returns the slot when one was chosen, until it is forgotten."""
    _strip(
        key=key,
        data={
            "cells": [asdict(cell) for cell in cells],
            "selected": selected,
            "pick": pick,
            "follow": follow,
            "words": {"title": title},
        },
        on_pick_change=lambda: _keep(key),
    )
    chosen = st.session_state.get(_kept(key))
    known = {cell.slot for cell in cells}
    return chosen["slot"] if chosen and chosen.get("slot") in known else None
