# pragma version 0.4.3
# pragma optimize gas
# pragma nonreentrancy on
"""
@title Disputes
@license AGPL-3.0-only
@notice Anyone may dispute a settled reading with a bond. Operators of other zones vote, by stake. Who is found to have
        signed a false reading loses 1, 5 or 100 % of his stake, as the tier says that was asked for; who loses the vote
        loses his bond. The site that was harmed is paid first out of what was taken.
@dev A dispute names its accused by their signatures under a report, so nothing has to be stored when a report settles.
     What the chain cannot tell for that reason is left to those who vote, and the event names the report for them: one
     that never settled, whose reading may look the same here, does not convict who signed it.
     A round lasts three days; within a day after it the losing side may ask for another with twice the bond, twice at
     most. A round in which less than a third of the stake that may vote has voted decides nothing: the first one ends
     the dispute without a loser, a later one leaves what was decided before.
     Who is accused keeps his stake where it is until the end. What the registry's window does not let the court take at
     once is taken by another `execute` in the next.
     The payments of a settlement are final: a dispute moves stake, not positions.
"""

from ..exchange import position_words
from ..interfaces import IEnergyExchange
from ..interfaces import IOracleRegistry
from . import messages
from . import purse

uses: purse

# @dev Seconds after a slot in which its reading may be disputed: reports may be late by 7 days, then there are 3 to look.
DISPUTE_WINDOW: public(constant(uint256)) = 10 * 86_400
VOTE_PERIOD: public(constant(uint256)) = 3 * 86_400  # seconds
APPEAL_PERIOD: public(constant(uint256)) = 86_400  # seconds
ROUNDS: constant(uint256) = 3
TIERS: constant(uint256) = 3
SHARES: constant(uint256[TIERS]) = [1, 5, 100]  # hundredths of a stake: careless, negligent, fraudulent
TURNOUT: constant(uint256) = 3  # a third of the stake that may vote
REWARD_SHARE: constant(uint256) = 5  # a fifth of what is left after the site was paid; the rest is destroyed

GRAIN: constant(uint256) = 10**11  # wei
MASK_24: constant(uint256) = 2**24 - 1
MASK_16: constant(uint256) = 2**16 - 1
UNREAD: constant(uint256) = 1 << 48

# What has become of a dispute.
VOTING: constant(uint256) = 1  # or waiting for an appeal or for `execute`
SENTENCED: constant(uint256) = 2  # upheld; some of it is still to be taken
UPHELD: constant(uint256) = 3
REJECTED: constant(uint256) = 4
UNDECIDED: constant(uint256) = 5


struct Dispute:
    site: uint256
    slot: uint256
    tier: uint256  # 0, 1, 2: 1, 5, 100 hundredths
    truth: uint256  # as disputed: no reading 1 bit (48) | import 24 | export 24, in Wh
    claim: uint256  # wei for the owner of the site, out of what is taken
    state: uint256
    round: uint256  # from 0
    ends_at: uint256  # unix time at which the present round's vote ends
    eligible: uint256  # wei of the stakes that may vote
    support: uint256  # wei that voted for it in the present round
    opposition: uint256  # wei that voted against
    standing: bool  # what the round before decided
    posters: address[ROUNDS]  # who posted the bond of each round
    sides: bool[ROUNDS]  # for what
    taken: uint256  # wei slashed so far
    voters_pot: uint256  # wei left for those who voted as it was decided
    voters_weight: uint256  # their stake, of those who have not been paid


# What opens a dispute.
struct Case:
    zone: uint256
    round: uint256  # of the report
    place: uint256  # of the entry in question, from 0
    slot: uint256  # in question, by its place in the hour, 0 to 3
    tier: uint256
    truth: uint256


event DisputeOpened:
    dispute: indexed(uint256)
    site: indexed(uint256)
    opener: indexed(address)
    slot: uint256
    tier: uint256
    truth: uint256
    claim: uint256  # wei
    report: bytes32  # keccak256 of the entries, as `Reported` names those that settled
    accused: DynArray[uint256, messages.MAX_OPERATORS]


event Voted:
    dispute: indexed(uint256)
    id: indexed(uint256)
    round: uint256
    uphold: bool
    weight: uint256  # wei


event Appealed:
    dispute: indexed(uint256)
    appellant: indexed(address)
    round: uint256
    uphold: bool
    bond: uint256  # wei


