# pragma version 0.4.3
# pragma optimize gas
# pragma nonreentrancy on
"""
@title Oracle court: what a lie or silence costs
@license AGPL-3.0-only
@notice Takes stake from operators of the OracleRegistry who signed what cannot be true, what others find to be false, or
        nothing where they had to sign.
@dev Read it module by module:
       purse         what the court owes
       equivocation  two statements of one operator that contradict each other: proved, no vote
       disputes      a settled reading that is said to be false: voted on by operators of other zones
       silence       a slot that nobody reported; and how much value the stakes of a zone secure
     Invariants, after every call:
     1. NET8 held = what is owed + bonds of open disputes + what was taken in them + what voters have not claimed, but for
        gifts sent past the functions here, which count for nothing.
     2. Only who signed two contradictory statements for the same zone and round loses everything without a vote; who
        never signs two different things for the same zone, slot, part and round cannot be caught.
     3. In a dispute only who signed a report with the reading in question can lose stake, once in each tier, and no
        more than the tier's share; nobody votes on himself, or on a zone he has sat in since the slot ended.
     4. Of all bonds posted in a dispute, those of the side that was right go back in full; the others are lost.
     5. Silence is charged once for a zone and slot that is late, and once for each site's sales, to those who sat in the
        zone when the slot ended; never where a report settled anything, nor where nothing was traded.
     Immutable and without an owner.
"""

from .oracle import disputes
from .oracle import equivocation
from .oracle import purse
from .oracle import silence

initializes: purse
initializes: equivocation[purse := purse]
initializes: disputes[purse := purse]
initializes: silence[purse := purse]

exports: (
    purse.__interface__,
    equivocation.__interface__,
    disputes.__interface__,
    silence.__interface__,
)


@deploy
def __init__(registry: address):
    """
    @param registry The OracleRegistry; it must name this contract its court afterwards.
    """
    purse.__init__(registry)
    equivocation.__init__()
    disputes.__init__()
    silence.__init__()
