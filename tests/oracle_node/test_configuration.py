"""Mistakes in configurations, keystores and commands: one sentence, exit status 2, nothing changed."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import eth_keyfile
import pytest
from click.testing import CliRunner, Result
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from net8_oracle import certificates, keys
from net8_oracle.cli import main

from tests.oracle_node.processes import PASSWORD, write_keystore

ADDRESS = "0x79627039246916A8502be20C4f452088E204A222"
DEPLOYMENT = """{"chain_id": 31337, "owner": "%s", "contracts": {%s}}"""
CONTRACT = '"%s": {"address": "%s", "block": 0, "args": [], "code_hash": "0x%s"}'
NAMES = (
    "NET8",
    "GridRegistry",
    "EnergyExchange",
    "ExchangeLens",
    "OracleRegistry",
    "OracleCourt",
    "TradingDesk",
    "GreenCertificates",
    "MeterRecords",
    "Reserve",
    "Euro",
)
NODE = f"""
listen = "127.0.0.1:0"
zones = [1]
store = "node.sqlite"
[chain]
rpc = "http://127.0.0.1:1"
deployment = "deployment.json"
[keys]
signer = "signer.json"
transmitter = "transmitter.json"
password_file = "password.txt"
[[peers]]
signer = "{ADDRESS}"
url = "http://127.0.0.1:9002"
"""
GATEWAY = """
store = "gateway.sqlite"
password_env = "NODE_TEST_PASSWORD"
[chain]
deployment = "deployment.json"
[[operators]]
url = "http://127.0.0.1:9001"
[[meters]]
site = 65537
keystore = "signer.json"
[meters.source]
kind = "csv"
path = "homes.csv"
load = "load_1"
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Everything a configuration names, in order."""
    monkeypatch.setenv("NODE_TEST_PASSWORD", PASSWORD)
    contracts = ", ".join(CONTRACT % (name, ADDRESS, "00" * 32) for name in NAMES)
    (tmp_path / "deployment.json").write_text(DEPLOYMENT % (ADDRESS, contracts))
    (tmp_path / "password.txt").write_text(f"{PASSWORD}\n")
    (tmp_path / "homes.csv").write_text("slot_local,load_1\na,0.1\n")
    write_keystore(tmp_path / "signer.json", b"\x01" * 32)
    write_keystore(tmp_path / "transmitter.json", b"\x02" * 32)
    return tmp_path


@pytest.fixture
def run(folder: Path) -> Callable[..., Result]:
    """run(command, configuration text): the command with that configuration."""

    def invoke(command: str, text: str, *arguments: str) -> Result:
        (folder / "config.toml").write_text(text)
        return CliRunner(mix_stderr=False).invoke(main, [command, "--config", str(folder / "config.toml"), *arguments])

    return invoke


def refused(result: Result, reason: str) -> None:
    """One sentence with the reason, and status 2."""
    assert result.exit_code == 2, result.output
    assert result.stderr.startswith("net8-oracle: ")
    assert result.stderr.count("\n") == 1
    assert reason in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("zones = [1]", "", "zones is missing; add it"),
        ("zones = [1]", "zones = [0]", "zones names 0"),
        ("zones = [1]", "zones = []", "zones is []"),
        ("zones = [1]", 'zones = ["one"]', "zones[1] is 'one'"),
        ("zones = [1]", "zone = [1]\nzones = [1]", "zone is not a setting; correct its spelling"),
        ("zones = [1]", "zones = [1", "is not TOML"),
        ("127.0.0.1:0", "localhost", "'localhost' is no place to listen"),
        ("http://127.0.0.1:1", "127.0.0.1:1", "chain.rpc: '127.0.0.1:1' is not an address"),
        ('rpc = "http://127.0.0.1:1"', "", "chain.rpc is missing"),
        ('rpc = "http://127.0.0.1:1"', 'rpc = "http://a"\nclock = "moon"', "chain.clock is 'moon'"),
        ('rpc = "http://127.0.0.1:1"', 'rpc = "http://a"\npoll_ms = 1', "chain.poll_ms is 1"),
        ('password_file = "password.txt"', "", "name a password_file or a password_env"),
        ('password_file = "password.txt"', 'password_env = "NOT_THERE"', "environment variable NOT_THERE is empty"),
        ('password_file = "password.txt"', 'password_file = "nowhere.txt"', "nowhere.txt cannot be read"),
        ('"password.txt"', '"password.txt"\npassword_env = "A"', "both given; keep one"),
        ('password_file = "password.txt"', 'password = "secret"', "keys.password is not a setting"),
        ('password_file = "password.txt"', "password_fd = 987", "file descriptor 987 cannot be read"),
        ('password_file = "password.txt"', 'password_credential = "meter"', "systemd passes no credential 'meter'"),
        ('password_file = "password.txt"', 'password_credential = "../x"', "systemd passes no credential '../x'"),
        ("[[peers]]", '[broker]\nurl = "mqtt://a"\nusername = "b"\n[[peers]]', "broker: no password given"),
        ("[[peers]]", '[broker]\nurl = "mqtts://b:c@a"\n[[peers]]', "is no broker; write one such as mqtts://"),
        ("127.0.0.1:0", "0.0.0.0:0", "the table [mesh] is missing, and without TLS nothing may leave this machine"),
        ("http://127.0.0.1:9002", "http://10.0.0.2:9002", "the table [mesh] is missing"),
        ("http://127.0.0.1:9002", "https://127.0.0.1:9002", "at https://, but messages between operators go without"),
        ("[[peers]]", '[mesh]\nlisten = "0.0.0.0:1"\n[[peers]]', "listen, certificate and key belong together"),
        ("[[peers]]", '[mesh]\nplain = true\nkey = "a"\n[[peers]]', "plain = true goes without key"),
        ("zones = [1]", "zones = [1]\nlisten_tls = true", "listen_tls needs the certificate and key of a table [mesh]"),
        (
            "[[peers]]",
            '[nats]\nurl = "nats://nats.example"\n[[peers]]',
            "without TLS nothing may leave it; write tls://",
        ),
        ("[[peers]]", '[nats]\nurl = "http://127.0.0.1"\n[[peers]]', "is no NATS server; write one such as tls://"),
        ("[[peers]]", '[nats]\nurl = "tls://a"\nkey = "b"\n[[peers]]', "nats: certificate and key belong together"),
        ("[[peers]]", '[nats]\nurl = "tls://a"\nusername = "b"\n[[peers]]', "nats: no password given"),
        ("[[peers]]", '[nats]\nurl = "tls://a"\nca_file = "homes.csv"\n[[peers]]', "homes.csv cannot be read"),
        (
            "[[peers]]",
            '[nats]\nurl = "tls://a"\n[[peers]]',
            "has a url or certificate, but [nats] needs",
        ),
        ("[[peers]]", '[nats]\nurl = "tls://a"\n[mesh]\nplain = true\n[[peers]]', "two ways between operators"),
        ('url = "http://127.0.0.1:9002"', "", "has no url; give the address of its mesh.listen"),
        ("[[peers]]", "[limits]\nlargest_body = 99000000\n[[peers]]", "bytes_burst is less than largest_body"),
        ('"transmitter.json"', '"signer.json"', "must be two keys"),
        ('"signer.json"', '"nowhere.json"', "nowhere.json cannot be read"),
        ('"signer.json"', '"homes.csv"', "is not JSON"),
        ('"signer.json"', '"deployment.json"', "deployment.json is"),
        ('"deployment.json"', '"nowhere.json"', "nowhere.json does not exist; deploy first"),
        (ADDRESS, "0x1234", "peers[1].signer: '0x1234' is no address"),
        (ADDRESS, ADDRESS.replace("7", "8", 1), "fails its checksum"),
        ('store = "node.sqlite"', 'store = "nowhere/node.sqlite"', "cannot be opened"),
        ('store = "node.sqlite"', 'store = "homes.csv"', "cannot be opened"),
        ('store = "node.sqlite"', 'store = "node.sqlite"\nstamps = "no/stamps"', "cannot be written"),
    ],
)
def test_run__mistake_in_configuration__one_sentence(
    run: Callable[..., Result], old: str, new: str, reason: str
) -> None:
    assert old in NODE
    refused(run("run", NODE.replace(old, new, 1)), reason)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('"mesh.pem"', '"nowhere.pem"', "nowhere.pem cannot be read"),
        ('"mesh.pem"', '"peer.pem"', "is another node's too; each has one of its own"),
        ('"mesh.key"', '"peer.key"', "is not that of certificate"),
        ('"peer.pem"', '"signer.json"', "holds not one certificate"),
        ('"peer.pem"', '"vouches.pem"', "may vouch for others"),
        ('certificate = "peer.pem"', "", "names no certificate; ask its operator"),
        ('"peer.pem"', '["peer.pem", "mesh.pem", "vouches.pem"]', "certificate is"),
    ],
)
def test_run__mistake_in_certificates__one_sentence(
    run: Callable[..., Result], folder: Path, old: str, new: str, reason: str
) -> None:
    for name in ("mesh", "peer"):
        certificates.create(folder / f"{name}.pem", folder / f"{name}.key", PASSWORD, name)
    (folder / "vouches.pem").write_bytes(one_that_vouches())
    mesh = '[mesh]\nlisten = "127.0.0.1:0"\ncertificate = "mesh.pem"\nkey = "mesh.key"\n[[peers]]'
    text = NODE.replace("http://127.0.0.1:9002", "https://10.0.0.2:9002").replace("[[peers]]", mesh)
    text += 'certificate = "peer.pem"\n'
    assert old in text
    refused(run("run", text.replace(old, new, 1)), reason)


def one_that_vouches() -> bytes:
    """A certificate of an authority."""
    name, now = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "authority")]), datetime.now(UTC)
    key = ec.generate_private_key(ec.SECP256R1())
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(1))
    made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    return made.sign(key, SHA256()).public_bytes(Encoding.PEM)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("[[operators]]\nurl", "[[operator]]\nurl", "operators is missing"),
        ("site = 65537", "site = 1", "meters[1].site is 1"),
        ("[[meters]]", f'[[operators]]\nsigner = "{ADDRESS}"\n[[meters]]', "there is no broker; add a table [broker]"),
        ("[[meters]]", "[[operators]]\n[[meters]]", "operators[2]: give either url, for HTTP, or signer"),
        ('9001"', '9001"\ncertificate = "a.pem"', "a certificate goes with a url that begins with https://"),
        ("site = 65537", "site = 131072", "131072 is no site id"),
        ("[[meters]]", '[[operators]]\nurl = "http://127.0.0.1:9001/"\n[[meters]]', "is named twice"),
        (
            'deployment = "deployment.json"',
            'deployment = "deployment.json"\nclock = "chain"',
            'clock = "chain" needs rpc',
        ),
        ('kind = "csv"', 'kind = "tea leaves"', "meters[1].source.kind is 'tea leaves'"),
        ('kind = "csv"', "", "meters[1].source.kind is None"),
        ('path = "homes.csv"', 'path = "nowhere.csv"', "cannot be read as CSV"),
        ('load = "load_1"', 'load = "load_2"', "has no column 'load_2'"),
        ('password_env = "NODE_TEST_PASSWORD"', 'password_file = "homes.csv"', "wrong password"),
    ],
)
def test_gateway__mistake_in_configuration__one_sentence(
    run: Callable[..., Result], old: str, new: str, reason: str
) -> None:
    assert old in GATEWAY
    refused(run("gateway", GATEWAY.replace(old, new, 1)), reason)


def test_config__file_missing__one_sentence(folder: Path) -> None:
    result = CliRunner(mix_stderr=False).invoke(main, ["run", "--config", str(folder / "nowhere.toml")])
    refused(result, "nowhere.toml: cannot be read")


def test_keys__new_then_show__same_address_and_only_the_owner_reads_it(folder: Path) -> None:
    path = folder / "new.json"
    arguments = [
        "keys",
        "new",
        str(path),
        "--password-file",
        str(folder / "password.txt"),
        "--iterations",
        "2",
    ]
    made = CliRunner(mix_stderr=False).invoke(main, arguments)
    assert made.exit_code == 0, made.output
    shown = CliRunner(mix_stderr=False).invoke(main, ["keys", "show", str(path)])
    assert shown.stdout == made.stdout
    assert path.stat().st_mode & 0o777 == 0o600
    assert keys.load(path, PASSWORD).secret.hex() not in path.read_text()
    with pytest.raises(keys.KeyRefused, match="wrong password"):
        keys.load(path, "guess")


def test_keys__initial_vector_with_a_leading_zero__opens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One keystore in 256 is written so; eth_keyfile drops the zero."""
    monkeypatch.setattr("eth_keyfile.keyfile.Random.get_random_bytes", lambda size: b"\0" + b"7" * (size - 1))
    path = write_keystore(tmp_path / "key.json", b"k" * 32)
    assert len(json.loads(path.read_text())["crypto"]["cipherparams"]["iv"]) == 30
    assert keys.load(path, PASSWORD).secret == b"k" * 32


