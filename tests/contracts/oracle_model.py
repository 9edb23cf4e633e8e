"""What stakes, rewards, disputes and the purse have to be, written from the rules in docs/spec.md. All sums are wei."""

from dataclasses import dataclass, field

DAY = 86_400
WINDOW = 7 * DAY
VOTE, APPEAL = 3 * DAY, DAY
SHARES = (1, 5, 100)
VOTING, SENTENCED, UPHELD, REJECTED, UNDECIDED = range(1, 6)


class Refused(Exception):
    """What the contract has to refuse, and why."""


@dataclass
class Dispute:
    """One disputed reading."""

    tier: int
    accused: list[int]
    claim: int
    bonds: list[tuple[str, bool, int]]  # who posted, for what, how much
    ends_at: int
    eligible: int
    ballots: dict[int, tuple[bool, int]] = field(default_factory=dict)
    standing: bool | None = None
    dues: dict[int, int] = field(default_factory=dict)
    taken: int = 0
    state: int = VOTING
    unpaid: dict[int, int] = field(default_factory=dict)  # voters who were right and their weights
    pot: int = 0

    def weight(self, uphold: bool) -> int:
        return sum(weight for side, weight in self.ballots.values() if side == uphold)

    @property
    def decides(self) -> bool:
        return 3 * (self.weight(True) + self.weight(False)) >= self.eligible


