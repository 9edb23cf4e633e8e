"""A chain node that cannot be relied on: a JSON-RPC proxy before a real one, which tests set to misbehave."""

import json
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

from tests.ports import free_port


class HostileRpc:
    """Forwards to `upstream` until told otherwise, and records every raw transaction it was given."""

    _all: ClassVar[list["HostileRpc"]] = []

    @classmethod
    def down_all(cls) -> None:
        """End them."""
        while cls._all:
            proxy = cls._all.pop()
            proxy.stalled = False
            proxy.down()

    def __init__(self, upstream: str) -> None:
        self._all.append(self)
        self.upstream = upstream
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.raw: list[str] = []
        self.asked = 0
        self.stalled = False
        self.refusals: dict[str, dict[str, Any]] = {}  # method -> error it is answered with
        self.nonsense = False
        self.swallow = False  # take transactions and tell nobody
        self.nonce_off = 0  # added to every count of transactions
        self.frozen: dict[str, Any] | None = None  # the block that stays the latest
        self._server: ThreadingHTTPServer | None = None
        self.up()

    # --- moods -------------------------------------------------------------------------------------------------

    def up(self) -> None:
        """Listen."""
        self.refusals.pop("*", None)
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout: ClassVar[float] = 60

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                answer = json.dumps(proxy.answer(body)).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            allow_reuse_address = True

            def handle_error(self, request: Any, client_address: Any) -> None:
                """Clients that hang up are part of it."""

        self._server = Server(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def down(self) -> None:
        """Refuse connections, also on those that are open."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
        self.refusals["*"] = {"code": -32603, "message": "shutting down"}

    def freeze(self) -> None:
        """Fall behind: this block stays the latest for ever."""
        request = {"jsonrpc": "2.0", "id": 1, "method": "eth_getBlockByNumber", "params": ["latest", False]}
        self.frozen = self._forward(request)["result"]

    # --- answering ---------------------------------------------------------------------------------------------

    def answer(self, body: Any) -> Any:
        self.asked += 1
        while self.stalled:
            time.sleep(0.02)
        return [self._one(one) for one in body] if isinstance(body, list) else self._one(body)

    def _one(self, request: dict[str, Any]) -> dict[str, Any]:
        method = request["method"]
        said = {"jsonrpc": "2.0", "id": request["id"]}
        if method in ("eth_sendRawTransaction", "eth_sendRawTransactionSync"):
            self.raw.append(request["params"][0])
        refusal = self.refusals.get(method) or self.refusals.get("*")
        if refusal is not None:
            return {**said, "error": refusal}
        if self.nonsense:
            return {**said, "result": {"number": "block", "parentHash": None}}
        if self.swallow and method.startswith("eth_sendRawTransaction"):
            return {**said, "result": None if method.endswith("Sync") else "0x" + "00" * 32}
        if self.frozen is not None and method == "eth_blockNumber":
            return {**said, "result": self.frozen["number"]}
        if self.frozen is not None and method == "eth_getBlockByNumber" and request["params"][0] == "latest":
            return {**said, "result": self.frozen}
        answer = self._forward(request)
        if method == "eth_getTransactionCount" and self.nonce_off and "result" in answer:
            answer["result"] = hex(max(0, int(answer["result"], 16) + self.nonce_off))
        return answer

    def _forward(self, request: dict[str, Any]) -> dict[str, Any]:
        post = urllib.request.Request(self.upstream, json.dumps(request).encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(post, timeout=60) as answer:
            return dict(json.loads(answer.read()))
