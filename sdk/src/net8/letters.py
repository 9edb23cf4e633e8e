"""A signed order as it passes from hand to hand: as a token in a link, or as the text of a file.

    letter = Letter(deployment.desk_domain, offer, signature)
    link = f"https://app.example/offer?o={letter.token}"
    letter = read(link)                              # or a file's text; refused when it is torn or no letter at all
    letter.require_signed(deployment.desk_domain, owner)
    sender.send(contracts.desk.accept_signed(letter.signed, letter.proof, site, wh))

Whoever hands a letter on may be anybody: `read` takes nothing on trust, and only `require_signed` says that its terms
are those the site's owner signed.

Token, base64 for addresses: version 1 | flags 1 (1 taker, 2 contract wallet) | chain id 8 | desk 20 | order's word 32 |
taker 20 where flagged | signature | first 4 bytes of the hash of all that.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Literal
from urllib.parse import parse_qs, urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from net8.deployment import Address
from net8.eip712 import Domain, desk_domain
from net8.offers import NOBODY, Offer, Proof, Signed
from net8.packing import WordRefused
from net8.signing import Signature, SignatureRefused, checksum_address, keccak256, recover

__all__ = ["LONGEST", "Fault", "Letter", "LetterRefused", "read"]

LONGEST = 4_000  # characters of a link or a file; the largest wallet's signature makes about 1,500
_VERSION = 1
_TAKER, _WALLET = 1, 2
_CHECK_BYTES = 4
_WALLET_SIGNATURE_MAX = 512  # bytes
_PART = re.compile(r"[a-z0-9_.]{1,40}")  # a name of ours; others are not repeated, whoever wrote them
_TOKEN = re.compile(r"[A-Za-z0-9_-]+")


class Fault(StrEnum):
    """What is wrong with a letter."""

    TOO_LONG = "too_long"
    NO_LETTER = "no_letter"
    TORN = "torn"
    BAD_PART = "bad_part"
    OTHER_CHAIN = "other_chain"
    OTHER_DESK = "other_desk"
    NOT_SIGNED = "not_signed"


_SENTENCES = {
    Fault.TOO_LONG: "that is too long for a signed order; give the link or the file as it was handed to you",
    Fault.NO_LETTER: "that is no signed order; give the whole link, or the whole text of the file",
    Fault.TORN: "the signed order is not whole; copy the link or the file again",
    Fault.BAD_PART: "the part '{part}' of the signed order is missing or wrong; ask for it again",
    Fault.OTHER_CHAIN: "the signed order counts on chain {part}, not on this one",
    Fault.OTHER_DESK: "the signed order is for another contract, {part}; do not take it here",
    Fault.NOT_SIGNED: "these terms are not what the site's owner signed; ask the owner for the order again",
}


class LetterRefused(ValueError):
    """A letter that cannot be used. The message says what is wrong and what to do."""

    def __init__(self, fault: Fault, part: str = "") -> None:
        """Args: fault: what is wrong. part: of the letter, or the chain or contract that it names."""
        self.fault = fault
        self.part = part
        super().__init__(_SENTENCES[fault].format(part=part))


Whole = Annotated[int, Field(ge=0, lt=2**64)]


class _Order(BaseModel):
    """An order in a file; the same names as in what a wallet shows."""

    model_config = ConfigDict(extra="forbid", strict=True)

    site: Whole
    sell: bool
    slot: Whole
    price: Whole
    wh: Whole
    nonce: Whole
    expiry: Whole
    taker: Address
    relay_fee: Whole


class _File(BaseModel):
    """A letter in a file."""

    model_config = ConfigDict(extra="forbid", strict=True)

    net8: Literal["signed order"]
    version: Literal[1]
    chain_id: Whole
    desk: Address
    order: _Order
    by_contract_wallet: bool
    signature: Annotated[str, Field(pattern=r"^0x([0-9a-fA-F]{2})*$", max_length=2 + 2 * _WALLET_SIGNATURE_MAX)]


@dataclass(frozen=True, slots=True)
class Letter:
    """An order with what its owner's wallet answered; made by `read` from what others hand over."""

    domain: Domain  # of the desk for which it is signed
    offer: Offer
    signature: bytes  # of a key 65 or 64 bytes; of a contract wallet what it accepts; empty before it is signed
    by_wallet: bool = False  # signed by a contract wallet (ERC-1271) instead of a key

    # --- to hand over -----------------------------------------------------------------------------------------------

    @property
    def token(self) -> str:
        """The letter for an address: letters, digits, - and _."""
        has_taker = self.offer.taker != NOBODY
        body = bytes([_VERSION, _TAKER * has_taker | _WALLET * self.by_wallet])
        body += self.domain.chain_id.to_bytes(8) + _raw(self.domain.contract) + self.offer.pack().to_bytes(32)
        body += _raw(self.offer.taker) if has_taker else b""
        body += self._compact
        return urlsafe_b64encode(body + _check(body)).decode().rstrip("=")

    @property
    def json(self) -> str:
        """The letter as the text of a file."""
        names = _Order.model_fields
        content = _File(
            net8="signed order",
            version=1,
            chain_id=self.domain.chain_id,
            desk=self.domain.contract,
            order=_Order(**{name: getattr(self.offer, name) for name in names}),
            by_contract_wallet=self.by_wallet,
            signature="0x" + self._compact.hex(),
        )
        return content.model_dump_json(indent=1)

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
    def signed(self) -> Signed:
        """The order as calls of the desk take it."""
        return self.offer.signed(None if self.by_wallet else Signature.of_bytes(self.signature))

    def proof(self, owner: str) -> Proof:
        """What calls of the desk take beside it; `owner` is the site's."""
        if self.by_wallet:
            return Proof(self.offer.taker, owner, self.signature)
        return Proof(self.offer.taker)


