"""What is older than the app keeps in memory: from the indexer, or one sentence on the page that it is missing."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import streamlit as st

from net8_web import indexer, show
from net8_web.feed import View
from net8_web.i18n import t
from net8_web.indexer import IndexerUnusable

__all__ = ["Older", "ask_older", "say_recent_only"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Older(Generic[T]):
    """What the indexer tells."""

    told: T | None  # None: nothing is older, or it cannot be known
    reason: str | None = None  # why it cannot


def ask_older(view: View, ask: Callable[[str], T]) -> Older[T]:
    """Ask the indexer, whose address `ask` is given, where the app does not keep everything itself."""
    if not view.market.since:
        return Older(None)
    try:
        return Older(ask(indexer.require_current(view.settings.indexer, view.head.number)))
    except IndexerUnusable as fault:
        return Older(None, str(fault))


def say_recent_only(view: View, reason: str | None) -> None:
    """Say since when the page knows anything, where it cannot know what is older."""
    if reason is not None:
        st.caption(t("indexer.recent_only", moment=show.moment(view.market.since), reason=reason))
