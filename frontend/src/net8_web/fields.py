"""Forms: what is typed becomes something to sign, or one sentence on the page."""

from collections.abc import Callable
from typing import Any, TypeVar

import streamlit as st
from net8.contracts import Call

from net8_web.amounts import Unusable
from net8_web.components import wallet
from net8_web.components.wallet import Intent
from net8_web.context import Here, start_empty
from net8_web.i18n import t

__all__ = ["call_unless_refused", "read_or_say", "typed_amount"]

T = TypeVar("T")


def read_or_say(read: Callable[[], T]) -> T | None:
    """What `read` makes of the fields; None when they are unusable, which is said on the page."""
    try:
        return read()
    except Unusable as fault:
        st.warning(str(fault))
        return None


def typed_amount(key: str, label: str, parse: Callable[[str], int], check: Callable[[int], None]) -> int | None:
    """The amount typed into the field `key`; None while it is empty or unusable, which is said on the page.

    Args:
        label: key of the tables.
        parse: from the text.
        check: raises `Unusable` for an amount that cannot be taken now.
    """
    start_empty(key)
    text = st.text_input(t(label), key=key, placeholder="10")

    def read() -> int:
        amount = parse(text)
        check(amount)
        return amount

    return read_or_say(read) if text.strip() else None


def call_unless_refused(at: Here, label: str, call: Call[Any]) -> Intent | None:
    """The call as something to sign; None when a dry run says that it would be refused, and why."""
    refusal = at.refusal(call)
    if refusal is not None:
        st.warning(refusal)
        return None
    return wallet.call(label, call)
