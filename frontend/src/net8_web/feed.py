"""One look at the chain per block, shared by all sessions.

A background thread follows the chain's head, takes in each block's events and publishes a `View`. Pages read views:
what they show costs no call to the chain, and what only the chain can answer (a balance, a nonce) is asked once per
block and remembered for all sessions.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import streamlit as st
from net8 import deployment as deployments
from net8.client import BlockHeader, Chain
from net8.contracts import Call, Contracts
from net8.deployment import Deployment, DeploymentRefused
from net8.errors import DeploymentMismatch, Net8Error
from net8.model import Terms
from net8.state import Moment, State
from net8.units import HOUR_SECONDS, hour_of, slot_of, slots_of_hour

from net8_web import beginning
from net8_web.beginning import BeginningRefused
from net8_web.components.wallet import Network
from net8_web.market import Market
from net8_web.settings import LOCAL_CHAIN, Settings, read

__all__ = ["Feed", "Problem", "View", "feed"]

log = logging.getLogger(__name__)

T = TypeVar("T")
POLL_LOCAL_S = 0.3
POLL_S = 2.0
FIRST_LOOK_S = 20.0  # a session's first page waits this long for the first view
CATCH_UP_S = 3.0
STEP_BLOCKS = 5_000  # blocks taken in at once at the start
TIMEOUT_S = 10.0
HOURS_AHEAD = 26  # the day that the trade page shows, and what it overlaps
KEPT_S = 8 * 86_400  # of what is over: the seven days that the Community page adds up, wherever their midnights are
TRIES, AGAIN_S = 5, 1.0  # for an indexer that has not seen a reorganisation yet, or sees blocks before our chain node


@dataclass(frozen=True, slots=True)
class Problem:
    """Why the chain cannot be shown. `key` names the sentence in the tables of `locale/`."""

    key: str
    values: dict[str, str]


@dataclass(slots=True)
class View:
    """The chain at one block."""

    settings: Settings
    deployment: Deployment
    contracts: Contracts
    network: Network
    chain: Chain
    head: BlockHeader
    market: Market
    began: int  # unix seconds of the block before the contracts'
    stale: bool  # the chain has stopped answering since
    _answers: dict[tuple[Any, ...], Any] = field(default_factory=dict)
    _coming: dict[int, dict[int, Terms]] = field(default_factory=dict)  # by zone; kept while the slot is the same

    @property
    def now(self) -> int:
        """The chain's time, unix seconds."""
        return self.head.timestamp

    def _remember(self, key: tuple[Any, ...], ask: Callable[[], T]) -> T:
        if key not in self._answers:
            self._answers[key] = ask()
        answer: T = self._answers[key]
        return answer

    def read(self, call: Call[T]) -> T:
        """Answer of a view call at this block; asked at most once for all sessions."""
        return self._remember((call.to, call.data, None), lambda: self.chain.read(call))

    def read_many(self, calls: Sequence[Call[T]]) -> list[T]:
        """Answers of several view calls, those not known yet in one question."""
        missing = [call for call in calls if (call.to, call.data, None) not in self._answers]
        if missing:
            for call, answer in zip(missing, self.chain.read_many(missing), strict=True):
                self._answers[call.to, call.data, None] = answer
        return [self._answers[call.to, call.data, None] for call in calls]

    def try_call(self, call: Call[Any], sender: str) -> None:
        """Dry run: what would happen if `sender` sent this now.

        Raises:
            Refused: the contract would refuse it.
        """
        self.chain.read(call, sender=sender)

    def free_balance(self, site: int) -> int:
        """Grains a site can trade with or withdraw."""
        return self.read(self.contracts.exchange.free_balance(site))

    def margin_held(self, site: int, slot: int) -> int:
        """Grains held for a site in a slot."""
        return self.read(self.contracts.lens.margin_held(site, slot))

    def held(self, site: int) -> int:
        """Grains held for a site in all its open slots."""
        slots = self.market.busy_slots(site)
        return sum(self.read_many([self.contracts.lens.margin_held(site, slot) for slot in slots]))

    def token_balance(self, account: str) -> int:
        """Whole grains of NET8 in an account's wallet."""
        return self.read(self.contracts.token.balance_of(account)) // 10**11

    def gas_balance(self, account: str) -> int:
        """Wei of the chain's own currency."""
        return self._remember((account, b"gas", None), lambda: self.chain.balance(account))

    def is_contract(self, account: str) -> bool:
        """Whether an account is a contract wallet, which cannot sign permits."""

        def ask() -> bool:
            code: str = self.chain.request("eth_getCode", [account, "latest"])
            return code not in ("0x", "") and not code.startswith("0xef0100")  # EIP-7702 keys still sign

        return self._remember((account, b"code", None), ask)

    def terms(self, zone: int, hour: int) -> Terms | None:
        """Terms of a tradable hour; None where nothing may be traded, gate and start of the slot apart."""
        fixed = self.market.terms.get((zone, hour))
        return fixed if fixed is not None else self._default_terms(zone).get(hour)

    def _default_terms(self, zone: int) -> dict[int, Terms]:
        """Terms of the coming hours that may be traded although nothing has fixed them yet; asked once per slot."""
        if zone not in self._coming:
            lens, now = self.contracts.lens, hour_of(self.now)
            hours = [hour for hour in range(now, now + HOURS_AHEAD) if (zone, hour) not in self.market.terms]
            # The last slot of an hour closes last; whether each slot's own gate has closed, the page works out.
            tradable = self.chain.read_many([lens.is_tradable(zone, slots_of_hour(hour)[-1]) for hour in hours])
            found = [hour for hour, yes in zip(hours, tradable, strict=True) if yes]
            terms = self.chain.read_many([lens.terms(zone, hour) for hour in found])
            self._coming[zone] = {hour: known for hour, (known, _) in zip(found, terms, strict=True)}
        return self._coming[zone]

    def memo(self, key: tuple[Any, ...], make: Callable[[], T]) -> T:
        """Something worked out from this view, once for all sessions; `key` starts with the maker's name."""
        return self._remember(key, make)


