"""What an order that is only signed says beyond one for the book: until when, for whom, what bringing it in earns."""

from dataclasses import dataclass

import streamlit as st
from net8.offers import NOBODY
from net8.units import SLOT_SECONDS, hour_of_slot, slot_of, slot_start

from net8_web import amounts, show
from net8_web.amounts import Unusable
from net8_web.context import Here, start_empty
from net8_web.i18n import t

__all__ = ["FIELDS", "Asked", "Conditions", "ask"]

RELAY_FEE_MAX = 2**40 - 1  # grains
_FEE, _TAKER = "offer_fee", "offer_taker"
FIELDS = (_FEE, _TAKER)  # that start empty again once something was signed with them


@dataclass(frozen=True, slots=True)
class Conditions:
    """As they are signed."""

    until: int  # unix seconds
    taker: str
    relay_fee: int  # grains


@dataclass(frozen=True, slots=True)
class Asked:
    """As they were typed."""

    until: int
    taker: str
    relay_fee: str

    def read(self, owner: str) -> Conditions:
        """What they mean for an order of `owner`.

        Raises:
            Unusable: one of them cannot be; the message says why and what to write.
        """
        relay_fee = amounts.money(self.relay_fee, zero=True) if self.relay_fee.strip() else 0
        if relay_fee > RELAY_FEE_MAX:
            raise Unusable(t("offer.fee_too_large", most=show.net8(RELAY_FEE_MAX)))
        taker = amounts.address(self.taker) if self.taker.strip() else NOBODY
        if taker == owner:
            raise Unusable(t("offer.own_taker"))
        return Conditions(self.until, taker, relay_fee)


def ask(at: Here, last_slot: int) -> Asked:
    """Draw the fields for an order whose last slot, which is open, is `last_slot`."""
    start_empty(*FIELDS)
    until = _until(at, last_slot)
    fee_column, taker_column = st.columns(2, vertical_alignment="bottom")
    fee = fee_column.text_input(t("offer.relay_fee"), key=_FEE, placeholder="0.01", help=t("offer.relay_fee_help"))
    taker = taker_column.text_input(t("offer.taker"), key=_TAKER, placeholder="0x…", help=t("offer.taker_help"))
    return Asked(until, taker, fee)


def _until(at: Here, slot: int) -> int:
    """Unix seconds at which the order ends: a quarter hour, or the gate of its slot; never later than that."""
    terms = at.view.terms(at.zone or 0, hour_of_slot(slot))
    gate = slot_start(slot - (0 if terms is None else terms.gate_lead))
    ends = list(range(gate, slot_start(slot_of(at.view.now)), -SLOT_SECONDS))
    picked = st.selectbox(t("offer.f_until"), ends, format_func=show.moment, key=f"offer_until_{slot}")
    return gate if picked is None else picked
