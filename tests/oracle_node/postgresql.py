"""A PostgreSQL server for tests, in a folder of its own. It refuses root, so there it runs as the user postgres."""

import os
import shlex
import shutil
import socket
import socketserver
import struct
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from tempfile import mkdtemp

import pg8000.dbapi

from tests.ports import free_port

USER = "net8"


def _programs() -> Path:
    packaged = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)
    found = shutil.which("initdb") or next(iter(packaged), None)
    assert found is not None, "PostgreSQL is missing; run scripts/bootstrap/postgresql.sh"
    return Path(found).resolve().parent


class Server:
    """One server with a superuser who needs no password."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._programs = _programs()
        self.port = free_port()
        self._run("initdb", "-D", str(folder / "data"), "-U", USER, "-A", "trust", "--no-sync", "-E", "UTF8")
        self.start()

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._programs / program), *arguments]
        if os.geteuid() == 0:
            command = ["su", "postgres", "-s", "/bin/sh", "-c", shlex.join(command)]
        done = subprocess.run(command, cwd=self._folder, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0, f"{program}: {done.stdout}{done.stderr}"

    def _control(self, *arguments: str) -> None:
        log = str(self._folder / "log")
        self._run("pg_ctl", "-D", str(self._folder / "data"), "-l", log, "-w", *arguments)

    def start(self) -> None:
        """Run."""
        self._control("start", "-o", f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=")

    def stop(self, mode: str = "fast") -> None:
        """End it and all connections to it."""
        self._control("stop", "-m", mode)

    @contextmanager
    def away(self) -> Iterator[None]:
        """Stopped for as long as the block lasts."""
        self.stop()
        try:
            yield
        finally:
            self.start()

    def empty_database(self) -> str:
        """URL of its database, emptied."""
        with closing(pg8000.dbapi.connect(USER, "127.0.0.1", "postgres", self.port)) as connection:
            connection.autocommit = True
            for statement in ("DROP SCHEMA public CASCADE", "CREATE SCHEMA public"):
                connection.cursor().execute(statement)
        return f"postgresql://{USER}@127.0.0.1:{self.port}/postgres"


@contextmanager
def resetting(port: int) -> Iterator[tuple[int, threading.Event]]:
    """A port that leads to another, and an event: once it is set, who next says anything has his connection reset."""
    reset = threading.Event()

    class Relay(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with socket.create_connection(("127.0.0.1", port)) as server:
                threading.Thread(target=self._answer, args=(server,), daemon=True).start()
                while told := self.request.recv(65_536):
                    if reset.is_set():
                        reset.clear()
                        self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                        self.request.close()
                        return
                    server.sendall(told)

        def _answer(self, server: socket.socket) -> None:
            with suppress(OSError):  # one of the two has gone
                while told := server.recv(65_536):
                    self.request.sendall(told)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Relay) as relay:
        relay.daemon_threads = True
        threading.Thread(target=relay.serve_forever, daemon=True).start()
        yield relay.server_address[1], reset
        relay.shutdown()


@contextmanager
def server() -> Iterator[Server]:
    """A server for as long as the block lasts."""
    folder = Path(mkdtemp(prefix="net8-postgresql-"))  # short, and readable for its user
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
    running = Server(folder)
    try:
        yield running
    finally:
        running.stop("immediate")
        shutil.rmtree(folder)
