# ruff: noqa: ANN401 - JSON of any shape
"""JSON-RPC to a chain node, plain and asynchronous, with a timeout on every call."""

import itertools
import json
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

import aiohttp

__all__ = ["Caller", "Rpc", "RpcRefused", "RpcUnreachable", "as_it_is"]

T = TypeVar("T")


def as_it_is(result: Any) -> Any:
    """A result unchanged."""
    return result


class RpcUnreachable(ConnectionError):
    """The chain node did not answer in time or not in JSON-RPC."""


class RpcRefused(ValueError):
    """The chain node answered with an error."""

    def __init__(self, method: str, code: int, message: str, data: Any = None) -> None:
        super().__init__(f"{method}: {message} (code {code})")
        self.code = code
        self.message = message
        self.data = data


class Caller(Protocol):
    """Whoever answers JSON-RPC: one chain node, or several of which one answers.

    `into` makes of a result what the caller needs; a result of which it cannot be made counts as no answer.
    """

    async def call(self, method: str, *params: Any, into: Callable[[Any], T] = ...) -> T:
        """Result of one call; raises RpcUnreachable or RpcRefused."""

    async def many(self, method: str, params: Sequence[Sequence[Any]], into: Callable[[list[Any]], T] = ...) -> T:
        """Results of one method for many parameter lists, in their order."""


class Rpc:
    """One chain node. `timeout` is in seconds and covers a whole call."""

    def __init__(self, session: aiohttp.ClientSession, url: str, timeout: float = 5.0) -> None:
        self._session = session
        self.url = url
        self._timeout = timeout
        self._ids = itertools.count(1)

    async def _post(self, body: Any, within: float | None = None) -> Any:
        patience = aiohttp.ClientTimeout(total=min(within or self._timeout, self._timeout))
        try:
            async with self._session.post(self.url, json=body, timeout=patience) as response:
                return json.loads(await response.read())
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as fault:
            what = str(fault) or type(fault).__name__
            raise RpcUnreachable(f"chain node {self.url} does not answer ({what})") from None

    def _result(self, method: str, answer: Any) -> Any:
        if not isinstance(answer, dict) or ("result" not in answer and "error" not in answer):
            raise RpcUnreachable(f"chain node {self.url} answers {method} with something that is not JSON-RPC")
        if answer.get("error") is not None:
            error = answer["error"] if isinstance(answer["error"], dict) else {"message": answer["error"]}
            code = error.get("code", 0)
            said = str(error.get("message", ""))
            raise RpcRefused(method, code if isinstance(code, int) else 0, said, error.get("data"))
        return answer["result"]

    def _made(self, method: str, into: Callable[[Any], T], result: Any) -> T:
        try:
            return into(result)
        except Exception as fault:  # whatever a hostile answer may cause
            what = f"{type(fault).__name__}: {fault}"
            raise RpcUnreachable(f"chain node {self.url} answers {method} with nonsense ({what})") from None

    async def call(
        self, method: str, *params: Any, into: Callable[[Any], T] = as_it_is, within: float | None = None
    ) -> T:
        """Result of one call; `within` (seconds) shortens the usual one.

        Raises:
            RpcUnreachable: no answer in time, or nonsense.
            RpcRefused: the node answered with an error.
        """
        body = {"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": params}
        return self._made(method, into, self._result(method, await self._post(body, within)))

    async def many(self, method: str, params: Sequence[Sequence[Any]], into: Callable[[list[Any]], T] = as_it_is) -> T:
        """Results of one method for many parameter lists, in their order, in one request.

        Raises:
            RpcUnreachable: no answer in time, or nonsense.
            RpcRefused: the node answered one of them with an error.
        """
        bodies = [{"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": p} for p in params]
        answers = await self._post(bodies) if bodies else []
        if not isinstance(answers, list):
            return self._made(method, into, [self._result(method, answers)])
        by_id = {answer.get("id"): answer for answer in answers if isinstance(answer, dict)}
        return self._made(method, into, [self._result(method, by_id.get(body["id"])) for body in bodies])
