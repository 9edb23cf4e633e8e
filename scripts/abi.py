"""`make abi`: generates the SDK's ABIs from the contracts."""

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from scripts.compiler import compile_contract

PROJECT = Path(__file__).resolve().parents[1]
ABIS = PROJECT / "sdk" / "src" / "net8" / "abis"


def main() -> int:
    """Write one file per deployable contract, and remove those of contracts that are gone."""
    sources = sorted(
        path for folder in ("contracts", "contracts/local") for path in PROJECT.joinpath(folder).glob("[A-Z]*.vy")
    )
    with ThreadPoolExecutor(2) as workers:
        for source, output in zip(
            sources, workers.map(lambda path: compile_contract(path, "abi"), sources), strict=True
        ):
            target = ABIS / f"{source.stem}.json"
            target.write_text(json.dumps(json.loads(output), indent=2) + "\n", encoding="utf-8")
            print(f"{target.relative_to(PROJECT)}")
    for target in ABIS.glob("*.json"):
        if target.stem not in {source.stem for source in sources}:
            target.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
