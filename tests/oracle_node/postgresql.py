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


class BreakableLine:
    """A port that leads to a server. Where the line breaks, the client is reset and the server learns nothing of it."""

    port: int

    def __init__(self, server_port: int) -> None:
        self._server_port = server_port
        self._breaks_at: tuple[bool, bytes] | None = None
        self._servers: list[socket.socket] = []

    def break_at(self, word: bytes = b"", *, answered: bool = False) -> None:
        """Break once, when the client next says something with this word in it, or the server answers such a thing.

        What it breaks at is not handed on.
        """
        self._breaks_at = answered, word

    @property
    def is_broken(self) -> bool:
        """Whether it has broken as it was to."""
        return self._breaks_at is None

    def _breaks(self, told: bytes, client: socket.socket, *, answered: bool) -> bool:
        """Whether the line breaks here: the client is then reset as soon as nobody waits for what it says."""
        if self._breaks_at is None or self._breaks_at[0] != answered or self._breaks_at[1] not in told:
            return False
        self._breaks_at = None
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.shutdown(socket.SHUT_RD)
        return True

    def _carry(self, client: socket.socket) -> None:
        """What a client says, until it hangs up or the line breaks."""
        server = socket.create_connection(("127.0.0.1", self._server_port))
        self._servers.append(server)
        threading.Thread(target=self._carry_back, args=(server, client), daemon=True).start()
        while told := client.recv(65_536):
            if not self._breaks(told, client, answered=False):
                server.sendall(told)
        if client.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER):
            client.close()
        else:
            _end(server)

    def _carry_back(self, server: socket.socket, client: socket.socket) -> None:
        with suppress(OSError):  # one of the two has gone
            while (told := server.recv(65_536)) and not self._breaks(told, client, answered=True):
                client.sendall(told)

    def _close(self) -> None:
        for server in self._servers:
            _end(server)
            server.close()


def _end(connection: socket.socket) -> None:
    """End a connection, also where a thread waits for what comes: closing it would wait for that thread."""
    with suppress(OSError):  # it has ended
        connection.shutdown(socket.SHUT_RDWR)


@contextmanager
def breakable_line(server_port: int) -> Iterator[BreakableLine]:
    """A line to a server for as long as the block lasts."""
    line = BreakableLine(server_port)

    class Carried(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            line._carry(self.request)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Carried) as relay:
        relay.daemon_threads = True
        threading.Thread(target=relay.serve_forever, daemon=True).start()
        line.port = relay.server_address[1]
        try:
            yield line
        finally:
            relay.shutdown()
            line._close()


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
