"""What can be wrong with a letter, in sentences."""

from enum import StrEnum

__all__ = ["Fault", "LetterRefused"]


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
