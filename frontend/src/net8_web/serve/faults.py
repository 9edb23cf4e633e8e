"""What stands on a page in the place of a part that could not be drawn: why, and what comes next."""

import time

import streamlit as st
from net8.errors import ChainFault, ChainUnreachable
from net8_web.feed import feed
from net8_web.i18n import t

__all__ = ["say_fault"]

AGAIN_S = 2.0


@st.fragment(run_every=AGAIN_S)
def _wait(since: float) -> None:
    """Draw the page once more as soon as the chain answers; `since` is when it did not, in monotonic seconds."""
    _, problem = feed().state()
    if problem is None and time.monotonic() - since >= AGAIN_S:
        st.rerun()
    st.warning(t("problem.part_waits"), icon=":material/cloud_off:")


def say_fault(fault: Exception) -> bool:
    """Draw that, in the session's language.

    Args:
        fault: what a page or a fragment has raised; Streamlit has written it to the log.

    Returns:
        True: Streamlit itself need not say anything.
    """
    if isinstance(fault, (ChainUnreachable, ChainFault)):
        _wait(time.monotonic())
    else:
        st.error(t("problem.part_failed"), icon=":material/error:")
    return True
