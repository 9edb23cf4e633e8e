"""A local chain of its own for tests: real JSON-RPC, a clock that tests move."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from net8.client import Chain
from net8.errors import ChainUnreachable

from tests.ports import free_port

START = 1_790_000_000 // 3600 * 3600  # unix seconds, the first of an hour


@contextmanager
def running_anvil(*options: str) -> Iterator[str]:
    """Start anvil, give its address, stop it."""
    beside_python = str(Path(sys.executable).parent)
    program = shutil.which("anvil", path=os.pathsep.join([beside_python, os.environ.get("PATH", "")]))
    assert program, "there is no anvil; run `make setup`"
    port = free_port()
    command = [program, "--port", str(port), "--timestamp", str(START), "--silent", *options]
    process = subprocess.Popen(command)
    try:
        wait_for(f"http://127.0.0.1:{port}", process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


def wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while True:
        assert process.poll() is None, "anvil stopped at once"
        try:
            Chain(url, timeout=1).block()
            return
        except ChainUnreachable:
            assert time.monotonic() < deadline, "anvil did not answer within 30 s"
            time.sleep(0.05)


def move_to(chain: Chain, unix: int) -> None:
    """Let the chain's clock reach a moment and mine a block then."""
    chain.request("evm_setNextBlockTimestamp", [unix])
    chain.request("evm_mine")
