"""Reserve: what stands behind every NET8; mint it against euros or retired certificates, and take euros for it."""

import streamlit as st
from net8.packing import certificate_of
from net8.units import HOUR_SECONDS, WEI_PER_GRAIN, grains_to_wei, hour_start

from net8_web import amounts, backing, markup, show
from net8_web.allowances import allowance_intent
from net8_web.amounts import Unusable
from net8_web.backing import FULL_COVERAGE, Reserve, reserve_of
from net8_web.components import wallet
from net8_web.context import Here, here
from net8_web.fields import call_unless_refused, typed_amount
from net8_web.i18n import t
from net8_web.timing import FORM_SECONDS, LIVE_SECONDS

__all__ = ["render"]

CERTIFICATES_AT_ONCE = 24
CERTIFICATE_LIFE = 13_141 * HOUR_SECONDS  # from the start of its hour


def render() -> None:
    """Draw the page."""
    at = here()
    st.subheader(t("reserve.title"))
    st.caption(t("reserve.text"))
    _backing()
    if at.account.address is None:
        markup.empty(t("problem.no_wallet"), t("reserve.no_wallet_way"))
        at.panel("reserve_connect", None, "")
        _limits()
        return
    mint, redeem = st.columns(2, gap="large")
    with mint:
        _mint()
    with redeem:
        _redeem()
    produce, limits = st.columns(2, gap="large")
    with produce:
        _mint_from_production()
    with limits:
        _limits()


@st.fragment(run_every=LIVE_SECONDS)
def _backing() -> None:
    reserve = reserve_of(here().view)
    known = reserve.backing
    euros, supply, coverage, retired = st.columns(4)
    told = [
        (euros, "reserve.held", reserve.euros(known.euros), t("reserve.of_owed", owed=reserve.euros(known.owed))),
        (supply, "reserve.supply", show.wei(known.supply), t("reserve.at_price", price=reserve.euros(reserve.price))),
        (coverage, "reserve.coverage", show.percent(known.coverage), t("reserve.coverage_what")),
        (retired, "reserve.retired", show.energy(known.retired), t("reserve.retired_what")),
    ]
    for column, name, value, note in told:
        column.metric(t(name), value, note, delta_color="off", delta_arrow="off", border=True, height="stretch")
    with st.container(border=True):
        backing.picture(reserve)


# --- forms ----------------------------------------------------------------------------------------------------------


@st.fragment(run_every=FORM_SECONDS)
def _mint() -> None:
    at = here()
    if at.account.address is None:
        return
    reserve, contract, euro = reserve_of(at.view), at.view.contracts.reserve, at.view.contracts.euro
    have = at.view.read(euro.balance_of(at.account.address))

    def check(units: int) -> None:
        if units > have:
            raise Unusable(t("reserve.too_many_euros", have=reserve.euros(have)))
        if at.view.read(contract.net8_for(units)) < WEI_PER_GRAIN:
            raise Unusable(t("reserve.too_little"))

    with st.container(border=True):
        st.subheader(t("reserve.mint"))
        st.caption(t("reserve.mint_text"))
        units = typed_amount(
            "mint_euros", "reserve.mint_euros", lambda text: amounts.euros(text, reserve.decimals), check
        )
        gets = show.NOTHING if units is None else show.wei(at.view.read(contract.net8_for(units)))
        markup.facts(
            [
                (t("reserve.you_get"), gets),
                (t("reserve.price"), t("reserve.per_net8", price=reserve.euros(reserve.price))),
                (t("reserve.your_euros"), reserve.euros(have)),
            ]
        )
        intent = None
        if units is not None:
            label = t("reserve.allow_euros", amount=reserve.euros(units))
            allowance = allowance_intent(at, euro, contract.address, units, label)
            if allowance is not None:  # a step of its own: its confirmation mints nothing yet
                at.send("mint_net8", allowance, "", "reserve.allowed_mint")
                return
            intent = call_unless_refused(
                at, t("reserve.mint_do", amount=gets), contract.mint(units, at.account.address)
            )
        at.send("mint_net8", intent, t("reserve.idle"), "reserve.minted", empties=("mint_euros",))


@st.fragment(run_every=FORM_SECONDS)
def _redeem() -> None:
    at = here()
    if at.account.address is None:
        return
    reserve, contract, token = reserve_of(at.view), at.view.contracts.reserve, at.view.contracts.token
    have = at.view.token_balance(at.account.address)

    def check(grains: int) -> None:
        if grains > have:
            raise Unusable(t("portfolio.too_much_wallet", have=show.net8(have)))
        if at.view.read(contract.euros_for(grains_to_wei(grains))) == 0:
            raise Unusable(t("reserve.too_little_redeemed"))

    with st.container(border=True):
        st.subheader(t("reserve.redeem"))
        st.caption(t("reserve.redeem_text"))
        grains = typed_amount("redeem_net8", "reserve.redeem_net8", amounts.money, check)
        gets = show.NOTHING
        if grains is not None:
            gets = reserve.euros(at.view.read(contract.euros_for(grains_to_wei(grains))))
        coverage = show.percent(reserve.backing.coverage)
        markup.facts(
            [
                (t("reserve.you_get"), gets),
                (t("reserve.rate"), t("reserve.times", price=reserve.euros(reserve.price), coverage=coverage)),
                (t("reserve.your_net8"), show.net8(have)),
            ]
        )
        if reserve.backing.coverage < FULL_COVERAGE:
            st.caption(t("reserve.below_nominal", coverage=coverage))
        intent = None
        if grains is not None:
            wei = grains_to_wei(grains)
            label = t("reserve.allow_net8", amount=show.net8(grains))
            allowance = allowance_intent(at, token, contract.address, wei, label)
            if allowance is not None:
                at.send("redeem", allowance, "", "reserve.allowed_redeem")
                return
            call = contract.redeem(wei, at.account.address)
            intent = call_unless_refused(at, t("reserve.redeem_do", amount=show.net8(grains), euros=gets), call)
        at.send("redeem", intent, t("reserve.idle"), "reserve.redeemed", empties=("redeem_net8",))


