"""Stakes, rewards, disputes, alerts and proofs against an independent model, over random histories.

After every step each stake, each reward and all that the court owes equal the model's, and every wei is accounted for:
the registry holds stakes and rewards, the court holds bonds, what it took and what it owes, the rest was destroyed.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any

import boa
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from tests.contracts.entries import packed
from tests.contracts.model import Entry, Reading, Terms
from tests.contracts.oracle_model import DAY, SENTENCED, Model, Refused
from tests.contracts.oracle_street import JURY, MIN_STAKE, Court
from tests.contracts.signing import person, sign_digest
from tests.contracts.street import GRAIN, Street

HISTORIES, STEPS = 40, 25
# Where the profile leaves shrinking out, a failure is enough and nobody reads the history that led there.
PHASES = [phase for phase in settings.default.phases if phase in (Phase.generate, Phase.shrink)]
MUST_HAPPEN = {
    "report",
    "share",
    "claim rewards",
    "equivocate",
    "open",
    "vote",
    "appeal",
    "execute",
    "ended 3",
    "ended 4",
    "claim vote",
    "collect",
    "alert",
}
ORACLES, JURORS = [1, 2, 3, 4], list(JURY)
QUORUMS = st.sampled_from([(0, 1, 2), (0, 1, 3), (0, 2, 3), (1, 2, 3), (0, 1, 2, 3)])
WH = 1_000
done: Counter[str] = Counter()


@pytest.fixture(scope="module")
def bench(street: Street, court: Any, terms: Terms, lead: int) -> Court:
    bench = Court.open(street, court, terms, lead)
    for role in ("first disputer", "second disputer"):
        bench.rich(role)
    return bench


def machine(bench: Court, seller: int, buyer: int, terms: Terms) -> type[RuleBasedStateMachine]:
    street, court, registry, token = bench.street, bench.court, bench.street.registry, bench.street.token
    people = {i: street.oracles[i - 1] for i in ORACLES} | bench.jury
    payers = st.sampled_from([person("first disputer").address, person("second disputer").address])
    site_owner = person("seller").address

    class Machine(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.anchor = boa.env.anchor()
            self.anchor.__enter__()
            self.model = Model(dict.fromkeys(ORACLES, MIN_STAKE) | JURY, ORACLES, MIN_STAKE)
            self.supply = token.totalSupply()
            self.settled: list[tuple[int, list[int]]] = []  # slots and their reports

        def teardown(self) -> None:
            self.anchor.__exit__(None, None, None)

        def both(self, what: str, modelled: Callable[[], Any], called: Callable[[], Any]) -> bool:
            """Do the same in both; what one refuses the other refuses for the same reason."""
            try:
                expected = modelled()
            except Refused as refusal:
                with boa.reverts(str(refusal)):
                    called()
                done[f"refused {what}"] += 1
                return False
            answer = called()
            assert expected is None or expected == answer
            done[what] += 1
            return True

        def trade(self) -> int:
            slot = street.now_slot + 4
            street.trade(seller, buyer, slot, 1_000, WH)
            street.end(slot)
            return slot

        # ---- rewards

        @rule(
            seats=st.sampled_from([(0, 1, 2), (0, 1, 3), (0, 2, 3), (1, 2, 3), (0, 1, 2, 3)]), said=st.integers(0, WH)
        )
        def report(self, seats: tuple[int, ...], said: int) -> None:
            slot = self.trade()
            words = [
                Entry(seller, slot // 4, {slot % 4: Reading(said, 0)}).word(),
                Entry(buyer, slot // 4, {slot % 4: Reading(0, WH)}).word(),
            ]
            if any(seat + 1 in self.model.expelled for seat in seats):
                with boa.reverts("report: bad signature"):
                    street.report(*words, signers=seats)
                return
            street.report(*words, signers=seats)
            self.settled.append((slot, words))
            self.model.report([seat + 1 for seat in seats], WH * terms.oracle_fee * GRAIN)
            done["report"] += 1

        @rule(i=st.sampled_from(ORACLES))
        def share(self, i: int) -> None:
            if self.both("share", self.model.share, lambda: registry.share_rewards(street.zone)):
                self.claim_rewards(i)

        @rule(i=st.sampled_from(ORACLES))
        def claim_rewards(self, i: int) -> None:
            def modelled() -> int:
                if not self.model.earned[i]:
                    raise Refused("reward: nothing earned")
                amount, self.model.earned[i] = self.model.earned[i], 0
                return amount

            owner = people[i].address
            self.both("claim rewards", modelled, lambda: registry.claim_rewards(i, owner, sender=owner))

        # ---- proofs and alerts

        @rule(i=st.sampled_from(ORACLES + JURORS), prover=payers, luck=st.integers(0, 5))
        def equivocate(self, i: int, prover: str, luck: int) -> None:
            if luck:  # once in a while: nobody is left otherwise
                return
            reports = [packed([Entry(seller, 5, {0: Reading(wh, 0)}).word()]) for wh in (1, 2)]
            digests = [registry.report_digest(street.zone, 9, report) for report in reports]
            signatures = [sign_digest(digest, [people[i]])[0] for digest in digests]
            arguments = (street.zone, 9, *reports, (0, 0), 0, signatures)
            self.both(
                "equivocate",
                lambda: self.model.equivocate(i, prover),
                lambda: court.prove_reports(*arguments, sender=prover),
            )

        @rule(alerter=payers)
        def fall_silent(self, alerter: str) -> None:
            """A slot with a trade that nobody reports for a day."""
            slot = self.trade()
            street.go_to((slot + 1) * 900 + DAY)
            self.both(
                "alert",
                lambda: self.model.alert(street.now, alerter),
                lambda: court.alert_late(seller, slot, sender=alerter) and None,
            )

        # ---- disputes

        @rule(
            tier=st.integers(0, 2),
            seats=st.sets(st.integers(0, 3), min_size=1),
            opener=payers,
        )
        def open_dispute(self, tier: int, seats: set[int], opener: str) -> None:
            if not self.settled or street.now > self.settled[-1][0] * 900 + 9 * DAY:
                return
            slot, words = self.settled[-1]
            said = words[0] >> 48 * (slot % 4) & 0xFFFFFF
            truth = WH if said != WH else WH + 1
            claim = (truth - said) * terms.imbalance
            accused = [seat + 1 for seat in sorted(seats)]
            self.both(
                "open",
                lambda: self.model.open(street.now, slot, tier, accused, claim * GRAIN, opener),
                lambda: bench.dispute(opener, words, slot, tier=tier, truth=truth, signers=sorted(seats)) and None,
            )

        def pick(self, data: st.DataObject) -> int:
            return data.draw(st.integers(max(1, len(self.model.disputes) - 1), len(self.model.disputes)))

        @rule(data=st.data(), uphold=st.booleans(), jurors=st.sets(st.sampled_from(JURORS), min_size=1))
        def vote(self, data: st.DataObject, uphold: bool, jurors: set[int]) -> None:
            if not self.model.disputes:
                return
            number = self.pick(data)
            for juror in sorted(jurors):
                self.both(
                    "vote",
                    lambda juror=juror: self.model.vote(street.now, number, juror, uphold),
                    lambda juror=juror: court.vote(number, juror, uphold, sender=people[juror].address),
                )

        @rule(data=st.data(), appellant=payers)
        def appeal(self, data: st.DataObject, appellant: str) -> None:
            if not self.model.disputes:
                return
            number = self.pick(data)
            street.go_to(max(street.now, self.model.disputes[number - 1].ends_at))
            self.both(
                "appeal",
                lambda: self.model.appeal(street.now, number, appellant),
                lambda: court.appeal(number, sender=appellant),
            )

        @rule(data=st.data(), patient=st.booleans())
        def execute(self, data: st.DataObject, patient: bool) -> None:
            if not self.model.disputes:
                return
            number = self.pick(data)
            if patient:
                street.go_to(max(street.now, self.model.disputes[number - 1].ends_at + DAY))
            if self.both(
                "execute",
                lambda: self.model.execute(street.now, number, site_owner),
                lambda: court.execute(number),
            ):
                done[f"ended {self.model.disputes[number - 1].state}"] += 1

        @rule(data=st.data(), juror=st.sampled_from(JURORS))
        def claim_vote(self, data: st.DataObject, juror: int) -> None:
            if not self.model.disputes:
                return
            number = self.pick(data)
            self.both(
                "claim vote",
                lambda: self.model.claim_vote(number, juror, people[juror].address),
                lambda: court.claim_vote(number, juror) and None,
            )

        @rule(
            data=st.data(),
            tier=st.integers(0, 2),
            said=st.integers(0, WH),
            opinions=st.lists(st.booleans(), min_size=1, max_size=3),
            payer=payers,
        )
        def try_case(self, data: st.DataObject, tier: int, said: int, opinions: list[bool], payer: str) -> None:
            """A report, a dispute of it, and as many rounds as there are opinions; most jurors share them."""
            self.report((0, 1, 2), said)
            before = len(self.model.disputes)
            self.open_dispute(tier, {0, 2}, payer)
            if len(self.model.disputes) == before:
                return
            number = before + 1
            for round_, uphold in enumerate(opinions):
                if round_:
                    street.go_to(self.model.disputes[number - 1].ends_at)
                    if not self.both(
                        "appeal",
                        lambda: self.model.appeal(street.now, number, payer),
                        lambda: court.appeal(number, sender=payer),
                    ):
                        break
                for juror in data.draw(st.sets(st.sampled_from(JURORS), min_size=2)):
                    side = uphold != (juror == JURORS[0])
                    self.both(
                        "vote",
                        lambda juror=juror, side=side: self.model.vote(street.now, number, juror, side),
                        lambda juror=juror, side=side: court.vote(number, juror, side, sender=people[juror].address),
                    )
            self.execute(data, patient=True)
            self.claim_vote(data, data.draw(st.sampled_from(JURORS)))

        @rule(data=st.data())
        def collect(self, data: st.DataObject) -> None:
            due = sorted(who for who, amount in self.model.owed.items() if amount)
            if due:
                who = data.draw(st.sampled_from(due))
                amount, self.model.owed[who] = self.model.owed[who], 0
                assert court.collect(who, sender=who) == amount
                done["collect"] += 1

        @rule(days=st.integers(1, 8))
        def wait(self, days: int) -> None:
            street.go_to(street.now + days * DAY)

        # ---- what always holds

        @invariant()
        def stakes_and_rewards_are_the_models(self) -> None:
            for i in ORACLES + JURORS:
                operator = registry.operator(i)
                assert (operator.stake, operator.frozen) == (self.model.stakes[i], self.model.frozen[i])
                assert registry.earned(i) == self.model.earned[i]
            assert registry.total_stake() == registry.seated_stake() == sum(self.model.stakes.values())
            assert {who: court.owed(who) for who in self.model.owed} == self.model.owed

        @invariant()
        def every_wei_is_accounted_for(self) -> None:
            assert token.balanceOf(registry) == self.model.registry_holds()
            assert token.balanceOf(court) == self.model.court_holds()
            assert self.supply - token.totalSupply() == self.model.burnt

        @invariant()
        def who_is_sentenced_keeps_what_is_due(self) -> None:
            for number, one in enumerate(self.model.disputes, 1):
                if one.state == SENTENCED:
                    assert court.dues(number) == [one.dues[i] for i in one.accused]

    return Machine


def test_oracles__any_history__equal_the_model_and_keep_every_invariant(bench, seller, buyer, terms):
    done.clear()
    run_state_machine_as_test(
        machine(bench, seller, buyer, terms),
        settings=settings(
            max_examples=HISTORIES,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize=True,
            phases=PHASES,
            suppress_health_check=list(HealthCheck),
        ),
    )
    missing = MUST_HAPPEN - {what for what, times in done.items() if times}
    assert not missing, f"never happened: {missing}; {done}"