def test_keys__file_there_already__kept(folder: Path) -> None:
    before = (folder / "signer.json").read_text()
    arguments = ["keys", "new", str(folder / "signer.json"), "--password-env", "NODE_TEST_PASSWORD"]
    refused(CliRunner(mix_stderr=False).invoke(main, arguments), "exists already; choose another name")
    assert (folder / "signer.json").read_text() == before


def test_status__chain_away__one_sentence(run: Callable[..., Result]) -> None:
    refused(run("status", NODE), "127.0.0.1:1")


def test_register__stake_is_no_number__one_sentence(run: Callable[..., Result], folder: Path) -> None:
    owner = ["--owner", str(folder / "signer.json"), "--owner-password-env", "NODE_TEST_PASSWORD"]
    refused(run("register", NODE, *owner, "--stake", "much"), "'much' is not an amount of NET8")


@pytest.mark.parametrize("kdf", ["pbkdf2", "scrypt"])
def test_keys__keystore_of_another_program__opens_with_its_password_alone(folder: Path, kdf: str) -> None:
    content = eth_keyfile.create_keyfile_json(b"\x07" * 32, PASSWORD.encode(), kdf=kdf, iterations=2)
    (folder / "theirs.json").write_text(json.dumps(content))
    assert keys.load(folder / "theirs.json", PASSWORD).secret == b"\x07" * 32
    with pytest.raises(keys.KeyRefused, match="wrong password"):
        keys.load(folder / "theirs.json", "guess")


@pytest.mark.parametrize(
    ("part", "value", "reason"),
    [
        ("ciphertext", "zz", "is damaged"),
        ("cipher", "aes-256-cbc", "is no version 3 keystore"),
        ("kdfparams", {}, "is no version 3 keystore"),
        ("mac", "00" * 32, "wrong password"),
        ("cipherparams", {"iv": "00"}, "is damaged"),
    ],
)
def test_keys__keystore_damaged__one_sentence(folder: Path, part: str, value: object, reason: str) -> None:
    content = json.loads((folder / "signer.json").read_text())
    content["crypto"][part] = value
    (folder / "damaged.json").write_text(json.dumps(content))
    with pytest.raises(keys.KeyRefused, match=reason):
        keys.load(folder / "damaged.json", PASSWORD)
