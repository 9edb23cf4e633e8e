"""A street under test: one zone's real contracts on titanoboa, its people with their keys, and the clock."""

from collections import namedtuple
from collections.abc import Callable, Sequence
from typing import Any

import boa
from boa.contracts.vyper.vyper_contract import VyperContract
from eth_account.signers.local import LocalAccount
from eth_utils import keccak

from tests.contracts.entries import packed
from tests.contracts.model import METERED, SLOT, Entry, Limits, Pair, Position, Tariff, Terms, Wanted
from tests.contracts.signing import consent, person, sign_digest

GRAIN = 10**11  # wei of NET8 in a grain
NET8 = 10**7  # grains in 1 NET8
CONSUMER, SOLAR, WIND, HYDRO, THERMAL, NEUTRINOVOLTAIC, STORAGE = range(7)


def terms_tuple(terms: Terms) -> tuple[int, ...]:
    return (
        terms.feed_in,
        terms.imbalance,
        terms.grid_fee,
        terms.oracle_fee,
        terms.floor,
        terms.step,
        terms.gate_lead,
        terms.min_wh,
    )


def limits_tuple(limits: Limits) -> tuple[int, ...]:
    return (
        limits.buy_max,
        limits.sell_min,
        limits.wh,
        limits.value,
        limits.first_slot,
        limits.last_slot,
        limits.expiry,
    )


def tariff_tuple(tariff: Tariff) -> tuple[int, int, int]:
    return tariff.feed_in, tariff.imbalance, tariff.grid_fee


