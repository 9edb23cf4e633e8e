"""A zone's own money: the balancing pool and the fees, and the grid operator's form that funds and empties them."""

from dataclasses import dataclass
from typing import Any

import streamlit as st
from net8.contracts import Call
from net8.model import PoolRequest, ZoneAccount
from net8.units import grains_to_wei

from net8_web import amounts, markup, show
from net8_web.allowances import allowance_intent
from net8_web.amounts import Unusable
from net8_web.components import wallet
from net8_web.components.wallet import Intent
from net8_web.context import Here
from net8_web.fields import call_unless_refused, typed_amount
from net8_web.i18n import t

__all__ = ["form", "standing"]


@dataclass(frozen=True, slots=True)
class _Money:
    account: ZoneAccount
    request: PoolRequest


def _money(at: Here, zone: int) -> _Money:
    contracts = at.view.contracts
    calls: list[Call[Any]] = [contracts.exchange.zone_account(zone), contracts.grid.pool_request(zone)]
    return _Money(*at.view.read_many(calls))


def standing(at: Here, zone: int) -> None:
    """What the zone holds, and a withdrawal that is announced."""
    known = _money(at, zone)
    st.subheader(t("operate.money"))
    st.caption(t("operate.money_text"))
    markup.facts(
        [
            (t("operate.pool"), show.net8(known.account.pool)),
            (t("operate.grid_fees"), show.net8(known.account.grid_fees)),
            (t("operate.oracle_fees"), show.net8(known.account.oracle_fees)),
            (t("operate.announced"), _announced(known.request)),
        ]
    )


def _announced(request: PoolRequest) -> str:
    if not request.grains:
        return t("operate.nothing_announced")
    return t("operate.announced_from", amount=show.net8(request.grains), moment=show.moment(request.ready_at))


def form(at: Here, zone: int) -> None:
    """One step of four: fund the pool, announce a withdrawal, take it, take the grid fees."""
    with st.container(border=True):
        st.subheader(t("operate.pool_form"))
        st.caption(t("operate.pool_form_text"))
        steps = {"fund": _fund, "announce": _announce, "withdraw": _withdraw, "fees": _fees}
        step = st.segmented_control(
            t("operate.pool_form"),
            [*steps],
            default="fund",
            required=True,
            format_func=lambda name: t(f"operate.pool_{name}"),
            key="pool_step",
            label_visibility="collapsed",
            width="stretch",
        )
        intent, done = steps[step](at, zone, _money(at, zone))
        at.send("pool", intent, t("operate.idle"), done, empties=("pool_fund", "pool_announce"))


def _fund(at: Here, zone: int, known: _Money) -> tuple[Intent | None, str]:
    contracts, owner = at.view.contracts, str(at.account.address)
    have = at.view.token_balance(owner)

    def check(grains: int) -> None:
        if grains > have:
            raise Unusable(t("portfolio.too_much_wallet", have=show.net8(have)))

    grains = typed_amount("pool_fund", "operate.pool_fund_field", amounts.money, check)
    if grains is None:
        return None, "operate.pool_funded"
    label = t("reserve.allow_net8", amount=show.net8(grains))
    spender, wei = contracts.exchange.address, grains_to_wei(grains)
    allowance = allowance_intent(at, contracts.token, spender, wei, label)
    if allowance is not None:  # a step of its own: its confirmation funds nothing yet
        return allowance, "operate.pool_allowed"
    call = contracts.exchange.fund_pool(zone, wei)
    return call_unless_refused(at, t("operate.pool_fund_do", amount=show.net8(grains)), call), "operate.pool_funded"


def _announce(at: Here, zone: int, known: _Money) -> tuple[Intent | None, str]:
    def check(grains: int) -> None:
        if grains > known.account.pool:
            raise Unusable(t("operate.pool_holds_less", have=show.net8(known.account.pool)))

    st.caption(t("operate.pool_announce_text"))
    grains = typed_amount("pool_announce", "operate.pool_announce_field", amounts.money, check)
    if grains is None:
        return None, "operate.pool_announced"
    call = at.view.contracts.grid.request_pool_withdrawal(zone, grains)
    label = t("operate.pool_announce_do", amount=show.net8(grains))
    return call_unless_refused(at, label, call), "operate.pool_announced"


def _withdraw(at: Here, zone: int, known: _Money) -> tuple[Intent | None, str]:
    request = known.request
    st.write(_announced(request))
    if not request.grains or at.view.now < request.ready_at:
        return None, "operate.pool_paid"
    call = at.view.contracts.grid.withdraw_pool(zone, str(at.account.address))
    amount = min(request.grains, known.account.pool)
    return call_unless_refused(at, t("operate.pool_withdraw_do", amount=show.net8(amount)), call), "operate.pool_paid"


def _fees(at: Here, zone: int, known: _Money) -> tuple[Intent | None, str]:
    fees = known.account.grid_fees
    st.write(t("operate.fees_there", amount=show.net8(fees)))
    if not fees:
        return None, "operate.pool_paid"
    call = at.view.contracts.grid.withdraw_fees(zone, str(at.account.address))
    return wallet.call(t("operate.fees_do", amount=show.net8(fees)), call), "operate.pool_paid"
