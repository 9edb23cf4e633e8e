"""Write the function reference of docs/spec.md from the contracts: `python docs/spec_tables.py`.

Whatever can be read from the source is: signature, who may call, what the contract says of it, which events a call may
log and with which reasons it may be refused, through all internal functions that it reaches. The prose around the
reference is written by hand. A test fails when contracts and reference differ.
"""

import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CONTRACTS = ROOT / "contracts"
SPEC = ROOT / "docs" / "spec.md"
BEGIN, END = "<!-- functions: begin -->\n", "<!-- functions: end -->\n"
DEPLOYABLE = [
    "EnergyExchange",
    "TradingDesk",
    "GridRegistry",
    "OracleRegistry",
    "OracleCourt",
    "GreenCertificates",
    "MeterRecords",
    "Reserve",
    "NET8",
    "ExchangeLens",
]

REASON = re.compile(r'"([a-z0-9]+: [a-z0-9][a-z0-9 -]*)"')
FUNCTION = re.compile(r"^((?:@\w+\n)+)def (\w+)\(([^()]*)\)(?: -> ([^\n]+))?:\n((?:[ \t][^\n]*\n|[ \t]*\n)*)", re.M)
DOCSTRING = re.compile(r'"""(.*?)"""', re.S)
GETTER = re.compile(r"((?:^# .*\n)*)^(\w+): public\((.*)\)(?: = .*?)?(?: *#[ \t]*(.*))?$", re.M)
IMPORT = re.compile(r"^from (\.+[\w.]*) import (\w+)$", re.M)

# Who passes a check, by the internal function or the reason that refuses everybody else.
WHO = {
    "_check_grid": "GridRegistry",
    "_check_desk": "TradingDesk",
    "_check_may_trade": "owner of the site, TradingDesk",
    "_check_operator": "grid operator of the zone",
    "_check_operator_owner": "owner of the operator",
    "_check_registrar": "registrar",
    "_check_may_act": "holder, or whom he approved for all",
    "_rights": "agent of the site within its time",
    "ownable._check_owner": "owner of the contract",
    "market._check_owner": "owner of the site",
    "settlement: only the registry": "OracleRegistry",
    "guardian: not you": "guardian",
    "mint: not the minter": "minter (Reserve)",
}

# Who is not asked for it, by how the function tells him.
SPARED = {
    "msg.sender != staticcall market.EXCHANGE.owner_of(site)": "owner of the site",
    "msg.sender == ownable.owner": "owner of the contract",
}


@dataclass(frozen=True)
class Function:
    """One function of a module, as its source has it."""

    name: str
    decorators: str
    parameters: str
    returns: str
    doc: str
    body: str

    @property
    def is_external(self) -> bool:
        return "@external" in self.decorators

    @property
    def is_view(self) -> bool:
        return "@view" in self.decorators or "@pure" in self.decorators


@dataclass
class Reached:
    """What a call may do on its way through internal functions."""

    reasons: list[str] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)


@cache
def functions(path: Path) -> dict[str, Function]:
    """Functions of a Vyper file by name."""
    found = {}
    for decorators, name, parameters, returns, rest in FUNCTION.findall(path.read_text()):
        doc = DOCSTRING.search(rest)
        body = re.sub(r"#.*", "", DOCSTRING.sub("", rest, count=1))
        parameters = " ".join(parameters.split()).rstrip(",")
        found[name] = Function(name, decorators, parameters, returns, doc.group(1) if doc else "", body)
    return found


@cache
def modules(path: Path) -> dict[str, Path]:
    """Own modules that a file imports, by the name it uses for them."""
    found = {}
    for dots, name in IMPORT.findall(path.read_text()):
        level, package = len(dots) - len(dots.lstrip(".")), dots.lstrip(".")
        folder = path.parents[level - 1].joinpath(*package.split(".")) if package else path.parents[level - 1]
        if (folder / f"{name}.vy").exists():
            found[name] = folder / f"{name}.vy"
    return found


def parts(contract: str) -> list[Path]:
    """The file of a contract and those modules whose functions it exports, in that order."""
    path = CONTRACTS / f"{contract}.vy"
    exported = re.findall(r"(\w+)\.__interface__", path.read_text())
    extra = ["vault"] if contract == "EnergyExchange" else []
    return [path, *(modules(path)[name] for name in [*extra, *exported])]


