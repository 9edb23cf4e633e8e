"""A server that has imported everything and forks node processes in a fraction of a second: `python forks.py`.

Each line on standard input asks for one: {"arguments", "log", "patches"}; the answer is its process id. It is a child
of this server, which tells of its end on a line {"pid", "status"} when it is asked to {"wait": pid}.
"""

import json
import os
import sys
import traceback
from typing import Any

import net8_oracle.gateway.service
import net8_oracle.node.service  # noqa: F401 - so that the children need not
import patches
from net8_oracle.cli import main


def be(arguments: list[str], log: str, names: list[str]) -> None:
    """In the child: apply patches and be the command `net8-oracle`."""
    null = os.open(os.devnull, os.O_RDONLY)
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for source, target in ((null, 0), (file, 1), (file, 2)):
        os.dup2(source, target)
    status = 1
    try:
        for name in names:
            patches.apply(name)
        sys.argv = ["net8-oracle", *arguments]
        main()
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 0
    except BaseException:
        traceback.print_exc()
    sys.stderr.flush()
    os._exit(status)


def answer(asked: dict[str, Any]) -> dict[str, int]:
    """Fork, or wait."""
    if "wait" in asked:
        pid, status = os.waitpid(asked["wait"], asked["options"])
        return {"pid": pid, "status": os.waitstatus_to_exitcode(status) if pid else 0}
    pid = os.fork()
    if not pid:
        be(asked["arguments"], asked["log"], asked["patches"])
    return {"pid": pid, "status": 0}


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)
