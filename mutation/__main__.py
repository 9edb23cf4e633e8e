"""`make mutate`: judge mutants of the contracts, as many as there is time for, and commit what became of them.

    make mutate CONTRACTS="Reserve NET8" MINUTES=30 JOBS=2

Without CONTRACTS it is all of them. What is judged stays judged until its source changes: start it again to go on.
With AGAIN=survivors those are judged once more, for tests that have come since.
"""

import gc
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from mutation.building import Built
from mutation.contracts import DEPLOYABLE, own_sources
from mutation.judge import Judge
from mutation.mutants import Mutant, mutants_of
from mutation.verdicts import DRAW, Verdicts
from scripts.compiler import PROJECT

BATCH = 96  # mutants compiled, then judged, then kept; the fixtures of the tests are made for each batch anew
_judge: Judge


def key_of(mutant: Mutant) -> str:
    return f"{mutant.file.relative_to(PROJECT)}: {mutant.name}"


def build(mutant: Mutant) -> Built | str:
    """Run in a worker, which came with a judge."""
    return _judge.builder.build(mutant)


def mutate(contract: str, until: float, jobs: int, again: bool) -> Verdicts:
    """Go on with a contract until the draw is judged or the time is up."""
    global _judge
    sources = own_sources(contract)
    mutants = sorted((mutant for source in sources for mutant in mutants_of(source)), key=lambda mutant: mutant.rank)
    verdicts = Verdicts.load(contract)
    verdicts.begin(sources, len(mutants))
    if again:
        verdicts.forget_survivors()
    waiting = [mutant for mutant in mutants if key_of(mutant) not in verdicts.judged]
    if not waiting or verdicts.counted >= DRAW:
        return verdicts
    began = time.monotonic()
    _judge = Judge(contract, jobs)
    print(f"{contract}: ready after {time.monotonic() - began:.0f} s", flush=True)
    gc.freeze()  # the workers leave in place what they share
    with ProcessPoolExecutor(jobs, mp_context=get_context("fork")) as workers:
        while waiting and verdicts.counted < DRAW and time.time() < until:
            began = time.monotonic()
            size = min(BATCH, DRAW - verdicts.counted)
            batch, waiting = {key_of(mutant): mutant for mutant in waiting[:size]}, waiting[size:]
            built = dict(zip(batch, workers.map(build, batch.values()), strict=True))
            compiled = time.monotonic()
            differ = {key: code for key, code in built.items() if isinstance(code, Built)}
            judged = _judge.judge(batch, differ, verdicts.kills)
            for key, code in built.items():
                verdicts.judged[key] = judged.get(key) or str(code)
                print(f"{verdicts.judged[key]:60}  {key}", flush=True)
            ended = time.monotonic()
            print(f"{len(batch)} compiled in {compiled - began:.0f} s, judged in {ended - compiled:.0f} s", flush=True)
            verdicts.save()
    print(verdicts, flush=True)
    return verdicts


def main() -> int:
    """The exit status."""
    contracts = os.environ.get("CONTRACTS", "").split() or DEPLOYABLE
    if unknown := set(contracts) - set(DEPLOYABLE):
        print(f"no contract {', '.join(sorted(unknown))}; there are {', '.join(DEPLOYABLE)}", file=sys.stderr)
        return 2
    until = time.time() + 60 * float(os.environ.get("MINUTES") or "inf")
    jobs = int(os.environ.get("JOBS") or 1)
    again = os.environ.get("AGAIN") == "survivors"
    told = [str(mutate(contract, until, jobs, again)) for contract in contracts]
    print("\n".join(told))
    return 0


if __name__ == "__main__":
    sys.exit(main())
