"""Tables and notes as plain, accessible HTML in the app's own style. Every text is escaped."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import streamlit as st

from net8_web.i18n import direction, language

__all__ = ["Cell", "Part", "Track", "empty", "facts", "picture", "rows", "tracks"]


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a table that leads somewhere, or whose whole text does not fit."""

    text: str
    to: str | None = None  # an address
    whole: str | None = None  # shown when somebody points at it


def _box(inner: str, css: str = "net8") -> None:
    st.html(f'<div class="{css}" dir="{direction(language())}">{inner}</div>')


def _inside(cell: str | Cell) -> str:
    if isinstance(cell, str):
        return escape(cell)
    whole = "" if cell.whole is None else f' title="{escape(cell.whole)}"'
    if cell.to is None:
        return f"<span{whole}>{escape(cell.text)}</span>"
    return f'<a href="{escape(cell.to)}"{whole}>{escape(cell.text)}</a>'


def rows(
    caption: str,
    columns: Sequence[str],
    lines: Sequence[Sequence[str | Cell]],
    numeric: Sequence[int] = (),
    wrapped: Sequence[int] = (),
) -> None:
    """A table. `numeric` lists the columns aligned at their end, `wrapped` those whose text may take several lines."""

    def css(index: int) -> str:
        return ' class="end"' if index in numeric else ' class="wrap"' if index in wrapped else ""

    head = "".join(f'<th scope="col"{css(i)}>{escape(name)}</th>' for i, name in enumerate(columns))
    body = "".join(
        "<tr>" + "".join(f"<td{css(i)}>{_inside(value)}</td>" for i, value in enumerate(line)) + "</tr>"
        for line in lines
    )
    table = f"<table><caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    _box(f'<div class="net8-scroll" tabindex="0" role="region" aria-label="{escape(caption)}">{table}</div>')


def empty(title: str, way_out: str) -> None:
    """What stands where there is nothing yet, and what to do about it."""
    _box(f"<b>{escape(title)}</b><span>{escape(way_out)}</span>", "net8 net8-empty")


def facts(pairs: Sequence[tuple[str, str]]) -> None:
    """Names and values, one pair a line."""
    inner = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in pairs)
    _box(f'<dl class="net8-facts">{inner}</dl>')


def picture(source: str, alt: str, caption: str, width_px: int = 176) -> None:
    """A picture from a data address on white, with what it says below; on a small screen no wider than that."""
    inner = (
        f'<img src="{escape(source)}" alt="{escape(alt)}" width="{width_px}"><figcaption>{escape(caption)}</figcaption>'
    )
    _box(f'<figure class="net8-picture">{inner}</figure>')


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a bar: its share of the whole width, its colour, and what it is."""

    share: float
    colour: str
    text: str


@dataclass(frozen=True, slots=True)
class Track:
    """A bar of parts from the left, with its name and sum above and what its parts are below."""

    name: str
    total: str
    parts: tuple[Part, ...]
    mark: float | None = None  # share of the width at which a line stands
    mark_text: str = ""


def tracks(label: str, lines: Sequence[Track]) -> None:
    """Bars under one another on one scale. `label` says the whole picture to those who cannot see it."""

    def drawn(line: Track) -> str:
        bar = "".join(f'<i style="width:{part.share:.2%};background:{part.colour}"></i>' for part in line.parts)
        key = "".join(f'<span style="--part:{part.colour}">{escape(part.text)}</span>' for part in line.parts)
        if line.mark is not None:
            bar += f'<u style="left:{line.mark:.2%}"></u>'
            key += f'<span class="mark">{escape(line.mark_text)}</span>'
        head = f"<span>{escape(line.name)}</span><span>{escape(line.total)}</span>"
        return f'<div><div class="head">{head}</div><div class="track">{bar}</div><div class="key">{key}</div></div>'

    inner = "".join(drawn(line) for line in lines)
    _box(f'<div class="net8-tracks" role="img" aria-label="{escape(label)}">{inner}</div>')
