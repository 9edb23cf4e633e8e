"""What a call's gas is spent on: the transaction itself, storage, events and the rest, from the node's own trace.

The latest transaction is made once more on the state before it, and the cost of each step goes where its opcode
belongs. A step that calls another contract or checks a signature counts with all that it passes on, so these are not
added up: the rest is the difference to the whole. Words that are cleared return gas; it is taken off what was written.
"""

from collections import Counter
from collections.abc import Mapping

from net8.client import Chain

__all__ = ["PARTS", "markdown", "spent"]

BASE, ZERO_BYTE, BYTE = 21_000, 4, 16  # of any transaction and of its data (EIP-2028)
REFUND_SHARE = 5  # at most a fifth of what was used is returned (EIP-3529)
PARTS = ("transaction", "written", "read", "logged", "rest")
OPCODES = {"SSTORE": "written", "SLOAD": "read", **{f"LOG{topics}": "logged" for topics in range(5)}}
UNTRACED = {"disableMemory": True, "disableStack": True, "disableStorage": True}


def spent(chain: Chain) -> dict[str, int]:
    """Gas by part of the latest block's only transaction, and how many words it wrote and read: `words_written` and
    `words_read`, each as often as it was."""
    block = chain.request("eth_getBlockByNumber", ["latest", True])
    (sent,) = block["transactions"]
    call = {key: sent[key] for key in ("from", "to", "input", "gas")} | {"gasPrice": "0x0"}
    trace = chain.request("debug_traceCall", [call, hex(int(block["number"], 16) - 1), UNTRACED])
    used, steps = int(block["gasUsed"], 16), trace["structLogs"]
    if trace["failed"] or trace["gas"] != used:
        raise RuntimeError(f"made again, the call used {trace['gas']} gas instead of {used}")
    gas, times = Counter[str](), Counter[str]()
    for step in steps:
        if part := OPCODES.get(step["op"]):
            gas[part] += step["gasCost"]
            times[part] += 1
    data = bytes.fromhex(sent["input"].removeprefix("0x"))
    gas["transaction"] = BASE + sum(BYTE if byte else ZERO_BYTE for byte in data)
    gas["written"] -= min(steps[-1]["refund"], used // (REFUND_SHARE - 1))
    gas["rest"] = used - gas.total()
    return {part: gas[part] for part in PARTS} | {f"words_{part}": times[part] for part in ("written", "read")}


def markdown(figures: Mapping[str, Mapping[str, int]]) -> str:
    """A table of what `spent` found, by row of the bench; `units` says what a row's figures are divided by."""
    lines = [
        "| | together | the transaction | written | words | read | words | events | the rest |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for key, of in figures.items():
        units = of["units"]
        together = round(sum(of[part] for part in PARTS) / units)
        transaction, written, read, logged, rest = (f"{round(of[part] / units):,}" for part in PARTS)
        words = {part: f"{of[f'words_{part}'] / units:.3g}" for part in ("written", "read")}
        cells = (
            f"`{key}`", f"{together:,}", transaction, written, words["written"], read, words["read"], logged, rest
        )  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)
