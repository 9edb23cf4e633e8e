"""All contracts on a chain, wired as in production, made without ape: tests of the SDK need no more."""

import json
from pathlib import Path
from typing import Any

from eth_abi.abi import encode
from eth_account.signers.local import LocalAccount
from net8 import abi
from net8.client import Chain
from net8.contracts import Call, Contracts
from net8.deployment import ContractRecord, Deployment
from net8.signing import keccak256

from tests.compiled import compile_all, creation_code

ROOT = Path(__file__).parents[2]
MIN_STAKE = 1_000 * 10**18  # wei
ISSUER = "NET8"
ENERGY_PER_NET8 = 10_000  # Wh
DAILY_CAP = 1_000 * 10**18  # wei of NET8 created against production
COVERAGE_FLOOR = 1_000_000  # millionths
EURO_PRICE = 3_000_000  # euro units of six decimals per NET8


def source_of(name: str) -> str:
    """Where a contract's source lies below contracts/."""
    return "local/TestEuro" if name == "TestEuro" else name


def create(chain: Chain, account: LocalAccount, name: str, *arguments: Any) -> ContractRecord:
    """Deploy one contract."""
    constructor = next((item for item in abi.raw(name) if item["type"] == "constructor"), {"inputs": []})
    encoded = encode([part["type"] for part in constructor["inputs"]], arguments)
    transaction = {
        "chainId": 31337,
        "nonce": int(chain.request("eth_getTransactionCount", [account.address, "latest"]), 16),
        "data": bytes.fromhex(creation_code(source_of(name))[2:]) + encoded,
        "gas": 16_000_000,
        "maxFeePerGas": 10**10,
        "maxPriorityFeePerGas": 10**9,
        "value": 0,
    }
    signed = account.sign_transaction(transaction)
    receipt = chain.request("eth_sendRawTransactionSync", ["0x" + bytes(signed.raw_transaction).hex()])
    assert receipt["status"] == "0x1", f"{name} was not deployed"
    address = receipt["contractAddress"]
    code = bytes.fromhex(chain.request("eth_getCode", [address, "latest"])[2:])
    return ContractRecord(
        address=address,
        block=int(receipt["blockNumber"], 16),
        args=list(arguments),
        code_hash="0x" + keccak256(code).hex(),
    )


def deploy_all(chain: Chain, owner: LocalAccount, registrar: str) -> Deployment:
    """Deploy and wire everything; `owner` keeps the contracts."""
    compile_all(map(source_of, abi.CONTRACT_NAMES))
    net8 = create(chain, owner, "NET8")
    euro = create(chain, owner, "TestEuro", 6)
    grid = create(chain, owner, "GridRegistry")
    exchange = create(chain, owner, "EnergyExchange", net8.address, grid.address)
    lens = create(chain, owner, "ExchangeLens", exchange.address)
    registry = create(chain, owner, "OracleRegistry", net8.address, exchange.address, MIN_STAKE)
    court = create(chain, owner, "OracleCourt", registry.address)
    desk = create(chain, owner, "TradingDesk", exchange.address)
    certificates = create(chain, owner, "GreenCertificates", exchange.address, registrar, ISSUER)
    records = create(chain, owner, "MeterRecords", registry.address, certificates.address)
    tokens = net8.address, euro.address, certificates.address
    reserve = create(chain, owner, "Reserve", *tokens, EURO_PRICE, ENERGY_PER_NET8, DAILY_CAP, COVERAGE_FLOOR)
    deployment = Deployment(
        chain_id=31337,
        owner=owner.address,
        contracts={
            "NET8": net8,
            "Euro": euro,
            "Reserve": reserve,
            "GridRegistry": grid,
            "EnergyExchange": exchange,
            "ExchangeLens": lens,
            "OracleRegistry": registry,
            "OracleCourt": court,
            "TradingDesk": desk,
            "GreenCertificates": certificates,
            "MeterRecords": records,
        },
    )
    contracts = Contracts.of(deployment)
    wiring: list[Call[None]] = [
        contracts.token.set_minter(reserve.address),
        contracts.grid.connect(exchange.address, registry.address, desk.address),
        contracts.registry.connect(court.address),
        contracts.certificates.connect(records.address),
    ]
    sender = chain.sender(owner)
    for call in wiring:
        sender.send(call)
    return deployment


def as_json(deployment: Deployment) -> str:
    """As the deployment file has it."""
    return json.dumps(deployment.model_dump())
