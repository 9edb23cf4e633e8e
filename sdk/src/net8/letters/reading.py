"""Letters as others hand them over: links, tokens, files. Nothing in them is taken on trust."""

import json
import re
from base64 import urlsafe_b64decode
from urllib.parse import parse_qs, urlsplit

from pydantic import ValidationError

from net8.eip712 import desk_domain
from net8.letters.faults import Fault, LetterRefused
from net8.letters.forms import CHECK_BYTES, VERSION, WALLET_SIGNATURE_MAX, Flag, OrderFile, StripFile, check
from net8.letters.letter import Letter, StripLetter
from net8.letters.runs import of_runs
from net8.offers import NOBODY, Offer, Strip
from net8.packing import WordRefused
from net8.signing import Signature, SignatureRefused, checksum_address

__all__ = ["LONGEST", "read"]

LONGEST = 8_000  # characters of a link or a file; 96 slots and the largest wallet's signature make about 5,000
_BEFORE_TERMS, _WORD, _ADDRESS = 30, 32, 20  # bytes of a token
_PART = re.compile(r"[a-z0-9_.]{1,40}")  # a name of ours; others are not repeated, whoever wrote them
_TOKEN = re.compile(r"[A-Za-z0-9_-]+")


def read(text: str) -> Letter | StripLetter:
    """The letter in a link, a token, or the text of a file. Who signed it is not looked at.

    Raises:
        LetterRefused: there is none in it, it is not whole, or a part of it cannot be.
    """
    given = text.strip()
    if len(given) > LONGEST:
        raise LetterRefused(Fault.TOO_LONG)
    return _of_file(given) if given.startswith("{") else _of_token(_token_in(given))


# --- links and tokens -----------------------------------------------------------------------------------------------


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


def _of_token(token: str) -> Letter | StripLetter:
    try:
        content = urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except ValueError:
        raise LetterRefused(Fault.TORN) from None
    body, told = content[:-CHECK_BYTES], content[-CHECK_BYTES:]
    if told != check(body):
        raise LetterRefused(Fault.TORN)
    if len(body) < _BEFORE_TERMS + _WORD or body[0] != VERSION or body[1] > sum(Flag):
        raise LetterRefused(Fault.NO_LETTER)
    flags, desk = Flag(body[1]), checksum_address(body[10:_BEFORE_TERMS])
    try:
        offer, signature = _offer_and_signature(flags, body[_BEFORE_TERMS:])
    except ValueError:
        raise LetterRefused(Fault.BAD_PART, "strip" if Flag.STRIP in flags else "order") from None
    return _letter(int.from_bytes(body[2:10]), desk, offer, signature, Flag.WALLET in flags)


def _offer_and_signature(flags: Flag, given: bytes) -> tuple[Offer | Strip, bytes]:
    """Raises ValueError: nobody can have signed such terms."""
    word, rest = int.from_bytes(given[:_WORD]), given[_WORD:]
    if Flag.STRIP in flags:
        legs, rest = of_runs(rest, Strip.slots_in(word))
        taker, signature = _taker_and_signature(flags, rest)
        return Strip.unpack(word, legs, taker), signature
    taker, signature = _taker_and_signature(flags, rest)
    return Offer.unpack(word, taker), signature


def _taker_and_signature(flags: Flag, rest: bytes) -> tuple[str, bytes]:
    if Flag.TAKER not in flags:
        return NOBODY, rest
    return checksum_address(rest[:_ADDRESS].ljust(_ADDRESS, b"\0")), rest[_ADDRESS:]


# --- files ----------------------------------------------------------------------------------------------------------


def _of_file(text: str) -> Letter | StripLetter:
    try:
        content = (StripFile if _says_strip(text) else OrderFile).model_validate_json(text)
    except ValidationError as fault:
        where = fault.errors(include_url=False, include_input=False)[0]["loc"]
        if not where:
            raise LetterRefused(Fault.NO_LETTER) from None
        part = ".".join(map(str, where))
        raise LetterRefused(Fault.BAD_PART, part if _PART.fullmatch(part) else "file") from None
    try:
        offer = _offer_in(content)
    except WordRefused as fault:
        raise LetterRefused(Fault.BAD_PART, str(fault).partition(" is ")[0]) from None
    signature = bytes.fromhex(content.signature[2:])
    return _letter(content.chain_id, content.desk, offer, signature, content.by_contract_wallet)


def _offer_in(content: OrderFile | StripFile) -> Offer | Strip:
    """Raises WordRefused: a number is larger than the desk takes."""
    offer: Offer | Strip
    if isinstance(content, StripFile):
        offer = Strip(**content.strip.model_dump())
        offer.require_whole()
    else:
        offer = Offer(**content.order.model_dump())
        offer.pack()
    return offer


def _says_strip(text: str) -> bool:
    """Whether a file says that it is a strip's; one that says nothing is read as an order's."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(content, dict) and content.get("net8") == "signed strip"


def _letter(chain_id: int, desk: str, offer: Offer | Strip, signature: bytes, by_wallet: bool) -> Letter | StripLetter:
    if signature and not by_wallet:
        try:
            Signature.of_bytes(signature)
        except SignatureRefused:
            raise LetterRefused(Fault.BAD_PART, "signature") from None
    if len(signature) > WALLET_SIGNATURE_MAX:
        raise LetterRefused(Fault.BAD_PART, "signature")
    domain = desk_domain(chain_id, desk)
    if isinstance(offer, Strip):
        return StripLetter(domain, offer, signature, by_wallet)
    return Letter(domain, offer, signature, by_wallet)
