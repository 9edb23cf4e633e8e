"""The app on a slow line: `python slow_line.py` is `net8-web`, but what it draws lies a while before it is sent.

Then it is sent run by run, with a pause after each.
"""

import asyncio
from collections import defaultdict, deque
from dataclasses import dataclass, field

from net8_web.__main__ import main
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime import get_instance
from streamlit.runtime.app_session import AppSession

LIES_S, PAUSE_S = 0.7, 0.2

flush = AppSession.flush_browser_queue


@dataclass
class Line:
    """What one session has drawn and its browser does not know yet."""

    leaves_at: float | None = None  # what lies in the session, by the loop's clock
    under_way: deque[ForwardMsg] = field(default_factory=deque)
    free_at: float = 0.0

    def send(self, session: AppSession) -> list[ForwardMsg]:
        now = asyncio.get_running_loop().time()
        if self.leaves_at is None and not session._browser_queue.is_empty():
            self.leaves_at = now + LIES_S
        if self.leaves_at is not None and now >= self.leaves_at:
            self.leaves_at = None
            self.under_way.extend(flush(session))
        sent: list[ForwardMsg] = []
        while self.under_way and now >= self.free_at:
            sent.append(self.under_way.popleft())
            if sent[-1].HasField("script_finished"):
                self.free_at = now + PAUSE_S
        return sent

    def looks_again_at(self) -> list[float]:
        return [at for at in (self.leaves_at, self.free_at if self.under_way else None) if at is not None]


lines: defaultdict[str, Line] = defaultdict(Line)  # by session


def flush_late(session: AppSession) -> list[ForwardMsg]:
    line = lines[session.id]
    sent = line.send(session)
    for at in line.looks_again_at():
        asyncio.get_running_loop().call_at(at, get_instance()._get_async_objs().need_send_data.set)
    return sent


if __name__ == "__main__":
    AppSession.flush_browser_queue = flush_late  # type: ignore[method-assign]
    main()
