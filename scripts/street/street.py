"""A run of the street from an empty folder to its result."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from net8 import deployment as deployments
from net8.client import Chain
from net8.contracts import Contracts
from net8.deployment import Deployment
from net8.units import SLOT_SECONDS, format_slot, hour_of_slot

from scripts.street.bakery import BIDS_AHEAD, StandingBid
from scripts.street.bulk import Bulk
from scripts.street.caretaker import Caretaker
from scripts.street.clock import ChainClock
from scripts.street.conductor import AHEAD, BooksDiffer, Conductor, say
from scripts.street.inputs import Home, Inputs, read, write
from scripts.street.joining import Joining
from scripts.street.latency import latencies_ms
from scripts.street.measured import DayRefused, newcomer_home, street_homes
from scripts.street.network import Network
from scripts.street.newcomers import NewcomerService
from scripts.street.options import DEFAULT_DAY, Options
from scripts.street.processes import Processes
from scripts.street.result import Result
from scripts.street.rpc import Rpc
from scripts.street.run_folder import RunFolder
from scripts.street.tariffs import DayAhead
from scripts.street.traders import traders_of
from scripts.street.zone import Resident, ZoneBuilder

__all__ = ["run"]

_STAMPS_WITHIN = 5.0  # seconds a node has to write what it measured
_CHAIN_TIMEOUT = 30.0


@dataclass
class _Street:
    """Everything that is up once the setting up is done."""

    options: Options
    processes: Processes
    network: Network
    deployment: Deployment
    chain: Chain
    rpc: Rpc
    bulk: Bulk
    clock: ChainClock
    builder: ZoneBuilder
    zone: int
    inputs: Inputs
    residents: Sequence[Resident]
    first_row_slot: int


def run(options: Options) -> Result:
    """Run the street: headless for a number of slots, with the app until it is stopped.

    Raises:
        KeyboardInterrupt: stopped by Ctrl-C; everything has been stopped.
        InputsRefused, DayRefused, FolderRefused, PortTaken, ChildDied, RpcFault, Net8Error: it could not go on.
    """
    homes = read(options.homes) if options.homes else None
    folder = RunFolder(options.run_folder)
    if homes is None:
        path = folder.path / "homes.csv"
        write(path, street_homes(options.day, options.seed))
        homes = read(path)
    with Processes(folder.logs) as processes:
        street = _set_up(options, homes, folder, processes)
        conductor = _conductor(street)
        return _headless(street, conductor) if options.headless else _live(street, conductor, folder)


# --- setting up -----------------------------------------------------------------------------------------------------


def _set_up(options: Options, inputs: Inputs, folder: RunFolder, processes: Processes) -> _Street:
    network = Network(options, folder, processes)
    say("starting the chain")
    network.start_chain()
    say("compiling and deploying the contracts")
    network.deploy()
    deployment = deployments.load(network.deployment)
    rpc = Rpc(network.rpc_url)
    bulk = Bulk(rpc, deployment.chain_id)
    chain = Chain(network.rpc_url, _CHAIN_TIMEOUT, batch=400)
    builder = ZoneBuilder(rpc, chain, bulk, deployment)
    say(f"opening the zone: {len(inputs.homes)} sites, {options.operators} oracle operators")
    zone = builder.open_zone()
    first_row_slot = options.midnight_slot + inputs.first_minute * 60 // SLOT_SECONDS
    residents = builder.settle_in(zone, inputs.homes, first_row_slot, options.first_slot)
    builder.fund_pool(zone)
    builder.seat_operators(zone, network.signers)
    folder.note(zone=zone, first_slot=options.first_slot, sites=[resident.site for resident in residents])
    return _Street(
        options, processes, network, deployment, chain, rpc, bulk,
        ChainClock(rpc), builder, zone, inputs, residents, first_row_slot,
    )  # fmt: skip


def _conductor(street: _Street) -> Conductor:
    contracts = Contracts.of(street.deployment)
    midnight_hour = hour_of_slot(street.options.midnight_slot)
    trading = list(street.residents)
    if not street.options.headless:
        del trading[street.inputs.largest_consumer]  # it has a standing bid instead
    return Conductor(
        street.chain, contracts, street.bulk, street.clock, street.processes, street.zone, street.residents,
        traders_of(trading, street.options.seed),
        Caretaker(street.chain, contracts, street.bulk, street.zone, street.builder.grid_operator),
        DayAhead(contracts, street.bulk, street.zone, street.builder.grid_operator, midnight_hour),
    )  # fmt: skip


def _start_oracles(street: _Street) -> None:
    say(f"starting {street.options.operators} oracle nodes and the gateway of {len(street.residents)} meters")
    street.network.start_nodes(street.zone)
    street.network.start_gateway("gateway", street.inputs.path, street.residents)


def _trade_ahead(street: _Street, conductor: Conductor) -> None:
    """Orders of the first slots are placed before the first one begins, as on every day."""
    for slot in range(street.options.first_slot, street.options.first_slot + AHEAD):
        street.clock.go_into(slot - AHEAD)
        conductor.order_for(slot)
    street.clock.go_into(street.options.first_slot)
    conductor.release(street.options.first_slot)


# --- headless -------------------------------------------------------------------------------------------------------


def _headless(street: _Street, conductor: Conductor) -> Result:
    assert street.options.slots is not None, "the options see to it"
    slots = range(street.options.first_slot, street.options.first_slot + street.options.slots)
    _trade_ahead(street, conductor)
    _start_oracles(street)
    conserved = True
    fault: str | None = None
    try:
        for slot in slots:
            if slot + AHEAD in slots:
                conductor.order_for(slot + AHEAD)
            conductor.release(slot + 1)
            street.clock.finish(slot)
            conductor.wait_settled(slot)
            conductor.close(slot, is_last=slot == slots[-1])
    except BooksDiffer as differ:
        conserved, fault = differ.conserved, str(differ)
    return _result(street, conductor, slots, conserved, fault)


def _result(street: _Street, conductor: Conductor, slots: range, conserved: bool, fault: str | None) -> Result:
    tallies = [conductor.tally.slots[slot] for slot in slots]
    return Result(
        slots=len(conductor.closed),
        sites=len(conductor.residents),
        orders=conductor.orders,
        trades=sum(tally.trades for tally in tallies),
        traded_wh=sum(tally.traded_wh for tally in tallies),
        reports=conductor.tally.reports,
        settled_site_slots=sum(len(tally.settled) for tally in tallies),
        shortfall_wh=sum(conductor.tally.slots[slot].shortfall_wh for slot in conductor.closed),
        unused_wh=sum(conductor.tally.slots[slot].unused_wh for slot in conductor.closed),
        certificates_wh=conductor.certificates_wh,
        latency_ms=_latencies(street, conductor.tally.reports, slots),
        conserved=conserved,
        fault=fault,
    )


def _latencies(street: _Street, reports: int, slots: range) -> list[float]:
    """What the nodes measured; the last line may come a moment after its receipt."""
    deadline = time.monotonic() + _STAMPS_WITHIN
    while True:
        measured = latencies_ms(street.network.stamps(), slots)
        if len(measured) >= reports or time.monotonic() > deadline:
            return measured
        time.sleep(0.05)


# --- beside the app -------------------------------------------------------------------------------------------------


def _live(street: _Street, conductor: Conductor, folder: RunFolder) -> Result:
    options, clock = street.options, street.clock
    contracts = Contracts.of(street.deployment)
    baker = street.residents[street.inputs.largest_consumer]
    assert baker.owner is not None, "the street has the keys of those it began with"
    bakery = StandingBid(street.chain, contracts, baker.site, baker.owner)
    joining = Joining(
        street.chain, street.deployment, street.builder, street.network, street.zone, _newcomers(options.day),
        options.midnight_slot, conductor.residents.append,
    )  # fmt: skip
    service = NewcomerService(
        street.network.street_port,
        get={"/state": lambda _: _state(street, bakery.site)},
        post={"/join": joining.offer, "/join/confirm": joining.confirm},
    )
    conserved = True
    fault: str | None = None
    try:
        folder.note(street_url=service.url)
        _trade_ahead(street, conductor)
        _start_oracles(street)
        say("starting the indexer and the web app")
        indexer_url = street.network.start_indexer()
        url = street.network.start_app(service.url, indexer_url)
        say(f"\n  Open {url}\n  For other software: {indexer_url}/openapi.json\n"
            f"  One slot of 15 minutes takes {options.slot_seconds:g} s here "
            f"({options.factor:g} times as fast as the sun). Ctrl-C stops everything.\n")  # fmt: skip
        clock.run_at(options.factor)
        _keep_running(street, conductor, bakery, service)
    except BooksDiffer as differ:
        conserved, fault = differ.conserved, str(differ)
    finally:
        service.close()
    slots = range(options.first_slot, options.first_slot + len(conductor.closed))
    return _result(street, conductor, slots, conserved, fault)


def _newcomers(day: date) -> Home:
    """Newcomers live under the day's measured sun, or, in a replay of another season, under that of the default day."""
    try:
        return newcomer_home(day)
    except DayRefused:
        return newcomer_home(date.fromisoformat(DEFAULT_DAY))