class Model:
    """Stakes by operator, money by account."""

    def __init__(self, stakes: dict[int, int], zone: list[int], least: int) -> None:
        self.stakes = dict(stakes)
        self.zone, self.least = zone, least
        self.earned = dict.fromkeys(stakes, 0)
        self.frozen = dict.fromkeys(stakes, 0)
        self.expelled: set[int] = set()
        self.counts = dict.fromkeys(zone, 0)
        self.fees = self.carried = self.burnt = 0
        self.owed: dict[str, int] = {}
        self.disputes: list[Dispute] = []
        self.tried: dict[tuple[int, int], int] = {}  # (slot, operator) -> tier + 1
        self.window, self.room = -1, 0

    # ---- what must always hold

    def registry_holds(self) -> int:
        return sum(self.stakes.values()) + sum(self.earned.values()) + self.carried

    def court_holds(self) -> int:
        open_ = [one for one in self.disputes if one.state in (VOTING, SENTENCED)]
        bonds = sum(bond for one in open_ for *_, bond in one.bonds)
        return sum(self.owed.values()) + bonds + sum(one.taken for one in open_) + sum(one.pot for one in self.disputes)

    def _owe(self, who: str, amount: int) -> None:
        self.owed[who] = self.owed.get(who, 0) + amount

    # ---- rewards

    def report(self, signers: list[int], fee: int) -> None:
        if any(self.counts[i] > 63 for i in signers):
            self.counts = {i: count // 2 for i, count in self.counts.items()}
        for i in signers:
            self.counts[i] += 1
        self.fees += fee

    def share(self) -> int:
        total = sum(self.counts.values())
        pot = self.fees + self.carried
        shares = {i: pot * count // total for i, count in self.counts.items()} if total else {}
        if not sum(shares.values()):
            raise Refused("reward: nothing to share")
        for i, share in shares.items():
            self.earned[i] += share
        self.carried = pot - sum(shares.values())
        self.fees = 0
        self.counts = dict.fromkeys(self.zone, 0)
        return sum(shares.values())

    # ---- slashing

    def _slash(self, now: int, i: int, amount: int) -> int:
        if now // WINDOW != self.window:
            self.window, self.room = now // WINDOW, sum(self.stakes.values()) // 3
        taken = min(amount, self.stakes[i], self.room)
        self.room -= taken
        self.stakes[i] -= taken
        return taken

    def equivocate(self, i: int, prover: str) -> None:
        if not self.stakes[i]:
            raise Refused("proof: nothing at stake")
        taken, self.stakes[i] = self.stakes[i], 0
        self.expelled.add(i)
        self._owe(prover, taken // 10)
        self.burnt += taken - taken // 10

    def alert(self, now: int, alerter: str) -> None:
        room = sum(self.stakes.values()) // 3 if now // WINDOW != self.window else self.room
        due = {i: min(self.least // 1_000, self.stakes[i]) for i in self.zone}
        if not sum(due.values()):
            raise Refused("alert: nothing at stake")
        if sum(due.values()) > room:
            raise Refused("alert: window is full")
        taken = sum(self._slash(now, i, amount) for i, amount in due.items())
        self._owe(alerter, taken // 4)
        self.burnt += taken - taken // 4

    # ---- disputes

    def _eligible(self) -> int:
        return sum(stake for i, stake in self.stakes.items() if i not in self.zone)

    def bond(self, tier: int, round_: int) -> int:
        return self.least * SHARES[tier] // 100 * 2**round_

    def open(self, now: int, slot: int, tier: int, accused: list[int], claim: int, opener: str) -> None:
        if any(self.tried.get((slot, i), 0) > tier for i in accused):
            raise Refused("dispute: tried before")
        if not self._eligible():
            raise Refused("dispute: nobody could vote")
        for i in accused:
            self.tried[slot, i] = tier + 1
            self.frozen[i] += 1
        bonds = [(opener, True, self.bond(tier, 0))]
        self.disputes.append(Dispute(tier, accused, claim, bonds, now + VOTE, self._eligible()))

    def vote(self, now: int, number: int, juror: int, uphold: bool) -> None:
        one = self.disputes[number - 1]
        if one.state != VOTING:
            raise Refused("dispute: not open")
        if now >= one.ends_at:
            raise Refused("dispute: vote is over")
        if not self.stakes[juror] or juror in self.expelled:
            raise Refused("dispute: no vote")
        if juror in one.ballots:
            raise Refused("dispute: voted already")
        one.ballots[juror] = (uphold, self.stakes[juror])

    def appeal(self, now: int, number: int, appellant: str) -> None:
        one = self.disputes[number - 1]
        if one.state != VOTING:
            raise Refused("dispute: not open")
        if now < one.ends_at:
            raise Refused("dispute: vote goes on")
        if now >= one.ends_at + APPEAL or len(one.bonds) == 3:
            raise Refused("dispute: no more appeals")
        if not one.decides:
            raise Refused("dispute: nothing decided")
        one.standing = one.weight(True) > one.weight(False)
        one.bonds.append((appellant, not one.standing, self.bond(one.tier, len(one.bonds))))
        one.ballots, one.ends_at, one.eligible = {}, now + VOTE, self._eligible()

    def execute(self, now: int, number: int, site_owner: str) -> int:
        one = self.disputes[number - 1]
        if one.state not in (VOTING, SENTENCED):
            raise Refused("dispute: not open")
        if one.state == VOTING:
            waits = APPEAL if one.decides and len(one.bonds) < 3 else 0
            if now < one.ends_at + waits:
                raise Refused("dispute: not decided yet")
            if one.decides:
                one.standing = one.weight(True) > one.weight(False)
            if one.standing is None:
                return self._end(one, UNDECIDED, site_owner)
            if not one.standing:
                return self._end(one, REJECTED, site_owner)
            one.state = SENTENCED
            one.dues = {i: self.stakes[i] * SHARES[one.tier] // 100 for i in one.accused}
        for i, due in one.dues.items():
            taken = self._slash(now, i, due)
            one.taken += taken
            one.dues[i] = min(due - taken, self.stakes[i])
        return SENTENCED if sum(one.dues.values()) else self._end(one, UPHELD, site_owner)

    def _end(self, one: Dispute, state: int, site_owner: str) -> int:
        one.state = state
        for i in one.accused:
            self.frozen[i] -= 1
        if state == UNDECIDED:
            self._owe(one.bonds[0][0], one.bonds[0][2])
            return state
        upheld = state == UPHELD
        harm = min(one.claim, one.taken)
        self._owe(site_owner, harm)
        reward = (one.taken - harm) // 5
        self.burnt += one.taken - harm - reward
        winners = [(who, bond) for who, side, bond in one.bonds if side == upheld]
        pot = reward + sum(bond for _, side, bond in one.bonds if side != upheld)
        half = pot // 2 if winners else 0
        for who, bond in winners:
            share = half * bond // sum(bond for _, bond in winners)
            self._owe(who, bond + share)
            pot -= share
        one.unpaid = {i: weight for i, (side, weight) in one.ballots.items() if side == upheld}
        if one.unpaid:
            one.pot = pot
        else:
            self.burnt += pot
        return state

    def claim_vote(self, number: int, juror: int, owner: str) -> None:
        one = self.disputes[number - 1]
        if one.state not in (UPHELD, REJECTED):
            raise Refused("dispute: not decided yet")
        if juror not in one.unpaid:
            raise Refused("dispute: nothing due")
        due = one.pot * one.unpaid[juror] // sum(one.unpaid.values())
        one.pot -= due
        del one.unpaid[juror]
        self._owe(owner, due)
