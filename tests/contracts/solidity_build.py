"""Solidity sources compiled by ape, as an integrator's would be; with npm's compiler, which is at hand everywhere.

ape changes how eth_abi decodes in the process that imports it, and takes seconds to import: it runs in one of its own.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boa
from eth_abi.abi import encode

PROJECT = Path(__file__).resolve().parents[2]
INTERFACES = PROJECT / "contracts" / "solidity" / "interfaces"
CONTRACTS = Path(__file__).parent / "solidity"

BUILD = """
import json, sys
from pathlib import Path
from ape import Project, compilers
built = compilers.compile([Path(name) for name in sys.argv[2:]], project=Project(Path(sys.argv[1])))
print(json.dumps({kind.name: kind.model_dump(mode="json", by_alias=True) for kind in built}))
"""


@dataclass(frozen=True)
class Built:
    """A compiled contract or interface; an interface has no code."""

    name: str
    abi: list[dict[str, Any]]
    code: bytes

    def deploy(self, *arguments: Any) -> Any:
        """Put it on the chain under test."""
        (constructor,) = [part for part in self.abi if part["type"] == "constructor"]
        types = [argument["type"] for argument in constructor["inputs"]]
        address, _ = boa.env.deploy_code(bytecode=self.code + encode(types, arguments))
        return boa.loads_abi(json.dumps(self.abi), name=self.name).at(address)


def compile_solidity(sources: Iterable[Path]) -> dict[str, Built]:
    """Contracts and interfaces by name. ape finds the compiler that `make setup-dev` has put there."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", BUILD, str(PROJECT), *map(str, sources)],
        env={"SOLCX_BINARY_PATH": str(PROJECT / ".venv" / "solc"), **os.environ},
        stdout=subprocess.PIPE, text=True, check=True, cwd=PROJECT,
    )  # fmt: skip
    kinds = json.loads(done.stdout.splitlines()[-1])
    return {
        name: Built(name, kind["abi"], bytes.fromhex((kind["deploymentBytecode"]["bytecode"] or "").removeprefix("0x")))
        for name, kind in kinds.items()
    }
