"""What a contract executed in a call: how often it reads storage, and how long a way it takes."""

from boa.contracts.vyper.vyper_contract import VyperContract

SLOAD = 0x54


def operations(called: VyperContract, contract: VyperContract) -> bytes:
    """Opcodes that a contract executed in the last call of this one or another, in no particular order of calls."""
    found = bytearray()
    waiting = [called._computation]
    while waiting:
        computation = waiting.pop()
        if computation.msg.code_address == contract.address.canonical_address:
            code = computation.code._raw_code_bytes
            found.extend(code[place] for place in computation.code._trace)
        waiting += computation.children
    return bytes(found)


def reads(called: VyperContract, contract: VyperContract) -> int:
    """Words of storage that a contract read in the last call."""
    return operations(called, contract).count(SLOAD)
