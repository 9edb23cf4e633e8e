"""Joining the demo street: its conductor registers the connected wallet as a home. Local chain only."""

from typing import Any

import requests
import streamlit as st
from net8.model import site_index

from net8_web import show
from net8_web.components import wallet
from net8_web.context import Here
from net8_web.feed import feed
from net8_web.i18n import t
from net8_web.settings import LOCAL_CHAIN

__all__ = ["StreetRefused", "join"]

TIMEOUT_S = 65  # the conductor sends transactions of its own before it answers, and answers within a minute
_OFFER = "_join_offer"


class StreetRefused(RuntimeError):
    """The conductor did not answer or said no. The message says which."""


def _post(url: str, path: str, body: dict[str, str]) -> dict[str, Any]:
    try:
        answer = requests.post(f"{url}{path}", json=body, timeout=TIMEOUT_S)
        content = answer.json()
    except requests.ConnectionError as fault:
        raise StreetRefused(t("join.down", url=url)) from fault
    except (requests.RequestException, ValueError) as fault:
        raise StreetRefused(t("join.failed", reason=str(fault)[:200])) from fault
    if not answer.ok or not isinstance(content, dict):
        reason = content.get("error", answer.reason) if isinstance(content, dict) else answer.reason
        raise StreetRefused(t("join.failed", reason=str(reason)[:300]))
    return content


def _offer(at: Here, url: str) -> dict[str, Any]:
    """The consent to sign, asked for once per account."""
    known = st.session_state.get(_OFFER)
    if known and known[0] == at.account.address:
        return dict(known[1])
    typed = _post(url, "/join", {"address": str(at.account.address)})
    typed = typed.get("typed_data", typed)
    st.session_state[_OFFER] = (at.account.address, typed)
    return dict(typed)


def join(at: Here) -> None:
    """The card with the button. The user's wallet signs the consent, the conductor does the rest."""
    url = at.view.settings.street_url
    if url is None or at.view.deployment.chain_id != LOCAL_CHAIN:
        return
    with st.container(border=True):
        st.subheader(t("join.title"))
        st.write(t("join.text"))
        try:
            typed = _offer(at, url)
            message = typed["message"]
            power = show.isolate(f"{int(message['nameplate']) / 1000:g} kW")
            st.caption(t("join.explain", power=power, zone=show.isolate(str(message["zone"]))))
            outcome = at.panel("join", wallet.signature(t("join.prepare"), typed), "")
            if outcome and outcome.status == "signed" and outcome.signature:
                with st.spinner(t("wallet.step_pending")):
                    answer = _post(
                        url, "/join/confirm", {"address": str(at.account.address), "signature": outcome.signature}
                    )
                site = int(answer["site"])
                st.session_state.pop(_OFFER, None)
                feed().catch_up(lambda view: site in view.market.sites)
                at.conclude("join", outcome, "join.done", index=site_index(site))
        except StreetRefused as fault:
            st.session_state.pop(_OFFER, None)
            st.warning(str(fault))