class Feed:
    """Follows the chain for as long as the app runs."""

    def __init__(self, settings: Settings) -> None:
        """Starts to follow at once, in a thread of its own."""
        self.settings = settings
        self._view: View | None = None
        self._problem: Problem | None = None
        self._seen = threading.Condition()
        self._nudge = threading.Event()
        self._stopped = False
        self._listeners: list[Callable[[View], None]] = []
        self._thread = threading.Thread(target=self._follow, name="net8-feed", daemon=True)
        self._thread.start()

    # --- for pages --------------------------------------------------------------------------------------------------

    def state(self) -> tuple[View | None, Problem | None]:
        """The latest view, and what is wrong, if anything; waits for the first of either."""
        with self._seen:
            self._seen.wait_for(lambda: self._view is not None or self._problem is not None, FIRST_LOOK_S)
        return self._view, self._problem

    def view(self) -> View:
        """The latest view; pages run only when there is one."""
        view, problem = self.state()
        if view is None:
            raise RuntimeError(problem.key if problem else "no view of the chain yet")
        return view

    def latest(self) -> View | None:
        """The latest view there is, without waiting for one."""
        return self._view

    def listen(self, listener: Callable[[View], None]) -> None:
        """Call `listener` with every view from now on, in the feed's own thread: it must be quick."""
        self._listeners.append(listener)

    def catch_up(self, reached: Callable[[View], bool]) -> None:
        """Look at the chain now and wait until a view fulfils `reached`, for a few seconds at most."""
        self._nudge.set()
        with self._seen:
            self._seen.wait_for(lambda: self._view is not None and reached(self._view), CATCH_UP_S)

    def stop(self) -> None:
        """End the thread; for tests."""
        self._stopped = True
        self._nudge.set()
        self._thread.join(timeout=TIMEOUT_S)

    # --- the thread -------------------------------------------------------------------------------------------------

    def _publish(self, view: View | None, problem: Problem | None) -> None:
        with self._seen:
            self._view, self._problem = view, problem
            self._seen.notify_all()
        if view is not None:
            for listener in self._listeners:
                listener(view)

    def _follow(self) -> None:
        local = True
        while not self._stopped:
            try:
                local = self._look()
            except DeploymentRefused as fault:
                self._publish(None, Problem("problem.no_deployment", {"reason": str(fault)}))
            except DeploymentMismatch as fault:
                self._publish(None, Problem("problem.other_chain", {"reason": str(fault)}))
            except Net8Error:
                url = self.settings.rpc_url
                if self._view is not None:
                    self._view.stale = True
                self._publish(self._view, Problem("problem.chain_down", {"url": url}))
            self._nudge.wait(POLL_LOCAL_S if local else POLL_S)
            self._nudge.clear()

    def _look(self) -> bool:
        """Take in what is new. Returns whether the chain is the local one."""
        view = self._view
        if view is None or self._replaced(view):
            view = self._begin()
        chain, head = view.chain, view.chain.block()
        if head.hash == view.head.hash and not view.stale:
            return view.deployment.chain_id == LOCAL_CHAIN
        first = view.head.number + 1
        while first <= head.number:
            last = min(first + STEP_BLOCKS - 1, head.number)
            self._take_in(view, first, last)
            first = last + 1
        answers = view._answers if head.hash == view.head.hash else {}
        coming = view._coming if slot_of(head.timestamp) == slot_of(view.now) else {}
        following = View(
            view.settings,
            view.deployment,
            view.contracts,
            view.network,
            chain,
            head,
            view.market,
            view.began,
            False,
            answers,
            coming,
        )
        self._publish(following, None)
        return view.deployment.chain_id == LOCAL_CHAIN

    def _replaced(self, view: View) -> bool:
        """Whether the block we know is no longer the chain's: a reorganisation, or a restarted local chain."""
        found = view.chain.request("eth_getBlockByNumber", [hex(view.head.number), False])
        return found is None or found["hash"] != view.head.hash

    def _begin(self) -> View:
        """A view of the block that the indexer is at, else of the block before the contracts': all after it is new."""
        deployment = deployments.load(self.settings.deployment)
        chain = Chain(self.settings.rpc_url, TIMEOUT_S)
        chain.verify(deployment)
        genesis = chain.request("eth_getBlockByNumber", ["0x0", False])["hash"]
        network = Network(
            chain_id=deployment.chain_id,
            name=self.settings.network_name,
            rpc_url=self.settings.public_rpc_url,
            explorer=self.settings.explorer,
            currency=self.settings.currency,
            ledger=genesis[2:18],
        )
        before = chain.block(max(deployment.first_block - 1, 0))
        market, at = self._told(chain, deployment, before) or (Market(), before)
        contracts = Contracts.of(deployment)
        return View(self.settings, deployment, contracts, network, chain, at, market, before.timestamp, True)

    def _told(self, chain: Chain, deployment: Deployment, before: BlockHeader) -> tuple[Market, BlockHeader] | None:
        """What the indexer knows, and at which block; None where it is of no use."""
        if self.settings.indexer is None:
            return None
        since = _kept_from(chain.block().timestamp)
        try:
            told, at = _agreed(self.settings.indexer, since, chain, deployment)
            market = beginning.market_of(told)
        except BeginningRefused as fault:
            log.warning("reading the chain from its first block on, because %s", fault)
            return None
        if since <= before.timestamp:
            market.since = 0  # there was nothing to leave out
        return market, at

    def _take_in(self, view: View, first: int, last: int) -> None:
        contracts = view.contracts
        sources = [contracts.grid, contracts.exchange, contracts.registry, contracts.certificates]
        logged = view.chain.events(sources, first=first, last=last)
        times = {number: view.chain.block(number).timestamp for number in sorted({event.block for event in logged})}
        for event in logged:
            view.market.apply(event.event, Moment(event.block, times[event.block], event.transaction))
        since = _kept_from(max(times.values(), default=0))
        if since > max(view.market.since, view.began):
            view.market.forget(since)


def _kept_from(now: int) -> int:
    """Unix seconds from which on what is over is kept."""
    return (now - KEPT_S) // HOUR_SECONDS * HOUR_SECONDS


def _agreed(url: str, since: int, chain: Chain, deployment: Deployment) -> tuple[State, BlockHeader]:
    """The indexer's state and its block, which is the chain's too.

    Raises:
        BeginningRefused: it has none.
    """
    for _ in range(TRIES):
        told = beginning.fetch(url, since, deployment)
        found = chain.request("eth_getBlockByNumber", [hex(told.block.number), False])
        if found is not None and found["hash"] == told.block.hash:
            return told, BlockHeader(told.block.number, told.block.time, 0, told.block.hash)
        time.sleep(AGAIN_S)
    raise BeginningRefused(f"block {told.block.number} of the indexer at {url} is not the chain's")


@st.cache_resource(show_spinner=False)
def feed() -> Feed:
    """The one feed of this process."""
    return Feed(read())
