"""A street whose readings can be disputed: operators of another zone who vote, and a settled reading that is false."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from eth_account.signers.local import LocalAccount

from tests.contracts.entries import packed
from tests.contracts.model import Entry, Reading, Terms
from tests.contracts.signing import person, sign_digest
from tests.contracts.street import Street

WEI = 10**18
MIN_STAKE = 1_000 * WEI
JURY = {5: MIN_STAKE, 6: MIN_STAKE, 7: 2 * MIN_STAKE, 8: MIN_STAKE}  # operators of another zone and their stakes


@dataclass
class Court:
    """The street with its court, its jury and people with NET8 for bonds."""

    street: Street
    court: Any
    jury: dict[int, LocalAccount]
    abroad: int  # zone of the jury

    @classmethod
    def open(cls, street: Street, court: Any, terms: Terms, lead: int) -> "Court":
        """Hire a jury for another zone."""
        jury = {}
        for identifier, stake in JURY.items():
            juror = person(f"juror {identifier}")
            street.mint(juror.address, stake)
            street.token.approve(street.registry, stake, sender=juror.address)
            assert street.registry.register(juror.address, stake, sender=juror.address) == identifier
            jury[identifier] = juror
        abroad = int(
            street.grid.create_zone(
                person("other operator").address, tuple(vars(terms).values()), lead, sender=street.owner
            )
        )
        for identifier in jury:
            street.registry.admit(abroad, identifier, sender=street.owner)
        return cls(street, court, jury, abroad)

    def rich(self, role: str) -> str:
        """Somebody with NET8 for any bond."""
        address = person(role).address
        self.street.mint(address, 10_000 * MIN_STAKE)
        self.street.token.approve(self.court, 2**256 - 1, sender=address)
        return address

    def dispute(
        self,
        opener: str,
        words: Sequence[int],
        slot: int,
        *,
        tier: int = 2,
        truth: int = 1_000,
        signers: Sequence[int] = (0, 1, 2),
        place: int = 0,
        zone: int | None = None,
        round_: int = 0,
    ) -> int:
        """Open a dispute about a slot of an entry against these of the street's oracles."""
        zone = zone or self.street.zone
        digest = self.street.registry.report_digest(zone, round_, packed(words))
        signatures = sign_digest(digest, [self.street.oracles[i] for i in signers])
        case = (zone, round_, place, slot % 4, tier, truth)
        return int(self.court.open_dispute(case, packed(words), signatures, sender=opener))

    def vote(self, dispute: int, **ballots: bool) -> None:
        """Votes of jurors by id: vote(dispute, j5=True)."""
        for name, uphold in ballots.items():
            identifier = int(name[1:])
            self.court.vote(dispute, identifier, uphold, sender=self.jury[identifier].address)

    def after_vote(self, dispute: int, seconds: int = 0) -> None:
        """Go to when the vote is over."""
        self.street.go_to(self.court.dispute(dispute).ends_at + seconds)


def settle_falsely(street: Street, seller: int, buyer: int, slot: int, sold: int, said: int) -> list[int]:
    """A trade of which the seller delivered all, and a report that says he delivered less; the report's words."""
    street.trade(seller, buyer, slot, 1_000, sold)
    street.end(slot)
    words = [
        Entry(seller, slot // 4, {slot % 4: Reading(said, 0)}).word(),
        Entry(buyer, slot // 4, {slot % 4: Reading(0, sold)}).word(),
    ]
    street.report(*words)
    return words
