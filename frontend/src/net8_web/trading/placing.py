"""What every order for the book ends in: a dry run, and either a button to sign or one sentence."""

from typing import Any

import streamlit as st
from net8.contracts import Call

from net8_web import show
from net8_web.components import wallet
from net8_web.components.wallet import Intent
from net8_web.context import Here
from net8_web.i18n import t
from net8_web.words import sentence

__all__ = ["default_note", "outcome_note", "place_unless_refused", "too_poor"]


def too_poor(held: int, free: int, text: str = "trade.too_poor") -> str:
    """That `held` grains are needed where only `free` are there; `text` is a key of the tables."""
    figures = {"needed": held, "free": free, "missing": held - free}
    return t(text, **{name: show.net8(grains) for name, grains in figures.items()})


def place_unless_refused(
    at: Here,
    site: int,
    label: str,
    call: Call[Any],
    held: int,
    poor: str = "trade.too_poor",
    others_poor: str | None = None,
) -> Intent | None:
    """The call as something to sign; None when a dry run says that it would be refused, and why on the page.

    Args:
        site: that pays.
        label: of the button.
        call: to send.
        held: grains of margin that it needs at most.
        poor: key of the sentence for a balance that is too low.
        others_poor: the same where it can only be another's balance; None where no other pays.
    """
    refused = at.refused(call)
    if refused is None:
        return wallet.call(label, call)
    free, is_poor = at.view.free_balance(site), refused.reason == "balance: too low"
    if is_poor and held > free:
        st.warning(too_poor(held, free, poor))
    else:
        st.warning(t(others_poor) if is_poor and others_poor else sentence(refused))
    return None


def outcome_note(sell: bool, fills_now: int, worst: int, imbalance: int, feed_in: int) -> str:
    """What happens at once, and what when the energy is not delivered or not used.

    Args:
        sell: or buy.
        fills_now: Wh that match at once.
        worst: grains a seller loses who delivers nothing.
        imbalance: highest price for missing energy, grains per Wh.
        feed_in: lowest price for unused energy, grains per Wh.
    """
    fills = t("trade.fills_now", energy=show.energy(fills_now)) if fills_now else t("trade.fills_none")
    return f"{fills} {default_note(sell, worst, imbalance, feed_in)}"


def default_note(sell: bool, worst: int, imbalance: int, feed_in: int) -> str:
    """What happens when the energy is not delivered or not used; the arguments of `outcome_note`."""
    price = show.isolate(f"{show.price_net8(imbalance if sell else feed_in)} NET8/kWh")
    if sell:
        return t("trade.if_not_sell", imbalance=price, worst=show.net8(worst))
    return t("trade.if_not_buy", feed_in=price)