# --- against production ---------------------------------------------------------------------------------------------


def _usable(at: Here, holder: str) -> dict[int, int]:
    """Wh of the certificates that can be retired now, the oldest first, as many as one transaction takes."""
    held = at.view.market.certificates_of(holder)
    alive = {
        certificate: wh
        for certificate, wh in held.items()
        if at.view.now < hour_start(certificate_of(certificate)[1]) + CERTIFICATE_LIFE
    }
    oldest = sorted(alive, key=lambda certificate: certificate_of(certificate)[1])
    return {certificate: alive[certificate] for certificate in oldest[:CERTIFICATES_AT_ONCE]}


def _take(usable: dict[int, int], wh: int) -> dict[int, int]:
    """Certificates that make up `wh`, the oldest first."""
    taken: dict[int, int] = {}
    for certificate, held in usable.items():
        taken[certificate] = min(held, wh)
        wh -= taken[certificate]
        if wh == 0:
            break
    return taken


def _check_production(reserve: Reserve, have: int, wh: int) -> None:
    """Refuse in words what cap, floor or the account's certificates do not allow.

    Raises:
        Unusable: with the most that would be allowed.
    """
    created = reserve.net8_for_energy(wh)
    if wh > have:
        raise Unusable(t("reserve.too_few_certificates", have=show.energy(have), most=CERTIFICATES_AT_ONCE))
    if created < WEI_PER_GRAIN:
        raise Unusable(t("reserve.too_little"))
    if created > reserve.room_above_floor:
        most, floor = reserve.energy_for(reserve.room_above_floor), show.percent(reserve.coverage_floor)
        raise Unusable(t("reserve.below_floor" if most else "reserve.at_floor", most=show.energy(most), floor=floor))
    if created > reserve.cap_left:
        raise Unusable(t("reserve.beyond_cap", most=show.energy(reserve.energy_for(reserve.cap_left))))


@st.fragment(run_every=FORM_SECONDS)
def _mint_from_production() -> None:
    at = here()
    if at.account.address is None:
        return
    reserve, contracts = reserve_of(at.view), at.view.contracts
    usable = _usable(at, at.account.address)
    have = sum(usable.values())
    with st.container(border=True):
        st.subheader(t("reserve.produce"))
        st.caption(t("reserve.produce_text", energy=show.energy(reserve.energy_per_net8)))
        wh = typed_amount(
            "produce_kwh", "reserve.produce_kwh", amounts.energy, lambda typed: _check_production(reserve, have, typed)
        )
        gets = show.NOTHING if wh is None else show.wei(reserve.net8_for_energy(wh))
        markup.facts([(t("reserve.you_get"), gets), (t("reserve.your_certificates"), show.energy(have))])
        intent = None
        if wh is not None:
            spender = contracts.reserve.address
            if not at.view.read(contracts.certificates.is_approved_for_all(at.account.address, spender)):
                approval = wallet.call(t("reserve.allow_certificates"), contracts.certificates.approve_all(spender))
                at.send("produce", approval, "", "reserve.allowed_mint")
                return
            call = contracts.reserve.mint_from_production(_take(usable, wh), at.account.address)
            intent = call_unless_refused(at, t("reserve.produce_do", amount=gets, energy=show.energy(wh)), call)
        at.send("produce", intent, t("reserve.idle"), "reserve.minted", empties=("produce_kwh",))


@st.fragment(run_every=LIVE_SECONDS)
def _limits() -> None:
    reserve = reserve_of(here().view)
    floor = show.percent(reserve.coverage_floor)
    left = t("reserve.part_of", part=show.wei(reserve.cap_left), whole=show.wei(reserve.daily_cap))
    with st.container(border=True):
        st.subheader(t("reserve.limits"))
        st.caption(t("reserve.limits_text"))
        markup.facts(
            [
                (t("reserve.price"), t("reserve.per_net8", price=reserve.euros(reserve.price))),
                (t("reserve.price_since"), show.moment(reserve.price_set_at)),
                (t("reserve.least_price"), reserve.euros(reserve.least_price)),
                (t("reserve.most_price"), reserve.euros(reserve.most_price)),
                (t("reserve.cap_left"), left),
                (t("reserve.room", floor=floor), show.wei(reserve.room_above_floor)),
            ]
        )
        st.caption(t("reserve.price_rule"))