def _keep_running(street: _Street, conductor: Conductor, bakery: StandingBid, service: NewcomerService) -> None:
    """Every half second: move the clock, answer newcomers, and do what a new slot asks for."""
    next_to_order = street.options.first_slot + AHEAD
    to_close = street.options.first_slot
    while street.options.slots is None or len(conductor.closed) < street.options.slots:
        now = street.clock.tick()
        street.processes.check()
        service.answer_waiting()
        bids = bakery.bids(range(now + AHEAD, now + AHEAD + BIDS_AHEAD))
        if next_to_order <= now + AHEAD:
            conductor.order_for(now + AHEAD, bids)
            for gated in range(next_to_order - 1, now + AHEAD):
                conductor.release(gated)
            next_to_order = now + AHEAD + 1
        else:
            conductor.send(bids)
        if to_close < now and conductor.is_settled(to_close):
            conductor.close(to_close)
            to_close += 1


def _state(street: _Street, bakery_site: int) -> dict[str, object]:
    """What the app asks about the street."""
    slot = street.clock.slot()
    return {
        "chain_id": street.deployment.chain_id, "zone": street.zone, "slot_seconds": street.options.slot_seconds,
        "bakery_site": bakery_site, "now_slot": slot, "now": format_slot(slot),
    }  # fmt: skip
