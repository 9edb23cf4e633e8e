"""The guardian's stop of new orders: whether one is on, and the form that begins or ends it."""

import streamlit as st
from net8.units import HOUR_SECONDS

from net8_web import amounts, show
from net8_web.amounts import Unusable
from net8_web.components import wallet
from net8_web.components.wallet import Intent
from net8_web.context import Here
from net8_web.fields import call_unless_refused, typed_amount
from net8_web.i18n import t
from net8_web.operating.roles import Roles

__all__ = ["form", "standing"]

MOST_HOURS = 72
PAUSE_SECONDS = 7 * 86_400  # of trading between two stops


def standing(at: Here, roles: Roles) -> None:
    """One line: whether new orders are taken."""
    if at.view.now < roles.stopped_until:
        st.warning(t("operate.stopped", until=show.moment(roles.stopped_until)), icon=":material/pause_circle:")
    else:
        st.caption(f":material/play_circle: {t('operate.running')}")


def _check(hours: int) -> None:
    if hours > MOST_HOURS:
        raise Unusable(t("operate.stop_too_long", most=MOST_HOURS))


def form(at: Here, roles: Roles) -> None:
    """The form of the guardian; the owner of the grid registry has the half that ends a stop."""
    with st.container(border=True):
        st.subheader(t("operate.stop"))
        st.caption(t("operate.stop_text"))
        intent: Intent | None = None
        idle, done = t("operate.idle"), "operate.stopped_done"
        if at.view.now < roles.stopped_until:
            st.write(t("operate.stopped", until=show.moment(roles.stopped_until)))
            intent, done = (
                wallet.call(t("operate.resume_do"), at.view.contracts.grid.resume_orders()),
                "operate.resumed",
            )
        elif at.account.address == roles.guardian:
            intent = _stop(at, roles)
        else:
            st.write(t("operate.guardian_stops"))
            idle = t("operate.nothing_to_resume")
        at.send("stop", intent, idle, done, empties=("stop_hours",))


def _stop(at: Here, roles: Roles) -> Intent | None:
    """What the guardian has filled in."""
    again = roles.stopped_until + PAUSE_SECONDS
    if at.view.now < again:
        st.info(t("operate.stop_again", again=show.moment(again)))
        return None
    hours = typed_amount("stop_hours", "operate.stop_hours", amounts.whole, _check)
    if hours is None:
        return None
    call = at.view.contracts.grid.stop_orders(hours * HOUR_SECONDS)
    return call_unless_refused(at, t("operate.stop_do", hours=hours), call)
