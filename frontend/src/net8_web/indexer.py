"""What the indexer answers, asked once in a few seconds for all sessions, and why it is not asked when it is not."""

from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from itertools import takewhile
from typing import Any, Generic, TypeVar

import requests
import streamlit as st
from pydantic import BaseModel, TypeAdapter, ValidationError

from net8_web import show
from net8_web.community import Exchanged, Flow
from net8_web.i18n import t

__all__ = [
    "Candle",
    "Dispute",
    "Hour",
    "IndexerUnusable",
    "Latency",
    "Moved",
    "Paid",
    "Position",
    "Reported",
    "Retired",
    "Retirement",
    "Seat",
    "SettledSlot",
    "Signer",
    "SiteDay",
    "Standing",
    "Trade",
    "candles",
    "days",
    "disputes",
    "exchanged",
    "flows",
    "latency",
    "latest_retirements",
    "latest_trades",
    "movements",
    "payments",
    "positions",
    "production",
    "reports",
    "require_current",
    "retired_before",
    "retirements",
    "retirements_by",
    "seats",
    "settled_slots",
    "standing",
    "trades",
]

T = TypeVar("T")
TIMEOUT_S = 3
FRESH_S = 5
MOST_BEHIND = 50  # blocks: less is caught up with before anybody has read the page
MOST_ROWS = 500  # of one answer
MOST_SLOTS = 31 * 96  # of one question about a site

Span = tuple[int, int]  # first and last slot


class IndexerUnusable(RuntimeError):
    """The indexer is not asked, or its answer is of no use. The message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One figure of a site beside the quartiles of its zone's sites."""

    figure: str  # sold, bought (Wh), sold_at, bought_at (grains per Wh), delivered (thousandths)
    own: int
    lower: int
    median: int
    upper: int
    sites: int  # that have the figure
    above: int  # percent of the others whose figure is smaller


@dataclass(frozen=True, slots=True)
class Candle:
    """Prices (grains per Wh) of one stretch of trading, from its first to its last trade."""

    time: int  # unix seconds at which it begins
    open: int
    high: int
    low: int
    close: int
    wh: int


@dataclass(frozen=True, slots=True)
class Trade:
    """One match. Its value is wh times price."""

    zone: int  # of the market
    slot: int
    time: int  # unix seconds
    price: int  # grains per Wh
    wh: int
    seller: int
    buyer: int
    beside_book: bool  # by two orders that their owners had signed
    maker: int | None  # site whose order had waited in the book; None beside the book
    ordered_at: int | None  # unix seconds from which it had
    order_tx: str | None  # in which it came to rest
    tx: str


@dataclass(frozen=True, slots=True)
class SiteDay:
    """What a day brought a site. Wh and grains."""

    day: int  # unix seconds at which it begins
    sold: int
    bought: int
    exported: int
    imported: int  # of what was bought
    at_feed_in: int  # what was sold and delivered would have brought this at the feed-in price of its hour
    result: int


@dataclass(frozen=True, slots=True)
class Position:
    """What a site traded in a slot and how it ended. Wh and grains."""

    slot: int
    net_wh: int  # sold minus bought
    value: int  # received minus paid
    margin: int  # held against it, or that was until it was settled
    outcome: int  # Outcome of the SDK
    exported: int
    imported: int  # no more than was bought
    short: int
    unused: int
    charge: int  # for what was short
    grid_fee: int
    settled_at: int | None  # unix seconds
    tx: str | None  # of the settlement


@dataclass(frozen=True, slots=True)
class Signer:
    """An operator that signed a report, and the key it signed with then."""

    operator: int
    signer: str


@dataclass(frozen=True, slots=True)
class SettledSlot:
    """What a site's meter showed in a slot, and the report that says so."""

    slot: int
    exported: int  # Wh, from a meter
    outcome: int  # Outcome of the SDK
    settled_at: int | None  # unix seconds
    tx: str | None
    signers: list[Signer]


@dataclass(frozen=True, slots=True)
class Retired:
    """Certificates used up for good."""

    time: int  # unix seconds
    account: str
    wh: int
    beneficiary: str
    purpose: str
    tx: str


@dataclass(frozen=True, slots=True)
class Retirement(Retired):
    """The same, whichever certificate it is of."""

    id: str  # of the certificate
    consumer: int | None  # site whose consumption it is matched to
    slot: int | None  # of that consumption


@dataclass(frozen=True, slots=True)
class Hour:
    """What a site produced in an hour and how much of it has certificates, in Wh."""

    hour: int
    exported: int
    issued: int


@dataclass(frozen=True, slots=True)
class Paid:
    """What was credited for slots of an hour, in grains."""

    time: int  # unix seconds
    hour: int
    slots: list[int]
    credited: int