def reach(path: Path, name: str, reached: Reached, seen: set[tuple[Path, str]]) -> Reached:
    """Collect reasons, events and calls of a function and of all that it calls within the contract."""
    seen.add((path, name))
    body = functions(path)[name].body
    for reason in REASON.findall(body):
        _note(reached.reasons, reason)
    for event in re.findall(r"\blog (?:\w+\.)?(\w+)\(", body):
        _note(reached.events, event)
    for callee in re.findall(r"\bextcall [^\n]*?\.(\w+)\(", body):
        _note(reached.calls, callee)
    for owner, callee in re.findall(r"\b(\w+)\.(_\w+)\(", body):
        target = path if owner == "self" else modules(path).get(owner)
        if target and callee in functions(target) and (target, callee) not in seen:
            reach(target, callee, reached, seen)
    return reached


def _note(known: list[str], new: str) -> None:
    if new not in known:
        known.append(new)


def sentences(doc: str, tag: str) -> list[str]:
    """Texts of a natspec tag."""
    found = re.findall(rf"@{tag} (.*?)(?=\n\s*@\w+ |\Z)", doc.strip(), re.S)
    return [" ".join(text.split()) for text in found]


def who(function: Function) -> str:
    """Who alone may call, where the function itself checks it; elsewhere the notice says."""
    for check, allowed in WHO.items():
        if f".{check}(" in function.body or f" {check}(" in function.body or f'"{check}"' in function.body:
            others = [other for spared, other in SPARED.items() if spared in function.body]
            return ", ".join([*others, allowed])
    return ""


def described(path: Path, function: Function) -> list[str]:
    """Reference of one external function."""
    reached = reach(path, function.name, Reached(), set())
    returns = f" -> {function.returns}" if function.returns else ""
    notice = " ".join(sentences(function.doc, "notice"))
    lines = [f"**`{function.name}({function.parameters}){returns}`**  ", notice or "(no further words)", ""]
    for text in sentences(function.doc, "dev"):
        lines.append(f"- why: {text}")
    for text in sentences(function.doc, "param"):
        name, _, meaning = text.partition(" ")
        lines.append(f"- `{name}`: {meaning}")
    for text in sentences(function.doc, "return"):
        lines.append(f"- returns: {text}")
    if not function.is_view:
        if allowed := who(function):
            lines.append(f"- who: {allowed}")
        if reached.calls:
            lines.append("- calls, with refusals of its own: " + ", ".join(f"`{call}`" for call in reached.calls))
        if reached.events:
            lines.append("- events: " + ", ".join(f"`{event}`" for event in reached.events))
    if reached.reasons:
        lines.append("- refused: " + ", ".join(f'"{reason}"' for reason in reached.reasons))
    return [*lines, ""]


def reference() -> str:
    """Everything between the two markers of the specification."""
    lines = []
    for contract in DEPLOYABLE:
        lines += [f"### {contract}", ""]
        for path in parts(contract):
            external = [function for function in functions(path).values() if function.is_external]
            if path.parent == CONTRACTS / "exchange" and path.stem == "vault":
                external = [function for function in external if function.name == "token"]
            getters = GETTER.findall(path.read_text())
            constructor = functions(path).get("__init__")
            if not external and not getters and path.parent != CONTRACTS:
                continue
            if len(parts(contract)) > 1:
                lines += [f"#### {contract}: {path.stem}", ""]
            if constructor and path.parent == CONTRACTS:
                lines += _constructor(path, constructor)
            for function in external:
                lines += described(path, function)
            if getters:
                lines += ["Stored, readable:", ""]
                lines += [_getter(*row) for row in getters]
                lines.append("")
    return "\n".join(lines) + "\n"


def _constructor(path: Path, function: Function) -> list[str]:
    reached = reach(path, "__init__", Reached(), set())
    lines = [f"**deployed with `({function.parameters})`**  ", *sentences(function.doc, "notice")]
    for text in sentences(function.doc, "param"):
        name, _, meaning = text.partition(" ")
        lines.append(f"- `{name}`: {meaning}")
    if reached.reasons:
        lines.append("- refused: " + ", ".join(f'"{reason}"' for reason in reached.reasons))
    return [*lines, ""]


def _getter(above: str, name: str, kind: str, beside: str) -> str:
    """`name(keys) -> type`, and what the comment above or beside a stored value says."""
    said = beside or " ".join(line.removeprefix("# ").removeprefix("@dev ") for line in above.splitlines())
    if wrapped := re.fullmatch(r"(?:reentrant|immutable|constant)\((.*)\)", kind):
        kind = wrapped[1]
    keys = []
    while mapping := re.fullmatch(r"HashMap\[(\w+), (.*)\]", kind):
        keys.append(mapping[1])
        kind = mapping[2]
    return f"- `{name}({', '.join(keys)}) -> {kind}`" + (f": {said}" if said else "")


def main() -> None:
    before, _, rest = SPEC.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    SPEC.write_text(before + BEGIN + reference() + END + after)


if __name__ == "__main__":
    main()
