"""A small street on a local chain that does all that the contracts log, in the order of a random generator."""

from random import Random
from typing import Any

from net8.eip712 import Report
from net8.errors import Refused
from net8.packing import Entry, pack_entries
from net8.signing import address_of, sign
from net8.units import first_slot_of, hour_of_slot, slot_of

from tests.oracle_node.local_chain import NET8, LocalChain, Zone, account_of

__all__ = ["RandomStreet"]

PRICES = range(200, 601, 4)


class RandomStreet:
    """A zone whose sites trade, are settled, and mint certificates."""

    def __init__(self, chain: LocalChain, seed: int, sites: int = 3) -> None:
        self.chain = chain
        self.random = Random(seed)
        self.zone: Zone = chain.new_zone(operators=4, sites=sites)
        self.orders: list[tuple[int, int]] = []  # (site, order)
        self.settled_hour = 0  # the latest
        registrar = account_of("registrar")  # not the grid operator
        chain.fund(registrar.address)
        chain.send(chain.contracts.certificates.set_registrar(registrar.address))
        admitting = chain.chain.sender(registrar)
        for site in self.zone.sites:
            chain.fund(self.zone.owners[site].address)
            self.zone.fund_site(site, 200)
            admitting.send(chain.contracts.certificates.admit(site, "DK1"))
        self.begin_again()
        self.first_slot = first_slot_of(hour_of_slot(slot_of(chain.now())) + 2)

    def begin_again(self) -> None:
        """Forget what senders remember of a chain that has gone back."""
        self.senders = {site: self.chain.chain.sender(owner) for site, owner in self.zone.owners.items()}
        self.chain.sender = self.chain.chain.sender(self.chain.deployer)

    @property
    def slots(self) -> range:
        """The hour that is traded."""
        return range(self.first_slot, self.first_slot + 4)

    def attempt(self, site: int, call: Any) -> Any:
        """Send a call; what the contracts refuse does not happen."""
        try:
            return self.senders[site].send(call)
        except Refused:
            return None

    def trade(self, actions: int) -> None:
        """Random orders, reductions, cancellations and withdrawals."""
        exchange = self.chain.contracts.exchange
        earliest = hour_of_slot(slot_of(self.chain.now())) + 2
        if self.first_slot < first_slot_of(earliest):  # other streets have moved the chain's clock
            self.first_slot = first_slot_of(earliest)
            self.orders.clear()
        for _ in range(actions):
            site, dice = self.random.choice(self.zone.sites), self.random.random()
            if dice < 0.7 or not self.orders:
                slot, sell = self.random.choice(self.slots), self.random.random() < 0.5
                wh, price = self.random.randrange(100, 3_000), self.random.choice(PRICES)
                resting = self.place(site, slot, sell, price, wh)
                self.orders += [(site, resting)] if resting else []
            elif dice < 0.8:
                owner, order = self.random.choice(self.orders)
                self.attempt(owner, exchange.cancel(order))
            elif dice < 0.9:
                owner, order = self.random.choice(self.orders)
                self.attempt(owner, exchange.reduce(order, self.random.randrange(100, 800)))
            else:
                self.attempt(site, exchange.withdraw(site, NET8, self.senders[site].address))

    def place(self, site: int, slot: int, sell: bool, price: int, wh: int) -> int:
        """Place an order; its number where some of it rests, else 0."""
        call = self.chain.contracts.exchange.place(site, slot, sell, price, wh)
        try:
            resting, _ = self.chain.chain.read(call, sender=self.senders[site].address)
            self.senders[site].send(call)
        except Refused:
            return 0
        return int(resting)

    def finish(self) -> None:
        """Let the hour pass, release what rests and settle: some slots are read, some not."""
        self.chain.move_to((self.slots[-1] + 1) * 900 + 1)
        self.chain.send(self.chain.contracts.exchange.release([order for _, order in self.orders][:64]))
        hour = hour_of_slot(self.first_slot)
        for part in (range(2), range(2, 4)):
            entries = []
            for site in self.zone.sites:
                readings = {i: self._reading() for i in part}
                entries.append(Entry(hour, site & 0xFFFF, readings))
            self.report(entries)
        self.settled_hour = hour
        self.first_slot += 8
        self.orders.clear()

    def _reading(self) -> tuple[int, int] | None:
        if self.random.random() < 0.15:
            return None
        return self.random.randrange(0, 4_000), self.random.randrange(0, 4_000)

    def report(self, entries: list[Entry]) -> None:
        """Submit a report signed by a quorum."""
        words = pack_entries(entries)
        registry = self.chain.contracts.registry
        self.reported = Report(self.zone.number, 0, tuple(words))
        digest = self.reported.digest(self.chain.deployment.registry_domain)
        seats = self.chain.read(registry.zone_signers(self.zone.number))
        keys = {address_of(operator.signer): operator.signer for operator in self.zone.operators}
        self.signatures = {seat: sign(keys[seats[seat]], digest) for seat in range(3)}
        self.chain.send(registry.report(self.zone.number, 0, words, self.signatures))

    def certify(self, hour: int) -> None:
        """Mint an hour's certificates of every site that produced, and retire some."""
        certificates = self.chain.contracts.certificates
        for site in self.zone.sites:
            owner = self.senders[site].address
            if self.attempt(site, certificates.mint(site, hour, owner)) is None:
                continue
            held = self.chain.read(certificates.balance_of(owner, site << 32 | hour))
            self.attempt(site, certificates.transfer(owner, self.chain.deployer.address, site << 32 | hour, held // 2))
            self.attempt(site, certificates.retire(owner, {site << 32 | hour: held // 4}, "a bakery", "bread"))