def _raw(address: str) -> bytes:
    return bytes.fromhex(address[2:])


def _check(body: bytes) -> bytes:
    return keccak256(body)[:_CHECK_BYTES]


def read(text: str) -> Letter:
    """The letter in a link, a token, or the text of a file. Who signed it is not looked at.

    Raises:
        LetterRefused: there is none in it, it is not whole, or a part of it cannot be.
    """
    given = text.strip()
    if len(given) > LONGEST:
        raise LetterRefused(Fault.TOO_LONG)
    return _of_file(given) if given.startswith("{") else _of_token(_token_in(given))


def _token_in(text: str) -> str:
    """The token of a link, or the text itself."""
    try:
        linked = parse_qs(urlsplit(text).query).get("o")
    except ValueError:  # an address that is none, such as one with half a bracket
        raise LetterRefused(Fault.NO_LETTER) from None
    token = linked[0] if linked else text
    if not _TOKEN.fullmatch(token):
        raise LetterRefused(Fault.NO_LETTER)
    return token


def _of_token(token: str) -> Letter:
    try:
        content = urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except ValueError:
        raise LetterRefused(Fault.TORN) from None
    body, check = content[:-_CHECK_BYTES], content[-_CHECK_BYTES:]
    if check != _check(body):
        raise LetterRefused(Fault.TORN)
    if len(body) < 62 or body[0] != _VERSION or body[1] > _TAKER | _WALLET:
        raise LetterRefused(Fault.NO_LETTER)
    rest = body[62:]
    taker = NOBODY
    if body[1] & _TAKER:
        taker, rest = checksum_address(rest[:20].ljust(20, b"\0")), rest[20:]
    offer = _offer(int.from_bytes(body[30:62]), taker)
    return _letter(int.from_bytes(body[2:10]), checksum_address(body[10:30]), offer, rest, bool(body[1] & _WALLET))


def _of_file(text: str) -> Letter:
    try:
        content = _File.model_validate_json(text)
    except ValidationError as fault:
        where = fault.errors(include_url=False, include_input=False)[0]["loc"]
        if not where:
            raise LetterRefused(Fault.NO_LETTER) from None
        part = ".".join(map(str, where))
        raise LetterRefused(Fault.BAD_PART, part if _PART.fullmatch(part) else "file") from None
    offer = Offer(**content.order.model_dump())
    try:
        offer.pack()
    except WordRefused as fault:
        raise LetterRefused(Fault.BAD_PART, str(fault).partition(" is ")[0]) from None
    signature = bytes.fromhex(content.signature[2:])
    return _letter(content.chain_id, content.desk, offer, signature, content.by_contract_wallet)


def _offer(word: int, taker: str) -> Offer:
    try:
        return Offer.unpack(word, taker)
    except WordRefused:
        raise LetterRefused(Fault.BAD_PART, "order") from None


def _letter(chain_id: int, desk: str, offer: Offer, signature: bytes, by_wallet: bool) -> Letter:
    if signature and not by_wallet:
        try:
            Signature.of_bytes(signature)
        except SignatureRefused:
            raise LetterRefused(Fault.BAD_PART, "signature") from None
    if len(signature) > _WALLET_SIGNATURE_MAX:
        raise LetterRefused(Fault.BAD_PART, "signature")
    return Letter(desk_domain(chain_id, desk), offer, signature, by_wallet)
