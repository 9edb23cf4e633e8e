"""An owner's signed consent to the registration of a site, as text that one person hands to another."""

import json
from dataclasses import asdict, dataclass
from typing import Self

from net8.eip712 import SiteConsent
from net8.model import Technology
from net8.signing import SignatureRefused, checksum_address

from net8_web.amounts import Unusable
from net8_web.i18n import t

__all__ = ["Signed"]

_NUMBERS = ("zone", "technology", "nameplate", "nonce", "deadline")
_ADDRESSES = ("owner", "meter_key")
_SIGNATURE_BYTES = 65  # at most, a contract wallet's included
_LONGEST = 2_000  # characters


@dataclass(frozen=True, slots=True)
class Signed:
    """A consent with its signature."""

    consent: SiteConsent
    signature: bytes

    def text(self) -> str:
        """What the owner hands to the grid operator."""
        return json.dumps(asdict(self.consent) | {"signature": "0x" + self.signature.hex()}, indent=1)

    @classmethod
    def of_text(cls, text: str) -> Self:
        """What the grid operator was handed.

        Raises:
            Unusable: the text is no consent, or a part of it is missing or wrong; the sentence names the part.
        """
        try:
            content = json.loads(text[:_LONGEST])
        except (ValueError, RecursionError):
            content = None
        if not isinstance(content, dict):
            raise Unusable(t("consent.no_consent"))
        values: dict[str, object] = {}
        for name in _NUMBERS:
            value = content.get(name)
            if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**256:
                raise Unusable(t("consent.bad_part", name=name))
            values[name] = value
        for name in _ADDRESSES:
            try:
                values[name] = checksum_address(str(content.get(name)))
            except SignatureRefused:
                raise Unusable(t("consent.bad_part", name=name)) from None
        if values["technology"] not in set(Technology):
            raise Unusable(t("consent.bad_part", name="technology"))
        try:
            signature = bytes.fromhex(str(content.get("signature")).removeprefix("0x"))
        except ValueError:
            signature = b""
        if not 0 < len(signature) <= _SIGNATURE_BYTES:
            raise Unusable(t("consent.bad_part", name="signature"))
        return cls(SiteConsent(**values), signature)  # type: ignore[arg-type]  # checked above, by name
