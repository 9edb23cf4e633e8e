"""What stands and has happened on the exchange, kept in memory from its events: books, trades, sites, oracles.

One market model serves all sessions of the app. It is filled by `net8_web.feed`, one event at a time in chain order;
it never guesses: an order is in the book because its event said so, and leaves when a trade or a closing takes it.
What is open it keeps whatever its age; what is over it drops as `forget` says, so that it does not grow with the chain.
"""

import threading
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from net8 import events
from net8.events import Event
from net8.model import Level, Order, Site, Terms, site_zone
from net8.packing import OrderId, certificate_of
from net8.signing import checksum_address
from net8.state import Moment, Movement, Payment, Report, Retirement, Trade
from net8.units import hour_of, hour_of_slot, slot_of, slots_of_hour

__all__ = ["Market"]

_NOBODY = "0x" + "0" * 40  # mints and takes away certificates


P = ParamSpec("P")
R = TypeVar("R")
K = TypeVar("K")
V = TypeVar("V")


def _guarded(method: Callable[Concatenate["Market", P], R]) -> Callable[Concatenate["Market", P], R]:
    """One at a time: the feed writes while sessions read."""

    @wraps(method)
    def guarded(self: "Market", /, *args: P.args, **kwargs: P.kwargs) -> R:
        with self._lock:
            return method(self, *args, **kwargs)

    return guarded


def _kept(by_key: dict[K, list[V]], keep: Callable[[V], bool]) -> dict[K, list[V]]:
    """Lists by key, without what is not kept and without those that have become empty."""
    kept = {key: [one for one in values if keep(one)] for key, values in by_key.items()}
    return defaultdict(list, {key: values for key, values in kept.items() if values})


@dataclass(slots=True)
class _Ledger:
    """A site's trades in one slot, summed up."""

    net_wh: int = 0
    value: int = 0


