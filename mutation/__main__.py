"""`make mutate`: judge mutants of the contracts, as many as there is time for, and commit what became of them.

    make mutate CONTRACTS="Reserve NET8" MINUTES=30 JOBS=2

Without CONTRACTS it is all of them. What is judged stays judged until its source changes: start it again to go on.
"""

import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from mutation.contracts import DEPLOYABLE, own_sources
from mutation.judge import Judge
from mutation.mutants import Mutant, mutants_of
from mutation.verdicts import DRAW, Verdicts
from scripts.compiler import PROJECT

_judge: Judge


def key_of(mutant: Mutant) -> str:
    return f"{mutant.file.relative_to(PROJECT)}: {mutant.name}"


def try_one(mutant: Mutant, kills: dict[str, int]) -> str:
    """Run in a worker, which came with a judge."""
    return _judge.judge(mutant, kills)


def mutate(contract: str, until: float, jobs: int) -> Verdicts:
    """Go on with a contract until the draw is judged or the time is up."""
    global _judge
    sources = own_sources(contract)
    mutants = sorted((mutant for source in sources for mutant in mutants_of(source)), key=lambda mutant: mutant.rank)
    verdicts = Verdicts.load(contract)
    verdicts.begin(sources, len(mutants))
    waiting = [mutant for mutant in mutants if key_of(mutant) not in verdicts.judged]
    if not waiting or verdicts.counted >= DRAW:
        return verdicts
    _judge = Judge(contract)
    print(f"{contract}: the tests take {_judge.seconds:.0f} s without a fault", flush=True)
    began = time.monotonic()
    with ProcessPoolExecutor(jobs, mp_context=get_context("fork")) as workers:
        while waiting and verdicts.counted < DRAW and time.time() < until:
            batch, waiting = waiting[:jobs], waiting[jobs:]
            kills = dict(verdicts.kills)
            for mutant, verdict in zip(batch, workers.map(try_one, batch, [kills] * len(batch)), strict=True):
                verdicts.judged[key_of(mutant)] = verdict
                print(f"{time.monotonic() - began:6.0f} s  {verdict:60}  {mutant.name}", flush=True)
            verdicts.save()
    return verdicts


def main() -> int:
    """The exit status."""
    contracts = os.environ.get("CONTRACTS", "").split() or DEPLOYABLE
    if unknown := set(contracts) - set(DEPLOYABLE):
        print(f"no contract {', '.join(sorted(unknown))}; there are {', '.join(DEPLOYABLE)}", file=sys.stderr)
        return 2
    until = time.time() + 60 * float(os.environ.get("MINUTES") or "inf")
    jobs = int(os.environ.get("JOBS") or 1)
    told = [str(mutate(contract, until, jobs)) for contract in contracts]
    print("\n".join(told))
    return 0


if __name__ == "__main__":
    sys.exit(main())