event DisputeEnded:
    dispute: indexed(uint256)
    state: uint256
    taken: uint256  # wei
    compensation: uint256  # wei to the site's owner


# @dev Disputes so far; numbers run from 1.
dispute_count: public(uint256)
disputes: HashMap[uint256, Dispute]
_accused: HashMap[uint256, DynArray[uint256, messages.MAX_OPERATORS]]  # dispute -> ids
_dues: HashMap[uint256, DynArray[uint256, messages.MAX_OPERATORS]]  # dispute -> wei still to be taken of each

# @dev dispute -> round -> operator -> stake voted with << 1 | uphold; 0 for who has not voted or was paid.
ballots: HashMap[uint256, HashMap[uint256, HashMap[uint256, uint256]]]

# @dev site << 32 | slot -> operator -> highest tier he was accused in, + 1.
_tried: HashMap[uint256, HashMap[uint256, uint256]]


@deploy
def __init__():
    pass


@external
def open_dispute(
    case: Case,
    entries: Bytes[32 * messages.MAX_ENTRIES],
    signatures: DynArray[messages.Signature, messages.MAX_OPERATORS],
) -> uint256:
    """
    @notice Says that a settled reading is false, and that these operators signed it. Pulls `bond(tier, 0)` from the
            caller, which needs an allowance.
    @dev Nobody is accused of one reading twice, but in a higher tier. Whoever opens it, the site is paid first, and what
         for follows from the readings alone: nobody can take it by being first.
    @param case What is disputed. `truth` is what the reading ought to have been.
    @param entries Of the report.
    @param signatures Of those accused, under the report, in ascending order of their operators' ids.
    @return Number of the dispute.
    """
    entry: uint256 = self._entry_of(entries, case.place)
    assert case.zone >> 32 == 0, "zone: unknown"
    assert case.slot < 4, "dispute: no such slot"
    assert case.tier < TIERS, "dispute: no such tier"
    site: uint256 = case.zone << 16 | (entry >> 200) & MASK_16
    slot: uint256 = (entry >> 216) * 4 + case.slot
    assert block.timestamp < (slot + 1) * 900 + DISPUTE_WINDOW, "dispute: too late"
    claim: uint256 = self._claim(case, entry, site, slot)
    entries_hash: bytes32 = keccak256(entries)
    digest: bytes32 = keccak256(
        concat(
            x"1901",
            staticcall IOracleRegistry(purse.registry).DOMAIN_SEPARATOR(),
            messages._report(case.zone, case.round, entries_hash),
        )
    )
    accused: DynArray[uint256, messages.MAX_OPERATORS] = []
    before: uint256 = 0
    for signature: messages.Signature in signatures:
        id: uint256 = staticcall IOracleRegistry(purse.registry).operator_of_signer(messages._signer(digest, signature))
        assert id != 0, "dispute: no operator signed"
        assert id > before, "dispute: ids do not ascend"
        assert self._tried[site << 32 | slot][id] <= case.tier, "dispute: tried before"
        self._tried[site << 32 | slot][id] = case.tier + 1
        accused.append(id)
        before = id
    assert before != 0, "dispute: nobody accused"
    eligible: uint256 = self._eligible(case.zone, slot)
    assert eligible != 0, "dispute: nobody could vote"
    number: uint256 = self.dispute_count + 1
    self.dispute_count = number
    opened: Dispute = empty(Dispute)
    opened.site = site
    opened.slot = slot
    opened.tier = case.tier
    opened.truth = case.truth
    opened.claim = claim
    opened.state = VOTING
    opened.ends_at = block.timestamp + VOTE_PERIOD
    opened.eligible = eligible
    opened.posters[0] = msg.sender
    opened.sides[0] = True
    self.disputes[number] = opened
    self._accused[number] = accused
    log DisputeOpened(
        dispute=number,
        site=site,
        opener=msg.sender,
        slot=slot,
        tier=case.tier,
        truth=case.truth,
        claim=claim,
        report=entries_hash,
        accused=accused,
    )
    extcall IOracleRegistry(purse.registry).freeze(accused)
    purse._pull(self._bond(case.tier, 0))
    return number


