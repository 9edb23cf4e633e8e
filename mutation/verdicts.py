"""What became of each mutant: one committed file per contract, which holds for the code that was judged."""

import hashlib
import json
import tokenize
import tomllib
from collections import Counter
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path

from vyper import ast as vy
from vyper.ast import parse_to_ast

from scripts.compiler import PROJECT

__all__ = ["BROKEN", "DRAW", "SAME", "SURVIVED", "TIMEOUT", "Verdicts", "reasons"]

# What can become of a mutant besides being killed by a test.
SAME, BROKEN, SURVIVED, TIMEOUT = "same bytecode", "does not compile", "survived", "took too long"

FOLDER = Path(__file__).parent / "verdicts"
LINE_ENDS = (tokenize.NL, tokenize.NEWLINE)
DRAW = 400  # mutants judged of each contract, or all where it has fewer


def digest_of(source: str) -> str:
    """SHA-256 of a source's tokens: the same where only docstrings, line ends or lines of comment differ.

    A comment behind code is a part of what its mutants are called.
    """
    texts = {node.node_source_code for node in parse_to_ast(source).get_descendants(vy.DocStr)}
    tokens = tokenize.generate_tokens(StringIO(source).readline)
    code = [
        token.string for token in tokens
        if token.type not in LINE_ENDS and token.string not in texts and not token.line.lstrip().startswith("#")
    ]  # fmt: skip
    return hashlib.sha256("\n".join(code).encode()).hexdigest()


def reasons() -> dict[str, dict[str, str]]:
    """Why each survivor is none to worry about: contract -> mutant -> reason."""
    return tomllib.loads((FOLDER.parent / "survivors.toml").read_text(encoding="utf-8"))


@dataclass
class Verdicts:
    """Of one contract. Verdicts hold for the sources whose digests stand beside them."""

    contract: str
    mutants: int = 0  # in all sources
    sources: dict[str, str] = field(default_factory=dict)  # path -> digest of what was judged
    judged: dict[str, str] = field(default_factory=dict)  # path, function and change -> killer, or what else

    @classmethod
    def load(cls, contract: str) -> "Verdicts":
        path = FOLDER / f"{contract}.json"
        return cls(contract, **json.loads(path.read_text(encoding="utf-8"))) if path.exists() else cls(contract)

    def save(self) -> None:
        content = {"mutants": self.mutants, "sources": self.sources, "judged": self.judged}
        FOLDER.mkdir(exist_ok=True)
        FOLDER.joinpath(f"{self.contract}.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")

    def begin(self, sources: tuple[Path, ...], mutants: int) -> None:
        """Forget what was judged in sources that are others by now."""
        present = {str(path.relative_to(PROJECT)): digest_of(path.read_text(encoding="utf-8")) for path in sources}
        kept = {path for path, digest in present.items() if self.sources.get(path) == digest}
        self.judged = {key: verdict for key, verdict in self.judged.items() if key.split(": ")[0] in kept}
        self.sources = present
        self.mutants = mutants

    def forget_survivors(self) -> None:
        """They are judged anew, and what is dead stays dead."""
        self.judged = {key: verdict for key, verdict in self.judged.items() if verdict != SURVIVED}

    @property
    def stale(self) -> list[str]:
        """Sources that have changed since they were judged."""
        return [
            path for path, digest in self.sources.items()
            if not (PROJECT / path).exists() or digest_of((PROJECT / path).read_text(encoding="utf-8")) != digest
        ]  # fmt: skip

    @property
    def survivors(self) -> list[str]:
        return [key for key, verdict in self.judged.items() if verdict == SURVIVED]

    @property
    def counted(self) -> int:
        """Mutants that differ and compile: what the draw is about."""
        return sum(verdict not in (SAME, BROKEN) for verdict in self.judged.values())

    @property
    def killed(self) -> int:
        return self.counted - len(self.survivors)

    @property
    def kills(self) -> Counter[str]:
        """Mutants that each test has killed."""
        return Counter(verdict for verdict in self.judged.values() if "::" in verdict)

    def __str__(self) -> str:
        if not self.counted:
            return f"{self.contract}: nothing judged yet"
        share = 100 * self.killed / self.counted
        since = f"; since then changed: {', '.join(self.stale)}" if self.stale else ""
        whole = "" if self.counted >= DRAW or len(self.judged) == self.mutants else ", not finished"
        return (
            f"{self.contract}: {self.killed} of {self.counted} killed ({share:.1f} %), of {self.mutants} mutants"
            f"{whole}{since}"
        )
