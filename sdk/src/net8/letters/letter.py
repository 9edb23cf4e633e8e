"""A signed order or strip, to hand over, to check, and to bring in."""

from base64 import urlsafe_b64encode
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from net8.eip712 import Domain
from net8.letters.faults import Fault, LetterRefused
from net8.letters.forms import VERSION, Flag, OrderFields, OrderFile, StripFields, StripFile, check
from net8.letters.runs import runs
from net8.offers import NOBODY, Offer, Proof, Signed, SignedStrip, Strip
from net8.signing import Signature, SignatureRefused, recover

__all__ = ["Letter", "StripLetter"]

Terms = TypeVar("Terms", Offer, Strip)


@dataclass(frozen=True, slots=True)
class _Letter(Generic[Terms]):
    """Terms with what their owner's wallet answered; made by `read` from what others hand over."""

    domain: Domain  # of the desk for which it is signed
    offer: Terms
    signature: bytes  # of a key 65 or 64 bytes; of a contract wallet what it accepts; empty before it is signed
    by_wallet: bool = False  # signed by a contract wallet (ERC-1271) instead of a key

    # --- to hand over -----------------------------------------------------------------------------------------------

    @property
    def token(self) -> str:
        """The letter for an address: letters, digits, - and _."""
        has_taker = self.offer.taker != NOBODY
        is_strip = isinstance(self.offer, Strip)
        flags = Flag.TAKER * has_taker | Flag.WALLET * self.by_wallet | Flag.STRIP * is_strip
        body = bytes([VERSION, flags])
        body += self.domain.chain_id.to_bytes(8) + _raw(self.domain.contract) + _words(self.offer)
        body += _raw(self.offer.taker) if has_taker else b""
        body += self._compact
        return urlsafe_b64encode(body + check(body)).decode().rstrip("=")

    @property
    def _common_parts(self) -> dict[str, Any]:
        """Of its file, whatever it is a letter of."""
        return {
            "version": VERSION,
            "chain_id": self.domain.chain_id,
            "desk": self.domain.contract,
            "by_contract_wallet": self.by_wallet,
            "signature": "0x" + self._compact.hex(),
        }

    @property
    def _compact(self) -> bytes:
        """The signature; a key's in 64 bytes, so that the same letter always reads the same."""
        if self.by_wallet or not self.signature:
            return self.signature
        return b"".join(Signature.of_bytes(self.signature).compact)

    # --- to check ---------------------------------------------------------------------------------------------------

    def require_signed(self, domain: Domain, owner: str) -> None:
        """Check that the letter counts in a desk and that its terms are what the owner of its site signed.

        Of a contract wallet only the wallet itself can tell: the desk asks it, so a dry run must follow.

        Args:
            domain: of the desk.
            owner: of the offer's site, as the exchange knows him.

        Raises:
            LetterRefused: it does not count there, or he did not sign that.
        """
        if self.domain.chain_id != domain.chain_id:
            raise LetterRefused(Fault.OTHER_CHAIN, str(self.domain.chain_id))
        if self.domain.contract != domain.contract:
            raise LetterRefused(Fault.OTHER_DESK, self.domain.contract)
        if not self.by_wallet:
            try:
                signer = recover(self.offer.digest(domain), Signature.of_bytes(self.signature))
            except SignatureRefused:
                raise LetterRefused(Fault.NOT_SIGNED) from None
            if signer != owner:
                raise LetterRefused(Fault.NOT_SIGNED)

    # --- to bring in ------------------------------------------------------------------------------------------------

    @property
    def _key_signature(self) -> Signature | None:
        return None if self.by_wallet else Signature.of_bytes(self.signature)

    def proof(self, owner: str) -> Proof:
        """What calls of the desk take beside it; `owner` is the site's."""
        if self.by_wallet:
            return Proof(self.offer.taker, owner, self.signature)
        return Proof(self.offer.taker)


@dataclass(frozen=True, slots=True)
class Letter(_Letter[Offer]):
    """A signed order: one slot."""

    @property
    def json(self) -> str:
        """The letter as the text of a file."""
        order = OrderFields(**{name: getattr(self.offer, name) for name in OrderFields.model_fields})
        return OrderFile(net8="signed order", order=order, **self._common_parts).model_dump_json(indent=1)

    @property
    def signed(self) -> Signed:
        """The order as calls of the desk take it."""
        return self.offer.signed(self._key_signature)


@dataclass(frozen=True, slots=True)
class StripLetter(_Letter[Strip]):
    """A signed strip: up to 96 slots."""

    @property
    def json(self) -> str:
        """The letter as the text of a file."""
        strip = StripFields(**{name: getattr(self.offer, name) for name in StripFields.model_fields})
        return StripFile(net8="signed strip", strip=strip, **self._common_parts).model_dump_json(indent=1)

    @property
    def signed(self) -> SignedStrip:
        """The strip as calls of the desk take it."""
        return self.offer.signed(self._key_signature)


def _words(offer: Offer | Strip) -> bytes:
    if isinstance(offer, Strip):
        return offer.head.to_bytes(32) + runs(list(zip(offer.prices, offer.wh, strict=True)))
    return offer.pack().to_bytes(32)


def _raw(address: str) -> bytes:
    return bytes.fromhex(address[2:])
