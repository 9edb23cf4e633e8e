"""Tables and notes as plain, accessible HTML in the app's own style. Every text is escaped."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import streamlit as st

from net8_web.i18n import direction, language

__all__ = ["Cell", "Part", "Track", "empty", "facts", "picture", "rows", "stylesheet", "tracks"]

# Streamlit's own classes and variables are used sparingly: what has an option in config.toml is set there.
_STYLE = """<style>
.stMainBlockContainer { max-width: 1180px; padding-top: 4.5rem; padding-bottom: 4rem; }
.net8 { color: var(--st-text-color, inherit); font-variant-numeric: tabular-nums; }
.net8-scroll { overflow-x: auto; }
.net8 table { width: 100%; border-collapse: collapse; font-size: 0.9375rem; margin: 0; }
.net8 caption { position: absolute; clip-path: inset(50%); width: 1px; height: 1px; overflow: hidden; }
.net8 th { text-align: start; font-weight: 500; font-size: 0.8125rem; opacity: 0.75;
  padding: 0.35rem 0.6rem; white-space: nowrap;
  border-bottom: 1px solid color-mix(in srgb, currentColor 20%, transparent); }
.net8 td { padding: 0.5rem 0.6rem;
  border-bottom: 1px solid color-mix(in srgb, currentColor 10%, transparent); white-space: nowrap; }
.net8 tr:last-child td { border-bottom: 0; }
.net8 td:first-child, .net8 th:first-child { padding-inline-start: 0; }
.net8 .end { text-align: end; }
.net8-empty { padding: 1.6rem 1rem; text-align: center; overflow-wrap: anywhere;
  border: 1px dashed color-mix(in srgb, currentColor 25%, transparent); border-radius: 12px; }
.net8-empty b { display: block; font-weight: 600; margin-bottom: 0.2rem; }
.net8-empty span { opacity: 0.78; }
dl.net8-facts.net8-facts { display: grid; grid-template-columns: minmax(30%, 1fr) auto; gap: 0.35rem 1rem;
  font-size: 0.9375rem; margin: 0; padding: 0; }
.net8-facts dt { margin: 0; padding: 0; opacity: 0.78; }
.net8-facts dd { margin: 0; text-align: end; font-weight: 500; overflow-wrap: anywhere; }
.net8 td.wrap { white-space: normal; overflow-wrap: anywhere; min-width: 6rem; }
.net8 a { color: var(--st-link-color, inherit); }
.net8-picture { margin: 0; text-align: center; }
.net8-picture img { max-width: 100%; background: #fff; border-radius: 10px; }
.net8-picture figcaption { font-size: 0.8125rem; opacity: 0.78; overflow-wrap: anywhere; margin-top: 0.4rem; }
.net8-tracks { display: grid; gap: 0.9rem; margin: 0.25rem 0 0.5rem; }
.net8-tracks .head { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0 1rem; font-weight: 600; }
.net8-tracks .track { position: relative; display: flex; direction: ltr; height: 1.6rem; margin: 0.3rem 0;
  border-radius: 8px; overflow: hidden; background: color-mix(in srgb, currentColor 12%, transparent); }
.net8-tracks .track > i { display: block; min-width: 0; }
.net8-tracks .track > u { position: absolute; top: 0; bottom: 0; width: 0;
  border-inline-start: 2px dashed currentColor; }
.net8-tracks .key { display: flex; flex-wrap: wrap; gap: 0.1rem 1.1rem; font-size: 0.875rem; }
.net8-tracks .key span::before { content: ""; display: inline-block; width: 0.7rem; height: 0.7rem;
  border-radius: 3px; margin-inline-end: 0.4rem; background: var(--part); }
.net8-tracks .key span.mark::before { width: 0; border-radius: 0; background: none;
  border-inline-start: 2px dashed currentColor; margin-inline: 0.3rem 0.5rem; }
[data-testid="stHeaderActionElements"] { display: none; }
.stMarkdown [data-testid="stCaptionContainer"] { color: inherit; opacity: 0.75; }
html[dir="rtl"] :is([data-testid="stMarkdownContainer"], [data-testid="stCaptionContainer"]),
html[dir="rtl"] [data-testid="stHeading"] {
  text-align: right;
}
html[dir="rtl"] :is(h1, h2, h3) { padding-inline: 0; }
html[dir="rtl"] [data-testid="stSidebar"][data-collapsed="true"] { visibility: hidden; }
html[dir="rtl"] [data-testid="stHeader"] { padding-inline: 1rem; }
html[dir="rtl"] [data-testid="stButtonGroup"] button { margin: 0; }
html[dir="rtl"] [data-testid="stButtonGroup"] button:first-of-type { border-radius: 0 10px 10px 0; }
html[dir="rtl"] [data-testid="stButtonGroup"] button:last-of-type { border-radius: 10px 0 0 10px; }
html[dir="rtl"] [data-testid="stButtonGroup"] button:first-of-type[aria-checked="false"] {
  border-right-color: color-mix(in srgb, currentColor 25%, transparent) !important; }
html[dir="rtl"] [data-testid="stButtonGroup"] button:last-of-type[aria-checked="false"] {
  border-left-color: color-mix(in srgb, currentColor 25%, transparent) !important; }
html[dir="rtl"] :is([data-testid="stCode"], .st-key-site_consent textarea, .st-key-consent_meter input) {
  direction: ltr;
}
@media (max-width: 640px) {
  [data-testid="stColumn"]:has([data-testid="stMetric"]) { min-width: calc(50% - 0.5rem) !important; }
  [data-testid="stMetricValue"] { font-size: 1.2rem !important; }
  [class*="st-key-line_"] [data-testid="stColumn"] { min-width: 0 !important; }
  [data-testid="stHorizontalBlock"] { gap: 1rem !important; }
  [data-testid="stButtonGroup"] button { padding-inline: 0.5rem; }
  [data-testid="stButtonGroup"] button p { font-size: 0.8125rem; }
  [data-testid="stElementToolbar"] { display: none; }
  .stMainBlockContainer { padding-inline: 1rem; padding-top: 4rem; }
  .net8 td, .net8 th { padding-inline: 0.4rem; }
}
@media print {
  html, body, .stApp { background: #fff !important; }
  .stApp, .stApp :is(div, section, p, span, a, h2, h3, td, th, dt, dd) { color: #000 !important; opacity: 1; }
  .stAppHeader, .st-key-wallet, .st-key-clock, .stButton, .stDownloadButton { display: none !important; }
  .stMainBlockContainer { padding: 0 !important; max-width: none; }
  .stMainBlockContainer [data-testid="stVerticalBlock"] { gap: 0.6rem; }
  .net8-scroll { overflow: visible; }
  .net8 table, dl.net8-facts.net8-facts { font-size: 0.75rem; }
  .net8 tr, .net8-picture, .net8-facts, [data-testid="stMetric"] { break-inside: avoid; }
}
</style>"""


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a table that leads somewhere, or whose whole text does not fit."""

    text: str
    to: str | None = None  # an address
    whole: str | None = None  # shown when somebody points at it


def stylesheet() -> None:
    """Once per run, before anything else."""
    st.html(_STYLE)


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
