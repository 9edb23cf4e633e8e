"""Seats of a zone's oracle operators: who sits in them, and the owner's form that gives, passes on and takes them."""

import streamlit as st
from net8.contracts import Call
from net8.model import Operator

from net8_web import markup, show
from net8_web.context import Here
from net8_web.fields import call_unless_refused
from net8_web.i18n import t

__all__ = ["form", "standing"]


def _operators(at: Here) -> dict[int, Operator]:
    numbers = sorted(at.view.market.operators)
    calls = [at.view.contracts.registry.operator(number) for number in numbers]
    return dict(zip(numbers, at.view.read_many(calls), strict=True))


def standing(at: Here, zone: int) -> None:
    """The table of all operators, with the zone's seats marked."""
    st.subheader(t("oracles.operators"))
    operators = _operators(at)
    if not operators:
        markup.empty(t("oracles.no_operators"), t("oracles.no_operators_way"))
        return
    seated = at.view.market.seats.get(zone, set())
    lines = [
        [
            show.isolate(str(number)),
            show.short(known.owner),
            show.short(known.signer),
            show.wei(known.stake),
            t("operate.seated" if number in seated else "operate.not_seated"),
        ]
        for number, known in operators.items()
    ]
    columns = [t("col.operator"), t("col.account"), t("col.signer"), t("col.stake"), t("col.seat")]
    markup.rows(t("oracles.operators"), columns, lines, numeric=(3,))


def _named(number: int | None) -> str:
    return t("operate.operator", number=show.isolate(str(number)))


def form(at: Here, zone: int) -> None:
    """The form of the OracleRegistry's owner."""
    seated = sorted(at.view.market.seats.get(zone, set()))
    waiting = sorted(at.view.market.operators - set(seated))
    registry = at.view.contracts.registry
    with st.container(border=True):
        st.subheader(t("operate.seats"))
        st.caption(t("operate.seats_text"))
        step = st.segmented_control(
            t("operate.seats"),
            ["admit", "replace", "remove"],
            default="admit",
            required=True,
            format_func=lambda name: t(f"operate.seat_{name}"),
            key="seat_step",
            label_visibility="collapsed",
            width="stretch",
        )
        who = by = None
        if step != "admit" and seated:
            who = st.selectbox(t("operate.seat_of"), seated, format_func=_named, key=f"seat_of_{zone}")
        if step != "remove" and waiting:
            by = st.selectbox(t("operate.seat_for"), waiting, format_func=_named, key=f"seat_for_{zone}")
        elif step != "remove":
            st.info(t("operate.nobody_waits"))
        call: Call[None] | None = None
        if step == "admit" and by is not None:
            call, label = registry.admit(zone, by), t("operate.admit_do", who=_named(by), zone=zone)
        elif step == "replace" and by is not None and who is not None:
            call, label = registry.replace(zone, who, by), t("operate.replace_do", who=_named(who), by=_named(by))
        elif step == "remove" and who is not None:
            call, label = registry.remove(zone, who), t("operate.remove_do", who=_named(who), zone=zone)
        intent = call_unless_refused(at, label, call) if call is not None else None
        at.send("seat", intent, t("operate.idle"), "operate.seat_done")
