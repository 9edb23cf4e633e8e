"""A meter that signs by itself: OCMF records (Open Charge Metering Format), fetched by HTTP or from a file.

Records are read and their signatures checked by pyocmf; a signature counts only under the key that was given,
never under one that comes with the record. A high s is as good as a low one: about half of all meters' have it.
"""

import asyncio
import warnings
from typing import Any, ClassVar

from pydantic import model_validator
from pyocmf import OCMF
from pyocmf.exceptions import CryptoError, PyOCMFError, SpecWarning
from pyocmf.models.public_key import PublicKey
from pyocmf.registries.obis import parse_obis

from net8_oracle.gateway.http_json import HttpOptions, fetch
from net8_oracle.gateway.state import CLOCK_NOT_SET, FrameRefused, MeterState, SourceFault, decoder, whole
from net8_oracle.settings import ConfigRefused, FilePath, Url
from net8_oracle.wire import LARGEST_RECORD

__all__ = ["OcmfMeter", "Options", "decode", "public_key"]

LARGEST = 64 * 1024  # bytes
_DIRECTIONS = {0x01: "import", 0xB0: "import", 0x02: "export", 0xC0: "export"}  # C of the OBIS code: as at the mains
_CUMULATIVE = (0x00, 0x0E)  # E of the OBIS code: all tariffs; some write the letter
_WHOLE_LIFE = (None, 0x00, 0xFF, 0x255)  # F: not that of one transaction only; 255 is written in either base
_WH = {"Wh": 1, "kWh": 1000}


class Options(HttpOptions):
    """Where the newest record is found: `url`, or `path` of a file whose last line it is."""

    url: Url | None = None
    path: FilePath | None = None
    public_key: str | None = None  # DER, as hexadecimal digits or base64; with it only signed records are taken

    @model_validator(mode="after")
    def _one_way(self) -> "Options":
        if (self.url is None) == (self.path is None):
            raise ValueError("give either url or path, where the meter's newest record is found")
        return self


def public_key(text: str) -> PublicKey:
    """A meter's public key, from DER in hexadecimal digits or base64.

    Raises:
        ConfigRefused: it is none.
    """
    try:
        return PublicKey.from_string(text)
    except (PyOCMFError, ValueError):
        raise ConfigRefused(
            "the public key is no elliptic curve key in DER; give its hexadecimal digits or base64"
        ) from None


def _registers(readings: list[Any]) -> dict[str, int]:
    """The last value of each register, in Wh; energy of a single transaction is none."""
    found: dict[str, int] = {}
    for reading in readings:
        extra = reading.model_extra or {}  # some vendors put the life-long register beside that of the transaction
        for code, value, unit in (
            (reading.RI, reading.RV, reading.RU),
            (extra.get("XI"), extra.get("XV"), extra.get("XU")),
        ):
            groups = parse_obis(str(code)) if code is not None else None
            if groups is None or groups.a != 1 or groups.d != 8 or groups.c not in _DIRECTIONS:
                continue
            if groups.e in _CUMULATIVE and groups.f in _WHOLE_LIFE and value is not None:
                if str(unit) not in _WH:
                    raise FrameRefused(f"{code} is in {unit}, which is no energy; this meter cannot be settled")
                found[_DIRECTIONS[groups.c]] = whole(str(code), value, _WH[str(unit)])
    return found


def _problems(record: OCMF, key: PublicKey | None, signed: bool, why: str) -> list[str]:
    last = record.payload.RD[-1]
    problems = []
    if key is not None and not signed:
        problems.append(f"the signature does not verify under the given key{why}")
    if last.ST is not None and str(last.ST) != "G":
        problems.append(f"the meter's status is {last.ST}, not G (good)")
    if "E" in (last.EF or ""):
        problems.append("the meter flags its energy as faulty")
    if "t" in (last.EF or "") or str(last.time_status) == "U":
        problems.append(CLOCK_NOT_SET)
    return problems


@decoder("ocmf", LARGEST)
def decode(raw: bytes, key: PublicKey | None = None) -> MeterState:
    """The registers of one record `OCMF|payload|signature`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SpecWarning)  # what meters write beside the standard harms nobody here
        record = OCMF.from_string(raw.decode("utf-8"))
    if not record.payload.RD:
        raise FrameRefused("the record has no reading; fetch the next one")
    registers = _registers(record.payload.RD)
    text = raw.decode("utf-8").strip()
    signed, why = False, ""
    if key is not None:
        try:
            signed = record.verify_signature(key)
        except CryptoError as fault:
            why = f" ({str(fault)[:120]})"
    return MeterState(
        time=int(record.payload.RD[-1].timestamp.timestamp()),
        import_wh=registers.get("import"),
        export_wh=registers.get("export"),
        serial=record.payload.MS or record.payload.GS,
        signed=signed,
        problems=tuple(_problems(record, key, signed, why)),
        record=text if signed and len(text) <= LARGEST_RECORD and text.isascii() and text.isprintable() else "",
    )


class OcmfMeter:
    """The newest record of a meter that signs."""

    replays: ClassVar[bool] = False

    def __init__(self, options: Options) -> None:
        """Checks the key.

        Raises:
            ConfigRefused: it is none.
        """
        self._options = options
        self._public = public_key(options.public_key) if options.public_key is not None else None

    def _newest_line(self) -> bytes:
        assert self._options.path is not None, "there is a path where there is no url"
        try:
            with self._options.path.open("rb") as file:
                file.seek(max(0, file.seek(0, 2) - LARGEST))
                lines = file.read().split(b"\n")[:-1]  # a line without its end is still being written
        except OSError as fault:
            raise SourceFault(
                f"{self._options.path} cannot be read ({fault.strerror}); check path and rights"
            ) from None
        return next((line for line in reversed(lines) if line.strip()), b"")

    async def read(self, boundary: int) -> MeterState:
        """The newest record."""
        if self._options.url is None:
            return decode(await asyncio.to_thread(self._newest_line), self._public)
        return decode(await fetch(self._options.url, self._options, LARGEST), self._public)

    async def close(self) -> None:
        """Nothing is held open."""