@dataclass(slots=True)
class Market:
    """The state of all zones. Written by one thread, read by many."""

    since: int = 0  # unix seconds: of slots and events before, only what is open is kept; 0: nothing was dropped
    zones: dict[int, str] = field(default_factory=dict)  # zone -> grid operator
    sites: dict[int, Site] = field(default_factory=dict)
    terms: dict[tuple[int, int], Terms] = field(default_factory=dict)  # fixed: (zone, hour)
    links: dict[tuple[int, int], tuple[int, int]] = field(default_factory=dict)  # (zone, other) -> (Wh in a slot, fee)
    trades: list[Trade] = field(default_factory=list)
    payments: list[Payment] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)
    retirements: list[Retirement] = field(default_factory=list)
    admitted_sites: set[int] = field(default_factory=set)  # to certificates
    operators: set[int] = field(default_factory=set)
    seats: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))  # zone -> operators
    last_settled: dict[int, int] = field(default_factory=dict)  # zone -> latest slot with a settlement
    minted: dict[int, int] = field(default_factory=lambda: defaultdict(int))  # certificate id -> Wh
    _held: dict[str, dict[int, int]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(int)))
    _defaults: dict[int, list[tuple[int, Terms]]] = field(default_factory=lambda: defaultdict(list))  # from which hour
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _orders: dict[int, list[int]] = field(default_factory=dict)  # resting: id -> [site, Wh left]
    _book: dict[tuple[int, int], set[int]] = field(default_factory=lambda: defaultdict(set))  # (zone, slot) -> ids
    _of_site: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    _positions: dict[tuple[int, int], _Ledger] = field(default_factory=lambda: defaultdict(_Ledger))
    _trades_of_slot: dict[tuple[int, int], list[Trade]] = field(default_factory=lambda: defaultdict(list))
    _trades_of_site: dict[int, list[Trade]] = field(default_factory=lambda: defaultdict(list))
    _payments_of_site: dict[int, list[Payment]] = field(default_factory=lambda: defaultdict(list))
    _movements_of_site: dict[int, list[Movement]] = field(default_factory=lambda: defaultdict(list))
    _settled: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))  # site -> slots
    _open: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))  # site -> traded slots, not settled

    # --- writing ----------------------------------------------------------------------------------------------------

    @_guarded
    def apply(self, event: Event, at: Moment) -> None:
        """Take in one event. Events the app has no use for pass by."""
        handler = getattr(self, f"_on_{type(event).__name__}", None)
        if handler is not None:
            handler(event, at)

    def _on_ZoneCreated(self, event: events.ZoneCreated, at: Moment) -> None:
        self.zones[event.zone] = checksum_address(event.operator)

    def _on_ZoneOperatorSet(self, event: events.ZoneOperatorSet, at: Moment) -> None:
        self.zones[event.zone] = checksum_address(event.operator)

    def _on_DefaultTermsSet(self, event: events.DefaultTermsSet, at: Moment) -> None:
        self.add_default_terms(event.zone, event.from_hour, event.terms)

    def _on_LinkSet(self, event: events.LinkSet, at: Moment) -> None:
        self.links[event.zone, event.other] = event.capacity, event.fee

    def _on_TermsFixed(self, event: events.TermsFixed, at: Moment) -> None:
        self.terms[event.zone, event.hour] = event.terms

    def _on_SiteRegistered(self, event: events.SiteRegistered, at: Moment) -> None:
        owner, meter_key = checksum_address(event.owner), checksum_address(event.meter_key)
        self.sites[event.site] = Site(owner, event.technology, event.nameplate, meter_key)

    def _on_Deposited(self, event: events.Deposited, at: Moment) -> None:
        self.add_movement(Movement(at, event.site, event.grains))

    def _on_Withdrawn(self, event: events.Withdrawn, at: Moment) -> None:
        self.add_movement(Movement(at, event.site, -event.grains))

    def _on_OrderPlaced(self, event: events.OrderPlaced, at: Moment) -> None:
        self.add_order(event.order, event.site, event.wh)

    def _on_OrderReduced(self, event: events.OrderReduced, at: Moment) -> None:
        self._orders[event.order][1] = event.wh

    def _on_OrderClosed(self, event: events.OrderClosed, at: Moment) -> None:
        self._take_out(event.order, event.wh)

    def _take_out(self, order: int, wh: int) -> None:
        resting = self._orders[order]
        resting[1] -= wh
        if resting[1] == 0:
            place = OrderId.unpack(order)
            del self._orders[order]
            book = self._book[place.zone, place.slot]
            book.discard(order)
            if not book:
                del self._book[place.zone, place.slot]
            self._of_site[resting[0]].discard(order)

    def _on_Trade(self, event: events.Trade, at: Moment) -> None:
        place = event.place
        price = place.price(self.terms[place.zone, hour_of_slot(place.slot)])
        self.add_trade(Trade(at, place.zone, place.slot, price, event.wh, event.seller, event.buyer))
        self._take_out(event.order, event.wh)

    def _on_PairsTraded(self, event: events.PairsTraded, at: Moment) -> None:
        for pair in event.pairs:
            zone = site_zone(pair.seller)
            self.add_trade(Trade(at, zone, pair.slot, pair.price, pair.wh, pair.seller, pair.buyer))

    def _on_Settled(self, event: events.Settled, at: Moment) -> None:
        for one in event.sites:
            slots = slots_of_hour(one.entry.hour)
            readings = {slots[i]: reading for i, reading in one.entry.readings.items()}
            self.add_payment(Payment(at, one.site, readings, one.credited))

    def _on_SettledOverdue(self, event: events.SettledOverdue, at: Moment) -> None:
        self.add_payment(Payment(at, event.site, {event.slot: None}, event.credited))

    def _on_OperatorRegistered(self, event: events.OperatorRegistered, at: Moment) -> None:
        self.operators.add(event.id)

    def _on_Admitted(self, event: events.Admitted, at: Moment) -> None:
        self.seats[event.zone].add(event.id)

    def _on_Removed(self, event: events.Removed, at: Moment) -> None:
        self.seats[event.zone].discard(event.id)

    def _on_Replaced(self, event: events.Replaced, at: Moment) -> None:
        self.seats[event.zone].discard(event.id)
        self.seats[event.zone].add(event.by)

    def _on_Reported(self, event: events.Reported, at: Moment) -> None:
        self.reports.append(Report(at, event.zone, event.bitmap.bit_count(), event.settled))

    def _on_SiteAdmitted(self, event: events.SiteAdmitted, at: Moment) -> None:
        self.admitted_sites.add(event.site)

    def _on_SiteDismissed(self, event: events.SiteDismissed, at: Moment) -> None:
        self.admitted_sites.discard(event.site)

    def _on_TransferSingle(self, event: events.TransferSingle, at: Moment) -> None:
        self._pass_on(event.sender, event.receiver, event.id, event.value)

    def _on_TransferBatch(self, event: events.TransferBatch, at: Moment) -> None:
        for certificate, wh in zip(event.ids, event.values, strict=True):
            self._pass_on(event.sender, event.receiver, certificate, wh)

    def _pass_on(self, sender: str, receiver: str, certificate: int, wh: int) -> None:
        if wh == 0:
            return  # anybody may pass on nothing of what never was
        if sender == _NOBODY:
            self.minted[certificate] += wh
        for account, change in ((sender, -wh), (receiver, wh)):
            if account != _NOBODY:
                self.hold(checksum_address(account), certificate, change)

    def _on_Retired(self, event: events.Retired, at: Moment) -> None:
        account = checksum_address(event.account)
        site, hour = certificate_of(event.id)
        retirement = Retirement(at, site, hour, account, event.amount, event.beneficiary, event.purpose)
        self.retirements.append(retirement)

    # --- parts ------------------------------------------------------------------------------------------------------

    def add_default_terms(self, zone: int, from_hour: int, terms: Terms) -> None:
        """Terms of a zone's hours from one on for which no tariff is published."""
        self._defaults[zone].append((from_hour, terms))

    def add_movement(self, movement: Movement) -> None:
        """A deposit or a withdrawal."""
        self._movements_of_site[movement.site].append(movement)

    def add_order(self, order: int, site: int, wh: int) -> None:
        """An order rests with `wh` left."""
        place = OrderId.unpack(order)
        self._orders[order] = [site, wh]
        self._book[place.zone, place.slot].add(order)
        self._of_site[site].add(order)

    def add_trade(self, trade: Trade) -> None:
        """A match, which changes two positions."""
        self.trades.append(trade)
        self._trades_of_slot[trade.zone, trade.slot].append(trade)
        for site, sign in ((trade.seller, 1), (trade.buyer, -1)):
            self._trades_of_site[site].append(trade)
            position = self._positions[site, trade.slot]
            position.net_wh += sign * trade.wh
            position.value += sign * trade.wh * trade.price
            self._open[site].add(trade.slot)

    def set_position(self, site: int, slot: int, net_wh: int, value: int) -> None:
        """An open position whose trades may be older than what is kept."""
        self._positions[site, slot] = _Ledger(net_wh, value)
        self._open[site].add(slot)

    def add_payment(self, payment: Payment) -> None:
        """The end of slots of a site."""
        self.payments.append(payment)
        self._payments_of_site[payment.site].append(payment)
        self._settled[payment.site].update(payment.readings)
        self._open[payment.site].difference_update(payment.readings)
        zone = site_zone(payment.site)
        self.last_settled[zone] = max(self.last_settled.get(zone, 0), *payment.readings)

    def hold(self, account: str, certificate: int, wh: int) -> None:
        """An account has `wh` more of a certificate, or less where it is negative."""
        held = self._held[account]
        held[certificate] += wh
        if not held[certificate]:
            del held[certificate]

    @_guarded
    def forget(self, before: int) -> None:
        """Drop slots that began before a moment, and what happened before it; what is open stays.

        Args:
            before: unix seconds, the beginning of an hour.
        """
        slot, hour, self.since = slot_of(before), hour_of(before), before
        self.trades = [trade for trade in self.trades if trade.slot >= slot]
        self.payments = [payment for payment in self.payments if min(payment.readings) >= slot]
        self.reports = [report for report in self.reports if report.at.time >= before]
        self.retirements = [retirement for retirement in self.retirements if retirement.at.time >= before]
        self._trades_of_slot = defaultdict(list, {at: of for at, of in self._trades_of_slot.items() if at[1] >= slot})
        self._trades_of_site = _kept(self._trades_of_site, lambda trade: trade.slot >= slot)
        self._payments_of_site = _kept(self._payments_of_site, lambda payment: min(payment.readings) >= slot)
        self._movements_of_site = _kept(self._movements_of_site, lambda movement: movement.at.time >= before)
        self._forget_states(slot, hour)

    def _forget_states(self, first_slot: int, first_hour: int) -> None:
        """The same of what later events change."""
        busy = {(site_zone(site), hour_of_slot(slot)) for site, slots in self._open.items() for slot in slots}
        busy |= {(zone, hour_of_slot(slot)) for zone, slot in self._book}
        self.terms = {key: terms for key, terms in self.terms.items() if key[1] >= first_hour or key in busy}
        ledgers = {
            (site, slot): ledger
            for (site, slot), ledger in self._positions.items()
            if slot >= first_slot or slot in self._open[site]
        }
        self._positions = defaultdict(_Ledger, ledgers)
        settled = {site: {slot for slot in slots if slot >= first_slot} for site, slots in self._settled.items()}
        self._settled = defaultdict(set, settled)
        minted = {number: wh for number, wh in self.minted.items() if certificate_of(number)[1] >= first_hour}
        self.minted = defaultdict(int, minted)

    # --- reading ----------------------------------------------------------------------------------------------------

    @_guarded
    def sites_of(self, owner: str) -> list[int]:
        """Sites of an address, in order of registration."""
        return [number for number, site in self.sites.items() if site.owner == owner]

    @_guarded
    def default_terms(self, zone: int, hour: int) -> Terms | None:
        """Terms of an hour for which no tariff is published; None for an unknown zone."""
        known = [terms for from_hour, terms in self._defaults.get(zone, ()) if from_hour <= hour]
        return known[-1] if known else None

    @_guarded
    def orders_in(self, zone: int, slot: int) -> list[Order]:
        """Resting orders of a slot, in no particular order."""
        return [self._order(order) for order in self._book.get((zone, slot), ())]

    @_guarded
    def has_orders(self, zone: int, slot: int) -> bool:
        """Whether any order rests in a slot."""
        return bool(self._book.get((zone, slot)))

    @_guarded
    def orders_of(self, site: int) -> list[Order]:
        """Resting orders of a site in all slots, earliest slot first."""
        return [
            self._order(order) for order in sorted(self._of_site.get(site, ()), key=lambda o: OrderId.unpack(o).slot)
        ]

    def _order(self, order: int) -> Order:
        parts = OrderId.unpack(order)
        site, wh = self._orders[order]
        return Order(order, site, parts.sell, parts.price(self.terms[parts.zone, hour_of_slot(parts.slot)]), wh)

    @_guarded
    def depth(self, zone: int, slot: int, sell: bool) -> list[Level]:
        """One side of a book by price, best first."""
        levels: dict[int, list[int]] = {}
        for order in self.orders_in(zone, slot):
            if order.sell is sell:
                level = levels.setdefault(order.price, [0, 0])
                level[0] += order.wh
                level[1] += 1
        ordered = sorted(levels.items(), reverse=not sell)
        return [Level(price, wh, orders) for price, (wh, orders) in ordered]

    @_guarded
    def trades_in(self, zone: int, slot: int) -> list[Trade]:
        """Trades of a slot, oldest first."""
        return list(self._trades_of_slot.get((zone, slot), ()))

    @_guarded
    def trades_of(self, site: int) -> list[Trade]:
        """Trades of a site, oldest first."""
        return list(self._trades_of_site.get(site, ()))

    @_guarded
    def payments_of(self, site: int) -> list[Payment]:
        """Payments of a site, oldest first."""
        return list(self._payments_of_site.get(site, ()))

    @_guarded
    def movements_of(self, site: int) -> list[Movement]:
        """Deposits and withdrawals of a site, oldest first."""
        return list(self._movements_of_site.get(site, ()))

    @_guarded
    def certificates_of(self, account: str) -> dict[int, int]:
        """Wh an account holds by certificate id; only ids it holds any of."""
        return {certificate: wh for certificate, wh in self._held.get(account, {}).items() if wh > 0}

    @_guarded
    def position(self, site: int, slot: int) -> tuple[int, int]:
        """(Wh sold minus bought, grains received minus paid) of everything a site traded in a slot."""
        known = self._positions.get((site, slot))
        return (known.net_wh, known.value) if known else (0, 0)

    @_guarded
    def is_settled(self, site: int, slot: int) -> bool:
        """Whether a site's slot has ended in a payment."""
        return slot in self._settled.get(site, ())

    @_guarded
    def open_slots(self, site: int) -> list[int]:
        """Slots in which a site has traded and that have not settled, earliest first."""
        return sorted(self._open.get(site, ()))

    @_guarded
    def busy_slots(self, site: int) -> list[int]:
        """Slots in which something may be held for a site: open positions and resting orders."""
        waiting = {OrderId.unpack(order).slot for order in self._of_site.get(site, ())}
        return sorted(waiting | self._open.get(site, set()))

    @_guarded
    def trades_since(self, unix: int) -> list[Trade]:
        """Trades made at or after a moment, oldest first."""
        return self.trades[bisect_left(self.trades, unix, key=lambda trade: trade.at.time) :]

    @_guarded
    def payments_since(self, unix: int) -> list[Payment]:
        """Payments made at or after a moment, oldest first."""
        return self.payments[bisect_left(self.payments, unix, key=lambda payment: payment.at.time) :]
