"""An event loop for nodes of one process whose time is its own, so that no test depends on the machine's speed."""

import asyncio
import selectors

PASS = 0.001  # s that one pass of the loop takes, however long it really was: so whoever never waits is overtaken too


class _PromptSelector(selectors.DefaultSelector):
    """Where the loop would sleep until its next timer, its time moves there instead."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0  # s

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:  # there is no timer: only an event can wake the loop
            return super().select(None)
        events = super().select(0)
        self.now += PASS if events else max(PASS, timeout)
        return events


class PromptLoop(asyncio.SelectorEventLoop):
    """asyncio's own loop on a clock that counts passes and waits. Not for what works in other threads."""

    def __init__(self) -> None:
        self._prompt = _PromptSelector()
        super().__init__(self._prompt)

    def time(self) -> float:
        return self._prompt.now
