"""Gas of a report besides the settlement it brings: calldata, signatures, what is noted for rewards, the event.

A zone of 3f + 1 operators bears f dishonest ones and asks for 2f + 1 signatures. Settlement, which has rows of its own,
is the call to the exchange: what the chain's trace says it used, and the 2,600 gas of calling an account for the first
time.
"""

from typing import Any, TypeVar

from eth_account import Account
from eth_account.signers.local import LocalAccount
from net8.contracts import Call
from net8.eip712 import Report, SiteConsent
from net8.events import Event, OperatorRegistered, SiteRegistered, ZoneCreated, decode_all
from net8.model import Technology
from net8.packing import Entry, pack_entries
from net8.signing import keccak256, sign
from net8.units import WEI_PER_NET8

from bench.site import FOREVER, GAS, TERMS, Zone

__all__ = ["measure"]

E = TypeVar("E", bound=Event)

COLD_ACCOUNT = 2_600  # gas (EIP-2929)
# Operators of the zone by row; 11 of 16 are as many signatures as Chainlink's OCR2 takes for f = 10.
SIZES = {
    "report_5_of_7_signatures": 7,
    "report_11_signatures": 16,
    "report_f1": 4,
    "report_f3": 10,
    "report_f10": 31,
}


def measure(zone: Zone) -> dict[str, dict[str, int]]:
    """Gas by row: of a zone's first report, and of its second."""
    most = max(SIZES.values())
    signers = [Account.from_key(keccak256(f"signer {number} of the bench".encode())) for number in range(most)]
    ids = _register(zone, signers)
    rows = {}
    for row, size in SIZES.items():
        number, index = _open(zone, ids[:size])
        hour = zone.now() // 3600
        zone.move_to((hour + 1) * 3600)
        first, second = (
            _besides_settlement(zone, number, signers[:size], Entry(hour, index, {place: (1, 0)})) for place in (0, 1)
        )
        rows[row] = {"virgin": first, "recycled": second}
    return rows


def _receipt(zone: Zone, call: Call[int], sender: str) -> dict[str, Any]:
    transaction = {
        "from": sender, "to": call.to, "data": "0x" + call.data.hex(), "gas": hex(GAS), "gasPrice": "0x0",
    }  # fmt: skip
    receipt: dict[str, Any] = zone.chain.request("eth_sendTransactionSync", [transaction])
    if receipt["status"] != "0x1":
        zone.chain.read(call, sender=sender)  # raises the reason in words
    return receipt


def _logged(zone: Zone, call: Call[int], sender: str, kind: type[E]) -> E:
    """The event of one kind that a call logs."""
    logs = decode_all(_receipt(zone, call, sender)["logs"])
    return next(one.event for one in logs if isinstance(one.event, kind))


def _register(zone: Zone, signers: list[LocalAccount]) -> list[int]:
    """Operators with a stake each; their ids."""
    to = zone.contracts
    stake = zone.chain.read(to.registry.min_stake())
    euros = len(signers) * stake * zone.chain.read(to.reserve.price()) // WEI_PER_NET8
    for call in (
        to.euro.mint(zone.owner, euros),
        to.euro.approve(to.reserve.address, euros),
        to.reserve.mint(euros, zone.owner),
        to.token.approve(to.registry.address, len(signers) * stake),
    ):
        zone.send(zone.owner, call)
    calls = [to.registry.register(signer.address, stake) for signer in signers]
    return [_logged(zone, call, zone.owner, OperatorRegistered).id for call in calls]


def _open(zone: Zone, ids: list[int]) -> tuple[int, int]:
    """A zone with these operators and one site: its number, and the site's index."""
    to, holder, key = zone.contracts, zone.owners[0], zone.owner_key(1)
    number = _logged(zone, to.grid.create_zone(zone.grid_operator, TERMS, 1), zone.owner, ZoneCreated).zone
    for identifier in ids:
        zone.send(zone.owner, to.registry.admit(number, identifier))
    nonce = zone.chain.read(to.grid.consent_nonce(holder))
    consent = SiteConsent(number, holder, int(Technology.SOLAR), 25_000, holder, nonce, FOREVER)
    signature = sign(key, consent.digest(zone.deployment.grid_domain))
    call = to.grid.register_site(number, holder, Technology.SOLAR, 25_000, holder, FOREVER, signature)
    return number, _logged(zone, call, zone.grid_operator, SiteRegistered).site & 0xFFFF


def _besides_settlement(zone: Zone, number: int, signers: list[LocalAccount], entry: Entry) -> int:
    """Gas of a report that settles one slot of one site, without the call to the exchange."""
    words = pack_entries([entry])
    digest = Report(number, 0, tuple(words)).digest(zone.deployment.registry_domain)
    quorum = 2 * len(signers) // 3 + 1
    signatures = {seat: sign(bytes(signer.key), digest) for seat, signer in enumerate(signers[:quorum])}
    receipt = _receipt(zone, zone.contracts.registry.report(number, 0, words, signatures), zone.owners[0])
    trace = zone.chain.request("debug_traceTransaction", [receipt["transactionHash"], {"tracer": "callTracer"}])
    exchange = zone.contracts.exchange.address.lower()
    (settlement,) = [inner for inner in trace["calls"] if inner["to"].lower() == exchange]
    return int(receipt["gasUsed"], 16) - int(settlement["gasUsed"], 16) - COLD_ACCOUNT
