"""JSON-RPC to the local chain: one connection, many calls in one request."""

from collections.abc import Sequence
from typing import Any

import requests

__all__ = ["Rpc", "RpcFault"]

_TIMEOUT = 60.0  # seconds; a batch of 200 transactions takes about two
_AT_ONCE = 250  # calls in one request


class RpcFault(RuntimeError):
    """The chain did not answer, or answered with a fault. The message says which call and why."""

    def __init__(self, message: str, data: str | None = None) -> None:
        """`data`: what a reverted call returned, as hex."""
        super().__init__(message)
        self.data = data


class Rpc:
    """A JSON-RPC endpoint. Not for several threads at once: give each its own."""

    def __init__(self, url: str) -> None:
        """`url` such as http://127.0.0.1:8545."""
        self.url = url
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy has no business on the way to this machine

    def call(self, method: str, *params: object) -> Any:  # noqa: ANN401 - JSON of any shape
        """Result of one call.

        Raises:
            RpcFault: no answer, or a fault.
        """
        return self.batch([(method, params)])[0]

    def batch(self, calls: Sequence[tuple[str, Sequence[object]]]) -> list[Any]:
        """Results of many calls, in their order.

        Raises:
            RpcFault: no answer, or one of them ended in a fault.
        """
        results: list[Any] = []
        for start in range(0, len(calls), _AT_ONCE):
            results.extend(self._post(calls[start : start + _AT_ONCE]))
        return results

    def _post(self, calls: Sequence[tuple[str, Sequence[object]]]) -> list[Any]:
        body = [
            {"jsonrpc": "2.0", "id": i, "method": method, "params": list(params)}
            for i, (method, params) in enumerate(calls)
        ]
        try:
            response = self._session.post(self.url, json=body, timeout=_TIMEOUT)
            answers = {answer["id"]: answer for answer in response.json()}
        except (requests.RequestException, ValueError, TypeError, KeyError) as fault:
            raise RpcFault(f"the chain at {self.url} does not answer ({type(fault).__name__})") from fault
        results = []
        for i, (method, _) in enumerate(calls):
            answer = answers.get(i, {"error": {"message": "no answer"}})
            if "error" in answer:
                error = answer["error"]
                raise RpcFault(f"{method}: {error.get('message', error)}", error.get("data"))
            results.append(answer["result"])
        return results

    def close(self) -> None:
        """End the connection."""
        self._session.close()
