"""Where a certificate comes from and who used it: from the indexer, else what the app has seen of the chain itself."""

from dataclasses import dataclass

from net8 import abi
from net8.model import Outcome
from net8.packing import certificate_of
from net8.units import slots_of_hour

from net8_web import indexer
from net8_web.feed import View
from net8_web.indexer import IndexerUnusable, Retired, SettledSlot
from net8_web.market import Market

__all__ = ["Provenance", "number_of", "provenance_of", "round_of"]

_MOST_ID = 2**80  # a site of 48 bits and an hour of 32
_REPORTS = (("OracleRegistry", 5), ("MeterRecords", 6))  # contracts that take reports, and how many arguments


@dataclass(frozen=True, slots=True)
class Provenance:
    """The settled slots of a certificate's hour by slot, and its retirements."""

    slots: dict[int, SettledSlot]
    used: list[Retired]
    reason: str | None  # why the indexer was of no use: then nobody knows which operators signed


def number_of(text: str | None) -> int | None:
    """A certificate's id from the text of an address; None where it is none."""
    if text is None or not (text.isascii() and text.isdigit() and len(text) <= len(str(_MOST_ID))):
        return None
    number = int(text)
    return number if 2**32 <= number < _MOST_ID else None


def provenance_of(view: View, certificate: int) -> Provenance:
    """All that is known of a certificate beyond the contract's own view of it."""
    try:
        url = indexer.require_current(view.settings.indexer, view.head.number)
        slots, used = indexer.settled_slots(url, certificate), indexer.retirements(url, certificate)
        return Provenance({one.slot: one for one in slots}, used, None)
    except IndexerUnusable as fault:
        return Provenance(_seen_slots(view.market, certificate), _seen_uses(view.market, certificate), str(fault))


def _seen_slots(market: Market, certificate: int) -> dict[int, SettledSlot]:
    site, hour = certificate_of(certificate)
    of_hour = slots_of_hour(hour)
    return {
        slot: SettledSlot(
            slot,
            reading[0] if reading else 0,
            Outcome.NO_READING if reading is None else Outcome.METERED,
            payment.at.time,
            payment.at.tx.removeprefix("0x"),
            [],
        )
        for payment in market.payments_of(site)
        for slot, reading in payment.readings.items()
        if slot in of_hour
    }


def _seen_uses(market: Market, certificate: int) -> list[Retired]:
    return [
        Retired(one.at.time, one.account, one.wh, one.beneficiary, one.purpose, one.at.tx.removeprefix("0x"))
        for one in reversed(market.retirements)
        if (one.site, one.hour) == certificate_of(certificate)
    ]


def round_of(view: View, tx: str) -> int | None:
    """The round of the report that a transaction (without 0x) submitted; None where another contract passed it on."""

    def ask() -> int | None:
        sent = view.chain.request("eth_getTransactionByHash", [f"0x{tx}"])
        calldata = bytes.fromhex(sent["input"].removeprefix("0x")) if sent else b""
        for contract, count in _REPORTS:
            given = abi.load(contract).function("report", count).arguments(calldata)
            if given is not None:
                return int(given[1])
        return None

    return view.memo(("round of", tx), ask)
