# pragma version 0.4.3
# pragma optimize gas
# pragma nonreentrancy on
"""
@title Oracle court: what a lie costs
@license AGPL-3.0-only
@notice Takes stake from operators of the OracleRegistry who signed what cannot be true.
@dev Read it module by module:
       purse         what the court owes
       equivocation  two statements of one operator that contradict each other: proved, no vote
     Invariants, after every call:
     1. NET8 held = what is owed, but for gifts sent past the functions here, which count for nothing.
     2. Only who signed two contradictory statements for the same zone and round loses everything without a vote; who
        never signs two different things for the same zone, slot, part and round cannot be caught.
     Immutable and without an owner.
"""

from .oracle import equivocation
from .oracle import purse

initializes: purse
initializes: equivocation[purse := purse]

exports: (
    purse.__interface__,
    equivocation.__interface__,
)


@deploy
def __init__(registry: address):
    """
    @param registry The OracleRegistry; it must name this contract its court afterwards.
    """
    purse.__init__(registry)
    equivocation.__init__()