@dataclass(frozen=True, slots=True)
class Moved:
    """Money that came into a site's balance (positive) or left it, in grains."""

    time: int  # unix seconds
    kind: str  # deposit, withdrawal, relay fee or transport
    grains: int


@dataclass(frozen=True, slots=True)
class Reported:
    """A quorum's report."""

    zone: int
    time: int  # unix seconds
    settled: int  # slots of sites
    signers: list[int]  # seats
    tx: str


@dataclass(frozen=True, slots=True)
class Dispute:
    """Somebody says that a settled reading is false."""

    number: int
    time: int  # unix seconds at which it was opened
    site: int
    slot: int
    tier: int  # DisputeTier of the SDK
    export_wh: int | None  # as the opener says; None: no reading
    import_wh: int | None
    accused: list[int]  # operators
    settled_in: str | None  # the transaction in which the report that they signed settled the slot; None: it never did
    state: int  # DisputeState of the SDK


class _Health(BaseModel):
    block: int | None
    behind: int | None
    problem: str | None


@dataclass(frozen=True, slots=True)
class Latency:
    """How long a zone's last reports took, in seconds from a slot's end to the block that settled it."""

    reports: int  # over which it is measured
    median: int
    most: int  # of 99 of 100
    signed: list[int]  # reports that each seat signed of these


@dataclass(frozen=True, slots=True)
class Seat:
    """Who sits in a zone."""

    operator: int
    muted: bool  # may not sign


class _Flows(BaseModel):
    flows: list[Flow]


class _Provenance(BaseModel):
    slots: list[SettledSlot]


class _Sum(BaseModel):
    wh: int


class _Page(BaseModel, Generic[T]):
    items: list[T]
    next: str | None


@dataclass(frozen=True, slots=True)
class _Reply:
    """What came back; kept as it is, so that one that does not answer is not waited for by every session."""

    content: Any = None
    fault: str | None = None
    unknown: bool = False  # it answers, and does not know of what was asked for


@st.cache_data(ttl=FRESH_S, max_entries=500, show_spinner=False)
def _ask(url: str, path: str, parameters: tuple[tuple[str, int | str], ...]) -> _Reply:
    try:
        answer = requests.get(url + path, params=dict(parameters), timeout=TIMEOUT_S)
        content = answer.json()
    except (requests.RequestException, ValueError) as fault:
        return _Reply(fault=type(fault).__name__)
    if answer.ok or (path == "/health" and answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE):
        return _Reply(content)
    if path != "/health" and answer.status_code == HTTPStatus.NOT_FOUND:
        return _Reply(unknown=True)
    return _Reply(fault=str(content.get("error") if isinstance(content, dict) else answer.reason)[:200])


def _read(url: str, path: str, form: type[T], **parameters: int | str) -> T:
    reply = _ask(url, path, tuple(parameters.items()))
    if reply.unknown:
        raise IndexerUnusable(t("indexer.not_yet"))
    if reply.fault is not None:
        raise IndexerUnusable(t("indexer.down", url=show.isolate(url), reason=show.isolate(reply.fault)))
    try:
        return TypeAdapter(form).validate_python(reply.content)
    except ValidationError:
        raise IndexerUnusable(t("indexer.other", url=show.isolate(url))) from None


def _read_pages(url: str, path: str, form: type[_Page[T]], **parameters: int | str) -> Iterator[T]:
    """All of a list, page after page."""
    page = _read(url, path, form, limit=MOST_ROWS, **parameters)
    yield from page.items
    while page.next is not None:
        page = _read(url, path, form, limit=MOST_ROWS, cursor=page.next, **parameters)
        yield from page.items


def require_current(url: str | None, head: int) -> str:
    """The indexer's address once it is known to answer and to be near the chain's block `head`.

    Raises:
        IndexerUnusable: none is set, it does not answer, or it is behind.
    """
    if url is None:
        raise IndexerUnusable(t("indexer.none"))
    health = _read(url, "/health", _Health)
    if health.problem is not None:
        raise IndexerUnusable(t("indexer.lost", reason=show.isolate(health.problem)))
    behind = max(head - (health.block or 0), 0) if health.behind is None else health.behind
    if behind > MOST_BEHIND:
        raise IndexerUnusable(t("indexer.behind", blocks=show.isolate(f"{behind:,}")))
    return url


def flows(url: str, zone: int, span: Span) -> list[Flow]:
    """Who supplied whom in a zone, the largest first."""
    path = f"/zones/{zone}/flows"
    return _read(url, path, _Flows, first_slot=span[0], last_slot=span[1], limit=MOST_ROWS).flows


