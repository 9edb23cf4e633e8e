"""Frames of meters, written down from the standards: an encoder for each format, independent of what decodes it."""

import json
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

__all__ = ["MADE", "dsmr", "fronius", "homewizard", "mbus", "ocmf", "public_key", "shelly", "sml", "sunspec", "tasmota"]


def _crc16(octets: bytes, polynomial: int, start: int, end: int) -> int:
    """A reflected CRC of 16 bits."""
    crc = start
    for octet in octets:
        crc ^= octet
        for _ in range(8):
            crc = crc >> 1 ^ (polynomial if crc & 1 else 0)
    return crc ^ end


# --- DSMR P1 ---------------------------------------------------------------------------------------------------------


def dsmr(
    time: int | None = 1_700_000_000, imported: tuple[int, int] = (4_426, 2_399), exported: tuple[int, int] = (2_444, 0)
) -> bytes:
    """A telegram of version 5; of version 3, without time and checksum, when `time` is None. Registers in Wh."""
    lines = [r"/NET5\made-for-tests", ""]
    if time is not None:
        local = datetime.fromtimestamp(time, ZoneInfo("Europe/Amsterdam"))
        lines += ["1-3:0.2.8(50)", f"0-0:1.0.0({local:%y%m%d%H%M%S}{'S' if local.dst() else 'W'})"]
    lines += ["0-0:96.1.1(4530303331)"]
    for code, registers in (("1.8", imported), ("2.8", exported)):
        lines += [f"1-0:{code}.{tariff}({wh / 1000:010.3f}*kWh)" for tariff, wh in enumerate(registers, start=1)]
    lines += ["0-0:96.14.0(0002)", "1-0:1.7.0(00.244*kW)", "1-0:2.7.0(00.500*kW)", "0-0:96.13.0()", "!"]
    telegram = "\r\n".join(lines).encode()
    checksum = b"" if time is None else f"{_crc16(telegram, 0xA001, 0, 0):04X}".encode()
    return telegram + checksum + b"\r\n"


# --- SML -------------------------------------------------------------------------------------------------------------


def _octets(value: bytes) -> bytes:
    if len(value) < 15:
        return bytes([len(value) + 1]) + value
    length = len(value) + 2
    return bytes([0x80 | length >> 4, length & 0xF]) + value


def _unsigned(value: int, size: int) -> bytes:
    return bytes([0x60 | size + 1]) + value.to_bytes(size, "big")


def _signed(value: int, size: int) -> bytes:
    return bytes([0x50 | size + 1]) + value.to_bytes(size, "big", signed=True)


def _list(*items: bytes) -> bytes:
    return bytes([0x70 | len(items)]) + b"".join(items)


_NONE = b"\x01"


def _message(number: int, tag: int, body: bytes) -> bytes:
    """An SML message with its checksum."""
    start = b"\x76" + _octets(number.to_bytes(4, "big")) + _unsigned(0, 1) + _unsigned(0, 1)
    start += _list(_unsigned(tag, 2), body)
    return start + b"\x63" + _crc16(start, 0x8408, 0xFFFF, 0xFFFF).to_bytes(2, "little") + b"\x00"


def _entry(
    obis: tuple[int, ...], value: bytes, unit: int | None = None, scaler: int = 0, status: bytes = _NONE
) -> bytes:
    return _list(
        _octets(bytes((*obis, 255))),
        status,
        _NONE,
        _NONE if unit is None else _unsigned(unit, 1),
        _NONE if unit is None else _signed(scaler, 1),
        value,
        _NONE,
    )


