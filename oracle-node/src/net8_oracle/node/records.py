"""Records that meters sign by themselves (OCMF), as the MeterRecords contract takes them.

The contract does not search: it is told where in the JSON each key stands, and checks that it does.
"""

import base64
import hashlib
import json
import re
from datetime import datetime
from decimal import Decimal

from coincurve import PublicKey
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from net8.model import MeterCurve, MeterKey, MeterRecord

__all__ = ["RecordRefused", "meter_record", "shown"]

LARGEST = 1024  # bytes of JSON that the contract takes
_EXPORT = re.compile(r"0?1-\w{1,2}:(?:0?2|C0)\.0?8\.(?:00?|0?e)(?:[.*](?:FF|255|00?))?", re.IGNORECASE)
_OF_A_REGISTER = ("RV", "RI", "RU", "ST")


class RecordRefused(ValueError):
    """A record that confirms nothing. One sentence."""


def meter_record(site: int, text: str, key: MeterKey) -> MeterRecord:
    """The export register of a record `OCMF|payload|signature` that the site's meter signed with `key`.

    Raises:
        RecordRefused: it is no such record, has no export register in full, or another key signed it.
    """
    parts = text.strip().split("|")
    if len(parts) != 3 or parts[0] != "OCMF":
        raise RecordRefused(f"site {site}: no OCMF record of two parts; check what the meter sends")
    payload = parts[1].encode()
    if len(payload) > LARGEST:
        raise RecordRefused(f"site {site}: record of {len(payload)} bytes, the contract takes {LARGEST}")
    try:
        r, s = utils.decode_dss_signature(_der(json.loads(parts[2])))
        places = _places(payload.decode("latin-1"))  # one character for each byte
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as fault:
        raise RecordRefused(f"site {site}: record not understood ({str(fault)[:120]})") from None
    return MeterRecord(site, payload, places, r, s, _parity(site, payload, r, s, key))


def shown(record: MeterRecord) -> tuple[int, int]:
    """(unix time, Wh exported) that a record says.

    Raises:
        RecordRefused: it says neither as OCMF has it.
    """
    payload = record.json.decode("latin-1")
    _, taken_at, energy, _, unit, _ = (_text(payload, place) for place in record.places)
    try:
        moment = datetime.strptime(taken_at[:-2], "%Y-%m-%dT%H:%M:%S,%f%z")
        return int(moment.timestamp()), int(Decimal(energy.strip()) * {"Wh": 1, "kWh": 1000}[unit])
    except (ValueError, KeyError, ArithmeticError) as fault:
        raise RecordRefused(f"site {record.site}: record not understood ({str(fault)[:120]})") from None


def _text(payload: str, place: int) -> str:
    """The value of the key that stands at a place, as text."""
    found = re.compile(r'"\w\w"\s*:\s*(?:"([^"]*)"|([\d.]+))').match(payload, place)
    return "" if found is None else found[1] if found[1] is not None else found[2]


def _der(signature: dict[str, str]) -> bytes:
    """The signature in DER, which is written in hexadecimal digits unless SE says base64."""
    if signature.get("SE") == "base64":
        return base64.b64decode(signature["SD"], validate=True)
    return bytes.fromhex(signature["SD"])


def _places(payload: str) -> tuple[int, int, int, int, int, int]:
    """Where PG, and TM, RV, RI, RU, ST of the last export register stand."""
    start = re.search(r'"RD"\s*:\s*\[', payload)
    if start is None:
        raise ValueError("no readings")
    decoder, at, time, found = json.JSONDecoder(), start.end(), None, None
    while (opening := payload.find("{", at)) >= 0:
        if payload[at:opening].strip(" ,\n\r\t"):
            break  # the list of readings has ended
        reading, at = decoder.raw_decode(payload, opening)
        if "TM" in reading:
            time = _place(payload, "TM", opening, at)
        if time is not None and set(_OF_A_REGISTER) <= reading.keys() and _EXPORT.fullmatch(str(reading["RI"])):
            found = (time, *(_place(payload, name, opening, at) for name in _OF_A_REGISTER))
    if found is None:
        raise ValueError("no export register with its time, unit and status")
    time_at, value, code, unit, status = found
    return _place(payload, "PG", 0, len(payload)), time_at, value, code, unit, status


def _place(payload: str, name: str, start: int, end: int) -> int:
    found = re.compile(rf'"{name}"\s*:').search(payload, start, end)
    if found is None:
        raise ValueError(f"no {name}")
    return found.start()


def _parity(site: int, payload: bytes, r: int, s: int, key: MeterKey) -> int:
    """Parity that makes the signature recover to a key of secp256k1; 0 for one of secp256r1, which needs none."""
    refused = RecordRefused(f"site {site}: the record's signature is not by the key that the chain has of its meter")
    if key.curve is MeterCurve.SECP256R1:
        public = ec.EllipticCurvePublicNumbers(int.from_bytes(key.x), int.from_bytes(key.y), ec.SECP256R1())
        try:
            public.public_key().verify(utils.encode_dss_signature(r, s), payload, ec.ECDSA(hashes.SHA256()))
        except (InvalidSignature, ValueError):
            raise refused from None
        return 0
    digest = hashlib.sha256(payload).digest()
    for parity in (0, 1):
        try:
            signer = PublicKey.from_signature_and_message(
                r.to_bytes(32) + s.to_bytes(32) + bytes([parity]), digest, hasher=None
            )
        except (ValueError, OverflowError):
            continue
        if signer.format(compressed=False)[1:] == key.x + key.y:
            return parity
    raise refused