def exchanged(url: str, span: Span) -> list[Exchanged]:
    """How much zones supplied themselves and each other."""
    return _read(url, "/flows", list[Exchanged], first_slot=span[0], last_slot=span[1])


def standing(url: str, site: int, span: Span) -> list[Standing]:
    """A site beside its zone's; figures that fewer than five sites have are not told."""
    return _read(url, f"/sites/{site}/standing", list[Standing], first_slot=span[0], last_slot=span[1])


def candles(url: str, zone: int, first_time: int, last_time: int, seconds: int, slot: int | None) -> list[Candle]:
    """Prices of a zone, or of one of its slots, by the time of trading; stretches without a trade are left out."""
    span = {"first_time": first_time, "last_time": last_time, "seconds": seconds}
    of_slot = {} if slot is None else {"slot": slot}
    return _read(url, f"/zones/{zone}/candles", list[Candle], **span, **of_slot)


def trades(url: str, site: int, span: Span) -> list[Trade]:
    """What a site bought and sold of some slots, newest first."""
    return list(_read_pages(url, "/trades", _Page[Trade], site=site, first_slot=span[0], last_slot=span[1]))


def latest_trades(url: str, site: int, span: Span, most: int) -> list[Trade]:
    """The newest trades of a site in slots of a span; the fewer it holds, the sooner they are found."""
    return _read(url, "/trades", _Page[Trade], site=site, first_slot=span[0], last_slot=span[1], limit=most).items


def movements(url: str, site: int, most: int) -> list[Moved]:
    """The newest movements of a site's money, other than by trade and settlement."""
    return _read(url, f"/sites/{site}/movements", _Page[Moved], limit=most).items


def payments(url: str, site: int, most: int) -> list[Paid]:
    """The newest settlements that credited a site anything."""
    return _read(url, f"/sites/{site}/payments", _Page[Paid], limit=most).items


def production(url: str, site: int, span: Span) -> list[Hour]:
    """Hours in which a site produced anything, in their order; 31 days at most."""
    return _read(url, f"/sites/{site}/production", list[Hour], first_slot=span[0], last_slot=span[1])


def days(url: str, site: int, span: Span, offset_minutes: int) -> list[SiteDay]:
    """What each day of a site's local time brought it, in their order; 31 days at most."""
    asked = {"first_slot": span[0], "last_slot": span[1], "offset_minutes": offset_minutes}
    return _read(url, f"/sites/{site}/days", list[SiteDay], **asked)


def positions(url: str, site: int, span: Span) -> list[Position]:
    """A site's slots in which it traded or was settled, in their order, however many days they are."""
    path, found = f"/sites/{site}/positions", []
    for first in range(span[0], span[1] + 1, MOST_SLOTS):
        last = min(first + MOST_SLOTS - 1, span[1])
        found += _read(url, path, list[Position], first_slot=first, last_slot=last)
    return found


def settled_slots(url: str, certificate: int) -> list[SettledSlot]:
    """The settled slots of a certificate's hour, in their order."""
    return _read(url, f"/certificates/{certificate}", _Provenance).slots


def retirements(url: str, certificate: int) -> list[Retired]:
    """Who used up a certificate, newest first; the newest of very many."""
    return _read(url, "/retirements", _Page[Retired], certificate=str(certificate), limit=MOST_ROWS).items


def retirements_by(url: str, account: str, since: int) -> list[Retirement]:
    """What an account has used up from a moment (unix seconds) on, newest first."""
    pages = _read_pages(url, "/retirements", _Page[Retirement], account=account)
    return list(takewhile(lambda one: one.time >= since, pages))


def latest_retirements(url: str, account: str, most: int) -> list[Retirement]:
    """The newest retirements of an account."""
    return _read(url, "/retirements", _Page[Retirement], account=account, limit=most).items


def retired_before(url: str, account: str, time: int) -> int:
    """Wh that an account used up before a moment."""
    return _read(url, f"/accounts/{account}/retired", _Sum, before=time).wh


def latency(url: str, zone: int) -> Latency:
    """How fast a zone's last hundred reports were, and who signed them."""
    return _read(url, f"/zones/{zone}/latency", Latency)


def seats(url: str, zone: int) -> list[Seat]:
    """Who sits in a zone, in the order of its seats."""
    return _read(url, f"/zones/{zone}/seats", list[Seat])


def reports(url: str, most: int) -> list[Reported]:
    """The newest reports of all zones."""
    return _read(url, "/reports", _Page[Reported], limit=most).items


def disputes(url: str, most: int) -> list[Dispute]:
    """Disputes about settled readings, newest first, so many of them."""
    return _read(url, "/disputes", _Page[Dispute], limit=most).items
