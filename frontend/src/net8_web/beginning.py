"""Where the market's model begins: at the block that the indexer is at, so that nobody reads the whole chain.

The indexer is believed as on every page. That it speaks of this exchange is checked here, and that its block is the
chain's by who begins with it.
"""

import time
from http import HTTPStatus

import requests
from net8.deployment import Deployment
from net8.model import Site, Technology
from net8.packing import OrderId, WordRefused, certificate_id
from net8.state import State, StateRefused, from_json
from net8.units import hour_of_slot
from urllib3.exceptions import HTTPError

from net8_web.market import Market

__all__ = ["BeginningRefused", "fetch", "market_of"]

TIMEOUT_S = 30.0  # for the whole answer
MOST_BYTES = 512 * 2**20  # of the answer: a thousand homes' days are far below
PIECE_BYTES = 2**20


class BeginningRefused(RuntimeError):
    """The indexer's state is of no use. The message says why, as half a sentence."""


def fetch(url: str, since: int, deployment: Deployment) -> State:
    """The indexer's state. Whether its block is the chain's, the chain must say.

    Args:
        url: of its HTTP API.
        since: unix seconds, the beginning of an hour, from which on it tells what happened.
        deployment: whose contracts it must be of.

    Raises:
        BeginningRefused: it does not answer in time, or not sensibly, or of another exchange.
    """
    try:
        told = from_json(_read(f"{url}/state", since))
    except (requests.RequestException, HTTPError) as fault:
        raise BeginningRefused(f"the indexer does not answer at {url} ({type(fault).__name__})") from None
    except StateRefused as fault:
        raise BeginningRefused(f"what the indexer at {url} answers cannot be read ({fault})") from None
    said = told.chain_id, told.exchange, told.since
    if said != (deployment.chain_id, deployment.address("EnergyExchange"), since):
        raise BeginningRefused(
            f"the indexer at {url} is of exchange {told.exchange} on chain {told.chain_id}, or answers another question"
        )
    return told


def _read(address: str, since: int) -> bytes:
    """The whole answer, within bounds of time and size: whoever answers may be anybody."""
    deadline, whole = time.monotonic() + TIMEOUT_S, bytearray()
    with requests.get(address, params={"since": since}, timeout=TIMEOUT_S, stream=True) as answer:
        while piece := answer.raw.read1(PIECE_BYTES, decode_content=True):
            whole += piece
            if time.monotonic() > deadline or len(whole) > MOST_BYTES:
                most = f"{TIMEOUT_S:.0f} s or {MOST_BYTES // 2**20} MiB"
                raise BeginningRefused(f"the answer of {address} takes more than {most}")
        if answer.status_code != HTTPStatus.OK:
            reason = bytes(whole[:200]).decode(errors="replace")
            raise BeginningRefused(f"{address} answers {answer.status_code} ({reason})")
    return bytes(whole)


def market_of(told: State) -> Market:
    """The market that a state describes, as its events would have made it but for what is over since long.

    Raises:
        BeginningRefused: its parts contradict each other.
    """
    market = Market(since=told.since)
    _put_zones(market, told)
    _put_certificates(market, told)
    market.operators.update(told.operators)
    for zone in told.seats:
        market.seats[zone.zone].update(zone.operators)
    for order in told.orders:
        _rest(market, order.order, order.site, order.left)
    for trade in told.trades:
        market.add_trade(trade)
    for position in told.positions:
        market.set_position(position.site, position.slot, position.net_wh, position.value)
    for payment in told.payments:
        if not payment.readings:
            raise BeginningRefused(f"a payment of site {payment.site} in the indexer's state is of no slot")
        market.add_payment(payment)
    for movement in told.movements:
        market.add_movement(movement)
    market.reports.extend(told.reports)
    market.last_settled.update({one.zone: one.last_settled for one in told.zones if one.last_settled is not None})
    return market


def _put_zones(market: Market, told: State) -> None:
    for zone in told.zones:
        market.zones[zone.zone] = zone.operator
    try:
        for site in told.sites:
            kind = Technology(site.technology)
            market.sites[site.site] = Site(site.owner, kind, site.nameplate, site.meter_key)
    except ValueError as fault:
        raise BeginningRefused(f"the indexer's state has a site of no kind ({fault})") from None
    for link in told.links:
        market.links[link.zone, link.other] = link.capacity, link.fee
    for default in told.default_terms:
        market.add_default_terms(default.zone, default.from_hour, default.terms)
    for fixed in told.terms:
        market.terms[fixed.zone, fixed.hour] = fixed.terms


def _put_certificates(market: Market, told: State) -> None:
    market.admitted_sites.update(told.admitted)
    for holder in told.held:
        for site, hour, wh in holder.certificates:
            market.hold(holder.account, certificate_id(site, hour), wh)
    for site, hour, wh in told.minted:
        market.minted[certificate_id(site, hour)] = wh
    market.retirements.extend(told.retirements)


def _rest(market: Market, order: int, site: int, left: int) -> None:
    try:
        place = OrderId.unpack(order)
    except WordRefused as fault:
        raise BeginningRefused(f"an order of the indexer's state has no place ({fault})") from None
    if (place.zone, hour_of_slot(place.slot)) not in market.terms:
        raise BeginningRefused(f"order {order} of the indexer's state rests in an hour without terms")
    market.add_order(order, site, left)