def sml(
    imported: int | bytes = 1_234_567, exported: int | bytes | None = 89_012, power: bytes | None = None, **others: Any
) -> bytes:
    """A frame as German meters send it. Registers in tenths of a Wh, or already encoded; power in W, encoded."""
    serial: bytes = others.get("serial", b"\x0a\x01ISK\x00\x04\x7a\x55\x44")
    time: bytes = others.get("time", _list(_unsigned(1, 1), _unsigned(123_456, 4)))
    status = _unsigned(others["status"], 4) if "status" in others else _NONE
    entries = [_entry((1, 0, 96, 1, 0), _octets(serial))]
    entries.append(
        _entry((1, 0, 1, 8, 0), imported if isinstance(imported, bytes) else _unsigned(imported, 8), 30, -1, status)
    )
    if exported is not None:
        entries.append(
            _entry((1, 0, 2, 8, 0), exported if isinstance(exported, bytes) else _unsigned(exported, 8), 30, -1)
        )
    entries.append(_entry((1, 0, 16, 7, 0), power or _signed(-321, 2), 27))
    server = _octets(b"\x0a\x01ISK\x00\x04\x7a\x55\x44")
    content = _message(1, 0x0101, _list(_NONE, _NONE, _octets(b"\x01\x02"), server, _NONE, _NONE))
    content += _message(2, 0x0701, _list(_NONE, server, _NONE, time, _list(*entries), _NONE, _NONE))
    content += _message(3, 0x0201, _list(_NONE))
    padding = -len(content) % 4
    frame = b"\x1b\x1b\x1b\x1b\x01\x01\x01\x01" + content.replace(b"\x1b" * 4, b"\x1b" * 8) + b"\x00" * padding
    frame += b"\x1b\x1b\x1b\x1b\x1a" + bytes([padding])
    return frame + _crc16(frame, 0x8408, 0xFFFF, 0xFFFF).to_bytes(2, "little")


def sml_unsigned(value: int, size: int) -> bytes:
    """A number as SML writes one without sign."""
    return _unsigned(value, size)


def sml_signed(value: int, size: int) -> bytes:
    """A number as SML writes one with a sign."""
    return _signed(value, size)


def sml_timestamp(time: int) -> bytes:
    """A point in time, unix seconds."""
    return _list(_unsigned(2, 1), _unsigned(time, 4))


# --- M-Bus -----------------------------------------------------------------------------------------------------------


def mbus(*records: bytes, address: int = 5, medium: int = 2, status: int = 0) -> bytes:
    """A RSP_UD frame of meter 12345678 of manufacturer NET with these data records."""
    header = bytes.fromhex("78563412") + (0x38B4).to_bytes(2, "little") + bytes([1, medium, 7, status, 0, 0])
    body = bytes([0x08, address, 0x72]) + header + b"".join(records)
    return bytes([0x68, len(body), len(body), 0x68]) + body + bytes([sum(body) % 256, 0x16])


def mbus_energy(value: int, *, unit: int = 0, tariff: int = 0, extensions: bytes = b"") -> bytes:
    """An energy register in Wh as a 32-bit integer."""
    extended = b"\x04"
    if unit or tariff:  # two extensions (DIFE), of which each has two bits of the tariff and one of the unit
        extended = bytes([0x84, 0x80 | (tariff & 3) << 4 | (unit & 1) << 6, tariff >> 2 << 4 | unit >> 1 << 6])
    vif = bytes([0x83 if extensions else 0x03]) + extensions
    return extended + vif + value.to_bytes(4, "little", signed=True)


# --- JSON ------------------------------------------------------------------------------------------------------------


def homewizard(imported: int = 122_376, exported: int = 579_813) -> bytes:
    """An answer of a kWh meter; registers in Wh."""
    content = {"unique_id": "HW31", "total_power_import_kwh": imported / 1000, "active_power_w": -45.252}
    return json.dumps(content | {"total_power_export_kwh": exported / 1000}).encode()


def fronius(imported: int = 1_234_567, exported: int = 7_654_321, time: int = 1_700_000_000, place: int = 0) -> bytes:
    """An answer of the Solar API; registers in Wh."""
    data = {
        "Details": {"Manufacturer": "Fronius", "Model": "Smart Meter 63A", "Serial": "15480258"},
        "EnergyReal_WAC_Sum_Consumed": imported,
        "EnergyReal_WAC_Sum_Produced": exported,
        "Meter_Location_Current": place,
        "PowerReal_P_Sum": -18.9,
        "TimeStamp": time,
    }
    return json.dumps({"Body": {"Data": data}, "Head": {"Status": {"Code": 0, "Reason": ""}}}).encode()