@external
def vote(dispute: uint256, id: uint256, uphold: bool):
    """
    @notice Votes with an operator's stake. His owner key alone, and only who sits in a zone, has not sat in the one in
            question since the slot ended, and is not accused.
    """
    self._check_open(dispute)
    assert block.timestamp < self.disputes[dispute].ends_at, "dispute: vote is over"
    voter: IOracleRegistry.Operator = staticcall IOracleRegistry(purse.registry).operator(id)
    assert voter.owner == msg.sender, "operator: not yours"
    assert voter.zones != 0 and voter.unbonding_at == 0 and voter.stake != 0, "dispute: no vote"
    zone: uint256 = self.disputes[dispute].site >> 16
    assert (
        staticcall IOracleRegistry(purse.registry).seated_until(zone, id) < (self.disputes[dispute].slot + 1) * 900
    ), "dispute: of that zone"
    assert id not in self._accused[dispute], "dispute: accused"
    round: uint256 = self.disputes[dispute].round
    assert self.ballots[dispute][round][id] == 0, "dispute: voted already"
    self.ballots[dispute][round][id] = voter.stake << 1 | convert(uphold, uint256)
    if uphold:
        self.disputes[dispute].support += voter.stake
    else:
        self.disputes[dispute].opposition += voter.stake
    log Voted(dispute=dispute, id=id, round=round, uphold=uphold, weight=voter.stake)


@external
def appeal(dispute: uint256):
    """
    @notice Asks for another round, within a day after one that decided something. Anyone may pay for the side that lost;
            pulls twice the bond of the round before.
    """
    self._check_open(dispute)
    known: Dispute = self.disputes[dispute]
    assert block.timestamp >= known.ends_at, "dispute: vote goes on"
    assert block.timestamp < known.ends_at + APPEAL_PERIOD and known.round + 1 < ROUNDS, "dispute: no more appeals"
    assert self._has_turnout(known), "dispute: nothing decided"
    round: uint256 = known.round + 1
    upheld: bool = known.support > known.opposition
    bond: uint256 = self._bond(known.tier, round)
    self.disputes[dispute].round = round
    self.disputes[dispute].ends_at = block.timestamp + VOTE_PERIOD
    self.disputes[dispute].standing = upheld
    self.disputes[dispute].support = 0
    self.disputes[dispute].opposition = 0
    self.disputes[dispute].eligible = self._eligible(known.site >> 16, known.slot)
    self.disputes[dispute].posters[round] = msg.sender
    self.disputes[dispute].sides[round] = not upheld
    log Appealed(dispute=dispute, appellant=msg.sender, round=round, uphold=not upheld, bond=bond)
    purse._pull(bond)


@external
def execute(dispute: uint256) -> uint256:
    """
    @notice Carries out what was decided, once no appeal is possible any more. Anyone. Where the registry's window does
            not allow all of it, the rest is taken by another call in the next.
    @return State of the dispute: 2 some is still to be taken, 3 upheld, 4 rejected, 5 undecided.
    """
    known: Dispute = self.disputes[dispute]
    assert known.state == VOTING or known.state == SENTENCED, "dispute: not open"
    if known.state == VOTING:
        turnout: bool = self._has_turnout(known)
        waits: uint256 = APPEAL_PERIOD if turnout and known.round + 1 < ROUNDS else 0
        assert block.timestamp >= known.ends_at + waits, "dispute: not decided yet"
        if turnout:
            known.standing = known.support > known.opposition
        elif known.round == 0:
            return self._finish(dispute, known, UNDECIDED)
        if not known.standing:
            return self._finish(dispute, known, REJECTED)
        self.disputes[dispute].standing = True
        self.disputes[dispute].state = SENTENCED
        self._sentence(dispute, known.tier)
    if not self._take(dispute):
        return SENTENCED
    known.standing = True
    known.taken = self.disputes[dispute].taken
    return self._finish(dispute, known, UPHELD)


@external
def claim_vote(dispute: uint256, id: uint256) -> uint256:
    """
    @notice Notes what is due to an operator who voted in the last round as it was decided. Anyone; his owner collects it.
    @return Wei.
    """
    known: Dispute = self.disputes[dispute]
    ballot: uint256 = self.ballots[dispute][known.round][id]
    won: bool = known.state == UPHELD
    assert won or known.state == REJECTED, "dispute: not decided yet"
    assert ballot != 0 and (ballot & 1 == 1) == won, "dispute: nothing due"
    self.ballots[dispute][known.round][id] = 0
    # Who comes last gets what rounding has left, so nothing stays behind.
    due: uint256 = known.voters_pot * (ballot >> 1) // known.voters_weight
    self.disputes[dispute].voters_pot = known.voters_pot - due
    self.disputes[dispute].voters_weight = known.voters_weight - (ballot >> 1)
    purse._owe((staticcall IOracleRegistry(purse.registry).operator(id)).owner, due)
    return due


