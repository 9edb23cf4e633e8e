"""A real NATS server with JetStream for the tests: TLS, certificates of callers, and a user for each operator."""

import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

from tests.oracle_node.broker import PATH, server_certificate
from tests.oracle_node.local_chain import Operator
from tests.oracle_node.processes import Place
from tests.ports import free_port

__all__ = ["NatsServer"]

PASSWORD = "a password for the NATS server"
STRANGER = "stranger"  # a user who may publish anywhere, as nobody should


class NatsServer:
    """One nats-server process, restartable with what it has stored."""

    def __init__(self, folder: Path) -> None:
        program = shutil.which("nats-server", path=PATH)
        assert program is not None, "nats-server is missing; run scripts/bootstrap/nats.sh"
        self.program = program
        self.folder = folder
        self.port = free_port()
        self.url = f"tls://127.0.0.1:{self.port}"
        self.certificate, self.key = folder / "broker.pem", folder / "broker.key"
        self.callers = folder / "callers.pem"  # certificates of those who are let in
        self.password_file = folder / "password.txt"
        self.password_file.write_text(f"{PASSWORD}\n")
        self._popen: subprocess.Popen[bytes] | None = None
        server_certificate(folder)

    def configure(self, operators: list[Operator], places: list[Place]) -> None:
        """Let these operators in, each by its certificate and its password, to publish under its own name alone."""
        self.callers.write_text("".join(place.certificate.read_text() for place in places))
        users = f'{{ user: {STRANGER}, password: "{PASSWORD}" }}\n'
        for operator in operators:
            users += (
                f'{{ user: "{operator.address}", password: "{PASSWORD}", permissions: {{\n'
                f'  publish: [ "net8.*.*.{operator.address}", "$JS.API.STREAM.INFO.*", "$JS.API.STREAM.CREATE.*", '
                f'"$JS.API.CONSUMER.DURABLE.CREATE.*.*", "$JS.API.CONSUMER.DELETE.*.*", "$JS.ACK.>" ]\n'
                f'  subscribe: [ "_INBOX.>" ]\n}} }}\n'
            )
        (self.folder / "nats.conf").write_text(
            f"listen: 127.0.0.1:{self.port}\nmax_payload: 8MB\njetstream {{ store_dir: {self.folder / 'store'} }}\n"
            f"tls {{ cert_file: {self.certificate}, key_file: {self.key}, ca_file: {self.callers}, "
            f"verify: true }}\nauthorization {{ users: [\n{users}] }}\n"
        )

    def table(self, operator: Operator, place: Place) -> str:
        """An operator's table [nats]."""
        return (
            f'[nats]\nurl = "{self.url}"\nusername = "{operator.address}"\npassword_file = "{self.password_file}"\n'
            f'ca_file = "{self.certificate}"\ncertificate = "{place.certificate}"\n'
            f'key = "{place.certificate.with_suffix(".key")}"\n'
        )

    def start(self) -> None:
        """Start it and wait until it answers."""
        with (self.folder / "nats.log").open("ab") as log:
            self._popen = subprocess.Popen([self.program, "-c", str(self.folder / "nats.conf")], stdout=log, stderr=log)
        deadline = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                if time.monotonic() > deadline or self._popen.poll() is not None:
                    raise AssertionError((self.folder / "nats.log").read_text()) from None
                time.sleep(0.02)

    def kill(self) -> None:
        """As a power cut would; what it has stored is there when it starts again."""
        popen, self._popen = self._popen, None
        if popen is not None:
            popen.send_signal(signal.SIGKILL)
            popen.wait(10)

    def pause(self) -> None:
        """Freeze it: it accepts connections and never answers."""
        assert self._popen is not None
        self._popen.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """End of `pause`."""
        assert self._popen is not None
        self._popen.send_signal(signal.SIGCONT)

    def tried(self, config: str) -> str:
        """What it says against a configuration; nothing when it takes it."""
        file = self.folder / "tried.conf"
        file.write_text(config)
        done = subprocess.run([self.program, "-t", "-c", str(file)], capture_output=True, text=True, check=False)
        return done.stderr if done.returncode else ""