def tasmota(imported: float = 1.2345, exported: float = 0.25) -> bytes:
    """An answer to Status 10; registers in kWh."""
    energy = {"Total": imported, "ExportActive": exported, "Power": 12}
    return json.dumps({"StatusSNS": {"Time": "2026-05-01T12:00:00", "ENERGY": energy}}).encode()


def shelly(imported: float = 1_234.56, exported: float = 78.9, time: int | None = 1_700_000_000) -> bytes:
    """An answer to Shelly.GetStatus of a three-phase meter; registers in Wh."""
    result = {
        "em:0": {"id": 0, "total_act_power": -12.4},
        "emdata:0": {"id": 0, "total_act": imported, "total_act_ret": exported},
        "sys": {"mac": "A0B1C2D3E4F5", "unixtime": time},
    }
    return json.dumps({"id": 1, "src": "shellypro3em-a0b1c2d3e4f5", "dst": "x", "result": result}).encode()


def sunspec(imported: int = 7_890, exported: int = 123_456) -> bytes:
    """A device with a three-phase meter in the JSON form of the SunSpec tools; registers in tens of Wh."""
    common = {"ID": 1, "L": 66, "Mn": "NET8", "Md": "meter", "SN": "SN-31"}
    meter = {"ID": 203, "L": 105, "TotWhImp": imported, "TotWhExp": exported, "TotWh_SF": 1, "W": -31, "W_SF": 1}
    return json.dumps({"models": [common, meter, {"ID": 65535, "L": 0}]}).encode()


# --- OCMF ------------------------------------------------------------------------------------------------------------


def public_key(key: ec.EllipticCurvePrivateKey) -> str:
    """DER in hexadecimal digits."""
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.DER, form).hex()


def ocmf(
    key: ec.EllipticCurvePrivateKey,
    imported: str = "12.3456",
    exported: str = "0.789",
    time: int = 1_700_000_000,
    *,
    high_s: bool = False,
    page: str = "T7",
    **changes: str,
) -> bytes:
    """A record with both registers in kWh, signed; with the higher of the two possible s when asked for."""
    stamp = datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%dT%H:%M:%S,000+0000 S")
    shared = {"TM": stamp, "TX": "C", "RU": "kWh", "RT": "AC", "EF": "", "ST": "G"} | changes
    readings = [{**shared, "RI": "1-0:1.8.0", "RV": imported}, {**shared, "RI": "1-0:2.8.0", "RV": exported}]
    head = {"FV": "1.0", "GI": "gateway", "GS": "1", "PG": page, "MS": "MS31", "IS": False, "IT": "NONE", "ID": ""}
    payload = json.dumps({**head, "RD": readings})
    r, s = utils.decode_dss_signature(key.sign(payload.encode(), ec.ECDSA(hashes.SHA256())))
    order = {
        "secp256k1": 0xFFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFE_BAAEDCE6_AF48A03B_BFD25E8C_D0364141,
        "secp256r1": 0xFFFFFFFF_00000000_FFFFFFFF_FFFFFFFF_BCE6FAAD_A7179E84_F3B9CAC2_FC632551,
    }[key.curve.name]
    if high_s != (s > order // 2):
        s = order - s
    signature = {"SA": f"ECDSA-{key.curve.name}-SHA256", "SD": utils.encode_dss_signature(r, s).hex()}
    return f"OCMF|{payload}|{json.dumps(signature)}".encode()


# One whole frame of each format.
MADE: dict[str, bytes] = {
    "dsmr": dsmr(),
    "fronius": fronius(),
    "homewizard": homewizard(),
    "mbus": mbus(mbus_energy(1_234), mbus_energy(56, unit=1)),
    "ocmf": ocmf(ec.derive_private_key(31, ec.SECP256K1())),
    "shelly": shelly(),
    "sml": sml(),
    "sunspec": sunspec(),
    "tasmota": tasmota(),
}