class Street:
    """Contracts, people and time. Amounts are grains, energy is Wh, times are slots unless the name says otherwise."""

    def __init__(
        self,
        token: VyperContract,
        grid: VyperContract,
        exchange: VyperContract,
        lens: VyperContract,
        registry: VyperContract,
        desk: VyperContract,
        owner: str,
        mint: Callable[[str, int], None],
    ) -> None:
        self.token, self.grid, self.exchange, self.lens = token, grid, exchange, lens
        self.registry, self.desk = registry, desk
        self.owner = owner
        self.grid_operator = person("grid operator")
        self.attacker = person("attacker")
        self.oracles = [person(f"oracle {i}") for i in range(4)]
        self.mint = mint  # NET8 in wei for a receiver
        self.zone = 0

    # ---- time -------------------------------------------------------------------------------------------------------

    @property
    def now(self) -> int:
        return int(boa.env.evm.patch.timestamp)

    @property
    def now_slot(self) -> int:
        return self.now // SLOT

    def go_to(self, timestamp: int) -> None:
        """Move the clock forward to a unix time."""
        assert timestamp >= self.now, "time does not run backwards"
        boa.env.evm.patch.timestamp = timestamp
        boa.env.evm.patch.block_number += 1

    def go_to_slot(self, slot: int, seconds: int = 0) -> None:
        self.go_to(slot * SLOT + seconds)

    def end(self, slot: int) -> None:
        """Go to the first second after a slot."""
        self.go_to_slot(slot + 1)

    # ---- setting up -------------------------------------------------------------------------------------------------

    def open_zone(self, terms: Terms, tariff_lead: int, operator: LocalAccount | None = None) -> int:
        """A zone whose operators are the street's four oracles."""
        operator = operator or self.grid_operator
        zone = int(self.grid.create_zone(operator.address, terms_tuple(terms), tariff_lead, sender=self.owner))
        for identifier in range(1, 5):
            self.registry.admit(zone, identifier, sender=self.owner)
        return zone

    def hire_oracles(self, stake: int) -> None:
        """Register the four oracles, each with the given stake in wei."""
        for oracle in self.oracles:
            self.mint(oracle.address, stake)
            self.token.approve(self.registry, stake, sender=oracle.address)
            self.registry.register(oracle.address, stake, sender=oracle.address)

    def connect(
        self,
        owner: LocalAccount,
        technology: int = SOLAR,
        nameplate: int = 1_000_000,
        balance: int = 0,
        zone: int | None = None,
    ) -> int:
        """Register a site with its owner's consent and put grains into its balance."""
        zone = zone or self.zone
        meter = person(f"meter of {owner.address}").address
        signature = consent(self.grid, zone, owner, technology, nameplate, meter, self.now)
        operator = self.grid.zone_operator(zone)
        site = int(
            self.grid.register_site(
                zone, owner.address, technology, nameplate, meter, self.now, signature, sender=operator
            )
        )
        if balance:
            self.fund(site, balance)
        return site

    def give(self, receiver: str, grains: int) -> None:
        """NET8 in a wallet, with an allowance for the exchange."""
        self.mint(receiver, grains * GRAIN)
        self.token.approve(self.exchange, self.token.balanceOf(receiver), sender=receiver)

    def rich(self) -> str:
        """Somebody with plenty of NET8 and an allowance for the exchange."""
        patron = person("patron").address
        self.give(patron, 1_000_000 * NET8)
        return patron

    def fund(self, site: int, grains: int) -> None:
        owner = self.owner_of(site)
        self.give(owner, grains)
        self.exchange.deposit(site, grains * GRAIN, sender=owner)

    def leave(self, site: int, grains: int) -> None:
        """Withdraw all but this many grains of a site's free balance."""
        self.exchange.withdraw(site, (self.free(site) - grains) * GRAIN, self.owner, sender=self.owner_of(site))

    # ---- acting -----------------------------------------------------------------------------------------------------

    def owner_of(self, site: int) -> str:
        return str(self.grid.site(site).owner)

    def place(self, site: int, wanted: Wanted, sender: str | None = None) -> tuple[int, int]:
        """(order, filled Wh)"""
        order, filled = self.exchange.place(
            site,
            wanted.slot,
            wanted.sell,
            wanted.price,
            wanted.wh,
            wanted.kind,
            wanted.expiry,
            sender=sender or self.owner_of(site),
        )
        return int(order), int(filled)

    def sell(self, site: int, slot: int, price: int, wh: int, kind: int = 0) -> int:
        """Offer energy; the order that rests, 0 for none."""
        return self.place(site, Wanted(slot, True, price, wh, kind))[0]

    def buy(self, site: int, slot: int, price: int, wh: int, kind: int = 0) -> int:
        """Ask for energy; the order that rests, 0 for none."""
        return self.place(site, Wanted(slot, False, price, wh, kind))[0]

    def cancel(self, order: int, sender: str | None = None) -> None:
        self.exchange.cancel(order, sender=sender or self.owner_of(self.lens.order(order).site))

    def release(self, *orders: int) -> None:
        self.exchange.release(list(orders), sender=self.attacker.address)

    def pair(self, *pairs: Pair) -> None:
        """Book pairs as the desk does for owners who have signed."""
        fills = [self.fill(pair) for pair in pairs]
        self.exchange.trade(fills, sender=self.desk.address)

    def fill(self, pair: Pair) -> tuple[int, int, int]:
        """A pair as the exchange takes it, with the owners that the sites have."""
        seller, buyer = (site << 160 | int(self.exchange.owner_of(site), 16) for site in (pair.seller, pair.buyer))
        energy = pair.wh | pair.price << 24 | pair.slot << 40
        return seller, buyer, energy | pair.seller_fee << 72 | pair.buyer_fee << 112

    def take_abroad(self, site: int, zone: int, wanted: Wanted, home_fee: int = 0, away_fee: int = 0) -> int:
        """Take in another zone's market as the desk does; the Wh that traded."""
        return int(
            self.exchange.take_abroad(
                site,
                zone,
                wanted.slot,
                wanted.sell,
                wanted.price,
                wanted.wh,
                wanted.kind,
                home_fee,
                away_fee,
                sender=self.desk.address,
            )
        )

    def trade(self, seller: int, buyer: int, slot: int, price: int, wh: int) -> None:
        """Let one site sell to another."""
        self.sell(seller, slot, price, wh)
        _, filled = self.place(buyer, Wanted(slot, False, price, wh))
        assert filled == wh

    def signatures(
        self, zone: int, words: Sequence[int], signers: Sequence[int]
    ) -> tuple[int, list[tuple[bytes, bytes]]]:
        """Bitmap and sorted signatures of the oracles at these indices under a report."""
        digest = self.registry.report_digest(zone, 0, packed(words))
        return sum(1 << i for i in signers), sign_digest(digest, (self.oracles[i] for i in sorted(signers)))

    def report(
        self,
        *entries: Entry | int,
        zone: int | None = None,
        signers: Sequence[int] = (0, 1, 2),
        sender: str | None = None,
    ) -> int:
        """Submit a report that a quorum of the oracles signed; the number of slots it settled."""
        zone = zone or self.zone
        words = [entry.word() if isinstance(entry, Entry) else entry for entry in entries]
        bitmap, signatures = self.signatures(zone, words, signers)
        return int(
            self.registry.report(zone, 0, packed(words), bitmap, signatures, sender=sender or self.attacker.address)
        )

    # ---- looking ----------------------------------------------------------------------------------------------------

    def free(self, site: int) -> int:
        return int(self.exchange.free_balance(site))

    def pool(self, zone: int | None = None) -> int:
        return int(self.exchange.zone_account(zone or self.zone)[0])

    def production(self, site: int, hour: int) -> tuple[int, list[int]]:
        """Mask of the slots of an hour with a reading, and the Wh that were exported in each."""
        (word,) = self.exchange.position_words_of(site, hour, 1)
        cells = [cell_of(word, quarter) for quarter in range(4)]
        mask = sum(1 << quarter for quarter, cell in enumerate(cells) if cell.outcome == METERED)
        return mask, [cell.exported if cell.outcome == METERED else 0 for cell in cells]

    def held(self) -> int:
        """Grains of NET8 that the exchange has; it never has a part of one."""
        grains, rest = divmod(self.token.balanceOf(self.exchange), GRAIN)
        assert rest == 0
        return int(grains)

    # ---- storage, for states that ordinary calls would take days to reach -------------------------------------------

    @staticmethod
    def _storage_slot(contract: VyperContract, variable: Sequence[str], key: int, field: int) -> int:
        layout = contract.compiler_data.storage_layout["storage_layout"]
        for name in variable:
            layout = layout[name]
        return int.from_bytes(keccak(layout["slot"].to_bytes(32) + key.to_bytes(32))) + field

    def read(self, contract: VyperContract, variable: Sequence[str], key: int, field: int = 0) -> int:
        """Word of a mapping, named by its module and itself; `field` counts the words of a struct."""
        return int(boa.env.get_storage(contract.address, self._storage_slot(contract, variable, key, field)))

    def write(self, contract: VyperContract, variable: Sequence[str], key: int, word: int, field: int = 0) -> None:
        boa.env.set_storage(contract.address, self._storage_slot(contract, variable, key, field), word)


