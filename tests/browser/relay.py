"""A relay as WalletConnect's servers are one, as far as two clients need it: they publish to topics and hear of them.

It stands in for servers on the internet, and keeps what is published until somebody subscribes, as those do.
"""

import json
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from websockets.sync.server import ServerConnection, serve

__all__ = ["relay"]

PROPOSE, PROPOSED, SETTLE = 1100, 1101, 1102  # tags of the messages that the relay's own methods carry


class _Relay:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._subscribers: dict[str, list[ServerConnection]] = defaultdict(list)
        self._kept: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self._number = 0

    def talk(self, connection: ServerConnection) -> None:
        for text in connection:
            asked = json.loads(text)
            if "method" in asked:
                with self._lock:
                    result = self._answer(connection, asked["method"], asked["params"])
                    connection.send(json.dumps({"id": asked["id"], "jsonrpc": "2.0", "result": result}))

    def _answer(self, connection: ServerConnection, method: str, params: dict[str, Any]) -> object:
        match method:
            case "irn_subscribe":
                return self._subscribe(connection, params["topic"])
            case "irn_batchSubscribe":
                return [self._subscribe(connection, topic) for topic in params["topics"]]
            case "irn_publish":
                self._publish(connection, params["topic"], params["message"], params["tag"])
            case "wc_proposeSession":
                self._subscribe(connection, params["pairingTopic"])
                self._publish(connection, params["pairingTopic"], params["sessionProposal"], PROPOSE)
            case "wc_approveSession":
                self._subscribe(connection, params["sessionTopic"])
                self._publish(connection, params["pairingTopic"], params["sessionProposalResponse"], PROPOSED)
                self._publish(connection, params["sessionTopic"], params["sessionSettlementRequest"], SETTLE)
            case "irn_batchFetchMessages":
                return {"messages": [], "hasMore": False}  # all that is kept is told at the subscription
        return True

    def _subscribe(self, connection: ServerConnection, topic: str) -> str:
        if connection not in self._subscribers[topic]:
            self._subscribers[topic].append(connection)
            for data in self._kept.pop(topic, []):
                self._tell(connection, data)
        return topic

    def _publish(self, connection: ServerConnection, topic: str, message: str, tag: int) -> None:
        data = {"topic": topic, "message": message, "tag": tag, "publishedAt": int(time.time() * 1000)}
        others = [other for other in self._subscribers[topic] if other is not connection]
        for other in others:
            self._tell(other, data)
        if not others:
            self._kept[topic].append(data)

    def _tell(self, connection: ServerConnection, data: dict[str, Any]) -> None:
        self._number += 1
        params = {"id": data["topic"], "data": data}
        told = {"id": self._number, "jsonrpc": "2.0", "method": "irn_subscription", "params": params}
        connection.send(json.dumps(told))


@contextmanager
def relay() -> Iterator[str]:
    """A relay in a thread of the test's process; its address."""
    with serve(_Relay().talk, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"ws://127.0.0.1:{server.socket.getsockname()[1]}"
        server.shutdown()
        thread.join()
