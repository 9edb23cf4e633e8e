"""What the Oracles page is told by nodes: one that answers, one that does not, and what is no node at all."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from net8_web.nodes import NodeStatus, statuses

from tests.frontend.conftest import OWNER
from tests.ports import free_port


@pytest.fixture
def answering() -> Iterator[Callable[[str], str]]:
    """Starts servers that answer everything with a text; their addresses."""
    started: list[tuple[HTTPServer, threading.Thread]] = []

    def start(text: str) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_: object) -> None:
                """Nothing: pytest's output is not its place."""

        server = HTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        started.append((server, thread))
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server, thread in started:
        server.shutdown()
        thread.join()
        server.server_close()


def test_statuses__node_page_and_nobody__only_the_node_is_up(answering) -> None:
    status = {"signer": OWNER, "transmitter": OWNER, "now": 1_790_000_100, "block": 9, "outbox": 0}
    node, page, nobody = answering(json.dumps(status)), answering("<p>hello"), f"http://127.0.0.1:{free_port()}"
    assert statuses((node, page, nobody)) == [
        NodeStatus(node, True, OWNER, 9, 0),
        NodeStatus(page, False),
        NodeStatus(nobody, False),
    ]