# ------------------------------------------------------------------
#                              views
# ------------------------------------------------------------------


@external
@view
def dispute(number: uint256) -> Dispute:
    """
    @notice A dispute; all zero when there is none of this number.
    """
    return self.disputes[number]


@external
@view
def accused(number: uint256) -> DynArray[uint256, messages.MAX_OPERATORS]:
    """
    @notice Operators who are accused in a dispute.
    """
    return self._accused[number]


@external
@view
def dues(number: uint256) -> DynArray[uint256, messages.MAX_OPERATORS]:
    """
    @notice Wei still to be taken from each of them.
    """
    return self._dues[number]


@external
@view
def bond(tier: uint256, round: uint256) -> uint256:
    """
    @notice Wei to be posted for a round: the tier's share of the least stake, and twice as much in each further round.
    """
    assert tier < TIERS, "dispute: no such tier"
    assert round < ROUNDS, "dispute: no more appeals"
    return self._bond(tier, round)


# ------------------------------------------------------------------
#                             internal
# ------------------------------------------------------------------


@internal
@view
def _claim(case: Case, entry: uint256, site: uint256, slot: uint256) -> uint256:
    """
    @notice Wei that a site can have lost by a reading: the imbalance price for each Wh of export that was left out, and
            the feed-in price for each Wh of import that was made up. Refuses an entry that is not what settled, and a
            truth that is no other.
    @dev Of what was imported the exchange keeps no more than was bought, so an entry may say more than that.
    """
    cell: uint256 = self._cell(site, slot)
    unread: uint256 = entry >> (196 + case.slot) & 1
    covered: bool = entry >> (192 + case.slot) & 1 == 1
    exported: uint256 = cell & MASK_24
    imported: uint256 = cell >> 24 & MASK_24
    settled: uint256 = position_words.NO_READING if unread == 1 else position_words.METERED
    said_exported: uint256 = (entry >> (48 * case.slot)) & MASK_24
    said_imported: uint256 = (entry >> (48 * case.slot + 24)) & MASK_24
    assert covered and cell >> 48 == position_words.SETTLED >> 48 | settled, "dispute: not what settled"
    assert unread == 1 or (said_exported == exported and said_imported >= imported), "dispute: not what settled"
    assert case.truth >> 49 == 0, "dispute: no such reading"
    truth_exported: uint256 = case.truth & MASK_24
    truth_imported: uint256 = case.truth >> 24 & MASK_24
    if case.truth & UNREAD != 0:
        assert unread == 0, "dispute: no other reading"
        return 0
    if unread == 0:
        assert truth_exported != exported or truth_imported != imported, "dispute: no other reading"
    rules: uint256 = staticcall IEnergyExchange(staticcall IOracleRegistry(purse.registry).exchange()).terms_word(
        case.zone << 32 | slot // 4
    )
    lost: uint256 = 0
    if truth_exported > exported:
        lost = (truth_exported - exported) * (rules >> 16 & MASK_16)
    if truth_imported < imported:
        lost += (imported - truth_imported) * (rules & MASK_16)
    return lost * GRAIN


@internal
@view
def _cell(site: uint256, slot: uint256) -> uint256:
    """
    @notice What the exchange holds of a site's slot.
    """
    word: uint256 = (
        staticcall IEnergyExchange(staticcall IOracleRegistry(purse.registry).exchange()).position_words_of(
            site, slot // 4, 1
        )
    )[0]
    return word >> position_words._offset(slot) & position_words.MASK_CELL


@internal
@pure
def _entry_of(entries: Bytes[32 * messages.MAX_ENTRIES], place: uint256) -> uint256:
    assert place < len(entries) // 32, "dispute: no such entry"
    return extract32(entries, place * 32, output_type=uint256)


