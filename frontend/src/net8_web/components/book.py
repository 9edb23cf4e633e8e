"""Ladder of one slot and strip of many slots, drawn in the browser from plain numbers.

A choice is a state of the component, told again with every later report of the browser. A trigger would be told once,
and lost with a run that is asked for and never comes: a newer run of the whole page takes the place of all that wait.
So a choice carries its own moment, and is returned run after run until the page calls `forget`.
"""

from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlencode

import streamlit as st

from net8_web.rungs import Book
from net8_web.settings import LIVE_BOOK, served_at

__all__ = ["Cell", "forget", "ladder", "strip"]

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
    more: str = ""  # a second line under the text


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


def ladder(
    key: str, book: Book, site: int | None, words: dict[str, str], live: dict[str, int]
) -> dict[str, Any] | None:
    """Show a book as a site sees it, and how it changes. Returns {side, price} of a chosen row, until it is forgotten.

    Args:
        words: texts by name.
        live: whose changes to follow (`net8_web.live`): zone and slot.
    """
    asked = {**live, "site": site} if site is not None else live
    path = f"{served_at(LIVE_BOOK)}?{urlencode(asked)}"
    told = _ladder(
        key=key,
        data={"book": book.as_seen_by(site), "words": words, "live": path},
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
