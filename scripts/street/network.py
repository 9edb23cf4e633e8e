"""What the street runs on, each part a process of its own: chain, contracts, oracle nodes, gateways,
indexer, web app."""

import sys
from collections.abc import Sequence
from pathlib import Path

from net8.signing import address_of
from net8.units import SLOT_SECONDS, slot_start

from scripts.street import accounts
from scripts.street.inputs import Home, write
from scripts.street.options import Options
from scripts.street.processes import HOST, Child, Processes, answers, choose_port
from scripts.street.rpc import Rpc, RpcFault
from scripts.street.run_folder import RunFolder
from scripts.street.settings_files import (
    Meter,
    Peer,
    delays_ms,
    gateway_settings,
    indexer_settings,
    node_settings,
    write_keystore,
)
from scripts.street.zone import RETAIL_EUR, Resident

__all__ = ["Network"]

BLOCK_GAS = 1_000_000_000  # two hundred orders of any size fit one block
START_AHEAD = 2 * SLOT_SECONDS + 3600  # seconds the chain begins before the first slot: room for setting up
_START = 4.0  # seconds of a core that a node's start takes, at most
_PROJECT = Path(__file__).resolve().parents[2]
_PROGRAMS = Path(sys.executable).parent


class Network:
    """Starts the parts; `Processes` stops them."""

    def __init__(self, options: Options, folder: RunFolder, processes: Processes) -> None:
        """Nothing is started yet, but the ports are known to be free.

        Raises:
            PortTaken: one of them is not.
        """
        self._options = options
        self._chain_port = choose_port(options.chain_port, "CHAIN_PORT")
        self._app_port = 0 if options.headless else choose_port(options.app_port, "APP_PORT")
        self.street_port = 0 if options.headless else choose_port(options.street_port, "STREET_PORT")
        self._indexer_port = 0 if options.headless else choose_port(options.indexer_port, "INDEXER_PORT")
        self._folder = folder
        self._processes = processes
        self._password = folder.password_file.read_text(encoding="utf-8").strip()
        self.rpc_url = ""
        self.deployment = folder.deployments / f"{accounts.LOCAL_CHAIN_ID}.json"
        self._nodes = [self._free_address() for _ in range(options.operators)]
        self._meshes = [self._free_address() for _ in range(options.operators)]

    @property
    def signers(self) -> list[str]:
        """Addresses with which the operators sign, in the order of their nodes."""
        return [address_of(accounts.signer_key(i)) for i in range(self._options.operators)]

    @property
    def node_urls(self) -> list[str]:
        """Where the oracle nodes listen."""
        return [f"http://{address}" for address in self._nodes]

    def stamps(self) -> list[Path]:
        """The nodes' files of time stamps."""
        return sorted(self._folder.stamps.glob("*.jsonl"))

    def _free_address(self) -> str:
        return f"{HOST}:{choose_port(0, '')}"

    # --- chain and contracts ----------------------------------------------------------------------------------------

    def start_chain(self) -> None:
        """A local chain whose clock stands shortly before the first slot.

        Raises:
            ChildDied: it could not be started.
        """
        port = self._chain_port
        self.rpc_url = f"http://{HOST}:{port}"
        begin = slot_start(self._options.first_slot) - START_AHEAD
        funded = accounts.development_accounts(self._options.operators)
        chain = self._processes.start(
            "chain",
            [
                str(_PROGRAMS / "anvil"), "--host", HOST, "--port", str(port), "--timestamp", str(begin), "--quiet",
                "--chain-id", str(accounts.LOCAL_CHAIN_ID), "--accounts", str(funded),
                "--mnemonic", accounts.MNEMONIC, "--gas-limit", str(BLOCK_GAS),
            ],
        )  # fmt: skip
        self._processes.wait_ready(chain, self._chain_answers)
        self._folder.note(rpc_url=self.rpc_url, chain_id=accounts.LOCAL_CHAIN_ID)

    def _chain_answers(self) -> bool:
        rpc = Rpc(self.rpc_url)
        try:
            return int(rpc.call("eth_chainId"), 16) == accounts.LOCAL_CHAIN_ID
        except RpcFault:
            return False
        finally:
            rpc.close()

    def deploy(self) -> None:
        """Deploy with the script that production uses.

        Raises:
            ChildDied: it failed.
        """
        self._processes.run(
            "deploy",
            [
                str(_PROGRAMS / "ape"), "run", "deploy", "--network", "ethereum:local:foundry",
                "--file", str(self.deployment),
            ],
            {"APE_FOUNDRY_HOST": self.rpc_url}, _PROJECT,
        )  # fmt: skip

    # --- oracles ----------------------------------------------------------------------------------------------------

    def start_nodes(self, zone: int) -> None:
        """The oracle nodes, each a process with keys of its own.

        Raises:
            ChildDied: one could not be started.
        """
        certificates = self._make_certificates()
        peers = [
            Peer(signer, f"https://{address}", certificate)
            for signer, address, certificate in zip(self.signers, self._meshes, certificates, strict=True)
        ]
        started = []
        for i, address in enumerate(self._nodes):
            signer, transmitter = self._folder.keys / f"signer-{i}.json", self._folder.keys / f"transmitter-{i}.json"
            write_keystore(signer, accounts.signer_key(i), self._password)
            payer = accounts.transmitter_account(i)
            write_keystore(transmitter, bytes(payer.key), self._password)
            settings = self._folder.nodes / f"node-{i}.toml"
            settings.write_text(
                node_settings(
                    listen=address, mesh=self._meshes[i], zone=zone, store=self._folder.nodes / f"node-{i}.sqlite",
                    stamps=self._folder.stamps / f"node-{i}.jsonl", deployment=self.deployment, rpc=self.rpc_url,
                    signer=signer, transmitter=transmitter, password_file=self._folder.password_file,
                    certificate=certificates[i], peers=peers,
                ),
                encoding="utf-8",
            )  # fmt: skip
            started.append(self._start_oracle(f"node-{i}", "run", settings))
        for child, url in zip(started, self.node_urls, strict=True):
            self._wait_healthy(child, url)
        self._folder.note(nodes=self.node_urls)

    def _make_certificates(self) -> list[Path]:
        """What the nodes show to each other; their keys lie beside them."""
        paths = [self._folder.keys / f"mesh-{i}.pem" for i in range(self._options.operators)]
        program = [str(_PROGRAMS / "net8-oracle"), "certificate", "new", "--password-file"]
        self._processes.run("certificates", [*program, str(self._folder.password_file), *map(str, paths)])
        return paths

    def start_gateway(self, name: str, inputs: Path, residents: Sequence[Resident]) -> None:
        """A gateway that reads the meters of some sites out of one file.

        Raises:
            ChildDied: it could not be started.
        """
        meters = []
        for delay_ms, resident in zip(delays_ms(self._options.spread_ms, len(residents)), residents, strict=True):
            keystore = self._folder.keys / f"meter-{resident.site}.json"
            write_keystore(keystore, accounts.meter_key(resident.meter), self._password)
            home = resident.home
            pv = None if home.pv is None else f"pv_{home.index}"
            meters.append(
                Meter(
                    resident.site, keystore, inputs.resolve(), f"load_{home.index}", pv, resident.first_row_slot,
                    delay_ms,
                )
            )  # fmt: skip
        address = self._free_address()
        settings = self._folder.gateways / f"{name}.toml"
        settings.write_text(
            gateway_settings(
                listen=address, store=self._folder.gateways / f"{name}.sqlite", deployment=self.deployment,
                rpc=self.rpc_url, password_file=self._folder.password_file, operators=self.node_urls, meters=meters,
            ),
            encoding="utf-8",
        )  # fmt: skip
        self._wait_healthy(self._start_oracle(name, "gateway", settings), f"http://{address}")

    def write_inputs(self, name: str, homes: Sequence[Home]) -> Path:
        """Homes' data as a file that a gateway reads."""
        path = self._folder.gateways / f"{name}.csv"
        write(path, homes)
        return path

    def _start_oracle(self, name: str, command: str, settings: Path) -> Child:
        return self._processes.start(name, [str(_PROGRAMS / "net8-oracle"), command, "--config", str(settings)])

    def _wait_healthy(self, child: Child, url: str) -> None:
        patience = 60.0 + _START * self._options.operators
        self._processes.wait_ready(child, lambda: answers(f"{url}/healthz"), patience)

    # --- indexer ----------------------------------------------------------------------------------------------------

    def start_indexer(self) -> str:
        """The indexer; the address of its HTTP API.

        Raises:
            ChildDied: it could not be started.
        """
        address = f"{HOST}:{self._indexer_port}"
        settings = self._folder.indexer / "indexer.toml"
        settings.write_text(
            indexer_settings(
                listen=address, database=self._folder.indexer / "net8.sqlite", deployment=self.deployment,
                rpc=self.rpc_url,
            ),
            encoding="utf-8",
        )  # fmt: skip
        command = [str(_PROGRAMS / "net8-indexer"), "run", "--config", str(settings)]
        url = f"http://{address}/api"
        self._processes.wait_ready(self._processes.start("indexer", command), lambda: answers(f"{url}/health"))
        self._folder.note(indexer_url=url)
        return url

    # --- web app ----------------------------------------------------------------------------------------------------

    def start_app(self, street_url: str, indexer_url: str) -> str:
        """The web app; the address to open.

        Raises:
            ChildDied: it could not be started.
        """
        port = self._app_port
        app = self._processes.start(
            "app",
            [
                str(_PROGRAMS / "net8-web"), "--server.port", str(port), "--server.address", HOST,
                "--server.headless", "true", "--browser.gatherUsageStats", "false",
            ],
            {
                "NET8_RPC_URL": self.rpc_url, "NET8_DEPLOYMENT": str(self.deployment), "NET8_STREET_URL": street_url,
                "NET8_NODES": ",".join(self.node_urls), "NET8_INDEXER": indexer_url, "NET8_RETAIL_EUR": RETAIL_EUR,
            },
        )  # fmt: skip
        url = f"http://{HOST}:{port}"
        self._processes.wait_ready(app, lambda: answers(f"{url}/_stcore/health"))
        self._folder.note(app_url=url)
        return url
