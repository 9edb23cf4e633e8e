"""English and Arabic: one table per language in `locale/`, the same keys in each."""

import json
from functools import cache
from importlib.resources import files

import streamlit as st

__all__ = ["LANGUAGES", "direction", "language", "set_language", "t", "table"]

LANGUAGES = {"en": "English", "ar": "العربية"}
_DIRECTIONS = {"en": "ltr", "ar": "rtl"}
_COOKIE = "net8_lang"  # written by the wallet bar, so that a reload starts in the chosen language


@cache
def table(code: str) -> dict[str, str]:
    """All texts of a language by key."""
    text = files("net8_web").joinpath("locale", f"{code}.json").read_text(encoding="utf-8")
    loaded: dict[str, str] = json.loads(text)
    return loaded


def language() -> str:
    """The session's language: chosen, else remembered by the browser, else the browser's own, else English."""
    chosen = st.session_state.get("_lang") or st.context.cookies.get(_COOKIE)
    if chosen in LANGUAGES:
        return str(chosen)
    asked = (st.context.locale or "en").split("-")[0]
    return asked if asked in LANGUAGES else "en"


def set_language(code: str) -> None:
    """Use `code` from now on in this session; unknown codes are ignored, they come from a browser."""
    if code in LANGUAGES:
        st.session_state["_lang"] = code


def direction(code: str) -> str:
    """`ltr` or `rtl`."""
    return _DIRECTIONS[code]


def t(key: str, **values: object) -> str:
    """The text of `key` in the session's language, with `{name}` filled in."""
    text = table(language())[key]
    return text.format(**values) if values else text
