"""Who may do what: roles and the accounts that hold them."""

from dataclasses import dataclass
from typing import Any

import streamlit as st
from net8.contracts import Call

from net8_web import markup, show
from net8_web.context import Here
from net8_web.feed import View
from net8_web.i18n import t

__all__ = ["Roles", "holders", "roles_of"]

_NOBODY = "0x" + "0" * 40


@dataclass(frozen=True, slots=True)
class Roles:
    """Accounts by role, at one block; the zero address holds nothing."""

    owner: str  # of the GridRegistry: zones, guardian
    seats_owner: str  # of the OracleRegistry: who sits in a zone
    guardian: str
    registrar: str
    stopped_until: int  # unix seconds


def roles_of(view: View) -> Roles:
    """The roles, asked in one question and once per block for all sessions."""
    contracts = view.contracts
    calls: list[Call[Any]] = [
        contracts.grid.owner(),
        contracts.registry.owner(),
        contracts.grid.guardian(),
        contracts.certificates.registrar(),
        contracts.grid.stopped_until(),
    ]
    return Roles(*view.read_many(calls))


def holders(at: Here, roles: Roles, zone: int) -> None:
    """The table of who holds which role."""
    held = [
        (t("operate.grid_operator", zone=show.isolate(str(zone))), at.view.market.zones[zone], "operate.may_grid"),
        (t("operate.owner"), roles.owner, "operate.may_own"),
        (t("operate.seats_owner"), roles.seats_owner, "operate.may_seat"),
        (t("operate.guardian"), roles.guardian, "operate.may_guard"),
        (t("operate.registrar"), roles.registrar, "operate.may_register"),
    ]
    st.subheader(t("operate.roles"))
    lines = [[name, _account(at, account), t(may)] for name, account, may in held]
    markup.rows(t("operate.roles"), [t("col.role"), t("col.account"), t("col.may")], lines, wrapped=(0, 2))


def _account(at: Here, account: str) -> str:
    if account == _NOBODY:
        return t("operate.nobody")
    return f"{show.short(account)} ({t('operate.you')})" if account == at.account.address else show.short(account)
