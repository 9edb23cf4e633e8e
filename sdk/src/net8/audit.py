"""Conservation of the exchange, computed from chain state alone.

Every grain the exchange holds is somebody's: free in a site's balance or the desk's, locked by a resting order, margin
and value of an open position, in a zone's balancing pool, or a collected fee. `audit` adds all of it up at one block
and compares it with the NET8 the exchange holds, to the wei. It also checks that every slot nets to zero: what one site
sold, another bought. Sites may trade across zones, so that is checked over all zones together, for every slot in which
none of them has settled anything.

    result = audit(chain, contracts, first_slot)
    assert result.conserved, result
    first_slot = result.first_open_slot  # nothing before it can change any more
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import product

from net8.client import Chain
from net8.client.flows import block as block_flow
from net8.client.flows import read_many
from net8.client.rpc import Flow
from net8.contracts import Call, Contracts
from net8.contracts.lens import BATCH_MAX
from net8.margin import order_lock, required
from net8.model import Level, Tariff, ZoneAccount, site_id
from net8.packing import OpenSlot, PositionWord, SettledSlot, TermsWord
from net8.units import HORIZON_SLOTS, WEI_PER_GRAIN, first_slot_of, hour_of_slot, slot_of, slots_of_hour

__all__ = ["Audit", "Imbalance", "ZoneAudit", "audit", "audit_flow"]

DESK_ACCOUNT = 0  # of the exchange: no site has this number


@dataclass(frozen=True, slots=True)
class Imbalance:
    """A slot in which sold and bought, or paid and received, differ although nobody has settled in it."""

    slot: int
    net_wh: int
    value: int  # grains


@dataclass(frozen=True, slots=True)
class ZoneAudit:
    """What the exchange owes in one zone, in grains."""

    zone: int
    sites: int
    free: int  # balances of sites, settled credit included
    locks: int  # held by resting orders
    positions: int  # margin and value of open positions
    pool: int
    grid_fees: int
    oracle_fees: int
    nets: Mapping[int, tuple[int, int] | None]  # slot -> net (Wh, value) of its positions; None once any has settled
    first_open_slot: int | None  # earliest slot that still has a resting order or an open position

    @property
    def owed(self) -> int:
        """All of it."""
        return self.free + self.locks + self.positions + self.pool + self.grid_fees + self.oracle_fees


@dataclass(frozen=True, slots=True)
class Audit:
    """What the exchange owes and holds at one block."""

    block: int
    held_wei: int  # NET8 of the exchange
    desk: int  # grains on the desk's own account: relay fees that nobody has claimed yet
    zones: tuple[ZoneAudit, ...]
    first_open_slot: int  # nothing before it can change any more: the next audit may begin here

    @property
    def owed(self) -> int:
        """Grains owed in all zones and to the desk."""
        return self.desk + sum(zone.owed for zone in self.zones)

    @property
    def surplus_wei(self) -> int:
        """What is held beyond what is owed; below zero when something is missing."""
        return self.held_wei - self.owed * WEI_PER_GRAIN

    @property
    def imbalances(self) -> tuple[Imbalance, ...]:
        """Slots that do not net to zero."""
        nets: dict[int, list[tuple[int, int] | None]] = defaultdict(list)
        for zone in self.zones:
            for slot, net in zone.nets.items():
                nets[slot].append(net)
        sums = {slot: _total(found) for slot, found in sorted(nets.items())}
        return tuple(Imbalance(slot, *total) for slot, total in sums.items() if total and any(total))

    @property
    def conserved(self) -> bool:
        """Whether every wei is accounted for and every slot nets to zero."""
        return self.surplus_wei == 0 and not self.imbalances


def audit(chain: Chain, contracts: Contracts, first_slot: int, block_identifier: int | None = None) -> Audit:
    """Audit the exchange.

    Args:
        chain: to read from.
        contracts: of the deployment.
        first_slot: the earliest slot in which there may be an open position or a resting order: the slot of the
            deployment at first, later `first_open_slot` of an earlier audit.
        block_identifier: at which block; the latest when left out.
    """
    return chain.run(audit_flow(contracts, first_slot, block_identifier))


def audit_flow(contracts: Contracts, first_slot: int, block_identifier: int | None = None) -> Flow[Audit]:
    """The same for any client: `await chain.run(audit_flow(...))`."""
    head = yield from block_flow("latest" if block_identifier is None else block_identifier)
    at, now_slot = head.number, slot_of(head.timestamp)
    held, desk, zone_count = yield from read_many(
        [
            contracts.token.balance_of(contracts.exchange.address),
            contracts.exchange.free_balance(DESK_ACCOUNT),
            contracts.grid.zone_count(),
        ],
        at,
        None,
    )
    hours = range(hour_of_slot(first_slot), hour_of_slot(now_slot + HORIZON_SLOTS) + 1)
    zones = []
    for zone in range(1, zone_count + 1):
        zones.append((yield from _audit_zone(contracts, zone, hours, at)))
    open_slots = [zone.first_open_slot for zone in zones if zone.first_open_slot is not None]
    return Audit(at, held, desk, tuple(zones), min([now_slot, *open_slots]))


def _audit_zone(contracts: Contracts, zone: int, hours: range, at: int) -> Flow[ZoneAudit]:
    (sites,) = yield from read_many([contracts.grid.site_count(zone)], at, None)
    (account,) = yield from read_many([contracts.exchange.zone_account(zone)], at, None)
    tariffs = yield from _used_hours(contracts, zone, hours, at)
    balances = yield from read_many(
        [contracts.lens.balances_of(first, count) for first, count in _chunks(zone, sites)], at, None
    )
    words = yield from _words(contracts, zone, sites, list(tariffs), at)
    sides = [(slot, sell) for hour in tariffs for slot, sell in product(slots_of_hour(hour), (True, False))]
    depths: list[list[Level]] = yield from read_many(
        [contracts.lens.depth(zone, slot, sell) for slot, sell in sides], at, None
    )
    locks = _locks(sides, depths, tariffs)
    resting = [slot for (slot, _), levels in zip(sides, depths, strict=True) if levels]
    return _sum_up(zone, sites, sum(map(sum, balances)), locks, account, words, tariffs, resting)


def _chunks(zone: int, sites: int) -> list[tuple[int, int]]:
    """(first site, count) of every batch that covers a zone."""
    return [(site_id(zone, first), min(BATCH_MAX, sites - first + 1)) for first in range(1, sites + 1, BATCH_MAX)]


def _used_hours(contracts: Contracts, zone: int, hours: range, at: int) -> Flow[dict[int, Tariff]]:
    """Tariffs of the hours that the exchange has used: only there can be orders and positions."""
    words = yield from read_many([contracts.exchange.terms_word(zone, hour) for hour in hours], at, None)
    unpacked = ((hour, TermsWord.unpack(word)) for hour, word in zip(hours, words, strict=True))
    return {hour: kept.terms.tariff for hour, kept in unpacked if kept is not None}


def _words(
    contracts: Contracts, zone: int, sites: int, hours: list[int], at: int
) -> Flow[dict[int, list[PositionWord]]]:
    """Position words of all sites, by hour."""
    wanted = list(product(hours, _chunks(zone, sites)))
    calls: list[Call[list[PositionWord]]] = [
        contracts.lens.positions_of(first, count, hour) for hour, (first, count) in wanted
    ]
    answers = yield from read_many(calls, at, None)
    words: dict[int, list[PositionWord]] = {hour: [] for hour in hours}
    for (hour, _), answer in zip(wanted, answers, strict=True):
        words[hour] += answer
    return words


def _locks(sides: list[tuple[int, bool]], depths: list[list[Level]], tariffs: dict[int, Tariff]) -> int:
    """Grains that resting orders hold. A lock is linear in Wh, so a level's total tells it exactly."""
    return sum(
        order_lock(sell, level.price, level.wh, tariffs[hour_of_slot(slot)])
        for (slot, sell), levels in zip(sides, depths, strict=True)
        for level in levels
    )


