"""A real MQTT broker for the tests: mosquitto, one door open to all, one with TLS and a password."""

import os
import shutil
import socket
import subprocess
import time
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.ports import free_port

__all__ = ["PATH", "Mosquitto", "server_certificate"]

PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin"])
USER, PASSWORD = "gateway", "a password for the broker"


def server_certificate(folder: Path) -> None:
    """broker.key and broker.pem, a certificate for 127.0.0.1 that it signed itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "broker of the tests")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "broker.pem").write_bytes(certificate.public_bytes(pem))
    (folder / "broker.key").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


class Mosquitto:
    """One mosquitto process, restartable on the same ports."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port, self.tls_port = free_port(), free_port()
        self.url, self.tls_url = f"mqtt://127.0.0.1:{self.port}", f"mqtts://127.0.0.1:{self.tls_port}"
        self.certificate = folder / "broker.pem"
        self._popen: subprocess.Popen[bytes] | None = None
        server_certificate(folder)
        program = shutil.which("mosquitto_passwd", path=PATH)
        assert program is not None, "mosquitto is missing; run scripts/bootstrap/mosquitto.sh"
        subprocess.run([program, "-b", "-c", str(folder / "passwords"), USER, PASSWORD], check=True)
        owner = "user root\n" if os.geteuid() == 0 else ""
        (folder / "mosquitto.conf").write_text(
            f"{owner}per_listener_settings true\n"
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\n"
            f"listener {self.tls_port} 127.0.0.1\nallow_anonymous false\npassword_file {folder / 'passwords'}\n"
            f"certfile {self.certificate}\nkeyfile {folder / 'broker.key'}\n"
        )

    def start(self) -> None:
        """Start it and wait until it lets people in."""
        program = shutil.which("mosquitto", path=PATH)
        assert program is not None, "mosquitto is missing; run scripts/bootstrap/mosquitto.sh"
        with (self.folder / "mosquitto.log").open("ab") as log:
            self._popen = subprocess.Popen(
                [program, "-c", str(self.folder / "mosquitto.conf")], stdout=log, stderr=subprocess.STDOUT
            )
        deadline = time.monotonic() + 20
        for port in (self.port, self.tls_port):
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port), timeout=1).close()
                    break
                except OSError:
                    if time.monotonic() > deadline or self._popen.poll() is not None:
                        raise AssertionError((self.folder / "mosquitto.log").read_text()) from None
                    time.sleep(0.02)

    def stop(self) -> None:
        """End it: nothing it held is kept."""
        popen, self._popen = self._popen, None
        if popen is not None:
            popen.terminate()
            popen.wait(10)