def events(contract: VyperContract, name: str) -> list[Any]:
    """Events of one kind that the last call to a contract logged, in it or in what it called; without their address."""
    found = [event for event in contract.get_logs() if type(event).__name__ == name]
    return [namedtuple(name, event._fields[1:])(*event[1:]) for event in found]


def cell_of(word: int, quarter: int) -> Position:
    """One position out of an hour's word, by the published layout."""
    cell = word >> (58 * quarter) & (2**58 - 1)
    if cell >> 56:
        return Position(0, 0, cell >> 48 & 0xFF, cell & (2**24 - 1), cell >> 24 & (2**24 - 1))
    net_wh, value = cell >> 34 & (2**22 - 1), cell & (2**34 - 1)
    return Position(net_wh - (net_wh >> 21 << 22), value - (value >> 33 << 34))


# ---- the exchange's packed events -----------------------------------------------------------------------------------


def _order_words(contract: VyperContract, name: str) -> list[tuple[int, int, int, int]]:
    """(order, its site, Wh, reason) of each event of one kind."""
    words = [event.order for event in events(contract, name)]
    return [
        (w & (2**96 - 1), (w >> 49 & (2**47 - 1)) << 16 | w >> 120 & 0xFFFF, w >> 96 & (2**24 - 1), w >> 136)
        for w in words
    ]


def placed(contract: VyperContract) -> list[tuple[int, int, int]]:
    """(order, site, Wh) of the orders that the last call let rest."""
    found = _order_words(contract, "OrderPlaced")
    assert all(reason == 0 for *_, reason in found)
    return [(order, site, wh) for order, site, wh, _ in found]


def reduced(contract: VyperContract) -> list[tuple[int, int, int]]:
    """(order, site, Wh left) of the orders that the last call made smaller."""
    found = _order_words(contract, "OrderReduced")
    assert all(reason == 0 for *_, reason in found)
    return [(order, site, wh) for order, site, wh, _ in found]


def closed(contract: VyperContract) -> list[tuple[int, int, int]]:
    """(order, Wh that were left, reason) of the orders that left the book unfilled in the last call."""
    return [(order, wh, reason) for order, _, wh, reason in _order_words(contract, "OrderClosed")]


def trades(contract: VyperContract) -> list[tuple[int, int, int, int]]:
    """(resting order, its site, the taker's site, Wh) of the last call's trades."""
    words = [event.fill for event in events(contract, "Trade")]
    return [
        (w & (2**96 - 1), (w >> 49 & (2**47 - 1)) << 16 | w >> 120 & 0xFFFF, w >> 136, w >> 96 & (2**24 - 1))
        for w in words
    ]


def pairs_traded(contract: VyperContract) -> list[tuple[int, int, int, int, int]]:
    """(seller, buyer, slot, price, Wh) of the last call's pairs."""
    words = [word for event in events(contract, "PairsTraded") for word in event.pairs]
    return [
        (
            w >> 128,
            w >> 144 << 16 | w >> 112 & 0xFFFF,
            w >> 40 & (2**32 - 1),
            w >> 24 & 0xFFFF,
            w & (2**24 - 1),
        )
        for w in words
    ]


def credits(contract: VyperContract) -> list[tuple[int, int, int, int]]:
    """(site, its place in the report, mask of its slots that settled, grains credited) of the last call's reports."""
    return [
        (event.zone << 16 | word >> 76 & 0xFFFF, word >> 68 & 0xFF, word >> 64 & 15, word & (2**64 - 1))
        for event in events(contract, "Settled")
        for word in event.credited
    ]
