"""Signed orders as they pass from hand to hand: as a token in a link, or as the text of a file.

    letter = Letter(deployment.desk_domain, offer, signature)      # or StripLetter, of a strip
    link = f"https://app.example/offer?o={letter.token}"
    letter = read(link)                              # or a file's text; refused when it is torn or no letter at all
    letter.require_signed(deployment.desk_domain, owner)
    sender.send(contracts.desk.accept_signed(letter.signed, letter.proof(owner), site, wh))

Whoever hands a letter on may be anybody: `read` takes nothing on trust, and only `require_signed` says that its terms
are those the site's owner signed.
"""

from net8.letters.faults import Fault, LetterRefused
from net8.letters.letter import Letter, StripLetter
from net8.letters.reading import LONGEST, read

__all__ = ["LONGEST", "Fault", "Letter", "LetterRefused", "StripLetter", "read"]
