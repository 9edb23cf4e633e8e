# ruff: noqa: ANN401 - JSON of any shape
"""JSON-RPC to a chain node, plain and asynchronous, with a timeout on every call."""

import itertools
import json
from collections.abc import Sequence
from typing import Any

import aiohttp

__all__ = ["Rpc", "RpcRefused", "RpcUnreachable"]


class RpcUnreachable(ConnectionError):
    """The chain node did not answer in time or not in JSON-RPC."""


class RpcRefused(ValueError):
    """The chain node answered with an error."""

    def __init__(self, method: str, code: int, message: str, data: Any = None) -> None:
        super().__init__(f"{method}: {message} (code {code})")
        self.code = code
        self.message = message
        self.data = data


class Rpc:
    """One endpoint. `timeout` is in seconds and covers a whole call."""

    def __init__(self, session: aiohttp.ClientSession, url: str, timeout: float = 5.0) -> None:
        self._session = session
        self._url = url
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._ids = itertools.count(1)

    async def _post(self, body: Any) -> Any:
        try:
            async with self._session.post(self._url, json=body, timeout=self._timeout) as response:
                return json.loads(await response.read())
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as fault:
            what = str(fault) or type(fault).__name__
            raise RpcUnreachable(f"chain node {self._url} does not answer ({what})") from None

    def _result(self, method: str, answer: Any) -> Any:
        if not isinstance(answer, dict) or ("result" not in answer and "error" not in answer):
            raise RpcUnreachable(f"chain node {self._url} answers {method} with something that is not JSON-RPC")
        if answer.get("error") is not None:
            error = answer["error"]
            raise RpcRefused(method, int(error.get("code", 0)), str(error.get("message", "")), error.get("data"))
        return answer["result"]

    async def call(self, method: str, *params: Any) -> Any:
        """Result of one call.

        Raises:
            RpcUnreachable: no answer in time.
            RpcRefused: the node answered with an error.
        """
        body = {"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": params}
        return self._result(method, await self._post(body))

    async def many(self, method: str, params: Sequence[Sequence[Any]]) -> list[Any]:
        """Results of one method for many parameter lists, in their order, in one request."""
        if not params:
            return []
        bodies = [{"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": p} for p in params]
        answers = await self._post(bodies)
        if not isinstance(answers, list):
            return [self._result(method, answers)]
        by_id = {answer.get("id"): answer for answer in answers}
        return [self._result(method, by_id.get(body["id"])) for body in bodies]