@internal
@view
def _eligible(zone: uint256, slot: uint256) -> uint256:
    """
    @notice Wei of the stakes that may vote about a zone's slot: all that are seated, but those of who sits in the zone or
            did when the slot ended.
    """
    eligible: uint256 = staticcall IOracleRegistry(purse.registry).seated_stake()
    seated: DynArray[uint256, messages.MAX_OPERATORS] = staticcall IOracleRegistry(purse.registry).zone_operators(zone)
    for id: uint256 in seated:
        eligible -= (staticcall IOracleRegistry(purse.registry).operator(id)).stake
    for id: uint256 in staticcall IOracleRegistry(purse.registry).zone_operators_at(zone, (slot + 1) * 900 - 1):
        if id not in seated:
            left: IOracleRegistry.Operator = staticcall IOracleRegistry(purse.registry).operator(id)
            if left.zones != 0:
                eligible -= left.stake
    return eligible


@internal
@view
def _bond(tier: uint256, round: uint256) -> uint256:
    return staticcall IOracleRegistry(purse.registry).min_stake() * SHARES[tier] // 100 << round


@internal
@pure
def _has_turnout(known: Dispute) -> bool:
    return (known.support + known.opposition) * TURNOUT >= known.eligible


@internal
@view
def _check_open(dispute: uint256):
    assert self.disputes[dispute].state == VOTING, "dispute: not open"


@internal
def _sentence(dispute: uint256, tier: uint256):
    """
    @notice Notes what each accused has to lose: a share of what he has at stake now.
    """
    dues: DynArray[uint256, messages.MAX_OPERATORS] = []
    for id: uint256 in self._accused[dispute]:
        dues.append((staticcall IOracleRegistry(purse.registry).operator(id)).stake * SHARES[tier] // 100)
    self._dues[dispute] = dues


@internal
def _take(dispute: uint256) -> bool:
    """
    @notice Takes what is due, as far as the window allows.
    @return Whether nothing is left to be taken.
    """
    accused: DynArray[uint256, messages.MAX_OPERATORS] = self._accused[dispute]
    dues: DynArray[uint256, messages.MAX_OPERATORS] = self._dues[dispute]
    taken: uint256 = 0
    left: uint256 = 0
    for i: uint256 in range(len(accused), bound=31):
        if dues[i] == 0:
            continue
        got: uint256 = extcall IOracleRegistry(purse.registry).slash(accused[i], dues[i])
        # Another proof may have taken the stake meanwhile; what is not there is not due.
        dues[i] = min(dues[i] - got, (staticcall IOracleRegistry(purse.registry).operator(accused[i])).stake)
        taken += got
        left += dues[i]
    self._dues[dispute] = dues
    self.disputes[dispute].taken += taken
    return left == 0


@internal
def _finish(dispute: uint256, known: Dispute, state: uint256) -> uint256:
    """
    @notice Ends a dispute: pays the site, gives back the bonds of those who were right, shares the others.
    """
    self.disputes[dispute].state = state
    extcall IOracleRegistry(purse.registry).unfreeze(self._accused[dispute])
    if state == UNDECIDED:
        purse._owe(known.posters[0], self._bond(known.tier, 0))
        log DisputeEnded(dispute=dispute, state=state, taken=0, compensation=0)
        return state
    upheld: bool = state == UPHELD
    exchange: address = staticcall IOracleRegistry(purse.registry).exchange()
    compensation: uint256 = min(known.claim, known.taken) if upheld else 0
    if compensation != 0:
        purse._owe(staticcall IEnergyExchange(exchange).owner_of(known.site), compensation)
    reward: uint256 = (known.taken - compensation) // REWARD_SHARE
    lost: uint256 = 0
    right: uint256 = 0
    for round: uint256 in range(known.round + 1, bound=ROUNDS):
        if known.sides[round] == upheld:
            right += self._bond(known.tier, round)
        else:
            lost += self._bond(known.tier, round)
    pot: uint256 = lost + reward  # half goes to who paid for the right side, half to who voted for it
    posters_part: uint256 = pot // 2 if right != 0 else 0
    given: uint256 = 0
    for round: uint256 in range(known.round + 1, bound=ROUNDS):
        if known.sides[round] == upheld:
            bond: uint256 = self._bond(known.tier, round)
            share: uint256 = posters_part * bond // right
            given += share
            purse._owe(known.posters[round], bond + share)
    weight: uint256 = known.support if upheld else known.opposition
    burnt: uint256 = known.taken - compensation - reward
    if weight == 0:  # the appeal was left without votes
        burnt += pot - given
    else:
        self.disputes[dispute].voters_pot = pot - given
        self.disputes[dispute].voters_weight = weight
    log DisputeEnded(dispute=dispute, state=state, taken=known.taken, compensation=compensation)
    purse._burn(burnt)
    return state
