"""Joining the street: a wallet from outside becomes a home with a 25 kWp roof, on the local chain alone.

    GET  /state         {"chain_id", "zone", "slot_seconds", "bakery_site", "now_slot"}
    POST /join          {"address"} -> the SiteConsent to sign, as wallets take it
    POST /join/confirm  {"address", "signature"} -> {"site"}

A fault is answered as {"error": one sentence}. Listens on this machine only and answers no web page: requests with
the name of another host, or from a page of another origin, are refused.
"""

import json
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

from scripts.street.processes import HOST

__all__ = ["JoinRefused", "NewcomerService"]

_LONGEST_BODY = 10_000  # bytes
_ANSWER_WITHIN = 60.0  # seconds

Answer = dict[str, Any]
Action = Callable[[Answer], Answer]


class JoinRefused(ValueError):
    """A request that cannot be met. The message is one sentence for the person who asked."""


class NewcomerService:
    """Takes requests in threads of its own and has them answered one by one by the street's own thread."""

    def __init__(self, port: int, get: dict[str, Action], post: dict[str, Action]) -> None:
        """Listen at `port`; `get` and `post`: what answers each path."""
        self._waiting: queue.Queue[tuple[Action, Answer, Future[Answer]]] = queue.Queue()
        service = self

        class Handler(_Handler):
            actions: ClassVar = {"GET": get, "POST": post}

            def perform(self, action: Action, body: Answer) -> Answer:
                future: Future[Answer] = Future()
                service._waiting.put((action, body, future))
                return future.result(_ANSWER_WITHIN)

        self._server = ThreadingHTTPServer((HOST, port), Handler)
        self._server.daemon_threads = True
        self.url = f"http://{HOST}:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def answer_waiting(self) -> None:
        """Answer what has come in; call it often."""
        while not self._waiting.empty():
            action, body, future = self._waiting.get()
            try:
                future.set_result(action(body))
            except Exception as fault:
                future.set_exception(fault)

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    """HTTP in, JSON out."""

    actions: ClassVar[dict[str, dict[str, Action]]]
    timeout = 30

    def perform(self, action: Action, body: Answer) -> Answer:
        """Have a request answered by the street."""
        raise NotImplementedError

    def do_GET(self) -> None:
        """Answer a question."""
        self._answer("GET", {})

    def do_POST(self) -> None:
        """Do something."""
        try:
            length = int(self.headers.get("Content-Length", "0"))
        except ValueError:
            length = -1
        if not 0 <= length <= _LONGEST_BODY:
            self._send(413, {"error": f"the request is too long; send at most {_LONGEST_BODY} bytes"})
            return
        try:
            body = json.loads(self.rfile.read(length))
        except ValueError:
            body = None
        if not isinstance(body, dict):
            self._send(400, {"error": 'the request is no JSON object; send one such as {"address": "0x..."}'})
            return
        self._answer("POST", body)

    def _answer(self, method: str, body: Answer) -> None:
        host = (self.headers.get("Host") or "").rsplit(":", 1)[0]
        if host not in (HOST, "localhost") or self.headers.get("Origin") is not None:
            self._send(403, {"error": "this service is for programs on this machine; use the app's button"})
            return
        action = self.actions[method].get(self.path)
        if action is None:
            self._send(404, {"error": f"there is no {method} {self.path}; see scripts/street/newcomers.py"})
            return
        try:
            self._send(200, self.perform(action, body))
        except JoinRefused as refused:
            self._send(400, {"error": str(refused)})
        except TimeoutError:
            self._send(503, {"error": "the street is busy; try again in a moment"})
        except Exception as fault:
            self._send(500, {"error": f"the street could not do it ({fault}); see where it runs"})

    def _send(self, status: int, answer: Answer) -> None:
        content = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *arguments: object) -> None:
        """Requests are not logged; their outcomes are the street's to tell."""