def _sum_up(
    zone: int,
    sites: int,
    free: int,
    locks: int,
    account: ZoneAccount,
    words: dict[int, list[PositionWord]],
    tariffs: dict[int, Tariff],
    resting: list[int],
) -> ZoneAudit:
    positions, open_slots, nets = 0, list(resting), {}
    for hour, tariff in tariffs.items():
        for quarter in range(4):
            slot = first_slot_of(hour) + quarter
            cells = [word.slots[quarter] for word in words[hour]]
            traded = [cell for cell in cells if isinstance(cell, OpenSlot) and cell != OpenSlot()]
            positions += sum(required(cell.net_wh, cell.value, tariff) + cell.value for cell in traded)
            open_slots += [slot] if traded else []
            settled = any(isinstance(cell, SettledSlot) for cell in cells)
            nets[slot] = None if settled else _total((cell.net_wh, cell.value) for cell in traded)
    return ZoneAudit(
        zone=zone,
        sites=sites,
        free=free,
        locks=locks,
        positions=positions,
        pool=account.pool,
        grid_fees=account.grid_fees,
        oracle_fees=account.oracle_fees,
        nets=nets,
        first_open_slot=min(open_slots, default=None),
    )


def _total(nets: Iterable[tuple[int, int] | None]) -> tuple[int, int] | None:
    """Sum of net energy and net value; None when some of it has settled, so that nothing can be said."""
    net_wh = value = 0
    for net in nets:
        if net is None:
            return None
        net_wh, value = net_wh + net[0], value + net[1]
    return net_wh, value
